/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pinning, base pointers, TLB and cache flushes, LDT, and the clearing and copying of frames; and
 * the references that a vCPU holds of the roots that it runs on.
 */
#include "cpu/smp.h"
#include "mm/arch.h"
#include "mm/internal.h"

/* --- roots --- */

static int root_put(mfn_t mfn) { return mfn.v ? frame_put_table(mfn_to_frame(mfn)) : 0; }

int vcpu_set_kernel_root(struct vcpu *v, mfn_t mfn)
{
    mfn_t old = v->pv.kernel_root;
    int rc = mfn_eq(old, mfn) ? 0 : frame_get_table(mfn, v->domain, FRAME_L4, true);

    if (rc)
        return rc;
    v->pv.kernel_root = mfn;
    if (v == current)
        root_reload(v);
    if (!mfn_eq(old, mfn))
        root_put(old);
    return 0;
}

int vcpu_set_user_root(struct vcpu *v, mfn_t mfn)
{
    mfn_t old = v->pv.user_root;
    int rc = mfn.v && !mfn_eq(old, mfn) ? frame_get_table(mfn, v->domain, FRAME_L4, true) : 0;

    if (rc || mfn_eq(old, mfn))
        return rc;
    v->pv.user_root = mfn;
    if (v == current)
        root_changed();
    root_put(old);
    return 0;
}

static int drop_root(mfn_t *root)
{
    mfn_t mfn = *root;

    *root = MFN(0);
    return root_put(mfn);
}

int vcpu_drop_roots(struct vcpu *v)
{
    return mm_finish_undo() ?: drop_root(&v->pv.user_root) ?: drop_root(&v->pv.kernel_root);
}

/* --- operations: each gets the operation and the domain whose frames it names --- */

typedef int op_fn(const struct mmuext_op *op, struct domain *d);

static int pin(mfn_t mfn, enum frame_type type, struct domain *d, bool preemptible)
{
    struct frame *f = mfn_to_frame(mfn);
    int rc = frame_get_table(mfn, d, type, preemptible);

    if (rc)
        return rc;
    /* A domain that is being taken apart may have passed this frame already. */
    if (atomic_or(&f->type, TYPE_PINNED) & TYPE_PINNED)
        rc = -EINVAL;
    else if (likely(READ_ONCE(d->state) == DOMAIN_ALIVE) ||
             !(atomic_and(&f->type, ~TYPE_PINNED) & TYPE_PINNED))
        return 0;
    frame_put_table(f);
    return rc;
}

static int op_pin(const struct mmuext_op *op, struct domain *d)
{
    return pin(MFN(op->arg1.mfn), FRAME_L1 + (op->cmd - MMUEXT_PIN_L1_TABLE), d, true);
}

int mm_pin_root(struct domain *d, mfn_t mfn) { return pin(mfn, FRAME_L4, d, false); }

static int op_unpin(const struct mmuext_op *op, struct domain *d)
{
    struct frame *f held_frame = frame_get(MFN(op->arg1.mfn), d);

    if (!f || !(atomic_and(&f->type, ~TYPE_PINNED) & TYPE_PINNED))
        return -EINVAL;
    frame_put_table(f);
    return 0;
}

static int op_baseptr(const struct mmuext_op *op, struct domain *d)
{
    mfn_t mfn = MFN(op->arg1.mfn);

    if (op->cmd == MMUEXT_NEW_BASEPTR)
        return vcpu_set_kernel_root(current, mfn);
    return vcpu_set_user_root(current, mfn);
}

static int op_flush_local(const struct mmuext_op *op, struct domain *d)
{
    if (op->cmd == MMUEXT_TLB_FLUSH_LOCAL)
        tlb_flush_local(TLB_ALL);
    else if (guest_range_ok(op->arg1.linear_addr, 1))
        tlb_flush_page_local(op->arg1.linear_addr);
    return 0;
}

static int op_flush_remote(const struct mmuext_op *op, struct domain *d)
{
    bool page = op->cmd == MMUEXT_INVLPG_MULTI || op->cmd == MMUEXT_INVLPG_ALL;
    struct cpumask mask = { { 0 } };

    if (op->cmd == MMUEXT_TLB_FLUSH_ALL || op->cmd == MMUEXT_INVLPG_ALL)
        mask = d->mm.dirty;
    else if (guest_vcpumask(d, guest_addr(op->arg2.vcpumask), &mask))
        return -EINVAL;
    if (!page || guest_range_ok(op->arg1.linear_addr, 1))
        tlb_flush_mask(&mask, page ? op->arg1.linear_addr : TLB_ALL);
    return 0;
}

