/* SPDX-License-Identifier: MIT */
/*
 * The control interfaces. Each call's structure is built on the stack and goes through a buffer that the port
 * holds in place for the hypercall; results come back the same way.
 */
#include "control.h"

#include <string.h>
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

/* Make a hypercall of one pointer, with `size` bytes copied in and out again. */
static long call_with(unsigned op, void *args, size_t size)
{
    void *buffer = port_buffer(size);
    long rc;

    if (!buffer)
        return -XEN_ENOMEM;
    memcpy(buffer, args, size);
    rc = port_hypercall(op, (uintptr_t)buffer, 0, 0, 0, 0);
    memcpy(args, buffer, size);
    port_buffer_free(buffer, size);
    return rc;
}

static int domctl(struct xen_domctl *ctl, unsigned cmd, domid_t domid)
{
    ctl->cmd = cmd;
    ctl->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    ctl->domain = domid;
    return call_with(__HYPERVISOR_domctl, ctl, sizeof(*ctl));
}

static int simple_domctl(unsigned cmd, domid_t domid)
{
    struct xen_domctl ctl = { 0 };

    return domctl(&ctl, cmd, domid);
}

static int sysctl(struct xen_sysctl *ctl, unsigned cmd)
{
    ctl->cmd = cmd;
    ctl->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return call_with(__HYPERVISOR_sysctl, ctl, sizeof(*ctl));
}

/* An entry of a memory map, as <xen/memory.h> describes its form. */
struct e820_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
} __attribute__((packed));
#define E820_RAM 1

/* Limits of a guest as xl sets them by default. */
#define MAX_EVTCHN_PORT      1023
#define MAX_GRANT_FRAMES     64
#define MAX_MAPTRACK_FRAMES  1024
#define GRANT_VERSION        1
#define MEMORY_ROOM_KIB      1024

int ctl_create(domid_t *domid, unsigned max_vcpus, const uint8_t handle[16])
{
    struct xen_domctl ctl = { 0 };
    struct xen_domctl_createdomain *create = &ctl.u.createdomain;
    int rc;

    memcpy(create->handle, handle, sizeof(create->handle));
    create->max_vcpus = max_vcpus;
    create->max_evtchn_port = MAX_EVTCHN_PORT;
    create->max_grant_frames = MAX_GRANT_FRAMES;
    create->max_maptrack_frames = MAX_MAPTRACK_FRAMES;
    create->grant_opts = XEN_DOMCTL_GRANT_version(GRANT_VERSION);
    rc = domctl(&ctl, XEN_DOMCTL_createdomain, 0);
    if (rc == 0)
        *domid = ctl.domain;
    return rc;
}

int ctl_max_vcpus(domid_t domid, unsigned max_vcpus)
{
    struct xen_domctl ctl = { .u.max_vcpus.max = max_vcpus };

    return domctl(&ctl, XEN_DOMCTL_max_vcpus, domid);
}

int ctl_max_mem(domid_t domid, uint64_t kib)
{
    struct xen_domctl ctl = { .u.max_mem.max_memkb = kib + MEMORY_ROOM_KIB };

    return domctl(&ctl, XEN_DOMCTL_max_mem, domid);
}

int ctl_pause(domid_t domid)
{
    return simple_domctl(XEN_DOMCTL_pausedomain, domid);
}

int ctl_unpause(domid_t domid)
{
    return simple_domctl(XEN_DOMCTL_unpausedomain, domid);
}

int ctl_destroy(domid_t domid)
{
    int rc;

    /* The hypervisor restarts long calls by itself; it may also hand the wait to us. */
    while ((rc = simple_domctl(XEN_DOMCTL_destroydomain, domid)) == -XEN_EAGAIN)
        port_yield();
    return rc;
}

int ctl_info(domid_t domid, struct xen_domctl_getdomaininfo *info)
{
    struct xen_domctl ctl = { 0 };
    int rc = domctl(&ctl, XEN_DOMCTL_getdomaininfo, domid);

    if (rc < 0)
        return rc;
    *info = ctl.u.getdomaininfo;
    return info->domain == domid ? 0 : -XEN_ESRCH;
}

