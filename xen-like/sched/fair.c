/* SPDX-License-Identifier: MIT */
/*
 * The fair scheduler. A vCPU that runs pays with scaled time: nanoseconds at the default weight, fewer where
 * its weight is higher. It has two accounts.
 *
 *   vtime   beside the others of its CPU. Each CPU runs the one of its queue that has least, so that over
 *           time each gets of this CPU in proportion to its weight. It is relative to the CPU's floor
 *           (min_vtime), and who moves keeps its distance to the floor.
 *   fair    beside all vCPUs of the machine. Where one has fallen behind in it by more than a margin, a CPU
 *           that runs a richer one takes the poorer over. So three equal vCPUs get two thirds of two CPUs
 *           each, though at any time one runs alone and two share. The fair clock says what a vCPU would
 *           have that always got its share; who cannot be helped (pinned, or worth more than a whole CPU)
 *           is kept within a lag of it, so that old debts do not turn into long monopolies.
 *
 * Who slept has fallen behind in both; when it wakes it is given at most SLEEP_CREDIT of that, which lets it
 * run at once and keeps it from starving the others afterwards. A CPU that runs dry takes work from the
 * queues of others. A CPU whose one vCPU has no competitor gets no timer: when a slice ends elsewhere with
 * vCPUs left waiting, that CPU looks for a lone one that is richer, and makes its CPU look around.
 */
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "lib/atomic.h"
#include "sched/scheduler.h"

#include <xen/domctl.h>

#define SLICE_MIN        MILLISECS(5)   /* the slice is divided among those that wait, down to this */
#define SLEEP_CREDIT     MILLISECS(5)
#define WAKE_GRANULARITY MILLISECS(1)   /* a lead that small does not preempt */
#define CAP_SLICE_MIN    MICROSECS(100)
#define FAIR_MARGIN      MILLISECS(10)  /* CPU time that one must have missed to be taken to another CPU */
#define SOFT_MARGIN      MILLISECS(40)  /* the same, to a CPU outside its soft affinity */
#define LAG_MAX          MILLISECS(150) /* CPU time; besides, four slices */
#define SCAN_MAX         16             /* vCPUs of a queue that another CPU looks at */

/* Of all CPUs together. */
static struct {
    stime_t clock;          /* atomic */
    stime_t weight;         /* of all active vCPUs; atomic */
} fair __aligned(64);

static stime_t scaled(stime_t t, unsigned int weight)
{
    if (likely(weight == SCHED_WEIGHT_DEFAULT))
        return t;
    return t * SCHED_WEIGHT_DEFAULT / weight;
}

static struct vcpu *first(const struct sched_cpu *sc)
{
    return list_empty(&sc->queue) ? NULL : list_entry(sc->queue.next, struct vcpu, sched.run_list);
}

