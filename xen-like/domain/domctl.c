/* SPDX-License-Identifier: MIT */
/*
 * The domctl hypercall: control of one domain by the toolstack. Each operation is a function in the table at
 * the end; those that concern vCPUs are in domctl_vcpu.c.
 * Operations, fields and errors are those of xen/domctl.h at interface version 0x15.
 */
#include "cpu/time.h"
#include "domain/control.h"

#include <xen/sched.h>

/* Modes of XEN_DOMCTL_settscinfo. */
#define TSC_DEFAULT 0
#define TSC_ALWAYS_EMULATE 1
#define TSC_NEVER_EMULATE 2

/* The flags that a PV domain without passed-through devices may have. */
#define CDF_ACCEPTED (XEN_DOMCTL_CDF_xs_domain | XEN_DOMCTL_CDF_oos_off)

/* --- information --- */

void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    u32 flags = XEN_DOMINF_blocked;

    memset(info, 0, sizeof(*info));
    info->domain = d->id;
    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for_each_vcpu(d, v) {
        info->max_vcpu_id = v->id;
        info->cpu_time += (u64)vcpu_cpu_time(v);
        if (v->sched.blocked & VCPU_DOWN)
            continue;
        info->nr_online_vcpus++;
        if (!(v->sched.blocked & (VCPU_BLOCKED | VCPU_POLLING)))
            flags &= ~XEN_DOMINF_blocked;
        if (v->sched.running)
            flags |= XEN_DOMINF_running;
    }
    info->flags = (info->nr_online_vcpus ? flags : 0) | (d->state == DOMAIN_DEAD ? XEN_DOMINF_dying : 0) |
                  (d->shut_down ? XEN_DOMINF_shutdown : 0) | (d->controller_pauses ? XEN_DOMINF_paused : 0) |
                  (d->create_flags & XEN_DOMCTL_CDF_xs_domain ? XEN_DOMINF_xs_domain : 0) |
                  d->shutdown_code << XEN_DOMINF_shutdownshift;
    info->tot_pages = d->mm.tot_pages;
    info->max_pages = d->mm.max_pages;
    info->outstanding_pages = d->mm.claim;
    info->shared_info_frame = virt_to_mfn(d->shared_info).v;
    memcpy(info->handle, d->handle, sizeof(info->handle));
}

