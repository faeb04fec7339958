/* SPDX-License-Identifier: MIT */
/*
 * Host tests: page-table entries whose bits lie elsewhere than the processor has them, so that a bit used by number
 * instead of by name, or one mask taken for another, shows.
 */
#ifndef MM_PTE_H
#define MM_PTE_H

#include "lib/types.h"
#include "mm/addr.h"
#include "mm/layout.h"

#define PTE_G       0x001UL
#define PTE_PSE     0x002UL
#define PTE_PAT     0x002UL
#define PTE_D       0x004UL
#define PTE_RW      0x008UL
#define PTE_AVAIL   0x070UL
#define PTE_P       0x080UL
#define PTE_PCD     0x100UL
#define PTE_PWT     0x200UL
#define PTE_US      0x400UL
#define PTE_A       0x800UL
#define PTE_NX      (1UL << 52)
#define PTE_AVAIL_HIGH (0x7ffUL << 53)
#define PTE_GUEST_KERNEL (1UL << 53)
#define PTE_ADDR    0x000ffffffffff000UL
#define PTE_CACHE   (PTE_PWT | PTE_PCD | PTE_PAT)

#define PTES 512

#define PTE_HV_RW   (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)
#define PTE_HV_RO   (PTE_P | PTE_A | PTE_NX)
#define PTE_HV_RX   (PTE_P | PTE_A)
#define PTE_TABLE   (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_HV_TABLE (PTE_P | PTE_RW | PTE_A | PTE_D)

static inline mfn_t pte_mfn(u64 pte) { return MFN((pte & PTE_ADDR) >> PAGE_SHIFT); }
static inline u64 make_pte(mfn_t mfn, u64 flags) { return (mfn.v << PAGE_SHIFT) | flags; }

static inline unsigned int pt_index(unsigned long va, unsigned int level)
{
    return (va >> (PAGE_SHIFT + 9 * (level - 1))) & (PTES - 1);
}

static inline bool guest_l4_slot(unsigned int slot)
{
    return slot < HV_L4_FIRST || slot > HV_L4_LAST;
}

static inline bool eight_zero(const u64 *p)
{
    return !(p[0] | p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7]);
}

#endif
