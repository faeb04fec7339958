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
#define MFN_OF(pfn) ((pfn) * 7 + 1000)       /* unlike any pfn */

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
    for (uint64_t pfn = 0; pfn < layout->nr_pages; pfn++)
        frame_map_set(&w.frames, pfn, MFN_OF(pfn), 1);
    for (unsigned i = 0; i < layout->nr_tables; i++)
        boot_layout_fill(layout, i, &w.frames, w.tables[i]);
    return w;
}

static void walk_end(struct walker *w)
{
    frame_map_free(&w->frames);
    free(w->tables);
}

/* The leaf entry for an address, walking as the CPU does; 0 where nothing is mapped. */
static uint64_t walk(const struct walker *w, uint64_t virt)
{
    uint64_t entry = MFN_OF(w->layout->table[0].pfn) << 12 | 1;

    for (int level = 4; level >= 1; level--) {
        uint64_t mfn = entry >> 12;
        unsigned i = 0;

        if (!(entry & 1))
            return 0;
        while (i < w->layout->nr_tables && MFN_OF(w->layout->table[i].pfn) != mfn)
            i++;
        if (i == w->layout->nr_tables || w->layout->table[i].level != (unsigned)level)
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
        bool table = false;

        for (unsigned i = 0; i < w->layout->nr_tables; i++)
            table |= entry >> 12 == MFN_OF(w->layout->table[i].pfn);
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
