/* SPDX-License-Identifier: MIT */
/*
 * Between the scheduling core and the schedulers. The core knows states, switches, pauses and accounting; a
 * scheduler decides which of the runnable vCPUs runs next, for how long, and on which CPU. There is one
 * scheduler in a run of the hypervisor.
 *
 * Each CPU has a lock (LOCK_SCHED) that guards its queue and the scheduling state of all vCPUs whose
 * sched.cpu it is. The vCPU that runs stands in no queue. Hooks are called with that lock held unless they
 * say otherwise.
 */
#ifndef SCHED_SCHEDULER_H
#define SCHED_SCHEDULER_H

#include "domain/domain.h"

struct sched_cpu {
    struct spinlock lock;
    unsigned int cpu;
    struct vcpu *curr, *idle;   /* curr: chosen by the last schedule() */
    struct list queue;          /* sched.run_list of the runnable ones, in the scheduler's order */
    unsigned int nr_queued;
    unsigned int nr_weight;     /* weights in the queue, summed */
    bool slice_over;            /* the slice's timer has fired */
    stime_t slice_start;        /* when curr began, or was last charged */
    stime_t min_vtime;          /* the fair scheduler's floor: never goes back */
    struct timer slice;
    void *data;                 /* a scheduler's own */
};

DECLARE_PER_CPU(struct sched_cpu, sched_cpu);

struct scheduler {
    const char *name;           /* as sched= spells it */
    u32 id;                     /* XEN_SCHEDULER_* that it is shown as */
    stime_t slice_max;          /* longest slice, and shortest time before a preemption: for tools */
    stime_t ratelimit;
    /* Private data, or NULL hooks for none. No lock held. */
    int (*init_vcpu)(struct vcpu *v);
    void (*free_vcpu)(struct vcpu *v);
    /* The CPU, of v's hard affinity, where v had best go on. v is runnable and neither runs nor is queued. */
    unsigned int (*pick_cpu)(const struct vcpu *v);
    /* v becomes, or ceases to be, one of sc's queue; t: now. */
    void (*enqueue)(struct sched_cpu *sc, struct vcpu *v, stime_t t);
    void (*dequeue)(struct sched_cpu *sc, struct vcpu *v);
    /*
     * v goes from one CPU to another, not queued. Other locks of CPUs may be held; reads only of from and to.
     */
    void (*migrate)(struct vcpu *v, const struct sched_cpu *from, const struct sched_cpu *to);
    /* Whether v, just queued at sc, should run there before its current vCPU. */
    bool (*preempts)(struct sched_cpu *sc, const struct vcpu *v, stime_t t);
    /* How long curr may run while others are queued. */
    stime_t (*slice)(const struct sched_cpu *sc);
    /*
     * Accounts for what sc->curr ran until t, and returns who runs next: curr where curr_stays allows it, a
     * vCPU taken off the queue (curr is put back by the core), or sc->idle.
     */
    struct vcpu *(*pick_next)(struct sched_cpu *sc, bool curr_stays, stime_t t);
    /* A domain's weight or cap was changed, for each of its vCPUs. NULL: nothing to do. */
    void (*adjust)(struct vcpu *v);
};

extern const struct scheduler scheduler_fair;

/* Takes the lock of v's CPU. */
struct sched_cpu *sched_lock_vcpu(const struct vcpu *v);

/* True where v may leave its queue for cpu right now. */
static inline bool sched_movable(const struct vcpu *v, unsigned int cpu)
{
    return !v->sched.running && cpumask_test(&v->sched.hard_affinity, cpu);
}

/*
 * CPUs that run their idle vCPU or are about to: a CPU sets its bit before it looks for work in the queues of
 * others, and whoever queues a vCPU behind a busy CPU looks at this set afterwards. So one of the two
 * notices.
 */
extern struct cpumask sched_idle_cpus;

/* A guest gets a tick of 100 Hz until it says otherwise. */
#define VCPU_PERIOD_DEFAULT MILLISECS(10)

/* core.c and vtimer.c: when v stops or begins to run on this CPU. */
void vcpu_timers_leave(struct vcpu *v);
void vcpu_timers_enter(struct vcpu *v, unsigned int cpu);
void vcpu_timers_init(struct vcpu *v);

#endif
