/* SPDX-License-Identifier: MIT */
/*
 * One-shot software timers, kept in a heap a CPU. Functions run in softirq context (interrupts enabled, no
 * lock held) on the timer's CPU. The heap's links stand inside the timers, so that arming one never allocates
 * and never fails.
 */
#pragma once

#include "lib/lib.h"

struct timer {
    stime_t deadline;
    void (*fn)(void *data);
    void *data;
    struct timer *left, *right, *parent;    /* in the heap */
    unsigned int cpu;           /* whose heap, and where fn runs; changed under that CPU's lock */
    bool set;
    bool dead;
};

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu);
void timer_set(struct timer *t, stime_t deadline);  /* (re-)arms; a deadline that has passed fires at once */
void timer_stop(struct timer *t);                   /* fn may still be running elsewhere */
/*
 * Stops it for good, and waits until fn is not running; never from fn itself, nor with a lock held that fn
 * takes.
 */
void timer_kill(struct timer *t);
/* A timer whose fn runs at the moment stays where it is. */
void timer_migrate(struct timer *t, unsigned int cpu);
static inline bool timer_is_set(const struct timer *t) { return READ_ONCE(t->set); }
/*
 * For reports: fn for up to max of cpu's timers, in no order, under that CPU's lock. How many there are; *set
 * is when the hardware's will fire.
 */
unsigned int timers_visit(unsigned int cpu, unsigned int max, void (*fn)(const struct timer *), stime_t *set);
void timers_init(void);                             /* boot: registers the softirq */
void timers_init_cpu(unsigned int cpu);             /* before that CPU takes interrupts */
