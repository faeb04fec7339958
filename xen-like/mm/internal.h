/* SPDX-License-Identifier: MIT */
/* What the files of mm/ share with one another and with nobody else. */
#pragma once

#include "domain/domain.h"
#include "mm/guest.h"
#include "mm/mm.h"
#include "mm/pte.h"
#include "pv/hypercall.h"

/* --- vmap.c: the hypervisor's own page tables --- */
extern u64 hv_pte_global;       /* PTE_G where the CPUs have global pages */
extern u64 *hv_l4;              /* the table that hv_root names */
/*
 * Maps size bytes (multiples of a page) from va to from, with larger pages where both allow and large is set.
 * Tables come from early memory, later from the allocator; false: no memory, with a part mapped.
 */
bool hv_map(unsigned long va, u64 from, u64 size, u64 flags, bool large);
/*
 * The entry for va in the table of this level that table leads to, whose own level is `from`. Tables on the
 * way are made as needed; NULL: no memory. hv_entry() begins at hv_l4.
 */
u64 *table_entry(u64 *table, unsigned int from, unsigned long va, unsigned int level);
u64 *hv_entry(unsigned long va, unsigned int level);
/* The first frame of the 2 MiB piece that va, of the M2P, is mapped by; 0: not by such a piece. */
u64 hv_large_mfn(unsigned long va);
/* The page of tables that these need, zeroed; NULL: no memory. init.c */
extern u64 *(*hv_table_alloc)(void);

/* --- buddy.c: frames by the block --- */
void buddy_init_range(u64 first, u64 last);             /* boot: frames [first, last) are free */
/*
 * 2^order frames below 2^addr_bits, to be prepared by frames_prepare(); NULL: none, or none but what is
 * claimed. own_claim: what of the claims is the caller's own.
 */
struct frame *buddy_alloc(unsigned int order, unsigned int addr_bits, u64 own_claim);
/* Changes a claim; false where it would exceed what is free. Making one smaller never fails. */
bool buddy_claim(u64 from, u64 to);
/*
 * flags: FRAME_DIRTY, FRAME_STALE. tag: 0; the serial number of the domain that the frames were plain memory
 * of, and that may have them back as they are; or:
 */
void buddy_free(struct frame *f, unsigned int order, u32 flags, u32 tag);
#define BUDDY_POISONED 1u       /* filled by poison(), and nobody else can write there any more (mm/poison.h) */
#define SERIAL_FIRST   2u       /* of domains */
/*
 * Makes a block from buddy_alloc() fit for its new owner: TLBs flushed where they may know it, dirty frames
 * zeroed; but not those that were plain memory of the domain with this serial number (0: of none).
 */
void frames_prepare(struct frame *f, unsigned int order, u32 serial);
/* For reports: free blocks of a zone and order, counted to 9999 at most. */
u32 buddy_blocks(unsigned int zone, unsigned int order);
#define BUDDY_ZONES 31  /* zone n: frame numbers below 2^n and not below 2^(n-1) */

/* --- heap.c --- */
/* Bytes that an object of xzalloc_bytes() takes. */
size_t heap_size(const void *p);
void heap_dump(void);   /* small objects in use, by size */

/* --- lists of frames, by their numbers: *list is the first, 0 ends them --- */
static inline void frame_link(u32 *list, struct frame *f)
{
    f->prev = 0;
    f->next = *list;
    if (f->next)
        mfn_to_frame(MFN(f->next))->prev = frame_to_mfn(f).v;
    *list = frame_to_mfn(f).v;
}

static inline void frame_unlink(u32 *list, const struct frame *f)
{
    if (f->next)
        mfn_to_frame(MFN(f->next))->prev = f->prev;
    if (f->prev)
        mfn_to_frame(MFN(f->prev))->next = f->next;
    else
        *list = f->next;
}

/* --- tlb.c --- */
extern u64 tlb_clock;           /* counts flushes of all CPUs together */
/* The present time of the TLB clock as struct frame keeps it. */
static inline u32 tlb_stamp(void) { return (u32)READ_ONCE(tlb_clock); }
/* Flushes each CPU that may have mapped frames of d and has not flushed everything since stamp was taken. */
void tlb_flush_domain_since(const struct domain *d, u32 stamp);
/* The same for all CPUs that run on some guest's table. */
void tlb_flush_guests_since(u32 stamp);

/*
 * Adds to mask the CPUs of d's vCPUs whose bits are set in the guest's bitmap at this address. -EFAULT
 */
int guest_vcpumask(const struct domain *d, unsigned long bitmap, struct cpumask *mask);

/* --- walk.c --- */
/* Where the L1 entry for va lies in v's table; NULL: va has no L1 table, or is the hypervisor's. */
u64 *guest_l1_slot(const struct vcpu *v, unsigned long va);

