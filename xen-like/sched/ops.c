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
    spin_guard(&d->lock);
    if (d->shutdown_code == SHUTDOWN_CODE_NONE)
        d->shutdown_code = (u8)s.reason;
    return 0;
}

static long op_remote_shutdown(unsigned long arg)
{
    struct sched_remote_shutdown s;

    if (copy_from_guest(&s, arg, sizeof(s)))
        return -EFAULT;
    struct domain *d held_domain = domain_get_by_id(s.domain_id);
    if (!d)
        return -ESRCH;
    if (!current->domain->privileged)
        return -EPERM;
    domain_shutdown(d, (u8)s.reason);
    return 0;
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
    unsigned int nr = 0;

    if (copy_from_guest(&poll, arg, sizeof(poll)))
        return -EFAULT;
    if (poll.nr_ports > POLL_PORTS_MAX)
        return -EINVAL;
    if (!guest_range_ok(guest_addr(poll.ports), poll.nr_ports * sizeof(ports[0])))
        return -EFAULT;
    while (nr < poll.nr_ports && !copy_from_guest_at(&ports[nr], guest_addr(poll.ports), nr))
        nr++;

    /* A timer that an earlier poll left behind would end this one. */
    timer_stop(&v->sched.poll_timer);
    v->event.poll_port = poll.nr_ports == 1 && nr == 1 ? (int)ports[0] : -1;
    atomic_or(&v->sched.blocked, VCPU_POLLING);
    atomic_or(&d->event.poll_mask, 1u << v->id);

    long over = vcpu_event_deliverable(v);
    for (unsigned int i = 0; i < nr && !over; i++)
        over = evtchn_poll(ports[i]);
    if (!over && nr < poll.nr_ports)
        over = -EFAULT;
    if (over) { /* it has not begun to wait, or was ended by a wake-up already */
        atomic_and(&d->event.poll_mask, ~(1u << v->id));
        atomic_and(&v->sched.blocked, ~VCPU_POLLING);
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

    if (!READ_ONCE(d->shut_down) && READ_ONCE(d->state) == DOMAIN_ALIVE)
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

/* Id 0 asks for one that is free: its id is the answer. The others are set anew, or given back by time 0. */
static long op_watchdog(unsigned long arg)
{
    struct domain *d = current->domain;
    struct sched_watchdog w;
    unsigned int i = 0;

    if (copy_from_guest(&w, arg, sizeof(w)))
        return -EFAULT;
    if (w.id > NR_DOMAIN_WATCHDOGS)
        return -EINVAL;
    spin_guard(&d->lock);
    if (w.id)
        i = (unsigned int)index_nospec(w.id - 1, NR_DOMAIN_WATCHDOGS);
    else
        while (i < NR_DOMAIN_WATCHDOGS && d->sched.watchdog_used & (1u << i))
            i++;
    if (i == NR_DOMAIN_WATCHDOGS)
        return -ENOSPC;
    if (w.id && !(d->sched.watchdog_used & (1u << i)))
        return -EINVAL;
    if (w.id && w.timeout == 0) {
        d->sched.watchdog_used &= ~(1u << i);
        timer_stop(&d->sched.watchdog[i]);
        return 0;
    }
    d->sched.watchdog_used |= 1u << i;
    timer_set(&d->sched.watchdog[i], now() + SECONDS(w.timeout));
    return w.id ? 0 : i + 1;
}

static long op_pin_override(unsigned long arg)
{
    struct vcpu *v = current;
    struct sched_pin_override pin;
    struct cpumask only = { { 0 } };

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
    set_bit((unsigned int)pin.pcpu, only.bits);
    long err = vcpu_set_affinity(v, &only, NULL);
    v->sched.pinned_over = !err;
    return err;
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
