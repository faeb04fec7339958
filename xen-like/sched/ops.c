/* SPDX-License-Identifier: MIT */
/*
 * The sched_op hypercall: one small function an operation, and a table. The operations and their errors are
 * those of xen/sched.h.
 */
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "mm/guest.h"
#include "pv/hypercall.h"
#include "sched/scheduler.h"

#include <xen/sched.h>

#define POLL_PORTS_MAX 128

static long op_yield(unsigned long arg)
{
    struct sched_cpu *sc = &this_cpu(sched_cpu);

    if (!READ_ONCE(sc->nr_queued))
        return 0;
    spin_lock(&sc->lock);
    current->sched.yielding = true;
    spin_unlock(&sc->lock);
    softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

static long op_block(unsigned long arg)
{
    struct vcpu *v = current;

    v->info->evtchn_upcall_mask = 0;
    atomic_or(&v->sched.blocked, VCPU_BLOCKED);
    /* An event that was sent before the flag was set is seen here; one sent after it clears the flag. */
    if (vcpu_event_deliverable(v))
        atomic_and(&v->sched.blocked, ~VCPU_BLOCKED);
    else
        softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

static long op_shutdown(unsigned long arg)
{
    struct sched_shutdown s;

    if (copy_from_guest(&s, arg, sizeof(s)))
        return -EFAULT;
    domain_shutdown(current->domain, (u8)s.reason);
    return 0;
}

static long op_shutdown_code(unsigned long arg)
{
    struct domain *d = current->domain;
    struct sched_shutdown s;

    if (copy_from_guest(&s, arg, sizeof(s)))
        return -EFAULT;
    spin_lock(&d->lock);
    if (d->shutdown_code == SHUTDOWN_CODE_NONE)
        d->shutdown_code = (u8)s.reason;
    spin_unlock(&d->lock);
    return 0;
}

static long op_remote_shutdown(unsigned long arg)
{
    struct sched_remote_shutdown s;
    struct domain *d;
    long ret = -EPERM;

    if (copy_from_guest(&s, arg, sizeof(s)))
        return -EFAULT;
    d = domain_get_by_id(s.domain_id);
    if (!d)
        return -ESRCH;
    if (current->domain->privileged) {
        domain_shutdown(d, (u8)s.reason);
        ret = 0;
    }
    domain_put(d);
    return ret;
}

/* Ends a poll that has not begun to wait, or was ended by a wake-up already. */
static void poll_cancel(struct vcpu *v)
{
    atomic_and(&v->domain->event.poll_mask, ~(1u << v->id));
    atomic_and(&v->sched.blocked, ~VCPU_POLLING);
}

/*
 * All that the guest supplies is read first. Then the vCPU is marked as polling, and only then the ports are
 * looked at: an event that is sent in between either is seen pending here, or its sender sees the mark and
 * wakes the vCPU. A port that cannot be read, or is none, counts only where no port before it is pending.
 */
static long op_poll(unsigned long arg)
{
    struct vcpu *v = current;
    struct domain *d = v->domain;
    evtchn_port_t ports[POLL_PORTS_MAX];
    struct sched_poll poll;
    unsigned int i, nr;
    long over;

    if (copy_from_guest(&poll, arg, sizeof(poll)))
        return -EFAULT;
    if (poll.nr_ports > POLL_PORTS_MAX)
        return -EINVAL;
    if (!guest_range_ok(guest_addr(poll.ports), poll.nr_ports * sizeof(ports[0])))
        return -EFAULT;
    for (nr = 0; nr < poll.nr_ports && !copy_from_guest_at(&ports[nr], guest_addr(poll.ports), nr); nr++)
        ;

    /* A timer that an earlier poll left behind would end this one. */
    timer_stop(&v->sched.poll_timer);
    v->event.poll_port = poll.nr_ports == 1 && nr == 1 ? (int)ports[0] : -1;
    atomic_or(&v->sched.blocked, VCPU_POLLING);
    atomic_or(&d->event.poll_mask, 1u << v->id);

    over = vcpu_event_deliverable(v);
    for (i = 0; i < nr && !over; i++)
        over = evtchn_poll(ports[i]);
    if (!over && nr < poll.nr_ports)
        over = -EFAULT;
    if (over) {
        poll_cancel(v);
        return min(over, 0L);
    }
    if (poll.timeout != 0)
        timer_set(&v->sched.poll_timer, (stime_t)min(poll.timeout, (u64)STIME_NEVER));
    softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

static void watchdog_fired(void *data)
{
    struct domain *d = data;

    if (!READ_ONCE(d->shutting_down) && READ_ONCE(d->state) == DOMAIN_ALIVE)
        domain_shutdown(d, SHUTDOWN_watchdog);
}

void sched_init_domain(struct domain *d)
{
    d->sched.weight = SCHED_WEIGHT_DEFAULT;
    cap_init_domain(d);
    for (unsigned int i = 0; i < NR_DOMAIN_WATCHDOGS; i++)
        timer_init(&d->sched.watchdog[i], watchdog_fired, d, this_cpu_nr());
}

int sched_kill_domain(struct domain *d)
{
    timer_kill(&d->sched.refill);
    for (unsigned int i = 0; i < NR_DOMAIN_WATCHDOGS; i++)
        timer_kill(&d->sched.watchdog[i]);
    return 0;
}

static long watchdog_new(struct domain *d, stime_t deadline)
{
    for (unsigned int i = 0; i < NR_DOMAIN_WATCHDOGS; i++) {
        if (d->sched.watchdog_used & (1u << i))
            continue;
        d->sched.watchdog_used |= 1u << i;
        timer_set(&d->sched.watchdog[i], deadline);
        return i + 1;
    }
    return -ENOSPC;
}

static long op_watchdog(unsigned long arg)
{
    struct domain *d = current->domain;
    struct sched_watchdog w;
    stime_t deadline;
    long ret = 0;

    if (copy_from_guest(&w, arg, sizeof(w)))
        return -EFAULT;
    if (w.id > NR_DOMAIN_WATCHDOGS)
        return -EINVAL;
    deadline = now() + SECONDS(w.timeout);
    spin_lock(&d->lock);
    if (w.id == 0) {
        ret = watchdog_new(d, deadline);
    } else {
        unsigned int i = (unsigned int)index_nospec(w.id - 1, NR_DOMAIN_WATCHDOGS);

        if (!(d->sched.watchdog_used & (1u << i))) {
            ret = -EINVAL;
        } else if (w.timeout == 0) {
            d->sched.watchdog_used &= ~(1u << i);
            timer_stop(&d->sched.watchdog[i]);
        } else {
            timer_set(&d->sched.watchdog[i], deadline);
        }
    }
    spin_unlock(&d->lock);
    return ret;
}

static long op_pin_override(unsigned long arg)
{
    struct vcpu *v = current;
    struct sched_pin_override pin;
    struct cpumask only;
    long ret;

    if (!v->domain->hardware)
        return -EPERM;
    if (copy_from_guest(&pin, arg, sizeof(pin)))
        return -EFAULT;
    if (pin.pcpu < 0) {
        if (!v->sched.pinned_over)
            return -EINVAL;
        v->sched.pinned_over = false;
        return vcpu_set_affinity(v, &v->sched.saved_affinity, NULL);
    }
    if ((unsigned int)pin.pcpu >= cpu_count)
        return -EINVAL;
    if (v->sched.pinned_over)
        return -EBUSY;
    v->sched.saved_affinity = v->sched.hard_affinity;
    cpumask_of(&only, (unsigned int)pin.pcpu);
    ret = vcpu_set_affinity(v, &only, NULL);
    if (ret == 0)
        v->sched.pinned_over = true;
    return ret;
}

static long (*const sched_ops[])(unsigned long arg) = {
#define SUBOP_OF_sched_op ~, SUBOP_ROW
#define SUBOP_ROW(call, nr, name) [nr] = op_##name,
#include "pv/subops.h"
};

long do_sched_op(unsigned int cmd, unsigned long arg)
{
    if (cmd >= ARRAY_SIZE(sched_ops))
        return -ENOSYS;
    return sched_ops[index_nospec(cmd, ARRAY_SIZE(sched_ops))](arg);
}
