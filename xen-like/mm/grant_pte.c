/* SPDX-License-Identifier: MIT */
/*
 * L1 entries that grant operations write. They look like the guest's own, and if the guest overwrites one
 * with mmu_update it drops the entry's references like any other (the grant then stays in use until its
 * granter dies, as on Xen); but only a grant operation takes one away in order.
 */
#include "mm/internal.h"

/* Finds and locks the L1 table of the entry; NULL: there is none. */
static u64 *place_lock(const struct grant_place *at, struct frame **table)
{
    u64 *slot = at->is_pte ? maddr_to_virt(MADDR(at->where)) : guest_l1_slot(current, at->where);

    *table = slot && (unsigned long)slot % sizeof(*slot) == 0 ? frame_get(virt_to_mfn(slot), current->domain) : NULL;
    if (!*table)
        return NULL;
    if (frame_lock_l1(*table))
        return slot;
    frame_put(*table);
    return NULL;
}

static void place_unlock(struct frame *table)
{
    frame_unlock(table);
    frame_put(table);
}

int grant_pte_set(const struct grant_place *at, u64 pte)
{
    struct frame *table;
    u64 *slot = place_lock(at, &table);

    if (!slot)
        return -EINVAL;
    const u64 old = READ_ONCE(*slot);
    WRITE_ONCE(*slot, l1_adjust(pte | PTE_P | PTE_A | PTE_D));
    l1_put(old, current->domain);
    place_unlock(table);
    return 0;
}

/* Empties the entry that maps va, and gives what stood there, with its references. False: there is none. */
static bool take_entry(unsigned long va, u64 *pte)
{
    struct grant_place at = { .where = va };
    struct frame *table;
    u64 *slot = place_lock(&at, &table);

    if (!slot)
        return false;
    *pte = READ_ONCE(*slot);
    WRITE_ONCE(*slot, 0);
    place_unlock(table);
    return true;
}

static bool matches(u64 pte, mfn_t mfn, bool writable)
{
    return (pte & PTE_P) && mfn_eq(pte_mfn(pte), mfn) && !(pte & PTE_RW) == !writable;
}

int grant_pte_clear(const struct grant_place *at, mfn_t mfn, bool writable, unsigned long replacement)
{
    struct frame *table;
    u64 new = 0;

    if (replacement && (at->is_pte || !take_entry(replacement, &new)))
        return -EINVAL;
    u64 *slot = place_lock(at, &table);
    const bool ok = slot && matches(READ_ONCE(*slot), mfn, writable);
    if (ok)
        WRITE_ONCE(*slot, new);
    else
        l1_put(new, current->domain);    /* it is gone from its place */
    if (slot)
        place_unlock(table);
    return ok ? 0 : -EINVAL;
}
