/* SPDX-License-Identifier: MIT */
/*
 * Two-level event channels: life of each kind of port, delivery, masking and re-delivery, status, and error
 * codes.  The domain connects ports to itself, so both ends are ours.  Source: event_channel.h.
 */
#include "guest.h"

static unsigned alloc_unbound(domid_t dom, domid_t remote, long *ret)
{
    struct evtchn_alloc_unbound arg = { .dom = dom, .remote_dom = remote };

    *ret = evtchn_op(EVTCHNOP_alloc_unbound, &arg);
    return arg.port;
}

static unsigned bind_interdomain(domid_t remote, unsigned remote_port, long *ret)
{
    struct evtchn_bind_interdomain arg = { .remote_dom = remote, .remote_port = remote_port };

    *ret = evtchn_op(EVTCHNOP_bind_interdomain, &arg);
    return arg.local_port;
}

static unsigned bind_virq(unsigned virq, unsigned vcpu, long *ret)
{
    struct evtchn_bind_virq arg = { .virq = virq, .vcpu = vcpu };

    *ret = evtchn_op(EVTCHNOP_bind_virq, &arg);
    return arg.port;
}

static unsigned bind_ipi(unsigned vcpu, long *ret)
{
    struct evtchn_bind_ipi arg = { .vcpu = vcpu };

    *ret = evtchn_op(EVTCHNOP_bind_ipi, &arg);
    return arg.port;
}

static unsigned left, right;

static void check_interdomain(void)
{
    struct evtchn_status status;
    domid_t self;
    long ret;

    left = alloc_unbound(DOMID_SELF, DOMID_SELF, &ret);
    check_eq(ret, 0, "alloc_unbound for DOMID_SELF");
    check(left > 0, "the first port is not 0");
    check_eq(evtchn_status_of(left, &status), 0, "status of an unbound port");
    check_eq(status.status, EVTCHNSTAT_unbound, "it is unbound");
    self = status.u.unbound.dom;
    check(is_dom0() == (self == 0) && self < DOMID_FIRST_RESERVED, "its remote domain is ours");
    check_eq(evtchn_send(left), 0, "sending on an unbound port does nothing");
    right = bind_interdomain(DOMID_SELF, left, &ret);
    check_eq(ret, 0, "bind_interdomain to our own port");
    check(right != left, "the other end is another port");
    check_eq(evtchn_status_of(left, &status), 0, "status of a connected port");
    check_eq(status.status, EVTCHNSTAT_interdomain, "it is interdomain");
    check_eq(status.u.interdomain.port, right, "its other end is the bound port");
    check_eq(status.u.interdomain.dom, self, "its other end is our domain");
    check_eq(status.vcpu, 0, "it notifies vCPU 0");
    bind_interdomain(DOMID_SELF, left, &ret);
    check_eq(ret, -GE_INVAL, "a connected port bound again: -EINVAL");
    check_eq(port_pending(right), 1, "binding makes the new end pending");
    check_eq(port_pending(left), 0, "and not the other");
    port_clear(right);
    vcpu_info(0)->evtchn_pending_sel = 0;
    vcpu_info(0)->evtchn_upcall_pending = 0;
}

static void check_delivery(void)
{
    unsigned upcalls;

    event_count[right] = 0;
    check_eq(evtchn_send(left), 0, "send with events masked");
    check_eq(port_pending(right), 1, "the other end is pending");
    check_eq(port_pending(left), 0, "one's own end is not");
    check_eq(vcpu_info(0)->evtchn_upcall_pending, 1, "upcall_pending is set");
    check_eq(vcpu_info(0)->evtchn_pending_sel, 1UL << (right / 64), "the selector names the word");
    check_eq(event_count[right], 0, "no upcall while events are masked");
    events_unmask();
    check_eq(event_count[right], 1, "unmasking delivers it");

    upcalls = upcall_count;
    check_eq(evtchn_send(left), 0, "send with events enabled");
    check_eq(event_count[right], 2, "the handler has run when the hypercall returns");
    check_eq(upcall_count, upcalls + 1, "by one upcall");
    check_eq(vcpu_info(0)->evtchn_upcall_mask, 0, "events are enabled after the upcall");
    evtchn_send(right);
    check_eq(event_count[left], 1, "the other direction works, too");

    events_mask();
    evtchn_send(left);
    evtchn_send(left);
    evtchn_send(left);
    events_unmask();
    check_eq(event_count[right], 3, "three sends while pending are one event");
}

