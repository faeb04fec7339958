/* SPDX-License-Identifier: MIT */
/*
 * A domain's memory while it is built: its frames, written through a foreign mapping of a few of them at a
 * time. Addresses are guest-physical: page number times the page size.
 */
#ifndef TOOLSTACK_GUEST_MEMORY_H
#define TOOLSTACK_GUEST_MEMORY_H

#include "frame_map.h"

#include "../lib/error.h"
#include "../lib/port.h"

/* Frames mapped at a time. */
#define GUEST_WINDOW 32u

struct guest_memory {
    domid_t domid;
    const char *domain;         /* its name, in failure lines */
    struct frame_map frames;
    uint64_t window_pfn, window_pages;
    uint8_t *window;            /* NULL: nothing is mapped */
};

/* The page, mapped until another one is asked for; NULL with the line. [waits] */
void *guest_page(struct guest_memory *memory, uint64_t pfn, struct tn_error *err);

/* All within the domain's memory. 0, or -1 with the line. [waits] */
int guest_write(struct guest_memory *memory, uint64_t address, const void *bytes, size_t count,
                struct tn_error *err);
int guest_zero(struct guest_memory *memory, uint64_t address, uint64_t count, struct tn_error *err);

/* Nothing is mapped any more. To be called before page tables are pinned. */
void guest_unmap(struct guest_memory *memory);

#endif
