/* SPDX-License-Identifier: MIT */
/*
 * Two vCPUs of this guest on the machine's one processor: switches between them by yield, and by event and
 * poll.
 */
#include "measure.h"

enum { YIELD, ANSWER, STOP };
static volatile unsigned mode, turns;
static struct evtchn_send to_first, to_second;
static evtchn_port_t poll_first, poll_second;
static struct sched_poll first = { .nr_ports = 1 }, second = { .nr_ports = 1 };

static void second_vcpu(void)
{
    for (;;) {
        turns++;
        if (mode == STOP)
            HC(vcpu_op, VCPUOP_down, 1, 0);
        if (mode == YIELD) {
            HC(sched_op, SCHEDOP_yield, 0);
        } else {
            HC(sched_op, SCHEDOP_poll, &second);
            port_clear(poll_second);
            evtchn_op(EVTCHNOP_send, &to_first);
        }
    }
}

static evtchn_port_t polled_port(unsigned vcpu)
{
    struct evtchn_bind_ipi ipi = { .vcpu = vcpu };

    if (evtchn_op(EVTCHNOP_bind_ipi, &ipi))
        bail_out("bind_ipi failed");
    port_mask(ipi.port);
    return ipi.port;
}

void bench_vcpus(void)
{
    unsigned before;
    long ret;

    mode = YIELD;
    poll_first = to_first.port = polled_port(0);
    poll_second = to_second.port = polled_port(1);
    set_xen_guest_handle(first.ports, &poll_first);
    set_xen_guest_handle(second.ports, &poll_second);
    ret = vcpu_start(1, second_vcpu);
    if (ret) {
        row_failed("two yields, two switches of vCPUs", ret);
        return;
    }
    for (unsigned i = 0; i < 1000 && !turns; i++)
        HC(sched_op, SCHEDOP_yield, 0);
    MEASURE("two yields, two switches of vCPUs", 100, 1, before = turns,
            THEN(HC(sched_op, SCHEDOP_yield, 0), turns - before));
    mode = ANSWER;
    HC(sched_op, SCHEDOP_yield, 0);
    for (unsigned i = 0; i < 10; i++)           /* the first round finds either vCPU anywhere in its loop */
        HC(sched_op, SCHEDOP_yield, 0);
    MEASURE("event to the other vCPU and its answer, by poll", 100, 1,
            (port_clear(poll_first), before = turns),
            THEN(THEN(evtchn_op(EVTCHNOP_send, &to_second), HC(sched_op, SCHEDOP_poll, &first)),
                 turns - before));
    mode = STOP;
    port_clear(poll_first);
    evtchn_op(EVTCHNOP_send, &to_second);
    for (unsigned i = 0; i < 1000 && HC(vcpu_op, VCPUOP_is_up, 1, 0) == 1; i++)
        HC(sched_op, SCHEDOP_yield, 0);
    evtchn_close(poll_first);
    evtchn_close(poll_second);
}
