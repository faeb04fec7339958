/* SPDX-License-Identifier: MIT */
/*
 * The scheduling core: run states and their times, waking, sleeping and pausing, affinity, and schedule()
 * itself, which asks the scheduler who is next and hands over to context_switch().
 *
 * A vCPU is in one of three places: current on a CPU, in a run queue, or in neither because it cannot run.
 * Between the moment a CPU stops running it and sched_context_saved() it is in none, and `running` is still
 * set: whoever wakes it then leaves it alone, since sched_context_saved() looks again.
 */

#include "cpu/irq.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "lib/option.h"
#include "mm/guest.h"
#include "mm/mm.h"
#include "pv/hypercall.h"
#include "sched/scheduler.h"

#include <xen/sysctl.h>

DEFINE_PER_CPU(struct sched_cpu, sched_cpu);
struct cpumask sched_idle_cpus;

#define SLICE_DEFAULT_MS     30
#define RATELIMIT_DEFAULT_US 1000

static unsigned int opt_slice_ms, opt_ratelimit_us = RATELIMIT_DEFAULT_US;
OPTION_UINT("sched_credit_tslice_ms", opt_slice_ms);
OPTION_UINT("sched_ratelimit_us", opt_ratelimit_us);

struct sched_params sched_params;

static const struct scheduler *const schedulers[] = { &scheduler_fair, &scheduler_null };
static const struct scheduler *scheduler = &scheduler_fair;

/* --- states and their times --- */

static void runstate_change(struct vcpu *v, int state, stime_t t)
{
    struct vcpu_runstate_info *r = &v->sched.runstate;
    s64 spent = t - (stime_t)r->state_entry_time;

    if (spent > 0) {
        r->time[r->state] += spent;
        r->state_entry_time = t;
    }
    r->state = state;
}

bool vcpu_runnable(const struct vcpu *v)
{
    return !v->sched.blocked && !READ_ONCE(v->sched.pause_count) && !READ_ONCE(v->domain->pause_count);
}

/* The state of a vCPU that is not runnable. */
static int sleeping_state(const struct vcpu *v)
{
    return (v->sched.blocked & (VCPU_BLOCKED | VCPU_POLLING)) ? RUNSTATE_blocked : RUNSTATE_offline;
}

struct vcpu_runstate_info vcpu_runstate(const struct vcpu *v)
{
    struct sched_cpu *sc = v == current ? NULL : sched_lock_vcpu(v);
    struct vcpu_runstate_info r = v->sched.runstate;
    s64 spent = now() - (stime_t)r.state_entry_time;

    if (spent > 0)
        r.time[r.state] += spent;
    if (sc)
        spin_unlock(&sc->lock);
    return r;
}

stime_t vcpu_cpu_time(const struct vcpu *v) { return vcpu_runstate(v).time[RUNSTATE_running]; }

stime_t cpu_idle_time(unsigned int cpu) { return vcpu_cpu_time(per_cpu(sched_cpu, cpu).idle); }

/*
 * With the update flag the guest sees bit 63 of state_entry_time set for as long as the other words change. A
 * bad address is the guest's own loss.
 */
static bool runstate_copy(struct vcpu *v, void *unused)
{
    struct sched_cpu *sc = sched_lock_vcpu(v);
    struct vcpu_runstate_info r = v->sched.runstate;
    unsigned long to = v->sched.runstate_guest;
    unsigned long entry = to + offsetof(struct vcpu_runstate_info, state_entry_time);
    u64 entry_time = r.state_entry_time;

    spin_unlock(&sc->lock);
    if (!(v->domain->pv.vm_assist & (1u << VMASST_TYPE_runstate_update_flag)))
        return copy_to_guest(to, &r, sizeof(r)) == 0;
    r.state_entry_time |= XEN_RUNSTATE_UPDATE;
    if (!put_guest_u64(entry, r.state_entry_time))
        return false;
    smp_wmb();
    if (copy_to_guest(to, &r, sizeof(r)))
        return false;
    smp_wmb();
    return put_guest_u64(entry, entry_time);
}

bool vcpu_in_kernel_table(struct vcpu *v, bool (*fn)(struct vcpu *v, void *arg), void *arg)
{
    if (v->pv.kernel_mode)
        return fn(v, arg);
    v->pv.kernel_mode = true;
    root_load(v);
    bool done = fn(v, arg);
    v->pv.kernel_mode = false;
    root_load(v);
    return done;
}

void vcpu_publish_runstate(struct vcpu *v)
{
    if (v->sched.runstate_guest)
        vcpu_in_kernel_table(v, runstate_copy, NULL);
}

/* --- placing --- */

struct sched_cpu *sched_lock_vcpu(const struct vcpu *v)
{
    for (;;) {
        unsigned int cpu = READ_ONCE(v->sched.cpu);
        struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);

