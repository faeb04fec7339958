/* SPDX-License-Identifier: MIT */
/*
 * Looking up addresses in a guest's own tables, and the stores to L1 tables that a guest's kernel makes with
 * ordinary instructions: they fault, because tables are mapped read-only, and are then carried out here,
 * checked.
 *
 * Tables may change, or be freed, under a walk. So each step checks that it stays in RAM, and whoever changes
 * an entry takes a reference and locks the table first: what a walk finds is a hint.
 */
#include "mm/internal.h"

u64 *guest_l1_slot(const struct vcpu *v, unsigned long va)
{
    mfn_t mfn = v->pv.kernel_root;

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

struct frame *ptwr_get(const struct vcpu *v, unsigned long va)
{
    u64 pte = guest_l1e(v, va);
    struct frame *f = (pte & (PTE_P | PTE_RW)) == PTE_P ? frame_get(pte_mfn(pte), v->domain) : NULL;

    if (!f || likely(frame_type_of(f) == FRAME_L1))
        return f;
    frame_put(f);
    return NULL;
}

/* The lowest size bytes of a word. */
static u64 bytes(unsigned int size) { return size < 8 ? (1UL << size * 8) - 1 : ~0UL; }

/* entry with the size bytes at offset replaced by value. */
static u64 with_bytes(u64 entry, unsigned int offset, unsigned int size, u64 value)
{
    return (entry & ~(bytes(size) << offset * 8)) | (value & bytes(size)) << offset * 8;
}

/* The entry of f that va lies in. */
static u64 *ptwr_slot(const struct frame *f, unsigned long va)
{
    return (u64 *)frame_to_virt(f) + va % PAGE_SIZE / sizeof(u64);
}

u64 ptwr_load(const struct frame *f, unsigned long va, unsigned int size)
{
    return READ_ONCE(*ptwr_slot(f, va)) >> va % 8 * 8 & bytes(size);
}

bool ptwr_store(struct frame *f, struct domain *d, unsigned long va, u64 old, u64 new_value, unsigned int size,
                bool cmpxchg, u64 *found)
{
    if (!frame_lock_l1(f))
        return false;
    u64 *slot = ptwr_slot(f, va), entry = READ_ONCE(*slot), new = with_bytes(entry, va % 8, size, new_value);
    int rc;

    if (cmpxchg) {
        entry = with_bytes(entry, va % 8, size, old);
        rc = l1_compare_exchange(slot, &entry, new, d);
        *found = rc ? 0 : entry >> va % 8 * 8 & bytes(size);
    } else {
        rc = l1_update(slot, new, false, d, d);
    }
    frame_unlock(f);
    return !rc;
}
