/* SPDX-License-Identifier: MIT */
/*
 * Domain-0 as the toolstack: makes a domain by domctl, fills it through foreign mappings, runs it, and
 * destroys it. The child runs one page of code that makes the hypercalls which Domain-0 writes into a shared
 * page, so that the answers an unprivileged domain gets are checked, too; at last it is made to crash.
 * Sources: domctl.h, sysctl.h.
 */
#include "child.h"

#include <xen/platform.h>


static xen_pfn_t *const mfns = child_mfns;
static unsigned dom_exc_port;

static long physinfo(struct xen_sysctl *op)
{
    memset(op, 0, sizeof(*op));
    op->cmd = XEN_SYSCTL_physinfo;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return HC(sysctl, op);
}

static uint64_t free_pages_now(void)
{
    struct xen_sysctl op;

    return physinfo(&op) ? 0 : op.u.physinfo.free_pages;
}

static void check_sysctl(void)
{
    static struct xen_domctl_getdomaininfo list[4];
    struct xen_sysctl op;

    check_eq(physinfo(&op), 0, "physinfo");
    check_eq(op.u.physinfo.nr_cpus, 1, "physinfo: one CPU");
    check_eq(op.u.physinfo.nr_nodes, 1, "physinfo: one node");
    check(op.u.physinfo.total_pages > 100000 && op.u.physinfo.total_pages <= 131072,
          "physinfo: the machine's pages");
    check(op.u.physinfo.free_pages > 0 && op.u.physinfo.free_pages < op.u.physinfo.total_pages,
          "physinfo: free pages");
    check(op.u.physinfo.cpu_khz > 0, "physinfo: a CPU frequency");
    op.interface_version++;
    check_eq(HC(sysctl, &op), -GE_ACCES, "sysctl of another interface version: -EACCES");
    memset(&op, 0, sizeof(op));
    op.cmd = 999;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    check_eq(HC(sysctl, &op), -GE_NOSYS, "an unknown sysctl: -ENOSYS");
    memset(&op, 0, sizeof(op));
    op.cmd = XEN_SYSCTL_getdomaininfolist;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op.u.getdomaininfolist.max_domains = ARRAY_SIZE(list);
    set_xen_guest_handle(op.u.getdomaininfolist.buffer, list);
    check_eq(HC(sysctl, &op), 0, "getdomaininfolist");
    check_eq(op.u.getdomaininfolist.num_domains, 1, "Domain-0 is alone");
    check_eq(list[0].domain, 0, "it is domain 0");
    check_eq(list[0].tot_pages, start_info->nr_pages, "with its pages");
    check_eq(list[0].nr_online_vcpus, 1, "and one vCPU");
    check(list[0].cpu_time > 0, "that has run");
}

static void check_create(void)
{
    struct xen_domctl op = create_request();
    struct xen_domctl_getdomaininfo *info;

    check_eq(domctl(&op, XEN_DOMCTL_createdomain, 0), 0, "createdomain");
    child = op.domain;
    check(child > 0 && child < DOMID_FIRST_RESERVED, "the new domain has an id");
    info = info_of(child);
    check(info != NULL, "getdomaininfo of it");
    check_eq(info->flags & (XEN_DOMINF_paused | XEN_DOMINF_dying | XEN_DOMINF_shutdown), XEN_DOMINF_paused,
             "it is paused");
    check_eq(info->tot_pages, 0, "it has no pages");
    check_eq(memcmp(info->handle, op.u.createdomain.handle, sizeof(info->handle)), 0, "its handle");
    check_eq(info->nr_online_vcpus, 0, "no vCPU is online");

    op = create_request();
    check_eq(domctl(&op, XEN_DOMCTL_createdomain, child), -GE_EXIST, "createdomain with its id: -EEXIST");
    op = create_request();
    op.u.createdomain.max_vcpus = 0;
    check_eq(domctl(&op, XEN_DOMCTL_createdomain, 0), -GE_INVAL, "createdomain without vCPUs: -EINVAL");
    op = create_request();
    op.u.createdomain.flags = ~0u;
    check_eq(domctl(&op, XEN_DOMCTL_createdomain, 0), -GE_INVAL, "createdomain with unknown flags: -EINVAL");
    op = create_request();
    op.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(0);
    check_eq(domctl(&op, XEN_DOMCTL_createdomain, 0), -GE_INVAL,
             "createdomain with grant version 0: -EINVAL");
    op = create_request();
    op.interface_version = 1;
    op.cmd = XEN_DOMCTL_createdomain;
    check_eq(HC(domctl, &op), -GE_ACCES, "domctl of another interface version: -EACCES");
    check_eq(domctl_simple(XEN_DOMCTL_getdomaininfo, child + 1), -GE_SRCH,
             "getdomaininfo beyond the last: -ESRCH");
    check_eq(domctl_simple(XEN_DOMCTL_pausedomain, child + 1), -GE_SRCH, "pausedomain of no domain: -ESRCH");
    check_eq(domctl_simple(XEN_DOMCTL_pausedomain, 0), -GE_INVAL, "Domain-0 pauses itself: -EINVAL");
    check_eq(domctl_simple(XEN_DOMCTL_destroydomain, 0), -GE_INVAL, "Domain-0 destroys itself: -EINVAL");
    check_eq(domctl_simple(999, child), -GE_NOSYS, "an unknown domctl: -ENOSYS");
}