static void check_masking(void)
{
    unsigned before = event_count[right];

    port_mask(right);
    check_eq(evtchn_send(left), 0, "send to a masked port");
    check_eq(port_pending(right), 1, "a masked port becomes pending");
    check_eq(event_count[right], before, "a masked port is not delivered");
    check_eq(vcpu_info(0)->evtchn_upcall_pending, 0, "a masked port raises no upcall");
    check_eq(port_unmask(right), 0, "EVTCHNOP_unmask");
    check_eq(port_masked(right), 0, "it clears the mask bit");
    check_eq(event_count[right], before + 1, "it delivers what was pending");
    check_eq(port_unmask(right), 0, "unmasking a port that is not masked");
    check_eq(event_count[right], before + 1, "delivers nothing");
    port_mask(right);
    port_unmask(right);
    check_eq(event_count[right], before + 1, "unmasking a port that is not pending delivers nothing");
    check_eq(port_unmask(4000), -GE_INVAL, "unmasking a port that does not exist: -EINVAL");
    events_mask();
}

static void check_close(void)
{
    struct evtchn_status status;

    evtchn_send(left);
    check_eq(evtchn_close(right), 0, "close a connected port");
    check_eq(port_pending(right), 0, "a closed port's pending bit is cleared");
    evtchn_status_of(right, &status);
    check_eq(status.status, EVTCHNSTAT_closed, "it is closed");
    evtchn_status_of(left, &status);
    check_eq(status.status, EVTCHNSTAT_unbound, "its other end is unbound again");
    check_eq(evtchn_close(left), 0, "close the unbound end");
    check_eq(evtchn_close(left), -GE_INVAL, "close a closed port: -EINVAL");
    check_eq(evtchn_send(left), -GE_INVAL, "send on a closed port: -EINVAL");
    check_eq(evtchn_close(0), -GE_INVAL, "close port 0: -EINVAL");
    check_eq(evtchn_close(~0u), -GE_INVAL, "close port ~0: -EINVAL");
    vcpu_info(0)->evtchn_pending_sel = 0;
    vcpu_info(0)->evtchn_upcall_pending = 0;
}

static void check_virq(void)
{
    struct evtchn_status status;
    struct evtchn_bind_vcpu move = { 0 };
    long ret;
    unsigned port = bind_virq(VIRQ_DEBUG, 0, &ret);

    check_eq(ret, 0, "bind_virq of VIRQ_DEBUG");
    check_eq(evtchn_status_of(port, &status), 0, "status of a VIRQ port");
    check_eq(status.status, EVTCHNSTAT_virq, "it is a VIRQ");
    check_eq(status.u.virq, VIRQ_DEBUG, "its VIRQ");
    bind_virq(VIRQ_DEBUG, 0, &ret);
    check_eq(ret, -GE_EXIST, "the same VIRQ again: -EEXIST");
    check_eq(evtchn_send(port), -GE_INVAL, "send on a VIRQ port: -EINVAL");
    move.port = port;
    check_eq(evtchn_op(EVTCHNOP_bind_vcpu, &move), -GE_INVAL, "a per-vCPU VIRQ moved to a vCPU: -EINVAL");
    check_eq(evtchn_close(port), 0, "close a VIRQ port");
    port = bind_virq(VIRQ_DEBUG, 0, &ret);
    check_eq(ret, 0, "a closed VIRQ can be bound again");
    evtchn_close(port);
    bind_virq(NR_VIRQS, 0, &ret);
    check_eq(ret, -GE_INVAL, "a VIRQ beyond the last: -EINVAL");
    bind_virq(~0u, 0, &ret);
    check_eq(ret, -GE_INVAL, "VIRQ ~0: -EINVAL");
    bind_virq(VIRQ_DEBUG, 99, &ret);
    check_eq(ret, -GE_NOENT, "bind_virq for a vCPU that does not exist: -ENOENT");
    port = bind_virq(VIRQ_CONSOLE, 0, &ret);
    check_eq(ret, 0, "a global VIRQ is bound on vCPU 0");
    move.port = port;
    check_eq(evtchn_op(EVTCHNOP_bind_vcpu, &move), 0, "a global VIRQ may be moved");
    evtchn_close(port);
}

