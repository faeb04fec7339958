/* SPDX-License-Identifier: MIT */
/*
 * Caps: how much CPU time the vCPUs of a domain may use together, whether or not others want it. In each
 * period a domain gets a budget; when it is spent, its vCPUs are parked until the next one. What they ran
 * beyond it is taken off the next, so that the average is exact however late a timer comes.
 */
#include "cpu/time.h"
#include "sched/scheduler.h"

#define CAP_PERIOD MILLISECS(30)

static stime_t cap_income(const struct domain *d) { return CAP_PERIOD * d->sched.cap / 100; }

/*
 * Credits d with the periods that have passed. Not more than two are saved up: one for a timer that comes
 * late, one to run on. cap_lock held.
 */
static void fill_up(struct domain *d, stime_t t)
{
    stime_t income = cap_income(d), periods = (t - d->sched.budget_since) / CAP_PERIOD;

    if (periods <= 0)
        return;
    d->sched.budget_since += periods * CAP_PERIOD;
    d->sched.budget = min(d->sched.budget + min(periods, SECONDS(1)) * income, 2 * income);
}

stime_t cap_spend(struct domain *d, stime_t ran, stime_t t)
{
    spin_guard(&d->sched.cap_lock);
    fill_up(d, t);
    return d->sched.budget -= ran;
}

/*
 * The mark stands before the timer is looked at: where the timer is set, refill() has not begun and will see
 * it.
 */
void cap_park(struct vcpu *v)
{
    struct domain_sched *ds = &v->domain->sched;

    v->sched.parked = true;
    smp_mb();
    if (!timer_is_set(&ds->refill))
        timer_set(&ds->refill, READ_ONCE(ds->budget_since) + CAP_PERIOD);
}

static void unpark(struct domain *d)
{
    for_each_vcpu(d, v) {
        struct sched_cpu *sc = sched_lock_vcpu(v);
        const bool parked = v->sched.parked;

        v->sched.parked = false;
        spin_unlock(&sc->lock);
        if (parked)
            vcpu_wake(v);
    }
}

static void refill(void *data)
{
    struct domain *d = data;

    if (!READ_ONCE(d->sched.cap) || cap_spend(d, 0, now()) > 0)
        unpark(d);
    else
        timer_set(&d->sched.refill, READ_ONCE(d->sched.budget_since) + CAP_PERIOD);
}

void cap_set(struct domain *d, unsigned int cap)
{
    spin_lock(&d->sched.cap_lock);
    if (cap != d->sched.cap) {
        WRITE_ONCE(d->sched.cap, cap);
        d->sched.budget_since = now();
        d->sched.budget = cap_income(d);
    }
    spin_unlock(&d->sched.cap_lock);
    unpark(d);
}

void cap_init_domain(struct domain *d)
{
    spin_lock_init(&d->sched.cap_lock, LOCK_LEAF);
    timer_init(&d->sched.refill, refill, d, this_cpu_nr());
}