static void check_memory(void)
{
    struct xen_domctl op = { 0 };
    xen_pfn_t extra[2] = { PAGES, PAGES + 1 };

    check_eq(populate(child, extra, 1), 0, "populate before max_mem: nothing");
    op.u.max_mem.max_memkb = PAGES * 4;
    check_eq(domctl(&op, XEN_DOMCTL_max_mem, child), 0, "max_mem");
    for (unsigned i = 0; i < PAGES; i++)
        mfns[i] = i;
    check_eq(populate(child, mfns, PAGES), PAGES, "populate_physmap for the child");
    check_eq(populate(child, extra, 2), 0, "populate beyond max_mem: nothing");
    check_eq(info_of(child)->tot_pages, PAGES, "the child's pages are counted");
    check_eq(machine_to_phys_mapping[mfns[3]], 3, "the M2P has the child's numbers");
    if (map_page(VIEW, 0))
        bail_out("cannot build tables");
    check_eq(mmu_set(pte_maddr(VIEW, 1), PTE(mfns[DATA], L1_FLAGS)), -GE_BUSY,
             "the child's frame without a foreign domain: -EBUSY");
    check_eq(map_foreign(VIEW, PTE(mfns[DATA], L1_FLAGS), child), 0, "the child's frame as its own");
    *(volatile uint64_t *)VIEW = 0x1234;
    check_eq(*(volatile uint64_t *)VIEW, 0x1234, "it can be written");
    check_eq(map_foreign(VIEW, PTE(va_to_mfn(mfns), L1_FLAGS), child), -GE_BUSY,
             "our frame as the child's: -EBUSY");
    check_eq(map_foreign(VIEW, 0, child), 0, "it is unmapped");
}

static void check_build(void)
{
    static struct vcpu_guest_context context;
    struct xen_domctl op = { 0 }, max = { 0 };
    struct mmuext_op pin = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfns[L4] };

    child_fill_tables();
    check_eq(HC(mmuext_op, &pin, 1, 0, child), 0, "the child's root table is pinned for it");
    check_eq(map_foreign(VIEW, PTE(mfns[L1], L1_FLAGS), child), -GE_BUSY,
             "the child's table mapped writable by Domain-0: -EBUSY");
    check_eq(map_foreign(VIEW, PTE(mfns[L1], L1_RO), child), 0, "the child's table mapped read-only");
    map_foreign(VIEW, 0, child);
    check_eq(child_map_mailbox(), 0, "the shared page is mapped");
    child_context(&context);
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
    check_eq(domctl(&op, XEN_DOMCTL_setvcpucontext, child), -GE_INVAL,
             "setvcpucontext before max_vcpus: -EINVAL");
    max.u.max_vcpus.max = 2;
    check_eq(domctl(&max, XEN_DOMCTL_max_vcpus, child), -GE_INVAL,
             "max_vcpus that is not the domain's: -EINVAL");
    max.u.max_vcpus.max = 1;
    check_eq(domctl(&max, XEN_DOMCTL_max_vcpus, child), 0, "max_vcpus");
    set_xen_guest_handle(op.u.vcpucontext.ctxt, (vcpu_guest_context_t *)BAD_PTR_XEN);
    check_eq(domctl(&op, XEN_DOMCTL_setvcpucontext, child), -GE_FAULT,
             "setvcpucontext, bad pointer: -EFAULT");
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
    op.u.vcpucontext.vcpu = 7;
    check_eq(domctl(&op, XEN_DOMCTL_setvcpucontext, child), -GE_INVAL, "setvcpucontext of no vCPU: -EINVAL");
    op.u.vcpucontext.vcpu = 0;
    check_eq(domctl(&op, XEN_DOMCTL_setvcpucontext, child), 0, "setvcpucontext");
    check_eq(info_of(child)->nr_online_vcpus, 1, "the child's vCPU is online");
}

