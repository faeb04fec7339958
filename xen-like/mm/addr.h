/* SPDX-License-Identifier: MIT */
/*
 * Addresses are distinct types, so that mixing them does not compile. mfn: number of a machine frame; pfn:
 * number of a frame as a guest counts its own memory; maddr: a machine address in bytes. A guest's virtual
 * address is a plain unsigned long, which only mm/guest.h and the page-table walkers turn into accesses.
 */
#pragma once

#include "lib/lib.h"

typedef struct { u64 v; } mfn_t;
typedef struct { u64 v; } pfn_t;
typedef struct { u64 v; } maddr_t;

#define MFN(n)      ((mfn_t){ (n) })
#define PFN(n)      ((pfn_t){ (n) })
#define MADDR(a)    ((maddr_t){ (a) })
#define INVALID_MFN MFN(~0UL)
#define INVALID_PFN PFN(~0UL)

static inline bool mfn_eq(mfn_t a, mfn_t b) { return a.v == b.v; }
static inline maddr_t mfn_to_maddr(mfn_t m) { return MADDR(m.v << PAGE_SHIFT); }
static inline mfn_t maddr_to_mfn(maddr_t a) { return MFN(a.v >> PAGE_SHIFT); }