int ctl_list(domid_t first, struct xen_domctl_getdomaininfo *infos, unsigned max)
{
    size_t bytes = max * sizeof(*infos);
    struct xen_sysctl ctl = { 0 };
    void *buffer = port_buffer(bytes);
    int rc;

    if (!buffer)
        return -XEN_ENOMEM;
    ctl.u.getdomaininfolist.first_domain = first;
    ctl.u.getdomaininfolist.max_domains = max;
    set_xen_guest_handle_raw(ctl.u.getdomaininfolist.buffer, buffer);
    rc = sysctl(&ctl, XEN_SYSCTL_getdomaininfolist);
    if (rc >= 0) {
        rc = ctl.u.getdomaininfolist.num_domains;
        memcpy(infos, buffer, rc * sizeof(*infos));
    }
    port_buffer_free(buffer, bytes);
    return rc;
}

/* Both sets through one buffer, hard first. */
static int affinity_op(unsigned cmd, domid_t domid, unsigned vcpu, struct tn_cpu_set *hard,
                       struct tn_cpu_set *soft)
{
    struct xen_domctl ctl = { 0 };
    struct xen_domctl_vcpuaffinity *affinity = &ctl.u.vcpuaffinity;
    struct tn_cpu_set *buffer = port_buffer(2 * sizeof(*buffer));
    int rc;

    if (!buffer)
        return -XEN_ENOMEM;
    affinity->vcpu = vcpu;
    affinity->flags = (hard ? XEN_VCPUAFFINITY_HARD : 0) | (soft ? XEN_VCPUAFFINITY_SOFT : 0);
    set_xen_guest_handle_raw(affinity->cpumap_hard.bitmap, (uint8_t *)&buffer[0]);
    set_xen_guest_handle_raw(affinity->cpumap_soft.bitmap, (uint8_t *)&buffer[1]);
    affinity->cpumap_hard.nr_bits = affinity->cpumap_soft.nr_bits = TN_MAX_CPUS;
    if (hard)
        buffer[0] = *hard;
    if (soft)
        buffer[1] = *soft;
    rc = domctl(&ctl, cmd, domid);
    if (hard)
        *hard = buffer[0];
    if (soft)
        *soft = buffer[1];
    port_buffer_free(buffer, 2 * sizeof(*buffer));
    return rc;
}

int ctl_set_affinity(domid_t domid, unsigned vcpu, const struct tn_cpu_set *hard,
                     const struct tn_cpu_set *soft)
{
    struct tn_cpu_set sets[2] = { hard ? *hard : (struct tn_cpu_set){ { 0 } },
                                  soft ? *soft : (struct tn_cpu_set){ { 0 } } };

    return affinity_op(XEN_DOMCTL_setvcpuaffinity, domid, vcpu, hard ? &sets[0] : NULL,
                       soft ? &sets[1] : NULL);
}

int ctl_get_affinity(domid_t domid, unsigned vcpu, struct tn_cpu_set *hard, struct tn_cpu_set *soft)
{
    return affinity_op(XEN_DOMCTL_getvcpuaffinity, domid, vcpu, hard, soft);
}

int ctl_vcpu_info(domid_t domid, unsigned vcpu, struct xen_domctl_getvcpuinfo *info)
{
    struct xen_domctl ctl = { .u.getvcpuinfo.vcpu = vcpu };
    int rc = domctl(&ctl, XEN_DOMCTL_getvcpuinfo, domid);

    *info = ctl.u.getvcpuinfo;
    return rc;
}

static int shares_op(domid_t domid, unsigned cmd, struct xen_domctl_sched_credit *credit)
{
    struct xen_domctl ctl = { 0 };
    int rc;

    ctl.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
    ctl.u.scheduler_op.cmd = cmd;
    ctl.u.scheduler_op.u.credit = *credit;
    rc = domctl(&ctl, XEN_DOMCTL_scheduler_op, domid);
    *credit = ctl.u.scheduler_op.u.credit;
    return rc;
}

int ctl_shares(domid_t domid, unsigned *weight, unsigned *cap)
{
    struct xen_domctl_sched_credit credit = { 0 };
    int rc = shares_op(domid, XEN_DOMCTL_SCHEDOP_getinfo, &credit);

    *weight = credit.weight;
    *cap = credit.cap;
    return rc;
}

