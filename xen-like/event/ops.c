/* SPDX-License-Identifier: MIT */
/*
 * The event_channel_op hypercall: one function an operation, each with its structure of xen/event_channel.h
 * copied in before and, where it has results, copied out after. Where that last copy fails the port stays
 * allocated, as the ABI has it.
 */
#include "event/private.h"

#include "mm/guest.h"
#include "pv/hypercall.h"

#define SUBOP_OF_event_channel_op ~, SUBOP_ROW
union evtchn_args {
#define SUBOP_ROW(call, nr, name) struct evtchn_##name name;
#include "pv/subops.h"
};

/* What an operation returns that has succeeded, and has results for the guest. */
#define COPY_OUT 1

static bool may_control(const struct domain *d)
{
    return d == current->domain || current->domain->privileged;
}

static long op_alloc_unbound(union evtchn_args *args)
{
    struct evtchn_alloc_unbound *a = &args->alloc_unbound;
    struct domain *d held_domain = domain_get(a->dom);
    struct evtchn *chn;

    if (!d)
        return -ESRCH;
    spin_guard(&d->event.lock);
    int err = evtchn_get_free(d, &chn);
    if (err)
        return err;
    /* A full or dying domain is told apart even to those who may not. */
    if (!may_control(d))
        return -EPERM;
    chn->unbound_for = a->remote_dom == DOMID_SELF ? current->domain->id : a->remote_dom;
    a->port = evtchn_activate(d, chn, CHN_UNBOUND);
    return COPY_OUT;
}

/* Both event locks are held. */
static long connect(struct domain *d, struct domain *rd, struct evtchn_bind_interdomain *a)
{
    struct evtchn *rchn = port_to_chn(rd, a->remote_port), *chn;
    int err = evtchn_get_free(d, &chn);

    if (err)
        return err;
    if (!rchn || rchn->state != CHN_UNBOUND || rchn->unbound_for != d->id)
        return -EINVAL;
    chn->remote = rd;
    chn->remote_port = rchn->port;
    a->local_port = evtchn_activate(d, chn, CHN_INTERDOMAIN);
    spin_lock(&rchn->lock);
    rchn->remote = d;
    rchn->remote_port = chn->port;
    rchn->state = CHN_INTERDOMAIN;
    spin_unlock(&rchn->lock);
    /* Events that the remote side sent before this moment were swallowed. */
    evtchn_set_pending(d, chn);
    return COPY_OUT;
}

static long op_bind_interdomain(union evtchn_args *args)
{
    struct domain *d = current->domain;
    struct domain *rd held_domain = domain_get(args->bind_interdomain.remote_dom);

    if (!rd)
        return -ESRCH;
    spin_lock_pair(&d->event.lock, &rd->event.lock);
    long ret = connect(d, rd, &args->bind_interdomain);
    spin_unlock_pair(&d->event.lock, &rd->event.lock);
    return ret;
}

static long op_bind_virq(union evtchn_args *args)
{
    struct evtchn_bind_virq *a = &args->bind_virq;
    struct domain *d = current->domain;
    struct evtchn *chn;

    if (a->virq >= NR_VIRQS || (virq_is_global(a->virq) && a->vcpu != 0))
        return -EINVAL;
    struct vcpu *v = domain_vcpu(d, a->vcpu);
    if (!v)
        return -ENOENT;
    u32 *port = &v->event.virq_port[index_nospec(a->virq, NR_VIRQS)];

    spin_guard(&d->event.lock);
    int err = *port ? -EEXIST : evtchn_get_free(d, &chn);
    if (err)
        return err;
    chn->virq = a->virq;
    chn->notify_vcpu = (u8)v->id;
    a->port = evtchn_activate(d, chn, CHN_VIRQ);
    spin_guard(&v->event.virq_lock);
    *port = a->port;
    return COPY_OUT;
}

static long op_bind_ipi(union evtchn_args *args)
{
    struct evtchn_bind_ipi *a = &args->bind_ipi;
    struct domain *d = current->domain;
    struct vcpu *v = domain_vcpu(d, a->vcpu);
    struct evtchn *chn;

    if (!v)
        return -ENOENT;
    spin_guard(&d->event.lock);
    int err = evtchn_get_free(d, &chn);
    if (err)
        return err;
    chn->notify_vcpu = (u8)v->id;
    a->port = evtchn_activate(d, chn, CHN_IPI);
    return COPY_OUT;
}

