/* SPDX-License-Identifier: MIT */
/*
 * Reads what a multiboot1 or multiboot2 loader left, and copies it out. The loader is trusted, but its
 * structures are walked with bounds, so that a broken one is named instead of followed.
 */
#include "boot/multiboot.h"

#include "boot/info.h"
#include "mm/frame.h"

#define EFI_CONVENTIONAL    7
#define EFI_ACPI_RECLAIM    9
#define EFI_ACPI_NVS        10
#define EFI_UNUSABLE        8

/* A tag with a copy of the RSDP of ACPI 1.0, or of a later one. */
#define RSDP_OLD_SIZE       (sizeof(struct mb2_tag) + 20)
#define RSDP_NEW_SIZE       (sizeof(struct mb2_tag) + 36)

struct boot_info boot_info;

static char module_text[4096];          /* the modules' command lines, one after the other */
static size_t module_text_used;
static char loader_name[64];

static void *phys(u64 address) { return maddr_to_virt(MADDR(address)); }

/*
 * GRUB 2 passes arguments alone; other loaders put the file's name before them, up to the first blank. The
 * loader's name must be known by then.
 */
static const char *skip_file_name(const char *line)
{
    if (!strncmp(loader_name, "GRUB 2", 6))
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
    size_t room = sizeof(module_text) - module_text_used, n;
    struct boot_module *m = &boot_info.module[boot_info.nr_modules];

    if (boot_info.nr_modules == MODULES_MAX) {
        boot_info.nr_modules_ignored++;
        return;
    }
    line = skip_file_name(line);
    n = strlen(line);
    if (n >= room)
        panic("the modules' command lines are longer than %zu characters together", sizeof(module_text));
    strlcpy(module_text + module_text_used, line, room);
    *m = (struct boot_module){ start, end, module_text + module_text_used };
    module_text_used += n + 1;
    boot_info.nr_modules++;
}

/* --- 1 --- */

