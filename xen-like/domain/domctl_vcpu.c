/* SPDX-License-Identifier: MIT */
/*
 * The operations of domctl that concern vCPUs: making them, their contexts, where and with what share they
 * run.
 */
#include "domain/control.h"

/* Why there is no vCPU of that number: it can have none, or it has not been made. */
static long no_vcpu(const struct domain *d, unsigned int id) { return id < d->max_vcpus ? -ESRCH : -EINVAL; }

/* Makes all vCPUs, which must be as many as the domain was created for. What was made stays on failure. */
long domctl_max_vcpus(struct domain *d, union control_op *op)
{
    static unsigned int next_cpu;
    long err = 0;

    spin_guard(&d->lock);
    if (d->state != DOMAIN_ALIVE || op->domctl.u.max_vcpus.max != d->max_vcpus)
        return -EINVAL;
    for (unsigned int i = 0; i < d->max_vcpus && !err; i++) {
        if (d->vcpu[i])
            continue;
        next_cpu = (next_cpu + 1) % cpu_count;
        err = vcpu_create(d, i, next_cpu);
    }
    return err;
}

long domctl_setvcpucontext(struct domain *d, union control_op *op)
{
    const unsigned long from = guest_addr(op->domctl.u.vcpucontext.ctxt);
    struct vcpu *v = domain_vcpu(d, op->domctl.u.vcpucontext.vcpu);
    long err;

    if (!v || d->state != DOMAIN_ALIVE)
        return -EINVAL;
    if (!from)
        return -ENOSYS; /* the reset of a vCPU */
    struct vcpu_guest_context *ctx held_memory = context_from_guest(from, &err);
    if (!ctx)
        return err;
    domain_pause(d);
    err = pv_set_context(v, ctx);
    if (!err) {
        if (ctx->flags & VGCF_online)
            atomic_and(&v->sched.blocked, ~VCPU_DOWN);
        else
            atomic_or(&v->sched.blocked, VCPU_DOWN);
        if (v->id == 0)
            domain_update_wallclock(d);
    }
    domain_unpause(d);
    return err;
}

long domctl_getvcpucontext(struct domain *d, union control_op *op)
{
    struct vcpu *v = domain_vcpu(d, op->domctl.u.vcpucontext.vcpu);

    if (!v)
        return -EINVAL;
    if (!v->initialised)
        return -ENODATA;
    struct vcpu_guest_context *ctx held_memory = xzalloc(struct vcpu_guest_context);
    if (!ctx)
        return -ENOMEM;
    vcpu_pause(v);
    pv_get_context(v, ctx);
    vcpu_unpause(v);
    return copy_to_guest(guest_addr(op->domctl.u.vcpucontext.ctxt), ctx, sizeof(*ctx)) ? -EFAULT : 0;
}

/* --- the entry points that setvcpucontext leaves out; their selectors are for 32-bit guests alone --- */

long domctl_get_ext_vcpucontext(struct domain *d, union control_op *op)
{
    struct xen_domctl_ext_vcpucontext *e = &op->domctl.u.ext_vcpucontext;
    struct vcpu *v = domain_vcpu(d, e->vcpu);

    if (!v || v == current)
        return -ESRCH;
    memset(e, 0, sizeof(*e));
    e->vcpu = v->id;
    e->size = sizeof(*e);
    vcpu_pause(v);
    e->syscall32_callback_eip = v->pv.callbacks[CALLBACKTYPE_syscall32].address;
    e->syscall32_disables_events = v->pv.callbacks[CALLBACKTYPE_syscall32].mask_events;
    e->sysenter_callback_eip = v->pv.callbacks[CALLBACKTYPE_sysenter].address;
    e->sysenter_disables_events = v->pv.callbacks[CALLBACKTYPE_sysenter].mask_events;
    vcpu_unpause(v);
    return WRITE_BACK(0);
}

long domctl_set_ext_vcpucontext(struct domain *d, union control_op *op)
{
    struct xen_domctl_ext_vcpucontext *e = &op->domctl.u.ext_vcpucontext;
    struct vcpu *v = domain_vcpu(d, e->vcpu);

    if (!v || v == current)
        return -ESRCH;
    if (e->size < offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap) ||
        !canonical(e->syscall32_callback_eip) || !canonical(e->sysenter_callback_eip))
        return -EINVAL;
    vcpu_pause(v);
    v->pv.callbacks[CALLBACKTYPE_syscall32] =
        (struct pv_callback){ e->syscall32_callback_eip, e->syscall32_disables_events };
    v->pv.callbacks[CALLBACKTYPE_sysenter] =
        (struct pv_callback){ e->sysenter_callback_eip, e->sysenter_disables_events };
    vcpu_unpause(v);
    return 0;
}

