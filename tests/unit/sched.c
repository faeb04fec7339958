/* SPDX-License-Identifier: MIT */
/*
 * The scheduling core and the fair scheduler, from the hypervisor's own files, on a machine whose clock the
 * test steps: shares by weight, waking, blocking, pausing, affinity, work that moves to idle CPUs, run-state
 * accounting; then random operations, after each of which what must hold is looked at.
 */
#include <stdlib.h>
#include <string.h>

#include "fake/sched.h"
#include <xen/sched.h>

#include "lib/atomic.h"
#include "pv/hypercall.h"
#include "sched/scheduler.h"
#include "tap.h"

/* --- tests --- */

static void test_weights(void)
{
    stime_t t = SECONDS(10);
    double a, b;

    setup(1, 2, NULL);
    domain_set_shares(doms[0], 512, 0);
    up(vs[0]);
    up(vs[1]);
    run_for(t);
    a = share(vs[0], 0, t);
    b = share(vs[1], 0, t);
    ok(a / b > 1.95 && a / b < 2.05 && a + b > 0.999,
       "weights 512 and 256 on one CPU: shares %.3f and %.3f", a, b);
    teardown(2);
}

/*
 * One of three sleeps for a second, then wants its share: it must neither wait nor take more than its share.
 */
static void test_sleeper(void)
{
    stime_t before[3], t = SECONDS(3);

    setup(1, 3, NULL);
    for (int i = 0; i < 3; i++)
        up(vs[i]);
    run_for(MILLISECS(100));
    while (!vs[2]->sched.running)
        fake_step(fake_now + MILLISECS(10));
    block(vs[2]);
    run_for(SECONDS(1));
    ok(vs[2]->sched.runstate.state == RUNSTATE_blocked && !vs[2]->sched.running,
       "a blocked vCPU does not run");
    for (int i = 0; i < 3; i++)
        before[i] = vcpu_cpu_time(vs[i]);
    vcpu_unblock(vs[2]);
    fake_run_softirqs(0);
    ok(vs[2]->sched.running, "when it wakes it runs at once");
    run_for(t);
    ok(share(vs[2], before[2], t) < 0.345 && share(vs[2], before[2], t) > 0.32 &&
           share(vs[0], before[0], t) > 0.32, "and then has its third of the CPU: %.3f",
       share(vs[2], before[2], t));
    teardown(3);
}

/* One runs alone for a long time; who wakes then must not take the CPU for as long. */
static void test_alone(void)
{
    stime_t before, t = SECONDS(1);

    setup(1, 2, NULL);
    up(vs[0]);
    run_for(SECONDS(20));
    ok(fake_deadline[0] == STIME_NEVER, "a vCPU that runs alone is not interrupted by its slice");
    before = vcpu_cpu_time(vs[0]);
    up(vs[1]);
    run_for(t);
    ok(share(vs[0], before, t) > 0.47 && share(vs[0], before, t) < 0.53,
       "after 20 s alone it shares evenly with a new one: %.3f", share(vs[0], before, t));
    teardown(2);
}

static void test_pause(void)
{
    setup(1, 2, NULL);
    up(vs[0]);
    up(vs[1]);
    run_for(MILLISECS(50));
    vcpu_pause_nosync(vs[0]);
    vcpu_pause_nosync(vs[0]);
    run_for(MILLISECS(50));
    ok(!vs[0]->sched.running && vs[0]->sched.runstate.state == RUNSTATE_offline,
       "a paused vCPU stops and is offline");
    vcpu_unpause(vs[0]);
    run_for(MILLISECS(50));
    ok(!vs[0]->sched.running && !vs[0]->sched.queued, "pauses are counted");
    vcpu_unpause(vs[0]);
    run_for(MILLISECS(50));
    ok(vs[0]->sched.running || vs[0]->sched.queued, "the last unpause lets it run again");
    domain_pause_nosync(doms[1]);
    run_for(MILLISECS(100));
    ok(!vs[1]->sched.running && vs[0]->sched.running, "a paused domain's vCPU leaves the CPU to the other");
    domain_unpause(doms[1]);
    struct vcpu_runstate_info r = vcpu_runstate(vs[0]);
    ok(r.time[0] + r.time[1] + r.time[2] + r.time[3] == (u64)(fake_now - SECONDS(1)),
       "the times of a vCPU's run states add up to its age, exactly");
    teardown(2);
}

