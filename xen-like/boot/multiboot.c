/* SPDX-License-Identifier: MIT */
/*
 * Reads what a multiboot1 or multiboot2 loader left, and copies it out. The loader is trusted, but its
 * structures are walked with bounds, so that a broken one is named instead of followed.
 */
#include "boot/multiboot.h"

#include "boot/info.h"
#include "mm/frame.h"

/* A tag with a copy of the RSDP of ACPI 1.0, or of a later one. */
#define RSDP_OLD_SIZE       (sizeof(struct mb2_tag) + 20)
#define RSDP_NEW_SIZE       (sizeof(struct mb2_tag) + 36)

struct boot_info boot_info;

static char module_text[4096];          /* the modules' command lines, one after the other */
static size_t module_text_used;

static void *phys(u64 address) { return maddr_to_virt(MADDR(address)); }

static void set_loader_name(const char *name)
{
    strlcpy(boot_info.loader_name, *name ? name : "a multiboot loader", sizeof(boot_info.loader_name));
}

/*
 * GRUB 2 passes arguments alone; other loaders put the file's name before them, up to the first blank. The
 * loader's name must be known by then.
 */
static const char *skip_file_name(const char *line)
{
    if (!strncmp(boot_info.loader_name, "GRUB 2", 6))
        return line;
    while (*line && *line != ' ')
        line++;
    while (*line == ' ')
        line++;
    return line;
}

static void set_cmdline(const char *line)
{
    size_t room = sizeof(boot_info.cmdline);

    if (strlcpy(boot_info.cmdline, skip_file_name(line), room) >= room)
        log_warn("The command line is cut after %zu characters\n", room - 1);
}

static void add_module(u64 start, u64 end, const char *line)
{
    char *text = module_text + module_text_used;
    size_t room = sizeof(module_text) - module_text_used;

    if (boot_info.nr_modules == MODULES_MAX) {
        boot_info.nr_modules_ignored++;
        return;
    }
    size_t n = strlcpy(text, skip_file_name(line), room);
    if (n >= room)
        panic("the modules' command lines are longer than %zu characters together", sizeof(module_text));
    boot_info.module[boot_info.nr_modules++] = (struct boot_module){ start, end, text };
    module_text_used += n + 1;
}

static void no_map(void) { panic("the boot loader gives no memory map; use one that does, as GRUB 2"); }

/* --- 1 --- */

/* The text at an address that is there if the loader says so, else "". */
static const char *mb1_text(bool there, u32 address) { return there ? phys(address) : ""; }

static void parse_mb1(u32 address)
{
    const struct mb1_info *info = phys(address);
    const struct mb1_module *modules = phys(info->mods_addr);

    set_loader_name(mb1_text(info->flags & MB1_HAS_LOADER_NAME, info->loader_name));
    set_cmdline(mb1_text(info->flags & MB1_HAS_CMDLINE, info->cmdline));
    for (u32 i = 0; (info->flags & MB1_HAS_MODULES) && i < info->mods_count; i++)
        add_module(modules[i].start, modules[i].end, mb1_text(modules[i].cmdline, modules[i].cmdline));
    if (!(info->flags & MB1_HAS_MAP))
        no_map();
    for (u64 at = 0; at + sizeof(struct mb1_map_entry) <= info->mmap_length;) {
        const struct mb1_map_entry *e = phys(info->mmap_addr + at);

        if (e->size + sizeof(e->size) < sizeof(*e))
            panic("the boot loader's memory map has an entry of %u bytes: it is damaged", e->size);
        memory_map_add(e->addr, e->len, e->type);
        at += e->size + sizeof(e->size);
    }
    /* Without word of a framebuffer the loader left the screen as the BIOS did. */
    boot_info.text_screen = !(info->flags & MB1_HAS_FRAMEBUFFER) ||
                            info->framebuffer_type == FRAMEBUFFER_TEXT;
    boot_info.loader_info = (struct mem_range){ address, address + sizeof(*info), 0 };
}

/* --- 2 --- */

/* The first tag of a type that has at least size bytes, or the next one after `after`; NULL: none. */
static const void *find_tag(const struct mb2_info *info, u32 type, size_t size, const void *after)
{
    const char *at = (const char *)(info + 1), *end = (const char *)info + info->total_size;

    while (at + sizeof(struct mb2_tag) <= end) {
        const struct mb2_tag *tag = (const struct mb2_tag *)at;

        if (tag->type == MB2_TAG_END || tag->size < sizeof(*tag) || tag->size > (size_t)(end - at))
            break;
        if (tag->type == type && tag->size >= size && (!after || at > (const char *)after))
            return tag;
        at += ALIGN_UP(tag->size, 8u);
    }
    return NULL;
}

