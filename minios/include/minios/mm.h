/* SPDX-License-Identifier: MIT */
/*
 * Memory: pages of this domain, translation between its addresses and machine
 * frames, and mappings of machine frames (its own or other domains').
 *
 * Address map of a MiniOS domain (all of it below the hypervisor's half):
 *   0x0000000000000000  direct map: virtual address = pfn << 12; page 0 is never mapped
 *   0x0000008000000000  heap of malloc (sbrk), backed page by page as it grows
 *   0x0000010000000000  mappings: foreign frames, grants, thread stacks; guard pages between
 */
#ifndef MINIOS_MM_H
#define MINIOS_MM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define PFN_UP(x) (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(x) ((x) >> PAGE_SHIFT)

/* What a mapping permits. */
enum map_prot {
    MAP_RO = 0,
    MAP_RW = 1,
};

/*
 * One page of this domain in the direct map, or NULL. Not from handlers. Larger buffers: malloc, memalign, or
 * mm_alloc_guarded. No two pages are contiguous in machine memory but by chance.
 */
void *alloc_page(void);
void *alloc_zeroed_page(void);
void free_page(void *va);

/* Pages that can still be handed out, and all pages of the domain. */
size_t mm_free_pages(void);
size_t mm_total_pages(void);

/* Machine frame behind a mapped virtual address (any region); INVALID_MFN where nothing is mapped. */
#define INVALID_MFN (~0UL)
unsigned long virt_to_mfn(const void *va);

/* Translation of this domain's own frames. mfn_to_virt: NULL if the frame is not ours. */
unsigned long pfn_to_mfn(unsigned long pfn);
void *mfn_to_virt(unsigned long mfn);

/*
 * Map n machine frames of domain `owner` (DOMID_SELF for own frames, DOMID_IO for device memory where
 * the hypervisor permits it) one after the other, and return the address of the first, or NULL with errno
 * set. If errs is not NULL then frames that the hypervisor refuses are left as holes, errs[i] is 0 or a
 * negative errno, and the call fails only for lack of memory or address space.
 */
void *map_frames(const xen_pfn_t *mfns, size_t n, domid_t owner, enum map_prot prot, int *errs);

/* Undo map_frames: the same n. The frames are no longer reachable when it returns. */
void unmap_frames(void *va, size_t n);

/*
 * Reserve a range of n pages of address space with page tables below it and nothing mapped; for grant
 * mappings, which the hypervisor writes. unmap_frames(va, n) or mm_release_range (nothing mapped any more)
 * gives it back.
 */
void *mm_reserve_range(size_t n);
void mm_release_range(void *va, size_t n);

/*
 * n of our own pages behind a range of the mapping area, with an unmapped guard page on both sides.
 * The pages need not be contiguous in the direct map. NULL if memory is short.
 */
void *mm_alloc_guarded(size_t n);
void mm_free_guarded(void *va, size_t n);

/*
 * Machine address of the page-table entry (level 1) that maps va, page tables allocated as needed; 0 if
 * memory is short. For callers that batch their own mmu_update or pass GNTMAP_contains_pte.
 */
uint64_t mm_pte_address(const void *va);

#endif
