/* SPDX-License-Identifier: MIT */
/*
 * The fair scheduler. Each vCPU has a virtual time: the time that it ran, divided by its weight. Each CPU
 * runs the one of its queue with the least virtual time, so that over time each gets CPU time in proportion
 * to its weight.
 *
 * Who slept has fallen behind in virtual time; when it wakes it is given at most SLEEP_CREDIT of that, which
 * lets it run at once and keeps it from starving the others afterwards. Virtual times are relative to a CPU's
 * floor (min_vtime); who moves between CPUs keeps its distance to the floor. A CPU that runs dry takes work
 * from the queues of others, and at the end of each slice from one that has at least two more to run.
 */
#include "cpu/softirq.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "sched/scheduler.h"

#include <xen/domctl.h>

#define SLICE_MAX        MILLISECS(30)
#define SLICE_MIN        MILLISECS(5)
#define SLEEP_CREDIT     MILLISECS(5)
#define WAKE_GRANULARITY MILLISECS(1)   /* a lead that small does not preempt */

static stime_t scaled(stime_t ran, const struct vcpu *v)
{
    if (likely(v->sched.weight == SCHED_WEIGHT_DEFAULT))
        return ran;
    return ran * SCHED_WEIGHT_DEFAULT / v->sched.weight;
}

static struct vcpu *first(const struct sched_cpu *sc)
{
    return list_empty(&sc->queue) ? NULL : list_entry(sc->queue.next, struct vcpu, sched.run_list);
}

/* Virtual time of sc's current vCPU at t. */
static stime_t curr_vtime(const struct sched_cpu *sc, stime_t t)
{
    return sc->curr->sched.vtime + scaled(max(t - sc->slice_start, (stime_t)0), sc->curr);
}

static void raise_floor(struct sched_cpu *sc, stime_t least)
{
    if (least > sc->min_vtime)
        sc->min_vtime = least;
}

static unsigned int load(unsigned int cpu)
{
    const struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);

    return READ_ONCE(sc->nr_queued) + !test_bit(cpu, sched_idle_cpus.bits);
}

/*
 * Where it was if that is idle, else an idle CPU, else the one with the least to do, its own where that is a
 * draw.
 */
static unsigned int fair_pick_cpu(const struct vcpu *v)
{
    const struct cpumask *allowed = &v->sched.hard_affinity;
    unsigned int own = v->sched.cpu, best = MAX_CPUS, best_load = ~0u, cpu;

    if (cpumask_test(allowed, own)) {
        best = own;
        best_load = load(own);
    }
    if (best_load == 0 || cpu_count == 1)
        return own;
    for_each_online_cpu(cpu) {
        unsigned int l;

        if (!cpumask_test(allowed, cpu))
            continue;
        l = load(cpu);
        if (l < best_load || best == MAX_CPUS) {
            best = cpu;
            best_load = l;
        }
        if (l == 0)
            break;
    }
    return best < MAX_CPUS ? best : own;
}

static void fair_enqueue(struct sched_cpu *sc, struct vcpu *v, stime_t t)
{
    struct list *at = sc->queue.prev;

    /* A vCPU that has run alone for long has left the floor far behind. */
    if (!is_idle(sc->curr) && list_empty(&sc->queue))
        raise_floor(sc, curr_vtime(sc, t));
    v->sched.vtime = max(v->sched.vtime, sc->min_vtime - SLEEP_CREDIT);
    while (at != &sc->queue && list_entry(at, struct vcpu, sched.run_list)->sched.vtime > v->sched.vtime)
        at = at->prev;
    list_add(&v->sched.run_list, at);
    sc->nr_queued++;
    sc->nr_weight += v->sched.weight;
}

static void fair_dequeue(struct sched_cpu *sc, struct vcpu *v)
{
    list_del(&v->sched.run_list);
    sc->nr_queued--;
    sc->nr_weight -= v->sched.weight;
}

static void fair_migrate(struct vcpu *v, const struct sched_cpu *from, const struct sched_cpu *to)
{
    v->sched.vtime += READ_ONCE(to->min_vtime) - READ_ONCE(from->min_vtime);
}

