/* SPDX-License-Identifier: MIT */
/*
 * The frame table: for each frame of RAM its owner, its references, and its type. This discipline is the
 * security of the whole system, and it lives in mm/frame.c and mm/pagetable.c alone.
 *
 * A frame is free, the hypervisor's, or a domain's. While its reference count is above 0 it has an owner.
 * Each use of a frame by a guest's page table, by a grant mapping, or by the hypervisor on a guest's behalf
 * holds a general reference; uses that depend on what the frame contains, or may change it, also hold a type
 * reference. A frame has one type at a time, so that no frame is ever at once a page table and writable by a
 * guest.
 */
#pragma once

#include "mm/addr.h"
#include "mm/layout.h"

struct domain;

enum frame_type {
    FRAME_NONE,
    FRAME_WRITABLE,     /* mapped writable, or about to be */
    FRAME_L1, FRAME_L2, FRAME_L3, FRAME_L4,
    FRAME_SEGDESC,      /* GDT or LDT: every descriptor checked */
};

struct frame {
    u32 count;          /* FRAME_* flags and general references */
    u32 type;           /* TYPE_* state, frame_type and type references */
    u32 owner;          /* domain id, or FRAME_OWNER_*; in the first frame of a free block: its order */
    u32 next, prev;     /* frame numbers, 0: none; owner's list, or free list */
    union {
        struct {        /* while the frame has references of a page-table type */
            u16 progress;   /* entries validated, and PROGRESS_CHILD: mm/pagetable.c */
            s16 linear;     /* entries of its own level in it (above 0), or uses as such an entry (below 0) */
        };
        u32 stamp;      /* otherwise: TLB clock when its last type reference, or its last reference, was dropped */
    };
};
_Static_assert(sizeof(struct frame) == 24, "the frame table is priced at 24 bytes a frame");

/* struct frame.count */
#define FRAME_OWNED      (1u << 31) /* the owner's own reference is among the references */
#define FRAME_SHARED     (1u << 30) /* memory of the hypervisor, shared by frame_share_with() */
#define FRAME_FREE       (1u << 29) /* in the allocator */
#define FRAME_FREE_HEAD  (1u << 28) /* first frame of a free block */
#define FRAME_DIRTY      (1u << 27) /* free: to be scrubbed before use */
#define FRAME_STALE      (1u << 26) /* free: TLBs may know it since stamp */
#define FRAME_REFS       (FRAME_STALE - 1)

/* struct frame.type: from bit 29 an enum frame_type */
#define TYPE_SHIFT       29
#define TYPE_MASK        (7u << TYPE_SHIFT)
#define TYPE_PINNED      (1u << 28)
#define TYPE_VALIDATED   (1u << 27) /* page tables: every entry holds its references */
#define TYPE_PARTIAL     (1u << 26) /* the first progress entries do; holds one reference of each kind itself */
#define TYPE_LOCKED      (1u << 25) /* one CPU changes entries or state */
#define TYPE_REFS        ((1u << 24) - 1)

#define FRAME_OWNER_NONE 0xffffffffu
#define FRAME_OWNER_HV   0xfffffffeu
#define FRAME_OWNER_IO   0xfffffffdu /* no RAM: a hole inside the 2 MiB that the table covers at a time */

static inline struct frame *mfn_to_frame(mfn_t mfn) { return (struct frame *)FRAME_TABLE_START + mfn.v; }

static inline mfn_t frame_to_mfn(const struct frame *f)
{
    return MFN((u64)(f - (struct frame *)FRAME_TABLE_START));
}

extern u64 frame_limit;                 /* above the highest frame of RAM */
extern unsigned long *frame_bitmap;     /* a bit for each 2 MiB with RAM in it */

/*
 * The row of the frame table for mfn, which may be any number; NULL where there is none. Speculation past the
 * check stays inside the table.
 */
static inline struct frame *frame_lookup(mfn_t mfn)
{
    u64 nr = index_nospec(mfn.v, frame_limit);

    return mfn.v < frame_limit && test_bit(nr >> 9, frame_bitmap) ? mfn_to_frame(MFN(nr)) : NULL;
}

/* True where mfn is RAM. */
static inline bool mfn_valid(mfn_t mfn)
{
    const struct frame *f = frame_lookup(mfn);

    return f && f->owner != FRAME_OWNER_IO;
}

/* Hypervisor's address of a frame of RAM; always mapped. */
static inline void *mfn_to_virt(mfn_t mfn) { return (void *)(DIRECT_MAP_START + (mfn.v << PAGE_SHIFT)); }
static inline void *maddr_to_virt(maddr_t a) { return (void *)(DIRECT_MAP_START + a.v); }
static inline mfn_t virt_to_mfn(const void *p) { return MFN(((u64)p - DIRECT_MAP_START) >> PAGE_SHIFT); }
static inline void *frame_to_virt(const struct frame *f) { return mfn_to_virt(frame_to_mfn(f)); }

/* --- references. Lock-free; any context but interrupts. --- */

/* Takes a general reference if mfn is RAM owned by d; NULL otherwise, or where the count is saturated. */
struct frame *__must_check frame_get(mfn_t mfn, const struct domain *d);
/* Drops one; the last frees the frame. */
void frame_put(struct frame *f);
static inline void frame_put_held(struct frame **f)
{
    if (*f)
        frame_put(*f);
}
/* struct frame *f held_frame = frame_get(mfn, d): put, unless NULL, when the block is left. */
#define held_frame __cleanup(frame_put_held)
/*
 * Takes a type reference (the caller holds a general one), validating the frame's content for a page-table
 * type. -EINVAL: has another type, or content that is not allowed; -EINTR or -ERESTART: preempted, call again
 * (only where preemptible).
 */
int __must_check frame_get_type(struct frame *f, enum frame_type type, bool preemptible);
/* Drops one; the last invalidates a table. -ERESTART only where preemptible. */
int frame_put_type(struct frame *f, bool preemptible);
/*
 * frame_get() and frame_get_type() in one, for types that need no validation of long tables (WRITABLE,
 * SEGDESC).
 */
struct frame *__must_check frame_get_and_type(mfn_t mfn, const struct domain *d, enum frame_type type);
void frame_put_and_type(struct frame *f);
/* A mapping of f goes: drops a general reference and, where writable, one of type WRITABLE. */
void frame_put_mapping(struct frame *f, bool writable);

/* The type that f has references of; FRAME_NONE where it has none. */
static inline enum frame_type frame_type_of(const struct frame *f)
{
    u32 type = READ_ONCE(f->type);

    return type & TYPE_REFS ? (enum frame_type)(type >> TYPE_SHIFT) : FRAME_NONE;
}

static inline u32 frame_owner(const struct frame *f) { return READ_ONCE(f->owner); }

/*
 * Makes a page of the hypervisor (from hv_alloc_page) one that d may map writable. It stays the hypervisor's to
 * free, after frame_unshare(), when the last reference of d is gone: shared_info, grant tables. False: d is gone.
 */
bool __must_check frame_share_with(struct frame *f, struct domain *d);
void frame_unshare(struct frame *f);

/* --- machine to physical; mfn is covered --- */
#define INVALID_M2P_ENTRY (~0UL)        /* no pfn */
static inline void m2p_set(mfn_t mfn, u64 pfn) { ((volatile u64 *)M2P_RW_START)[mfn.v] = pfn; }
static inline u64 m2p_get(mfn_t mfn) { return ((volatile u64 *)M2P_RW_START)[mfn.v]; }
