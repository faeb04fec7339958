/* SPDX-License-Identifier: MIT */
/*
 * Address space of the mapping region: a sorted list of free ranges, first fit.
 * One page behind every allocation stays unmapped as a guard.
 */
#include <minios/kernel.h>
#include <minios/mm.h>

#include "internal.h"

struct range {
    uintptr_t start, end;
    struct range *next;
};

/* The first page of the region guards the first allocation from below. */
static struct range all = { .start = MAP_START + PAGE_SIZE, .end = MAP_END };
static struct range *ranges = &all;
static struct range *spare;

static struct range *range_node(void)
{
    struct range *node;

    if (!spare) {
        struct range *page = alloc_page();

        for (size_t i = 0; page && i < PAGE_SIZE / sizeof(*page); i++) {
            page[i].next = spare;
            spare = &page[i];
        }
    }
    node = spare;
    if (node) {
        spare = node->next;
    }
    return node;
}

uintptr_t range_alloc(size_t pages)
{
    size_t bytes = (pages + 1) * PAGE_SIZE;

    if (!pages || pages >= (MAP_END - MAP_START) / PAGE_SIZE) {
        return 0;
    }
    for (struct range **link = &ranges; *link; link = &(*link)->next) {
        struct range *r = *link;
        uintptr_t va = r->start;

        if (r->end - r->start < bytes) {
            continue;
        }
        r->start += bytes;
        if (r->start == r->end) {
            *link = r->next;
            r->next = spare;
            spare = r;
        }
        return va;
    }
    return 0;
}

void range_free(uintptr_t va, size_t pages)
{
    uintptr_t end = va + (pages + 1) * PAGE_SIZE;
    struct range **link = &ranges, *prev = NULL, *node;

    while (*link && (*link)->start < va) {
        prev = *link;
        link = &prev->next;
    }
    if ((prev && prev->end > va) || (*link && (*link)->start < end)) {
        kernel_panic("address range %lx of %zu pages is freed twice", va, pages);
    }
    if (prev && prev->end == va) {
        prev->end = end;
        if (*link && (*link)->start == end) {
            node = *link;
            prev->end = node->end;
            prev->next = node->next;
            node->next = spare;
            spare = node;
        }
    } else if (*link && (*link)->start == end) {
        (*link)->start = va;
    } else if ((node = range_node())) {
        /* Without memory for a node the addresses are lost, and nothing else. */
        node->start = va;
        node->end = end;
        node->next = *link;
        *link = node;
    }
}
