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
    union {
        struct { u8 host_r, host_w, dev_r, dev_w; };
        u32 uses;           /* all of them */
    };
    domid_t user;           /* while there are any */
    u16 pad;
    mfn_t mfn;
};

#define USES_FULL 0x80808080u   /* in uses: there are too many of some kind */

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

/* --- table.c; t->lock held --- */

/* Row of an entry that exists; NULL: no memory, or, with make false, none was needed yet. */
struct grant_active *grant_active_row(struct grant_table *t, grant_ref_t ref, bool make);
/* Makes the table at least nr_frames long. -EINVAL, -ENOMEM */
int grant_grow(struct grant_table *t, unsigned int nr_frames);

/* --- pin.c: the rules by which an entry comes into use and out of it; t->lock is taken here --- */

/* A use is told by the flags of a mapping. Entries marked for parts of a page are open to copies only. */
#define USE_KINDS   (GNTMAP_host_map | GNTMAP_device_map)
#define USE_FLAGS   (USE_KINDS | GNTMAP_readonly)
#define USE_COPY    0x8000u

/*
 * Begins a use of entry ref of t by the current domain: checks it, marks it, counts the use, and takes one
 * general reference of its frame. GNTST_*; on success *mfn is the frame.
 */
int grant_pin(struct grant_table *t, grant_ref_t ref, unsigned int use, mfn_t *mfn);
/* Ends one use, without the frame's reference. */
void grant_unpin(struct grant_table *t, grant_ref_t ref, unsigned int use);

/* --- operations, each on an array in guest memory --- */

/* How far a call has come with its array. */
struct grant_call {
    unsigned long at, next;     /* addresses of the structure that is worked on, and of the one after it */
    unsigned int size;          /* bytes of each */
    unsigned int left;          /* not begun yet; the call is made again for them */
    long rc;                    /* -EFAULT: the call ends */
};

/* Copies the next structure in. False: no more, preempted, or a bad address. */
static inline bool grant_next(struct grant_call *c, void *op)
{
    if (!c->left || c->rc || (c->at != c->next && hypercall_preempt_check()))
        return false;
    c->at = c->next;
    c->next += c->size;
    c->left--;
    c->rc = copy_from_guest(op, c->at, c->size) ? -EFAULT : 0;
    return !c->rc;
}

/* Copies size bytes of the present structure out, from a byte on. */
static inline void grant_write(struct grant_call *c, unsigned int from, const void *value, unsigned int size)
{
    if (copy_to_guest(c->at + from, value, size))
        c->rc = -EFAULT;
}
#define grant_write_status(c, op) \
    grant_write(c, offsetof(__typeof__(*(op)), status), &(op)->status, sizeof((op)->status))

/* Returns c->rc, or another error. */
typedef long grant_op(struct grant_call *c);
grant_op grant_op_map_grant_ref, grant_op_unmap_grant_ref, grant_op_unmap_and_replace, grant_op_copy;
