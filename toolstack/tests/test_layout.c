/* SPDX-License-Identifier: MIT */
/*
 * The boot region: order and alignment as <xen/xen.h> prescribes, and page tables that map exactly it.
 */
#include "image.h"
#include "tap.h"

#include "../build/layout.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 4096ull
#define GB_PAGES (1ull << 18)

/* Frames unlike any pfn: contiguous within a run, as superpages are, and no further. */
#define RUN_FACTOR 7
#define RUN_OFFSET 3
#define MFN_OF(pfn) (((pfn) / FRAME_RUN * RUN_FACTOR + RUN_OFFSET) * FRAME_RUN + (pfn) % FRAME_RUN)

static uint64_t pfn_of(uint64_t mfn)
{
    return (mfn / FRAME_RUN - RUN_OFFSET) / RUN_FACTOR * FRAME_RUN + mfn % FRAME_RUN;
}

static struct elf_image kernel(uint64_t virt_base, uint64_t offset, uint64_t size)
{
    struct elf_image image = {
        .virt_base = virt_base, .image_offset = offset, .virt_start = virt_base + offset,
        .virt_end = virt_base + offset + size,
    };

    return image;
}

struct walker {
    const struct boot_layout *layout;
    struct frame_map frames;
    uint64_t (*tables)[512];
};

static struct walker walk_begin(const struct boot_layout *layout)
{
    struct walker w = { .layout = layout, .tables = malloc(layout->nr_tables * PAGE) };

    frame_map_init(&w.frames, layout->nr_pages);
    for (uint64_t pfn = 0; pfn < layout->nr_pages; pfn += FRAME_RUN)
        frame_map_set(&w.frames, pfn, MFN_OF(pfn), FRAME_RUN);
    for (unsigned i = 0; i < layout->nr_tables; i++)
        boot_layout_fill(layout, i, &w.frames, w.tables[i]);
    return w;
}

static void walk_end(struct walker *w)
{
    frame_map_free(&w->frames);
    free(w->tables);
}

/* The index of the table in this frame; nr_tables when there is none. */
static unsigned table_in(const struct boot_layout *l, uint64_t mfn)
{
    uint64_t pfn = pfn_of(mfn), moved = l->p2m.pfn + l->p2m.pages;

    if (MFN_OF(pfn) != mfn)
        return l->nr_tables;
    if (pfn - l->tables.pfn < l->tables.pages)
        return pfn - l->tables.pfn;
    return pfn - moved < l->p2m_frames - l->p2m.pages ? l->tables.pages + (pfn - moved) : l->nr_tables;
}

/* The leaf entry for an address, walking as the CPU does; 0 where nothing is mapped. */
static uint64_t walk(const struct walker *w, uint64_t virt)
{
    uint64_t entry = MFN_OF(w->layout->table[0].pfn) << 12 | 1;

    for (int level = 4; level >= 1; level--) {
        unsigned i = table_in(w->layout, entry >> 12);

        if (!(entry & 1) || i >= w->layout->nr_tables || w->layout->table[i].level != (unsigned)level)
            return 0;
        entry = w->tables[i][virt >> (3 + 9 * level) & 511];
    }
    return entry;
}

static bool maps(const struct walker *w, const struct boot_region *region)
{
    for (uint64_t page = 0; page < region->pages; page++)
        if (walk(w, region->virt + page * PAGE) >> 12 != MFN_OF(region->pfn + page))
            return false;
    return true;
}

/* Every mapping of a page table must be read-only, and everything else writable. */
static bool protects(const struct walker *w, const struct boot_region *region)
{
    for (uint64_t page = 0; page < region->pages; page++) {
        uint64_t entry = walk(w, region->virt + page * PAGE);
        bool table = table_in(w->layout, entry >> 12) < w->layout->nr_tables;

        if (!!(entry & 2) == table)
            return false;
    }
    return true;
}

static uint64_t mapped_pages(const struct walker *w)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < w->layout->nr_tables; i++)
        for (unsigned e = 0; w->layout->table[i].level == 1 && e < 512; e++)
            count += w->tables[i][e] & 1;
    return count;
}

