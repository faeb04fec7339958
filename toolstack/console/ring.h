/* SPDX-License-Identifier: MIT */
/*
 * The back end's side of a guest's console ring (struct xencons_interface). The page belongs to the guest,
 * which may write anything into it at any time: each shared index is read once and bounded, and our own
 * indices are kept here, never read back. Pure code over the shared page.
 */
#ifndef TOOLSTACK_CONSOLE_RING_H
#define TOOLSTACK_CONSOLE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>
#include <xen/io/console.h>

struct console_ring {
    volatile struct xencons_interface *page;
    XENCONS_RING_IDX out_cons, in_prod;     /* ours */
};

void ring_init(struct console_ring *ring, void *page);

/*
 * Take what the guest printed: up to `room` bytes into `to`. Returns the count; *broken is set when the
 * guest's index makes no sense, and the ring is then taken up again where the guest says it is.
 */
size_t ring_take(struct console_ring *ring, char *to, size_t room, bool *broken);

/* Give the guest input: returns how many of `count` bytes found room. */
size_t ring_give(struct console_ring *ring, const char *from, size_t count);

#endif