static void check_run(void)
{
    struct xen_domctl op = { 0 };

    check_eq(domctl_simple(XEN_DOMCTL_unpausedomain, child), 0, "unpausedomain");
    check_eq(domctl_simple(XEN_DOMCTL_unpausedomain, child), -GE_INVAL, "unpausedomain again: -EINVAL");
    check_eq(child_ask(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0), 4 << 16 | 17,
             "the child makes a hypercall");
    check_eq(domctl_simple(XEN_DOMCTL_pausedomain, child), 0, "pausedomain");
    check(info_of(child)->flags & XEN_DOMINF_paused, "it is paused");
    mailbox->request++;
    for (unsigned i = 0; i < 20; i++)
        HC(sched_op, SCHEDOP_yield, 0);
    check(mailbox->done != mailbox->request, "a paused domain does not run");
    check_eq(domctl_simple(XEN_DOMCTL_unpausedomain, child), 0, "unpausedomain");
    check_eq(child_ask(__HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0), 4096, "it runs again");
    op.u.getvcpuinfo.vcpu = 0;
    check_eq(domctl(&op, XEN_DOMCTL_getvcpuinfo, child), 0, "getvcpuinfo");
    check(op.u.getvcpuinfo.online && op.u.getvcpuinfo.cpu_time > 0, "its vCPU is online and has run");
    op.u.getvcpuinfo.vcpu = 9;
    check_eq(domctl(&op, XEN_DOMCTL_getvcpuinfo, child), -GE_INVAL, "getvcpuinfo of no vCPU: -EINVAL");
}

/* What an unprivileged domain may not do. */
static void check_unprivileged(void)
{
    struct xen_domctl *op = OUR_ARG;
    domid_t *dom = OUR_ARG;
    struct mmu_update *req = OUR_ARG;
    struct mmuext_op *ext = OUR_ARG;
    uint64_t entry = ((uint64_t)mfns[L1] << PAGE_SHIFT) + 100 * 8;

    memset(op, 0, sizeof(*op));
    op->cmd = XEN_DOMCTL_pausedomain;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    check_eq(child_ask(__HYPERVISOR_domctl, CHILD_ARG, 0, 0, 0), -GE_PERM, "domctl by the child: -EPERM");
    ((struct xen_sysctl *)op)->cmd = XEN_SYSCTL_physinfo;
    check_eq(child_ask(__HYPERVISOR_sysctl, CHILD_ARG, 0, 0, 0), -GE_PERM, "sysctl by the child: -EPERM");
    ((struct xen_platform_op *)op)->cmd = XENPF_firmware_info;
    ((struct xen_platform_op *)op)->interface_version = XENPF_INTERFACE_VERSION;
    check_eq(child_ask(__HYPERVISOR_platform_op, CHILD_ARG, 0, 0, 0), -GE_PERM,
             "platform_op by the child: -EPERM");
    *dom = 0;
    check_eq(child_ask(__HYPERVISOR_memory_op, XENMEM_current_reservation, CHILD_ARG, 0, 0), -GE_PERM,
             "Domain-0's reservation asked by the child: -EPERM");
    *dom = DOMID_SELF;
    check_eq(child_ask(__HYPERVISOR_memory_op, XENMEM_current_reservation, CHILD_ARG, 0, 0), PAGES,
             "its own reservation");
    check_eq(child_ask(__HYPERVISOR_memory_op, XENMEM_machine_memory_map, CHILD_ARG, 0, 0), -GE_PERM,
             "the machine's memory map asked by the child: -EPERM");

    *req = (struct mmu_update){ entry, PTE(mfns[SPARE_A], L1_FLAGS) };
    check_eq(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF), 0,
             "the child maps its own frame");
    req->val = 0;
    child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF);
    req->val = PTE(va_to_mfn(mfns), L1_FLAGS);
    check_eq(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF), -GE_BUSY,
             "the child maps Domain-0's frame: -EBUSY");
    check_eq(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, 0), -GE_PERM,
             "the child maps Domain-0's frame as Domain-0's: -EPERM");
    req->val = PTE(va_to_mfn(mfns), L1_RO);
    check_eq(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF), -GE_BUSY,
             "the child maps Domain-0's frame read-only: -EBUSY");
    req->val = PTE(0xb8, L1_FLAGS);
    check_eq(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF), -GE_PERM,
             "the child maps the screen's memory: -EPERM");
    req->val = PTE(0xfee00, L1_FLAGS);
    check_eq(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF), -GE_PERM,
             "the child maps the local APIC: -EPERM");
    req->val = PTE(mfns[SPARE_A], L1_FLAGS | PTE_PCD);
    check_eq(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF), -GE_INVAL,
             "the child sets PCD: -EINVAL");
    req->val = PTE(mfns[SPARE_A], L1_FLAGS | PTE_PWT);
    check_eq(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF), -GE_INVAL,
             "the child sets PWT: -EINVAL");
    req->val = PTE(mfns[L1], L1_FLAGS);
    check_eq(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF), -GE_BUSY,
             "the child maps its table writable: -EBUSY");
    *req = (struct mmu_update){ pte_maddr(VIRT_BASE, 1), 0 };
    check(child_ask(__HYPERVISOR_mmu_update, CHILD_ARG, 1, 0, DOMID_SELF) < 0,
          "the child writes Domain-0's table: refused");
    *ext = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = va_to_mfn(mfns) };
    check(child_ask(__HYPERVISOR_mmuext_op, CHILD_ARG, 1, 0, DOMID_SELF) < 0,
          "the child pins Domain-0's frame: refused");
    *ext = (struct mmuext_op){ .cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = root_mfn() };
    check(child_ask(__HYPERVISOR_mmuext_op, CHILD_ARG, 1, 0, DOMID_SELF) < 0,
          "the child takes Domain-0's root: refused");
    check_eq(child_ask(__HYPERVISOR_console_io, CONSOLEIO_write, 4, CHILD_VA(CODE), 0), -GE_PERM,
             "console_io by the child: -EPERM");
    ((struct physdev_set_iopl *)OUR_ARG)->iopl = 3;
    check_eq(child_ask(__HYPERVISOR_set_debugreg, 0, BAD_PTR_XEN, 0, 0), -GE_PERM,
             "the child's breakpoint on the hypervisor: -EPERM");
}

