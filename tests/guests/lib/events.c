/* SPDX-License-Identifier: MIT */
/*
 * Two-level event channels: the upcall scans the selector word and the pending words, and hands each unmasked
 * pending port, cleared, to its handler.
 */
#include "guest.h"

volatile unsigned event_count[4096];
volatile unsigned upcall_count;
struct vcpu_info *vcpu_info_moved[2];
static event_handler handlers[4096];

void event_set_handler(unsigned port, event_handler handler)
{
    handlers[port] = handler;
}

bool port_pending(unsigned port)
{
    return ((volatile unsigned long *)shared_info->evtchn_pending)[port / 64] >> (port % 64) & 1;
}

bool port_masked(unsigned port)
{
    return ((volatile unsigned long *)shared_info->evtchn_mask)[port / 64] >> (port % 64) & 1;
}

void port_clear(unsigned port)
{
    __atomic_fetch_and(&shared_info->evtchn_pending[port / 64], ~(1UL << (port % 64)), __ATOMIC_SEQ_CST);
}

void port_mask(unsigned port)
{
    __atomic_fetch_or(&shared_info->evtchn_mask[port / 64], 1UL << (port % 64), __ATOMIC_SEQ_CST);
}

/* Called with upcalls masked, by the upcall entry and by events_unmask. */
void event_dispatch(void)
{
    struct vcpu_info *info = vcpu_info(0);
    unsigned long selector;

    upcall_count++;
    *(volatile uint8_t *)&info->evtchn_upcall_pending = 0;
    selector = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    while (selector) {
        unsigned word = __builtin_ctzl(selector);
        unsigned long bits;

        selector &= selector - 1;
        while ((bits = ((volatile unsigned long *)shared_info->evtchn_pending)[word] &
                       ~((volatile unsigned long *)shared_info->evtchn_mask)[word]) != 0) {
            unsigned port = word * 64 + __builtin_ctzl(bits);

            port_clear(port);
            event_count[port]++;
            if (handlers[port])
                handlers[port](port);
        }
    }
}

void events_unmask(void)
{
    struct vcpu_info *info = vcpu_info(0);

    for (;;) {
        *(volatile uint8_t *)&info->evtchn_upcall_mask = 0;
        asm volatile("" ::: "memory");
        if (!*(volatile uint8_t *)&info->evtchn_upcall_pending)
            return;
        events_mask();
        event_dispatch();
    }
}

/* A guest's console is written to without waiting for events, and its store not used: those who tell of them
   stay silent, so that the events are the test's. */
void event_init(void)
{
    events_mask();
    if (!is_dom0()) {
        port_mask(start_info->console.domU.evtchn);
        port_mask(start_info->store_evtchn);
    }
}

long evtchn_op(unsigned cmd, void *arg)
{
    return HC(event_channel_op, cmd, arg);
}

long evtchn_send(unsigned port)
{
    struct evtchn_send arg = { .port = port };

    return evtchn_op(EVTCHNOP_send, &arg);
}

long evtchn_close(unsigned port)
{
    struct evtchn_close arg = { .port = port };

    return evtchn_op(EVTCHNOP_close, &arg);
}

domid_t domain_self(void)
{
    struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_status status = { .dom = DOMID_SELF };

    if (evtchn_op(EVTCHNOP_alloc_unbound, &alloc))
        bail_out("cannot allocate a port");
    status.port = alloc.port;
    if (evtchn_op(EVTCHNOP_status, &status) || evtchn_close(alloc.port))
        bail_out("no state of a port");
    return status.u.unbound.dom;
}

long port_unmask(unsigned port)
{
    struct evtchn_unmask arg = { .port = port };

    return evtchn_op(EVTCHNOP_unmask, &arg);
}

long evtchn_status_of(unsigned port, struct evtchn_status *status)
{
    memset(status, 0, sizeof(*status));
    status->dom = DOMID_SELF;
    status->port = port;
    return evtchn_op(EVTCHNOP_status, status);
}

bool port_await(unsigned port)
{
    evtchn_port_t ports[1] = { port };
    struct sched_poll poll = { .nr_ports = 1 };

    set_xen_guest_handle(poll.ports, ports);
    for (unsigned tries = 0; tries < 3; tries++) {
        if (port_pending(port)) {
            port_clear(port);
            return true;
        }
        poll.timeout = now() + 5 * SECOND;
        HC(sched_op, SCHEDOP_poll, &poll);
    }
    return false;
}
