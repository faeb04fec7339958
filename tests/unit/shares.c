/* SPDX-License-Identifier: MIT */
/*
 * Who gets how much, and where: the fair scheduler on several CPUs, caps, soft affinity, slices and the rate
 * limit, and the null scheduler; with the hypervisor's own files on a machine whose clock the test steps.
 * Then random machines, whose shares are compared with what arithmetic says.
 */
#include <stdlib.h>
#include <string.h>

#include "fake/sched.h"

#include "cpu/softirq.h"
#include "lib/atomic.h"
#include "sched/scheduler.h"
#include "tap.h"

static bool near(double got, double wanted, double tolerance)
{
    return got > wanted * (1 - tolerance) && got < wanted * (1 + tolerance);
}

static void cpus_from(struct cpumask *m, unsigned long bits)
{
    memset(m, 0, sizeof(*m));
    m->bits[0] = bits;
}

/* n vCPUs of the weights given on some CPUs, all willing to run; afterwards, their shares. */
static void run_weights(unsigned int cpus, unsigned int n, const unsigned int *weights, stime_t t, double *got)
{
    stime_t before[VCPUS];
    unsigned int i;

    setup(cpus, n, NULL);
    for (i = 0; i < n; i++) {
        domain_set_shares(doms[i], weights[i], 0);
        up(vs[i]);
    }
    run_for(SECONDS(1));
    for (i = 0; i < n; i++)
        before[i] = vcpu_cpu_time(vs[i]);
    run_for(t);
    for (i = 0; i < n; i++)
        got[i] = share(vs[i], before[i], t);
    teardown(n);
}

/* The same by arithmetic: whoever is worth more than a CPU gets one, and the others share what is left. */
static void expected(unsigned int cpus, unsigned int n, const unsigned int *weights, double *want)
{
    double left = cpus, sum = 0;
    bool again = true;
    unsigned int i;

    for (i = 0; i < n; i++) {
        sum += weights[i];
        want[i] = 0;
    }
    while (again) {
        again = false;
        for (i = 0; i < n; i++) {
            if (want[i] == 0 && left * weights[i] >= sum) {
                want[i] = 1;
                left -= 1;
                sum -= weights[i];
                again = true;
            }
        }
    }
    for (i = 0; i < n; i++)
        if (want[i] == 0)
            want[i] = left * weights[i] / sum;
}

static void test_machines(void)
{
    static const struct {
        unsigned int cpus, n, weights[6];
    } rows[] = {
        { 2, 3, { 256, 256, 256 } },
        { 2, 4, { 512, 256, 256, 256 } },
        { 2, 3, { 1000, 256, 256 } },
        { 4, 5, { 256, 256, 256, 256, 256 } },
        { 4, 6, { 65535, 65535, 65535, 65535, 65535, 32768 } },
        { 3, 4, { 2, 1, 1, 1 } },
    };
    double got[VCPUS], want[VCPUS];

    for (unsigned int r = 0; r < ARRAY_SIZE(rows); r++) {
        bool good = true;

        run_weights(rows[r].cpus, rows[r].n, rows[r].weights, SECONDS(20), got);
        expected(rows[r].cpus, rows[r].n, rows[r].weights, want);
        for (unsigned int i = 0; i < rows[r].n; i++)
            good &= near(got[i], want[i], 0.02);
        ok(good, "%u CPUs, %u vCPUs, the first of weight %u: shares %.3f %.3f %.3f …, wanted %.3f %.3f %.3f",
           rows[r].cpus, rows[r].n, rows[r].weights[0], got[0], got[1], got[2], want[0], want[1], want[2]);
    }
}

static void test_random_machines(unsigned int seed, unsigned int rounds)
{
    double got[VCPUS], want[VCPUS], worst = 0;
    unsigned int weights[VCPUS], round, cpus, n, i;

    srand(seed);
    for (round = 0; round < rounds; round++) {
        cpus = 1 + (unsigned int)rand() % 8;
        n = 1 + (unsigned int)rand() % VCPUS;
        for (i = 0; i < n; i++)
            weights[i] = 32u << rand() % 5;
        run_weights(cpus, n, weights, SECONDS(40), got);
        expected(cpus, n, weights, want);
        for (i = 0; i < n; i++) {
            double off = got[i] / want[i] - 1;

            worst = max(worst, off < 0 ? -off : off);
        }
    }
    ok(worst < 0.05, "random machines, seed %u, %u of them: shares are at most %.1f%% off", seed, rounds,
       worst * 100);
}

/* Two that may only use CPU 0, one that may only use CPU 1: each CPU's weights count there. */
static void test_pinned(void)
{
    stime_t t = SECONDS(10);
    struct cpumask only;

    setup(2, 3, NULL);
    domain_set_shares(doms[0], 512, 0);
    for (int i = 0; i < 3; i++) {
        cpus_from(&only, i < 2 ? 1 : 2);
        vcpu_set_affinity(vs[i], &only, NULL);
        up(vs[i]);
    }
    run_for(t);
    ok(near(share(vs[0], 0, t), 2 / 3.0, 0.02) && near(share(vs[1], 0, t), 1 / 3.0, 0.02),
       "pinned to one CPU of two with weights 512 and 256: %.3f and %.3f", share(vs[0], 0, t),
       share(vs[1], 0, t));
    ok(share(vs[2], 0, t) > 0.999, "pinned alone to the other: all of it");
    teardown(3);
}