/* The text from offset to the end of the tag; "" where there is no tag, or no zero ends it there. */
static const char *tag_text(const struct mb2_tag *tag, size_t offset)
{
    const char *text = (const char *)tag + offset;

    return tag && memchr(text, 0, tag->size - offset) ? text : "";
}

/* Entry i of a map, at least size bytes of it; NULL behind the last one, or where there is no map. */
static const void *map_entry(const struct mb2_tag_map *map, u64 i, size_t size)
{
    if (!map || map->entry_size < size || sizeof(*map) + (i + 1) * map->entry_size > map->tag.size)
        return NULL;
    return (const char *)(map + 1) + i * map->entry_size;
}

static void parse_map(const struct mb2_tag_map *map)
{
    const struct mb2_map_entry *e;

    for (u64 i = 0; (e = map_entry(map, i, sizeof(*e))); i++)
        memory_map_add(e->addr, e->len, e->type);
}

/* What the EFI map says beyond the plain one: nothing that it calls other than free may be used. */
static void parse_efi_map(const struct mb2_tag_map *map, bool only_map)
{
    /* Loader's and boot services' memory (1 to 4) is free once those are gone, as conventional memory (7) is. */
    static const u8 types[] = { [1] = MEM_RAM, MEM_RAM, MEM_RAM, MEM_RAM, [7] = MEM_RAM, [8] = MEM_UNUSABLE,
                                [9] = MEM_ACPI_DATA, [10] = MEM_ACPI_NVS };
    const struct efi_memory_descriptor *d;

    for (u64 i = 0; (d = map_entry(map, i, sizeof(*d))); i++) {
        u32 type = d->type < ARRAY_SIZE(types) && types[d->type] ? types[d->type] : MEM_RESERVED;

        if (d->pages <= UINT64_MAX >> PAGE_SHIFT && (type != MEM_RAM || only_map))
            memory_map_add(d->start, d->pages << PAGE_SHIFT, type);
    }
}

static void parse_mb2(u32 address)
{
    const struct mb2_info *info = phys(address);
    const struct mb2_tag_map *map = find_tag(info, MB2_TAG_MAP, sizeof(*map), NULL);
    const struct mb2_tag_map *efi_map = find_tag(info, MB2_TAG_EFI_MAP, sizeof(*efi_map), NULL);
    const struct mb2_tag_efi64 *efi = find_tag(info, MB2_TAG_EFI64, sizeof(*efi), NULL);
    const struct mb2_tag_framebuffer *screen = find_tag(info, MB2_TAG_FRAMEBUFFER, sizeof(*screen), NULL);
    const struct mb2_tag *rsdp = find_tag(info, MB2_TAG_ACPI_NEW, RSDP_NEW_SIZE, NULL)
                                 ?: find_tag(info, MB2_TAG_ACPI_OLD, RSDP_OLD_SIZE, NULL);
    const struct mb2_tag_module *m = NULL;

    set_loader_name(tag_text(find_tag(info, MB2_TAG_LOADER_NAME, 0, NULL), sizeof(struct mb2_tag)));
    set_cmdline(tag_text(find_tag(info, MB2_TAG_CMDLINE, 0, NULL), sizeof(struct mb2_tag)));
    while ((m = find_tag(info, MB2_TAG_MODULE, sizeof(*m), m)))
        add_module(m->start, m->end, tag_text(&m->tag, sizeof(*m)));
    if (!map && !efi_map)
        no_map();
    parse_map(map);
    parse_efi_map(efi_map, !map);
    boot_info.rsdp_copy = rsdp ? (u64)(rsdp + 1) - DIRECT_MAP_START : 0;
    boot_info.efi_system_table = efi ? efi->system_table : 0;
    boot_info.text_screen = screen && screen->type == FRAMEBUFFER_TEXT;
    boot_info.loader_info = (struct mem_range){ address, address + info->total_size, 0 };
}

void boot_info_parse(u32 magic, u32 info_address)
{
    if (magic == MB1_LOADER_MAGIC)
        parse_mb1(info_address);
    else
        parse_mb2(info_address);
}