        spin_lock(&sc->lock);
        if (likely(v->sched.cpu == cpu))
            return sc;
        spin_unlock(&sc->lock);
    }
}

void sched_reschedule(unsigned int cpu) { softirq_raise_on(cpu, SOFTIRQ_SCHEDULE); }

static bool placeable(const struct vcpu *v)
{
    return !v->sched.queued && !v->sched.running && !v->sched.parked && vcpu_runnable(v);
}

/* Queues v, which is placeable, at sc, and lets sc's CPU see to it. */
static void enqueue(struct sched_cpu *sc, struct vcpu *v)
{
    const stime_t t = now();

    scheduler->enqueue(sc, v, t);
    v->sched.queued = true;
    sc->nr_queued++;
    if (sc->curr == sc->idle) {
        /* It has its work; a second vCPU must look for another idle CPU. */
        clear_bit(sc->cpu, sched_idle_cpus.bits);
        sched_reschedule(sc->cpu);
        return;
    }
    const stime_t at = scheduler->preempt_at ? scheduler->preempt_at(sc, v, t) : STIME_NEVER;
    if (at <= t)
        sched_reschedule(sc->cpu);
    else if (at < STIME_NEVER && (!timer_is_set(&sc->slice) || at < READ_ONCE(sc->slice.deadline)))
        timer_set(&sc->slice, at);
    if (cpu_count > 1) {
        smp_mb();
        scheduler->call_others(sc, v);
    }
}

/*
 * Queues v, which is placeable, where it had best run. sc is its CPU, whose lock is held; returns the CPU
 * whose lock is held then.
 */
static struct sched_cpu *place(struct sched_cpu *sc, struct vcpu *v)
{
    unsigned int cpu = scheduler->pick_cpu(v);

    if (cpu != sc->cpu) {
        if (scheduler->retire)
            scheduler->retire(sc, v);
        WRITE_ONCE(v->sched.cpu, cpu);
        spin_unlock(&sc->lock);
        sc = sched_lock_vcpu(v);
        if (!placeable(v))
            return sc;
    }
    enqueue(sc, v);
    return sc;
}

void vcpu_wake(struct vcpu *v)
{
    struct sched_cpu *sc held_cpu = sched_lock_vcpu(v);

    if (vcpu_runnable(v)) {
        if (v->sched.runstate.state >= RUNSTATE_blocked)
            runstate_change(v, RUNSTATE_runnable, now());
        if (placeable(v))
            sc = place(sc, v);
    } else if (v->sched.runstate.state == RUNSTATE_blocked && sleeping_state(v) == RUNSTATE_offline) {
        runstate_change(v, RUNSTATE_offline, now());
    }
}

/* A reason not to run was added: takes v out of its queue, or makes its CPU look. */
static void vcpu_sleep(struct vcpu *v)
{
    struct sched_cpu *sc held_cpu = sched_lock_vcpu(v);

    if (vcpu_runnable(v))
        return;
    if (v->sched.queued)
        sched_unqueue(sc, v);
    if (v->sched.runstate.state == RUNSTATE_runnable)
        runstate_change(v, sleeping_state(v), now());
    if (sc->curr == v)
        sched_reschedule(sc->cpu);
    else if (!v->sched.running)
        scheduler->stopped(sc, v);
}

void vcpu_unblock(struct vcpu *v)
{
    u32 poller = 1u << v->id;

    if (!(v->sched.blocked & (VCPU_BLOCKED | VCPU_POLLING)))
        return;
    /*
     * First, for once the flag is gone v may poll again, and that poll's mark must stay. A poll that begins
     * between the two ends early, which polls may; the mark that it leaves goes here the next time.
     */
    if (READ_ONCE(v->domain->event.poll_mask) & poller)
        atomic_and(&v->domain->event.poll_mask, ~poller);
    if (atomic_and(&v->sched.blocked, ~(VCPU_BLOCKED | VCPU_POLLING)) & (VCPU_BLOCKED | VCPU_POLLING))
        vcpu_wake(v);
}

void vcpu_kick(struct vcpu *v)
{
    bool was_running = v->sched.running;

    vcpu_unblock(v);
    /* On this CPU it is either current, or about to be: what it is kicked for is seen on its way out. */
    if (was_running && v->sched.cpu != this_cpu_nr())
        smp_kick(v->sched.cpu);
}

static void wait_until_not_running(struct vcpu *v)
{
    while (v->sched.running)
        __builtin_ia32_pause();
    smp_mb();
}

void vcpu_pause_nosync(struct vcpu *v)
{
    atomic_inc(&v->sched.pause_count);
    vcpu_sleep(v);
}

void vcpu_pause(struct vcpu *v)
{
    ASSERT(v != current);
    vcpu_pause_nosync(v);
    wait_until_not_running(v);
}