static void check_ipi(void)
{
    struct evtchn_status status;
    struct evtchn_bind_vcpu move = { 0 };
    long ret;
    unsigned port = bind_ipi(0, &ret);

    check_eq(ret, 0, "bind_ipi");
    evtchn_status_of(port, &status);
    check_eq(status.status, EVTCHNSTAT_ipi, "it is an IPI port");
    check_eq(status.vcpu, 0, "of vCPU 0");
    event_count[port] = 0;
    events_unmask();
    check_eq(evtchn_send(port), 0, "send on an IPI port");
    check_eq(event_count[port], 1, "its own vCPU handles it");
    events_mask();
    move.port = port;
    check_eq(evtchn_op(EVTCHNOP_bind_vcpu, &move), -GE_INVAL, "an IPI port moved to a vCPU: -EINVAL");
    check_eq(evtchn_close(port), 0, "close an IPI port");
    bind_ipi(99, &ret);
    check_eq(ret, -GE_NOENT, "bind_ipi for a vCPU that does not exist: -ENOENT");
}

static void check_bind_vcpu(void)
{
    long ret;
    struct evtchn_bind_vcpu move = { .port = alloc_unbound(DOMID_SELF, DOMID_SELF, &ret), .vcpu = 0 };

    check_eq(evtchn_op(EVTCHNOP_bind_vcpu, &move), 0, "an unbound port bound to vCPU 0");
    move.vcpu = 99;
    check_eq(evtchn_op(EVTCHNOP_bind_vcpu, &move), -GE_NOENT,
             "bind_vcpu to a vCPU that does not exist: -ENOENT");
    evtchn_close(move.port);
    move.vcpu = 0;
    check_eq(evtchn_op(EVTCHNOP_bind_vcpu, &move), -GE_INVAL, "bind_vcpu of a closed port: -EINVAL");
    move.port = ~0u;
    check_eq(evtchn_op(EVTCHNOP_bind_vcpu, &move), -GE_INVAL, "bind_vcpu of port ~0: -EINVAL");
}

static void check_errors(void)
{
    struct evtchn_status status;
    unsigned port;
    long ret;

    alloc_unbound(4242, 0, &ret);
    check_eq(ret, -GE_SRCH, "alloc_unbound in a domain that does not exist: -ESRCH");
    port = alloc_unbound(DOMID_SELF, 4242, &ret);
    check_eq(ret, 0, "alloc_unbound for a remote domain that does not exist is allowed");
    bind_interdomain(DOMID_SELF, port, &ret);
    check_eq(ret, -GE_INVAL, "a port meant for another domain cannot be bound by us: -EINVAL");
    evtchn_close(port);
    bind_interdomain(4242, 1, &ret);
    check_eq(ret, -GE_SRCH, "bind_interdomain to a domain that does not exist: -ESRCH");
    bind_interdomain(DOMID_SELF, 4000, &ret);
    check_eq(ret, -GE_INVAL, "bind_interdomain to a port that does not exist: -EINVAL");
    bind_interdomain(DOMID_SELF, ~0u, &ret);
    check_eq(ret, -GE_INVAL, "bind_interdomain to port ~0: -EINVAL");
    check_eq(evtchn_status_of(~0u, &status), -GE_INVAL, "status of port ~0: -EINVAL");
    status = (struct evtchn_status){ .dom = 4242, .port = 1 };
    check_eq(evtchn_op(EVTCHNOP_status, &status), -GE_SRCH, "status in a domain that does not exist: -ESRCH");
    check_eq(evtchn_send(~0u), -GE_INVAL, "send on port ~0: -EINVAL");
    check_eq(evtchn_op(77, &status), -GE_NOSYS, "an unknown command: -ENOSYS");
    check_eq(HC(event_channel_op, EVTCHNOP_alloc_unbound, BAD_PTR_XEN), -GE_FAULT,
             "alloc_unbound, bad pointer: -EFAULT");
    check_eq(HC(event_channel_op, EVTCHNOP_send, BAD_PTR_XEN), -GE_FAULT, "send, bad pointer: -EFAULT");
    check_eq(HC(event_channel_op, EVTCHNOP_status, BAD_PTR_UNMAPPED), -GE_FAULT,
             "status, unmapped pointer: -EFAULT");
    check_eq(HC(event_channel_op_compat, BAD_PTR_XEN), -GE_FAULT,
             "event_channel_op_compat, bad pointer: -EFAULT");
}

