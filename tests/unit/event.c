/* SPDX-License-Identifier: MIT */
/*
 * Event channels, from the hypervisor's own files: each operation with its errors, delivery and masking,
 * limits, the closing of peers, reset and the end of a domain; then random operations of three domains
 * against a plain model. event_fifo.c has the FIFO form.
 */
#include <stdlib.h>
#include <string.h>

#include "event/private.h"
#include "fake/event.h"
#include "fake/machine.h"
#include "pv/hypercall.h"
#include "tap.h"

static void test_alloc(void)
{
    long err;

    setup(4095);
    ok(alloc(1, DOMID_SELF, 2) == 1 && alloc(1, DOMID_SELF, 2) == 2,
       "ports are given from the lowest, and 0 never");
    ok(alloc(1, 2, 1) == -EPERM, "a port of another domain: -EPERM");
    ok(alloc(0, 2, 1) == 1, "but not for a privileged one");
    ok(alloc(0, 9, 1) == -ESRCH, "of nobody: -ESRCH");
    ok(alloc(1, DOMID_SELF, 77) == 3, "for a domain that does not exist is allowed");
    ok(close_it(1, 2) == 0 && alloc(1, DOMID_SELF, DOMID_SELF) == 2, "a closed port is given out again");
    ok(status(1, DOMID_SELF, 2, &err).u.unbound.dom == 1, "DOMID_SELF as remote is resolved");
    ok(close_it(1, 0) == -EINVAL && close_it(1, 50) == -EINVAL && close_it(1, 64) == -EINVAL &&
           close_it(1, -1) == -EINVAL,
       "what is not open cannot be closed");
    fake_bad_address = (unsigned long)&err;
    ok(do_event_channel_op(EVTCHNOP_send, (unsigned long)&err) == -EFAULT,
       "arguments that cannot be read: -EFAULT");
    fake_bad_address = ~0UL;
    ok(do_event_channel_op(-1, 0) == -ENOSYS && call(1, EVTCHNOP_set_priority + 1, &err) == -ENOSYS,
       "operations that there are not: -ENOSYS");
    ok(teardown(), "nothing is left");
}

static void test_interdomain(void)
{
    struct evtchn_status s;
    long a, b, err;

    setup(4095);
    a = alloc(1, DOMID_SELF, 2);
    ok(bind_inter(0, 1, (u32)a) == -EINVAL, "a port for another domain cannot be bound");
    ok(bind_inter(2, 1, 60) == -EINVAL && bind_inter(2, 1, 4000) == -EINVAL && bind_inter(2, 7, 1) == -ESRCH,
       "nor one that is not there");
    b = bind_inter(2, 1, (u32)a);
    ok(b == 1 && pending(2, b) && !pending(1, a), "binding marks the new port pending");
    ok(bind_inter(2, 1, (u32)a) == -EINVAL, "a bound port cannot be bound again");
    s = status(2, DOMID_SELF, b, &err);
    ok(!err && s.status == EVTCHNSTAT_interdomain && s.u.interdomain.dom == 1 &&
           s.u.interdomain.port == a && s.vcpu == 0,
       "status tells the other end");
    clear_pending(2);
    ok(send(1, a) == 0 && pending(2, b), "an event arrives");
    ok(dom[2]->vcpu[0]->info->evtchn_upcall_pending == 1 && dom[2]->vcpu[0]->info->evtchn_pending_sel == 1 &&
           unblocked[2][0] == 1, "its vCPU is told, in all three places");
    ok(send(1, a) == 0 && unblocked[2][0] == 1, "a second one changes nothing");
    clear_pending(2);
    set_bit((unsigned long)b, dom[2]->shared_info->evtchn_mask);
    ok(send(1, a) == 0 && pending(2, b) && !dom[2]->vcpu[0]->info->evtchn_upcall_pending,
       "a masked port only gets pending");
    ok(unmask(2, b) == 0 && dom[2]->vcpu[0]->info->evtchn_upcall_pending == 1, "unmask delivers it");
    clear_pending(2);
    ok(to_vcpu(2, b, 1) == 0 && send(1, a) == 0 && unblocked[2][1] == 1 && !unblocked[2][0], "bind_vcpu");
    ok(to_vcpu(2, b, 2) == -ENOENT && to_vcpu(2, 40, 0) == -EINVAL, "its errors");
    clear_pending(2);
    dom[2]->vcpu[1]->sched.running = true;
    dom[2]->vcpu[1]->sched.cpu = 1;
    fake_kicks[1] = 0;
    send(1, a);
    ok(fake_kicks[1] == 1, "a vCPU that runs elsewhere is interrupted");
    dom[2]->vcpu[1]->sched.running = false;

    ok(close_it(2, b) == 0 && state(1, a) == EVTCHNSTAT_unbound && !pending(2, b),
       "closing one end leaves the other unbound");
    ok(send(1, a) == 0, "which swallows events");
    ok(bind_inter(2, 1, (u32)a) == b, "and may be bound again by the same domain");
    ok(status(1, DOMID_SELF, a, &err).u.interdomain.dom == 2, "as before");
    ok(status(1, 2, b, &err).status == 0 && err == -EPERM, "status of another domain: -EPERM");
    ok(status(0, 2, b, &err).status == EVTCHNSTAT_interdomain && !err, "but not for a privileged one");

    a = alloc(1, DOMID_SELF, DOMID_SELF);
    b = bind_inter(1, DOMID_SELF, (u32)a);
    clear_pending(1);
    ok(b > 0 && send(1, b) == 0 && pending(1, a) && send(1, a) == 0 && pending(1, b),
       "a loop within one domain");
    ok(close_it(1, a) == 0 && state(1, b) == EVTCHNSTAT_unbound, "is closed like any other");
    dom[2]->state = DOMAIN_DYING;
    ok(event_destroy_domain(dom[2]) == 0 && state(1, 1) == EVTCHNSTAT_unbound,
       "a domain that dies lets its peers go");
    ok(alloc(2, DOMID_SELF, 1) == -EINVAL && alloc(0, 2, 1) == -EINVAL, "and takes no new port");
    ok(teardown(), "nothing is left");
}

