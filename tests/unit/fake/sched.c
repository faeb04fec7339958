/* SPDX-License-Identifier: MIT */
/*
 * For tests of sched/: what its files call elsewhere, domains of one vCPU each, and what must hold between
 * any two steps (sched.h).
 */
#include <string.h>
#include <xen/sched.h>

#include "fake/machine.h"
#include "fake/sched.h"

#include "lib/atomic.h"
#include "lib/option.h"
#include "pv/hypercall.h"
#include "sched/scheduler.h"

static struct domain *idle_domain;
struct domain *doms[VCPUS];
struct vcpu *vs[VCPUS];

/* --- what the files under test call elsewhere --- */

struct domain *hardware_domain;
unsigned int virqs;

/* Options keep what they have. */
bool option_parse_uint(const struct option *o, const char *value)
{
    (void)o, (void)value;
    return true;
}

bool vcpu_event_deliverable(const struct vcpu *v)
{
    return v->info->evtchn_upcall_pending && !v->info->evtchn_upcall_mask;
}

void send_guest_vcpu_virq(struct vcpu *v, unsigned int virq)
{
    (void)virq;
    virqs++;
    vcpu_unblock(v);
}

unsigned int shutdowns, shutdown_reason;

void domain_shutdown(struct domain *d, u8 reason)
{
    (void)d;
    shutdowns++;
    shutdown_reason = reason;
}

struct domain *domain_get_by_id(domid_t id)
{
    return id >= 1 && id <= VCPUS ? doms[id - 1] : NULL;
}

void domain_put(struct domain *d)
{
    (void)d;
}

int evtchn_poll(unsigned int port)
{
    return port < EVTCHN_2L_PORTS ? test_bit(port, current->domain->shared_info->evtchn_pending) : -EINVAL;
}

struct vcpu *idle_vcpu_create(unsigned int cpu)
{
    struct vcpu *v = idle_domain->vcpu[cpu];

    v->idle = true;
    sched_init_vcpu(v, cpu);
    return v;
}

/* --- set-up --- */

void setup(unsigned int cpus, unsigned int n, const char *scheduler)
{
    fake_machine(cpus);
    memset(&sched_idle_cpus, 0, sizeof(sched_idle_cpus));
    idle_domain = fake_domain(DOMID_IDLE, FAKE_CPUS);
    sched_init(scheduler);
    for (fake_cpu = 0; fake_cpu < cpus; fake_cpu++) {
        timers_init_cpu(fake_cpu);
        sched_init_cpu(fake_cpu);
    }
    fake_cpu = 0;
    for (unsigned int i = 0; i < n; i++) {
        doms[i] = fake_domain((domid_t)(i + 1), 1);
        vs[i] = doms[i]->vcpu[0];
        sched_init_domain(doms[i]);
        sched_init_vcpu(vs[i], i % cpus);
        vcpu_set_periodic(vs[i], 0);
    }
}

void teardown(unsigned int n)
{
    for (unsigned int i = 0; i < n; i++) {
        vcpu_pause_nosync(vs[i]);
        for (unsigned int cpu = 0; cpu < cpu_count; cpu++)
            fake_run_softirqs(cpu);
        sched_kill_domain(doms[i]);
        sched_kill_vcpu(vs[i]);
    }
    for (unsigned int i = 0; i < n; i++)
        fake_free_domain(doms[i]);
    fake_free_domain(idle_domain);
}

void up(struct vcpu *v)
{
    atomic_and(&v->sched.blocked, ~VCPU_DOWN);
    vcpu_wake(v);
}

void run_for(stime_t t)
{
    stime_t until = fake_now + t;

    while (fake_step(until))
        ;
}

double share(struct vcpu *v, stime_t before, stime_t t)
{
    return (double)(vcpu_cpu_time(v) - before) / (double)t;
}

/* v, which runs, blocks as SCHEDOP_block does. */
void block(struct vcpu *v)
{
    fake_cpu = v->sched.cpu;
    do_sched_op(SCHEDOP_block, 0);
    fake_run_softirqs(fake_cpu);
    fake_cpu = 0;
}

/* What must hold whenever no CPU is in the middle of something. */
const char *invariant(unsigned int n)
{
    unsigned int queued = 0, counted = 0, i, cpu;

    for (i = 0; i < n; i++) {
        struct vcpu *v = vs[i];
        struct sched_cpu *sc = &per_cpu(sched_cpu, v->sched.cpu);
        int state;

        if (v->sched.running != (sc->curr == v))
            return "running, but nobody's current vCPU, or the reverse";
        if (v->sched.running && v->sched.queued)
            return "running and queued";
        if (vcpu_runnable(v) && !v->sched.running && !v->sched.queued && !v->sched.parked)
            return "runnable, but neither running nor queued";
        if (!vcpu_runnable(v) && (v->sched.running || v->sched.queued))
            return "not runnable, but running or queued";
        if ((v->sched.running || v->sched.queued) && !test_bit(v->sched.cpu, v->sched.hard_affinity.bits))
            return "outside its affinity";
        if (v->sched.running)
            state = RUNSTATE_running;
        else if (vcpu_runnable(v))
            state = RUNSTATE_runnable;
        else
            state = v->sched.blocked & (VCPU_BLOCKED | VCPU_POLLING) ? RUNSTATE_blocked : RUNSTATE_offline;
        if (v->sched.runstate.state != state)
            return "wrong run state";
        queued += v->sched.queued;
    }
    for (cpu = 0; cpu < cpu_count; cpu++) {
        struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);

        counted += sc->nr_queued;
        if (is_idle(sc->curr) != (bool)test_bit(cpu, sched_idle_cpus.bits))
            return "the set of idle CPUs is wrong";
        for (i = 0; is_idle(sc->curr) && !sc->owner && i < n; i++)
            if (vs[i]->sched.queued && test_bit(cpu, vs[i]->sched.hard_affinity.bits))
                return "a CPU is idle though a vCPU waits that may run there";
    }
    return queued == counted ? NULL : "queues are counted wrong";
}
