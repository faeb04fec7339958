/* SPDX-License-Identifier: MIT */
/*
 * The fair scheduler. A vCPU that runs pays with virtual time: nanoseconds at the default weight, fewer where
 * its weight is higher. Each CPU runs the one of its queue that has least, so that over time each gets CPU
 * time in proportion to its weight.
 *
 * Virtual times mean the same on all CPUs. When a slice ends, a CPU takes over one that waits elsewhere and
 * is poorer, by a margin, than what it would run itself. So three equal vCPUs get two thirds of two CPUs
 * each, though at any time one runs alone and two share. A CPU whose one vCPU has no competitor gets no
 * timer: a CPU that leaves vCPUs waiting looks for the richest of the lone ones, and makes its CPU look
 * around.
 *
 * Some differences cannot be levelled: one is pinned to a busy CPU, or worth more than a whole CPU. That they
 * do not grow into long monopolies is the task of three limits, all near the floor of a CPU (min_vtime, about
 * the least that it has to run): who wakes has at most SLEEP_CREDIT, who comes to a CPU is brought to within
 * a lag of its floor, and a lone one is brought to within a lag of those that wait and could have its CPU.
 */
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "sched/scheduler.h"

#define SLICE_MIN        MILLISECS(5)   /* the slice is divided among those that wait, down to this */
#define SLEEP_CREDIT     MILLISECS(5)
#define WAKE_GRANULARITY MILLISECS(1)   /* a lead that small does not preempt */
#define CAP_SLICE_MIN    MICROSECS(100)
#define FAIR_MARGIN      MILLISECS(10)  /* CPU time that one must have missed to be taken to another CPU */
#define SOFT_MARGIN      MILLISECS(40)  /* the same, to a CPU outside its soft affinity */
#define LAG_MAX          MILLISECS(100) /* CPU time of one of average weight; besides, two slices */
#define LOOK_AGAIN       MICROSECS(50)  /* until an idle CPU tries once more a lock that was busy */
#define SCAN_MAX         16             /* vCPUs of a queue that another CPU looks at */

/*
 * Of all active vCPUs (those that run or wait): the sum of weights, and from bit ACTIVE_SHIFT on their
 * number. Atomic; kept where there is more than one CPU.
 */
#define ACTIVE_SHIFT     40
static u64 active __aligned(64);

static stime_t scaled(stime_t t, unsigned int weight)
{
    return likely(weight == SCHED_WEIGHT_DEFAULT) ? t : t * SCHED_WEIGHT_DEFAULT / weight;
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

static void raise_floor(struct sched_cpu *sc, stime_t least) { sc->min_vtime = max(sc->min_vtime, least); }

static unsigned int load(unsigned int cpu)
{
    const struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);

    return READ_ONCE(sc->nr_queued) + !test_bit(cpu, sched_idle_cpus.bits);
}

static bool is_capped(const struct vcpu *v) { return unlikely(READ_ONCE(v->domain->sched.cap)); }

static bool out_of_budget(const struct vcpu *v, stime_t t)
{
    return is_capped(v) && cap_spend(v->domain, 0, t) <= 0;
}

/* --- what is rich, and what is poor --- */

/* CPU time t of a vCPU of average weight, scaled. */
static stime_t at_average(stime_t t)
{
    u64 now_active = READ_ONCE(active), sum = now_active & ((1UL << ACTIVE_SHIFT) - 1);

    return sum ? t * SCHED_WEIGHT_DEFAULT * (stime_t)(now_active >> ACTIVE_SHIFT) / (stime_t)sum : t;
}

static stime_t lag_max(void) { return at_average(max(LAG_MAX, 2 * READ_ONCE(sched_params.slice))); }

static void set_active(struct vcpu *v, bool is_active)
{
    u64 one = v->sched.weight + (1UL << ACTIVE_SHIFT);

    if (v->sched.active == is_active || cpu_count == 1)
        return;
    v->sched.active = is_active;
    atomic_add(&active, is_active ? one : -one);
}

/* Whether one of average weight, in v's place, has missed at least `margin` of CPU time beside `rich`. */
static bool poorer(const struct vcpu *v, stime_t rich, stime_t margin)
{
    return v->sched.vtime + at_average(margin) < rich;
}

static stime_t margin_at(const struct vcpu *v, unsigned int cpu)
{
    return suits(v, cpu) ? FAIR_MARGIN : SOFT_MARGIN;
}

/*
 * v comes to sc, or is put back: what it has is brought near the floor. The floor itself may be a lag below
 * that of others, where one worth more than a CPU has been alone, so there must be room above for more.
 */