static bool follows(const struct boot_region *a, const struct boot_region *b)
{
    return b->pfn == a->pfn + a->pages && b->virt == a->virt + a->pages * PAGE;
}

static void check_plain(const char *what, const struct elf_image *image, uint64_t nr_pages, uint64_t ramdisk)
{
    struct tn_error err = { "" };
    struct boot_layout l;
    struct walker w;
    uint64_t end;

    if (!ok(boot_layout_plan(&l, image, nr_pages, ramdisk, "d", &err) == 0, "%s: is laid out %s", what,
            err.text))
        return;
    end = l.whole.virt + l.whole.pages * PAGE;
    ok(follows(&l.kernel, &l.ramdisk) && follows(&l.ramdisk, &l.p2m) && follows(&l.p2m, &l.start_info) &&
       follows(&l.start_info, &l.store) && follows(&l.store, &l.console) && follows(&l.console, &l.tables) &&
       follows(&l.tables, &l.stack), "%s: the order is the ABI's", what);
    ok(end % (4 << 20) == 0 &&
       end - (l.stack.virt + PAGE) >= 512 << 10, "%s: padding to a 4 MiB boundary", what);
    ok(l.tables.pages == l.nr_tables, "%s: as many tables as planned", what);
    w = walk_begin(&l);
    ok(maps(&w, &l.whole) &&
       mapped_pages(&w) == l.whole.pages, "%s: the tables map the region, and no more", what);
    ok(protects(&w, &l.whole), "%s: page tables are mapped read-only, all else writable", what);
    walk_end(&w);
    boot_layout_free(&l);
}

static void check_moved_p2m(void)
{
    struct elf_image image = kernel(0xffffffff80000000, 0x1000000, 0x800000);
    struct tn_error err = { "" };
    struct boot_layout l;
    struct walker w;

    image.has_init_p2m = image.mod_start_pfn = true;
    image.init_p2m = 0x8000000000;
    if (!ok(boot_layout_plan(&l, &image, 65536, 5000000, "d", &err) == 0, "moved P2M: is laid out %s",
            err.text))
        return;
    w = walk_begin(&l);
    ok(l.p2m.virt == image.init_p2m && maps(&w, &l.p2m) &&
       maps(&w, &l.whole), "moved P2M: mapped where wanted");
    ok(l.p2m.pfn >= l.whole.pages &&
       l.p2m_frames > l.p2m.pages, "moved P2M: behind the boot region, with its tables");
    ok(l.ramdisk.pfn >= l.p2m.pfn + l.p2m_frames && l.pages_used == l.ramdisk.pfn + l.ramdisk.pages,
       "unmapped RAM disk: behind that");
    ok(protects(&w, &l.whole) && protects(&w, &l.p2m), "moved P2M: protection is right");
    ok(mapped_pages(&w) == l.whole.pages + l.p2m.pages, "moved P2M: nothing else is mapped");
    walk_end(&w);
    boot_layout_free(&l);

    image.init_p2m = 0xffffffff80000000;
    ok(boot_layout_plan(&l, &image, 65536, 0, "d", &err) < 0, "moved P2M: refused on top of the boot region");
}

/* Linux's way, with the list elsewhere, and a plain one, with 1 GB of it in the boot region. */
static void check_largest(void)
{
    struct elf_image linux_like = kernel(0xffffffff80000000, 0x1000000, 0x3a00000);
    struct elf_image plain = kernel(0xffff880000000000, 0x1000000, 0x800000);
    uint64_t nr_pages = 512 * GB_PAGES;
    struct tn_error err = { "" };
    struct boot_layout l;
    struct walker w;

    check_plain("512 GB", &plain, nr_pages, 4000000);
    linux_like.has_init_p2m = linux_like.mod_start_pfn = true;
    linux_like.init_p2m = 0x8000000000;
    if (!ok(boot_layout_plan(&l, &linux_like, nr_pages, 4000000, "d", &err) == 0,
            "512 GB of Linux: laid out %s", err.text))
        return;
    w = walk_begin(&l);
    ok(l.p2m.pages == GB_PAGES && maps(&w, &l.p2m) && maps(&w, &l.whole),
       "512 GB of Linux: 1 GB of list, mapped where wanted");
    ok(l.p2m_frames - l.p2m.pages == 512 + 1 + 1, "512 GB of Linux: by 514 tables of its own");
    ok(protects(&w, &l.whole) && protects(&w, &l.p2m) && mapped_pages(&w) == l.whole.pages + l.p2m.pages,
       "512 GB of Linux: protection is right, and nothing else is mapped");
    ok(l.ramdisk.pfn + l.ramdisk.pages == l.pages_used && l.pages_used < nr_pages,
       "512 GB of Linux: the RAM disk comes last");
    walk_end(&w);
    boot_layout_free(&l);
}

