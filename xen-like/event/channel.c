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
    unsigned int first = d->event.valid_ports, i;
    struct evtchn ***group = &d->event.groups[first / EVTCHN_PER_GROUP], *bucket;

    if (!*group)
        *group = domain_xzalloc_array(d, struct evtchn *, EVTCHN_PER_GROUP / EVTCHN_PER_BUCKET);
    if (!*group)
        return -ENOMEM;
    bucket = domain_xzalloc_array(d, struct evtchn, EVTCHN_PER_BUCKET);
    if (!bucket)
        return -ENOMEM;
    for (i = 0; i < EVTCHN_PER_BUCKET; i++) {
        spin_lock_init(&bucket[i].lock, LOCK_CHANNEL);
        bucket[i].port = first + i;
    }
    (*group)[first % EVTCHN_PER_GROUP / EVTCHN_PER_BUCKET] = bucket;
    store_release(&d->event.valid_ports, first + EVTCHN_PER_BUCKET);
    return 0;
}

int event_init_domain(struct domain *d, unsigned int max_port)
{
    int err;

    spin_lock_init(&d->event.lock, LOCK_EVENT);
    d->event.mode = &two_level_mode;
    d->event.max_port = min(max_port, EVTCHN_PORTS - 1u);
    err = add_bucket(d);
    if (err)
        return err;
    port_to_chn(d, 0)->state = CHN_RESERVED;
    d->event.free_hint = 1;
    return 0;
}

void event_init_vcpu(struct vcpu *v)
{
    spin_lock_init(&v->event.virq_lock, LOCK_VIRQ);
    spin_lock_init(&v->event.fifo_lock, LOCK_FIFO);
}

