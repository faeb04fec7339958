/* SPDX-License-Identifier: MIT */
/*
 * Page-table isolation: what a CPU's guest runs on where the processor may let it read what is mapped,
 * whatever the rights (Meltdown, XSA-254).
 *
 * Each CPU has a few pairs of roots of its own. Both of a pair are copies of one guest L4. In the guest's
 * root three slots stand in place of the hypervisor's sixteen: the M2P, which guests may read; this CPU's
 * window; and of the image's slot no more than the entry code, the IDT, and of this CPU's stack the pages of
 * exceptions and struct cpu_info. The full root has all sixteen. The guest runs on the one, the hypervisor on
 * the other; pv/entry.S goes between them.
 *
 * No CPU runs on the guest's L4 itself, and it has nothing of the hypervisor's but the M2P: an L4 entry may
 * name an L4 (a linear page table), and what is in that L4 can be reached from any copy.
 *
 * A copy stays true without any work on the way to the guest: whoever changes an entry of a validated L4
 * changes the copies of all CPUs in the same breath, before the old entry's references are dropped, so that a
 * copy is no more and no less up to date than the L4 itself, and the rules for TLBs hold for it unchanged. An
 * L4 that is no table any more is forgotten by all. Copies are made when a vCPU changes its base pointer to
 * an L4 that this CPU has not seen lately.
 */
#pragma once

#define ISOLATED_ROOTS      8
#define ISOLATED_BLOCK_SIZE (ISOLATED_ROOTS * 4096)

#ifndef __ASSEMBLY__

#include "mm/addr.h"

/* Whether Domain-0, and other domains, are isolated (xpti=); set before mm_init(), and never after. */
extern bool isolate_dom0, isolate_domu;
#define isolation_on() unlikely(isolate_dom0 || isolate_domu)

/*
 * Makes this CPU's tables, once its window and its stack are mapped. True at once where nothing is isolated;
 * false: no memory.
 */
bool isolation_init_cpu(unsigned int cpu);

/*
 * The machine addresses of this CPU's copies of l4, a validated L4 that the current vCPU holds a reference
 * of. Those of keep stay.
 */
void isolation_roots(mfn_t l4, mfn_t keep, unsigned long *guest, unsigned long *full);

/* Entry slot of l4, a validated L4 that is locked, was written; NO_SLOT: l4 is about to be no L4 any more. */
#define NO_SLOT (~0u)
void isolation_update(mfn_t l4, unsigned int slot);
static inline void isolation_entry_changed(mfn_t l4, unsigned int slot)
{
    if (isolation_on())
        isolation_update(l4, slot);
}

static inline void isolation_forget(mfn_t l4) { isolation_entry_changed(l4, NO_SLOT); }

#endif
