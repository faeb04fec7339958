/* SPDX-License-Identifier: MIT */
/* Debug keys: each CPU's run queue, and its timers. */
#include "cpu/time.h"
#include "lib/symbols.h"
#include "sched/scheduler.h"

#define DUMP_MAX 32

static void dump_vcpu(const char *role, const struct vcpu *v)
{
    printk("    %s d%uv%u, weight %u, cap %u, vtime %ld us\n", role, v->domain->id, v->id, v->sched.weight,
           v->domain->sched.cap, v->sched.vtime / 1000);
}

/* Printed under the queue's lock: guests on that CPU wait meanwhile, for as long as a short report takes. */
static void dump_cpu(unsigned int cpu)
{
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
    unsigned int n = 0;

    spin_lock(&sc->lock);
    printk("CPU %u: %s for %ld us, %u queued, floor %ld us\n", cpu, sc->curr == sc->idle ? "idle" : "busy",
           (now() - sc->slice_start) / 1000, sc->nr_queued, sc->min_vtime / 1000);
    if (sc->curr != sc->idle)
        dump_vcpu("runs", sc->curr);
    list_for_each(struct vcpu, v, &sc->queue, sched.run_list)
        if (n++ < DUMP_MAX)
            dump_vcpu("waits", v);
    spin_unlock(&sc->lock);
    if (n > DUMP_MAX)
        printk("    and %u more\n", n - DUMP_MAX);
}

void sched_dump(void)
{
    for_each_online_cpu(cpu)
        dump_cpu(cpu);
}

/* --- timers --- */

#define TIMERS_MAX 64

static void dump_timer(const struct timer *t)
{
    unsigned long offset;
    const char *name = symbol_find((unsigned long)t->fn, &offset);

    printk("    %+9ld us: %s(%p)\n", (t->deadline - now()) / 1000, name ? name : "?", t->data);
}

void timers_dump(void)
{
    printk("System time %ld us\n", now() / 1000);
    for_each_online_cpu(cpu) {
        stime_t armed;
        unsigned int n = timers_visit(cpu, TIMERS_MAX, dump_timer, &armed);

        if (armed == STIME_NEVER)
            printk("CPU %u: %u timers, not armed\n", cpu, n);
        else
            printk("CPU %u: %u timers, armed for %+ld us from now\n", cpu, n, (armed - now()) / 1000);
    }
}