static void parse_mb1(u32 address)
{
    const struct mb1_info *info = phys(address);
    const struct mb1_module *modules = phys(info->mods_addr);

    if (info->flags & MB1_HAS_LOADER_NAME)
        strlcpy(loader_name, phys(info->loader_name), sizeof(loader_name));
    if (info->flags & MB1_HAS_CMDLINE)
        set_cmdline(phys(info->cmdline));
    if (info->flags & MB1_HAS_MODULES)
        for (u32 i = 0; i < info->mods_count; i++)
            add_module(modules[i].start, modules[i].end, modules[i].cmdline ? phys(modules[i].cmdline) : "");
    if (!(info->flags & MB1_HAS_MAP))
        panic("the boot loader gives no memory map; use one that does, as GRUB 2");
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

/* What the EFI map says beyond the plain one: nothing that it calls other than free may be used. */
static void parse_efi_map(const struct mb2_tag_efi_map *map, bool only_map)
{
    const char *at = (const char *)(map + 1), *end = (const char *)map + map->tag.size;

    if (map->entry_size < sizeof(struct efi_memory_descriptor))
        return;
    for (; at + map->entry_size <= end; at += map->entry_size) {
        const struct efi_memory_descriptor *d = (const struct efi_memory_descriptor *)at;
        /* Loader's and boot services' memory (1 to 4) is free once those are gone. */
        bool ram = (d->type >= 1 && d->type <= 4) || d->type == EFI_CONVENTIONAL;
        u32 type = ram ? 1 : d->type == EFI_ACPI_RECLAIM ? 3 : d->type == EFI_ACPI_NVS ? 4 :
                   d->type == EFI_UNUSABLE ? 5 : 2;

        if (d->pages > UINT64_MAX >> PAGE_SHIFT || (ram && !only_map))
            continue;
        memory_map_add(d->start, d->pages << PAGE_SHIFT, type);
    }
}

static void parse_map(const struct mb2_tag_map *map)
{
    const char *at = (const char *)(map + 1), *end = (const char *)map + map->tag.size;

    if (map->entry_size < sizeof(struct mb2_map_entry))
        return;
    for (; at + map->entry_size <= end; at += map->entry_size) {
        const struct mb2_map_entry *e = (const struct mb2_map_entry *)at;

        memory_map_add(e->addr, e->len, e->type);
    }
}

/* The first tag of a type that has at least size bytes, or the next one after `after`. */
static const struct mb2_tag *find_tag(const struct mb2_info *info, u32 type, size_t size,
                                      const struct mb2_tag *after)
{
    const char *start = (const char *)info, *at = start + sizeof(*info), *end = start + info->total_size;

    while (at + sizeof(struct mb2_tag) <= end) {
        const struct mb2_tag *tag = (const struct mb2_tag *)at;

        if (tag->type == MB2_TAG_END || tag->size < sizeof(*tag) || tag->size > (size_t)(end - at))
            break;
        if (tag->type == type && tag->size >= size && (!after || tag > after))
            return tag;
        at += ALIGN_UP(tag->size, 8u);
    }
    return NULL;
}

/* The text from offset to the end of the tag; "" where no zero ends it there. */
static const char *tag_text(const struct mb2_tag *tag, size_t offset)
{
    const char *text = (const char *)tag + offset;

    return memchr(text, 0, tag->size - offset) ? text : "";
}

static void parse_mb2(u32 address)
{
    const struct mb2_info *info = phys(address);
    const struct mb2_tag *tag, *map, *efi_map;

    if ((tag = find_tag(info, MB2_TAG_LOADER_NAME, sizeof(*tag), NULL)))
        strlcpy(loader_name, tag_text(tag, sizeof(*tag)), sizeof(loader_name));
    if ((tag = find_tag(info, MB2_TAG_CMDLINE, sizeof(*tag), NULL)))
        set_cmdline(tag_text(tag, sizeof(*tag)));
    for (tag = NULL; (tag = find_tag(info, MB2_TAG_MODULE, sizeof(struct mb2_tag_module), tag));) {
        const struct mb2_tag_module *m = (const struct mb2_tag_module *)tag;

        add_module(m->start, m->end, tag_text(tag, sizeof(*m)));
    }
    map = find_tag(info, MB2_TAG_MAP, sizeof(struct mb2_tag_map), NULL);
    efi_map = find_tag(info, MB2_TAG_EFI_MAP, sizeof(struct mb2_tag_efi_map), NULL);
    if (!map && !efi_map)
        panic("the boot loader gives no memory map; use one that does, as GRUB 2");
    if (map)
        parse_map((const struct mb2_tag_map *)map);
    if (efi_map)
        parse_efi_map((const struct mb2_tag_efi_map *)efi_map, !map);
    if ((tag = find_tag(info, MB2_TAG_ACPI_NEW, RSDP_NEW_SIZE, NULL)) ||
        (tag = find_tag(info, MB2_TAG_ACPI_OLD, RSDP_OLD_SIZE, NULL)))
        boot_info.rsdp_copy = (u64)(tag + 1) - DIRECT_MAP_START;
    if ((tag = find_tag(info, MB2_TAG_EFI64, sizeof(struct mb2_tag_efi64), NULL)))
        boot_info.efi_system_table = ((const struct mb2_tag_efi64 *)tag)->system_table;
    tag = find_tag(info, MB2_TAG_FRAMEBUFFER, sizeof(struct mb2_tag_framebuffer), NULL);
    boot_info.text_screen = tag && ((const struct mb2_tag_framebuffer *)tag)->type == FRAMEBUFFER_TEXT;
    boot_info.loader_info = (struct mem_range){ address, address + info->total_size, 0 };
}

void boot_info_parse(u32 magic, u32 info_address)
{
    if (magic == MB1_LOADER_MAGIC)
        parse_mb1(info_address);
    else
        parse_mb2(info_address);
    boot_info.loader_name = loader_name[0] ? loader_name : "a multiboot loader";
}
