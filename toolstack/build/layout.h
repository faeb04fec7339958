/* SPDX-License-Identifier: MIT */
/*
 * Where everything of a fresh PV domain lies: the boot region that <xen/xen.h> prescribes (kernel, RAM disk,
 * P2M list, start_info, store page, console page, page tables, boot stack, padding to a 4 MiB boundary with
 * at least 512 KiB of it) and the page tables that map it. Pure code: frames are pseudo-physical numbers
 * (pfns) here, and become machine frames only when a table's contents are asked for.
 */
#ifndef TOOLSTACK_LAYOUT_H
#define TOOLSTACK_LAYOUT_H

#include "elf_image.h"
#include "frame_map.h"

#define XEN_PFN_NONE UINT64_MAX

/* A run of pfns mapped at a virtual address. */
struct boot_region {
    uint64_t virt;
    uint64_t pfn;
    uint64_t pages;
};

/*
 * One page table: level 4 is the root, level 1 holds the leaves. `virt` is the first address that it covers.
 */
struct boot_table {
    unsigned level;
    uint64_t virt;
    uint64_t pfn;
};

struct boot_layout {
    uint64_t nr_pages;              /* memory of the domain */
    struct boot_region kernel, ramdisk, p2m, start_info, store, console, tables, stack;
    struct boot_region whole;       /* the boot region, from pfn 0 */
    uint64_t p2m_frames;            /* p2m and, where INIT_P2M moves it, the tables that map it */
    unsigned nr_tables;             /* all tables; the first is the root */
    struct boot_table *table;
    uint64_t pages_used;            /* pfns at and above this are untouched by the builder */
};

/*
 * Lay out a domain of `nr_pages` pages with this kernel and a RAM disk of `ramdisk_size` bytes (0: none).
 * Fails with a line when the memory is too small or the addresses do not work out; then nothing is held.
 * Success: call boot_layout_free() afterwards.
 */
int boot_layout_plan(struct boot_layout *layout, const struct elf_image *image, uint64_t nr_pages,
                     uint64_t ramdisk_size, const char *name, struct tn_error *err);
void boot_layout_free(struct boot_layout *layout);

/* The 512 entries of table `index`. */
void boot_layout_fill(const struct boot_layout *layout, unsigned index, const struct frame_map *frames,
                      uint64_t *entries);

#endif
