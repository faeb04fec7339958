/* SPDX-License-Identifier: MIT */
/*
 * The store's side of a guest's ring page (struct xenstore_domain_interface) as a transport. The page
 * belongs to the guest, which may write anything into it at any time: its indexes are read once and checked,
 * bytes are copied once, our own indexes are kept here and never read back.
 */
#ifndef TOOLSTACK_STORE_RING_H
#define TOOLSTACK_STORE_RING_H

#include "store.h"

struct store_ring {
    volatile struct xenstore_domain_interface *page;
    XENSTORE_RING_IDX req_cons, rsp_prod;   /* ours */
    /* For whoever mapped the page: signal the guest's event channel; give page and channel back. */
    void (*notify)(struct store_ring *ring);
    void (*closed)(struct store_ring *ring);
};

/* The transport's functions; the transport is a struct store_ring. */
extern const struct store_transport store_ring_transport;

/* Take up the ring where it stands and say in the page what this server can do. */
void store_ring_init(struct store_ring *ring, void *page, void (*notify)(struct store_ring *ring),
                     void (*closed)(struct store_ring *ring));

#endif
