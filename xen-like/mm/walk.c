/* SPDX-License-Identifier: MIT */
/*
 * Looking up addresses in a guest's own tables, and the stores to L1 tables that a guest's kernel makes with ordinary
 * instructions: they fault, because tables are mapped read-only, and are then carried out here, checked.
 *
 * Tables may change, or be freed, under a walk. So each step checks that it stays in RAM, and whoever changes an
 * entry takes a reference and locks the table first: what a walk finds is a hint.
 */
#include "domain/domain.h"
#include "mm/guest.h"
#include "mm/internal.h"
#include "pv/hypercall.h"

u64 *guest_l1_slot(const struct vcpu *v, unsigned long va)
{
    mfn_t mfn = root_of(v);

    if (unlikely(!guest_range_ok(va, 1)))
        return NULL;
    for (unsigned int level = 4; ; level--) {
        u64 *slot = (u64 *)mfn_to_virt(mfn) + pt_index(va, level), pte;

        if (level == 1)
            return slot;
        pte = READ_ONCE(*slot);
        mfn = pte_mfn(pte);
        if (!(pte & PTE_P) || unlikely(!mfn_valid(mfn)))
            return NULL;
    }
}

u64 guest_l1e(const struct vcpu *v, unsigned long va)
{
    const u64 *slot = guest_l1_slot(v, va);

    return slot ? READ_ONCE(*slot) : 0;
}

/* --- stores to page tables --- */

/* The frame, an L1 table of v's domain, that va is mapped to read-only; NULL: it is not so. */
static struct frame *ptwr_frame(const struct vcpu *v, unsigned long va)
{
    u64 pte = guest_l1e(v, va);
    struct frame *f;

    if ((pte & (PTE_P | PTE_RW)) != PTE_P || !mfn_valid(pte_mfn(pte)))
        return NULL;
    f = mfn_to_frame(pte_mfn(pte));
    if (frame_owner(f) != v->domain->id || frame_type_of(f) != FRAME_L1)
        return NULL;
    return f;
}

bool ptwr_candidate(struct vcpu *v, unsigned long va)
{
    /* As on Xen: for a guest only with the assist that it asked for, for Domain-0 always. */
    if (!(v->domain->pv.vm_assist & (1u << VMASST_TYPE_writable_pagetables)) && !v->domain->hardware)
        return false;
    return ptwr_frame(v, va) != NULL;
}

/* entry with the size bytes at offset replaced by value. */
static u64 with_bytes(u64 entry, unsigned int offset, unsigned int size, u64 value)
{
    u64 mask = size < 8 ? (1UL << size * 8) - 1 : ~0UL;

    return (entry & ~(mask << offset * 8)) | (value & mask) << offset * 8;
}

static u64 bytes_of(u64 entry, unsigned int offset, unsigned int size)
{
    return entry >> offset * 8 & (size < 8 ? (1UL << size * 8) - 1 : ~0UL);
}

bool ptwr_store(struct vcpu *v, unsigned long va, u64 old, u64 new_value, unsigned int size, bool cmpxchg, u64 *found)
{
    struct frame *f = ptwr_frame(v, va);
    struct domain *d = v->domain;
    unsigned int offset = va % 8;
    u64 *slot, expected, entry;
    int rc = -EINVAL;

    if (!f || !size || size > 8 || (size & (size - 1)) || va & (size - 1) || !frame_get(frame_to_mfn(f), d))
        return false;
    if (!frame_lock(f))
        goto put;
    if (frame_type_of(f) == FRAME_L1) {
        slot = (u64 *)((char *)frame_to_virt(f) + (va & (PAGE_SIZE - 1) & ~7UL));
        entry = READ_ONCE(*slot);
        if (!cmpxchg) {
            rc = l1_update(slot, with_bytes(entry, offset, size, new_value), false, d, d);
        } else {
            expected = with_bytes(entry, offset, size, old);
            l1_compare_exchange(slot, &expected, with_bytes(entry, offset, size, new_value), d, &rc);
            *found = rc ? 0 : bytes_of(expected, offset, size);
        }
    }
    frame_unlock(f);
put:
    frame_put(f);
    return !rc;
}
