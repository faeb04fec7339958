/* SPDX-License-Identifier: MIT */
/*
 * Console ring access. Ordering: an index is read before the bytes that it covers, and bytes are done with
 * before our index is published; on x86 that needs only that the compiler keeps the order.
 */
#include "ring.h"

#define barrier() __asm__ volatile("" ::: "memory")

void ring_init(struct console_ring *ring, void *page)
{
    ring->page = page;
    ring->out_cons = ring->page->out_cons;
    ring->in_prod = ring->page->in_prod;
}

size_t ring_take(struct console_ring *ring, char *to, size_t room, bool *broken)
{
    XENCONS_RING_IDX prod = ring->page->out_prod;
    size_t ready = (XENCONS_RING_IDX)(prod - ring->out_cons);

    barrier();
    *broken = ready > sizeof(ring->page->out);
    if (*broken) {
        ring->out_cons = prod;
        ring->page->out_cons = prod;
        return 0;
    }
    if (ready > room)
        ready = room;
    for (size_t i = 0; i < ready; i++)
        to[i] = ring->page->out[MASK_XENCONS_IDX(ring->out_cons + i, ring->page->out)];
    barrier();
    ring->out_cons += ready;
    ring->page->out_cons = ring->out_cons;
    return ready;
}

size_t ring_give(struct console_ring *ring, const char *from, size_t count)
{
    XENCONS_RING_IDX cons = ring->page->in_cons;
    size_t used = (XENCONS_RING_IDX)(ring->in_prod - cons), room;

    barrier();
    /* A guest that moved its index out of bounds gets no input until it is sensible again. */
    room = used <= sizeof(ring->page->in) ? sizeof(ring->page->in) - used : 0;
    if (count > room)
        count = room;
    for (size_t i = 0; i < count; i++)
        ring->page->in[MASK_XENCONS_IDX(ring->in_prod + i, ring->page->in)] = from[i];
    barrier();
    ring->in_prod += count;
    ring->page->in_prod = ring->in_prod;
    return count;
}
