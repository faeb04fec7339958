/* SPDX-License-Identifier: MIT */
/*
 * What a vCPU may arrange for itself: where its vcpu_info lies, NMIs, its place on the machine, and events
 * that arrive while it handles others.  Sources: vcpu.h, nmi.h.
 */
#include "guest.h"

static unsigned left, right, depth, deepest;
static unsigned nmis;
PROBE(p_ud2, "ud2");

static bool on_nmi(struct frame *frame)
{
    (void)frame;
    nmis++;
    return true;
}

static void check_move(void)
{
    static char area[PAGE_SIZE] __attribute__((aligned(4096)));
    struct vcpu_register_vcpu_info reg = { .mfn = va_to_mfn(area), .offset = 128 };
    struct vcpu_info *info = (struct vcpu_info *)(area + 128);

    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 0, BAD_PTR_XEN), -GE_FAULT,
             "register_vcpu_info, bad pointer: -EFAULT");
    reg.mfn = PTE_MFN(((pte_t *)start_info->pt_base)[256]);
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 0, &reg), -GE_INVAL,
             "in a frame of the hypervisor: -EINVAL");
    reg.mfn = root_mfn();
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 0, &reg), -GE_INVAL, "in a page table: -EINVAL");
    reg.mfn = va_to_mfn(area);
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 0, &reg), 0, "vcpu_info of this vCPU is moved");
    check_eq(info->evtchn_upcall_mask, 1, "its mask is taken along");
    check(info->time.version != 0, "its time record is taken along");
    vcpu_info_moved[0] = info;
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 0, &reg), -GE_INVAL, "moved again: -EINVAL");
    if (info->evtchn_upcall_pending) {
        events_unmask();
        events_mask();
    }
    event_count[right] = 0;
    evtchn_send(left);
    check_eq(info->evtchn_upcall_pending, 1, "an event shows in the new place");
    check_eq(event_count[right], 0, "the mask of the new place holds it back");
    events_unmask();
    check_eq(event_count[right], 1, "it is delivered when that mask is cleared");
    evtchn_send(left);
    check_eq(event_count[right], 2, "an upcall goes by the new place");
    events_mask();
    check(traps(p_ud2, 0, TRAP_UD), "a trap with events masked in the new place");
    check_eq(trap.frame.cs >> 32, 1, "saves that mask");
}

static void nested(unsigned port)
{
    (void)port;
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (depth < 5) {
        evtchn_send(left);
        vcpu_info(0)->evtchn_upcall_mask = 0;
        HC(xen_version, XENVER_version, 0);
        events_mask();
    }
    depth--;
}

static void check_nested(void)
{
    event_set_handler(right, nested);
    events_unmask();
    evtchn_send(left);
    check_eq(deepest, 5, "upcalls nest when a handler enables events");
    check_eq(depth, 0, "and all return");
    events_mask();
    event_set_handler(right, NULL);
    event_count[right] = 0;
    evtchn_send(left);
    vcpu_info(0)->evtchn_upcall_mask = 0;
    check_eq(event_count[right], 0, "clearing the mask alone delivers nothing");
    HC(xen_version, XENVER_version, 0);
    check_eq(event_count[right], 1, "the next hypercall does");
    events_mask();
}

static void check_nmi(void)
{
    struct xennmi_callback nmi = { .handler_address = (unsigned long)nmi_entry };

    trap_hook[CB_NMI] = on_nmi;
    check_eq(HC(nmi_op, XENNMI_register_callback, &nmi), 0, "an NMI callback is registered");
    check_eq(HC(vcpu_op, VCPUOP_send_nmi, 0, 0), 0, "an NMI is sent to this vCPU");
    check_eq(nmis, 1, "it arrives, events masked or not");
    check_eq(HC(vcpu_op, VCPUOP_send_nmi, 0, 0), 0, "another");
    check_eq(nmis, 2, "arrives, too");
    check_eq(HC(nmi_op, XENNMI_unregister_callback, 0), 0, "the callback is unregistered");
    check_eq(HC(nmi_op, 99, 0), -GE_NOSYS, "nmi_op, an unknown command: -ENOSYS");
    check_eq(HC(nmi_op, XENNMI_register_callback, BAD_PTR_XEN), -GE_FAULT, "nmi_op, bad pointer: -EFAULT");
}

static void check_masked_trap(void)
{
    static struct trap_info table[] = {
        { TRAP_UD, 4, FLAT_KERNEL_CS, 0 }, { 0 },
    };

    table[0].address = trap_entry_of(TRAP_UD);
    HC(set_trap_table, table);
    event_count[right] = 0;
    evtchn_send(left);
    events_mask();
    check(traps(p_ud2, 0, TRAP_UD), "a trap with an event pending and masked");
    check_eq(event_count[right], 0, "delivers no event");
    events_unmask();
    check_eq(event_count[right], 1, "it is delivered later");
    events_mask();
}