static void test_virq_ipi(void)
{
    long t, g, i, err;

    setup(4095);
    t = bind_virq(1, VIRQ_TIMER, 1);
    ok(t > 0 && bind_virq(1, VIRQ_TIMER, 1) == -EEXIST && bind_virq(1, VIRQ_TIMER, 0) > 0,
       "VIRQ_TIMER, once a vCPU");
    ok(bind_virq(1, VIRQ_TIMER, 2) == -ENOENT && bind_virq(1, NR_VIRQS, 0) == -EINVAL,
       "no such vCPU, no such VIRQ");
    ok(bind_virq(1, VIRQ_DOM_EXC, 1) == -EINVAL, "a global VIRQ is bound on vCPU 0 only");
    send_guest_vcpu_virq(dom[1]->vcpu[1], VIRQ_TIMER);
    ok(pending(1, t) && unblocked[1][1] == 1, "a timer event reaches its vCPU");
    ok(to_vcpu(1, t, 0) == -EINVAL, "and no other");
    ok(send(1, t) == -EINVAL, "a guest cannot send on a VIRQ port");
    ok(status(1, DOMID_SELF, t, &err).u.virq == VIRQ_TIMER && state(1, t) == EVTCHNSTAT_virq, "status");
    g = bind_virq(0, VIRQ_DOM_EXC, 0);
    ok(to_vcpu(0, g, 1) == 0, "a global one may be moved");
    send_global_virq(VIRQ_DOM_EXC);
    ok(pending(0, g) && unblocked[0][1] == 1, "and goes where it was moved to");
    ok(close_it(0, g) == 0 && bind_virq(0, VIRQ_DOM_EXC, 0) > 0, "closing makes it free");
    close_it(1, t);
    clear_pending(1);
    send_guest_vcpu_virq(dom[1]->vcpu[1], VIRQ_TIMER);
    ok(!pending(1, t), "a VIRQ that is not bound goes nowhere");

    i = bind_ipi(1, 1);
    ok(i > 0 && bind_ipi(1, 5) == -ENOENT, "bind_ipi");
    ok(send(1, i) == 0 && pending(1, i) && unblocked[1][1] == 1, "an IPI reaches its vCPU");
    ok(to_vcpu(1, i, 0) == -EINVAL && state(1, i) == EVTCHNSTAT_ipi, "and no other");

    ok(pirq(1, 4) == -EPERM, "pirqs are the hardware domain's");
    ok(pirq(0, 99) == -EINVAL && pirq(0, 5000) == -EINVAL && pirq_bound == 0, "no such pirq");
    t = pirq(0, 4);
    ok(t > 0 && pirq(0, 4) == -EEXIST && pirq_to_port(dom[0], 4) == (unsigned int)t && pirq_bound == 1,
       "bind_pirq");
    clear_pending(0);
    send_guest_pirq(dom[0], 4);
    send_guest_pirq(dom[0], 5);
    ok(pending(0, t), "its interrupt arrives");
    ok(close_it(0, t) == 0 && pirq_bound == 0 && !pirq_to_port(dom[0], 4), "closing unbinds it");
    ok(teardown(), "nothing is left");
}

