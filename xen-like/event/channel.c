/* SPDX-License-Identifier: MIT */
/*
 * Ports of a domain: where they are kept, how they come and go, and how an event travels from its source to
 * the port that it raises.
 */
#include "event/private.h"

#include "pv/hypercall.h"

struct pirq_hooks pirq_hooks;

/* --- ports --- */

static int add_bucket(struct domain *d)
{
    unsigned int first = d->event.valid_ports;
    struct evtchn ***group = &d->event.groups[first / EVTCHN_PER_GROUP];

    if (!*group)
        *group = domain_xzalloc_array(d, struct evtchn *, EVTCHN_PER_GROUP / EVTCHN_PER_BUCKET);
    struct evtchn *bucket = *group ? domain_xzalloc_array(d, struct evtchn, EVTCHN_PER_BUCKET) : NULL;
    if (!bucket)
        return -ENOMEM;
    for (unsigned int i = 0; i < EVTCHN_PER_BUCKET; i++) {
        spin_lock_init(&bucket[i].lock, LOCK_CHANNEL);
        bucket[i].port = first + i;
    }
    (*group)[first % EVTCHN_PER_GROUP / EVTCHN_PER_BUCKET] = bucket;
    store_release(&d->event.valid_ports, first + EVTCHN_PER_BUCKET);
    return 0;
}

int event_init_domain(struct domain *d, unsigned int max_port)
{
    spin_lock_init(&d->event.lock, LOCK_EVENT);
    d->event.mode = &two_level_mode;
    d->event.max_port = min(max_port, EVTCHN_PORTS - 1u);
    d->event.free_hint = 1;     /* port 0 is never given out */
    return add_bucket(d);
}

void event_init_vcpu(struct vcpu *v)
{
    spin_lock_init(&v->event.virq_lock, LOCK_VIRQ);
    spin_lock_init(&v->event.fifo_lock, LOCK_FIFO);
}

int evtchn_get_free(struct domain *d, struct evtchn **out)
{
    unsigned int limit = min(d->event.max_port, d->event.mode->ports - 1), busy = limit + 1;

    if (d->state != DOMAIN_ALIVE)
        return -EINVAL;
    for (unsigned int port = d->event.free_hint; port <= limit; port++) {
        int err = port < d->event.valid_ports ? 0 : add_bucket(d);
        if (err)
            return err;
        struct evtchn *chn = port_to_chn(d, port);
        if (chn->state != CHN_FREE)
            continue;
        if (!(d->event.mode->flags(d, chn) & EVENT_LINKED)) {
            d->event.free_hint = min(port, busy);
            chn->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
            *out = chn;
            return 0;
        }
        busy = min(busy, port);
    }
    d->event.free_hint = busy;
    return -ENOSPC;
}

u32 evtchn_activate(struct domain *d, struct evtchn *chn, enum evtchn_state state)
{
    spin_guard(&chn->lock);
    chn->state = (u8)state;
    d->event.active++;
    return chn->port;
}

static void unbind_virq(struct domain *d, struct evtchn *chn)
{
    for_each_vcpu(d, v) {
        spin_guard(&v->event.virq_lock);
        if (v->event.virq_port[chn->virq] == chn->port)
            v->event.virq_port[chn->virq] = 0;
    }
}

/* The remote end waits for d to bind it again. Both event locks are held. */
static void unbind_remote(struct domain *d, struct evtchn *chn)
{
    struct evtchn *peer = port_to_chn(chn->remote, chn->remote_port);

    spin_guard(&peer->lock);
    ASSERT(peer->state == CHN_INTERDOMAIN && peer->remote == d && peer->remote_port == chn->port);
    peer->state = CHN_UNBOUND;
    peer->unbound_for = d->id;
}

