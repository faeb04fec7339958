/* SPDX-License-Identifier: MIT */
/*
 * Time: the pvclock record, wall clock, set_timer_op, the per-vCPU single-shot and periodic timers, and
 * runstate accounting.  Sources: xen.h, vcpu_time_info and VIRQ_TIMER; vcpu.h.
 *
 * Upper bounds are wide: the host may be busy.  Lower bounds are exact: nothing may come early.
 */
#include "guest.h"

#define MS 1000000UL
static unsigned timer_port;
#define fired event_count[timer_port]

static void block(void)
{
    HC(sched_op, SCHEDOP_block, 0);
}

static void check_clock(void)
{
    volatile struct vcpu_time_info *time = &vcpu_info(0)->time;
    uint64_t last = now(), start, tsc;
    bool monotonic = true;

    check_eq(time->version & 1, 0, "the time record's version is even");
    check(time->tsc_to_system_mul >= 0x80000000u, "the multiplier is normalised");
    check(last > 0, "system time runs");
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t t = now();

        monotonic &= t >= last;
        last = t;
    }
    check(monotonic, "system time never steps back");
    start = now();
    tsc = rdtsc();
    while (rdtsc() - tsc < 1000000)
        ;
    check(now() > start, "system time moves with the time-stamp counter");
    check(shared_info->wc_version % 2 == 0, "the wall clock's version is even");
    check(shared_info->wc_sec > 1700000000u, "the wall clock is past November 2023");
    check(shared_info->wc_nsec < SECOND, "wall-clock nanoseconds are below a second");
}

static void check_set_timer(void)
{
    uint64_t start, deadline;

    port_clear(timer_port);
    fired = 0;
    start = now();
    deadline = start + 20 * MS;
    check_eq(HC(set_timer_op, deadline), 0, "set_timer_op in 20 ms");
    check_eq(fired, 0, "it does not fire at once");
    events_unmask();
    check(wait_count(&fired, 1, 5 * SECOND), "it fires");
    check(now() >= deadline, "it does not fire early");
    spin_ns(20 * MS);
    check_eq(fired, 1, "it fires once");

    fired = 0;
    deadline = now() + 300 * MS;
    check_eq(HC(set_timer_op, deadline), 0, "set_timer_op in 300 ms");
    check_eq(HC(set_timer_op, 0), 0, "set_timer_op with 0 cancels");
    spin_ns(deadline + 20 * MS - now());
    check_eq(fired, 0, "a cancelled timer does not fire");

    check_eq(HC(set_timer_op, now() - MS), 0, "set_timer_op in the past");
    check(wait_count(&fired, 1, 5 * SECOND), "a deadline in the past fires");
    fired = 0;
    HC(set_timer_op, now() + SECOND * 60);
    check_eq(HC(set_timer_op, now() + 5 * MS), 0, "a new deadline replaces the old");
    check(wait_count(&fired, 1, 5 * SECOND), "the new deadline fires");
    fired = 0;
    check_eq(HC(set_timer_op, ~0UL >> 1), 0, "set_timer_op far in the future is accepted");
    HC(set_timer_op, 0);

    fired = 0;
    events_mask();
    deadline = now() + 10 * MS;
    HC(set_timer_op, deadline);
    block();
    check_eq(fired, 1, "a blocked vCPU is woken by its timer");
    check(now() >= deadline, "and not early");
    events_mask();
}

static void check_singleshot(void)
{
    struct vcpu_set_singleshot_timer arg = { .timeout_abs_ns = now() + 10 * MS };
    uint64_t deadline = arg.timeout_abs_ns;

    fired = 0;
    events_unmask();
    check_eq(HC(vcpu_op, VCPUOP_set_singleshot_timer, 0, &arg), 0, "single-shot timer in 10 ms");
    check(wait_count(&fired, 1, 5 * SECOND), "the single-shot timer fires");
    check(now() >= deadline, "the single-shot timer does not fire early");
    arg.timeout_abs_ns = deadline = now() + 300 * MS;
    fired = 0;
    check_eq(HC(vcpu_op, VCPUOP_set_singleshot_timer, 0, &arg), 0, "single-shot timer in 300 ms");
    check_eq(HC(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0), 0, "single-shot timer stopped");
    spin_ns(deadline + 20 * MS - now());
    check_eq(fired, 0, "a stopped single-shot timer does not fire");
    arg.timeout_abs_ns = now() - MS;
    arg.flags = VCPU_SSHOTTMR_future;
    check_eq(HC(vcpu_op, VCPUOP_set_singleshot_timer, 0, &arg), 0,
             "a past deadline with VCPU_SSHOTTMR_future: 0");
    check(wait_count(&fired, 1, 5 * SECOND), "and it fires");
    check_eq(HC(vcpu_op, VCPUOP_set_singleshot_timer, 0, BAD_PTR_XEN), -GE_FAULT,
             "single-shot timer, bad pointer: -EFAULT");
    check_eq(HC(vcpu_op, VCPUOP_set_singleshot_timer, 77, &arg), -GE_NOENT,
             "single-shot timer of a vCPU that does not exist: -ENOENT");
    events_mask();
}

