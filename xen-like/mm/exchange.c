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

static unsigned long in_address(const struct chunk *c, unsigned long j)
{
    return guest_addr(c->e->in.extent_start) + ((c->i << c->in_order) + j) * 8;
}

static unsigned long out_address(const struct chunk *c, unsigned long j)
{
    return guest_addr(c->e->out.extent_start) + ((c->i << c->out_order) + j) * 8;
}

/*
 * The domain's own reference of a frame becomes ours, where it is the only one: a frame that is mapped, pinned or
 * granted cannot be exchanged.
 */
static bool steal(struct domain *d, u64 mfn)
{
    u32 count = FRAME_OWNED | 2;
    struct frame *f;

    if (!frame_get(MFN(mfn), d))
        return false;
    f = mfn_to_frame(MFN(mfn));
    if (atomic_cmpxchg(&f->count, &count, 1))
        return true;
    frame_put(f);
    return false;
}

static void give_back(u64 mfn) { atomic_or(&mfn_to_frame(MFN(mfn))->count, FRAME_OWNED); }

/* Frame k of the chunk's input, read from the list at each start of an extent. */
static bool input_frame(const struct chunk *c, unsigned long k, u64 *mfn)
{
    unsigned long in_extent = k & ((1UL << c->e->in.extent_order) - 1);

    if (!in_extent)
        return get_guest_u64(mfn, in_address(c, k >> c->e->in.extent_order));
    *mfn += 1;
    return true;
}

/* Steals all input frames and notes them in mfns[]. */
static int steal_chunk(const struct chunk *c, u64 *mfns, unsigned long n)
{
    u64 mfn = 0;

    for (unsigned long k = 0; k < n; k++) {
        int rc = !input_frame(c, k, &mfn) ? -EFAULT : !steal(c->d, mfn) ? -EINVAL : 0;

        if (rc) {
            while (k--)
                give_back(mfns[k]);
            return rc;
        }
        mfns[k] = mfn;
    }
    return 0;
}

static void free_output(struct frame **out, unsigned long n, unsigned int order)
{
    while (n--)
        buddy_free(out[n], order, 0, 0);
}

static int alloc_output(const struct chunk *c, struct frame **out, unsigned long n)
{
    unsigned int bits = XENMEMF_get_address_bits(c->e->out.mem_flags);

    for (unsigned long j = 0; j < n; j++) {
        out[j] = buddy_alloc(c->e->out.extent_order, bits, 0);
        if (!out[j]) {
            free_output(out, j, c->e->out.extent_order);
            return -ENOMEM;
        }
        frames_prepare(out[j], c->e->out.extent_order, 0);
    }
    return 0;
}

static int hand_over(const struct chunk *c, struct frame **out, unsigned long n)
{
    unsigned int order = c->e->out.extent_order;
    int rc = 0;

    for (unsigned long j = 0; j < n; j++) {
        u64 mfn = frame_to_mfn(out[j]).v, pfn;

        if (!domain_give_frames(c->d, out[j], 1u << order, 1u << order)) {
            buddy_free(out[j], order, 0, 0);
            rc = -ENOMEM;
            continue;
        }
        if (!get_guest_u64(&pfn, out_address(c, j))) {
            rc = -EFAULT;
            continue;
        }
        for (u64 k = 0; k < 1UL << order; k++)
            m2p_set(MFN(mfn + k), pfn + k);
        if (!put_guest_u64(out_address(c, j), mfn))
            rc = -EFAULT;
    }
    return rc;
}

static int exchange_chunk(const struct chunk *c)
{
    unsigned long n_out = 1UL << c->out_order, n = 1UL << (c->e->out.extent_order + c->out_order);
    u64 *mfns = xzalloc_array(u64, n);
    struct frame **out = xzalloc_array(struct frame *, n_out);
    int rc = mfns && out ? steal_chunk(c, mfns, n) : -ENOMEM;

    if (!rc) {
        rc = alloc_output(c, out, n_out);
        if (rc) {
            for (unsigned long k = 0; k < n; k++)
                give_back(mfns[k]);
        } else {
            /* The frames that come are accounted for before those that go are not any more. */
            domain_reserve(c->d, n);
            for (unsigned long k = 0; k < n; k++)
                frame_put(mfn_to_frame(MFN(mfns[k])));
            rc = hand_over(c, out, n_out);
        }
    }
    xfree(out);
    xfree(mfns);
    return rc;
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
    struct chunk c = { .e = e };
    unsigned long first, chunks;
    long rc = check_sizes(e);

    if (rc)
        return write_progress(m->arg, e->nr_exchanged) ? rc : -EFAULT;
    rc = memop_target(e->in.domid, &c.d);
    if (rc)
        return rc;
    if (e->in.extent_order <= e->out.extent_order)
        c.in_order = e->out.extent_order - e->in.extent_order;
    else
        c.out_order = e->in.extent_order - e->out.extent_order;
    first = e->nr_exchanged >> c.in_order;
    chunks = e->in.nr_extents >> c.in_order;
    for (c.i = first; c.i < chunks && !rc; c.i += !rc) {
        if (c.i != first && hypercall_preempt_check())
            break;
        rc = exchange_chunk(&c);
    }
    if (!write_progress(m->arg, c.i < chunks ? c.i << c.in_order : e->in.nr_extents))
        rc = -EFAULT;
    else if (!rc && c.i < chunks)
        rc = memop_restart(m, 0);
    domain_put(c.d);
    return rc;
}