/* Makes a port free again. d's event lock is held, and that of the domain that it is linked to. */
static int release(struct domain *d, struct evtchn *chn)
{
    if (chn->state == CHN_FREE)
        return -EINVAL;
    if (chn->state == CHN_VIRQ) {
        unbind_virq(d, chn);
    } else if (chn->state == CHN_PIRQ) {
        pirq_hooks.unbind(d, chn->pirq);
        WRITE_ONCE(d->event.pirq_port[chn->pirq], 0);
    } else if (chn->state == CHN_INTERDOMAIN) {
        unbind_remote(d, chn);
    }
    spin_lock(&chn->lock);
    chn->state = CHN_FREE;
    chn->notify_vcpu = 0;
    spin_unlock(&chn->lock);
    /* Whoever gets the port next starts without an old event. */
    d->event.mode->clear_pending(d, chn);
    d->event.active--;
    d->event.free_hint = min(d->event.free_hint, (unsigned int)chn->port);
    return 0;
}

/*
 * Locks d's events and, where chn is linked to another domain, that domain's too, in address order: so the
 * first lock is given up for a moment, and what was seen under it is looked at again. Returns the other
 * domain, or d, referenced.
 */
static struct domain *lock_with_remote(struct domain *d, struct evtchn *chn)
{
    struct domain *remote = d;

    BUG_ON(!domain_get_ref(d));
    spin_lock(&d->event.lock);
    while (chn->state == CHN_INTERDOMAIN && chn->remote != remote) {
        struct domain *next = chn->remote;

        /* While it is linked it has not finished dying, so it has a reference. */
        BUG_ON(!domain_get_ref(next));
        spin_unlock_pair(&d->event.lock, &remote->event.lock);
        domain_put(remote);
        remote = next;
        spin_lock_pair(&d->event.lock, &remote->event.lock);
    }
    return remote;
}

int evtchn_close(struct domain *d, unsigned int port)
{
    struct evtchn *chn = port_to_chn(d, port);

    if (!chn)
        return -EINVAL;
    struct domain *remote held_domain = lock_with_remote(d, chn);
    int err = release(d, chn);
    spin_unlock_pair(&d->event.lock, &remote->event.lock);
    return err;
}

void evtchn_describe(const struct evtchn *chn, struct evtchn_status *s)
{
    s->status = chn->state;
    s->vcpu = chn->notify_vcpu;
    if (chn->state == CHN_UNBOUND) {
        s->u.unbound.dom = chn->unbound_for;
    } else if (chn->state == CHN_INTERDOMAIN) {
        s->u.interdomain.dom = chn->remote->id;
        s->u.interdomain.port = chn->remote_port;
    } else if (chn->state == CHN_PIRQ) {
        s->u.pirq = chn->pirq;
    } else if (chn->state == CHN_VIRQ) {
        s->u.virq = chn->virq;
    }
}

int event_reset(struct domain *d)
{
    unsigned int closed = 0;

    for (unsigned int port = 1; port < READ_ONCE(d->event.valid_ports); port++) {
        if (READ_ONCE(port_to_chn(d, port)->state) == CHN_FREE || evtchn_close(d, port))
            continue;
        if (++closed % 32 == 0 && hypercall_preempt_check())
            return -ERESTART;
    }
    spin_guard(&d->event.lock);
    if (d->event.active)
        return -EAGAIN;
    fifo_destroy(d);
    return 0;
}

int event_destroy_domain(struct domain *d)
{
    /* Whoever saw d alive has finished with its ports after this; nobody takes a new one. */
    spin_lock(&d->event.lock);
    spin_unlock(&d->event.lock);
    return event_reset(d);
}

void event_free_domain(struct domain *d)
{
    for (unsigned int port = 0; port < d->event.valid_ports; port += EVTCHN_PER_BUCKET)
        domain_xfree(d, port_to_chn(d, port));
    for (unsigned int i = 0; i < ARRAY_SIZE(d->event.groups); i++)
        domain_xfree(d, d->event.groups[i]);
    domain_xfree(d, d->event.pirq_port);
}

/* --- events --- */

bool vcpu_event_deliverable(const struct vcpu *v)
{
    return READ_ONCE(v->info->evtchn_upcall_pending) && !READ_ONCE(v->info->evtchn_upcall_mask);
}