static void flush_caches_here(void *unused) { flush_caches(); }

static int op_flush_cache(const struct mmuext_op *op, struct domain *d)
{
    if (!d->hardware)
        return op->cmd == MMUEXT_FLUSH_CACHE ? -EACCES : -EINVAL;
    if (op->cmd == MMUEXT_FLUSH_CACHE)
        flush_caches();
    else
        smp_call(&cpu_online, flush_caches_here, NULL, true);
    return 0;
}

static int op_set_ldt(const struct mmuext_op *op, struct domain *d)
{
    unsigned int ents = op->arg2.nr_ents;
    unsigned long base = ents ? op->arg1.linear_addr : 0;

    if (base % PAGE_SIZE || ents > 8192 || !guest_range_ok(base, 1))
        return -EINVAL;
    return pv_set_ldt(current, base, ents);
}

static int op_clear_page(const struct mmuext_op *op, struct domain *d)
{
    struct frame *f = frame_get_and_type(MFN(op->arg1.mfn), d, FRAME_WRITABLE);

    if (!f)
        return -EINVAL;
    clear_page(frame_to_virt(f));
    frame_put_and_type(f);
    return 0;
}

static int op_copy_page(const struct mmuext_op *op, struct domain *d)
{
    struct frame *from held_frame = frame_get(MFN(op->arg2.src_mfn), d);
    struct frame *to = from ? frame_get_and_type(MFN(op->arg1.mfn), d, FRAME_WRITABLE) : NULL;

    if (!to)
        return -EINVAL;
    copy_page(frame_to_virt(to), frame_to_virt(from));
    frame_put_and_type(to);
    return 0;
}

static int op_superpage(const struct mmuext_op *op, struct domain *d) { return -EOPNOTSUPP; }

static const struct {
    op_fn *fn;
    bool foreign;       /* also for frames of another domain */
} ops[] = {
    [MMUEXT_PIN_L1_TABLE ... MMUEXT_PIN_L4_TABLE] = { op_pin, true },
    [MMUEXT_UNPIN_TABLE] = { op_unpin, true },
    [MMUEXT_NEW_BASEPTR] = { op_baseptr },
    [MMUEXT_TLB_FLUSH_LOCAL] = { op_flush_local },
    [MMUEXT_INVLPG_LOCAL] = { op_flush_local },
    [MMUEXT_TLB_FLUSH_MULTI] = { op_flush_remote },
    [MMUEXT_INVLPG_MULTI] = { op_flush_remote },
    [MMUEXT_TLB_FLUSH_ALL] = { op_flush_remote },
    [MMUEXT_INVLPG_ALL] = { op_flush_remote },
    [MMUEXT_FLUSH_CACHE] = { op_flush_cache },
    [MMUEXT_SET_LDT] = { op_set_ldt },
    [MMUEXT_NEW_USER_BASEPTR] = { op_baseptr },
    [MMUEXT_CLEAR_PAGE] = { op_clear_page, true },
    [MMUEXT_COPY_PAGE] = { op_copy_page, true },
    [MMUEXT_FLUSH_CACHE_GLOBAL] = { op_flush_cache },
    [MMUEXT_MARK_SUPER] = { op_superpage, true },
    [MMUEXT_UNMARK_SUPER] = { op_superpage, true },
};

_Static_assert(sizeof(struct mmuext_op) == 24 && offsetof(struct mmuext_op, arg1) == 8 &&
               offsetof(struct mmuext_op, arg2) == 16, "read as three words");

static int read_and_do(unsigned long addr, void *domain)
{
    struct domain *d = domain;
    u64 words[3];

    if (unlikely(!get_guest_3_u64(words, addr)))
        return -EFAULT;
    const struct mmuext_op op = { (unsigned int)words[0], { .mfn = words[1] }, { .src_mfn = words[2] } };
    unsigned long i = index_nospec(op.cmd, ARRAY_SIZE(ops));
    if (op.cmd >= ARRAY_SIZE(ops) || !ops[i].fn)
        return -ENOSYS;
    return d == current->domain || ops[i].foreign ? ops[i].fn(&op, d) : -EPERM;
}

long do_mmuext_op(unsigned long uops, unsigned int count, unsigned long pdone, unsigned int foreigndom)
{
    struct batch b = { .ops = uops, .size = sizeof(struct mmuext_op), .count = count, .pdone = pdone,
                       .foreigndom = foreigndom };

    if (unlikely(!batch_begin(&b)))
        return b.result;
    struct domain *d held_foreign = foreign_domain_get(foreigndom);
    if (!d)
        return -ESRCH;
    return foreign_permitted(d) ?: batch_run(&b, read_and_do, d);
}