/* Of the domain of that id, or else of the next. */
long domctl_getdomaininfo(struct domain *d, union control_op *op)
{
    if (!d && op->domctl.domain >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    struct domain *next held_domain = d ? NULL : domain_first(op->domctl.domain);
    d = d ?: next;
    if (!d)
        return -ESRCH;
    domain_info(d, &op->domctl.u.getdomaininfo);
    op->domctl.domain = d->id;
    return WRITE_BACK(0);
}

/* --- life --- */

static long check_config(const struct xen_domctl_createdomain *c)
{
    if (c->iommu_opts || c->max_vcpus < 1 || (c->grant_opts & ~(u32)XEN_DOMCTL_GRANT_version_mask) ||
        XEN_DOMCTL_GRANT_version(c->grant_opts) != 1 || c->vmtrace_size ||
        !c->max_grant_frames || c->max_grant_frames > GRANT_FRAMES_MAX ||
        c->max_maptrack_frames > MAPTRACK_FRAMES_MAX ||
        (c->arch.misc_flags & ~(u32)XEN_X86_MSR_RELAXED) || (c->arch.emulation_flags & ~(u32)XEN_X86_EMU_ALL))
        return -EINVAL;
    if (c->flags == XEN_DOMCTL_CDF_hvm || (!c->flags && c->arch.emulation_flags))
        return -EOPNOTSUPP; /* PV only */
    if (c->flags & ~(u32)CDF_ACCEPTED)
        return -EINVAL;
    return c->cpupool_id ? -ESRCH : 0;
}

long domctl_createdomain(struct domain *d, union control_op *op)
{
    struct xen_domctl_createdomain *c = &op->domctl.u.createdomain;
    domid_t id = op->domctl.domain;
    long err = check_config(c) ?: domain_create(id && id < DOMID_FIRST_RESERVED ? id : DOMID_INVALID, c, &d);

    if (err)
        return err;
    op->domctl.domain = d->id;
    return WRITE_BACK(0);
}

/* Its caller repeats it on -EAGAIN, as libxc does: the end of a large domain takes long. */
long domctl_destroydomain(struct domain *d, union control_op *op) { return domain_kill(d); }

/* The toolstack's own pauses are counted apart. */
long domctl_pausedomain(struct domain *d, union control_op *op)
{
    spin_lock(&d->lock);
    const bool full = d->controller_pauses >= 255;
    d->controller_pauses += !full;
    spin_unlock(&d->lock);
    if (full)
        return -EOVERFLOW;
    domain_pause(d);
    return 0;
}

long domctl_unpausedomain(struct domain *d, union control_op *op)
{
    spin_lock(&d->lock);
    const bool held = d->controller_pauses > 0;
    d->controller_pauses -= held;
    d->started |= held && !d->controller_pauses;
    spin_unlock(&d->lock);
    if (!held)
        return -EINVAL;
    domain_unpause(d);
    return 0;
}

/* After a shutdown: it goes on as if that had returned. */
long domctl_resumedomain(struct domain *d, union control_op *op)
{
    domain_pause(d);
    spin_lock(&d->lock);
    const bool was_shut_down = d->shut_down;
    d->shut_down = false;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    spin_unlock(&d->lock);
    if (was_shut_down)
        domain_unpause(d);
    domain_unpause(d);
    return 0;
}

long domctl_subscribe(struct domain *d, union control_op *op)
{
    WRITE_ONCE(d->suspend_port, op->domctl.u.subscribe.port);
    return 0;
}

/* --- settings --- */

long domctl_max_mem(struct domain *d, union control_op *op)
{
    u64 pages = op->domctl.u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    spin_guard(&d->page_lock);
    d->mm.max_pages = (u32)min(pages, (u64)UINT32_MAX);
    return 0;
}

long domctl_setdomainhandle(struct domain *d, union control_op *op)
{
    memcpy(d->handle, op->domctl.u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}

long domctl_settimeoffset(struct domain *d, union control_op *op)
{
    d->time_offset = op->domctl.u.settimeoffset.time_offset_seconds;
    domain_update_wallclock(d);
    return 0;
}

long domctl_hypercall_init(struct domain *d, union control_op *op)
{
    mfn_t mfn = MFN(op->domctl.u.hypercall_init.gmfn);

    if (!frame_get_and_type(mfn, d, FRAME_WRITABLE))
        return -EINVAL;
    hypercall_page_fill(mfn_to_virt(mfn));
    frame_put_and_type(mfn_to_frame(mfn));
    return 0;
}

/* All domains are 64-bit ones. */
long domctl_set_address_size(struct domain *d, union control_op *op)
{
    u32 size = op->domctl.u.address_size.size;

    return size == 64 ? 0 : size == 32 ? -EOPNOTSUPP : -EINVAL;
}

long domctl_get_address_size(struct domain *d, union control_op *op)
{
    op->domctl.u.address_size.size = 64;
    return WRITE_BACK(0);
}

/* A guest's RDTSC is the processor's own: no frequency but the machine's, no emulation. */
long domctl_settscinfo(struct domain *d, union control_op *op)
{
    struct xen_domctl_tsc_info *t = &op->domctl.u.tsc_info;

    if (d->hardware)
        return 0;
    if (t->tsc_mode > TSC_NEVER_EMULATE)
        return -EINVAL;
    if (t->tsc_mode == TSC_ALWAYS_EMULATE)
        return -EOPNOTSUPP;
    d->pv.tsc_mode = t->tsc_mode;
    d->tsc_incarnation = t->incarnation;
    return 0;
}

long domctl_gettscinfo(struct domain *d, union control_op *op)
{
    struct xen_domctl_tsc_info *t = &op->domctl.u.tsc_info;

    t->tsc_mode = d->pv.tsc_mode;
    t->incarnation = d->tsc_incarnation;
    t->gtsc_khz = d->pv.tsc_mode == TSC_DEFAULT ? tsc_khz : 0;
    t->elapsed_nsec = d->pv.tsc_mode == TSC_DEFAULT ? (u64)now() : 0;
    return WRITE_BACK(0);
}

/* The machine is one node. */
long domctl_setnodeaffinity(struct domain *d, union control_op *op)
{
    struct cpumask nodes;

    if (cpumask_from_guest(&nodes, &op->domctl.u.nodeaffinity.nodemap))
        return -EFAULT;
    return nodes.bits[0] & 1 ? 0 : -EINVAL;
}

long domctl_getnodeaffinity(struct domain *d, union control_op *op)
{
    static const unsigned long node0 = 1;

    return bitmap_to_guest(&op->domctl.u.nodeaffinity.nodemap, &node0, 1);
}

/* --- frames, for a toolstack that saves a domain --- */

#define PAGEFRAMEINFO_MAX 1024

/* What XEN_DOMCTL_getpageframeinfo3 says of a frame of d. */
static xen_pfn_t frame_info(struct domain *d, mfn_t mfn)
{
    static const u32 tables[] = {
        [FRAME_L1] = XEN_DOMCTL_PFINFO_L1TAB,
        [FRAME_L2] = XEN_DOMCTL_PFINFO_L2TAB,
        [FRAME_L3] = XEN_DOMCTL_PFINFO_L3TAB,
        [FRAME_L4] = XEN_DOMCTL_PFINFO_L4TAB,
    };
    struct frame *f = mfn_to_frame(mfn);

    if (!frame_get(mfn, d))
        return XEN_DOMCTL_PFINFO_XTAB;
    enum frame_type type = frame_type_of(f);
    xen_pfn_t info = type < ARRAY_SIZE(tables) ? tables[index_nospec(type, ARRAY_SIZE(tables))] : 0;
    if (READ_ONCE(f->count) & FRAME_SHARED)
        info = XEN_DOMCTL_PFINFO_XTAB;
    else if (READ_ONCE(f->type) & TYPE_PINNED)
        info |= XEN_DOMCTL_PFINFO_LPINTAB;
    frame_put(f);
    return info;
}

long domctl_getpageframeinfo3(struct domain *d, union control_op *op)
{
    struct xen_domctl_getpageframeinfo3 *g = &op->domctl.u.getpageframeinfo3;

    if (g->num > PAGEFRAMEINFO_MAX)
        return -E2BIG;
    for (u64 i = 0; i < g->num; i++) {
        xen_pfn_t pfn;

        if (copy_from_guest_at(&pfn, guest_addr(g->array), i))
            return -EFAULT;
        pfn = frame_info(d, MFN(pfn));
        if (copy_to_guest_at(guest_addr(g->array), i, &pfn))
            return -EFAULT;
    }
    return WRITE_BACK(0);
}

/* --- rights to devices: the hardware domain has them all, and cannot hand them on --- */

static long device_right(const struct domain *d, bool allow) { return allow && !d->hardware ? -EPERM : 0; }

long domctl_irq_permission(struct domain *d, union control_op *op)
{
    if (op->domctl.u.irq_permission.pirq >= NR_PIRQS)
        return -EINVAL;
    return device_right(d, op->domctl.u.irq_permission.allow_access);
}

long domctl_iomem_permission(struct domain *d, union control_op *op)
{
    u64 first = op->domctl.u.iomem_permission.first_mfn, nr = op->domctl.u.iomem_permission.nr_mfns;

    if (first + nr - 1 < first)
        return -EINVAL;
    return device_right(d, op->domctl.u.iomem_permission.allow_access);
}

long domctl_ioport_permission(struct domain *d, union control_op *op)
{
    u32 first = op->domctl.u.ioport_permission.first_port, nr = op->domctl.u.ioport_permission.nr_ports;

    if (first + nr <= first || first + nr > 65536)
        return -EINVAL;
    return device_right(d, op->domctl.u.ioport_permission.allow_access);
}
