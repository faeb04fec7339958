/* SPDX-License-Identifier: MIT */
/*
 * Control of a domain beside its life: shares of CPU time, affinities and states of vCPUs, the scheduler as a
 * whole, pools of CPUs, what a toolstack asks about frames when it saves a domain, and the entry points that
 * a vCPU's context leaves out. Sources: domctl.h, sysctl.h.
 */
#include "child.h"

static long sysctl(struct xen_sysctl *op, unsigned cmd)
{
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return HC(sysctl, op);
}

static unsigned sched_id(void)
{
    struct xen_sysctl op = { 0 };

    check_eq(sysctl(&op, XEN_SYSCTL_sched_id), 0, "sched_id");
    return op.u.sched_id.sched_id;
}

static long shares(unsigned id, unsigned cmd, domid_t dom, struct xen_domctl *op)
{
    op->u.scheduler_op.sched_id = id;
    op->u.scheduler_op.cmd = cmd;
    return domctl(op, XEN_DOMCTL_scheduler_op, dom);
}

/* The credit schedulers' structures have the weight at the same place. */
static void check_shares(unsigned id)
{
    struct xen_domctl op = { 0 };

    check_eq(shares(id, XEN_DOMCTL_SCHEDOP_getinfo, child, &op), 0, "scheduler_op getinfo");
    check_eq(op.u.scheduler_op.u.credit.weight, 256, "weight 256 to begin with");
    check_eq(op.u.scheduler_op.u.credit.cap, 0, "and no cap");
    op.u.scheduler_op.u.credit.weight = 512;
    op.u.scheduler_op.u.credit.cap = 50;
    check_eq(shares(id, XEN_DOMCTL_SCHEDOP_putinfo, child, &op), 0, "putinfo");
    memset(&op, 0, sizeof(op));
    check_eq(shares(id, XEN_DOMCTL_SCHEDOP_getinfo, child, &op), 0, "getinfo again");
    check_eq(op.u.scheduler_op.u.credit.weight, 512, "the new weight");
    check_eq(op.u.scheduler_op.u.credit.cap, 50, "the new cap");
    op.u.scheduler_op.u.credit.weight = 0;
    op.u.scheduler_op.u.credit.cap = 0;
    check_eq(shares(id, XEN_DOMCTL_SCHEDOP_putinfo, child, &op), 0, "putinfo of weight 0 and no cap");
    check_eq(shares(id, XEN_DOMCTL_SCHEDOP_getinfo, child, &op), 0, "getinfo again");
    check_eq(op.u.scheduler_op.u.credit.weight, 512, "weight 0 means the one it has");
    check_eq(op.u.scheduler_op.u.credit.cap, 0, "there is no cap any more");
    check_eq(shares(id, 99, child, &op), -GE_INVAL, "an unknown command: -EINVAL");
    check_eq(shares(id + 1, XEN_DOMCTL_SCHEDOP_getinfo, child, &op), -GE_INVAL,
             "of another scheduler: -EINVAL");
    check_eq(shares(id, XEN_DOMCTL_SCHEDOP_getinfo, 4242, &op), -GE_SRCH, "of no domain: -ESRCH");
}

static void check_scheduler(unsigned id)
{
    struct xen_sysctl op = { 0 };

    op.u.scheduler_op.sched_id = id;
    op.u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
    check_eq(sysctl(&op, XEN_SYSCTL_scheduler_op), 0, "the scheduler's parameters");
    op.u.scheduler_op.cmd = 77;
    check_eq(sysctl(&op, XEN_SYSCTL_scheduler_op), -GE_INVAL, "an unknown command: -EINVAL");
    op.u.scheduler_op.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
    op.u.scheduler_op.cpupool_id = 9;
    check_eq(sysctl(&op, XEN_SYSCTL_scheduler_op), -GE_SRCH, "of no pool: -ESRCH");
    op.u.scheduler_op.cpupool_id = 0;
    op.u.scheduler_op.sched_id = id + 1;
    check_eq(sysctl(&op, XEN_SYSCTL_scheduler_op), -GE_INVAL, "of another scheduler: -EINVAL");
}

static void check_pools(void)
{
    static uint8_t map[8];
    struct xen_sysctl op = { 0 };

    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    op.u.cpupool_op.cpupool_id = 0;
    set_xen_guest_handle(op.u.cpupool_op.cpumap.bitmap, map);
    op.u.cpupool_op.cpumap.nr_bits = sizeof(map) * 8;
    check_eq(sysctl(&op, XEN_SYSCTL_cpupool_op), 0, "cpupool_op info");
    check_eq(op.u.cpupool_op.cpupool_id, 0, "of pool 0");
    check_eq(op.u.cpupool_op.n_dom, 2, "which has two domains");
    check_eq(map[0], 1, "and CPU 0");
    op.u.cpupool_op.cpupool_id = 1;
    check_eq(sysctl(&op, XEN_SYSCTL_cpupool_op), -GE_NOENT, "there is no other pool: -ENOENT");
    op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_FREEINFO;
    check_eq(sysctl(&op, XEN_SYSCTL_cpupool_op), 0, "cpupool_op freeinfo");
    check_eq(map[0], 0, "no CPU is in no pool");
}

