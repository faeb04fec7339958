/* SPDX-License-Identifier: MIT */
/*
 * Event channels as event/ itself sees them.
 *
 * A domain's event lock guards the state of all its ports; whoever links or unlinks two domains holds both,
 * and the locks of both channels too. So a sender that holds just its own channel's lock may rely on the
 * link: neither the remote port nor its domain goes away meanwhile.
 */
#ifndef EVENT_PRIVATE_H
#define EVENT_PRIVATE_H

#include "domain/domain.h"
#include "lib/atomic.h"

enum evtchn_state {
    CHN_FREE,
    CHN_RESERVED,       /* port 0 */
    CHN_UNBOUND,
    CHN_INTERDOMAIN,
    CHN_PIRQ,
    CHN_VIRQ,
    CHN_IPI,
};

struct evtchn {
    struct spinlock lock;
    u8 state;
    u8 notify_vcpu;     /* always the number of a possible vCPU of the domain */
    u16 port;
    union {
        domid_t unbound_for;
        struct {
            struct domain *domain;
            u32 port;
        } remote;
        u32 pirq;
        u32 virq;
    };
};
_Static_assert(sizeof(struct evtchn) <= 32, "a bucket of ports is priced at 2 KiB");

/* The channel of a port, or NULL where the domain has never had one there. Any context. */
static inline struct evtchn *port_to_chn(struct domain *d, unsigned int port)
{
    unsigned int valid = load_acquire(&d->event.valid_ports);

    if (unlikely(port >= valid))
        return NULL;
    port = (unsigned int)index_nospec(port, valid);
    return &d->event.buckets[port / EVTCHN_PER_BUCKET][port % EVTCHN_PER_BUCKET];
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
/* Makes a port from evtchn_get_free() used. All other fields have been set. Event lock held. */
void evtchn_activate(struct domain *d, struct evtchn *chn, enum evtchn_state state);
/* Makes a port free again. Event lock held; nothing refers to it any more. */
void evtchn_release(struct domain *d, struct evtchn *chn);
/* -EINVAL: not in use. No lock held. */
int evtchn_close(struct domain *d, unsigned int port);
/* Closes all; -ERESTART where it was preempted. No lock held. */
int evtchn_close_all(struct domain *d);
/* Marks port pending and tells the vCPU. The channel cannot be closed meanwhile. */
void evtchn_set_pending(struct domain *d, unsigned int vcpu, unsigned int port);

#endif
