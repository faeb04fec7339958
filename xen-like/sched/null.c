/* SPDX-License-Identifier: MIT */
/*
 * The null scheduler: a vCPU gets a CPU for itself, keeps it while it sleeps, and gives it up when it goes
 * down, ends, or may not run there any more. There are no slices, no shares and no preemption. A vCPU that
 * finds no free CPU waits in the queue of one that it may run on, until some CPU becomes free.
 */
#include "cpu/softirq.h"
#include "sched/scheduler.h"

/* Whether cpu is v's, or free. */
static bool usable(const struct vcpu *v, unsigned int cpu)
{
    const struct vcpu *owner = READ_ONCE(per_cpu(sched_cpu, cpu).owner);

    return may_run_on(v, cpu) && (!owner || owner == v);
}

/* Its own, else a free one, of its soft affinity first, else any that it may run on, to wait there. */
static unsigned int null_pick_cpu(const struct vcpu *v)
{
    unsigned int own = v->sched.cpu, found = own, rank = 0;

    for_each_online_cpu(cpu) {
        unsigned int r = may_run_on(v, cpu);

        if (usable(v, cpu))
            r = READ_ONCE(per_cpu(sched_cpu, cpu).owner) == v ? 6 : 2 + 2 * suits(v, cpu) + (cpu == own);
        if (r > rank) {
            rank = r;
            found = cpu;
        }
    }
    return found;
}

static void null_enqueue(struct sched_cpu *sc, struct vcpu *v, stime_t t)
{
    if (!sc->owner)
        WRITE_ONCE(sc->owner, v);
    list_add_tail(&v->sched.run_list, &sc->queue);
}

static void null_retire(struct sched_cpu *sc, struct vcpu *v)
{
    if (sc->owner == v) {
        WRITE_ONCE(sc->owner, NULL);
        sched_reschedule(sc->cpu);
    }
}

static void null_stopped(struct sched_cpu *sc, struct vcpu *v)
{
    if (v->sched.blocked & VCPU_DOWN)
        null_retire(sc, v);
}

static void null_call_others(struct sched_cpu *sc, const struct vcpu *v)
{
    for_each_online_cpu(cpu)
        if (!READ_ONCE(per_cpu(sched_cpu, cpu).owner) && may_run_on(v, cpu))
            sched_reschedule(cpu);
}

/* One that waits at another CPU and may run here. That CPU's lock is only tried, since this one's is held. */
static struct vcpu *adopt(struct sched_cpu *sc)
{
    for_each_online_cpu(cpu) {
        struct sched_cpu *other = &per_cpu(sched_cpu, cpu);

        if (other == sc || !READ_ONCE(other->nr_queued))
            continue;
        if (!spin_trylock(&other->lock)) {
            softirq_raise(SOFTIRQ_SCHEDULE); /* look again soon */
            continue;
        }
        list_for_each(struct vcpu, v, &other->queue, sched.run_list) {
            if (v == other->owner || !sched_movable(v, sc->cpu))
                continue;
            sched_unqueue(other, v);
            WRITE_ONCE(v->sched.cpu, sc->cpu);
            spin_unlock(&other->lock);
            return v;
        }
        spin_unlock(&other->lock);
    }
    return NULL;
}

static struct vcpu *null_pick_next(struct sched_cpu *sc, bool curr_stays, stime_t t)
{
    struct vcpu *v = sc->owner && may_run_on(sc->owner, sc->cpu) ? sc->owner : NULL, *adopted = NULL;

    WRITE_ONCE(sc->owner, v);
    if (!v && !list_empty(&sc->queue))
        v = list_entry(sc->queue.next, struct vcpu, sched.run_list);
    if (!v) {
        /* Whoever queues a vCPU elsewhere meanwhile looks for CPUs without an owner after that. */
        smp_mb();
        v = adopted = adopt(sc);
    }
    WRITE_ONCE(sc->owner, v);
    if (adopted || (v && v == sc->curr && curr_stays))
        return v;
    if (!v || !v->sched.queued)
        return sc->idle;
    sched_unqueue(sc, v);
    return v;
}

const struct scheduler scheduler_null = {
    .name = "null",
    .id = XEN_SCHEDULER_NULL,
    .pick_cpu = null_pick_cpu,
    .enqueue = null_enqueue,
    .call_others = null_call_others,
    .pick_next = null_pick_next,
    .stopped = null_stopped,
    .retire = null_retire,
};
