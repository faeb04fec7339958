/* SPDX-License-Identifier: MIT */
/*
 * A domain's grant table: the entries that it shares with the hypervisor, what the hypervisor knows of those
 * in use, and the mappings that the domain itself holds of others' grants ("maptrack").
 *
 * The grants of a domain are used under its table's `lock`; the list of its own free maptrack handles is
 * under `map_lock`, which comes first. A mapping in use is changed under the lock of the table that it
 * belongs to.
 */
#pragma once

#include "domain/domain.h"
#include "mm/guest.h"
#include "mm/mm.h"
#include "mm/pte.h"
#include "pv/hypercall.h"

#define ENTRIES_PER_FRAME   (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define ACTIVE_PER_CHUNK    128
#define TRACKS_PER_PAGE     (PAGE_SIZE / sizeof(struct grant_track))

/* Uses of a grant, host (CPU) and device mappings apart. Copies count as host uses while they last. */
struct grant_active {
    u8 host_r, host_w, dev_r, dev_w;
    domid_t user;           /* while there are any */
    u16 pad;
    u64 mfn;
};

#define PINS_MAX 0x7f       /* of each kind */

/*
 * One mapping that a domain holds. flags: GNTMAP_*, 0: the handle is free, and ref links to the next free
 * one.
 */
struct grant_track {
    u32 ref;
    u16 flags;
    domid_t granter;
};

struct grant_table {
    struct domain *d;
    struct spinlock lock;
    unsigned int nr_frames, max_frames;
    struct grant_entry_v1 **frame;      /* [max_frames]; the pages are shared with d */
    struct grant_active **active;       /* [max_frames * chunks a frame]; chunks are made when first needed */
    unsigned int pinned;                /* entries that have uses */

    struct spinlock map_lock;
    unsigned int nr_track_pages, max_track_pages;
    struct grant_track **track;         /* [max_track_pages] */
    u32 free_handle;                    /* head of the free list; NO_HANDLE: empty */
    unsigned int tracks_used;
    unsigned int release_at;            /* grant_release_mappings(): the handle to go on at */
};

#define NO_HANDLE 0xffffffffu

static inline unsigned int grant_entries(const struct grant_table *t)
{
    return t->nr_frames * ENTRIES_PER_FRAME;
}

static inline struct grant_entry_v1 *grant_entry(const struct grant_table *t, grant_ref_t ref)
{
    ref = index_nospec(ref, grant_entries(t));
    return &t->frame[ref / ENTRIES_PER_FRAME][ref % ENTRIES_PER_FRAME];
}

static inline bool grant_in_use(const struct grant_active *a)
{
    return a->host_r | a->host_w | a->dev_r | a->dev_w;
}

/* --- table.c; t->lock held --- */

/* Row of an entry that exists; NULL: no memory. With make false NULL also where no row is needed yet. */
struct grant_active *grant_active_row(struct grant_table *t, grant_ref_t ref, bool make);
/* Makes the table at least nr_frames long. -EINVAL, -ENOMEM */
int grant_grow(struct grant_table *t, unsigned int nr_frames);

/* --- pin.c: the rules by which an entry comes into use and out of it; t->lock is taken here --- */

/* What kind of use. */
struct grant_use {
    domid_t user;
    bool readonly, host, device;
    bool copy;              /* entries marked for parts of a page are open to copies only */
};

/*
 * Begins a use of entry ref of t: checks it, marks it, counts the use, and takes one general reference of its
 * frame. GNTST_*; on success *mfn is the frame.
 */
int grant_pin(struct grant_table *t, grant_ref_t ref, const struct grant_use *use, mfn_t *mfn);
/* Ends one use, without the frame's reference. */
void grant_unpin(struct grant_table *t, grant_ref_t ref, const struct grant_use *use);

/*
 * Operations, each on the array at uop. 0 or more: operations left undone (preempted); negative: error.
 */
long grant_op_map(unsigned long uop, unsigned int count);
long grant_op_unmap(unsigned long uop, unsigned int count);
long grant_op_unmap_and_replace(unsigned long uop, unsigned int count);
long grant_op_copy(unsigned long uop, unsigned int count);
