/* SPDX-License-Identifier: MIT */
/*
 * The event_channel_op hypercall: one function an operation, each with its structure of xen/event_channel.h
 * copied in before and, where it has results, copied out after. Where that last copy fails the port stays
 * allocated, as the ABI has it.
 */
#include "event/private.h"

#include "mm/guest.h"
#include "pv/hypercall.h"

union evtchn_args {
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
    struct evtchn_init_control init_control;
    struct evtchn_expand_array expand_array;
    struct evtchn_set_priority set_priority;
};

static bool may_control(const struct domain *d)
{
    return d == current->domain || current->domain->privileged;
}

static long op_alloc_unbound(union evtchn_args *args)
{
    struct evtchn_alloc_unbound *a = &args->alloc_unbound;
    struct domain *d = domain_get(a->dom);
    struct evtchn *chn;
    long err;

    if (!d)
        return -ESRCH;
    spin_lock(&d->event.lock);
    err = evtchn_get_free(d, &chn);
    /* A full or dying domain is told apart even to those who may not. */
    if (!err && !may_control(d))
        err = -EPERM;
    if (!err) {
        chn->unbound_for = a->remote_dom == DOMID_SELF ? current->domain->id : a->remote_dom;
        evtchn_activate(d, chn, CHN_UNBOUND);
        a->port = chn->port;
    }
    spin_unlock(&d->event.lock);
    domain_put(d);
    return err;
}

static void link_channels(struct domain *d, struct evtchn *chn, struct domain *rd, struct evtchn *rchn)
{
    spin_lock_pair(&chn->lock, &rchn->lock);
    chn->remote = rd;
    chn->remote_port = rchn->port;
    rchn->remote = d;
    rchn->remote_port = chn->port;
    chn->state = CHN_INTERDOMAIN;
    rchn->state = CHN_INTERDOMAIN;
    spin_unlock_pair(&chn->lock, &rchn->lock);
    d->event.active++;
}

static long op_bind_interdomain(union evtchn_args *args)
{
    struct evtchn_bind_interdomain *a = &args->bind_interdomain;
    struct domain *d = current->domain, *rd = domain_get(a->remote_dom);
    struct evtchn *chn, *rchn;
    long err;

    if (!rd)
        return -ESRCH;
    spin_lock_pair(&d->event.lock, &rd->event.lock);
    err = evtchn_get_free(d, &chn);
    if (!err) {
        rchn = port_to_chn(rd, a->remote_port);
        if (!rchn || rchn->state != CHN_UNBOUND || rchn->unbound_for != d->id) {
            err = -EINVAL;
        } else {
            link_channels(d, chn, rd, rchn);
            /* Events that the remote side sent before this moment were swallowed. */
            evtchn_set_pending(d, chn);
            a->local_port = chn->port;
        }
    }
    spin_unlock_pair(&d->event.lock, &rd->event.lock);
    domain_put(rd);
    return err;
}

static long op_bind_virq(union evtchn_args *args)
{
    struct evtchn_bind_virq *a = &args->bind_virq;
    struct domain *d = current->domain;
    struct evtchn *chn;
    unsigned int virq;
    struct vcpu *v;
    long err;

    if (a->virq >= NR_VIRQS)
        return -EINVAL;
    virq = (unsigned int)index_nospec(a->virq, NR_VIRQS);
    if (virq_is_global(virq) && a->vcpu != 0)
        return -EINVAL;
    v = domain_vcpu(d, a->vcpu);
    if (!v)
        return -ENOENT;

    spin_lock(&d->event.lock);
    err = v->event.virq_port[virq] ? -EEXIST : evtchn_get_free(d, &chn);
    if (!err) {
        chn->virq = virq;
        chn->notify_vcpu = (u8)v->id;
        evtchn_activate(d, chn, CHN_VIRQ);
        spin_lock(&v->event.virq_lock);
        v->event.virq_port[virq] = chn->port;
        spin_unlock(&v->event.virq_lock);
        a->port = chn->port;
    }
    spin_unlock(&d->event.lock);
    return err;
}

