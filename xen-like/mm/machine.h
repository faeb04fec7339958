/* SPDX-License-Identifier: MIT */
/*
 * Machine facts that decide about single entries: whether a not-present entry is dangerous (the L1 Terminal
 * Fault: a processor may speculate with the address in it), which bits are reserved, and which device memory
 * is open.
 */
#pragma once

#include "domain/domain.h"
#include "mm/pte.h"

extern u64 pte_nx_refused;      /* PTE_NX where the processor has no such bit */
extern bool l1tf_active;        /* the policy concerns some domain */

void mm_machine_init(void);     /* by mm_init() */
bool l1tf_dangerous(struct domain *d, u64 pte);

/* True where the not-present entry pte may not be; the domain has then been ended. */
static inline bool l1tf_check(struct domain *d, u64 pte)
{
    return unlikely(l1tf_active) && pte && l1tf_dangerous(d, pte);
}

/* What an entry of d may have of PTE_P and PTE_RW that names the frame mfn, which is not RAM. */
u64 mmio_allowed(const struct domain *d, mfn_t mfn);