static void limit(const struct sched_cpu *sc, struct vcpu *v)
{
    stime_t lag = lag_max(), debt = 3 * lag + scaled(2 * READ_ONCE(sched_params.slice), v->sched.weight);

    v->sched.vtime = max(min(v->sched.vtime, sc->min_vtime + debt), sc->min_vtime - lag);
}

static void charge(struct sched_cpu *sc, stime_t t)
{
    stime_t ran = max(t - sc->slice_start, (stime_t)0);
    struct vcpu *v = sc->curr;

    v->sched.vtime += scaled(ran, v->sched.weight);
    if (is_capped(v))
        cap_spend(v->domain, ran, t);
    sc->slice_start = max(sc->slice_start, t);
}

/* --- queues --- */

static void fair_enqueue(struct sched_cpu *sc, struct vcpu *v, stime_t t)
{
    struct list *at = sc->queue.prev;

    /* A vCPU that has run alone for long has left the floor far behind. */
    if (!is_idle(sc->curr) && list_empty(&sc->queue))
        raise_floor(sc, curr_vtime(sc, t));
    if (!v->sched.active || cpu_count == 1)
        v->sched.vtime = max(v->sched.vtime, sc->min_vtime - SLEEP_CREDIT);
    limit(sc, v);
    set_active(v, true);
    while (at != &sc->queue && list_entry(at, struct vcpu, sched.run_list)->sched.vtime > v->sched.vtime)
        at = at->prev;
    list_add(&v->sched.run_list, at);
}

static void fair_stopped(struct sched_cpu *sc, struct vcpu *v) { set_active(v, false); }

static void fair_set_weight(struct sched_cpu *sc, struct vcpu *v, unsigned int weight)
{
    if (sc->curr == v)
        charge(sc, now());
    if (v->sched.active)
        atomic_add(&active, (u64)weight - v->sched.weight);
    v->sched.weight = weight;
}

static stime_t fair_slice(const struct sched_cpu *sc, stime_t t)
{
    if (is_idle(sc->curr))
        return sc->look_again ? LOOK_AGAIN : STIME_NEVER;

    stime_t slice = READ_ONCE(sched_params.slice);

    if (sc->nr_queued)
        slice = max(slice / (sc->nr_queued + 1), min(slice, SLICE_MIN));
    else if (cpu_count == 1 || suits(sc->curr, sc->cpu))
        slice = STIME_NEVER;
    if (is_capped(sc->curr))
        slice = min(slice, max(cap_spend(sc->curr->domain, 0, t), CAP_SLICE_MIN));
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
    const unsigned int own = v->sched.cpu;

    if (cpu_count == 1 || (suits(v, own) && may_run_on(v, own) && load(own) == 0))
        return own;
    unsigned int idle = idle_cpu_for(v, false), best = own, best_rank = ~0u;
    if (idle < MAX_CPUS)
        return idle;
    for_each_online_cpu(cpu) {
        unsigned int rank = !suits(v, cpu) << 30 | load(cpu) << 1 | (cpu != own);

        if (may_run_on(v, cpu) && rank < best_rank) {
            best = cpu;
            best_rank = rank;
        }
    }
    return best;
}

/* The poorest of those in other's queue that may run on cpu, rather one that it suits; NULL: none. */
static struct vcpu *poorest(struct sched_cpu *other, unsigned int cpu, stime_t t)
{
    struct vcpu *found = NULL;
    unsigned int seen = 0;

    list_for_each(struct vcpu, v, &other->queue, sched.run_list) {
        if (seen++ == SCAN_MAX)
            break;
        if (!sched_movable(v, cpu) || out_of_budget(v, t))
            continue;
        if (suits(v, cpu))
            return v;
        found = found ?: v;
    }
    return found;
}

/*
 * Others wait at a CPU with that floor and could have sc's: its vCPU that runs may not be further behind than
 * a lag, or it would save up for ever while it never waits itself.
 */
static void drag(struct sched_cpu *sc, stime_t floor)
{
    sc->curr->sched.vtime = max(sc->curr->sched.vtime, floor - lag_max());
}

/*
 * Takes the poorest vCPU that waits at another CPU: any where `than` is NULL, else one that is poorer than
 * `than` by its margin. Locks are only tried, since this CPU's is held; where one was busy while there is
 * nothing else to do this CPU looks again soon. (Not at once: where this machine's processors are not its own
 * the lock's holder may wait for the one that this CPU runs on.)
 */
static struct vcpu *pull(struct sched_cpu *sc, const struct vcpu *than, stime_t t)
{
    stime_t floor = -STIME_NEVER / 2;
    struct sched_cpu *from = NULL;
    struct vcpu *best = NULL;
    bool busy = false;

