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

/* Frees frame mfn of d; false where it is not d's, or not its to free. */
static bool release(struct domain *d, u64 mfn)
{
    struct frame *f = mfn_to_frame(MFN(mfn));

    if (!frame_get(MFN(mfn), d))
        return false;
    /* Its place in the M2P it keeps for as long as it is in use. */
    const bool ok = !(f->count & FRAME_SHARED) && release_domain_frame(d, f);
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
    u64 pfn;

    if (!get_guest_u64(&pfn, a->list + a->done * 8))
        return false;
    struct frame *f = alloc_domain_frames(a->d, a->r.extent_order, a->addr_bits);
    if (!f)
        return false;
    const u64 mfn = frame_to_mfn(f).v;
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
        if (!release(a->d, mfn + i))
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
        a->preempted = a->done != first && hypercall_preempt_check();
        if (a->preempted || !one(a))
            return;
    }
}

static long reservation_op(struct memop *m)
{
    static bool (*const one[])(struct reservation *) = {
        [XENMEM_increase_reservation] = increase_one,
        [XENMEM_decrease_reservation] = decrease_one,
        [XENMEM_populate_physmap] = populate_one,
    };
    struct reservation a = { .done = m->start };

    if (copy_from_guest(&a.r, m->arg, sizeof(a.r)) || a.r.nr_extents > UINT32_MAX >> MEMOP_EXTENT_SHIFT ||
        m->start >= a.r.nr_extents)
        return m->start;
    a.list = guest_addr(a.r.extent_start);
    a.addr_bits = XENMEMF_get_address_bits(a.r.mem_flags);
    /* A limit below one page is none that the allocator can keep. */
    if ((a.addr_bits && a.addr_bits <= PAGE_SHIFT) || memop_target(m, a.r.domid))
        return m->start;
    a.d = m->d;
    for_each_extent(&a, one[index_nospec(m->op, ARRAY_SIZE(one))]);
    return a.preempted ? memop_restart(m, a.done) : (long)a.done;
}

/* --- all sub-operations --- */

/* Bytes of the structure that come in, and whether they go out again after success; the rest the function does. */
struct memop_row {
    memop_fn *fn;
    u8 in, out;
    unsigned long start_max;    /* beyond it: start_error */
    s8 start_error;
};
#define IN(field)   .in = sizeof(((struct memop *)0)->u.field)
#define OUT(field)  .out = sizeof(((struct memop *)0)->u.field)
#define AT_ONCE     .start_error = -EINVAL
#define ANY_START   .start_max = ~0UL

static const struct memop_row memops[] = {
    [XENMEM_increase_reservation] = { reservation_op, ANY_START },
    [XENMEM_decrease_reservation] = { reservation_op, ANY_START },
    [XENMEM_populate_physmap] = { reservation_op, ANY_START },
    [XENMEM_exchange] = { memop_exchange, IN(exchange), ANY_START },
    [XENMEM_maximum_ram_page] = { memop_ram_page, AT_ONCE },
    [XENMEM_current_reservation] = { memop_reservation_info, IN(domid), AT_ONCE },
    [XENMEM_maximum_reservation] = { memop_reservation_info, IN(domid), AT_ONCE },
    [XENMEM_maximum_gpfn] = { memop_reservation_info, IN(domid), AT_ONCE },
    [XENMEM_machphys_mfn_list] = { memop_m2p_list, IN(m2p_list), OUT(m2p_list), ANY_START },
    [XENMEM_machphys_mapping] = { memop_m2p_mapping, OUT(m2p_mapping), ANY_START },
    [XENMEM_memory_map] = { memop_memory_map, OUT(map), ANY_START },
    [XENMEM_machine_memory_map] = { memop_machine_memory_map, OUT(map), ANY_START },
    [XENMEM_set_memory_map] = { memop_set_memory_map, IN(foreign_map), ANY_START },
    [XENMEM_add_to_physmap] = { memop_add_to_physmap, IN(add), ANY_START },
    [XENMEM_add_to_physmap_batch] = { memop_add_to_physmap_batch, IN(add_batch), .start_max = UINT16_MAX,
                                      .start_error = -XEN_EDOM },
    [XENMEM_remove_from_physmap] = { memop_remove_from_physmap, IN(remove), AT_ONCE },
    [XENMEM_claim_pages] = { memop_claim, IN(reservation), AT_ONCE },
    [XENMEM_get_sharing_freed_pages] = { memop_sharing_info, ANY_START },
    [XENMEM_get_sharing_shared_pages] = { memop_sharing_info, ANY_START },
    [XENMEM_acquire_resource] = { memop_acquire_resource, IN(resource), ANY_START },
    [XENMEM_get_vnumainfo] = { memop_vnumainfo, IN(vnuma), ANY_START },
};

long do_memory_op(unsigned long cmd, unsigned long arg)
{
    struct memop m = { .op = cmd & MEMOP_CMD_MASK, .start = cmd >> MEMOP_EXTENT_SHIFT, .arg = arg };
    const struct memop_row *row = &memops[index_nospec(m.op, ARRAY_SIZE(memops))];

    if (m.op >= ARRAY_SIZE(memops) || !row->fn)
        return -ENOSYS;
    if (m.start > row->start_max)
        return row->start_error;
    if (copy_from_guest(&m.u, arg, row->in))
        return -EFAULT;
    const long rc = row->fn(&m);
    if (m.d)
        domain_put(m.d);
    return !rc && copy_to_guest(arg, &m.u, row->out) ? -EFAULT : rc;
}