static void test_smp(void)
{
    stime_t t = SECONDS(2);
    double least = 1, sum = 0;

    setup(4, 4, NULL);
    for (int i = 0; i < 4; i++) {
        vs[i]->sched.cpu = 0;
        up(vs[i]);
    }
    run_for(t);
    for (int i = 0; i < 4; i++)
        least = min(least, share(vs[i], 0, t));
    ok(least > 0.99, "four vCPUs that wake on one CPU spread over four: the least has %.3f", least);
    teardown(4);

    setup(2, 3, NULL);
    for (int i = 0; i < 3; i++)
        up(vs[i]);
    run_for(t = SECONDS(20));
    least = 1;
    for (int i = 0; i < 3; i++) {
        least = min(least, share(vs[i], 0, t));
        sum += share(vs[i], 0, t);
    }
    ok(sum > 1.999, "three vCPUs keep two CPUs busy: %.4f", sum);
    ok(least > 0.66, "and each gets two thirds of a CPU: the least has %.4f", least);
    block(vs[0]->sched.running ? vs[0] : vs[1]);
    run_for(MILLISECS(100));
    ok(sched_idle_cpus.bits[0] == 0, "when one of those that run blocks, the waiting one is taken up");
    teardown(3);
}

static void test_affinity(void)
{
    struct cpumask only;

    setup(4, 3, NULL);
    only = (struct cpumask){ { 1UL << 2 } };
    for (int i = 0; i < 3; i++) {
        up(vs[i]);
        run_for(MILLISECS(1));
        ok(vcpu_set_affinity(vs[i], &only, NULL) == 0, "vCPU %d is pinned to CPU 2", i);
    }
    run_for(SECONDS(1));
    ok(vs[0]->sched.cpu == 2 && vs[1]->sched.cpu == 2 && vs[2]->sched.cpu == 2, "all three are there");
    ok(share(vs[0], 0, SECONDS(1)) < 0.36 && cpu_idle_time(0) > MILLISECS(990),
       "they share it, and CPU 0 stays idle");
    only = (struct cpumask){ { 1UL << 7 } };
    ok(vcpu_set_affinity(vs[0], &only, NULL) == -22, "a set without an online CPU is refused");
    memset(&only, 0xff, sizeof(only));
    ok(vcpu_set_affinity(vs[0], &only, NULL) == 0 && vcpu_set_affinity(vs[1], &only, NULL) == 0, "unpinned");
    run_for(MILLISECS(200));
    ok(vs[0]->sched.cpu != vs[1]->sched.cpu && vs[1]->sched.cpu != vs[2]->sched.cpu, "they spread again");
    teardown(3);
}

static void test_yield(void)
{
    struct vcpu *first;

    setup(1, 2, NULL);
    up(vs[0]);
    up(vs[1]);
    run_for(MILLISECS(2));
    first = current;
    do_sched_op(SCHEDOP_yield, 0);
    fake_run_softirqs(0);
    ok(current != first && !is_idle(current), "a vCPU that yields gives way to the one that waits");
    block(current);
    ok(current == first, "which gives it back by blocking");
    do_sched_op(SCHEDOP_yield, 0);
    fake_run_softirqs(0);
    ok(current == first, "yielding with nobody waiting changes nothing");
    teardown(2);
}

static void test_timers(void)
{
    setup(1, 1, NULL);
    up(vs[0]);
    fake_run_softirqs(0);
    virqs = 0;
    ok(do_set_timer_op(fake_now + 1000) == 0, "set_timer_op");
    run_for(2000);
    ok(virqs == 1, "fires once");
    do_set_timer_op(fake_now + 1000);
    do_set_timer_op(0);
    run_for(2000);
    ok(virqs == 1, "0 stops it");
    do_set_timer_op(fake_now - 1000);
    run_for(1);
    ok(virqs == 2, "the past fires at once");
    do_set_timer_op(-5);
    run_for(MILLISECS(99));
    ok(virqs == 2, "a negative time is not the past");
    run_for(MILLISECS(2));
    ok(virqs == 3, "but fires after 100 ms");
    vcpu_set_periodic(vs[0], MILLISECS(10));
    run_for(MILLISECS(105));
    ok(virqs == 13, "a periodic timer of 10 ms fires ten times in 105 ms (%u)", virqs - 3);
    block(vs[0]);
    virqs = 0;
    run_for(MILLISECS(100));
    ok(virqs == 0, "and is silent while its vCPU does not run");
    vcpu_unblock(vs[0]);
    run_for(MILLISECS(1));
    ok(virqs == 1, "then gives one tick at once (%u)", virqs);
    vcpu_set_periodic(vs[0], 0);
    teardown(1);

    setup(1, 1, NULL);
    sched_init_vcpu(vs[0], 0);
    up(vs[0]);
    virqs = 0;
    run_for(MILLISECS(1001));
    ok(virqs == 100 || virqs == 101, "a new vCPU gets a tick of 100 Hz (%u)", virqs);
    teardown(1);
}

