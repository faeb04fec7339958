/* SPDX-License-Identifier: MIT */
/*
 * Work that an interrupt handler or another CPU leaves for a CPU to do at its next safe point: on the way
 * back to a guest, in the idle loop, and at preemption points through hypercall_preempt_check(). Softirqs run
 * with interrupts enabled and no lock held, one at a time, never nested.
 */
#pragma once

#include "cpu/percpu.h"

enum softirq {
    SOFTIRQ_TIMER,      /* run expired timers */
    SOFTIRQ_SCHEDULE,   /* choose a vCPU; does not return to its caller */
    SOFTIRQ_PIRQ,       /* deliver device interrupts to event channels */
    SOFTIRQ_CONSOLE,    /* console input */
    SOFTIRQ_REAP,       /* free domains whose last reference is gone */
    NR_SOFTIRQS,
};

/* entry.S reads this word on the way back to a guest. */
DECLARE_PER_CPU(unsigned long, softirq_pending);

void softirq_register(enum softirq nr, void (*fn)(void));
void softirq_raise(enum softirq nr);                    /* on this CPU; any context */
void softirq_raise_on(unsigned int cpu, enum softirq nr); /* by IPI where the CPU is another; any context */
/* Runs all that is pending, until nothing is; SCHEDULE last. */
void softirq_run(void);

static inline bool softirq_is_pending(void) { return READ_ONCE(this_cpu(softirq_pending)) != 0; }