void vcpu_unpause(struct vcpu *v)
{
    if (atomic_dec(&v->sched.pause_count) == 0)
        vcpu_wake(v);
}

void domain_pause_nosync(struct domain *d)
{
    atomic_inc(&d->pause_count);
    for_each_vcpu(d, v)
        vcpu_sleep(v);
}

void domain_pause(struct domain *d)
{
    ASSERT(d != current->domain);
    domain_pause_nosync(d);
    for_each_vcpu(d, v)
        wait_until_not_running(v);
}

void domain_unpause(struct domain *d)
{
    if (atomic_dec(&d->pause_count) == 0)
        for_each_vcpu(d, v)
            vcpu_wake(v);
}

bool cpumask_and(struct cpumask *to, const struct cpumask *a, const struct cpumask *b)
{
    unsigned long any = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(to->bits); i++) {
        to->bits[i] = a->bits[i] & b->bits[i];
        any |= to->bits[i];
    }
    return any;
}

int vcpu_set_affinity(struct vcpu *v, const struct cpumask *hard, const struct cpumask *soft)
{
    struct cpumask usable;

    if (hard && !cpumask_and(&usable, hard, &cpu_online))
        return -EINVAL;
    struct sched_cpu *sc held_cpu = sched_lock_vcpu(v);
    if (hard && v->sched.pinned_over)
        return -EBUSY;
    if (soft)
        v->sched.soft_affinity = *soft;
    if (hard)
        v->sched.hard_affinity = *hard;
    if (v->sched.queued) {  /* there may be a better place now, and this one may be forbidden */
        sched_unqueue(sc, v);
        sc = place(sc, v);
    } else if (hard && !test_bit(sc->cpu, hard->bits)) {
        if (sc->curr == v)
            sched_reschedule(sc->cpu); /* schedule() sends it away */
        else if (scheduler->retire)
            scheduler->retire(sc, v);
    } else if (sc->curr == v && !suits(v, sc->cpu)) {
        sc->look_around = true; /* perhaps there is one where it had rather be */
        sched_reschedule(sc->cpu);
    }
    return 0;
}

void domain_set_shares(struct domain *d, unsigned int weight, unsigned int cap)
{
    if (!scheduler->set_weight)
        return;
    d->sched.weight = weight;
    for_each_vcpu(d, v) {
        struct sched_cpu *sc held_cpu = sched_lock_vcpu(v);

        scheduler->set_weight(sc, v, weight);
    }
    cap_set(d, cap);
    for_each_vcpu(d, v)
        sched_reschedule(READ_ONCE(v->sched.cpu)); /* one that runs alone has no slice to heed the cap by */
}

/* --- giving up the CPU --- */

static void slice_over(void *data)
{
    struct sched_cpu *sc = data;

    sc->slice_over = true;
    softirq_raise(SOFTIRQ_SCHEDULE);
}

/* SOFTIRQ_SCHEDULE. */
static void schedule(void)
{
    unsigned int cpu = this_cpu_nr();
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
    struct vcpu *prev = current;

    spin_lock(&sc->lock);
    ASSERT(sc->curr == prev);
    const stime_t t = now();
    const bool stays = !is_idle(prev) && vcpu_runnable(prev) && may_run_on(prev, cpu);
    struct vcpu *next = scheduler->pick_next(sc, stays, t);
    if (is_idle(next))
        set_bit(cpu, sched_idle_cpus.bits);
    else if (is_idle(prev))
        clear_bit(cpu, sched_idle_cpus.bits);
    prev->sched.yielding = sc->slice_over = sc->look_around = false;
    sc->slice_start = t;
    if (next != prev) {
        int state = is_idle(prev) || vcpu_runnable(prev) ? RUNSTATE_runnable : sleeping_state(prev);

        sc->curr = next;
        sc->curr_since = t;
        next->sched.running = true;
        runstate_change(prev, state, t);
        runstate_change(next, RUNSTATE_running, t);
    }
    /* Under the lock: whoever queues a vCPU after that arms the timer again where it is stopped here. */
    const stime_t slice = scheduler->slice ? scheduler->slice(sc, t) : STIME_NEVER;
    if (slice < STIME_NEVER)
        timer_set(&sc->slice, t + slice);
    else
        timer_stop(&sc->slice);
    spin_unlock(&sc->lock);

    if (next == prev)
        continue_running(prev);

    if (!is_idle(prev)) {
        vcpu_publish_runstate(prev);
        vcpu_timers_leave(prev);
    }
    if (!is_idle(next))
        vcpu_timers_enter(next, cpu);
    irq_disable();
    context_switch(prev, next);
}