int evtchn_get_free(struct domain *d, struct evtchn **out)
{
    unsigned int limit = min(d->event.max_port, d->event.mode->ports - 1), busy = limit + 1, port;

    if (d->state != DOMAIN_ALIVE)
        return -EINVAL;
    for (port = d->event.free_hint; port <= limit; port++) {
        struct evtchn *chn;
        int err = port < d->event.valid_ports ? 0 : add_bucket(d);

        if (err)
            return err;
        chn = port_to_chn(d, port);
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

void evtchn_activate(struct domain *d, struct evtchn *chn, enum evtchn_state state)
{
    spin_lock(&chn->lock);
    chn->state = (u8)state;
    spin_unlock(&chn->lock);
    d->event.active++;
}

void evtchn_release(struct domain *d, struct evtchn *chn)
{
    spin_lock(&chn->lock);
    chn->state = CHN_FREE;
    chn->notify_vcpu = 0;
    spin_unlock(&chn->lock);
    /* Whoever gets the port next starts without an old event. */
    d->event.mode->clear_pending(d, chn);
    d->event.active--;
    d->event.free_hint = min(d->event.free_hint, (unsigned int)chn->port);
}

static void unbind_virq(struct domain *d, struct evtchn *chn)
{
    for_each_vcpu(d, v) {
        if (READ_ONCE(v->event.virq_port[chn->virq]) != chn->port)
            continue;
        spin_lock(&v->event.virq_lock);
        v->event.virq_port[chn->virq] = 0;
        spin_unlock(&v->event.virq_lock);
    }
}

static void unbind_pirq(struct domain *d, struct evtchn *chn)
{
    pirq_hooks.unbind(d, chn->pirq);
    WRITE_ONCE(d->event.pirq_port[chn->pirq], 0);
}

/* The remote end waits for d to bind it again. Both event locks are held. */
static void unbind_remote(struct domain *d, struct evtchn *chn)
{
    struct evtchn *peer = port_to_chn(chn->remote, chn->remote_port);

    spin_lock_pair(&chn->lock, &peer->lock);
    ASSERT(peer->state == CHN_INTERDOMAIN && peer->remote == d && peer->remote_port == chn->port);
    chn->state = CHN_UNBOUND;
    peer->state = CHN_UNBOUND;
    peer->unbound_for = d->id;
    spin_unlock_pair(&chn->lock, &peer->lock);
}

/*
 * Locks d's events and, where port is linked to another domain, that domain's too, in address order: so the
 * first lock is given up for a moment, and what was seen under it is looked at again. Returns the other
 * domain, referenced, or NULL.
 */
static struct domain *lock_with_remote(struct domain *d, struct evtchn *chn)
{
    struct domain *remote;

    spin_lock(&d->event.lock);
    while (chn->state == CHN_INTERDOMAIN && chn->remote != d) {
        bool alive;

        /* While it is linked it has not finished dying, so it has a reference. */
        remote = chn->remote;
        alive = domain_get_ref(remote);
        spin_unlock(&d->event.lock);
        ASSERT(alive);
        spin_lock_pair(&d->event.lock, &remote->event.lock);
        if (alive && chn->state == CHN_INTERDOMAIN && chn->remote == remote)
            return remote;
        spin_unlock_pair(&d->event.lock, &remote->event.lock);
        if (alive)
            domain_put(remote);
        spin_lock(&d->event.lock);
    }
    return NULL;
}

int evtchn_close(struct domain *d, unsigned int port)
{
    struct evtchn *chn = port_to_chn(d, port);
    struct domain *remote;
    int err = 0;

    if (!chn)
        return -EINVAL;
    remote = lock_with_remote(d, chn);
    switch (chn->state) {
    case CHN_FREE:
    case CHN_RESERVED:
        err = -EINVAL;
        break;
    case CHN_VIRQ:
        unbind_virq(d, chn);
        break;
    case CHN_PIRQ:
        unbind_pirq(d, chn);
        break;
    case CHN_INTERDOMAIN:
        unbind_remote(d, chn);
        break;
    default:
        break;
    }
    if (!err)
        evtchn_release(d, chn);
    if (remote) {
        spin_unlock_pair(&d->event.lock, &remote->event.lock);
        domain_put(remote);
    } else {
        spin_unlock(&d->event.lock);
    }
    return err;
}

int event_reset(struct domain *d)
{
    unsigned int port, closed = 0;
    int err = 0;

    for (port = 1; port < READ_ONCE(d->event.valid_ports); port++) {
        if (READ_ONCE(port_to_chn(d, port)->state) == CHN_FREE)
            continue;
        if (evtchn_close(d, port))
            continue;
        if (++closed % 32 == 0 && hypercall_preempt_check())
            return -ERESTART;
    }
    spin_lock(&d->event.lock);
    if (d->event.active)
        err = -EAGAIN;
    else
        fifo_destroy(d);
    spin_unlock(&d->event.lock);
    return err;
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

    while (unlikely(polling)) {
        unsigned int id = (unsigned int)__builtin_ctz(polling);
        struct vcpu *v = d->vcpu[id];

        polling &= polling - 1;
        if (v->event.poll_port < 0 || v->event.poll_port == (int)port)
            vcpu_unblock(v);
    }
}

int evtchn_poll(unsigned int port)
{
    struct domain *d = current->domain;
    struct evtchn *chn = port_to_chn(d, port);
    u32 flags;

    if (!chn)
        return -EINVAL;
    spin_lock(&current->event.fifo_lock);
    flags = READ_ONCE(d->event.mode)->flags(d, chn);
    spin_unlock(&current->event.fifo_lock);
    return !!(flags & EVENT_PENDING);
}

int evtchn_unmask(struct domain *d, unsigned int port)
{
    struct evtchn *chn = port_to_chn(d, port);

    if (!chn)
        return -EINVAL;
    /* Nothing comes by a port that is not in use. */
    if (READ_ONCE(chn->state) > CHN_RESERVED)
        READ_ONCE(d->event.mode)->unmask(d, chn);
    return 0;
}

int evtchn_send(struct domain *d, unsigned int port)
{
    struct evtchn *chn = port_to_chn(d, port), *peer;
    int err = 0;

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
    spin_lock(&chn->lock);
    if (chn->state == CHN_INTERDOMAIN)
        evtchn_set_pending(chn->remote, port_to_chn(chn->remote, chn->remote_port));
    else if (chn->state != CHN_UNBOUND)
        err = -EINVAL; /* an unbound one swallows events */
    spin_unlock(&chn->lock);
    return err;
}

void send_guest_vcpu_virq(struct vcpu *v, unsigned int virq)
{
    unsigned int port;

    if (!READ_ONCE(v->event.virq_port[virq]))
        return;
    spin_lock(&v->event.virq_lock);
    port = v->event.virq_port[virq];
    if (port)
        evtchn_set_pending(v->domain, port_to_chn(v->domain, port));
    spin_unlock(&v->event.virq_lock);
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
    struct evtchn *chn;

    if (!port)
        return;
    chn = port_to_chn(d, port);
    spin_lock(&chn->lock);
    if (chn->state == CHN_PIRQ && chn->pirq == pirq)
        evtchn_set_pending(d, chn);
    spin_unlock(&chn->lock);
}