static void check_many(void)
{
    unsigned ports[200], n = 0, distinct = 1;
    long ret = 0;

    while (n < ARRAY_SIZE(ports)) {
        ports[n] = alloc_unbound(DOMID_SELF, DOMID_SELF, &ret);
        if (ret)
            break;
        for (unsigned i = 0; i < n; i++)
            distinct &= ports[i] != ports[n];
        n++;
    }
    check_eq(n, ARRAY_SIZE(ports), "200 ports are allocated");
    check(distinct, "all of them differ");
    for (unsigned i = 0; i < n; i++)
        ret |= evtchn_close(ports[i]);
    check_eq(ret, 0, "all of them are closed");
}

static void check_reset(void)
{
    struct evtchn_reset reset = { .dom = DOMID_SELF };
    struct evtchn_status status;
    long ret, ports[3];

    ports[0] = alloc_unbound(DOMID_SELF, DOMID_SELF, &ret);
    ports[1] = bind_virq(VIRQ_DEBUG, 0, &ret);
    ports[2] = bind_ipi(0, &ret);
    check_eq(ret, 0, "some ports are open");
    check_eq(evtchn_op(EVTCHNOP_reset, &reset), 0, "EVTCHNOP_reset");
    for (unsigned i = 0; i < ARRAY_SIZE(ports); i++) {
        evtchn_status_of(ports[i], &status);
        check_eq(status.status, EVTCHNSTAT_closed, "port %u of three is closed", i + 1);
    }
    ports[1] = bind_virq(VIRQ_DEBUG, 0, &ret);
    check_eq(ret, 0, "its VIRQ can be bound again");
    evtchn_close(ports[1]);
    reset.dom = 4242;
    check_eq(evtchn_op(EVTCHNOP_reset, &reset), -GE_SRCH,
             "EVTCHNOP_reset of a domain that does not exist: -ESRCH");
}

/* Domain-0 has as many ports as there are, a guest as many as who made it said. */
static void check_exhaustion(void)
{
    static unsigned last;
    unsigned n = 0;
    long ret = 0;

    while (n < 5000) {
        unsigned port = alloc_unbound(DOMID_SELF, DOMID_SELF, &ret);

        if (ret)
            break;
        last = port;
        n++;
    }
    check_eq(ret, -GE_NOSPC, "without a free port: -ENOSPC");
    check_eq(last, 4095, "the last two-level port is 4095");
    check_eq(evtchn_close(last), 0, "one is closed");
    check_eq(alloc_unbound(DOMID_SELF, DOMID_SELF, &ret), last, "and found again");
}

TEST_MAIN("events")
{
    check_interdomain();
    check_delivery();
    check_masking();
    check_close();
    check_virq();
    check_ipi();
    check_bind_vcpu();
    check_errors();
    check_many();
    /* A reset would take a guest's console from it. */
    if (is_dom0()) {
        check_reset();
        check_exhaustion();
    }
}
