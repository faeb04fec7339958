/* SPDX-License-Identifier: MIT */
/*
 * Event channels as event/ itself sees them.
 *
 * A domain's event lock guards the state of all its ports, which changes with the channel's own lock held,
 * too; whoever links or unlinks two domains holds both event locks. A link ends at the far end first. So a
 * sender that holds just its own channel's lock may rely on the link: neither the remote port nor its domain
 * goes away meanwhile.
 */
#pragma once

#include "domain/domain.h"

/* Numbered as EVTCHNSTAT_*. Port 0 is always free, and never given out. */
enum evtchn_state { CHN_FREE, CHN_UNBOUND, CHN_INTERDOMAIN, CHN_PIRQ, CHN_VIRQ, CHN_IPI };
_Static_assert(CHN_FREE == EVTCHNSTAT_closed && CHN_UNBOUND == EVTCHNSTAT_unbound &&
               CHN_INTERDOMAIN == EVTCHNSTAT_interdomain && CHN_PIRQ == EVTCHNSTAT_pirq &&
               CHN_VIRQ == EVTCHNSTAT_virq && CHN_IPI == EVTCHNSTAT_ipi, "as EVTCHNOP_status tells it");

struct evtchn {
    struct spinlock lock;
    u8 state;
    u8 notify_vcpu;     /* always the number of a possible vCPU of the domain */
    u8 priority;        /* FIFO: the queue of its next event */
    bool pending;       /* FIFO: an event came before the port had a word */
    u32 port;
    struct domain *remote;
    union {
        domid_t unbound_for;
        u32 remote_port, pirq, virq;
    };
    /* FIFO: the queue that the port was last put into, which it may be the tail of. Both vCPUs' fifo_lock. */
    u8 queue_vcpu, queue_priority;
};
_Static_assert(sizeof(struct evtchn) <= 32, "a bucket of ports is priced at 2 KiB");

/*
 * How events reach the guest. d's event lock is held, or the channel cannot be closed meanwhile, or d is the
 * current domain, which may spoil its own events.
 */
struct event_mode {
    unsigned int ports;         /* that there can be, port 0 among them */
    /* Marks chn pending and, unless it is masked, tells the vCPU that it notifies; wakes those that poll. */
    void (*set_pending)(struct domain *d, struct evtchn *chn);
    void (*unmask)(struct domain *d, struct evtchn *chn);
    /* The event lock is held. */
    void (*clear_pending)(struct domain *d, struct evtchn *chn);
    /* The port's flags as in a FIFO event word. The event lock or the current vCPU's fifo_lock is held. */
    u32 (*flags)(struct domain *d, const struct evtchn *chn);
};
extern const struct event_mode two_level_mode, fifo_mode;

#define EVENT_PENDING (1u << EVTCHN_FIFO_PENDING)
#define EVENT_MASKED  (1u << EVTCHN_FIFO_MASKED)
#define EVENT_LINKED  (1u << EVTCHN_FIFO_LINKED)    /* in a queue: not to be given out, free or not */

static inline void evtchn_set_pending(struct domain *d, struct evtchn *chn)
{
    READ_ONCE(d->event.mode)->set_pending(d, chn);
}

/* The channel of a port, or NULL where the domain has never had one there. Any context. */
static inline struct evtchn *port_to_chn(struct domain *d, unsigned int port)
{
    unsigned int valid = load_acquire(&d->event.valid_ports);

    if (unlikely(port >= valid))
        return NULL;
    port = (unsigned int)index_nospec(port, valid);
    return &d->event.groups[port / EVTCHN_PER_GROUP][port % EVTCHN_PER_GROUP / EVTCHN_PER_BUCKET]
                           [port % EVTCHN_PER_BUCKET];
}

static inline bool virq_is_global(unsigned int virq)
{
    return virq != VIRQ_TIMER && virq != VIRQ_DEBUG && virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

/*
 * The lowest free port, still free: the caller sets its state before it drops d's event lock. -EINVAL: d is
 * dying; -ENOSPC; -ENOMEM.
 */
int evtchn_get_free(struct domain *d, struct evtchn **chn);
/* Makes a port from evtchn_get_free() used; its number. All other fields have been set. Event lock held. */
u32 evtchn_activate(struct domain *d, struct evtchn *chn, enum evtchn_state state);
/* -EINVAL: not in use. No lock held. */
int evtchn_close(struct domain *d, unsigned int port);
/* What EVTCHNOP_status says of the port. Event lock held. */
void evtchn_describe(const struct evtchn *chn, struct evtchn_status *s);
/* Closes all, back to two-level events. -ERESTART: preempted; -EAGAIN: new ports came. No lock held. */
int event_reset(struct domain *d);

/* v has an event: sets its flag and makes it run or notice. */
void vcpu_notify(struct vcpu *v);
/* Ends the waiting of those vCPUs of d that poll port. */
void wake_pollers(struct domain *d, unsigned int port);

/* --- fifo.c; no lock held. Errors as event_channel.h has them. --- */
int fifo_init_control(struct vcpu *v, mfn_t mfn, unsigned int offset);
int fifo_expand_array(struct domain *d, mfn_t mfn);
/* Back to two-level events. The event lock is held, and all ports are closed. */
void fifo_destroy(struct domain *d);