static void check_events(void)
{
    struct evtchn_alloc_unbound unbound = { .dom = child, .remote_dom = 0 };
    struct evtchn_bind_interdomain bind;
    struct evtchn_bind_interdomain *theirs = OUR_ARG;
    struct evtchn_alloc_unbound *alloc = OUR_ARG;
    struct evtchn_send *send = OUR_ARG;
    struct evtchn_status status = { .dom = child };
    unsigned port;

    check_eq(evtchn_op(EVTCHNOP_alloc_unbound, &unbound), 0, "alloc_unbound in the child by Domain-0");
    bind = (struct evtchn_bind_interdomain){ .remote_dom = child, .remote_port = unbound.port };
    check_eq(evtchn_op(EVTCHNOP_bind_interdomain, &bind), 0, "Domain-0 binds to it");
    status.port = unbound.port;
    check_eq(evtchn_op(EVTCHNOP_status, &status), 0, "its status, asked by Domain-0");
    check(status.status == EVTCHNSTAT_interdomain && status.u.interdomain.dom == 0 &&
          status.u.interdomain.port == bind.local_port, "it is connected to Domain-0's port");
    event_count[bind.local_port] = 0;
    events_unmask();
    event_count[bind.local_port] = 0;
    send->port = unbound.port;
    check_eq(child_ask(__HYPERVISOR_event_channel_op, EVTCHNOP_send, CHILD_ARG, 0, 0), 0, "the child sends");
    check(wait_count(&event_count[bind.local_port], 1, 5 * SECOND), "Domain-0 gets the event");
    events_mask();

    *alloc = (struct evtchn_alloc_unbound){ .dom = DOMID_SELF, .remote_dom = 0 };
    check_eq(child_ask(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, CHILD_ARG, 0, 0), 0,
             "the child offers a port to Domain-0");
    port = alloc->port;
    *alloc = (struct evtchn_alloc_unbound){ .dom = 0, .remote_dom = 0 };
    check_eq(child_ask(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, CHILD_ARG, 0, 0), -GE_PERM,
             "alloc_unbound in Domain-0 by the child: -EPERM");
    *theirs = (struct evtchn_bind_interdomain){ .remote_dom = 0, .remote_port = bind.local_port };
    check_eq(child_ask(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, CHILD_ARG, 0, 0), -GE_INVAL,
             "the child binds to a connected port of Domain-0: -EINVAL");
    *(struct evtchn_status *)OUR_ARG = (struct evtchn_status){ .dom = 0, .port = 1 };
    check_eq(child_ask(__HYPERVISOR_event_channel_op, EVTCHNOP_status, CHILD_ARG, 0, 0), -GE_PERM,
             "Domain-0's port status asked by the child: -EPERM");
    check_eq(evtchn_close(bind.local_port), 0, "Domain-0 closes its end");
    evtchn_op(EVTCHNOP_status, &status);
    check_eq(status.status, EVTCHNSTAT_unbound, "the child's end is unbound again");
    bind = (struct evtchn_bind_interdomain){ .remote_dom = child, .remote_port = port };
    check_eq(evtchn_op(EVTCHNOP_bind_interdomain, &bind), 0, "Domain-0 binds to the offered port");
}