static long poll_ports(u32 *ports, unsigned int nr, u64 timeout)
{
    struct sched_poll poll = { .nr_ports = nr, .timeout = timeout };

    poll.ports.p = ports;
    return do_sched_op(SCHEDOP_poll, (unsigned long)&poll);
}

static void test_poll(void)
{
    u32 ports[] = { 5, 70 };
    struct vcpu *v;

    setup(1, 1, NULL);
    up(vs[0]);
    fake_run_softirqs(0);
    v = vs[0];
    v->info->evtchn_upcall_mask = 1;
    ok(poll_ports(ports, 2, (u64)fake_now + 1000) == 0, "poll of two ports with a timeout");
    fake_run_softirqs(0);
    ok(!v->sched.running && v->event.poll_port == -1 && doms[0]->event.poll_mask == 1, "waits");
    run_for(2000);
    ok(v->sched.running && !doms[0]->event.poll_mask && !v->sched.blocked, "until the time is over");
    set_bit(70, doms[0]->shared_info->evtchn_pending);
    ok(poll_ports(ports, 2, 0) == 0 && !v->sched.blocked && !doms[0]->event.poll_mask,
       "a pending port: no wait");
    ports[1] = 4096;
    ok(poll_ports(ports, 2, 0) == -22 && !v->sched.blocked, "a port beyond the ABI's limit: -EINVAL");
    set_bit(5, doms[0]->shared_info->evtchn_pending);
    ok(poll_ports(ports, 2, 0) == 0, "but not where one before it is pending");
    ok(poll_ports(ports, 129, 0) == -22, "129 ports: -EINVAL");
    fake_bad_address = (unsigned long)ports;
    ok(poll_ports(ports, 2, 0) == -14 && !v->sched.blocked, "ports that cannot be read: -EFAULT");
    fake_bad_address = ~0UL;
    v->info->evtchn_upcall_mask = 0;
    v->info->evtchn_upcall_pending = 1;
    clear_bit(5, doms[0]->shared_info->evtchn_pending);
    ok(poll_ports(ports, 1, 0) == 0 && !v->sched.blocked, "an event to be delivered ends it at once");
    v->info->evtchn_upcall_pending = 0;
    ok(poll_ports(ports, 1, 0) == 0, "poll of one port without timeout");
    fake_run_softirqs(0);
    vcpu_unblock(v);
    fake_run_softirqs(0);
    ok(v->sched.running && v->event.poll_port == 5 && !doms[0]->event.poll_mask,
       "ends when the vCPU is unblocked");
    teardown(1);
}

static long watchdog(u32 id, u32 timeout)
{
    struct sched_watchdog w = { .id = id, .timeout = timeout };

    return do_sched_op(SCHEDOP_watchdog, (unsigned long)&w);
}

