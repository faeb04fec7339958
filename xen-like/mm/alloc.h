/* SPDX-License-Identifier: MIT */
/*
 * Memory: a buddy allocator of frames, a heap of small objects on top of it, and the allocation of frames to
 * domains. No function here may be called from interrupt context.
 */
#pragma once

#include "cpu/percpu.h"
#include "mm/frame.h"

struct domain;

#define MAX_ORDER 18    /* 1 GiB */

/* --- the hypervisor's own memory: zeroed, counted in hv_pages --- */
void *hv_alloc_pages(unsigned int order);   /* NULL: no memory */
void hv_free_pages(void *p, unsigned int order);
static inline void *hv_alloc_page(void) { return hv_alloc_pages(0); }
static inline void hv_free_page(void *p) { hv_free_pages(p, 0); }

void *xzalloc_bytes(size_t size);           /* zeroed, aligned to 16; NULL: no memory; any size */
void xfree(void *p);                        /* NULL: nothing */
static inline void xfree_held(void *p) { xfree(*(void **)p); }
#define held_memory __cleanup(xfree_held)   /* T *p held_memory = xzalloc(T): freed when the block is left */
#define xzalloc(type)           ((type *)xzalloc_bytes(sizeof(type)))
#define xzalloc_array(type, n)  ((type *)xzalloc_bytes(sizeof(type) * (size_t)(n)))

/*
 * The same on the account of d, for what d makes the hypervisor keep: NULL also where d's limit would be
 * passed. What was allocated so is freed so.
 */
void *domain_alloc_pages(struct domain *d, unsigned int order);
void domain_free_pages(struct domain *d, void *p, unsigned int order);
void *domain_xzalloc_bytes(struct domain *d, size_t size);
void domain_xfree(struct domain *d, void *p);
#define domain_xzalloc(d, type)          ((type *)domain_xzalloc_bytes(d, sizeof(type)))
#define domain_xzalloc_array(d, type, n) ((type *)domain_xzalloc_bytes(d, sizeof(type) * (size_t)(n)))
/* Opens the account of a new domain with p, the object that it is; limited unless it is Domain-0. */
void domain_open_account(struct domain *d, const void *p, bool limited);
/* Frees p, which is all that is left on the account. */
void domain_close_account(struct domain *d, void *p);

/* --- a domain's memory --- */
struct domain_mm {
    u32 frames;             /* first frame of the list of the domain's frames, 0: none (LOCK_PAGE_ALLOC) */
    u32 left;               /* the same for frames that mm_relinquish_domain() is through with */
    u32 serial;             /* unlike any other domain's, also of those that are gone; 0: it never had a frame */
    u32 grave;              /* frames of a dying domain, to be scrubbed together (LOCK_PAGE_ALLOC) */
    u32 nr_grave;
    bool dying;             /* frames go there */
    u64 claim;              /* frames set aside for it (XENMEM_claim_pages) */
    struct cpumask dirty;   /* CPUs whose TLBs may know the domain's tables */
    u32 tot_pages;          /* frames that the domain owns (LOCK_PAGE_ALLOC) */
    u32 max_pages;
    u32 shared_pages;       /* hypervisor pages shared with it */
    u32 reserved;           /* frames that an exchange is about to give it (LOCK_PAGE_ALLOC) */
    u64 hv_bytes, hv_limit; /* the hypervisor's memory on its account, and the most that may be; 0: no limit */
    struct memory_map *map; /* for XENMEM_memory_map; NULL: none was set */
};

/*
 * 2^order contiguous frames, scrubbed, each with one reference (the domain's own), in d's list. addr_bits:
 * addresses below 2^addr_bits, 0: any. NULL: no memory, d is dying, or max_pages would be passed.
 */
struct frame *alloc_domain_frames(struct domain *d, unsigned int order, unsigned int addr_bits);
/* Takes away the domain's own reference (it has one from allocation); false where that was gone already. */
bool release_domain_frame(struct domain *d, struct frame *f);

/*
 * Returns all of a dying domain's memory: page tables invalidated first, then every frame released.
 * Preemptible: -ERESTART to be called again. Frames that others still map stay until they unmap them.
 */
int mm_relinquish_domain(struct domain *d);

void mm_dump(void);     /* debug key: free memory, and who has the rest */

/* Frames: RAM, of these the hypervisor's, free ones, and of these dirty ones and promised ones. */
extern u64 buddy_total, hv_page_count, buddy_free_count, buddy_dirty, buddy_claimed;
static inline u64 total_pages(void) { return buddy_total; }
static inline u64 hv_pages(void) { return READ_ONCE(hv_page_count); }
static inline u64 free_pages(void) { return READ_ONCE(buddy_free_count); }
static inline u64 scrub_pages(void) { return READ_ONCE(buddy_dirty); }
static inline u64 claimed_pages(void) { return READ_ONCE(buddy_claimed); }

/*
 * Mappings of machine memory that is no RAM (device registers, firmware tables): uncached where cached is
 * false.
 */
void *ioremap(maddr_t from, size_t size, bool cached);