void sched_context_saved(struct vcpu *prev)
{
    if (is_idle(prev)) {
        prev->sched.running = false;
        return;
    }
    struct sched_cpu *sc held_cpu = sched_lock_vcpu(prev);
    smp_mb();
    prev->sched.running = false;
    if (placeable(prev))
        sc = place(sc, prev);
    else
        scheduler->stopped(sc, prev);
}

void idle_loop(void)
{
    irq_enable();
    for (;;) {
        softirq_run();
        irq_disable();
        if (softirq_is_pending())
            irq_enable();
        else
            __asm__ __volatile__("sti; hlt" ::: "memory");
    }
}

/* --- life --- */

void sched_init_vcpu(struct vcpu *v, unsigned int cpu)
{
    struct vcpu_sched *s = &v->sched;

    list_init(&s->run_list);
    s->cpu = cpu;
    s->blocked = is_idle(v) ? 0 : VCPU_DOWN;
    s->weight = v->domain->sched.weight;
    memset(&s->hard_affinity, 0xff, sizeof(s->hard_affinity));
    memset(&s->soft_affinity, 0xff, sizeof(s->soft_affinity));
    s->runstate.state = is_idle(v) ? RUNSTATE_running : RUNSTATE_offline;
    s->runstate.state_entry_time = now();
    vcpu_timers_init(v);
    s->period = is_idle(v) ? 0 : VCPU_PERIOD_DEFAULT;
}

void sched_kill_vcpu(struct vcpu *v)
{
    timer_kill(&v->sched.singleshot);
    timer_kill(&v->sched.periodic);
    timer_kill(&v->sched.poll_timer);
    /* A CPU that has just saved v's state may still look at v, with this lock held. */
    struct sched_cpu *sc held_cpu = sched_lock_vcpu(v);
    ASSERT(!v->sched.queued && !v->sched.running);
    if (scheduler->retire)
        scheduler->retire(sc, v);
}

u32 sched_id(void) { return scheduler->id; }

void sched_parameters(u32 *slice_ms, u32 *ratelimit_us)
{
    *slice_ms = (u32)(sched_params.slice / MILLISECS(1));
    *ratelimit_us = (u32)(sched_params.ratelimit / MICROSECS(1));
}

int sched_set_parameters(u32 slice_ms, u32 ratelimit_us)
{
    if (slice_ms < XEN_SYSCTL_CSCHED_TSLICE_MIN || slice_ms > XEN_SYSCTL_CSCHED_TSLICE_MAX ||
        (ratelimit_us && (ratelimit_us < XEN_SYSCTL_SCHED_RATELIMIT_MIN ||
                          ratelimit_us > XEN_SYSCTL_SCHED_RATELIMIT_MAX)) ||
        MICROSECS(ratelimit_us) > MILLISECS(slice_ms))
        return -EINVAL;
    WRITE_ONCE(sched_params.slice, MILLISECS(slice_ms));
    WRITE_ONCE(sched_params.ratelimit, MICROSECS(ratelimit_us));
    return 0;
}

static bool has_name(const struct scheduler *s, const char *name)
{
    return strcmp(name, s->name) == 0 || (s->alias && strcmp(name, s->alias) == 0);
}

void sched_init(const char *name)
{
    timers_init();
    if (sched_set_parameters(opt_slice_ms ?: SLICE_DEFAULT_MS, opt_ratelimit_us)) {
        log_warn("sched_credit_tslice_ms=%u and sched_ratelimit_us=%u are out of bounds; using %u and %u\n",
                 opt_slice_ms, opt_ratelimit_us, SLICE_DEFAULT_MS, RATELIMIT_DEFAULT_US);
        (void)sched_set_parameters(SLICE_DEFAULT_MS, RATELIMIT_DEFAULT_US);
    }
    softirq_register(SOFTIRQ_SCHEDULE, schedule);
    scheduler = schedulers[0];
    for (unsigned int i = 0; i < ARRAY_SIZE(schedulers); i++)
        if (name && has_name(schedulers[i], name))
            scheduler = schedulers[i];
    if (name && !has_name(scheduler, name))
        log_warn("sched=%s: there is no such scheduler (there are credit and null); using %s\n", name,
                 scheduler->name);
}

void sched_init_cpu(unsigned int cpu)
{
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);

    ASSERT(cpu == this_cpu_nr());
    struct vcpu *idle = idle_vcpu_create(cpu);
    if (!idle)
        panic("CPU %u: no memory for its idle vCPU", cpu);
    *sc = (struct sched_cpu){ .lock = SPINLOCK_INIT(LOCK_SCHED), .cpu = cpu, .curr = idle, .idle = idle,
                              .queue = LIST_INIT(sc->queue) };
    timer_init(&sc->slice, slice_over, sc, cpu);
    idle->sched.running = true;
    current = idle;
    set_bit(cpu, sched_idle_cpus.bits);
}