static bool fair_preempts(struct sched_cpu *sc, const struct vcpu *v, stime_t t)
{
    return v->sched.vtime + WAKE_GRANULARITY < curr_vtime(sc, t);
}

static stime_t fair_slice(const struct sched_cpu *sc)
{
    stime_t share = SLICE_MAX / (READ_ONCE(sc->nr_queued) + 1);

    return max(share, SLICE_MIN);
}

/* Takes from another CPU's queue the first that may run here. Both locks are held. */
static struct vcpu *take_from(struct sched_cpu *sc, struct sched_cpu *other)
{
    struct vcpu *v;

    list_for_each(v, &other->queue, sched.run_list) {
        if (!sched_movable(v, sc->cpu))
            continue;
        fair_dequeue(other, v);
        v->sched.queued = false;
        fair_migrate(v, other, sc);
        WRITE_ONCE(v->sched.cpu, sc->cpu);
        return v;
    }
    return NULL;
}

/*
 * One vCPU from the CPU with the longest queue of those with at least at_least vCPUs to run. Their locks are
 * only tried, since this CPU's is held; where one was busy this CPU looks again soon.
 */
static struct vcpu *pull(struct sched_cpu *sc, unsigned int at_least)
{
    unsigned int cpu, n = sc->cpu;
    struct vcpu *v = NULL;
    bool busy = false;

    for (unsigned int i = 1; i < cpu_count && !v; i++) {
        struct sched_cpu *other;

        cpu = (n + i) % cpu_count;
        other = &per_cpu(sched_cpu, cpu);
        if (!READ_ONCE(other->nr_queued) || load(cpu) < at_least)
            continue;
        if (!spin_trylock(&other->lock)) {
            busy = true;
            continue;
        }
        v = take_from(sc, other);
        spin_unlock(&other->lock);
    }
    if (!v && busy)
        softirq_raise(SOFTIRQ_SCHEDULE);
    return v;
}

/* Puts one of a busier CPU's vCPUs into this CPU's queue, at the end of a slice. */
static void balance(struct sched_cpu *sc, bool curr_stays, stime_t t)
{
    struct vcpu *v = pull(sc, sc->nr_queued + curr_stays + 2);

    if (v) {
        fair_enqueue(sc, v, t);
        v->sched.queued = true;
    }
}

static struct vcpu *fair_pick_next(struct sched_cpu *sc, bool curr_stays, stime_t t)
{
    struct vcpu *curr = sc->curr, *head;

    if (!is_idle(curr))
        curr->sched.vtime = curr_vtime(sc, t);
    if (sc->slice_over && cpu_count > 1)
        balance(sc, curr_stays, t);

    head = first(sc);
    if (!head && !curr_stays) {
        if (!is_idle(curr))
            raise_floor(sc, curr->sched.vtime);
        /*
         * Others must see that this CPU is idle before it looks for their work, so that none is overlooked.
         */
        set_bit(sc->cpu, sched_idle_cpus.bits);
        head = pull(sc, 2);
        if (!head)
            return sc->idle;
        clear_bit(sc->cpu, sched_idle_cpus.bits);
        return head;
    }
    if (curr_stays) {
        stime_t lead = sc->slice_over ? 0 : WAKE_GRANULARITY;

        if (head && curr->sched.yielding) {
            curr->sched.vtime = max(curr->sched.vtime, head->sched.vtime + 1);
            lead = 0;
        }
        if (!head || curr->sched.vtime <= head->sched.vtime + lead) {
            raise_floor(sc, curr->sched.vtime);
            return curr;
        }
    }
    raise_floor(sc, head->sched.vtime);
    fair_dequeue(sc, head);
    head->sched.queued = false;
    return head;
}

const struct scheduler scheduler_fair = {
    .name = "fair",
    .id = XEN_SCHEDULER_CREDIT,
    .slice_max = SLICE_MAX,
    .ratelimit = WAKE_GRANULARITY,
    .pick_cpu = fair_pick_cpu,
    .enqueue = fair_enqueue,
    .dequeue = fair_dequeue,
    .migrate = fair_migrate,
    .preempts = fair_preempts,
    .slice = fair_slice,
    .pick_next = fair_pick_next,
};
