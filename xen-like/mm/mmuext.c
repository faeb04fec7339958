/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pinning, base pointers, TLB and cache flushes, LDT, and the clearing and copying of frames; and
 * the references that a vCPU holds of the roots that it runs on.
 */
#include "cpu/smp.h"
#include "mm/arch.h"
#include "mm/internal.h"

/* --- roots --- */

static int root_get(struct domain *d, mfn_t mfn, bool preemptible)
{
    int rc;

    if (!frame_get(mfn, d))
        return -EINVAL;
    rc = frame_get_type(mfn_to_frame(mfn), FRAME_L4, preemptible);
    if (rc)
        frame_put(mfn_to_frame(mfn));
    return rc;
}

/* -ERESTART: dropped, but to be undone later, as frame_undo_later() has noted. */
static int root_put(mfn_t mfn, bool preemptible)
{
    struct frame *f = mfn_to_frame(mfn);
    int rc;

    if (!mfn.v)
        return 0;
    rc = frame_put_type(f, preemptible);
    if (rc)
        frame_undo_later(f);
    frame_put(f);
    return rc;
}

int vcpu_set_kernel_root(struct vcpu *v, mfn_t mfn, bool preemptible)
{
    mfn_t old = v->pv.kernel_root;
    int rc;

    if (!mfn_eq(old, mfn)) {
        rc = root_get(v->domain, mfn, preemptible);
        if (rc)
            return rc;
        v->pv.kernel_root = mfn;
    }
    if (v == current)
        root_reload(v);
    return mfn_eq(old, mfn) ? 0 : root_put(old, preemptible);
}

int vcpu_set_user_root(struct vcpu *v, mfn_t mfn, bool preemptible)
{
    mfn_t old = v->pv.user_root;
    int rc;

    if (mfn_eq(old, mfn))
        return 0;
    if (mfn.v) {
        rc = root_get(v->domain, mfn, preemptible);
        if (rc)
            return rc;
    }
    v->pv.user_root = mfn;
    if (v == current)
        root_changed();
    return root_put(old, preemptible);
}

int vcpu_drop_roots(struct vcpu *v)
{
    mfn_t kernel = v->pv.kernel_root, user = v->pv.user_root;
    int rc = mm_finish_undo();

    if (!rc && user.v) {
        v->pv.user_root = MFN(0);
        rc = root_put(user, true);
    }
    if (!rc && kernel.v) {
        v->pv.kernel_root = MFN(0);
        rc = root_put(kernel, true);
    }
    return rc;
}

/* --- operations: each gets the operation and the domain whose frames it names --- */

typedef int op_fn(const struct mmuext_op *op, struct domain *d);

static struct frame *get_frame(u64 mfn, struct domain *d)
{
    return frame_get(MFN(mfn), d) ? mfn_to_frame(MFN(mfn)) : NULL;
}

static int pin(struct frame *f, enum frame_type type, struct domain *d, bool preemptible)
{
    int rc;

    if (!f)
        return -EINVAL;
    rc = frame_get_type(f, type, preemptible);
    if (rc) {
        frame_put(f);
        return rc;
    }
    if (!(atomic_or(&f->type, TYPE_PINNED) & TYPE_PINNED)) {
        /* A domain that is being taken apart may have passed this frame already. */
        if (likely(READ_ONCE(d->state) == DOMAIN_ALIVE) || !(atomic_and(&f->type, ~TYPE_PINNED) & TYPE_PINNED))
            return 0;
    } else {
        rc = -EINVAL;
    }
    if (frame_put_type(f, true))
        frame_undo_later(f);
    frame_put(f);
    return rc;
}

static int op_pin(const struct mmuext_op *op, struct domain *d)
{
    return pin(get_frame(op->arg1.mfn, d), FRAME_L1 + (op->cmd - MMUEXT_PIN_L1_TABLE), d, true);
}

int mm_pin_root(struct domain *d, mfn_t mfn) { return pin(get_frame(mfn.v, d), FRAME_L4, d, false); }

static int op_unpin(const struct mmuext_op *op, struct domain *d)
{
    struct frame *f = get_frame(op->arg1.mfn, d);

    if (!f)
        return -EINVAL;
    if (!(atomic_and(&f->type, ~TYPE_PINNED) & TYPE_PINNED)) {
        frame_put(f);
        return -EINVAL;
    }
    if (frame_put_type(f, true))
        frame_undo_later(f);
    frame_put(f);   /* the pin's */
    frame_put(f);
    return 0;
}

static int op_new_baseptr(const struct mmuext_op *op, struct domain *d)
{
    int rc;

    if (d != current->domain)
        return -EPERM;
    rc = vcpu_set_kernel_root(current, MFN(op->arg1.mfn), true);
    /* Where the new root is in place, only the old one's undoing is left; the batch sees to it. */
    return rc == -ERESTART && current->pv.kernel_root.v == op->arg1.mfn ? 0 : rc;
}

static int op_new_user_baseptr(const struct mmuext_op *op, struct domain *d)
{
    int rc;

    if (d != current->domain)
        return -EPERM;
    rc = vcpu_set_user_root(current, MFN(op->arg1.mfn), true);
    return rc == -ERESTART && current->pv.user_root.v == op->arg1.mfn ? 0 : rc;
}

static int op_flush_local(const struct mmuext_op *op, struct domain *d)
{
    if (d != current->domain)
        return -EPERM;
    if (op->cmd == MMUEXT_TLB_FLUSH_LOCAL)
        tlb_flush_local();
    else if (guest_range_ok(op->arg1.linear_addr, 1))
        tlb_flush_page_local(op->arg1.linear_addr);
    return 0;
}