/* What a vCPU registers for its run states and its time: addresses that are none, and others' areas. */
static void check_areas(void)
{
    static struct vcpu_runstate_info runstate;
    struct vcpu_register_runstate_memory_area rs = { .addr.v = &runstate };
    struct vcpu_register_time_memory_area time = { .addr.p = BAD_PTR_UNMAPPED };

    check_eq(HC(vcpu_op, VCPUOP_register_runstate_memory_area, 0, BAD_PTR_XEN), -GE_FAULT,
             "register_runstate_memory_area, bad pointer: -EFAULT");
    check_eq(HC(vcpu_op, VCPUOP_register_runstate_memory_area, 77, &rs), -GE_NOENT,
             "of a vCPU that does not exist: -ENOENT");
    rs.addr.p = BAD_PTR_XEN;
    check_eq(HC(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &rs), -GE_FAULT,
             "an area in the hypervisor: -EFAULT");
    rs.addr.p = BAD_PTR_UNMAPPED;
    check_eq(HC(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &rs), 0, "an area that is not mapped yet");
    rs.addr.v = &runstate;
    check_eq(HC(vcpu_op, VCPUOP_register_runstate_memory_area, 0, &rs), 0, "one that is");
    check_eq(runstate.state, RUNSTATE_running, "is filled at once");
    check(runstate.state_entry_time != 0, "with the time of the last change");
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 0, &time), 0,
             "a time area that is not mapped yet");
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 77, &time), -GE_NOENT,
             "a time area of a vCPU that does not exist: -ENOENT");
}

/*
 * Which physical CPU it is on is for a Domain-0 that cannot move; on a machine of one CPU it cannot anyway.
 * A guest is neither pinned nor told.
 */
static void check_physid(void)
{
    struct sched_pin_override pin = { .pcpu = 0 };
    struct vcpu_get_physid id = { .phys_id = ~0ul };

    if (!is_dom0()) {
        check_eq(HC(vcpu_op, VCPUOP_get_physid, 0, &id), -GE_INVAL, "get_physid in a guest: -EINVAL");
        return;
    }
    check_eq(HC(sched_op, SCHEDOP_pin_override, &pin), 0, "the vCPU is pinned to CPU 0");
    check_eq(HC(vcpu_op, VCPUOP_get_physid, 0, &id), 0, "get_physid");
    check(xen_vcpu_physid_to_x86_apicid(id.phys_id) == 0 && xen_vcpu_physid_to_x86_acpiid(id.phys_id) == 0,
          "it is the first one");
    check_eq(HC(vcpu_op, VCPUOP_get_physid, 0, BAD_PTR_XEN), -GE_FAULT, "get_physid, bad pointer: -EFAULT");
    pin.pcpu = -1;
    HC(sched_op, SCHEDOP_pin_override, &pin);
}

static void check_requests(void)
{
    struct vcpu_set_singleshot_timer shot = { .timeout_abs_ns = now() + 1000000000UL };

    check_eq(HC(vcpu_op, VCPUOP_send_nmi, 0, 1), -GE_INVAL, "send_nmi with an argument: -EINVAL");
    check_eq(HC(vcpu_op, VCPUOP_set_singleshot_timer, 0, &shot), 0, "a single-shot timer");
    check_eq(HC(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0), 0, "is stopped");
    check_eq(HC(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0), 0, "one that does not run is stopped, too");
    check_eq(HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0), 0, "the periodic one is stopped");
    check_eq(HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0), 0, "twice");
    check_eq(HC(vcpu_op, ~0u, 0, 0), -GE_NOSYS, "command ~0: -ENOSYS");
    /* -85 is what the hypervisor itself may use to say "call again". */
    check_eq(HC(set_debugreg, 0, -85l), 0, "a breakpoint at address -85");
    check_eq(HC(get_debugreg, 0), -85, "is read as that");
    check_eq(HC(set_debugreg, 0, 0), 0, "it is taken away");
    check_eq(HC(get_debugreg, 8), -GE_NODEV, "debug register 8: -ENODEV");
}

TEST_MAIN("vcpu")
{
    struct evtchn_alloc_unbound unbound = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };

    if (evtchn_op(EVTCHNOP_alloc_unbound, &unbound))
        bail_out("cannot allocate a port");
    bind.remote_port = left = unbound.port;
    if (evtchn_op(EVTCHNOP_bind_interdomain, &bind))
        bail_out("cannot bind a port");
    right = bind.local_port;
    events_unmask();
    events_mask();
    check_nested();
    check_masked_trap();
    check_nmi();
    check_areas();
    check_physid();
    check_requests();
    check_move();
}
