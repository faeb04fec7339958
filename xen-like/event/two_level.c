/* SPDX-License-Identifier: MIT */
/*
 * Two-level events: a pending and a mask bit a port in the domain's shared_info, and in each vCPU's record a
 * bit for each word of them in which there is news. A port beyond these bitmaps can only be one that a reset
 * of FIFO events has just closed: nothing is done with it.
 */
#include "event/private.h"

static void notify(struct domain *d, const struct evtchn *chn)
{
    struct vcpu *v = d->vcpu[READ_ONCE(chn->notify_vcpu)];

    if (v && !test_and_set_bit(chn->port / BITS_PER_LONG, &v->info->evtchn_pending_sel))
        vcpu_notify(v);
}

static void two_level_set_pending(struct domain *d, struct evtchn *chn)
{
    bool was_pending;

    if (unlikely(chn->port >= EVTCHN_2L_PORTS))
        return;
    was_pending = test_and_set_bit(chn->port, d->shared_info->evtchn_pending);
    /* Where d changes to FIFO events at this moment, it may have looked at the bit before. */
    if (unlikely(READ_ONCE(d->event.mode) != &two_level_mode)) {
        evtchn_set_pending(d, chn);
        return;
    }
    if (was_pending)
        return;
    if (!test_bit(chn->port, d->shared_info->evtchn_mask))
        notify(d, chn);
    wake_pollers(d, chn->port);
}

static void two_level_unmask(struct domain *d, struct evtchn *chn)
{
    if (chn->port < EVTCHN_2L_PORTS && test_and_clear_bit(chn->port, d->shared_info->evtchn_mask) &&
        test_bit(chn->port, d->shared_info->evtchn_pending))
        notify(d, chn);
}

static void two_level_clear_pending(struct domain *d, struct evtchn *chn)
{
    if (chn->port < EVTCHN_2L_PORTS)
        clear_bit(chn->port, d->shared_info->evtchn_pending);
}

static u32 two_level_flags(struct domain *d, const struct evtchn *chn)
{
    if (chn->port >= EVTCHN_2L_PORTS)
        return 0;
    return (test_bit(chn->port, d->shared_info->evtchn_pending) ? EVENT_PENDING : 0) |
           (test_bit(chn->port, d->shared_info->evtchn_mask) ? EVENT_MASKED : 0);
}

const struct event_mode two_level_mode = {
    .ports = EVTCHN_2L_PORTS,
    .set_pending = two_level_set_pending,
    .unmask = two_level_unmask,
    .clear_pending = two_level_clear_pending,
    .flags = two_level_flags,
};
