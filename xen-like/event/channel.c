/* SPDX-License-Identifier: MIT */
/*
 * Ports of a domain: where they are kept, how they come and go, and how an event travels: into the 2-level
 * bitmaps of the domain's shared_info, to the vCPU that is to be notified, and to vCPUs that poll.
 */
#include "event/private.h"

#include "lib/log.h"
#include "pv/hypercall.h"

struct pirq_hooks pirq_hooks;

/* --- ports --- */

static int add_bucket(struct domain *d)
{
    unsigned int first = d->event.valid_ports, i;
    struct evtchn *bucket = domain_xzalloc_array(d, struct evtchn, EVTCHN_PER_BUCKET);

    if (!bucket)
        return -ENOMEM;
    for (i = 0; i < EVTCHN_PER_BUCKET; i++) {
        spin_lock_init(&bucket[i].lock, LOCK_CHANNEL);
        bucket[i].port = (u16)(first + i);
    }
    d->event.buckets[first / EVTCHN_PER_BUCKET] = bucket;
    store_release(&d->event.valid_ports, first + EVTCHN_PER_BUCKET);
    return 0;
}

int event_init_domain(struct domain *d, unsigned int max_port)
{
    struct evtchn *zero;
    int err;

    spin_lock_init(&d->event.lock, LOCK_EVENT);
    d->event.max_port = min(max_port, EVTCHN_2L_PORTS - 1u);
    err = add_bucket(d);
    if (err)
        return err;
    zero = port_to_chn(d, 0);
    zero->state = CHN_RESERVED;
    d->event.free_hint = 1;
    return 0;
}

void event_init_vcpu(struct vcpu *v)
{
    spin_lock_init(&v->event.virq_lock, LOCK_VIRQ);
}

int evtchn_get_free(struct domain *d, struct evtchn **out)
{
    unsigned int port;
    int err;

    if (d->state != DOMAIN_ALIVE)
        return -EINVAL;
    for (port = d->event.free_hint; port <= d->event.max_port; port++) {
        struct evtchn *chn;

        if (port >= d->event.valid_ports) {
            err = add_bucket(d);
            if (err)
                return err;
        }
        chn = port_to_chn(d, port);
        if (chn->state == CHN_FREE) {
            d->event.free_hint = port;
            *out = chn;
            return 0;
        }
    }
    d->event.free_hint = port;
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
    clear_bit(chn->port, d->shared_info->evtchn_pending);
    d->event.active--;
    d->event.free_hint = min(d->event.free_hint, (unsigned int)chn->port);
}