static long op_bind_ipi(union evtchn_args *args)
{
    struct evtchn_bind_ipi *a = &args->bind_ipi;
    struct domain *d = current->domain;
    struct vcpu *v = domain_vcpu(d, a->vcpu);
    struct evtchn *chn;
    long err;

    if (!v)
        return -ENOENT;
    spin_lock(&d->event.lock);
    err = evtchn_get_free(d, &chn);
    if (!err) {
        chn->notify_vcpu = (u8)v->id;
        evtchn_activate(d, chn, CHN_IPI);
        a->port = chn->port;
    }
    spin_unlock(&d->event.lock);
    return err;
}

static int pirq_table(struct domain *d)
{
    u32 *ports;

    if (d->event.pirq_port)
        return 0;
    ports = domain_xzalloc_array(d, u32, NR_PIRQS);
    if (!ports)
        return -ENOMEM;
    store_release(&d->event.pirq_port, ports);
    return 0;
}

static long op_bind_pirq(union evtchn_args *args)
{
    struct evtchn_bind_pirq *a = &args->bind_pirq;
    struct domain *d = current->domain;
    struct evtchn *chn;
    unsigned int pirq;
    long err;

    if (a->pirq >= NR_PIRQS)
        return -EINVAL;
    if (!d->hardware || !pirq_hooks.bind)
        return -EPERM;
    pirq = (unsigned int)index_nospec(a->pirq, NR_PIRQS);

    spin_lock(&d->event.lock);
    err = pirq_to_port(d, pirq) ? -EEXIST : evtchn_get_free(d, &chn);
    if (!err)
        err = pirq_table(d);
    if (!err)
        err = pirq_hooks.bind(d, pirq, a->flags & BIND_PIRQ__WILL_SHARE);
    if (!err) {
        chn->pirq = pirq;
        evtchn_activate(d, chn, CHN_PIRQ);
        WRITE_ONCE(d->event.pirq_port[pirq], chn->port);
        a->port = chn->port;
    }
    spin_unlock(&d->event.lock);
    return err;
}

static long op_close(union evtchn_args *args) { return evtchn_close(current->domain, args->close.port); }

static long op_unmask(union evtchn_args *args) { return evtchn_unmask(current->domain, args->unmask.port); }

static void status_of(const struct evtchn *chn, struct evtchn_status *s)
{
    switch (chn->state) {
    case CHN_UNBOUND:
        s->status = EVTCHNSTAT_unbound;
        s->u.unbound.dom = chn->unbound_for;
        break;
    case CHN_INTERDOMAIN:
        s->status = EVTCHNSTAT_interdomain;
        s->u.interdomain.dom = chn->remote->id;
        s->u.interdomain.port = chn->remote_port;
        break;
    case CHN_PIRQ:
        s->status = EVTCHNSTAT_pirq;
        s->u.pirq = chn->pirq;
        break;
    case CHN_VIRQ:
        s->status = EVTCHNSTAT_virq;
        s->u.virq = chn->virq;
        break;
    case CHN_IPI:
        s->status = EVTCHNSTAT_ipi;
        break;
    default:
        s->status = EVTCHNSTAT_closed;
        break;
    }
    s->vcpu = chn->notify_vcpu;
}

static long op_status(union evtchn_args *args)
{
    struct evtchn_status *s = &args->status;
    struct domain *d = domain_get(s->dom);
    struct evtchn *chn;
    long err = 0;

    if (!d)
        return -ESRCH;
    spin_lock(&d->event.lock);
    chn = port_to_chn(d, s->port);
    if (!chn)
        err = -EINVAL;
    else if (!may_control(d))
        err = -EPERM;
    else
        status_of(chn, s);
    spin_unlock(&d->event.lock);
    domain_put(d);
    return err;
}

