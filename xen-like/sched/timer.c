/* SPDX-License-Identifier: MIT */
/*
 * Timers: a skew heap a CPU, ordered by deadline, and the softirq that runs what has expired. Arming one and
 * taking one out cost O(log n) on average; with few timers, a few instructions.
 *
 * The hardware timer is only ever moved forward by arming. After the first timer is stopped or moved back it
 * still fires at the old time, finds nothing to do, and is then set for what is first: cheaper than a write
 * to the APIC for every change, since most timers of guests are pushed back before they fire.
 */
#include "sched/timer.h"

#include "cpu/softirq.h"
#include "cpu/time.h"

struct timer_cpu {
    struct spinlock lock;
    struct timer *root;         /* earliest deadline */
    struct timer *running;      /* whose fn runs now */
    stime_t programmed;         /* deadline that the hardware has, or STIME_NEVER */
};

static DEFINE_PER_CPU(struct timer_cpu, timer_cpu);

/* --- the heap: a skew heap, whose functions take and return roots --- */

/* The path that is walked changes sides at each step, which keeps paths short on average. */
static struct timer *heap_merge(struct timer *a, struct timer *b)
{
    struct timer *root = NULL, *parent = NULL, **at = &root, *t;

    while (a && b) {
        if (b->deadline < a->deadline) {
            t = a;
            a = b;
            b = t;
        }
        *at = a;
        a->parent = parent;
        parent = a;
        t = a->right;
        a->right = a->left;
        at = &a->left;
        a = t;
    }
    *at = a ? a : b;
    if (*at)
        (*at)->parent = parent;
    return root;
}

static struct timer *heap_remove(struct timer *root, struct timer *t)
{
    struct timer *rest = heap_merge(t->left, t->right), *parent = t->parent;

    t->left = t->right = t->parent = NULL;
    if (rest)
        rest->parent = parent;
    if (!parent)
        return rest;
    if (parent->left == t)
        parent->left = rest;
    else
        parent->right = rest;
    return root;
}

/* --- timers --- */

/* Locks the CPU that t belongs to, which may change until its lock is held. */
static struct timer_cpu *timer_lock(struct timer *t)
{
    for (;;) {
        unsigned int cpu = READ_ONCE(t->cpu);
        struct timer_cpu *tc = &per_cpu(timer_cpu, cpu);

        spin_lock(&tc->lock);
        if (likely(t->cpu == cpu))
            return tc;
        spin_unlock(&tc->lock);
    }
}

static void timer_unqueue(struct timer_cpu *tc, struct timer *t)
{
    if (t->set) {
        tc->root = heap_remove(tc->root, t);
        t->set = false;
    }
}

/* Lets t's CPU know where its first deadline has become earlier. tc's lock is held. */
static inline void timer_enqueue(struct timer_cpu *tc, struct timer *t)
{
    tc->root = heap_merge(tc->root, t);
    t->set = true;
    if (tc->root != t || t->deadline >= tc->programmed)
        return;
    if (t->cpu == this_cpu_nr()) {
        tc->programmed = t->deadline;
        apic_timer_set(tc->programmed);
    } else {
        softirq_raise_on(t->cpu, SOFTIRQ_TIMER);
    }
}

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu)
{
    *t = (struct timer){ .deadline = STIME_NEVER, .fn = fn, .data = data, .cpu = cpu };
}

void timer_set(struct timer *t, stime_t deadline)
{
    struct timer_cpu *tc = timer_lock(t);

    timer_unqueue(tc, t);
    if (!t->dead) {
        t->deadline = deadline;
        timer_enqueue(tc, t);
    }
    spin_unlock(&tc->lock);
}

void timer_stop(struct timer *t)
{
    if (!READ_ONCE(t->set))
        return;
    struct timer_cpu *tc = timer_lock(t);
    timer_unqueue(tc, t);
    spin_unlock(&tc->lock);
}

void timer_kill(struct timer *t)
{
    struct timer_cpu *tc = timer_lock(t);

    timer_unqueue(tc, t);
    t->dead = true;
    spin_unlock(&tc->lock);
    while (READ_ONCE(tc->running) == t)
        __builtin_ia32_pause();
    smp_mb();
}

void timer_migrate(struct timer *t, unsigned int cpu)
{
    struct timer_cpu *from, *to = &per_cpu(timer_cpu, cpu);

    for (;;) {
        unsigned int old = READ_ONCE(t->cpu);

        if (old == cpu)
            return;
        from = &per_cpu(timer_cpu, old);
        spin_lock_pair(&from->lock, &to->lock);
        if (t->cpu == old)
            break;
        spin_unlock_pair(&from->lock, &to->lock);
    }
    if (from->running != t) { /* else it stays, so that timer_kill() knows where to look */
        const bool was_set = t->set;

        timer_unqueue(from, t);
        t->cpu = cpu;
        if (was_set)
            timer_enqueue(to, t);
    }
    spin_unlock_pair(&from->lock, &to->lock);
}

/*
 * Runs what had expired when it began; a timer that is armed for the past meanwhile makes the hardware fire
 * again.
 */
static void timer_softirq(void)
{
    struct timer_cpu *tc = &this_cpu(timer_cpu);
    const stime_t expired = now();
    struct timer *t;

    spin_guard(&tc->lock);
    while ((t = tc->root) && t->deadline <= expired) {
        timer_unqueue(tc, t);
        WRITE_ONCE(tc->running, t); /* until it is not, timer_kill() waits and t stays */
        spin_unlock(&tc->lock);
        t->fn(t->data);
        spin_lock(&tc->lock);
        store_release(&tc->running, NULL);
    }
    tc->programmed = tc->root ? tc->root->deadline : STIME_NEVER;
    apic_timer_set(tc->programmed);
}

/* The next of the heap in an order that visits all; NULL: t was the last. */
static const struct timer *heap_next(const struct timer *t)
{
    if (t->left || t->right)
        return t->left ? t->left : t->right;
    for (; t->parent; t = t->parent)
        if (t->parent->left == t && t->parent->right)
            return t->parent->right;
    return NULL;
}

unsigned int timers_visit(unsigned int cpu, unsigned int max, void (*fn)(const struct timer *), stime_t *set)
{
    struct timer_cpu *tc = &per_cpu(timer_cpu, cpu);
    unsigned int n = 0;

    spin_guard(&tc->lock);
    *set = tc->programmed;
    for (const struct timer *t = tc->root; t; t = heap_next(t))
        if (n++ < max)
            fn(t);
    return n;
}

void timers_init_cpu(unsigned int cpu)
{
    per_cpu(timer_cpu, cpu) =
        (struct timer_cpu){ .lock = SPINLOCK_INIT(LOCK_TIMER), .programmed = STIME_NEVER };
}

void timers_init(void) { softirq_register(SOFTIRQ_TIMER, timer_softirq); }
