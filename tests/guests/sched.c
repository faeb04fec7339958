/* SPDX-License-Identifier: MIT */
/*
 * sched_op as one vCPU sees it: yield, block and poll with their ways to return, and answers to wrong
 * requests. Source: sched.h.
 */
#include "guest.h"

#define MS 1000000UL
static unsigned left, right, timer_port;

static long poll(evtchn_port_t *ports, unsigned n, uint64_t timeout)
{
    struct sched_poll arg = { .nr_ports = n, .timeout = timeout };

    set_xen_guest_handle(arg.ports, ports);
    return HC(sched_op, SCHEDOP_poll, &arg);
}

static void check_yield(void)
{
    check_eq(HC(sched_op, SCHEDOP_yield, 0), 0, "yield");
    check_eq(HC(sched_op_compat, SCHEDOP_yield, 0), 0, "yield by sched_op_compat");
    check_eq(HC(sched_op, 99, 0), -GE_NOSYS, "an unknown command: -ENOSYS");
    check_eq(HC(sched_op, ~0U, 0), -GE_NOSYS, "command ~0: -ENOSYS");
}

static void check_block(void)
{
    uint64_t start = now();

    event_count[right] = 0;
    evtchn_send(left);
    check_eq(HC(sched_op, SCHEDOP_block, 0), 0, "block with an event pending returns");
    check(now() - start < 5 * SECOND, "at once");
    check_eq(vcpu_info(0)->evtchn_upcall_mask, 0, "block enables events");
    check_eq(event_count[right], 1, "the event was delivered");
    events_mask();
    start = now();
    HC(set_timer_op, start + 20 * MS);
    check_eq(HC(sched_op, SCHEDOP_block, 0), 0, "block until the timer");
    check(now() >= start + 20 * MS, "it lasted as long");
    events_mask();
}

static void check_poll(void)
{
    evtchn_port_t ports[2] = { right, timer_port };
    uint64_t start;

    port_mask(right);
    port_clear(right);
    port_clear(timer_port);
    evtchn_send(left);
    check_eq(poll(ports, 1, 0), 0, "poll of a pending masked port returns");
    check_eq(port_pending(right), 1, "the port is still pending");
    check_eq(vcpu_info(0)->evtchn_upcall_mask, 1, "poll leaves events masked");
    port_clear(right);
    start = now();
    check_eq(poll(ports, 1, start + 20 * MS), 0, "poll with a timeout returns");
    check(now() >= start + 20 * MS, "not before the timeout");
    check_eq(port_pending(right), 0, "the port is not pending");
    start = now();
    check_eq(poll(ports, 1, start - MS), 0, "poll with a timeout in the past returns");
    check_eq(poll(ports, 1, 1), 0, "poll with timeout 1 returns");
    port_mask(timer_port);
    HC(set_timer_op, now() + 20 * MS);
    check_eq(poll(ports, 2, now() + 10 * SECOND), 0, "poll of two ports");
    check_eq(port_pending(timer_port), 1, "the second ended it");
    port_clear(timer_port);
    start = now();
    check_eq(poll(ports, 0, start + 10 * MS), 0, "poll of no ports is a sleep");
    check(now() >= start + 10 * MS, "of that time");
    ports[0] = ~0u;
    check_eq(poll(ports, 1, now() + MS), -GE_INVAL, "poll of port ~0: -EINVAL");
    check_eq(poll(ports, 129, now() + MS), -GE_INVAL, "poll of 129 ports: -EINVAL");
    check_eq(poll((evtchn_port_t *)BAD_PTR_XEN, 1, now() + MS), -GE_FAULT, "poll with a bad list: -EFAULT");
    check_eq(HC(sched_op, SCHEDOP_poll, BAD_PTR_XEN), -GE_FAULT, "poll, bad pointer: -EFAULT");
    port_unmask(right);
    port_unmask(timer_port);
}