/* Virtual time of sc's current vCPU at t. */
static stime_t curr_vtime(const struct sched_cpu *sc, stime_t t)
{
    return sc->curr->sched.vtime + scaled(max(t - sc->slice_start, (stime_t)0), sc->curr->sched.weight);
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

static bool is_capped(const struct vcpu *v)
{
    return unlikely(READ_ONCE(v->domain->sched.cap));
}

static bool out_of_budget(const struct vcpu *v, stime_t t)
{
    return is_capped(v) && cap_left(v->domain, t) <= 0;
}

/* --- the account beside all others --- */

static void set_active(struct vcpu *v, bool active)
{
    if (v->sched.active == active)
        return;
    v->sched.active = active;
    if (active) {
        atomic_add(&fair.weight, v->sched.weight);
        v->sched.fair = max(v->sched.fair, READ_ONCE(fair.clock) - scaled(SLEEP_CREDIT, v->sched.weight));
    } else {
        atomic_sub(&fair.weight, v->sched.weight);
    }
}

/* v ran for that long. */
static void charge_fair(struct vcpu *v, stime_t ran)
{
    unsigned int weight = v->sched.weight;
    stime_t all = max(READ_ONCE(fair.weight), (stime_t)weight);
    stime_t clock = atomic_add(&fair.clock, ran * SCHED_WEIGHT_DEFAULT / all);
    stime_t lag = scaled(max(LAG_MAX, 4 * READ_ONCE(sched_params.slice)), weight);
    stime_t fair_time = v->sched.fair + scaled(ran, weight);

    WRITE_ONCE(v->sched.fair, max(min(fair_time, clock + lag), clock - lag));
}

/* Whether v has missed at least `margin` of CPU time beside one that has `rich`. */
static bool poorer(const struct vcpu *v, stime_t rich, stime_t margin)
{
    return READ_ONCE(v->sched.fair) + scaled(margin, v->sched.weight) < rich;
}

static stime_t margin_at(const struct vcpu *v, unsigned int cpu)
{
    return cpumask_test(&v->sched.soft_affinity, cpu) ? FAIR_MARGIN : SOFT_MARGIN;
}

static void charge(struct sched_cpu *sc, stime_t t)
{
    stime_t ran = max(t - sc->slice_start, (stime_t)0);
    struct vcpu *v = sc->curr;

    v->sched.vtime += scaled(ran, v->sched.weight);
    if (cpu_count > 1)
        charge_fair(v, ran);
    if (is_capped(v))
        cap_spend(v->domain, ran, t);
}

/* --- queues --- */

static void queue_insert(struct sched_cpu *sc, struct vcpu *v)
{
    struct list *at = sc->queue.prev;

    while (at != &sc->queue && list_entry(at, struct vcpu, sched.run_list)->sched.vtime > v->sched.vtime)
        at = at->prev;
    list_add(&v->sched.run_list, at);
    sc->nr_queued++;
}

static void queue_remove(struct sched_cpu *sc, struct vcpu *v)
{
    list_del(&v->sched.run_list);
    sc->nr_queued--;
}

static void fair_enqueue(struct sched_cpu *sc, struct vcpu *v, stime_t t)
{
    if (cpu_count > 1)
        set_active(v, true);
    /* A vCPU that has run alone for long has left the floor far behind. */
    if (!is_idle(sc->curr) && list_empty(&sc->queue))
        raise_floor(sc, curr_vtime(sc, t));
    v->sched.vtime = max(v->sched.vtime, sc->min_vtime - SLEEP_CREDIT);
    queue_insert(sc, v);
}

static void fair_stopped(struct sched_cpu *sc, struct vcpu *v)
{
    (void)sc;
    if (cpu_count > 1)
        set_active(v, false);
}

static void fair_dequeue(struct sched_cpu *sc, struct vcpu *v)
{
    queue_remove(sc, v);
    fair_stopped(sc, v);
}

static void fair_migrate(struct vcpu *v, struct sched_cpu *from, const struct sched_cpu *to)
{
    v->sched.vtime += READ_ONCE(to->min_vtime) - READ_ONCE(from->min_vtime);
}

static void fair_set_weight(struct sched_cpu *sc, struct vcpu *v, unsigned int weight)
{
    if (sc->curr == v && v->sched.running) {
        stime_t t = now();

        charge(sc, t);
        sc->slice_start = t;
    }
    if (v->sched.active)
        atomic_add(&fair.weight, (stime_t)weight - (stime_t)v->sched.weight);
    v->sched.weight = weight;
}

static stime_t fair_slice(const struct sched_cpu *sc, stime_t t)
{
    stime_t slice = READ_ONCE(sched_params.slice);
    bool away = cpu_count > 1 && !cpumask_test(&sc->curr->sched.soft_affinity, sc->cpu);

    if (sc->nr_queued)
        slice = max(slice / (sc->nr_queued + 1), min(slice, SLICE_MIN));
    else if (!away)
        slice = STIME_NEVER;
    if (is_capped(sc->curr))
        slice = min(slice, max(cap_left(sc->curr->domain, t), CAP_SLICE_MIN));
    return slice;
}

static stime_t fair_preempt_at(const struct sched_cpu *sc, const struct vcpu *v, stime_t t)
{
    if (v->sched.vtime + WAKE_GRANULARITY < curr_vtime(sc, t) && !out_of_budget(v, t))
        return sc->curr_since + READ_ONCE(sched_params.ratelimit);
    return t + fair_slice(sc, t);
}

/* --- CPUs --- */

/* An idle CPU of v's hard affinity, of its soft one too where one is; MAX_CPUS: none. */
static unsigned int idle_cpu_for(const struct vcpu *v, bool soft_only)
{
    unsigned int hard = MAX_CPUS;

    for (unsigned int i = 0; i < ARRAY_SIZE(sched_idle_cpus.bits); i++) {
        unsigned long idle = READ_ONCE(sched_idle_cpus.bits[i]) & v->sched.hard_affinity.bits[i];

        if (idle & v->sched.soft_affinity.bits[i])
            return i * 64 + (unsigned int)__builtin_ctzl(idle & v->sched.soft_affinity.bits[i]);
        if (idle && hard == MAX_CPUS)
            hard = i * 64 + (unsigned int)__builtin_ctzl(idle);
    }
    return soft_only ? MAX_CPUS : hard;
}

/*
 * Where it was if that is idle and suits it, else an idle CPU, else the one with the least to do; those of
 * its soft affinity come before others, its own before others where it is a draw.
 */
static unsigned int fair_pick_cpu(const struct vcpu *v)
{
    unsigned int own = v->sched.cpu, best = own, best_rank = ~0u, cpu;
    bool soft_here = cpumask_test(&v->sched.soft_affinity, own);

    if (cpu_count == 1)
        return own;
    if (soft_here && cpumask_test(&v->sched.hard_affinity, own) && load(own) == 0)
        return own;
    cpu = idle_cpu_for(v, false);
    if (cpu < MAX_CPUS)
        return cpu;
    for_each_online_cpu(cpu) {
        unsigned int rank;

        if (!cpumask_test(&v->sched.hard_affinity, cpu))
            continue;
        rank = !cpumask_test(&v->sched.soft_affinity, cpu) << 30 | load(cpu) << 1 | (cpu != own);
        if (rank < best_rank) {
            best = cpu;
            best_rank = rank;
        }
    }
    return best;
}

/* The poorest of those in other's queue that may run on cpu (those it suits first); NULL: none. */
static struct vcpu *poorest(struct sched_cpu *other, unsigned int cpu, stime_t t)
{
    struct vcpu *v, *found = NULL;
    unsigned int seen = 0;
    stime_t least = STIME_NEVER;

    list_for_each(v, &other->queue, sched.run_list) {
        stime_t cost = v->sched.fair + scaled(margin_at(v, cpu), v->sched.weight);

        if (seen++ == SCAN_MAX)
            break;
        if (cost < least && sched_movable(v, cpu) && !out_of_budget(v, t)) {
            found = v;
            least = cost;
        }
    }
    return found;
}

/*
 * Takes the poorest vCPU that waits at another CPU: any where `than` is NULL, else one that is poorer than
 * `than` by its margin. Locks are only tried, since this CPU's is held; where one was busy while there is
 * nothing else to do this CPU looks again soon.
 */
static struct vcpu *pull(struct sched_cpu *sc, const struct vcpu *than, stime_t t)
{
    struct sched_cpu *from = NULL;
    struct vcpu *best = NULL;
    bool busy = false;

    for (unsigned int i = 1; i < cpu_count; i++) {
        struct sched_cpu *other = &per_cpu(sched_cpu, (sc->cpu + i) % cpu_count);
        struct vcpu *v;

        if (!READ_ONCE(other->nr_queued))
            continue;
        if (!spin_trylock(&other->lock)) {
            busy = true;
            continue;
        }
        v = poorest(other, sc->cpu, t);
        if (v && (!than || poorer(v, than->sched.fair, margin_at(v, sc->cpu))) &&
            (!best || v->sched.fair < best->sched.fair)) {
            if (from)
                spin_unlock(&from->lock);
            from = other;
            best = v;
        } else {
            spin_unlock(&other->lock);
        }
    }
    if (best) {
        queue_remove(from, best);
        best->sched.queued = false;
        fair_migrate(best, from, sc);
        WRITE_ONCE(best->sched.cpu, sc->cpu);
        spin_unlock(&from->lock);
    } else if (busy && !than) {
        softirq_raise(SOFTIRQ_SCHEDULE);
    }
    return best;
}

/* What the vCPU that runs on that CPU has in its account beside all others; old where it changes just now. */
static stime_t curr_fair(const struct sched_cpu *sc, stime_t t)
{
    stime_t ran = t - READ_ONCE(sc->slice_start);

    return READ_ONCE(sc->curr_fair) + scaled(max(ran, (stime_t)0), READ_ONCE(sc->curr_weight));
}

/*
 * Of the CPUs that run a vCPU with nobody waiting, and so have no slice that ends, the one whose vCPU is
 * richest looks around, if it should run the poorest of those that wait here. What is read of other CPUs may
 * be old: the one that is called decides.
 */
static void call_lone(struct sched_cpu *sc, stime_t t)
{
    struct sched_cpu *richest = NULL;
    stime_t most = READ_ONCE(fair.clock);
    unsigned int cpu;

    for_each_online_cpu(cpu) {
        struct sched_cpu *other = &per_cpu(sched_cpu, cpu);

        if (other == sc || READ_ONCE(other->nr_queued) || test_bit(cpu, sched_idle_cpus.bits) ||
            curr_fair(other, t) <= most)
            continue;
        most = curr_fair(other, t);
        richest = other;
    }
    if (richest) {
        struct vcpu *v = poorest(sc, richest->cpu, t);

        if (v && poorer(v, most, margin_at(v, richest->cpu))) {
            WRITE_ONCE(richest->look_around, true);
            sched_reschedule(richest->cpu);
        }
    }
}

/* An idle CPU may have it, or one that runs a richer vCPU takes the poorest of those that wait here. */
static void fair_call_others(struct sched_cpu *sc, const struct vcpu *v)
{
    unsigned int cpu = idle_cpu_for(v, false);

    if (cpu < MAX_CPUS)
        sched_reschedule(cpu);
    else
        call_lone(sc, now());
}

/* --- the choice --- */

/* The first of the queue; those before it whose domain has used up its cap are parked. */
static struct vcpu *first_allowed(struct sched_cpu *sc, stime_t t)
{
    struct vcpu *v;

    while ((v = first(sc)) && out_of_budget(v, t)) {
        fair_dequeue(sc, v);
        v->sched.queued = false;
        cap_park(v);
    }
    return v;
}

/* Whether curr goes on though head waits. */
static bool curr_leads(struct sched_cpu *sc, const struct vcpu *head, stime_t t)
{
    struct vcpu *curr = sc->curr;
    stime_t lead = WAKE_GRANULARITY;

    if (!head)
        return true;
    if (curr->sched.yielding) {
        curr->sched.vtime = max(curr->sched.vtime, head->sched.vtime + 1);
        lead = 0;
    } else if (sc->slice_over) {
        lead = -1; /* where it is a draw the other one runs */
    } else if (t - sc->curr_since < READ_ONCE(sched_params.ratelimit)) {
        return true;
    }
    return curr->sched.vtime <= head->sched.vtime + lead;
}

/* curr, if it may go on here. One that has to leave is parked, or placed again by the core. */
static struct vcpu *curr_if_allowed(struct sched_cpu *sc, stime_t t)
{
    struct vcpu *curr = sc->curr;

    if (out_of_budget(curr, t)) {
        cap_park(curr);
        return NULL;
    }
    if (cpu_count > 1 && (sc->slice_over || sc->look_around) &&
        !cpumask_test(&curr->sched.soft_affinity, sc->cpu) && idle_cpu_for(curr, true) < MAX_CPUS)
        return NULL;
    return curr;
}

static struct vcpu *choose(struct sched_cpu *sc, bool curr_stays, stime_t t)
{
    struct vcpu *curr = sc->curr, *next, *head, *pulled = NULL;

    if (!is_idle(curr))
        charge(sc, t);
    next = curr_stays ? curr_if_allowed(sc, t) : NULL;
    head = first_allowed(sc, t);
    if (!next || !curr_leads(sc, head, t))
        next = head;

    if (!next) {
        if (!is_idle(curr))
            raise_floor(sc, curr->sched.vtime);
        /*
         * Others must see that this CPU is idle before it looks for their work, so that none is overlooked.
         */
        set_bit(sc->cpu, sched_idle_cpus.bits);
        pulled = pull(sc, NULL, t);
        if (!pulled)
            return sc->idle;
        clear_bit(sc->cpu, sched_idle_cpus.bits);
        return pulled;
    }
    if (cpu_count > 1 && (sc->slice_over || sc->look_around))
        pulled = pull(sc, next, t);
    raise_floor(sc, next->sched.vtime);
    if (pulled) {
        next = pulled;
    } else if (next != curr) {
        queue_remove(sc, next);
        next->sched.queued = false;
    }
    return next;
}

static struct vcpu *fair_pick_next(struct sched_cpu *sc, bool curr_stays, stime_t t)
{
    struct vcpu *next = choose(sc, curr_stays, t);

    if (cpu_count > 1) {
        WRITE_ONCE(sc->curr_fair, next->sched.fair);
        WRITE_ONCE(sc->curr_weight, next->sched.weight);
        if (sc->slice_over && sc->nr_queued)
            call_lone(sc, t);
    }
    return next;
}

const struct scheduler scheduler_fair = {
    .name = "fair",
    .alias = "credit",
    .id = XEN_SCHEDULER_CREDIT,
    .pick_cpu = fair_pick_cpu,
    .enqueue = fair_enqueue,
    .dequeue = fair_dequeue,
    .migrate = fair_migrate,
    .preempt_at = fair_preempt_at,
    .call_others = fair_call_others,
    .slice = fair_slice,
    .pick_next = fair_pick_next,
    .stopped = fair_stopped,
    .set_weight = fair_set_weight,
};