    for (unsigned int i = 1; i < cpu_count; i++) {
        struct sched_cpu *other = &per_cpu(sched_cpu, (sc->cpu + i) % cpu_count);

        if (!READ_ONCE(other->nr_queued))
            continue;
        if (!spin_trylock(&other->lock)) {
            busy = true;
            continue;
        }
        struct vcpu *v = poorest(other, sc->cpu, t);
        if (v)
            floor = max(floor, other->min_vtime);
        if (v && (!than || poorer(v, than->sched.vtime, margin_at(v, sc->cpu))) &&
            (!best || v->sched.vtime < best->sched.vtime)) {
            if (from)
                spin_unlock(&from->lock);
            from = other;
            best = v;
        } else {
            spin_unlock(&other->lock);
        }
    }
    if (best) {
        sched_unqueue(from, best);
        limit(sc, best);
        WRITE_ONCE(best->sched.cpu, sc->cpu);
        spin_unlock(&from->lock);
    }
    sc->look_again = busy && !best && !than;
    if (than == sc->curr)
        drag(sc, floor);
    return best;
}

/*
 * A CPU does not give away at once what it has just taken: two CPUs with different ideas of where a vCPU
 * belongs could hand it to and fro without end.
 */
static bool had_its_turn(const struct sched_cpu *sc, stime_t t)
{
    return is_idle(sc->curr) || t - sc->curr_since >= READ_ONCE(sched_params.ratelimit);
}

/*
 * Of the CPUs that run a vCPU with nobody waiting, and so have no slice that ends, the one whose vCPU is
 * richest looks around, if it should run the poorest of those that wait here. All of them are charged, and
 * kept from falling too far behind those that wait; one whose lock is busy is left out this time.
 */
static void call_lone(struct sched_cpu *sc, stime_t t)
{
    struct sched_cpu *richest = NULL;
    stime_t most = 0;

    for_each_online_cpu(cpu) {
        struct sched_cpu *other = &per_cpu(sched_cpu, cpu);

        if (other == sc || READ_ONCE(other->nr_queued) || test_bit(cpu, sched_idle_cpus.bits) ||
            !spin_trylock(&other->lock))
            continue;
        struct vcpu *curr = other->curr, *v = is_idle(curr) ? NULL : poorest(sc, cpu, t);
        if (v) {
            charge(other, t);
            drag(other, sc->min_vtime);
            raise_floor(other, curr->sched.vtime);
            if (poorer(v, curr->sched.vtime, margin_at(v, cpu)) && (!richest || curr->sched.vtime > most)) {
                richest = other;
                most = curr->sched.vtime;
            }
        }
        spin_unlock(&other->lock);
    }
    if (richest) {
        WRITE_ONCE(richest->look_around, true);
        sched_reschedule(richest->cpu);
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
        sched_unqueue(sc, v);
        set_active(v, false);
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
    bool leaves = cpu_count > 1 && (sc->slice_over || sc->look_around) && !suits(curr, sc->cpu) &&
                  idle_cpu_for(curr, true) < MAX_CPUS;
    return leaves ? NULL : curr;
}

static struct vcpu *choose(struct sched_cpu *sc, bool curr_stays, stime_t t)
{
    struct vcpu *curr = sc->curr;

    if (!is_idle(curr))
        charge(sc, t);
    struct vcpu *next = curr_stays ? curr_if_allowed(sc, t) : NULL;
    struct vcpu *head = first_allowed(sc, t), *pulled = NULL;
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
        if (pulled)
            clear_bit(sc->cpu, sched_idle_cpus.bits);
        return pulled ?: sc->idle;
    }
    if (cpu_count > 1 && (sc->slice_over || sc->look_around) && had_its_turn(sc, t))
        pulled = pull(sc, next, t);
    raise_floor(sc, next->sched.vtime);
    if (!pulled && next != curr)
        sched_unqueue(sc, next);
    return pulled ?: next;
}

static struct vcpu *fair_pick_next(struct sched_cpu *sc, bool curr_stays, stime_t t)
{
    struct vcpu *next = choose(sc, curr_stays, t);

    if (cpu_count > 1 && sc->slice_over && sc->nr_queued)
        call_lone(sc, t);
    return next;
}

const struct scheduler scheduler_fair = {
    .name = "fair",
    .alias = "credit",
    .id = XEN_SCHEDULER_CREDIT,
    .pick_cpu = fair_pick_cpu,
    .enqueue = fair_enqueue,
    .preempt_at = fair_preempt_at,
    .call_others = fair_call_others,
    .slice = fair_slice,
    .pick_next = fair_pick_next,
    .stopped = fair_stopped,
    .set_weight = fair_set_weight,
};