static void check_shutdown_errors(void)
{
    struct sched_remote_shutdown remote = { .domain_id = 4242, .reason = SHUTDOWN_poweroff };

    check_eq(HC(sched_op, SCHEDOP_shutdown, BAD_PTR_XEN), -GE_FAULT, "shutdown, bad pointer: -EFAULT");
    check_eq(HC(sched_op, SCHEDOP_shutdown_code, BAD_PTR_XEN), -GE_FAULT,
             "shutdown_code, bad pointer: -EFAULT");
    check_eq(HC(sched_op, SCHEDOP_remote_shutdown, &remote), -GE_SRCH,
             "remote_shutdown of a domain that does not exist: -ESRCH");
    check_eq(HC(sched_op, SCHEDOP_remote_shutdown, BAD_PTR_XEN), -GE_FAULT,
             "remote_shutdown, bad pointer: -EFAULT");
}

static void check_watchdog(void)
{
    struct sched_watchdog arg = { .id = 0, .timeout = 60 };
    long id = HC(sched_op, SCHEDOP_watchdog, &arg);

    check(id > 0, "a watchdog is set");
    arg.id = id;
    arg.timeout = 120;
    check_eq(HC(sched_op, SCHEDOP_watchdog, &arg), 0, "it is set again");
    arg.timeout = 0;
    check_eq(HC(sched_op, SCHEDOP_watchdog, &arg), 0, "it is cleared");
    check_eq(HC(sched_op, SCHEDOP_watchdog, &arg), -GE_INVAL, "cleared twice: -EINVAL");
    arg.id = 0;
    arg.timeout = 60;
    for (unsigned i = 0; i < 2; i++)
        check(HC(sched_op, SCHEDOP_watchdog, &arg) > 0, "a domain has two watchdogs");
    /* Xen 4.17 answers in 32 bits here. */
    check_eq((int)HC(sched_op, SCHEDOP_watchdog, &arg), -GE_NOSPC, "and no third: -ENOSPC");
    arg.timeout = 0;
    for (arg.id = 1; arg.id <= 2; arg.id++)
        check_eq(HC(sched_op, SCHEDOP_watchdog, &arg), 0, "they are cleared");
    arg.id = 99;
    check_eq(HC(sched_op, SCHEDOP_watchdog, &arg), -GE_INVAL, "a watchdog that does not exist: -EINVAL");
    check_eq(HC(sched_op, SCHEDOP_watchdog, BAD_PTR_XEN), -GE_FAULT, "watchdog, bad pointer: -EFAULT");
}

static void check_pin(void)
{
    struct sched_pin_override pin = { .pcpu = -1 };

    if (!is_dom0()) {
        check_eq(HC(sched_op, SCHEDOP_pin_override, &pin), -GE_PERM, "pin_override in a guest: -EPERM");
        return;
    }
    check_eq(HC(sched_op, SCHEDOP_pin_override, &pin), -GE_INVAL,
             "pin_override ended where none is: -EINVAL");
    pin.pcpu = 0;
    check_eq(HC(sched_op, SCHEDOP_pin_override, &pin), 0, "pin_override to CPU 0");
    check_eq(HC(sched_op, SCHEDOP_pin_override, &pin), -GE_BUSY, "pin_override while one is in force: -EBUSY");
    check_eq(HC(sched_op, SCHEDOP_pin_override, BAD_PTR_XEN), -GE_FAULT, "pin_override, bad pointer: -EFAULT");
    pin.pcpu = -1;
    check_eq(HC(sched_op, SCHEDOP_pin_override, &pin), 0, "pin_override is ended");
    pin.pcpu = 4000;
    check_eq(HC(sched_op, SCHEDOP_pin_override, &pin), -GE_INVAL,
             "pin_override to a CPU that does not exist: -EINVAL");
}

TEST_MAIN("sched")
{
    struct evtchn_alloc_unbound unbound = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };
    struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER };

    HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    if (evtchn_op(EVTCHNOP_alloc_unbound, &unbound))
        bail_out("cannot allocate a port");
    bind.remote_port = left = unbound.port;
    if (evtchn_op(EVTCHNOP_bind_interdomain, &bind) || evtchn_op(EVTCHNOP_bind_virq, &virq))
        bail_out("cannot bind ports");
    right = bind.local_port;
    timer_port = virq.port;
    events_unmask();
    events_mask();
    check_yield();
    check_block();
    check_poll();
    check_shutdown_errors();
    check_watchdog();
    check_pin();
}