static void unbind_virq(struct domain *d, struct evtchn *chn)
{
    struct vcpu *v;
    unsigned int i;

    for_each_vcpu(d, v, i) {
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
    struct evtchn *peer = port_to_chn(chn->remote.domain, chn->remote.port);

    spin_lock_pair(&chn->lock, &peer->lock);
    ASSERT(peer->state == CHN_INTERDOMAIN && peer->remote.domain == d && peer->remote.port == chn->port);
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
    while (chn->state == CHN_INTERDOMAIN && chn->remote.domain != d) {
        bool alive;

        /* While it is linked it has not finished dying, so it has a reference. */
        remote = chn->remote.domain;
        alive = domain_get_ref(remote);
        spin_unlock(&d->event.lock);
        ASSERT(alive);
        spin_lock_pair(&d->event.lock, &remote->event.lock);
        if (alive && chn->state == CHN_INTERDOMAIN && chn->remote.domain == remote)
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

int evtchn_close_all(struct domain *d)
{
    unsigned int port, closed = 0;

    for (port = 1; port < READ_ONCE(d->event.valid_ports); port++) {
        if (READ_ONCE(port_to_chn(d, port)->state) == CHN_FREE)
            continue;
        if (evtchn_close(d, port))
            continue;
        if (++closed % 32 == 0 && hypercall_preempt_check())
            return -ERESTART;
    }
    return 0;
}

int event_destroy_domain(struct domain *d)
{
    /* Whoever saw d alive has finished with its ports after this; nobody takes a new one. */
    spin_lock(&d->event.lock);
    spin_unlock(&d->event.lock);
    return evtchn_close_all(d);
}

void event_free_domain(struct domain *d)
{
    for (unsigned int i = 0; i < d->event.valid_ports / EVTCHN_PER_BUCKET; i++)
        domain_xfree(d, d->event.buckets[i]);
    domain_xfree(d, d->event.pirq_port);
}

void event_count(struct domain *d, struct evtchn_counts *out)
{
    unsigned int port;

    *out = (struct evtchn_counts){ 0 };
    spin_lock(&d->event.lock);
    out->active = d->event.active;
    for (port = 1; port < d->event.valid_ports; port++) {
        switch (port_to_chn(d, port)->state) {
        case CHN_UNBOUND:     out->unbound++; break;
        case CHN_INTERDOMAIN: out->interdomain++; break;
        case CHN_PIRQ:        out->pirq++; break;
        case CHN_VIRQ:        out->virq++; break;
        case CHN_IPI:         out->ipi++; break;
        }
    }
    spin_unlock(&d->event.lock);
}

/* --- events --- */

bool vcpu_event_deliverable(const struct vcpu *v)
{
    return READ_ONCE(v->info->evtchn_upcall_pending) && !READ_ONCE(v->info->evtchn_upcall_mask);
}

bool evtchn_is_pending(const struct domain *d, unsigned int port)
{
    return test_bit(port, d->shared_info->evtchn_pending);
}

/* The current vCPU needs no kick where it is not about to wait: it looks on its way to its guest. */
static inline void mark_events_pending(struct vcpu *v)
{
    if (v == current && !v->sched.blocked)
        WRITE_ONCE(v->info->evtchn_upcall_pending, 1);
    else if (!atomic_xchg(&v->info->evtchn_upcall_pending, 1))
        vcpu_kick(v);
}

void vcpu_mark_events_pending(struct vcpu *v)
{
    mark_events_pending(v);
}

static void wake_pollers(struct domain *d, unsigned int port)
{
    u32 polling = READ_ONCE(d->event.poll_mask);

    while (polling) {
        unsigned int id = (unsigned int)__builtin_ctz(polling);
        struct vcpu *v = d->vcpu[id];

        polling &= polling - 1;
        if (v->event.poll_port < 0 || v->event.poll_port == (int)port)
            vcpu_unblock(v);
    }
}

static inline void set_pending(struct domain *d, unsigned int vcpu, unsigned int port)
{
    struct shared_info *si = d->shared_info;
    struct vcpu *v = d->vcpu[vcpu];

    if (test_and_set_bit(port, si->evtchn_pending))
        return;
    if (v && !test_bit(port, si->evtchn_mask) &&
        !test_and_set_bit(port / BITS_PER_LONG, &v->info->evtchn_pending_sel))
        mark_events_pending(v);
    if (unlikely(READ_ONCE(d->event.poll_mask)))
        wake_pollers(d, port);
}

void evtchn_set_pending(struct domain *d, unsigned int vcpu, unsigned int port)
{
    set_pending(d, vcpu, port);
}

int evtchn_unmask(struct domain *d, unsigned int port)
{
    struct evtchn *chn = port_to_chn(d, port);
    struct shared_info *si = d->shared_info;
    struct vcpu *v;

    if (!chn)
        return -EINVAL;
    if (READ_ONCE(chn->state) <= CHN_RESERVED)
        return 0; /* nothing comes by a port that is not in use */
    v = d->vcpu[chn->notify_vcpu];
    port = chn->port;
    if (test_and_clear_bit(port, si->evtchn_mask) && test_bit(port, si->evtchn_pending) && v &&
        !test_and_set_bit(port / BITS_PER_LONG, &v->info->evtchn_pending_sel))
        vcpu_mark_events_pending(v);
    return 0;
}

int evtchn_send(struct domain *d, unsigned int port)
{
    struct evtchn *chn = port_to_chn(d, port), *peer;
    int err = 0;

    if (!chn)
        return -EINVAL;
    /*
     * An IPI, or an event from d to itself, concerns nobody but d, which is alive: a channel that is closed or
     * bound anew at this moment makes at worst an event on a port of its own that d gave up, or never had.
     */
    switch (READ_ONCE(chn->state)) {
    case CHN_INTERDOMAIN:
        if (READ_ONCE(chn->remote.domain) != d)
            break;
        peer = port_to_chn(d, READ_ONCE(chn->remote.port));
        if (!peer)
            return -EINVAL;
        set_pending(d, READ_ONCE(peer->notify_vcpu), peer->port);
        return 0;
    case CHN_IPI:
        set_pending(d, READ_ONCE(chn->notify_vcpu), chn->port);
        return 0;
    }
    spin_lock(&chn->lock);
    if (chn->state == CHN_INTERDOMAIN) {
        struct domain *remote = chn->remote.domain;

        peer = port_to_chn(remote, chn->remote.port);
        set_pending(remote, READ_ONCE(peer->notify_vcpu), peer->port);
    } else if (chn->state != CHN_UNBOUND) {
        err = -EINVAL; /* an unbound one swallows events */
    }
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
        evtchn_set_pending(v->domain, v->id, port);
    spin_unlock(&v->event.virq_lock);
}

void send_guest_global_virq(struct domain *d, unsigned int virq)
{
    struct vcpu *v = d ? d->vcpu[0] : NULL;
    unsigned int port;

    if (!v || !READ_ONCE(v->event.virq_port[virq]))
        return;
    spin_lock(&v->event.virq_lock);
    port = v->event.virq_port[virq];
    if (port)
        evtchn_set_pending(d, READ_ONCE(port_to_chn(d, port)->notify_vcpu), port);
    spin_unlock(&v->event.virq_lock);
}

void send_global_virq(unsigned int virq)
{
    send_guest_global_virq(hardware_domain, virq);
}

unsigned int pirq_to_port(struct domain *d, unsigned int pirq)
{
    const u16 *ports = load_acquire(&d->event.pirq_port);

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
        evtchn_set_pending(d, chn->notify_vcpu, port);
    spin_unlock(&chn->lock);
}