static long op_bind_vcpu(union evtchn_args *args)
{
    struct evtchn_bind_vcpu *a = &args->bind_vcpu;
    struct domain *d = current->domain;
    struct vcpu *v = domain_vcpu(d, a->vcpu);
    struct evtchn *chn;
    long err = 0;

    if (!v)
        return -ENOENT;
    spin_lock(&d->event.lock);
    chn = port_to_chn(d, a->port);
    if (!chn || chn->state == CHN_FREE || chn->state == CHN_RESERVED || chn->state == CHN_IPI ||
        (chn->state == CHN_VIRQ && !virq_is_global(chn->virq)))
        err = -EINVAL;
    else
        WRITE_ONCE(chn->notify_vcpu, (u8)v->id);
    spin_unlock(&d->event.lock);
    return err;
}

static long op_reset(union evtchn_args *args)
{
    struct domain *d = domain_get(args->reset.dom);
    long err;

    if (!d)
        return -ESRCH;
    if (!may_control(d))
        err = -EPERM;
    else if (d != current->domain && !READ_ONCE(d->controller_pauses))
        err = -EINVAL;
    else
        err = event_reset(d);
    domain_put(d);
    return err;
}

static long op_init_control(union evtchn_args *args)
{
    struct evtchn_init_control *a = &args->init_control;
    struct vcpu *v = domain_vcpu(current->domain, a->vcpu);

    if (!v)
        return -ENOENT;
    a->link_bits = EVTCHN_FIFO_LINK_BITS;
    return fifo_init_control(v, MFN(a->control_gfn), a->offset);
}

static long op_expand_array(union evtchn_args *args)
{
    return fifo_expand_array(current->domain, MFN(args->expand_array.array_gfn));
}

static long op_set_priority(union evtchn_args *args)
{
    const struct evtchn_set_priority *a = &args->set_priority;
    struct domain *d = current->domain;
    struct evtchn *chn;
    long err = 0;

    spin_lock(&d->event.lock);
    chn = port_to_chn(d, a->port);
    if (!chn)
        err = -EINVAL;
    else if (!d->event.fifo)
        err = -ENOSYS;
    else if (a->priority > EVTCHN_FIFO_PRIORITY_MIN)
        err = -EINVAL;
    else
        WRITE_ONCE(chn->priority, (u8)a->priority);
    spin_unlock(&d->event.lock);
    return err;
}

static const struct {
    long (*fn)(union evtchn_args *args);
    u8 size;
    bool out;       /* results are copied back */
} event_ops[] = {
#define OP(name, out) [EVTCHNOP_##name] = { op_##name, sizeof(struct evtchn_##name), out }
    OP(bind_interdomain, true),
    OP(bind_virq, true),
    OP(bind_pirq, true),
    OP(close, false),
    OP(status, true),
    OP(alloc_unbound, true),
    OP(bind_ipi, true),
    OP(bind_vcpu, false),
    OP(unmask, false),
    OP(reset, false),
    OP(init_control, true),
    OP(expand_array, false),
    OP(set_priority, false),
#undef OP
};

long do_event_channel_op(unsigned int cmd, unsigned long arg)
{
    union evtchn_args args;
    unsigned long op;
    long ret;

    /* By far the most frequent one, and short. */
    if (cmd == EVTCHNOP_send) {
        if (copy_from_guest(&args.send, arg, sizeof(args.send)))
            return -EFAULT;
        return evtchn_send(current->domain, args.send.port);
    }
    if (cmd >= ARRAY_SIZE(event_ops))
        return -ENOSYS;
    op = index_nospec(cmd, ARRAY_SIZE(event_ops));
    if (copy_from_guest(&args, arg, event_ops[op].size))
        return -EFAULT;
    ret = event_ops[op].fn(&args);
    if (ret == -ERESTART)
        return HYPERCALL_RESTART((unsigned long)cmd, arg);
    if (ret == 0 && event_ops[op].out && copy_to_guest(arg, &args, event_ops[op].size))
        return -EFAULT;
    return ret;
}