static void check_periodic(void)
{
    struct vcpu_set_periodic_timer arg = { .period_ns = 10 * MS };
    unsigned count;
    uint64_t start;

    check_eq(HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0), 0, "periodic timer stopped");
    events_unmask();
    fired = 0;
    spin_ns(30 * MS);
    check_eq(fired, 0, "no ticks without a periodic timer");
    start = now();
    check_eq(HC(vcpu_op, VCPUOP_set_periodic_timer, 0, &arg), 0, "periodic timer of 10 ms");
    check(wait_count(&fired, 5, 10 * SECOND), "it ticks five times");
    check(now() - start >= 40 * MS, "five ticks take at least four periods");
    check_eq(HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0), 0, "it is stopped");
    count = fired;
    spin_ns(40 * MS);
    check(fired <= count + 1, "it does not tick any more");
    arg.period_ns = 1000;
    check_eq(HC(vcpu_op, VCPUOP_set_periodic_timer, 0, &arg), -GE_INVAL, "a period of 1 us: -EINVAL");
    arg.period_ns = ~0UL;
    check_eq(HC(vcpu_op, VCPUOP_set_periodic_timer, 0, &arg), -GE_INVAL, "a period of ~0: -EINVAL");
    check_eq(HC(vcpu_op, VCPUOP_set_periodic_timer, 0, BAD_PTR_XEN), -GE_FAULT,
             "periodic timer, bad pointer: -EFAULT");
    events_mask();
}

static void check_runstate(void)
{
    struct vcpu_runstate_info info, later;
    static struct vcpu_runstate_info area;
    struct vcpu_register_runstate_memory_area reg = { .addr.v = &area };
    uint64_t sum = 0;

    check_eq(HC(vcpu_op, VCPUOP_get_runstate_info, 0, &info), 0, "get_runstate_info");
    check_eq(info.state, RUNSTATE_running, "the vCPU runs");
    check(info.state_entry_time <= now(), "it entered that state in the past");
    for (unsigned i = 0; i < 4; i++)
        sum += info.time[i];
    check(sum > 0 && sum <= now(), "the sum of the times is no more than system time");
    events_mask();
    HC(set_timer_op, now() + 20 * MS);
    block();
    events_mask();
    check_eq(HC(vcpu_op, VCPUOP_get_runstate_info, 0, &later), 0, "get_runstate_info after blocking");
    check(later.time[RUNSTATE_blocked] >= info.time[RUNSTATE_blocked] + 10 * MS, "blocked time has grown");
    check(later.time[RUNSTATE_running] >= info.time[RUNSTATE_running], "running time has not shrunk");
    check_eq(HC(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &reg), 0, "register a runstate area");
    check_eq(area.state, RUNSTATE_running, "the area is filled at once");
    info = area;
    HC(set_timer_op, now() + 10 * MS);
    block();
    events_mask();
    check(area.time[RUNSTATE_blocked] > info.time[RUNSTATE_blocked], "the area is kept up to date");
    check_eq(HC(vcpu_op, VCPUOP_get_runstate_info, 0, BAD_PTR_XEN), -GE_FAULT,
             "get_runstate_info, bad pointer: -EFAULT");
    check_eq(HC(vcpu_op, VCPUOP_get_runstate_info, 77, &info), -GE_NOENT,
             "get_runstate_info of a vCPU that does not exist: -ENOENT");
}

static void check_time_area(void)
{
    static struct vcpu_time_info area __attribute__((aligned(64)));
    struct vcpu_register_time_memory_area reg = { .addr.v = &area };

    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, &reg), 0,
             "register a secondary time area");
    check(area.version && area.tsc_to_system_mul == vcpu_info(0)->time.tsc_to_system_mul, "it is filled");
    reg.addr.p = BAD_PTR_XEN;
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, &reg), -GE_FAULT,
             "a secondary time area in the hypervisor's range: -EFAULT");
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, BAD_PTR_XEN), -GE_FAULT,
             "a secondary time area, bad pointer: -EFAULT");
}

TEST_MAIN("timers")
{
    struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };

    HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    if (evtchn_op(EVTCHNOP_bind_virq, &bind))
        bail_out("cannot bind VIRQ_TIMER");
    timer_port = bind.port;
    check_clock();
    check_set_timer();
    check_singleshot();
    check_periodic();
    check_runstate();
    check_time_area();
}
