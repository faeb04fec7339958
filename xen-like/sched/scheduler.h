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
#pragma once

#include "domain/domain.h"

struct sched_cpu {
    struct spinlock lock;
    unsigned int cpu;
    struct vcpu *curr, *idle;   /* curr: chosen by the last schedule() */
    struct list queue;          /* sched.run_list of the runnable ones, in the scheduler's order */
    unsigned int nr_queued;
    bool slice_over;            /* the slice's timer has fired */
    bool look_around;           /* another CPU has vCPUs that should rather run here; set without lock */
    bool look_again;            /* the fair scheduler's, of an idle CPU: a lock was busy where others may wait */
    stime_t slice_start;        /* when curr began, or was last charged */
    stime_t curr_since;         /* when curr began */
    stime_t min_vtime;          /* the fair scheduler's floor: never goes back */
    struct timer slice;
    struct vcpu *owner;         /* the null scheduler's: to whom this CPU belongs */
};

DECLARE_PER_CPU(struct sched_cpu, sched_cpu);

struct scheduler {
    const char *name, *alias;   /* as sched= spells it; alias may be NULL */
    u32 id;                     /* XEN_SCHEDULER_* that it is shown as */
    /* The CPU, of v's hard affinity, where v had best go on. v is runnable and neither runs nor is queued. */
    unsigned int (*pick_cpu)(const struct vcpu *v);
    /* Puts v into sc's queue; t: now. */
    void (*enqueue)(struct sched_cpu *sc, struct vcpu *v, stime_t t);
    /* When v, just queued at sc, should take the CPU from curr: t or before means at once. NULL: never. */
    stime_t (*preempt_at)(const struct sched_cpu *sc, const struct vcpu *v, stime_t t);
    /* v waits at sc, whose CPU is busy: lets other CPUs know that had better run it, or others of sc's. */
    void (*call_others)(struct sched_cpu *sc, const struct vcpu *v);
    /* How long curr may run from t on before pick_next() is asked again; NULL, STIME_NEVER: as it likes. */
    stime_t (*slice)(const struct sched_cpu *sc, stime_t t);
    /*
     * Accounts for what sc->curr ran until t, and returns who runs next: curr where curr_stays allows it, a
     * vCPU taken off the queue (curr is put back by the core), or sc->idle.
     */
    struct vcpu *(*pick_next)(struct sched_cpu *sc, bool curr_stays, stime_t t);
    /* v, at sc, cannot run now; it is neither running nor queued any more. */
    void (*stopped)(struct sched_cpu *sc, struct vcpu *v);
    /* v, not queued, leaves sc's CPU for another, or for good. NULL: no action. */
    void (*retire)(struct sched_cpu *sc, struct vcpu *v);
    /* v gets a new weight, which the hook stores. NULL: there are no shares. */
    void (*set_weight)(struct sched_cpu *sc, struct vcpu *v, unsigned int weight);
};

extern const struct scheduler scheduler_fair, scheduler_null;

/* What can be set while running (sched_set_parameters()). */
struct sched_params {
    stime_t slice;              /* the longest time that one runs while others wait */
    stime_t ratelimit;          /* the shortest before one that wakes takes the CPU away; 0: none */
};

extern struct sched_params sched_params;

/* Takes the lock of v's CPU. */
struct sched_cpu *sched_lock_vcpu(const struct vcpu *v);
static inline void sched_unlock_held(struct sched_cpu **sc) { spin_unlock(&(*sc)->lock); }
/* struct sched_cpu *sc held_cpu = sched_lock_vcpu(v): unlocked when the block is left. */
#define held_cpu __cleanup(sched_unlock_held)
/* Makes cpu call pick_next() soon. Any context. */
void sched_reschedule(unsigned int cpu);

/* What v's affinities say of cpu: it may run there, and would rather. */
static inline bool may_run_on(const struct vcpu *v, unsigned int cpu)
{
    return test_bit(cpu, v->sched.hard_affinity.bits);
}

static inline bool suits(const struct vcpu *v, unsigned int cpu)
{
    return test_bit(cpu, v->sched.soft_affinity.bits);
}

/* True where v may leave its queue for cpu right now. */
static inline bool sched_movable(const struct vcpu *v, unsigned int cpu)
{
    return !v->sched.running && may_run_on(v, cpu);
}

/* Takes v out of sc's queue. */
static inline void sched_unqueue(struct sched_cpu *sc, struct vcpu *v)
{
    list_del(&v->sched.run_list);
    sc->nr_queued--;
    v->sched.queued = false;
}

/*
 * CPUs that run their idle vCPU or are about to: a CPU sets its bit before it looks for work in the queues of
 * others, and whoever queues a vCPU behind a busy CPU looks at this set afterwards. So one of the two
 * notices.
 */
extern struct cpumask sched_idle_cpus;

/* --- caps: cap.c --- */

/*
 * d's vCPUs ran together for `ran` more, up to t: what they may still run before they must wait; less than 1:
 * they wait now. For domains with a cap only.
 */
stime_t cap_spend(struct domain *d, stime_t ran, stime_t t);
/* v, which neither runs nor is queued, waits until its domain may run again. v's lock is held. */
void cap_park(struct vcpu *v);
/* A new cap, in per cent of a CPU; 0: none. No lock of a CPU held. */
void cap_set(struct domain *d, unsigned int cap);
void cap_init_domain(struct domain *d);

/* A guest gets a tick of 100 Hz until it says otherwise. */
#define VCPU_PERIOD_DEFAULT MILLISECS(10)

/* core.c and vtimer.c: when v stops or begins to run on this CPU. */
void vcpu_timers_leave(struct vcpu *v);
void vcpu_timers_enter(struct vcpu *v, unsigned int cpu);
void vcpu_timers_init(struct vcpu *v);
