/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: a domain gives frames and gets as many others, contiguous or below an address. Done in chunks of
 * the larger of both extent sizes. A chunk fails whole, before anything has changed, or not at all (but for the
 * guest's own doing: a list that cannot be read or written, memory populated meanwhile by another vCPU).
 */
#include "mm/memory_op.h"

struct chunk {
    struct xen_memory_exchange *e;
    struct domain *d;
    unsigned int in_order, out_order;       /* extents in a chunk: 2^n */
    unsigned long i;                        /* this chunk's number */
};

/* The address in a list of item j of the present chunk, which is 2^order of them. */
static unsigned long item(const struct chunk *c, const struct xen_memory_reservation *list, unsigned int order,
                          unsigned long j)
{
    return guest_addr(list->extent_start) + ((c->i << order) + j) * 8;
}

/*
 * The domain's own reference of a frame becomes ours, where it is the only one: a frame that is mapped, pinned or
 * granted cannot be exchanged.
 */
static bool steal(struct domain *d, u64 mfn)
{
    u32 count = FRAME_OWNED | 2;
    struct frame *f = mfn_to_frame(MFN(mfn));

    if (!frame_get(MFN(mfn), d))
        return false;
    if (atomic_cmpxchg(&f->count, &count, 1))
        return true;
    frame_put(f);
    return false;
}

static void give_back(const u64 *mfns, unsigned long n)
{
    while (n--)
        atomic_or(&mfn_to_frame(MFN(mfns[n]))->count, FRAME_OWNED);
}

/* Frame k of the chunk's input, read from the list at each start of an extent. */
static bool input_frame(const struct chunk *c, unsigned long k, u64 *mfn)
{
    const unsigned int order = c->e->in.extent_order;

    if (!(k & ((1UL << order) - 1)))
        return get_guest_u64(mfn, item(c, &c->e->in, c->in_order, k >> order));
    *mfn += 1;
    return true;
}

/* Steals all input frames and notes them in mfns[]. */
static int steal_chunk(const struct chunk *c, u64 *mfns, unsigned long n)
{
    u64 mfn = 0;

    for (unsigned long k = 0; k < n; k++) {
        const int rc = !input_frame(c, k, &mfn) ? -EFAULT : !steal(c->d, mfn) ? -EINVAL : 0;

        if (rc) {
            give_back(mfns, k);
            return rc;
        }
        mfns[k] = mfn;
    }
    return 0;
}

static bool alloc_output(const struct chunk *c, struct frame **out, unsigned long n)
{
    const unsigned int bits = XENMEMF_get_address_bits(c->e->out.mem_flags), order = c->e->out.extent_order;

    for (unsigned long j = 0; j < n; j++) {
        out[j] = buddy_alloc(order, bits, 0);
        if (!out[j]) {
            while (j--)
                buddy_free(out[j], order, 0, 0);
            return false;
        }
        frames_prepare(out[j], order, 0);
    }
    return true;
}

static int hand_over(const struct chunk *c, struct frame **out, unsigned long n)
{
    const unsigned int order = c->e->out.extent_order;
    int rc = 0;

    for (unsigned long j = 0; j < n; j++) {
        const unsigned long at = item(c, &c->e->out, c->out_order, j);
        const u64 mfn = frame_to_mfn(out[j]).v;
        u64 pfn;

        if (!domain_give_frames(c->d, out[j], 1u << order, 1u << order)) {
            buddy_free(out[j], order, 0, 0);
            rc = -ENOMEM;
        } else if (!get_guest_u64(&pfn, at)) {
            rc = -EFAULT;
        } else {
            for (u64 k = 0; k < 1UL << order; k++)
                m2p_set(MFN(mfn + k), pfn + k);
            if (!put_guest_u64(at, mfn))
                rc = -EFAULT;
        }
    }
    return rc;
}

static int exchange_chunk(const struct chunk *c)
{
    const unsigned long n_out = 1UL << c->out_order, n = 1UL << (c->e->out.extent_order + c->out_order);
    u64 *mfns held_memory = xzalloc_array(u64, n);
    struct frame **out held_memory = xzalloc_array(struct frame *, n_out);
    const int rc = mfns && out ? steal_chunk(c, mfns, n) : -ENOMEM;

    if (rc)
        return rc;
    if (!alloc_output(c, out, n_out)) {
        give_back(mfns, n);
        return -ENOMEM;
    }
    /* The frames that come are accounted for before those that go are not any more. */
    domain_reserve(c->d, n);
    for (unsigned long k = 0; k < n; k++)
        frame_put(mfn_to_frame(MFN(mfns[k])));
    return hand_over(c, out, n_out);
}

static int check_sizes(const struct xen_memory_exchange *e)
{
    unsigned int in = e->in.extent_order, out = e->out.extent_order;

    if (max(in, out) > memop_max_order())
        return -EPERM;
    if (e->nr_exchanged > e->in.nr_extents || e->in.domid != e->out.domid || ~0UL >> in < e->in.nr_extents ||
        ~0UL >> out < e->out.nr_extents || e->in.nr_extents << in != e->out.nr_extents << out)
        return -EINVAL;
    /* Both whole lists: the parts that are read and written later lie inside. */
    if (e->in.nr_extents > 1UL << 40 || !guest_range_ok(guest_addr(e->in.extent_start), e->in.nr_extents * 8) ||
        e->out.nr_extents > 1UL << 40 || !guest_range_ok(guest_addr(e->out.extent_start), e->out.nr_extents * 8))
        return -EFAULT;
    return 0;
}

static bool write_progress(unsigned long arg, unsigned long done)
{
    return put_guest_u64(arg + offsetof(struct xen_memory_exchange, nr_exchanged), done);
}

long memop_exchange(struct memop *m)
{
    struct xen_memory_exchange *e = &m->u.exchange;
    long rc = check_sizes(e);

    if (rc)
        return write_progress(m->arg, e->nr_exchanged) ? rc : -EFAULT;
    rc = memop_target(m, e->in.domid);
    if (rc)
        return rc;
    const int more = (int)e->out.extent_order - (int)e->in.extent_order;
    struct chunk c = { .e = e, .d = m->d, .in_order = max(more, 0), .out_order = max(-more, 0) };
    const unsigned long first = e->nr_exchanged >> c.in_order, chunks = e->in.nr_extents >> c.in_order;
    for (c.i = first; c.i < chunks && !rc; c.i += !rc) {
        if (c.i != first && hypercall_preempt_check())
            break;
        rc = exchange_chunk(&c);
    }
    if (!write_progress(m->arg, c.i < chunks ? c.i << c.in_order : e->in.nr_extents))
        return -EFAULT;
    return rc || c.i == chunks ? rc : memop_restart(m, 0);
}
