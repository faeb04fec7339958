/* SPDX-License-Identifier: MIT */
/*
 * The sysctl hypercall: the machine as the toolstack sees and steers it. One function an operation;
 * operations, fields and errors are those of xen/sysctl.h at interface version 0x15.
 */
#include "console/console.h"
#include "cpu/time.h"
#include "domain/control.h"
#include "mm/mm.h"

#define NODE_DISTANCE_SELF 10

long sysctl_readconsole(struct domain *d, union control_op *op)
{
    return console_ring_read(&op->sysctl.u.readconsole) ?: WRITE_BACK(0);
}

long sysctl_physinfo(struct domain *d, union control_op *op)
{
    struct xen_sysctl_physinfo *p = &op->sysctl.u.physinfo;

    memset(p, 0, sizeof(*p));
    p->threads_per_core = 1;
    p->cores_per_socket = cpu_count;
    p->nr_cpus = cpu_count;
    p->max_cpu_id = cpu_count - 1;
    p->nr_nodes = 1;
    p->cpu_khz = tsc_khz;
    p->capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1;
    p->total_pages = total_pages();
    p->free_pages = free_pages();
    p->scrub_pages = 0; /* frames are scrubbed when they are next used, and counted as free until then */
    p->outstanding_pages = claimed_pages();
    p->max_mfn = frame_limit - 1;
    for (unsigned int i = 0; i < ARRAY_SIZE(p->hw_cap); i++)
        p->hw_cap[i] = cpu_feature_word(NULL, i);
    return WRITE_BACK(0);
}

long sysctl_sched_id(struct domain *d, union control_op *op)
{
    op->sysctl.u.sched_id.sched_id = sched_id();
    return WRITE_BACK(0);
}

long sysctl_getdomaininfolist(struct domain *d, union control_op *op)
{
    struct xen_sysctl_getdomaininfolist *l = &op->sysctl.u.getdomaininfolist;
    struct domain *at held_domain = domain_first(l->first_domain);
    u32 n = 0;

    for (; at && n < l->max_domains; at = domain_next(at)) {
        struct xen_domctl_getdomaininfo info;

        domain_info(at, &info);
        if (copy_to_guest_at(guest_addr(l->buffer), n, &info))
            return -EFAULT;
        n++;
    }
    l->num_domains = n;
    return WRITE_BACK(0);
}

long sysctl_debug_keys(struct domain *d, union control_op *op)
{
    struct xen_sysctl_debug_keys *k = &op->sysctl.u.debug_keys;

    for (u32 i = 0; i < k->nr_keys; i++) {
        char key;

        if (copy_from_guest(&key, guest_addr(k->keys) + i, 1))
            return -EFAULT;
        console_key(key);
    }
    return 0;
}

long sysctl_getcpuinfo(struct domain *d, union control_op *op)
{
    struct xen_sysctl_getcpuinfo *g = &op->sysctl.u.getcpuinfo;
    u32 n = min(g->max_cpus, (u32)cpu_count);

    for (u32 i = 0; i < n; i++) {
        struct xen_sysctl_cpuinfo info = { .idletime = (u64)cpu_idle_time(i) };

        if (copy_to_guest_at(guest_addr(g->info), i, &info))
            return -EFAULT;
    }
    g->nr_cpus = n;
    return WRITE_BACK(0);
}

long sysctl_availheap(struct domain *d, union control_op *op)
{
    struct xen_sysctl_availheap *a = &op->sysctl.u.availheap;

    if (a->min_bitwidth || a->max_bitwidth)
        return -EOPNOTSUPP; /* free memory is not counted by address */
    a->avail_bytes = a->node > 0 ? 0 : free_pages() << PAGE_SHIFT;
    return WRITE_BACK(0);
}

/* The processors' own topology is not looked at: each CPU counts as a core of one socket. */
long sysctl_cputopoinfo(struct domain *d, union control_op *op)
{
    struct xen_sysctl_cputopoinfo *t = &op->sysctl.u.cputopoinfo;

    t->num_cpus = t->cputopo.p ? min(t->num_cpus, (u32)cpu_count) : cpu_count;
    for (u32 i = 0; t->cputopo.p && i < t->num_cpus; i++) {
        struct xen_sysctl_cputopo one = { .core = i };

        if (copy_to_guest_at(guest_addr(t->cputopo), i, &one))
            return -EFAULT;
    }
    return WRITE_BACK(0);
}

long sysctl_numainfo(struct domain *d, union control_op *op)
{
    struct xen_sysctl_numainfo *n = &op->sysctl.u.numainfo;
    struct xen_sysctl_meminfo mem = {
        .memsize = total_pages() << PAGE_SHIFT,
        .memfree = free_pages() << PAGE_SHIFT,
    };
    u32 distance = NODE_DISTANCE_SELF;

    n->num_nodes = n->meminfo.p || n->distance.p ? min(n->num_nodes, 1u) : 1;
    if (n->num_nodes && ((n->meminfo.p && copy_to_guest_at(guest_addr(n->meminfo), 0, &mem)) ||
                         (n->distance.p && copy_to_guest_at(guest_addr(n->distance), 0, &distance))))
        return -EFAULT;
    return WRITE_BACK(0);
}

/* All CPUs and all domains are in pool 0. */
long sysctl_cpupool_op(struct domain *d, union control_op *op)
{
    static const struct cpumask none;
    struct xen_sysctl_cpupool_op *p = &op->sysctl.u.cpupool_op;

    switch (p->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        if (p->cpupool_id > 0)
            return -ENOENT;
        p->sched_id = sched_id();
        p->n_dom = 0;
        for_each_domain(d)
            p->n_dom++;
        return bitmap_to_guest(&p->cpumap, cpu_online.bits, cpu_count) ?: WRITE_BACK(0);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return bitmap_to_guest(&p->cpumap, none.bits, cpu_count) ?: WRITE_BACK(0);
    default:
        return -ENOSYS;
    }
}

/* Setting gives back what is in force then, as reading does. */
long sysctl_scheduler_op(struct domain *d, union control_op *op)
{
    struct xen_sysctl_scheduler_op *s = &op->sysctl.u.scheduler_op;
    struct xen_sysctl_credit_schedule *credit = &s->u.sched_credit;

    if (s->cmd != XEN_SYSCTL_SCHEDOP_getinfo && s->cmd != XEN_SYSCTL_SCHEDOP_putinfo)
        return -EINVAL;
    if (s->cpupool_id != 0)
        return -ESRCH;
    if (s->sched_id != sched_id())
        return -EINVAL;
    if (s->sched_id == XEN_SCHEDULER_NULL)
        return WRITE_BACK(0);
    /* A vCPU goes to another CPU when it has waited too long: the delay says nothing. */
    if (s->cmd == XEN_SYSCTL_SCHEDOP_putinfo &&
        (credit->vcpu_migr_delay_us > XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US ||
         sched_set_parameters(credit->tslice_ms, credit->ratelimit_us)))
        return -EINVAL;
    sched_parameters(&credit->tslice_ms, &credit->ratelimit_us);
    credit->vcpu_migr_delay_us = 0;
    return WRITE_BACK(0);
}