static void check_vcpus(void)
{
    static uint8_t hard[8], soft[8];
    struct xen_domctl op = { 0 };

    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, hard);
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_soft.bitmap, soft);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = op.u.vcpuaffinity.cpumap_soft.nr_bits = 64;
    check_eq(domctl(&op, XEN_DOMCTL_getvcpuaffinity, child), 0, "getvcpuaffinity");
    check(hard[0] & 1 && soft[0] & 1, "both allow CPU 0");
    hard[0] = soft[0] = 1;
    check_eq(domctl(&op, XEN_DOMCTL_setvcpuaffinity, child), 0, "setvcpuaffinity to CPU 0");
    memset(hard, 0, sizeof(hard));
    hard[5] = 1;
    check_eq(domctl(&op, XEN_DOMCTL_setvcpuaffinity, child), -GE_INVAL, "to a CPU that is not there: -EINVAL");
    op.u.vcpuaffinity.vcpu = 7;
    check_eq(domctl(&op, XEN_DOMCTL_getvcpuaffinity, child), -GE_INVAL, "of a vCPU out of range: -EINVAL");
    op.u.vcpuaffinity.vcpu = 0;
    op.u.vcpuaffinity.flags = 0;
    check_eq(domctl(&op, XEN_DOMCTL_getvcpuaffinity, child), -GE_INVAL, "without flags: -EINVAL");
    memset(&op, 0, sizeof(op));
    check_eq(domctl(&op, XEN_DOMCTL_getvcpuinfo, child), 0, "getvcpuinfo");
    check_eq(op.u.getvcpuinfo.online, 1, "it is online");
    check_eq(op.u.getvcpuinfo.cpu, 0, "on CPU 0");
    op.u.getvcpuinfo.vcpu = 7;
    check_eq(domctl(&op, XEN_DOMCTL_getvcpuinfo, child), -GE_INVAL, "of a vCPU out of range: -EINVAL");
}

static void check_frames(void)
{
    static xen_pfn_t list[PAGES + 2];
    struct xen_domctl op = { 0 };
    const xen_pfn_t ltab = XEN_DOMCTL_PFINFO_LTAB_MASK;

    for (unsigned i = 0; i < PAGES; i++)
        list[i] = child_mfns[i];
    list[PAGES] = va_to_mfn(list);
    list[PAGES + 1] = ~0ul >> 13;
    op.u.getpageframeinfo3.num = PAGES + 2;
    set_xen_guest_handle(op.u.getpageframeinfo3.array, list);
    check_eq(domctl(&op, XEN_DOMCTL_getpageframeinfo3, child), 0, "getpageframeinfo3");
    check_eq(list[L4] & ltab, XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB, "its root is a pinned L4");
    check_eq(list[L3] & ltab, XEN_DOMCTL_PFINFO_L3TAB, "below it an L3");
    check_eq(list[L2] & ltab, XEN_DOMCTL_PFINFO_L2TAB, "an L2");
    check_eq(list[L1] & ltab, XEN_DOMCTL_PFINFO_L1TAB, "an L1");
    check_eq(list[DATA] & ltab, 0, "and a page that is no table");
    check_eq(list[PAGES] & ltab, XEN_DOMCTL_PFINFO_XTAB, "a frame of ours is none of it");
    check_eq(list[PAGES + 1] & ltab, XEN_DOMCTL_PFINFO_XTAB, "nor is one that does not exist");
    op.u.getpageframeinfo3.num = 1025;
    check_eq(domctl(&op, XEN_DOMCTL_getpageframeinfo3, child), -GE_2BIG, "of 1025 frames: -E2BIG");
    op.u.getpageframeinfo3.num = 1;
    set_xen_guest_handle_raw(op.u.getpageframeinfo3.array, (xen_pfn_t *)BAD_PTR_XEN);
    check_eq(domctl(&op, XEN_DOMCTL_getpageframeinfo3, child), -GE_FAULT, "a bad list: -EFAULT");
}

static void check_ext_context(void)
{
    struct xen_domctl op = { 0 };
    struct xen_domctl_ext_vcpucontext *e = &op.u.ext_vcpucontext;

    check_eq(domctl(&op, XEN_DOMCTL_get_ext_vcpucontext, child), 0, "get_ext_vcpucontext");
    check_eq(e->size, sizeof(*e), "its size");
    e->syscall32_callback_eip = 0x123000;
    e->syscall32_disables_events = 1;
    check_eq(domctl(&op, XEN_DOMCTL_set_ext_vcpucontext, child), 0, "set_ext_vcpucontext");
    memset(&op, 0, sizeof(op));
    check_eq(domctl(&op, XEN_DOMCTL_get_ext_vcpucontext, child), 0, "get it again");
    check_eq(e->syscall32_callback_eip, 0x123000, "the address is there");
    check_eq(e->syscall32_disables_events, 1, "and its flag");
    e->sysenter_callback_eip = 1ul << 60;
    check_eq(domctl(&op, XEN_DOMCTL_set_ext_vcpucontext, child), -GE_INVAL,
             "an address that is none: -EINVAL");
    e->sysenter_callback_eip = 0;
    e->size = 4;
    check_eq(domctl(&op, XEN_DOMCTL_set_ext_vcpucontext, child), -GE_INVAL, "a short one: -EINVAL");
    e->vcpu = 7;
    check_eq(domctl(&op, XEN_DOMCTL_get_ext_vcpucontext, child), -GE_SRCH, "of a vCPU out of range: -ESRCH");
    memset(&op, 0, sizeof(op));
    check_eq(domctl(&op, XEN_DOMCTL_get_ext_vcpucontext, 0), -GE_SRCH, "of the caller: -ESRCH");
}

TEST_MAIN("control")
{
    unsigned id = sched_id();

    child_start();
    check_shares(id);
    check_scheduler(id);
    check_pools();
    check_vcpus();
    check_frames();
    check_ext_context();
    check(child_destroy(), "the child is gone");
}