long domctl_getvcpuinfo(struct domain *d, union control_op *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->domctl.u.getvcpuinfo;
    struct vcpu *v = domain_vcpu(d, info->vcpu);

    if (!v)
        return no_vcpu(d, info->vcpu);
    info->online = !(v->sched.blocked & VCPU_DOWN);
    info->blocked = (v->sched.blocked & (VCPU_BLOCKED | VCPU_POLLING)) != 0;
    info->running = v->sched.running;
    info->cpu_time = (u64)vcpu_cpu_time(v);
    info->cpu = v->sched.cpu;
    return WRITE_BACK(0);
}

/* --- where --- */

static bool affinity_params_ok(const struct xen_domctl_vcpuaffinity *a)
{
    return (a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) &&
           !((a->flags & XEN_VCPUAFFINITY_HARD) && !a->cpumap_hard.bitmap.p) &&
           !((a->flags & XEN_VCPUAFFINITY_SOFT) && !a->cpumap_soft.bitmap.p);
}

/* The one and the other, as far as they are asked for. */
static long affinity_to_guest(const struct xen_domctl_vcpuaffinity *a, const struct cpumask *hard,
                              const struct cpumask *soft, unsigned int nr_bits)
{
    long err = a->flags & XEN_VCPUAFFINITY_HARD ? bitmap_to_guest(&a->cpumap_hard, hard->bits, nr_bits) : 0;

    if (!err && a->flags & XEN_VCPUAFFINITY_SOFT)
        err = bitmap_to_guest(&a->cpumap_soft, soft->bits, nr_bits);
    return err;
}

/*
 * The maps are given back as they will work: restricted to the CPUs there are, the soft one to the hard one
 * too.
 */
long domctl_setvcpuaffinity(struct domain *d, union control_op *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->domctl.u.vcpuaffinity;
    bool set_hard = a->flags & XEN_VCPUAFFINITY_HARD, set_soft = a->flags & XEN_VCPUAFFINITY_SOFT;
    struct vcpu *v = domain_vcpu(d, a->vcpu);
    struct cpumask hard, soft;

    if (!v)
        return no_vcpu(d, a->vcpu);
    if (!affinity_params_ok(a))
        return -EINVAL;
    if ((set_hard && cpumask_from_guest(&hard, &a->cpumap_hard)) ||
        (set_soft && cpumask_from_guest(&soft, &a->cpumap_soft)))
        return -EFAULT;
    long err = vcpu_set_affinity(v, set_hard ? &hard : NULL, set_soft ? &soft : NULL);
    if (err)
        return err;
    (void)cpumask_and(&hard, &v->sched.hard_affinity, &cpu_online);
    (void)cpumask_and(&soft, &v->sched.soft_affinity, &hard);
    return affinity_to_guest(a, &hard, &soft, cpu_count);
}

long domctl_getvcpuaffinity(struct domain *d, union control_op *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->domctl.u.vcpuaffinity;
    struct vcpu *v = domain_vcpu(d, a->vcpu);

    if (!v)
        return no_vcpu(d, a->vcpu);
    if (!affinity_params_ok(a))
        return -EINVAL;
    return affinity_to_guest(a, &v->sched.hard_affinity, &v->sched.soft_affinity, MAX_CPUS);
}

/* --- with what share --- */

/* Of the credit scheduler's kind, which the fair one answers as; the null scheduler has nothing to set. */
long domctl_scheduler_op(struct domain *d, union control_op *op)
{
    struct xen_domctl_scheduler_op *s = &op->domctl.u.scheduler_op;
    struct xen_domctl_sched_credit *c = &s->u.credit;

    if (s->sched_id != sched_id())
        return -EINVAL;
    if (s->sched_id == XEN_SCHEDULER_NULL)
        return s->cmd <= XEN_DOMCTL_SCHEDOP_getvcpuinfo ? 0 : -EINVAL;
    if (s->cmd == XEN_DOMCTL_SCHEDOP_getinfo)
        *c = (struct xen_domctl_sched_credit){ .weight = (u16)d->sched.weight, .cap = (u16)d->sched.cap };
    else if (s->cmd == XEN_DOMCTL_SCHEDOP_putinfo)
        domain_set_shares(d, c->weight ?: d->sched.weight, c->cap != (u16)~0 ? c->cap : d->sched.cap);
    else
        return -EINVAL;
    return WRITE_BACK(0);
}

/* Of the triggers only the NMI means something to a PV guest. */
long domctl_sendtrigger(struct domain *d, union control_op *op)
{
    struct vcpu *v = domain_vcpu(d, op->domctl.u.sendtrigger.vcpu);

    if (!v)
        return -ESRCH;
    if (op->domctl.u.sendtrigger.trigger != XEN_DOMCTL_SENDTRIGGER_NMI)
        return -ENOSYS;
    vcpu_send_nmi(v);
    return 0;
}
