/* SPDX-License-Identifier: MIT */
/*
 * memory_op: the dispatcher, and the calls that give and take frames. Those count what they have done, return that
 * count whatever stopped them, and go on in a continuation where the upper bits of cmd hold it. (xen/memory.h)
 */
#include "mm/memory_op.h"

struct reservation {
    struct xen_memory_reservation r;
    struct domain *d;
    unsigned long list;         /* address of extent_start, 0: none */
    unsigned int addr_bits;
    unsigned long done;
    bool preempted;
};

bool memop_release(struct domain *d, u64 mfn)
{
    struct frame *f;
    bool ok = false;

    if (!frame_get(MFN(mfn), d))
        return false;
    f = mfn_to_frame(MFN(mfn));
    /* Its place in the M2P it keeps for as long as it is in use. */
    if (!(f->count & FRAME_SHARED))
        ok = release_domain_frame(d, f);
    frame_put(f);
    return ok;
}

/* --- one extent each; false: stop here --- */

static bool increase_one(struct reservation *a)
{
    struct frame *f = alloc_domain_frames(a->d, a->r.extent_order, a->addr_bits);

    return f && (!a->list || put_guest_u64(a->list + a->done * 8, frame_to_mfn(f).v));
}

static bool populate_one(struct reservation *a)
{
    struct frame *f;
    u64 pfn, mfn;

    if (!get_guest_u64(&pfn, a->list + a->done * 8))
        return false;
    f = alloc_domain_frames(a->d, a->r.extent_order, a->addr_bits);
    if (!f)
        return false;
    mfn = frame_to_mfn(f).v;
    for (u64 i = 0; i < 1UL << a->r.extent_order; i++)
        m2p_set(MFN(mfn + i), pfn + i);
    return put_guest_u64(a->list + a->done * 8, mfn);
}

static bool decrease_one(struct reservation *a)
{
    u64 mfn;

    if (!get_guest_u64(&mfn, a->list + a->done * 8))
        return false;
    for (u64 i = 0; i < 1UL << a->r.extent_order; i++)
        if (!memop_release(a->d, mfn + i))
            return false;
    return true;
}

/* --- the loop around them --- */

static void for_each_extent(struct reservation *a, bool (*one)(struct reservation *))
{
    unsigned long first = a->done;

    if (a->r.extent_order > memop_max_order())
        return;
    if ((a->list || one != increase_one) && !guest_range_ok(a->list + first * 8, (a->r.nr_extents - first) * 8))
        return;
    for (; a->done < a->r.nr_extents; a->done++) {
        if (a->done != first && hypercall_preempt_check()) {
            a->preempted = true;
            return;
        }
        if (!one(a))
            return;
    }
}

/* False: the limit is none that the allocator can keep. */
static bool decode_flags(struct reservation *a)
{
    a->addr_bits = XENMEMF_get_address_bits(a->r.mem_flags);
    if (a->addr_bits && a->addr_bits <= PAGE_SHIFT)
        return false;
    return true;
}

static long reservation_op(unsigned long arg, unsigned long start, unsigned long cmd)
{
    static bool (*const one[])(struct reservation *) = {
        [XENMEM_increase_reservation] = increase_one,
        [XENMEM_decrease_reservation] = decrease_one,
        [XENMEM_populate_physmap] = populate_one,
    };
    struct reservation a = { .done = start };
    unsigned int op = cmd & MEMOP_CMD_MASK;

    if (copy_from_guest(&a.r, arg, sizeof(a.r)) || a.r.nr_extents > UINT32_MAX >> MEMOP_EXTENT_SHIFT ||
        start >= a.r.nr_extents)
        return start;
    a.list = guest_addr(a.r.extent_start);
    a.d = memop_domain(a.r.domid);
    if (!a.d)
        return start;
    if (decode_flags(&a) && !foreign_permitted(a.d))
        for_each_extent(&a, one[index_nospec(op, ARRAY_SIZE(one))]);
    domain_put(a.d);
    if (a.preempted)
        return HYPERCALL_RESTART(op | a.done << MEMOP_EXTENT_SHIFT, arg);
    return a.done;
}

/* --- all sub-operations --- */

static memop_fn *const memops[] = {
    [XENMEM_increase_reservation] = reservation_op,
    [XENMEM_decrease_reservation] = reservation_op,
    [XENMEM_populate_physmap] = reservation_op,
    [XENMEM_exchange] = memop_exchange,
    [XENMEM_maximum_ram_page] = memop_ram_page,
    [XENMEM_current_reservation] = memop_reservation_info,
    [XENMEM_maximum_reservation] = memop_reservation_info,
    [XENMEM_maximum_gpfn] = memop_reservation_info,
    [XENMEM_machphys_mfn_list] = memop_m2p_list,
    [XENMEM_machphys_mapping] = memop_m2p_mapping,
    [XENMEM_memory_map] = memop_memory_map,
    [XENMEM_machine_memory_map] = memop_machine_memory_map,
    [XENMEM_set_memory_map] = memop_set_memory_map,
    [XENMEM_add_to_physmap] = memop_add_to_physmap,
    [XENMEM_add_to_physmap_batch] = memop_add_to_physmap_batch,
    [XENMEM_remove_from_physmap] = memop_remove_from_physmap,
    [XENMEM_claim_pages] = memop_claim,
    [XENMEM_get_sharing_freed_pages] = memop_sharing_info,
    [XENMEM_get_sharing_shared_pages] = memop_sharing_info,
    [XENMEM_acquire_resource] = memop_acquire_resource,
    [XENMEM_get_vnumainfo] = memop_vnumainfo,
};

long do_memory_op(unsigned long cmd, unsigned long arg)
{
    unsigned int op = cmd & MEMOP_CMD_MASK;
    memop_fn *fn = NULL;

    if (op < ARRAY_SIZE(memops))
        fn = memops[index_nospec(op, ARRAY_SIZE(memops))];
    return fn ? fn(arg, cmd >> MEMOP_EXTENT_SHIFT, cmd) : -ENOSYS;
}
