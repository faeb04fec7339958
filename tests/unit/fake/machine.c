/* SPDX-License-Identifier: MIT */
/*
 * The fake machine of host tests (machine.h). A lock that is taken out of order, twice, or released unheld
 * ends the test at once, as does panic().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/machine.h"

#include "cpu/irq.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "mm/guest.h"
#include "mm/mm.h"
#include "pv/hypercall.h"

struct cpu_info fake_cpu_info[FAKE_CPUS];
unsigned int fake_cpu;
bool fake_irqs_off;
struct cpumask cpu_online;
unsigned int cpu_count = 1;

stime_t fake_now;
stime_t fake_deadline[FAKE_CPUS];
unsigned int fake_kicks[FAKE_CPUS];
unsigned long fake_bad_address;
bool fake_preempt;
unsigned int fake_restarts;

/* --- locks --- */

static const struct spinlock *held[32];
unsigned int fake_locks_held;

static void die(const char *what)
{
    fflush(stdout);
    fprintf(stderr, "fake machine: %s\n", what);
    abort();
}

static void note_locked(struct spinlock *l, bool nested)
{
    for (unsigned int i = 0; i < fake_locks_held; i++) {
        if (held[i] == l)
            die("a lock is taken twice");
        if (held[i]->rank > l->rank || (held[i]->rank == l->rank && !nested))
            die("a lock is taken out of order");
    }
    l->head = 1;
    held[fake_locks_held++] = l;
}

void spin_lock(struct spinlock *l)
{
    note_locked(l, false);
}

unsigned long spin_lock_irqsave(struct spinlock *l)
{
    note_locked(l, false);
    return 0;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
    spin_unlock(l);
}

void spin_lock_nested(struct spinlock *l)
{
    note_locked(l, true);
}

bool spin_trylock(struct spinlock *l)
{
    if (l->head)
        return false;
    l->head = 1;
    held[fake_locks_held++] = l;
    return true;
}

void spin_unlock(struct spinlock *l)
{
    unsigned int i;

    for (i = 0; i < fake_locks_held && held[i] != l; i++)
        ;
    if (i == fake_locks_held)
        die("a lock is released that is not held");
    held[i] = held[--fake_locks_held];
    l->head = 0;
}

bool spin_is_locked(const struct spinlock *l)
{
    return l->head;
}

void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
    note_locked(a < b ? a : b, false);
    if (a != b)
        note_locked(a < b ? b : a, true);
}

void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
    spin_unlock(a);
    if (a != b)
        spin_unlock(b);
}

/* --- messages --- */

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    die(" (panic)");
    abort();
}

void log_at(enum log_level level, const char *fmt, ...)
{
    (void)level, (void)fmt;
}

void printk(const char *fmt, ...)
{
    (void)fmt;
}

/* --- CPUs, softirqs, time --- */

static void (*handlers[NR_SOFTIRQS])(void);
DEFINE_PER_CPU(unsigned long, softirq_pending);

/* Where schedule() comes back to, since it does not return. */
static jmp_buf back;

void softirq_register(enum softirq nr, void (*fn)(void))
{
    handlers[nr] = fn;
}

void softirq_raise(enum softirq nr)
{
    this_cpu(softirq_pending) |= 1UL << nr;
}

void softirq_raise_on(unsigned int cpu, enum softirq nr)
{
    per_cpu(softirq_pending, cpu) |= 1UL << nr;
}

void fake_run_softirqs(unsigned int cpu)
{
    volatile unsigned int before = fake_cpu;

    fake_cpu = cpu;
    while (per_cpu(softirq_pending, cpu)) {
        volatile unsigned int nr = (unsigned int)__builtin_ctzl(per_cpu(softirq_pending, cpu));

        if (nr == SOFTIRQ_SCHEDULE && per_cpu(softirq_pending, cpu) != 1UL << nr)
            nr = (unsigned int)__builtin_ctzl(per_cpu(softirq_pending, cpu) & ~(1UL << SOFTIRQ_SCHEDULE));
        per_cpu(softirq_pending, cpu) &= ~(1UL << nr);
        if (fake_locks_held)
            die("softirqs run with a lock held");
        if (handlers[nr] && setjmp(back) == 0)
            handlers[nr]();
        if (fake_locks_held)
            die("a softirq leaves a lock held");
    }
    fake_cpu = before;
}

void softirq_run(void)
{
    fake_run_softirqs(fake_cpu);
}

/* Tests without sched/core.c. */
__attribute__((weak)) void sched_context_saved(struct vcpu *prev)
{
    (void)prev;
}

void context_switch(struct vcpu *prev, struct vcpu *next)
{
    if (prev != current || !next->sched.running)
        die("context_switch() of the wrong vCPUs");
    current = next;
    sched_context_saved(prev);
    irq_enable();
    longjmp(back, 1);
}