static void test_soft_affinity(void)
{
    stime_t t = SECONDS(2);
    struct cpumask soft;

    setup(4, 2, NULL);
    cpus_from(&soft, 1u << 3);
    for (int i = 0; i < 2; i++) {
        vcpu_set_affinity(vs[i], NULL, &soft);
        up(vs[i]);
        run_for(MILLISECS(1));
    }
    ok(vs[0]->sched.cpu == 3, "one goes where its soft affinity says");
    run_for(t);
    ok(vs[1]->sched.cpu != 3 && share(vs[1], 0, t) > 0.99, "one more goes elsewhere rather than wait");
    block(vs[0]->sched.cpu == 3 ? vs[0] : vs[1]);
    run_for(MILLISECS(100));
    ok((vs[0]->sched.running ? vs[0] : vs[1])->sched.cpu == 3, "and comes when its CPU is free");
    cpus_from(&soft, 1u << 1);
    vcpu_set_affinity(vs[0], NULL, &soft);
    vcpu_set_affinity(vs[1], NULL, &soft);
    run_for(MILLISECS(1));
    ok((vs[0]->sched.running ? vs[0] : vs[1])->sched.cpu == 1, "a new soft affinity is heeded at once");
    cpus_from(&soft, 1u << 7);
    vcpu_set_affinity(vs[0], NULL, &soft);
    ok(vcpu_set_affinity(vs[1], NULL, &soft) == 0, "one without an online CPU is allowed");
    vcpu_unblock(vs[0]);
    vcpu_unblock(vs[1]);
    run_for(MILLISECS(100));
    ok(vs[0]->sched.running && vs[1]->sched.running, "and means nothing");
    teardown(2);
}

static void test_cap(void)
{
    stime_t before, t = SECONDS(10);
    struct cpumask only;

    setup(2, 3, NULL);
    domain_set_shares(doms[0], 256, 25);
    up(vs[0]);
    run_for(t);
    ok(near(share(vs[0], 0, t), 0.25, 0.01), "cap 25, alone on the machine: %.4f", share(vs[0], 0, t));
    ok(!vs[0]->sched.parked || vs[0]->sched.runstate.state == RUNSTATE_runnable,
       "while it is held back it counts as runnable");
    cpus_from(&only, 1);
    for (int i = 0; i < 2; i++) {
        vcpu_set_affinity(vs[i], &only, NULL);
        up(vs[i]);
    }
    before = vcpu_cpu_time(vs[0]);
    run_for(t);
    ok(near(share(vs[0], before, t), 0.25, 0.01) && near(share(vs[1], 0, t), 0.75, 0.01),
       "beside another: %.4f, and the other %.4f", share(vs[0], before, t), share(vs[1], 0, t));
    domain_set_shares(doms[0], 256, 60);
    before = vcpu_cpu_time(vs[0]);
    run_for(t);
    ok(near(share(vs[0], before, t), 0.5, 0.01), "a cap above its share changes nothing: %.4f",
       share(vs[0], before, t));
    vcpu_pause_nosync(vs[1]);
    before = vcpu_cpu_time(vs[0]);
    run_for(t);
    ok(near(share(vs[0], before, t), 0.6, 0.01), "but holds when the other is paused: %.4f",
       share(vs[0], before, t));
    domain_set_shares(doms[0], 256, 1);
    run_for(MILLISECS(200));
    domain_set_shares(doms[0], 256, 0);
    before = vcpu_cpu_time(vs[0]);
    run_for(t);
    ok(share(vs[0], before, t) > 0.999, "no cap any more, at once: %.4f", share(vs[0], before, t));
    vcpu_unpause(vs[1]);
    teardown(3);
}

/* A cap is a domain's: its two vCPUs use it together, and may use more than one CPU where it allows that. */
static void test_cap_of_two(unsigned int cap)
{
    stime_t t = SECONDS(10);
    struct domain *d;
    double got;

    setup(2, 0, NULL);
    d = fake_domain(1, 2);
    sched_init_domain(d);
    for (unsigned int i = 0; i < 2; i++) {
        sched_init_vcpu(d->vcpu[i], i);
        vcpu_set_periodic(d->vcpu[i], 0);
    }
    domain_set_shares(d, 256, cap);
    up(d->vcpu[0]);
    up(d->vcpu[1]);
    run_for(t);
    got = share(d->vcpu[0], 0, t) + share(d->vcpu[1], 0, t);
    ok(near(got, min(cap, 200u) / 100.0, 0.01), "cap %u of a domain with two vCPUs: %.4f", cap, got);
    doms[0] = d;
    sched_kill_domain(d);
    domain_pause_nosync(d);
    run_for(MILLISECS(1));
    sched_kill_vcpu(d->vcpu[0]);
    sched_kill_vcpu(d->vcpu[1]);
    fake_free_domain(d);
    teardown(0);
}

