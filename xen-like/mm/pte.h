/* SPDX-License-Identifier: MIT */
/*
 * Page-table entries: their bits (SDM vol. 3A, section 4.5) and the ABI's own use of the bits that the
 * processor leaves to software. Guests own bits 9 to 11 and 52 to 62, all but bit 52 of an L1 entry, which
 * marks a guest kernel's page.
 */
#pragma once

#include "mm/addr.h"
#include "mm/layout.h"

#define PTE_P       0x001UL
#define PTE_RW      0x002UL
#define PTE_US      0x004UL
#define PTE_PWT     0x008UL
#define PTE_PCD     0x010UL
#define PTE_A       0x020UL
#define PTE_D       0x040UL
#define PTE_PSE     0x080UL     /* in L2 and L3; in L1 it is PTE_PAT */
#define PTE_PAT     0x080UL
#define PTE_G       0x100UL
#define PTE_AVAIL   0xe00UL
#define PTE_AVAIL_HIGH (0x7ffUL << 52)
#define PTE_GUEST_KERNEL (1UL << 52)
#define PTE_NX      (1UL << 63)
#define PTE_ADDR    0x000ffffffffff000UL
#define PTE_CACHE   (PTE_PWT | PTE_PCD | PTE_PAT)

#define PTES 512        /* entries in a table of any level */

#define PTE_HV_RW   (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_NX)
#define PTE_HV_RO   (PTE_P | PTE_A | PTE_NX)
#define PTE_HV_RX   (PTE_P | PTE_A)
#define PTE_TABLE   (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PTE_HV_TABLE (PTE_P | PTE_RW | PTE_A | PTE_D) /* no way into it for ring 3, by a linear page table neither */

static inline mfn_t pte_mfn(u64 pte) { return MFN((pte & PTE_ADDR) >> PAGE_SHIFT); }
static inline u64 make_pte(mfn_t mfn, u64 flags) { return (mfn.v << PAGE_SHIFT) | flags; }

/* The index of va in a table of this level, 1 to 4. */
static inline unsigned int pt_index(unsigned long va, unsigned int level)
{
    return (va >> (PAGE_SHIFT + 9 * (level - 1))) & (PTES - 1);
}

/* True for an L4 slot that belongs to the guest. */
static inline bool guest_l4_slot(unsigned int slot) { return slot < HV_L4_FIRST || slot > HV_L4_LAST; }

/* True where the eight entries from p are all zero: most of a table is, and walks skip them so. */
static inline bool eight_zero(const u64 *p)
{
    return !(p[0] | p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7]);
}
