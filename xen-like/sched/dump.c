/* SPDX-License-Identifier: MIT */
/* Debug keys: each CPU's run queue, and its timers. */
#include "cpu/time.h"
#include "lib/log.h"
#include "lib/symbols.h"
#include "sched/scheduler.h"

#define DUMP_MAX 32

/* Copied first: the console is slow, and a queue's lock is wanted often. */
struct row {
    unsigned int domain, vcpu, weight, cap;
    stime_t vtime;
};

static void fill(struct row *r, const struct vcpu *v)
{
    *r = (struct row){ v->domain->id, v->id, v->sched.weight, v->domain->sched.cap, v->sched.vtime };
}

static void dump_cpu(unsigned int cpu)
{
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
    struct row curr, row[DUMP_MAX];
    unsigned int n = 0, queued;
    stime_t start, floor;
    struct vcpu *v;
    bool idle;

    spin_lock(&sc->lock);
    idle = sc->curr == sc->idle;
    fill(&curr, sc->curr);
    queued = sc->nr_queued;
    start = sc->slice_start;
    floor = sc->min_vtime;
    list_for_each(v, &sc->queue, sched.run_list) {
        if (n == DUMP_MAX)
            break;
        fill(&row[n++], v);
    }
    spin_unlock(&sc->lock);

    if (idle)
        printk("CPU %u: idle, %u queued\n", cpu, queued);
    else
        printk("CPU %u: runs d%uv%u (weight %u, cap %u, vtime %ld us) for %ld us, %u queued, floor %ld us\n", cpu,
               curr.domain, curr.vcpu, curr.weight, curr.cap, curr.vtime / 1000, (now() - start) / 1000, queued,
               floor / 1000);
    for (unsigned int i = 0; i < n; i++)
        printk("    %u: d%uv%u, weight %u, cap %u, vtime %ld us\n", i, row[i].domain, row[i].vcpu, row[i].weight,
               row[i].cap, row[i].vtime / 1000);
    if (queued > n)
        printk("    and %u more\n", queued - n);
}

void sched_dump(void)
{
    unsigned int cpu;

    for_each_online_cpu(cpu)
        dump_cpu(cpu);
}

/* --- timers --- */

#define TIMERS_MAX 64

static void dump_timers(unsigned int cpu)
{
    static struct timer_row row[TIMERS_MAX];    /* keys are answered one at a time */
    stime_t programmed, t = now();
    unsigned int n = timers_list(cpu, row, TIMERS_MAX, &programmed);

    if (programmed == STIME_NEVER)
        printk("CPU %u: %u timers, not armed\n", cpu, n);
    else
        printk("CPU %u: %u timers, armed for %+ld us from now\n", cpu, n, (programmed - t) / 1000);
    for (unsigned int i = 0; i < min(n, (unsigned int)TIMERS_MAX); i++) {
        unsigned long offset;
        const char *name = symbol_find((unsigned long)row[i].fn, &offset);

        printk("    %+9ld us: %s(%p)\n", (row[i].deadline - t) / 1000, name ? name : "?", row[i].data);
    }
}

void timers_dump(void)
{
    unsigned int cpu;

    printk("System time %ld us\n", now() / 1000);
    for_each_online_cpu(cpu)
        dump_timers(cpu);
}
