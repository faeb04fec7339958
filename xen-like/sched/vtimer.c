/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's own timers: the single-shot one (set_timer_op, VCPUOP_set_singleshot_timer) and the periodic one,
 * which both end in VIRQ_TIMER. The single-shot timer fires whether its vCPU runs or not. The periodic one
 * ticks only while the vCPU runs; when it runs again after more than a period it gets one tick at once.
 */
#include "cpu/time.h"
#include "pv/hypercall.h"
#include "sched/scheduler.h"

/* Deadlines further off than this (13 days) or negative come from guests whose clock arithmetic wrapped. */
#define SET_TIMER_MAX_AHEAD ((stime_t)1 << 50)
#define SET_TIMER_FALLBACK  MILLISECS(100)

static void singleshot_fired(void *data) { send_guest_vcpu_virq(data, VIRQ_TIMER); }

/* Sends the tick that is due, if one is, and arms the timer for the next. */
static void periodic_work(struct vcpu *v)
{
    stime_t period = READ_ONCE(v->sched.period), t = now();

    if (!period)
        return;
    if (t - v->sched.period_last >= period) {
        v->sched.period_last = t;
        send_guest_vcpu_virq(v, VIRQ_TIMER);
    }
    timer_set(&v->sched.periodic, v->sched.period_last + period);
}

static void periodic_fired(void *data)
{
    struct vcpu *v = data;

    if (v->sched.running)
        periodic_work(v);
}

static void poll_timed_out(void *data)
{
    struct vcpu *v = data;

    if (v->sched.blocked & VCPU_POLLING)
        vcpu_unblock(v);
}

void vcpu_timers_init(struct vcpu *v)
{
    timer_init(&v->sched.singleshot, singleshot_fired, v, v->sched.cpu);
    timer_init(&v->sched.periodic, periodic_fired, v, v->sched.cpu);
    timer_init(&v->sched.poll_timer, poll_timed_out, v, v->sched.cpu);
}

void vcpu_timers_leave(struct vcpu *v)
{
    if (v->sched.period)
        timer_stop(&v->sched.periodic);
}

void vcpu_timers_enter(struct vcpu *v, unsigned int cpu)
{
    if (v->sched.singleshot.cpu != cpu)
        timer_migrate(&v->sched.singleshot, cpu);
    if (v->sched.poll_timer.cpu != cpu)
        timer_migrate(&v->sched.poll_timer, cpu);
    if (v->sched.period) {
        timer_migrate(&v->sched.periodic, cpu);
        periodic_work(v);
    }
}

void vcpu_set_periodic(struct vcpu *v, stime_t period)
{
    WRITE_ONCE(v->sched.period, period);
    v->sched.period_last = now();
    if (period)
        timer_set(&v->sched.periodic, v->sched.period_last + period);
    else
        timer_stop(&v->sched.periodic);
}

long do_set_timer_op(u64 when)
{
    struct timer *t = &current->sched.singleshot;
    stime_t timeout = (stime_t)when;

    if (unlikely(timeout < 0 || (timeout >= SET_TIMER_MAX_AHEAD && timeout - now() >= SET_TIMER_MAX_AHEAD)))
        timeout = now() + SET_TIMER_FALLBACK;
    if (timeout)
        timer_set(t, timeout);
    else
        timer_stop(t);
    return 0;
}
