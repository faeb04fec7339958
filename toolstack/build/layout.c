/* SPDX-License-Identifier: MIT */
/*
 * The boot region of a PV domain. The number of page tables depends on the region's size and the other way
 * round, so the plan is repeated until it is stable; it only grows, and is bounded by the domain's memory.
 */
#include "layout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ull << PAGE_SHIFT)
#define REGION_ALIGN (4ull << 20)
#define REGION_PADDING (512ull << 10)
#define ENTRIES 512u

#define PTE_PRESENT  0x001u
#define PTE_WRITABLE 0x002u
#define PTE_USER     0x004u
#define PTE_ACCESSED 0x020u
#define PTE_DIRTY    0x040u

static uint64_t pages_of(uint64_t bytes)
{
    return (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* Address bits that one table of this level covers. */
static unsigned table_shift(unsigned level)
{
    return PAGE_SHIFT + 9 * level;
}

static const struct boot_table *find_table(const struct boot_layout *layout, unsigned level, uint64_t virt)
{
    for (unsigned i = 0; i < layout->nr_tables; i++)
        if (layout->table[i].level == level && layout->table[i].virt == virt)
            return &layout->table[i];
    return NULL;
}

/*
 * Add the tables that `region` needs and that are not planned yet, with pfns from `pfn` on. Returns their
 * number, or -1 when memory for the plan ran out.
 */
static int64_t add_tables(struct boot_layout *layout, const struct boot_region *region, uint64_t pfn)
{
    uint64_t last = region->virt + region->pages * PAGE_SIZE - 1;
    int64_t added = 0;

    for (unsigned level = 4; level >= 1; level--) {
        /* One root covers everything; the shift of level 4 would drop the sign extension. */
        uint64_t mask = level == 4 ? 0 : ~((1ull << table_shift(level)) - 1);
        uint64_t step = level == 4 ? 0 : 1ull << table_shift(level);
        uint64_t virt = region->virt & mask;

        for (;; virt += step) {
            if (!find_table(layout, level, virt)) {
                if ((layout->nr_tables & (layout->nr_tables - 1)) == 0) {
                    size_t room = layout->nr_tables ? 2 * (size_t)layout->nr_tables : 1;
                    struct boot_table *table = realloc(layout->table, room * sizeof(*table));

                    if (!table)
                        return -1;
                    layout->table = table;
                }
                layout->table[layout->nr_tables++] = (struct boot_table){ level, virt, pfn + added };
                added++;
            }
            if (virt == (last & mask))
                break;
        }
    }
    return added;
}

/* Take `pages` pages at the cursor. */
static struct boot_region take(struct boot_region *whole, uint64_t pages)
{
    struct boot_region region = { whole->virt + whole->pages * PAGE_SIZE, whole->pfn + whole->pages, pages };

    whole->pages += pages;
    return region;
}

/* Everything up to the end of the boot region, for a given number of its page tables. */
static void place(struct boot_layout *layout, const struct elf_image *image, uint64_t ramdisk_pages,
                  uint64_t p2m_pages, uint64_t nr_tables)
{
    struct boot_region *whole = &layout->whole;
    uint64_t end;

    *whole = (struct boot_region){ image->virt_base, 0, image->image_offset >> PAGE_SHIFT };
    layout->kernel = take(whole, pages_of(image->virt_end - image->virt_base) - whole->pages);
    if (!image->mod_start_pfn)
        layout->ramdisk = take(whole, ramdisk_pages);
    if (!image->has_init_p2m)
        layout->p2m = take(whole, p2m_pages);
    layout->start_info = take(whole, 1);
    layout->store = take(whole, 1);
    layout->console = take(whole, 1);
    layout->tables = take(whole, nr_tables);
    layout->stack = take(whole, 1);
    end = whole->virt + whole->pages * PAGE_SIZE + REGION_PADDING;
    end = (end + REGION_ALIGN - 1) & ~(REGION_ALIGN - 1);
    whole->pages = (end - whole->virt) >> PAGE_SHIFT;
}

static int too_small(const char *name, uint64_t needed, uint64_t nr_pages, struct tn_error *err)
{
    return tn_fail(err, "domain %s: its kernel and RAM disk need %" PRIu64 " MB, its memory is %" PRIu64
                        " MB: raise memory=", name, (needed + 255) >> 8, nr_pages >> 8);
}

int boot_layout_plan(struct boot_layout *layout, const struct elf_image *image, uint64_t nr_pages,
                     uint64_t ramdisk_size, const char *name, struct tn_error *err)
{
    uint64_t ramdisk_pages = pages_of(ramdisk_size), p2m_pages = pages_of(nr_pages * sizeof(uint64_t));
    uint64_t fixed = pages_of(image->virt_end - image->virt_base) + ramdisk_pages + p2m_pages;
    int64_t wanted = 4, given, extra = 0;

    memset(layout, 0, sizeof(*layout));
    layout->nr_pages = nr_pages;
    layout->ramdisk.pfn = XEN_PFN_NONE;
    if (fixed > nr_pages)
        return too_small(name, fixed, nr_pages, err);
    do {
        given = wanted;
        place(layout, image, ramdisk_pages, p2m_pages, given);
        if (layout->whole.pages > nr_pages)
            return too_small(name, layout->whole.pages, nr_pages, err);
        if (!guest_addresses_ok(layout->whole.virt, layout->whole.pages * PAGE_SIZE))
            return tn_fail(err, "domain %s: its kernel lies so high that the boot region passes the end of"
                                " the address space", name);
        boot_layout_free(layout);
        wanted = add_tables(layout, &layout->whole, layout->tables.pfn);
        if (wanted < 0)
            goto no_memory;
    } while (wanted > given);
    layout->pages_used = layout->whole.pages;

    if (image->has_init_p2m) {
        layout->p2m = (struct boot_region){ image->init_p2m, layout->pages_used, p2m_pages };
        if (!guest_addresses_ok(image->init_p2m, p2m_pages * PAGE_SIZE) ||
            (image->init_p2m - layout->whole.virt < layout->whole.pages * PAGE_SIZE) ||
            (layout->whole.virt - image->init_p2m < p2m_pages * PAGE_SIZE)) {
            boot_layout_free(layout);
            return tn_fail(err, "domain %s: INIT_P2M 0x%" PRIx64 " of its kernel collides with the boot"
                                " region", name, image->init_p2m);
        }
        extra = add_tables(layout, &layout->p2m, layout->pages_used + p2m_pages);
        if (extra < 0)
            goto no_memory;
        layout->pages_used += p2m_pages + extra;
    }
    layout->p2m_frames = p2m_pages + extra;
    if (image->mod_start_pfn && ramdisk_pages) {
        layout->ramdisk = (struct boot_region){ 0, layout->pages_used, ramdisk_pages };
        layout->pages_used += ramdisk_pages;
    }
    if (layout->pages_used > nr_pages) {
        boot_layout_free(layout);
        return too_small(name, layout->pages_used, nr_pages, err);
    }
    return 0;

no_memory:
    boot_layout_free(layout);
    return tn_fail(err, "domain %s: no memory left to plan its page tables", name);
}

void boot_layout_free(struct boot_layout *layout)
{
    free(layout->table);
    layout->table = NULL;
    layout->nr_tables = 0;
}

/* A page table may be mapped read-only only. */
static bool is_table(const struct boot_layout *layout, uint64_t pfn)
{
    uint64_t moved = layout->p2m.pfn + layout->p2m.pages;

    if (pfn - layout->tables.pfn < layout->tables.pages)
        return true;
    return layout->p2m.pfn >= layout->whole.pages && pfn - moved < layout->p2m_frames - layout->p2m.pages;
}

/* Without PTE_USER it is the kernel's own, which the hypervisor keeps apart from user mode's (no PTE_GLOBAL). */
static uint64_t leaf(const struct boot_layout *layout, uint64_t virt, const struct frame_map *frames)
{
    const struct boot_region *regions[] = { &layout->whole, &layout->p2m };

    for (unsigned i = 0; i < 2; i++) {
        uint64_t offset = virt - regions[i]->virt, pfn;

        if (offset >= regions[i]->pages * PAGE_SIZE)
            continue;
        pfn = regions[i]->pfn + (offset >> PAGE_SHIFT);
        return frame_of(frames, pfn) << PAGE_SHIFT | PTE_PRESENT | PTE_ACCESSED |
               (is_table(layout, pfn) ? 0 : PTE_WRITABLE);
    }
    return 0;
}

void boot_layout_fill(const struct boot_layout *layout, unsigned index, const struct frame_map *frames,
                      uint64_t *entries)
{
    const struct boot_table *table = &layout->table[index];

    memset(entries, 0, ENTRIES * sizeof(*entries));
    if (table->level == 1) {
        for (unsigned i = 0; i < ENTRIES; i++)
            entries[i] = leaf(layout, table->virt + i * PAGE_SIZE, frames);
        return;
    }
    /* Enter each table of the level below that lies within this one. */
    for (unsigned i = 0; i < layout->nr_tables; i++) {
        const struct boot_table *child = &layout->table[i];

        if (child->level != table->level - 1)
            continue;
        if (table->level < 4 &&
            child->virt >> table_shift(table->level) != table->virt >> table_shift(table->level))
            continue;
        entries[child->virt >> table_shift(child->level) & (ENTRIES - 1)] =
            frame_of(frames, child->pfn) << PAGE_SHIFT | PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_ACCESSED |
            PTE_DIRTY;
    }
}