/* One that always runs, and one that wakes for a moment each 2 ms. */
static unsigned int preemptions(u32 ratelimit_us)
{
    unsigned int count = 0;

    setup(1, 2, NULL);
    ok(sched_set_parameters(30, ratelimit_us) == 0, "rate limit %u us", ratelimit_us);
    up(vs[0]);
    up(vs[1]);
    run_for(MILLISECS(200));
    while (!vs[1]->sched.running)
        fake_step(fake_now + MILLISECS(1));
    block(vs[1]);
    for (unsigned int i = 0; i < 100; i++) {
        run_for(MICROSECS(1900));
        vcpu_unblock(vs[1]);
        run_for(MICROSECS(100));
        count += vs[1]->sched.running;
        while (!vs[1]->sched.running)
            fake_step(fake_now + MICROSECS(100));
        block(vs[1]);
    }
    teardown(2);
    return count;
}

static void test_parameters(void)
{
    unsigned int switches = 0;
    struct vcpu *last;
    u32 slice, limit;

    setup(1, 2, NULL);
    sched_parameters(&slice, &limit);
    ok(slice == 30 && limit == 1000, "30 ms and 1000 us to begin with");
    ok(sched_set_parameters(0, 0) == -22 && sched_set_parameters(1001, 0) == -22 &&
           sched_set_parameters(30, 99) == -22 && sched_set_parameters(1000, 500001) == -22 &&
           sched_set_parameters(1, 1001) == -22, "what is out of bounds is refused");
    ok(sched_set_parameters(2, 0) == 0, "a slice of 2 ms");
    up(vs[0]);
    up(vs[1]);
    run_for(MILLISECS(100));
    last = current;
    for (stime_t end = fake_now + MILLISECS(200); fake_now < end;) {
        fake_step(end);
        switches += current != last;
        last = current;
    }
    ok(switches >= 95 && switches <= 105, "is as long: %u switches in 200 ms", switches);
    teardown(2);
    ok(preemptions(1000) == 100, "one that wakes takes the CPU at once");
    ok(preemptions(5000) == 0, "but not before the rate limit");
}

static void test_null(void)
{
    stime_t before, t = SECONDS(1);
    struct cpumask only;
    unsigned int cpu;

    setup(2, 4, "null");
    up(vs[0]);
    up(vs[1]);
    run_for(MILLISECS(1));
    ok(vs[0]->sched.running && vs[1]->sched.running, "null: two vCPUs get a CPU each");
    up(vs[2]);
    run_for(t);
    ok(share(vs[0], 0, t) > 0.999 && share(vs[1], 0, t) > 0.999 && share(vs[2], 0, t) == 0,
       "a third waits, and takes nothing from them");
    ok(fake_deadline[0] == STIME_NEVER && fake_deadline[1] == STIME_NEVER, "no timer runs");
    block(vs[0]);
    run_for(t);
    ok(share(vs[2], 0, t) == 0, "a CPU stays with a vCPU that sleeps");
    cpu = vs[0]->sched.cpu;
    vcpu_unblock(vs[0]);
    run_for(MILLISECS(1));
    ok(vs[0]->sched.running && vs[0]->sched.cpu == cpu, "which goes on there");
    fake_cpu = vs[1]->sched.cpu;
    atomic_or(&vs[1]->sched.blocked, VCPU_DOWN);
    softirq_raise_on(fake_cpu, SOFTIRQ_SCHEDULE);
    fake_cpu = 0;
    run_for(MILLISECS(1));
    ok(vs[2]->sched.running && !vs[1]->sched.running, "one that goes down gives its CPU to the one that waits");
    up(vs[1]);
    up(vs[3]);
    run_for(MILLISECS(1));
    ok(!vs[1]->sched.running && !vs[3]->sched.running, "there is no CPU for the next two");
    cpus_from(&only, 1ul << (1 - vs[0]->sched.cpu));
    before = vcpu_cpu_time(vs[0]);
    vcpu_set_affinity(vs[0], &only, NULL);
    run_for(t);
    ok(share(vs[0], before, t) < 0.01 && (vs[1]->sched.running || vs[3]->sched.running),
       "one that may not stay leaves its CPU to another, and waits");
    vcpu_set_affinity(vs[0], &cpu_online, NULL);
    domain_set_shares(doms[0], 512, 10);
    ok(doms[0]->sched.cap == 0, "there are no shares and no caps");
    vcpu_pause_nosync(vs[2]);
    run_for(MILLISECS(1));
    sched_kill_vcpu(vs[2]);
    run_for(MILLISECS(1));
    ok(vs[0]->sched.running + vs[1]->sched.running + vs[3]->sched.running == 2,
       "one that ends leaves its CPU to another");
    teardown(4);
}

int main(void)
{
    test_machines();
    test_pinned();
    test_soft_affinity();
    test_cap();
    test_cap_of_two(50);
    test_cap_of_two(150);
    test_cap_of_two(400);
    test_parameters();
    test_null();
    test_random_machines(1, 30);
    test_random_machines(2, 30);
    return done_testing();
}