/* --- mmu_update.c --- */
/* The domain whose frames a call is about: current's, DOMID_IO, DOMID_XEN, or another. NULL: none. */
struct domain *foreign_domain_get(unsigned int domid);
static inline void foreign_domain_put(struct domain **d)
{
    if (*d && *d != current->domain && *d != domain_io && *d != domain_xen)
        domain_put(*d);
}
/* struct domain *d held_foreign = foreign_domain_get(id): put, unless NULL, when the block is left. */
#define held_foreign __cleanup(foreign_domain_put)
/* -EPERM where the current domain has no right to work on d. */
int foreign_permitted(const struct domain *d);

/* A list of operations in guest memory, that a hypercall with the arguments of mmu_update works through. */
struct batch {
    unsigned long ops, size;    /* address of the next, bytes of each */
    unsigned int count;         /* operations left */
    unsigned long pdone;
    unsigned int foreigndom;
    u32 done;
    long result;
};
/* False: b->result is the call's result at once. */
bool batch_begin(struct batch *b);
/* Calls one(address, arg) for each; the result of the call. */
long batch_run(struct batch *b, int (*one)(unsigned long op, void *arg), void *arg);

/* --- domain_frames.c --- */
void domain_frame_freed(struct frame *f);   /* the last reference of a domain's frame is gone */
/*
 * Gives n frames from the allocator to d, of which reserved were announced by domain_reserve(). False: d is
 * dying, or would have too many.
 */
bool domain_give_frames(struct domain *d, struct frame *f, u32 n, u32 reserved);
void domain_reserve(struct domain *d, u32 n);
/* Sets aside free memory so that d owns frames more; 0 ends its claim. False where there is not as much. */
bool domain_claim(struct domain *d, u64 frames);

/* --- pagetable.c --- */
/*
 * Validates the entries of a table from f->progress on. The caller holds TYPE_LOCKED. 0, or a negative error.
 */
int table_promote(struct frame *f, enum frame_type type, struct domain *d, bool preemptible);
/* Drops what the entries hold, from f->progress down. 0 or -ERESTART. */
int table_demote(struct frame *f, enum frame_type type, struct domain *d, bool preemptible);
/*
 * Writes entry i of f, a table of d that frame_lock() has locked, after checking it; what it names is
 * pg_owner's. With keep_ad the accessed and dirty bits stay. 0; -EINVAL, -EBUSY, -EPERM: refused; -ERESTART:
 * preempted, call again.
 */
int table_update(struct frame *f, unsigned int i, u64 new, bool keep_ad, struct domain *d, struct domain *pg_owner);
/* What stands in an L1 entry for what the guest wants there; and the end of what an entry holds. */
u64 l1_adjust(u64 pte);
/* d: whose table it is. */
void l1_put(u64 pte, const struct domain *d);
/* The same for one entry of a locked L1 table. */
int l1_update(u64 *slot, u64 new, bool keep_ad, struct domain *d, struct domain *pg_owner);
/* The same where the entry is *old; *old is then what was found. */
int l1_compare_exchange(u64 *slot, u64 *old, u64 new, struct domain *d);

/* --- domain_frames.c --- */
/* By domain id, as many as there can be; made at boot. Written under the page_lock of the domain concerned. */
extern struct domain **owners;

/* --- frame.c --- */
/* Leaves f, whose undoing was put off, to the end of the present hypercall of the current vCPU. */
static inline void frame_undo_later(struct frame *f) { current->undo_mfn = frame_to_mfn(f); }
/*
 * The domain that owns frames under this id. It lives while it owns any; NULL for owners that are no domain.
 */
struct domain *frame_domain(u32 owner);
/*
 * Another reference of a type that f has and is validated for; never waits. For tables within their own
 * level.
 */
bool frame_get_same_type(struct frame *f, enum frame_type type);
/* As frame_get_and_type(), for tables, with the errors of frame_get_type(). */
int __must_check frame_get_table(mfn_t mfn, const struct domain *d, enum frame_type type, bool preemptible);
/* Drops both. -ERESTART: what the table held is still to be dropped, at the end of the present hypercall. */
static inline int frame_put_table(struct frame *f)
{
    int rc = frame_put_type(f, true);

    if (rc)
        frame_undo_later(f);
    frame_put(f);
    return rc;
}
/*
 * Undoes a half-validated frame, if f is one. The caller holds a general reference. 0 or -ERESTART.
 */
int frame_undo_partial(struct frame *f, bool preemptible);
/* The same for mfn, if it is d's. */
int frame_undo(mfn_t mfn, const struct domain *d, bool preemptible);
/* Locks a validated table of any level, or of L1, for a change of its entries; false: it is none any more. */
bool frame_lock(struct frame *f);
bool frame_lock_l1(struct frame *f);
void frame_unlock(struct frame *f);
/* As frame_get_type(f, FRAME_WRITABLE), and a general reference; the common case in one step. */
bool frame_get_writable(struct frame *f, const struct domain *d);
int finish_undo(void);
/* Goes on with what frame_undo_later() left; called when a hypercall starts and ends. 0 or -ERESTART. */
static inline int mm_finish_undo(void) { return likely(!current->undo_mfn.v) ? 0 : finish_undo(); }