static void check_frames(void)
{
    uint64_t list[FRAME_RUN], nr_pages = 512 * GB_PAGES, pfn;
    struct frame_map map;
    bool right = true;

    if (!ok(frame_map_init(&map, nr_pages), "frames of 512 GB are noted"))
        return;
    for (pfn = 0; pfn < nr_pages; pfn += FRAME_RUN)
        right &= frame_map_set(&map, pfn, MFN_OF(pfn), FRAME_RUN);
    for (pfn = 0; pfn < nr_pages; pfn += 100003)
        right &= frame_of(&map, pfn) == MFN_OF(pfn);
    ok(right && frame_of(&map, nr_pages - 1) == MFN_OF(nr_pages - 1), "and found");
    frame_map_free(&map);

    /* Runs in one piece, in many, and one that the domain's end cuts. */
    frame_map_init(&map, 2 * FRAME_RUN + 100);
    frame_map_set(&map, 0, 5000, FRAME_RUN);
    for (pfn = FRAME_RUN; pfn < map.nr_pages; pfn++)
        frame_map_set(&map, pfn, 9000 - 3 * pfn, 1);
    frame_map_list(&map, 0, list);
    right = list[0] == 5000 && list[FRAME_RUN - 1] == 5000 + FRAME_RUN - 1;
    frame_map_list(&map, 1, list);
    right &= list[7] == 9000 - 3 * (FRAME_RUN + 7);
    frame_map_list(&map, 2, list);
    ok(right && list[99] == 9000 - 3 * (2 * FRAME_RUN + 99) && list[100] == 0 && list[FRAME_RUN - 1] == 0,
       "pages of the P2M list");
    frame_map_free(&map);
}

void test_layout(void)
{
    struct elf_image low = kernel(0, 0x100000, 0x123456), grub = kernel(0, 0, 0x43ddc8);
    struct elf_image linux_like = kernel(0xffffffff80000000, 0x1000000, 0x2000000);
    struct elf_image odd = kernel(0x7fffffe00000, 0x1000, 0x300000),
        top = kernel(0xffffffffff000000, 0, 0x100000);
    struct tn_error err = { "" };
    struct boot_layout l;

    check_plain("small kernel", &low, 4096, 0);
    check_plain("RAM disk", &low, 16384, 20000001);
    check_plain("kernel from page 0", &grub, 16384, 0);
    check_plain("high kernel with a large P2M", &linux_like, 262144, 100);
    check_moved_p2m();
    check_largest();
    check_frames();

    ok(boot_layout_plan(&l, &linux_like, 4096, 0, "d", &err) < 0,
       "a kernel larger than its memory is refused");
    failed_with(err.text, "its memory is 16 MB", "and the line says how much there is");
    tn_clear(&err);
    ok(boot_layout_plan(&l, &low, 4096, 1ull << 40, "d", &err) < 0, "so is a RAM disk larger than memory");
    tn_clear(&err);
    ok(boot_layout_plan(&l, &odd, 4096, 0, "d", &err) < 0, "so is a region that leaves the lower half");
    tn_clear(&err);
    ok(boot_layout_plan(&l, &top, 16384, 30000000, "d", &err) < 0, "so is a region that wraps at the top");
}