static void test_poll(void)
{
    long a, b;

    setup(4095);
    a = alloc(1, DOMID_SELF, 2);
    b = bind_inter(2, 1, (u32)a);
    clear_pending(2);
    memset(dom[2]->shared_info->evtchn_mask, 0xff, sizeof(dom[2]->shared_info->evtchn_mask));
    dom[2]->vcpu[1]->event.poll_port = (int)b + 1;
    dom[2]->event.poll_mask = 2;
    send(1, a);
    ok(!unblocked[2][1], "a vCPU that polls another port sleeps on");
    clear_pending(2);
    dom[2]->vcpu[1]->event.poll_port = (int)b;
    send(1, a);
    ok(unblocked[2][1] == 1 && !dom[2]->event.poll_mask, "one that polls this port wakes, masked or not");
    clear_pending(2);
    dom[2]->vcpu[1]->event.poll_port = -1;
    dom[2]->event.poll_mask = 2;
    send(1, a);
    ok(unblocked[2][1] == 1, "one that polls several wakes");
    ok(teardown(), "nothing is left");
}

static void test_limits(void)
{
    unsigned int n;
    long p;

    setup(100);
    for (n = 0; (p = bind_ipi(1, 0)) > 0; n++)
        ;
    ok(n == 100 && p == -ENOSPC, "a limit of port 100 allows ports 1 to 100");
    ok(send(1, 127) == -EINVAL && unmask(1, 127) == 0 && unmask(1, 128) == -EINVAL,
       "ports exist by the bucket");
    close_it(1, 37);
    ok(bind_ipi(1, 0) == 37, "a hole is found");
    teardown();
    setup(~0u);
    for (n = 0; (p = bind_ipi(1, 0)) > 0; n++)
        ;
    ok(n == EVTCHN_2L_PORTS - 1 && p == -ENOSPC, "without a limit there are 4095 two-level ones");
    ok(send(1, 4095) == 0 && pending(1, 4095), "and the last works");
    fake_preempt = true;
    dom[1]->state = DOMAIN_DYING;
    for (n = 0; event_destroy_domain(dom[1]) == -ERESTART; n++)
        ;
    fake_preempt = false;
    ok(n > 100 && !dom[1]->event.active, "the end of a domain with all ports open is done in %u steps", n);
    ok(teardown(), "nothing is left");
}

static void test_reset(void)
{
    long a, b;

    setup(4095);
    a = alloc(1, DOMID_SELF, 2);
    b = bind_inter(2, 1, (u32)a);
    bind_virq(2, VIRQ_TIMER, 0);
    ok(reset(1, 2) == -EPERM && reset(1, 9) == -ESRCH, "reset of another domain: -EPERM");
    ok(reset(0, 2) == -EINVAL, "by a privileged one while it runs: -EINVAL");
    dom[2]->controller_pauses = 1;
    ok(reset(0, 2) == 0 && !dom[2]->event.active && state(1, a) == EVTCHNSTAT_unbound,
       "when it is paused: all is closed");
    ok(bind_inter(2, 1, (u32)a) == b && bind_virq(2, VIRQ_TIMER, 0) == b + 1, "and can be used again");
    for (int i = 0; i < 40; i++)
        bind_ipi(2, 0);
    fake_preempt = true;
    fake_restarts = 0;
    ok(reset(2, DOMID_SELF) == -ERESTART && fake_restarts == 1, "a long one is preempted");
    fake_preempt = false;
    ok(reset(2, DOMID_SELF) == 0 && !dom[2]->event.active, "and goes on");
    ok(teardown(), "nothing is left");
}

/* --- random operations against a model --- */

#define MODEL_PORTS 130

struct model_port {
    unsigned int status, remote, remote_port, vcpu;
    bool pending;
};
static struct model_port model[DOMAINS][MODEL_PORTS];

static long model_free(unsigned int d)
{
    for (long p = 1; p <= 100; p++)
        if (model[d][p].status == EVTCHNSTAT_closed)
            return p;
    return -ENOSPC;
}