/* The current vCPU needs no kick where it is not about to wait: it looks on its way to its guest. */
void vcpu_notify(struct vcpu *v)
{
    if (v == current && !v->sched.blocked)
        WRITE_ONCE(v->info->evtchn_upcall_pending, 1);
    else if (!atomic_xchg(&v->info->evtchn_upcall_pending, 1))
        vcpu_kick(v);
}

void wake_pollers(struct domain *d, unsigned int port)
{
    u32 polling = READ_ONCE(d->event.poll_mask);

    for (; unlikely(polling); polling &= polling - 1) {
        struct vcpu *v = d->vcpu[__builtin_ctz(polling)];

        if (v->event.poll_port < 0 || v->event.poll_port == (int)port)
            vcpu_unblock(v);
    }
}

int evtchn_poll(unsigned int port)
{
    struct domain *d = current->domain;
    const struct evtchn *chn = port_to_chn(d, port);

    if (!chn)
        return -EINVAL;
    spin_guard(&current->event.fifo_lock);
    return !!(READ_ONCE(d->event.mode)->flags(d, chn) & EVENT_PENDING);
}

int evtchn_unmask(struct domain *d, unsigned int port)
{
    struct evtchn *chn = port_to_chn(d, port);

    if (!chn)
        return -EINVAL;
    /* Nothing comes by a port that is not in use. */
    if (READ_ONCE(chn->state) != CHN_FREE)
        READ_ONCE(d->event.mode)->unmask(d, chn);
    return 0;
}

int evtchn_send(struct domain *d, unsigned int port)
{
    struct evtchn *chn = port_to_chn(d, port), *peer;

    if (!chn)
        return -EINVAL;
    /*
     * An IPI, or an event from d to itself, concerns nobody but d, which is alive: a channel that is closed
     * or bound anew at this moment makes at worst an event on a port of its own that d gave up, or never had.
     */
    switch (READ_ONCE(chn->state)) {
    case CHN_INTERDOMAIN:
        if (READ_ONCE(chn->remote) != d)
            break;
        peer = port_to_chn(d, READ_ONCE(chn->remote_port));
        if (!peer)
            return -EINVAL;
        evtchn_set_pending(d, peer);
        return 0;
    case CHN_IPI:
        evtchn_set_pending(d, chn);
        return 0;
    }
    spin_guard(&chn->lock);
    if (chn->state == CHN_INTERDOMAIN)
        evtchn_set_pending(chn->remote, port_to_chn(chn->remote, chn->remote_port));
    else if (chn->state != CHN_UNBOUND)
        return -EINVAL; /* an unbound one swallows events */
    return 0;
}

void send_guest_vcpu_virq(struct vcpu *v, unsigned int virq)
{
    if (!READ_ONCE(v->event.virq_port[virq]))
        return;
    spin_guard(&v->event.virq_lock);
    if (v->event.virq_port[virq])
        evtchn_set_pending(v->domain, port_to_chn(v->domain, v->event.virq_port[virq]));
}

void send_global_virq(unsigned int virq)
{
    /* Global ones are bound at vCPU 0, whichever they notify. */
    if (hardware_domain && hardware_domain->vcpu[0])
        send_guest_vcpu_virq(hardware_domain->vcpu[0], virq);
}

unsigned int pirq_to_port(struct domain *d, unsigned int pirq)
{
    const u32 *ports = load_acquire(&d->event.pirq_port);

    return ports && pirq < NR_PIRQS ? READ_ONCE(ports[index_nospec(pirq, NR_PIRQS)]) : 0;
}

void send_guest_pirq(struct domain *d, unsigned int pirq)
{
    unsigned int port = pirq_to_port(d, pirq);

    if (!port)
        return;
    struct evtchn *chn = port_to_chn(d, port);
    spin_guard(&chn->lock);
    if (chn->state == CHN_PIRQ && chn->pirq == pirq)
        evtchn_set_pending(d, chn);
}