int ctl_set_shares(domid_t domid, unsigned weight, unsigned cap)
{
    struct xen_domctl_sched_credit credit = { .weight = weight, .cap = cap };

    return shares_op(domid, XEN_DOMCTL_SCHEDOP_putinfo, &credit);
}

int ctl_hypercall_page(domid_t domid, xen_pfn_t mfn)
{
    struct xen_domctl ctl = { .u.hypercall_init.gmfn = mfn };

    return domctl(&ctl, XEN_DOMCTL_hypercall_init, domid);
}

int ctl_time_offset(domid_t domid, int64_t seconds)
{
    struct xen_domctl ctl = { .u.settimeoffset.time_offset_seconds = seconds };

    return domctl(&ctl, XEN_DOMCTL_settimeoffset, domid);
}

int ctl_set_context(domid_t domid, unsigned vcpu, const struct vcpu_guest_context *context)
{
    struct xen_domctl ctl = { .u.vcpucontext.vcpu = vcpu };
    void *buffer = port_buffer(sizeof(*context));
    int rc;

    if (!buffer)
        return -XEN_ENOMEM;
    memcpy(buffer, context, sizeof(*context));
    set_xen_guest_handle_raw(ctl.u.vcpucontext.ctxt, buffer);
    rc = domctl(&ctl, XEN_DOMCTL_setvcpucontext, domid);
    port_buffer_free(buffer, sizeof(*context));
    return rc;
}

/* memory_op and mmuext_op take the command or count apart from the structure. */
static long call_op(unsigned op, uint64_t first, void *args, size_t size, uint64_t third, uint64_t fourth)
{
    void *buffer = port_buffer(size);
    uint64_t pointer = (uintptr_t)buffer;
    long rc;

    if (!buffer)
        return -XEN_ENOMEM;
    memcpy(buffer, args, size);
    if (op == __HYPERVISOR_mmuext_op)
        rc = port_hypercall(op, pointer, first, third, fourth, 0);
    else
        rc = port_hypercall(op, first, pointer, third, fourth, 0);
    memcpy(args, buffer, size);
    port_buffer_free(buffer, size);
    return rc;
}

int ctl_populate(domid_t domid, xen_pfn_t *extents, unsigned count, unsigned order)
{
    struct xen_memory_reservation reservation = {
        .nr_extents = count, .extent_order = order, .domid = domid,
    };

    set_xen_guest_handle_raw(reservation.extent_start, extents);
    return call_op(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &reservation, sizeof(reservation), 0, 0);
}

int ctl_memory_map(domid_t domid, uint64_t bytes)
{
    struct xen_foreign_memory_map map = { .domid = domid, .map.nr_entries = 1 };
    struct e820_entry *entry = port_buffer(sizeof(*entry));
    int rc;

    if (!entry)
        return -XEN_ENOMEM;
    *entry = (struct e820_entry){ .size = bytes, .type = E820_RAM };
    set_xen_guest_handle_raw(map.map.buffer, (void *)entry);
    rc = call_op(__HYPERVISOR_memory_op, XENMEM_set_memory_map, &map, sizeof(map), 0, 0);
    port_buffer_free(entry, sizeof(*entry));
    return rc;
}

int ctl_pin_l4(domid_t domid, xen_pfn_t mfn)
{
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfn };

    return call_op(__HYPERVISOR_mmuext_op, 1, &op, sizeof(op), 0, domid);
}

/* The first frame of the domain's grant table, made if it is not there yet. */
static int grant_frame(domid_t domid, xen_pfn_t *mfn)
{
    xen_pfn_t *list = port_buffer(sizeof(*list));
    struct gnttab_setup_table setup = { .dom = domid, .nr_frames = 1 };
    void *buffer = port_buffer(sizeof(setup));
    int rc = -XEN_ENOMEM;

    if (list && buffer) {
        set_xen_guest_handle_raw(setup.frame_list, list);
        memcpy(buffer, &setup, sizeof(setup));
        rc = port_hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, (uintptr_t)buffer, 1, 0, 0);
        memcpy(&setup, buffer, sizeof(setup));
        if (rc == 0 && setup.status != GNTST_okay)
            rc = -XEN_EINVAL;
        *mfn = *list;
    }
    if (buffer)
        port_buffer_free(buffer, sizeof(setup));
    if (list)
        port_buffer_free(list, sizeof(*list));
    return rc;
}

