/* SPDX-License-Identifier: MIT */
/*
 * Timers, from the hypervisor's own file: order, re-arming, stopping, killing, moving between CPUs, and a
 * random run against a plain table of deadlines.
 */
#include <stdlib.h>
#include <string.h>

#include "fake/machine.h"
#include "sched/timer.h"
#include "tap.h"

#define TIMERS 300
#define CPUS   3

static struct timer timers[TIMERS];
static stime_t wanted[TIMERS];      /* STIME_NEVER: not set */
static unsigned int home[TIMERS];
static unsigned int fired[TIMERS], wrong_time, wrong_cpu, total_fired;
static stime_t last_fired;

static void fn(void *data)
{
    unsigned int i = (unsigned int)((struct timer *)data - timers);

    fired[i]++;
    total_fired++;
    wrong_time += wanted[i] > fake_now;
    wrong_cpu += home[i] != fake_cpu;
    last_fired = wanted[i];
    wanted[i] = STIME_NEVER;
}

static void setup(void)
{
    fake_machine(CPUS);
    timers_init();
    for (unsigned int cpu = 0; cpu < CPUS; cpu++)
        timers_init_cpu(cpu);
    for (unsigned int i = 0; i < TIMERS; i++) {
        home[i] = i % CPUS;
        wanted[i] = STIME_NEVER;
        fired[i] = 0;
        timer_init(&timers[i], fn, &timers[i], home[i]);
    }
    total_fired = wrong_time = wrong_cpu = 0;
}

static void set(unsigned int i, stime_t deadline)
{
    wanted[i] = deadline;
    timer_set(&timers[i], deadline);
}

static void test_order(void)
{
    stime_t start, last = 0;
    bool ordered = true;

    setup();
    start = fake_now;
    for (unsigned int i = 0; i < 30; i += 3) /* all of CPU 0 */
        set(i, start + 1000 + (i * 7919) % 977);
    while (fake_step(start + 5000)) {
        ordered &= last_fired >= last;
        last = last_fired;
    }
    ok(total_fired == 10 && ordered && !wrong_time, "ten timers fire in the order of their deadlines");
    ok(fake_deadline[0] == STIME_NEVER, "with none left the hardware is disarmed");

    set(0, fake_now - 5);
    fake_step(fake_now);
    ok(fired[0] == 2, "a deadline that has passed fires at once");
}

static void test_change(void)
{
    setup();
    set(0, fake_now + 100);
    set(0, fake_now + 300);
    set(3, fake_now + 200);
    ok(fake_deadline[0] == fake_now + 100, "pushing the first back leaves the hardware as it is");
    while (fake_step(fake_now + 250))
        ;
    ok(fired[3] == 1 && fired[0] <= 1, "the other one has fired meanwhile");
    setup();
    set(0, fake_now + 100);
    timer_stop(&timers[0]);
    ok(!timer_is_set(&timers[0]), "a stopped timer is not set");
    while (fake_step(fake_now + 1000))
        ;
    ok(!fired[0], "and does not fire");
    timer_kill(&timers[0]);
    timer_set(&timers[0], fake_now + 10);
    while (fake_step(fake_now + 1000))
        ;
    ok(!fired[0] && !timer_is_set(&timers[0]), "a killed timer cannot be set again");
}

static void test_migrate(void)
{
    setup();
    set(0, fake_now + 100);
    timer_migrate(&timers[0], 2);
    home[0] = 2;
    while (fake_step(fake_now + 200))
        ;
    ok(fired[0] == 1 && !wrong_cpu, "a timer that was moved fires on its new CPU");
    timer_migrate(&timers[0], 1);
    ok(timers[0].cpu == 1 && !timer_is_set(&timers[0]), "one that is not set moves too");
}

/* A timer that moves itself while its function runs stays, so that timer_kill() knows where to look. */
static void move_self(void *data)
{
    struct timer *t = data;

    timer_migrate(t, 1);
    timer_set(t, fake_now + 1000);
}

static void test_self(void)
{
    struct timer t;

    setup();
    timer_init(&t, move_self, &t, 0);
    timer_set(&t, fake_now + 1);
    fake_step(fake_now + 10);
    ok(t.cpu == 0 && timer_is_set(&t), "a running timer is re-armed by itself, and stays where it runs");
    timer_kill(&t);
}

static void test_random(unsigned int seed, unsigned int ops)
{
    unsigned int missed = 0, unset = 0;

    setup();
    srand(seed);
    for (unsigned int n = 0; n < ops; n++) {
        unsigned int i = (unsigned int)rand() % TIMERS, what = (unsigned int)rand() % 10;

        fake_cpu = (unsigned int)rand() % CPUS;
        if (what < 5) {
            set(i, fake_now + rand() % 1000 - 20);
        } else if (what < 7) {
            wanted[i] = STIME_NEVER;
            timer_stop(&timers[i]);
        } else if (what < 8) {
            home[i] = (unsigned int)rand() % CPUS;
            timer_migrate(&timers[i], home[i]);
        } else {
            stime_t until = fake_now + rand() % 100;

            while (fake_step(until))
                ;
            for (unsigned int k = 0; k < TIMERS; k++)
                missed += wanted[k] <= until;
        }
        unset += timer_is_set(&timers[i]) != (wanted[i] != STIME_NEVER);
    }
    ok(!missed && !unset && !wrong_time && !wrong_cpu,
       "random run, seed %u: %u operations, %u fired, none late, early or on a wrong CPU", seed, ops,
       total_fired);
}

int main(void)
{
    test_order();
    test_change();
    test_migrate();
    test_self();
    for (unsigned int seed = 1; seed <= 3; seed++)
        test_random(seed, 100000);
    return done_testing();
}