void continue_running(struct vcpu *v)
{
    if (v != current)
        die("continue_running() of a vCPU that is not current");
    longjmp(back, 1);
}

void smp_kick(unsigned int cpu)
{
    fake_kicks[cpu]++;
}

stime_t now(void)
{
    return fake_now;
}

void apic_timer_set(stime_t deadline)
{
    fake_deadline[fake_cpu] = deadline;
}

bool fake_step(stime_t until)
{
    unsigned int cpu, first = 0;

    for (cpu = 0; cpu < cpu_count; cpu++)
        fake_run_softirqs(cpu);
    for (cpu = 1; cpu < cpu_count; cpu++)
        if (fake_deadline[cpu] < fake_deadline[first])
            first = cpu;
    if (fake_deadline[first] > until) {
        fake_now = until;
        return false;
    }
    fake_now = max(fake_now, fake_deadline[first]);
    fake_deadline[first] = STIME_NEVER;
    softirq_raise_on(first, SOFTIRQ_TIMER);
    for (cpu = 0; cpu < cpu_count; cpu++)
        fake_run_softirqs(cpu);
    return true;
}

void fake_machine(unsigned int cpus)
{
    memset(fake_cpu_info, 0, sizeof(fake_cpu_info));
    memset(&cpu_online, 0, sizeof(cpu_online));
    memset(percpu_softirq_pending, 0, sizeof(percpu_softirq_pending));
    cpu_count = cpus;
    fake_now = SECONDS(1);
    fake_cpu = 0;
    fake_bad_address = ~0UL;
    fake_preempt = false;
    for (unsigned int cpu = 0; cpu < FAKE_CPUS; cpu++) {
        fake_cpu_info[cpu].cpu = cpu;
        fake_deadline[cpu] = STIME_NEVER;
        if (cpu < cpus)
            set_bit(cpu, cpu_online.bits);
    }
}

/* --- memory --- */

__attribute__((weak)) void *xzalloc_bytes(size_t size)
{
    return calloc(1, size);
}

__attribute__((weak)) void xfree(void *p)
{
    free(p);
}

/* Accounts are mm/'s own to test. */
__attribute__((weak)) void *domain_xzalloc_bytes(struct domain *d, size_t size)
{
    (void)d;
    return xzalloc_bytes(size);
}

__attribute__((weak)) void domain_xfree(struct domain *d, void *p)
{
    (void)d;
    xfree(p);
}

static bool bad(unsigned long addr, unsigned long size)
{
    return size && addr <= (fake_bad_address | (PAGE_SIZE - 1)) &&
           addr + size > (fake_bad_address & PAGE_MASK);
}

__attribute__((weak)) bool guest_range_ok(unsigned long addr, unsigned long size)
{
    return !bad(addr, size);
}

__attribute__((weak)) unsigned long copy_from_guest(void *to, unsigned long from, unsigned long size)
{
    if (bad(from, size))
        return size;
    memcpy(to, (const void *)from, size);
    return 0;
}

__attribute__((weak)) unsigned long copy_to_guest(unsigned long to, const void *from, unsigned long size)
{
    if (bad(to, size))
        return size;
    memcpy((void *)to, from, size);
    return 0;
}

__attribute__((weak)) bool put_guest_u64(unsigned long to, u64 value)
{
    return copy_to_guest(to, &value, sizeof(value)) == 0;
}

__attribute__((weak)) void root_load(const struct vcpu *v)
{
    (void)v;
}

/* --- hypercalls --- */

__attribute__((weak)) long hypercall_restart(unsigned int n, const unsigned long *args)
{
    (void)n, (void)args;
    fake_restarts++;
    return -ERESTART;
}

__attribute__((weak)) bool hypercall_preempt_check(void)
{
    return fake_preempt;
}

/* --- domains --- */

struct domain *fake_domain(domid_t id, unsigned int vcpus)
{
    struct domain *d = calloc(1, sizeof(*d));

    d->id = id;
    d->refs = 1;
    d->max_vcpus = vcpus;
    d->vcpu = calloc(vcpus ? vcpus : 1, sizeof(d->vcpu[0]));
    d->shared_info = calloc(1, PAGE_SIZE);
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    spin_lock_init(&d->lock, LOCK_DOMAIN);
    for (unsigned int i = 0; i < vcpus; i++) {
        struct vcpu *v = d->vcpu[i] = calloc(1, sizeof(*v));

        v->domain = d;
        v->id = i;
        v->info = &d->shared_info->vcpu_info[i];
        v->pv.kernel_mode = true;
    }
    return d;
}

void fake_free_domain(struct domain *d)
{
    for (unsigned int i = 0; i < d->max_vcpus; i++)
        free(d->vcpu[i]);
    free(d->vcpu);
    free(d->shared_info);
    free(d);
}
