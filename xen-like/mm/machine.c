/* SPDX-License-Identifier: MIT */
/* What the machine and the command line have to say about page-table entries (machine.h). */
#include "mm/machine.h"

#include "cpu/features.h"
#include "cpu/spec.h"
#include "mm/mm.h"

u64 pte_nx_refused;
bool l1tf_active;

static u64 l1tf_safe_from;      /* addresses from here on, and above all RAM, are never cached */

void mm_machine_init(void)
{
    l1tf_active = spec_plan.l1tf_dom0 || spec_plan.l1tf_domu;
    l1tf_safe_from = 1UL << (min(cpu.phys_bits, 52u) - 1);
    pte_nx_refused = cpu.nx ? 0 : PTE_NX;
}

bool l1tf_dangerous(struct domain *d, u64 pte)
{
    u64 addr = pte & PTE_ADDR;

    if (!(d->hardware ? spec_plan.l1tf_dom0 : spec_plan.l1tf_domu) || !addr)
        return false;
    if (addr >= l1tf_safe_from && addr >= frame_limit << PAGE_SHIFT)
        return false;
    guest_log(d->id, LOG_ERR, "not-present page-table entry %016lx could be used by speculation (L1TF): ended; "
              "use a kernel with the L1TF fix, or pv-l1tf=no\n", (unsigned long)pte);
    domain_crash(d);
    return true;
}

/* --- device memory --- */

/* What no domain may map, or not writable, and what of PTE_P and PTE_RW is left. */
static struct { u64 first, last, allowed; } closed[32];
static unsigned int nr_closed;

void mm_close_mmio(u64 start, u64 end, bool readable)
{
    if (nr_closed == ARRAY_SIZE(closed))
        panic("More than %u device regions are the hypervisor's own", nr_closed);
    closed[nr_closed].first = start >> PAGE_SHIFT;
    closed[nr_closed].last = (end - 1) >> PAGE_SHIFT;
    closed[nr_closed++].allowed = readable ? PTE_P : 0;
}

u64 mmio_allowed(const struct domain *d, mfn_t mfn)
{
    u64 allowed = PTE_P | PTE_RW;

    if (!d->hardware || mfn.v >= 1UL << (cpu.phys_bits - PAGE_SHIFT))
        return 0;
    for (unsigned int i = 0; i < nr_closed; i++)
        if (mfn.v >= closed[i].first && mfn.v <= closed[i].last)
            allowed &= closed[i].allowed;
    return allowed;
}