static void check_grants(void)
{
    xen_pfn_t frame = 0;
    struct gnttab_setup_table setup = { .dom = child, .nr_frames = 1 };
    struct gnttab_map_grant_ref map = { .host_addr = VIEW, .flags = GNTMAP_host_map, .ref = 8, .dom = child };
    struct gnttab_unmap_grant_ref unmap = { .host_addr = VIEW };
    grant_entry_v1_t *entries = (grant_entry_v1_t *)(VIEW + 2 * PAGE_SIZE);

    set_xen_guest_handle(setup.frame_list, &frame);
    HC(grant_table_op, GNTTABOP_setup_table, &setup, 1);
    check_eq(setup.status, GNTST_okay, "the child's grant table, set up by Domain-0");
    if (map_page(VIEW + 2 * PAGE_SIZE, 0))
        bail_out("cannot build tables");
    check_eq(map_foreign(VIEW + 2 * PAGE_SIZE, PTE(frame, L1_FLAGS), child), 0, "its frame can be mapped");
    HC(grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
    check_eq(map.status, GNTST_general_error, "map of a reference that grants nothing");
    entries[8].domid = 0;
    entries[8].frame = mfns[SPARE_A];
    entries[8].flags = GTF_permit_access;
    HC(grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
    check_eq(map.status, GNTST_okay, "Domain-0 maps the child's grant");
    *(volatile uint64_t *)VIEW = 0xfeed;
    check_eq(entries[8].flags & (GTF_reading | GTF_writing), GTF_reading | GTF_writing,
             "the grant is in use");
    unmap.handle = map.handle;
    HC(grant_table_op, GNTTABOP_unmap_grant_ref, &unmap, 1);
    check_eq(unmap.status, GNTST_okay, "and unmaps it");
    map.flags |= GNTMAP_readonly;
    entries[9].domid = 55;
    entries[9].frame = mfns[SPARE_A];
    entries[9].flags = GTF_permit_access;
    map.ref = 9;
    HC(grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
    check_eq(map.status, GNTST_general_error, "a grant to another domain is not for Domain-0");
    entries[10].domid = 0;
    entries[10].frame = va_to_mfn(mfns);
    entries[10].flags = GTF_permit_access;
    map.ref = 10;
    HC(grant_table_op, GNTTABOP_map_grant_ref, &map, 1);
    check_eq(map.status, GNTST_bad_page, "a grant of a frame that is not the child's: bad page");
    map_foreign(VIEW + 2 * PAGE_SIZE, 0, child);
}

/* A domain that is shut down keeps its first reason. */
static void check_remote_shutdown(void)
{
    struct sched_remote_shutdown request = { .reason = SHUTDOWN_suspend };
    struct sched_remote_shutdown *theirs = OUR_ARG;

    *theirs = (struct sched_remote_shutdown){ .domain_id = 0, .reason = SHUTDOWN_crash };
    check_eq(child_ask(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, CHILD_ARG, 0, 0), -GE_PERM,
             "the child shuts Domain-0 down: -EPERM");
    check_eq(child_ask(__HYPERVISOR_sched_op, SCHEDOP_pin_override, CHILD_ARG, 0, 0), -GE_PERM,
             "the child pins itself to a CPU: -EPERM");
    request.domain_id = child;
    check_eq(HC(sched_op, SCHEDOP_remote_shutdown, &request), 0, "Domain-0 shuts the child down");
    request.reason = SHUTDOWN_crash;
    check_eq(HC(sched_op, SCHEDOP_remote_shutdown, &request), 0, "and again for another reason");
    check(child_wait_flag(XEN_DOMINF_shutdown), "it is shut down");
    check_eq(info_of(child)->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, SHUTDOWN_suspend,
             "for the first reason");
    check_eq(domctl_simple(XEN_DOMCTL_resumedomain, child), 0, "resumedomain");
    check_eq(info_of(child)->flags & XEN_DOMINF_shutdown, 0, "it is not shut down any more");
    check_eq(child_ask(__HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0), 4096, "and runs on");
}

static void check_crash(void)
{
    struct xen_domctl_getdomaininfo *info;

    event_count[dom_exc_port] = 0;
    events_unmask();
    mailbox->nr = CHILD_CRASH;
    mailbox->request++;
    check(child_wait_flag(XEN_DOMINF_shutdown), "a child that raises #UD without a gate is shut down");
    info = info_of(child);
    check_eq(info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask, SHUTDOWN_crash,
             "its reason is crash");
    check(wait_count(&event_count[dom_exc_port], 1, 5 * SECOND), "VIRQ_DOM_EXC tells Domain-0");
    events_mask();
}

static void check_destroy(uint64_t free_before)
{
    uint64_t end;

    check_eq(destroy_domain(child), 0, "destroydomain");
    /* Our mapping of its page keeps the domain as a dying one. */
    check(info_of(child) && info_of(child)->flags & XEN_DOMINF_dying,
          "it is dying while a page of it is mapped");
    check_eq(mailbox->nr, CHILD_CRASH, "the mapped page is still there");
    check_eq(map_foreign(VIEW + PAGE_SIZE, 0, child), 0, "the page is unmapped");
    for (end = now() + 10 * SECOND; info_of(child) && now() < end;)
        HC(sched_op, SCHEDOP_yield, 0);
    check(!info_of(child), "the domain is gone");
    check_eq(domctl_simple(XEN_DOMCTL_destroydomain, child), -GE_SRCH, "destroydomain again: -ESRCH");
    /* Domain-0's own event channels may have made the hypervisor's pools grow by a few pages. */
    for (end = now() + 3 * SECOND; free_pages_now() + 4 < free_before && now() < end;)
        HC(sched_op, SCHEDOP_yield, 0);
    check(free_pages_now() + 4 >= free_before, "its pages are free again");
}

/* Free pages once what is freed late has arrived. */
static uint64_t settled_free_pages(void)
{
    uint64_t pages = free_pages_now(), changed = now();

    while (now() - changed < SECOND / 10) {
        HC(sched_op, SCHEDOP_yield, 0);
        if (free_pages_now() != pages) {
            pages = free_pages_now();
            changed = now();
        }
    }
    return pages;
}

static void check_cycles(void)
{
    uint64_t before = 0, end;
    long ret = 0;

    for (unsigned i = 0; i < 12; i++) {
        struct xen_domctl op = create_request();
        xen_pfn_t extents[16];
        domid_t dom;

        if (i == 2)
            before = settled_free_pages();
        ret |= domctl(&op, XEN_DOMCTL_createdomain, 0);
        dom = op.domain;
        op = (struct xen_domctl){ .u.max_mem.max_memkb = 64 };
        ret |= domctl(&op, XEN_DOMCTL_max_mem, dom);
        for (unsigned j = 0; j < 16; j++)
            extents[j] = j;
        ret |= populate(dom, extents, 16) != 16;
        ret |= destroy_domain(dom);
        for (end = now() + 10 * SECOND; info_of(dom) && now() < end;)
            HC(sched_op, SCHEDOP_yield, 0);
        ret |= info_of(dom) != NULL;
    }
    check_eq(ret, 0, "a domain is created, filled and destroyed twelve times");
    check(settled_free_pages() >= before, "no page is lost");
}

TEST_MAIN("domains")
{
    struct evtchn_bind_virq bind = { .virq = VIRQ_DOM_EXC };
    uint64_t free_before;

    if (evtchn_op(EVTCHNOP_bind_virq, &bind))
        bail_out("cannot bind VIRQ_DOM_EXC");
    dom_exc_port = bind.port;
    check_sysctl();
    free_before = free_pages_now();
    check_create();
    check_memory();
    check_build();
    check_run();
    check_unprivileged();
    check_events();
    check_grants();
    check_remote_shutdown();
    check_crash();
    check_destroy(free_before);
    check_cycles();
}