static long op_bind_pirq(union evtchn_args *args)
{
    struct evtchn_bind_pirq *a = &args->bind_pirq;
    struct domain *d = current->domain;
    struct evtchn *chn;

    if (a->pirq >= NR_PIRQS)
        return -EINVAL;
    if (!d->hardware || !pirq_hooks.bind)
        return -EPERM;
    unsigned int pirq = (unsigned int)index_nospec(a->pirq, NR_PIRQS);

    spin_guard(&d->event.lock);
    int err = pirq_to_port(d, pirq) ? -EEXIST : evtchn_get_free(d, &chn);
    if (err)
        return err;
    if (!d->event.pirq_port)
        store_release(&d->event.pirq_port, domain_xzalloc_array(d, u32, NR_PIRQS));
    if (!d->event.pirq_port)
        return -ENOMEM;
    err = pirq_hooks.bind(d, pirq, a->flags & BIND_PIRQ__WILL_SHARE);
    if (err)
        return err;
    chn->pirq = pirq;
    a->port = evtchn_activate(d, chn, CHN_PIRQ);
    WRITE_ONCE(d->event.pirq_port[pirq], a->port);
    return COPY_OUT;
}

static long op_close(union evtchn_args *args) { return evtchn_close(current->domain, args->close.port); }

static long op_send(union evtchn_args *args) { return evtchn_send(current->domain, args->send.port); }

static long op_unmask(union evtchn_args *args) { return evtchn_unmask(current->domain, args->unmask.port); }

static long op_status(union evtchn_args *args)
{
    struct evtchn_status *s = &args->status;
    struct domain *d held_domain = domain_get(s->dom);

    if (!d)
        return -ESRCH;
    spin_guard(&d->event.lock);
    const struct evtchn *chn = port_to_chn(d, s->port);
    if (!chn)
        return -EINVAL;
    if (!may_control(d))
        return -EPERM;
    evtchn_describe(chn, s);
    return COPY_OUT;
}

static long op_bind_vcpu(union evtchn_args *args)
{
    struct evtchn_bind_vcpu *a = &args->bind_vcpu;
    struct domain *d = current->domain;
    const struct vcpu *v = domain_vcpu(d, a->vcpu);

    if (!v)
        return -ENOENT;
    spin_guard(&d->event.lock);
    struct evtchn *chn = port_to_chn(d, a->port);
    if (!chn || chn->state == CHN_FREE || chn->state == CHN_IPI ||
        (chn->state == CHN_VIRQ && !virq_is_global(chn->virq)))
        return -EINVAL;
    WRITE_ONCE(chn->notify_vcpu, (u8)v->id);
    return 0;
}

static long op_reset(union evtchn_args *args)
{
    struct domain *d held_domain = domain_get(args->reset.dom);

    if (!d)
        return -ESRCH;
    if (!may_control(d))
        return -EPERM;
    return d != current->domain && !READ_ONCE(d->controller_pauses) ? -EINVAL : event_reset(d);
}

static long op_init_control(union evtchn_args *args)
{
    struct evtchn_init_control *a = &args->init_control;
    struct vcpu *v = domain_vcpu(current->domain, a->vcpu);
    int err = v ? fifo_init_control(v, MFN(a->control_gfn), a->offset) : -ENOENT;

    a->link_bits = EVTCHN_FIFO_LINK_BITS;
    return err ? err : COPY_OUT;
}

static long op_expand_array(union evtchn_args *args)
{
    return fifo_expand_array(current->domain, MFN(args->expand_array.array_gfn));
}

static long op_set_priority(union evtchn_args *args)
{
    struct domain *d = current->domain;

    spin_guard(&d->event.lock);
    struct evtchn *chn = port_to_chn(d, args->set_priority.port);
    if (chn && !d->event.fifo)
        return -ENOSYS;
    if (!chn || args->set_priority.priority > EVTCHN_FIFO_PRIORITY_MIN)
        return -EINVAL;
    WRITE_ONCE(chn->priority, (u8)args->set_priority.priority);
    return 0;
}

static const struct {
    long (*fn)(union evtchn_args *args);
    u8 size;
} event_ops[] = {
#define SUBOP_ROW(call, nr, name) [nr] = { op_##name, sizeof(struct evtchn_##name) },
#include "pv/subops.h"
};

long do_event_channel_op(unsigned int cmd, unsigned long arg)
{
    union evtchn_args args;

    /* By far the most frequent one, and short. */
    if (cmd == EVTCHNOP_send)
        return copy_from_guest(&args.send, arg, sizeof(args.send)) ? -EFAULT : op_send(&args);
    if (cmd >= ARRAY_SIZE(event_ops))
        return -ENOSYS;
    unsigned long op = index_nospec(cmd, ARRAY_SIZE(event_ops));
    if (copy_from_guest(&args, arg, event_ops[op].size))
        return -EFAULT;
    long ret = event_ops[op].fn(&args);
    if (ret == -ERESTART)
        return HYPERCALL_RESTART((unsigned long)cmd, arg);
    if (ret == COPY_OUT)
        return copy_to_guest(arg, &args, event_ops[op].size) ? -EFAULT : 0;
    return ret;
}
