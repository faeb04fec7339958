/* SPDX-License-Identifier: MIT */
/*
 * The page allocator. Pages are handed out one at a time: freed ones first, then
 * those below the image, then those behind what the domain builder placed. The
 * direct map reaches only as far as pages were needed so far, and is extended 2 MB at a time, so
 * that a large domain starts as fast as a small one.
 */
#include <string.h>

#include <minios/kernel.h>
#include <minios/mm.h>

#include "internal.h"

/* A free page holds the link to the next. */
struct free_page {
    struct free_page *next;
};

/*
 * Mapped pages held back while the direct map can still grow: growing by 2 MB takes at most one table of
 * each level below the top.
 */
#define GROWTH_RESERVE 4

static struct {
    struct free_page *list;
    size_t listed;
    unsigned long low_next, low_end;        /* never used yet, below the image */
    unsigned long fresh_next, mapped_end;   /* never used yet, behind the boot-time data */
} pages;

void pages_init(const struct boot_layout *layout)
{
    pages.low_next = 1;
    pages.low_end = layout->first_pfn;
    pages.fresh_next = layout->end_pfn;
    pages.mapped_end = layout->mapped_pfn;
}

unsigned long pages_mapped_end(void)
{
    return pages.mapped_end;
}

size_t mm_total_pages(void)
{
    return start_info->nr_pages;
}

static size_t mapped_free(void)
{
    return pages.listed + (pages.low_end - pages.low_next) + (pages.mapped_end - pages.fresh_next);
}

size_t mm_free_pages(void)
{
    return mapped_free() + (start_info->nr_pages - pages.mapped_end);
}

void *page_take_mapped(void)
{
    if (pages.list) {
        struct free_page *page = pages.list;

        pages.list = page->next;
        pages.listed--;
        return page;
    }
    if (pages.low_next < pages.low_end) {
        return (void *)(pages.low_next++ << PAGE_SHIFT);
    }
    if (pages.fresh_next < pages.mapped_end) {
        return (void *)(pages.fresh_next++ << PAGE_SHIFT);
    }
    return NULL;
}

void *alloc_page(void)
{
    if (mapped_free() <= GROWTH_RESERVE && pages.mapped_end < start_info->nr_pages) {
        direct_map_extend(&pages.mapped_end);
    }
    return page_take_mapped();
}

void *alloc_zeroed_page(void)
{
    void *page = alloc_page();

    return page ? memset(page, 0, PAGE_SIZE) : NULL;
}

void free_page(void *va)
{
    struct free_page *page = va;
    uintptr_t addr = (uintptr_t)va;

    if (!addr || (addr & ~PAGE_MASK) || PFN_DOWN(addr) >= pages.mapped_end) {
        kernel_panic("free_page: %p is no page of the direct map", va);
    }
    page->next = pages.list;
    pages.list = page;
    pages.listed++;
}
