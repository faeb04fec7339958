/* SPDX-License-Identifier: MIT */
/*
 * The heap below malloc: one growing range of addresses with pages behind it.
 * It gives pages back when malloc trims its top.
 */
#include <minios/mm.h>

#include "internal.h"

/* Pages mapped ahead in one go, where memory allows. */
#define HEAP_STEP 16

static uintptr_t heap_break = HEAP_START;   /* what malloc was given */
static uintptr_t heap_mapped = HEAP_START;  /* what has pages; >= heap_break */

static bool heap_grow(uintptr_t to)
{
    size_t pages = PFN_UP(to - heap_mapped);
    size_t rounded = (pages + HEAP_STEP - 1) / HEAP_STEP * HEAP_STEP;

    if (map_own_pages(heap_mapped, rounded)) {
        heap_mapped += rounded * PAGE_SIZE;
        return true;
    }
    if (pages < rounded && map_own_pages(heap_mapped, pages)) {
        heap_mapped += pages * PAGE_SIZE;
        return true;
    }
    return false;
}

/* Move the break by delta and return its old place, or NULL when memory or addresses are short. */
void *heap_extend(ptrdiff_t delta)
{
    uintptr_t old = heap_break;
    uintptr_t wanted = old + delta;

    if (delta > 0 && (wanted < old || wanted > HEAP_END)) {
        return NULL;
    }
    if (delta < 0 && (wanted > old || wanted < HEAP_START)) {
        return NULL;
    }
    if (wanted > heap_mapped && !heap_grow(wanted)) {
        return NULL;
    }
    if (delta < 0) {
        uintptr_t keep = (wanted + PAGE_SIZE - 1) & PAGE_MASK;

        unmap_own_pages(keep, PFN_DOWN(heap_mapped - keep));
        heap_mapped = keep;
    }
    heap_break = wanted;
    return (void *)old;
}