static int op_flush_remote(const struct mmuext_op *op, struct domain *d)
{
    struct cpumask mask = { { 0 } };

    if (d != current->domain)
        return -EPERM;
    if (op->cmd == MMUEXT_TLB_FLUSH_ALL || op->cmd == MMUEXT_INVLPG_ALL)
        mask = d->mm.dirty;
    else if (guest_vcpumask(d, guest_addr(op->arg2.vcpumask), &mask))
        return -EINVAL;
    if (op->cmd == MMUEXT_TLB_FLUSH_MULTI || op->cmd == MMUEXT_TLB_FLUSH_ALL)
        tlb_flush_mask(&mask);
    else if (guest_range_ok(op->arg1.linear_addr, 1))
        tlb_flush_page_mask(&mask, op->arg1.linear_addr);
    return 0;
}

static void flush_caches_here(void *unused) { flush_caches(); }

static int op_flush_cache(const struct mmuext_op *op, struct domain *d)
{
    if (d != current->domain)
        return -EPERM;
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

    if (d != current->domain)
        return -EPERM;
    if (base % PAGE_SIZE || ents > 8192 || !guest_range_ok(base, 1))
        return -EINVAL;
    return pv_set_ldt(current, base, ents);
}

static int op_clear_page(const struct mmuext_op *op, struct domain *d)
{
    mfn_t mfn = MFN(op->arg1.mfn);

    if (!frame_get_and_type(mfn, d, FRAME_WRITABLE))
        return -EINVAL;
    clear_page(mfn_to_virt(mfn));
    frame_put_and_type(mfn_to_frame(mfn));
    return 0;
}

static int op_copy_page(const struct mmuext_op *op, struct domain *d)
{
    struct frame *from = get_frame(op->arg2.src_mfn, d);
    mfn_t to = MFN(op->arg1.mfn);
    int rc = -EINVAL;

    if (!from)
        return -EINVAL;
    if (frame_get_and_type(to, d, FRAME_WRITABLE)) {
        copy_page(mfn_to_virt(to), frame_to_virt(from));
        frame_put_and_type(mfn_to_frame(to));
        rc = 0;
    }
    frame_put(from);
    return rc;
}

static int op_superpage(const struct mmuext_op *op, struct domain *d) { return -EOPNOTSUPP; }

static op_fn *const ops[] = {
    [MMUEXT_PIN_L1_TABLE] = op_pin,
    [MMUEXT_PIN_L2_TABLE] = op_pin,
    [MMUEXT_PIN_L3_TABLE] = op_pin,
    [MMUEXT_PIN_L4_TABLE] = op_pin,
    [MMUEXT_UNPIN_TABLE] = op_unpin,
    [MMUEXT_NEW_BASEPTR] = op_new_baseptr,
    [MMUEXT_TLB_FLUSH_LOCAL] = op_flush_local,
    [MMUEXT_INVLPG_LOCAL] = op_flush_local,
    [MMUEXT_TLB_FLUSH_MULTI] = op_flush_remote,
    [MMUEXT_INVLPG_MULTI] = op_flush_remote,
    [MMUEXT_TLB_FLUSH_ALL] = op_flush_remote,
    [MMUEXT_INVLPG_ALL] = op_flush_remote,
    [MMUEXT_FLUSH_CACHE] = op_flush_cache,
    [MMUEXT_SET_LDT] = op_set_ldt,
    [MMUEXT_NEW_USER_BASEPTR] = op_new_user_baseptr,
    [MMUEXT_CLEAR_PAGE] = op_clear_page,
    [MMUEXT_COPY_PAGE] = op_copy_page,
    [MMUEXT_FLUSH_CACHE_GLOBAL] = op_flush_cache,
    [MMUEXT_MARK_SUPER] = op_superpage,
    [MMUEXT_UNMARK_SUPER] = op_superpage,
};

_Static_assert(sizeof(struct mmuext_op) == 24 && offsetof(struct mmuext_op, arg1) == 8 &&
               offsetof(struct mmuext_op, arg2) == 16, "read as three words");

static int read_and_do(unsigned long addr, void *domain)
{
    struct mmuext_op op;
    u64 words[3];
    op_fn *fn;

    if (unlikely(!get_guest_3_u64(words, addr)))
        return -EFAULT;
    op.cmd = (unsigned int)words[0];
    op.arg1.mfn = words[1];
    op.arg2.src_mfn = words[2];
    if (op.cmd >= ARRAY_SIZE(ops))
        return -ENOSYS;
    fn = ops[index_nospec(op.cmd, ARRAY_SIZE(ops))];
    return fn ? fn(&op, domain) : -ENOSYS;
}

long do_mmuext_op(unsigned long uops, unsigned int count, unsigned long pdone, unsigned int foreigndom)
{
    struct batch b = { .ops = uops, .size = sizeof(struct mmuext_op), .count = count, .pdone = pdone,
                       .foreigndom = foreigndom };
    struct domain *d;
    long rc;

    if (unlikely(mm_finish_undo()))
        return HYPERCALL_RESTART(uops, count, pdone, foreigndom);
    if (unlikely(!batch_begin(&b)))
        return b.result;
    d = foreign_domain_get(foreigndom);
    if (!d)
        return -ESRCH;
    rc = foreign_permitted(d);
    if (!rc)
        rc = batch_run(&b, read_and_do, d);
    foreign_domain_put(d);
    return rc;
}
