/* SPDX-License-Identifier: MIT */
/*
 * Spin locks with the checks of a debug build, from the hypervisor's own file: each rule of lib/spinlock.h is
 * broken once, and must end in a panic; what the rules allow must not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/spinlock.c"
#include "tap.h"

struct cpu_info fake_cpu_info[FAKE_CPUS];
unsigned int fake_cpu, cpu_count = 2;
bool fake_irqs_off;
u32 tsc_khz = 1;    /* 20 seconds of waiting are soon over */

static jmp_buf back;
static bool expecting;
static char message[200];

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    if (!expecting) {
        printf("Bail out! panic: %s\n", message);
        exit(1);
    }
    longjmp(back, 1);
}

static char printed[2000];

void printk(const char *fmt, ...)
{
    size_t n = strlen(printed);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(printed + n, sizeof(printed) - n, fmt, ap);
    va_end(ap);
}

static struct spinlock domain, domain2, event, sched, leaf, irq_leaf, console;

/* Everything as after boot: a violation leaves locks held, and the checks off. */
static void start(void)
{
    fake_irqs_off = false;
    fake_cpu = 0;
    fake_cpu_info[1].cpu = 1;
    memset(percpu_held_locks, 0, sizeof(percpu_held_locks));
    checks_off = false;
    spin_lock_init(&domain, LOCK_DOMAIN);
    spin_lock_init(&domain2, LOCK_DOMAIN);
    spin_lock_init(&event, LOCK_EVENT);
    spin_lock_init(&sched, LOCK_SCHED);
    spin_lock_init(&leaf, LOCK_LEAF);
    spin_lock_init(&irq_leaf, LOCK_IRQ_LEAF);
    spin_lock_init(&console, LOCK_IRQ_CONSOLE);
    message[0] = '\0';
}

static void violates(const char *what, void (*fn)(void), const char *says)
{
    start();
    expecting = true;
    if (setjmp(back) == 0) {
        fn();
        ok(false, "%s: must panic", what);
    } else {
        ok(strstr(message, says), "%s: %s", what, message);
    }
    expecting = false;
}

/* --- what must not be --- */

static unsigned long flags;

static void wrong_order(void)
{
    spin_lock(&event);
    spin_lock(&domain);
}

static void same_rank(void)
{
    spin_lock(&domain);
    spin_lock(&domain2);
}

static void twice(void)
{
    spin_lock(&domain);
    spin_lock_nested(&domain);
}

static void nested_down(void)
{
    spin_lock(&event);
    spin_lock_nested(&domain);
}

static void under_leaf(void)
{
    spin_lock(&leaf);
    flags = spin_lock_irqsave(&irq_leaf);
    spin_lock(&sched);
}

static void irq_rank_with_interrupts(void)
{
    spin_lock(&irq_leaf);
}

static void plain_in_handler(void)
{
    irq_disable();
    spin_irq_enter();
    spin_lock(&leaf);
}

static void low_rank_without_interrupts(void)
{
    irq_disable();
    spin_lock(&domain);
}

static void handler_with_interrupts(void)
{
    spin_irq_enter();
}

static void release_unheld(void)
{
    spin_unlock(&domain);
}

static void release_others(void)
{
    spin_lock(&domain);
    fake_cpu = 1;
    spin_unlock(&domain);
}

static void held_at_end(void)
{
    spin_lock(&domain);
    spin_check_none_held();
}

static void wait_with_high_lock(void)
{
    spin_lock(&sched);
    spin_check_may_wait();
}

static void wait_without_interrupts(void)
{
    irq_disable();
    spin_check_may_wait();
}

static void never_released(void)
{
    spin_lock(&domain);
    fake_cpu = 1;
    spin_lock(&domain);
}

/* --- what may be --- */

static void test_allowed(void)
{
    start();
    spin_lock_pair(&domain2, &domain);
    spin_lock(&event);
    spin_lock(&sched);
    flags = spin_lock_irqsave(&console);
    ok(!irqs_enabled() && spin_is_locked(&console), "all ranks upwards, a pair of one rank, interrupts off under the last");
    spin_unlock_irqrestore(&console, flags);
    ok(irqs_enabled() && !spin_is_locked(&console), "interrupts come back with its release");
    locks_dump();
    ok(strstr(printed, "CPU 0: 4 locks held") && strstr(printed, "run queue") && strstr(printed, "CPU 1: 0 locks"),
       "locks_dump() names them");
    spin_unlock(&event);    /* in any order */
    spin_unlock_pair(&domain2, &domain);
    spin_unlock(&sched);
    spin_check_none_held();
    spin_lock_pair(&domain, &domain);
    ok(spin_is_locked(&domain), "a pair that is one lock");
    spin_unlock_pair(&domain, &domain);
    spin_lock(&event);
    ok(spin_trylock(&domain), "trylock takes a lower rank, since it does not wait");
    ok(!spin_trylock(&domain), "and fails for a lock that is held");
    spin_check_may_wait();
    spin_unlock(&domain);
    spin_unlock(&event);
    irq_disable();
    spin_lock(&sched);
    spin_unlock(&sched);
    spin_irq_enter();
    flags = spin_lock_irqsave(&irq_leaf);
    spin_unlock_irqrestore(&irq_leaf, flags);
    spin_irq_leave();
    ok(!irqs_enabled(), "run queues with interrupts off; interrupt ranks in a handler, which stays without interrupts");
    irq_enable();
    spin_check_none_held();
    cpu_count = 0;
    irq_disable();
    spin_lock(&domain);
    spin_unlock(&domain);
    cpu_count = 2;
    irq_enable();
    ok(true, "before the CPUs run, interrupts are off for all locks");
    spin_checks_off();
    spin_lock(&event);
    spin_lock(&domain);
    spin_unlock(&domain);
    spin_unlock(&event);
    ok(true, "no checks in a panic");
}

static void test_tickets(void)
{
    start();
    domain.head = domain.tail = 0xffff;
    spin_lock(&domain);
    ok(domain.head == 0xffff && domain.tail == 0 && spin_is_locked(&domain), "tickets wrap around");
    spin_unlock(&domain);
    ok(domain.head == 0 && !spin_is_locked(&domain), "and come free");
}

int main(void)
{
    test_allowed();
    test_tickets();
    violates("a lower rank under a higher", wrong_order, "lock order");
    violates("a second lock of the same rank", same_rank, "lock order");
    violates("the same lock again", twice, "lock order");
    violates("a nested lock of a lower rank", nested_down, "lock order");
    violates("any lock under one for interrupts", under_leaf, "lock order");
    violates("a lock for interrupts with interrupts on", irq_rank_with_interrupts, "assertion failed");
    violates("a plain lock in an interrupt handler", plain_in_handler, "assertion failed");
    violates("a lock below the run queues' with interrupts off", low_rank_without_interrupts, "assertion failed");
    violates("an interrupt handler with interrupts on", handler_with_interrupts, "assertion failed");
    violates("a lock released that is not held", release_unheld, "assertion failed");
    violates("a lock released by another CPU", release_others, "assertion failed");
    violates("a lock held where none may be", held_at_end, "held where none may be");
    violates("waiting for other CPUs with a run queue's lock", wait_with_high_lock, "assertion failed");
    violates("waiting for other CPUs with interrupts off", wait_without_interrupts, "assertion failed");
    violates("a lock that is never released", never_released, "is stuck");
    return done_testing();
}
