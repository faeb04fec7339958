/* SPDX-License-Identifier: MIT */
/*
 * Which vCPU runs on which CPU, and when. A scheduler is a record of hooks (struct scheduler); this interface
 * is what the rest of the hypervisor knows of it.
 *
 * A vCPU can run while it is not blocked, not down, and neither it nor its domain is paused. The reasons not
 * to run are counted or flagged in the vCPU; vcpu_wake() looks at them again after one is taken away,
 * vcpu_sleep_*() after one was added.
 */
#pragma once

#include <xen/vcpu.h>

#include "cpu/percpu.h"
#include "sched/timer.h"

struct domain;
struct vcpu;

/* Bits of vcpu_sched.blocked: each a reason not to run. */
#define VCPU_BLOCKED   (1u << 0) /* waits for an event (SCHEDOP_block) */
#define VCPU_POLLING   (1u << 1) /* waits in SCHEDOP_poll */
#define VCPU_DOWN      (1u << 2) /* not yet up, or taken down by VCPUOP_down */

struct vcpu_sched {
    struct list run_list;           /* in a CPU's run queue */
    unsigned int cpu;               /* where it runs or last ran; changed under the locks of both CPUs */
    volatile bool running;          /* a CPU holds its state */
    /*
     * Under the lock of cpu: it stands in that CPU's run queue; gives way to the next in the queue once;
     * waits until its domain's cap lets it run again; the fair scheduler counts its weight.
     */
    bool queued, yielding, parked, active;
    volatile unsigned int blocked;  /* VCPU_* */
    int pause_count;
    struct cpumask hard_affinity, soft_affinity;
    struct cpumask saved_affinity;  /* hard_affinity to go back to after SCHEDOP_pin_override */
    bool pinned_over;               /* SCHEDOP_pin_override is in force */
    struct vcpu_runstate_info runstate; /* times up to state_entry_time (lock of cpu) */
    unsigned long runstate_guest;   /* guest address of its copy, 0: none */
    struct timer singleshot, periodic, poll_timer;
    stime_t period, period_last;    /* of the periodic timer, 0: none; when it last fired */
    unsigned int weight;            /* its share of CPU time beside others */
    stime_t vtime;                  /* the fair scheduler's: time that it ran, scaled by its weight */
};

#define SCHED_WEIGHT_DEFAULT 256

/* A domain's watchdogs (SCHEDOP_watchdog). */
#define NR_DOMAIN_WATCHDOGS 2

struct domain_sched {
    unsigned int weight;            /* of each of its vCPUs */
    unsigned int cap;               /* per cent of a CPU that all of them may use together, 0: no limit */
    struct spinlock cap_lock;       /* LOCK_LEAF: the two that follow */
    stime_t budget;                 /* what they may still run; below 0: ran too long */
    stime_t budget_since;           /* when it was last filled up */
    struct timer refill;            /* set while one of them is parked */
    struct timer watchdog[NR_DOMAIN_WATCHDOGS];
    u32 watchdog_used;              /* bit a watchdog handed out (domain's lock) */
};

/* --- life of a vCPU; called by domain/ --- */
void sched_init_domain(struct domain *d);
int sched_kill_domain(struct domain *d);                /* its timers; no lock held; 0 */
void sched_init_vcpu(struct vcpu *v, unsigned int cpu); /* born VCPU_DOWN, affinity to all CPUs */
void sched_kill_vcpu(struct vcpu *v);                   /* its timers; it cannot run; no lock held */
void sched_init(const char *name);                      /* boot: name as of sched=, or NULL; timers too */
/*
 * Boot, on that CPU itself, after its percpu area and timers_init_cpu(): makes the CPU's idle vCPU and lets
 * it be current. Panics without memory.
 */
void sched_init_cpu(unsigned int cpu);
void sched_parameters(u32 *slice_ms, u32 *ratelimit_us); /* for control tools */
/* -EINVAL: outside the bounds that xen/sysctl.h sets. */
int sched_set_parameters(u32 slice_ms, u32 ratelimit_us);
u32 sched_id(void);                                     /* XEN_SCHEDULER_* that control tools see */

/* --- reasons to run or not; any context but interrupt handlers, locks below LOCK_SCHED may be held --- */
void vcpu_wake(struct vcpu *v);
void vcpu_unblock(struct vcpu *v);                      /* ends SCHEDOP_block, and SCHEDOP_poll */
void vcpu_kick(struct vcpu *v);                         /* ends its wait, or makes it leave the guest */
void vcpu_pause(struct vcpu *v);                        /* returns when it does not run; never for current */
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
void domain_pause(struct domain *d);                    /* counted; returns when none of its vCPUs runs */
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
bool vcpu_runnable(const struct vcpu *v);
/* NULL leaves one as it is. -EINVAL: no online CPU in hard; -EBUSY: a pin override is in force. */
int vcpu_set_affinity(struct vcpu *v, const struct cpumask *hard, const struct cpumask *soft);
/* Weight 1 to 65535; cap in per cent of a CPU, 0: none. The null scheduler heeds neither. */
void domain_set_shares(struct domain *d, unsigned int weight, unsigned int cap);

/* --- accounting --- */
struct vcpu_runstate_info vcpu_runstate(const struct vcpu *v); /* consistent, brought up to now */
stime_t vcpu_cpu_time(const struct vcpu *v);
stime_t cpu_idle_time(unsigned int cpu);
/*
 * Calls fn with v's kernel page table loaded: it maps what the guest's kernel has registered, and user mode's
 * need not. v is current. fn's answer.
 */
bool vcpu_in_kernel_table(struct vcpu *v, bool (*fn)(struct vcpu *v, void *arg), void *arg);
void vcpu_publish_runstate(struct vcpu *v);             /* to where its guest wants it; v is current */

/* Switches CPU state from prev to next; supplied by pv/. Called with interrupts disabled; does not return. */
void context_switch(struct vcpu *prev, struct vcpu *next) __noreturn;
/* pv/ calls this once prev's state is saved and it may run elsewhere. */
void sched_context_saved(struct vcpu *prev);
/* Goes on with the vCPU that runs (a guest or idle): resets the stack; supplied by pv/. */
void continue_running(struct vcpu *v) __noreturn;

void idle_loop(void) __noreturn;

/* --- timers of a vCPU (VIRQ_TIMER); v may be any vCPU of the current domain --- */
void vcpu_set_periodic(struct vcpu *v, stime_t period); /* 0: stops it */

/* Of sets of CPUs: false where the result is empty. */
bool cpumask_and(struct cpumask *to, const struct cpumask *a, const struct cpumask *b);

void sched_dump(void);                                  /* debug keys: the run queues; the timers */
void timers_dump(void);