int ctl_seed_grants(domid_t domid, xen_pfn_t console_mfn, xen_pfn_t store_mfn)
{
    struct grant_entry_v1 *table;
    xen_pfn_t mfn;
    int rc = grant_frame(domid, &mfn);

    if (rc < 0)
        return rc;
    table = port_map_foreign(domid, &mfn, 1);
    if (!table)
        return -XEN_ENOMEM;
    table[GNTTAB_RESERVED_CONSOLE] = (struct grant_entry_v1){ GTF_permit_access, 0, console_mfn };
    table[GNTTAB_RESERVED_XENSTORE] = (struct grant_entry_v1){ GTF_permit_access, 0, store_mfn };
    port_unmap_foreign(table, 1);
    return 0;
}

int ctl_alloc_unbound(domid_t domid)
{
    struct evtchn_alloc_unbound alloc = { .dom = domid, .remote_dom = DOMID_SELF };
    int rc = call_op(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &alloc, sizeof(alloc), 0, 0);

    return rc < 0 ? rc : (int)alloc.port;
}

int ctl_physinfo(struct xen_sysctl_physinfo *info)
{
    struct xen_sysctl ctl = { 0 };
    int rc = sysctl(&ctl, XEN_SYSCTL_physinfo);

    *info = ctl.u.physinfo;
    return rc;
}

int ctl_sched_id(void)
{
    struct xen_sysctl ctl = { 0 };
    int rc = sysctl(&ctl, XEN_SYSCTL_sched_id);

    return rc < 0 ? rc : (int)ctl.u.sched_id.sched_id;
}

static int sched_params_op(unsigned cmd, struct xen_sysctl_credit_schedule *params)
{
    struct xen_sysctl ctl = { 0 };
    int rc;

    ctl.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
    ctl.u.scheduler_op.cmd = cmd;
    ctl.u.scheduler_op.u.sched_credit = *params;
    rc = sysctl(&ctl, XEN_SYSCTL_scheduler_op);
    *params = ctl.u.scheduler_op.u.sched_credit;
    return rc;
}

int ctl_sched_params(struct xen_sysctl_credit_schedule *params)
{
    return sched_params_op(XEN_SYSCTL_SCHEDOP_getinfo, params);
}

int ctl_set_sched_params(struct xen_sysctl_credit_schedule *params)
{
    return sched_params_op(XEN_SYSCTL_SCHEDOP_putinfo, params);
}

int ctl_debug_keys(const char *keys)
{
    struct xen_sysctl ctl = { 0 };
    size_t count = strlen(keys);
    char *buffer = port_buffer(count);
    int rc;

    if (!buffer)
        return -XEN_ENOMEM;
    memcpy(buffer, keys, count);
    set_xen_guest_handle_raw(ctl.u.debug_keys.keys, buffer);
    ctl.u.debug_keys.nr_keys = count;
    rc = sysctl(&ctl, XEN_SYSCTL_debug_keys);
    port_buffer_free(buffer, count);
    return rc;
}

int ctl_readconsole(char *buffer, unsigned size, uint32_t *index)
{
    struct xen_sysctl ctl = { 0 };
    struct xen_sysctl_readconsole *read = &ctl.u.readconsole;
    int rc;

    read->incremental = 1;
    read->index = *index;
    read->count = size;
    set_xen_guest_handle_raw(read->buffer, buffer);
    rc = sysctl(&ctl, XEN_SYSCTL_readconsole);
    if (rc < 0)
        return rc;
    *index = read->index;
    return read->count;
}

long ctl_version(unsigned cmd, void *buffer)
{
    return port_hypercall(__HYPERVISOR_xen_version, cmd, (uintptr_t)buffer, 0, 0, 0);
}

void ctl_shutdown_self(unsigned reason)
{
    struct sched_shutdown shutdown = { .reason = reason };

    call_op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &shutdown, sizeof(shutdown), 0, 0);
}