static void test_ops(void)
{
    struct sched_remote_shutdown r = { .domain_id = 99, .reason = SHUTDOWN_reboot };
    struct sched_pin_override pin = { .pcpu = 1 };

    setup(2, 1, NULL);
    up(vs[0]);
    fake_run_softirqs(0);
    shutdowns = 0;
    ok(watchdog(0, 1) == 1 && watchdog(0, 1) == 2 && watchdog(0, 1) == -28, "two watchdogs, and no third");
    ok(watchdog(3, 1) == -22 && watchdog(1, 0) == 0 && watchdog(1, 5) == -22, "one is given back");
    ok(watchdog(2, 3) == 0, "the other is poked");
    run_for(SECONDS(2));
    ok(!shutdowns, "it has not fired");
    run_for(SECONDS(2));
    ok(shutdowns == 1 && shutdown_reason == SHUTDOWN_watchdog, "now it has");

    ok(do_sched_op(SCHEDOP_remote_shutdown, (unsigned long)&r) == -3, "remote_shutdown of nobody: -ESRCH");
    r.domain_id = 1;
    ok(do_sched_op(SCHEDOP_remote_shutdown, (unsigned long)&r) == -1, "by one who may not: -EPERM");
    doms[0]->privileged = true;
    ok(do_sched_op(SCHEDOP_remote_shutdown, (unsigned long)&r) == 0 && shutdown_reason == SHUTDOWN_reboot,
       "by one who may");
    ok(do_sched_op(8, 0) == -38 && do_sched_op(-1, 0) == -38, "unknown operations: -ENOSYS");

    ok(do_sched_op(SCHEDOP_pin_override, (unsigned long)&pin) == -1,
       "pin_override is the hardware domain's alone");
    doms[0]->hardware = true;
    ok(do_sched_op(SCHEDOP_pin_override, (unsigned long)&pin) == 0, "it pins");
    run_for(MILLISECS(1));
    ok(vs[0]->sched.cpu == 1 && vs[0]->sched.running, "to CPU 1");
    fake_cpu = 1;
    ok(do_sched_op(SCHEDOP_pin_override, (unsigned long)&pin) == -16, "twice: -EBUSY");
    pin.pcpu = -1;
    ok(do_sched_op(SCHEDOP_pin_override, (unsigned long)&pin) == 0 &&
           test_bit(0, vs[0]->sched.hard_affinity.bits),
       "and gives the affinity back");
    pin.pcpu = 2;
    ok(do_sched_op(SCHEDOP_pin_override, (unsigned long)&pin) == -22, "a CPU that is not there: -EINVAL");
    fake_cpu = 0;
    sched_kill_domain(doms[0]);
    teardown(1);
}

static void test_random(unsigned int seed, unsigned int cpus, unsigned int ops, const char *scheduler)
{
    const char *wrong = NULL;
    unsigned int n = VCPUS, op = 0, cpu;
    struct cpumask mask;

    setup(cpus, n, scheduler);
    srand(seed);
    for (op = 0; op < ops && !wrong; op++) {
        unsigned int i = (unsigned int)rand() % n;
        struct vcpu *v = vs[i];

        fake_cpu = (unsigned int)rand() % cpus;
        switch (rand() % 9) {
        case 0: up(v); break;
        case 1: case 2: vcpu_unblock(v); break;
        case 3: if (v->sched.running) block(v); break;
        case 4: if (v->sched.pause_count < 3) vcpu_pause_nosync(v); break;
        case 5: if (v->sched.pause_count) vcpu_unpause(v); break;
        case 6:
            memset(&mask, 0, sizeof(mask));
            mask.bits[0] = (unsigned long)rand() % (1UL << cpus);
            vcpu_set_affinity(v, rand() % 3 ? &mask : NULL, rand() % 3 ? NULL : &mask);
            break;
        case 7:
            domain_set_shares(doms[i], 1 + (unsigned int)rand() % 1000,
                              rand() % 2 ? 0 : 1 + (unsigned int)rand() % 150);
            break;
        case 8:
            if (!is_idle(current))
                do_sched_op(SCHEDOP_yield, 0);
            break;
        }
        fake_cpu = 0;
        for (cpu = 0; cpu < cpus * 2; cpu++)
            fake_run_softirqs(cpu % cpus);
        run_for(rand() % MICROSECS(3000));
        /* What the last moment has left for other CPUs to do. */
        for (cpu = 0; cpu < cpus * 2; cpu++)
            fake_run_softirqs(cpu % cpus);
        wrong = invariant(n);
    }
    ok(!wrong,
       "random run, %s, seed %u, %u CPUs: %u operations%s%s", scheduler, seed, cpus, op, wrong ? "; " : "",
       wrong ? wrong : "");
    for (unsigned int i = 0; i < n; i++)
        vs[i]->sched.pause_count = 0;
    teardown(n);
}

int main(void)
{
    test_weights();
    test_sleeper();
    test_alone();
    test_pause();
    test_smp();
    test_affinity();
    test_yield();
    test_timers();
    test_poll();
    test_ops();
    test_random(1, 1, 50000, "credit");
    test_random(1, 1, 50000, "null");
    test_random(2, 2, 50000, "credit");
    test_random(2, 2, 50000, "null");
    test_random(3, 4, 50000, "credit");
    test_random(3, 4, 50000, "null");
    test_random(4, 8, 50000, "credit");
    test_random(4, 8, 50000, "null");
    return done_testing();
}