static unsigned int compare(void)
{
    unsigned int wrong = 0;

    for (unsigned int d = 0; d < DOMAINS; d++) {
        unsigned int active = 0;

        for (unsigned int p = 1; p <= 100; p++) {
            struct model_port *m = &model[d][p];
            long err;
            struct evtchn_status s = status(d, DOMID_SELF, p, &err);

            active += m->status != EVTCHNSTAT_closed;
            if (err) {
                wrong += m->status != EVTCHNSTAT_closed;
                continue;
            }
            wrong += s.status != m->status || pending(d, p) != m->pending;
            if (m->status == EVTCHNSTAT_closed)
                continue;
            wrong += s.vcpu != m->vcpu;
            if (m->status == EVTCHNSTAT_unbound)
                wrong += s.u.unbound.dom != m->remote;
            if (m->status == EVTCHNSTAT_interdomain)
                wrong += s.u.interdomain.dom != m->remote || s.u.interdomain.port != m->remote_port;
        }
        wrong += active != dom[d]->event.active;
    }
    return wrong;
}

static unsigned int random_op(void)
{
    unsigned int d = (unsigned int)rand() % DOMAINS, r = (unsigned int)rand() % DOMAINS;
    unsigned int p = 1 + (unsigned int)rand() % 110, v = (unsigned int)rand() % VCPUS;
    struct model_port *m = &model[d][p], *peer = &model[m->remote][m->remote_port];
    long want, got;

    switch (rand() % 6) {
    case 0:
        want = model_free(d);
        got = alloc(d, DOMID_SELF, r);
        if (want > 0)
            model[d][want] = (struct model_port){ .status = EVTCHNSTAT_unbound, .remote = r };
        return want != got;
    case 1:
        want = model_free(d);
        peer = &model[r][p];
        if (want > 0 && (peer->status != EVTCHNSTAT_unbound || peer->remote != d || (r == d && want == p)))
            want = -EINVAL;
        got = bind_inter(d, r, p);
        if (want > 0) {
            model[d][want] = (struct model_port){ EVTCHNSTAT_interdomain, r, p, 0, true };
            *peer = (struct model_port){ EVTCHNSTAT_interdomain, d, (unsigned int)want, peer->vcpu,
                                         peer->pending };
        }
        return want != got;
    case 2:
        want = model_free(d);
        got = bind_ipi(d, v);
        if (want > 0)
            model[d][want] = (struct model_port){ .status = EVTCHNSTAT_ipi, .vcpu = v };
        return want != got;
    case 3:
        want = m->status == EVTCHNSTAT_closed ? -EINVAL : 0;
        got = close_it(d, p);
        if (m->status == EVTCHNSTAT_interdomain)
            *peer = (struct model_port){ EVTCHNSTAT_unbound, d, 0, peer->vcpu, peer->pending };
        *m = (struct model_port){ 0 };
        return want != got;
    case 4:
        want = m->status == EVTCHNSTAT_closed ? -EINVAL : 0;
        got = send(d, p);
        if (m->status == EVTCHNSTAT_ipi)
            m->pending = true;
        if (m->status == EVTCHNSTAT_interdomain)
            peer->pending = true;
        return want != got;
    default:
        want = m->status == EVTCHNSTAT_closed || m->status == EVTCHNSTAT_ipi ? -EINVAL : 0;
        got = to_vcpu(d, p, v);
        if (!want)
            m->vcpu = v;
        return want != got;
    }
}

static void test_random(unsigned int seed, unsigned int ops)
{
    unsigned int wrong = 0, n;

    setup(100);
    memset(model, 0, sizeof(model));
    srand(seed);
    for (n = 0; n < ops && !wrong; n++) {
        wrong += random_op();
        if (n % 64 == 0)
            wrong += compare();
        if (n % 5000 == 4999) {
            for (unsigned int p = 1; p <= 110; p++)
                if (model[1][p].status == EVTCHNSTAT_interdomain) {
                    struct model_port *m = &model[1][p], *peer = &model[m->remote][m->remote_port];

                    *peer = (struct model_port){ EVTCHNSTAT_unbound, 1, 0, peer->vcpu, peer->pending };
                    memset(m, 0, sizeof(*m));
                } else {
                    memset(&model[1][p], 0, sizeof(model[1][p]));
                }
            wrong += reset(1, DOMID_SELF) != 0;
            for (unsigned int p = 1; p <= 110; p++)
                if (model[1][p].status == EVTCHNSTAT_unbound)
                    memset(&model[1][p], 0, sizeof(model[1][p]));
        }
    }
    ok(!wrong, "random run, seed %u: %u operations agree with the model", seed, n);
    ok(teardown(), "nothing is left");
}

int main(void)
{
    if (!event_pages())
        return 1;
    test_alloc();
    test_interdomain();
    test_virq_ipi();
    test_poll();
    test_limits();
    test_reset();
    for (unsigned int seed = 1; seed <= 3; seed++)
        test_random(seed, 200000);
    return done_testing();
}
