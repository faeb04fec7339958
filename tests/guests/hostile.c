/* SPDX-License-Identifier: MIT */
/*
 * Arguments that no kernel would pass: all ones, pointers into the hypervisor, non-canonical and unmapped
 * pointers, to every hypercall that reads memory.  Each answers with an error or does nothing; the machine
 * and this guest go on.  Sources: the ABI headers; the numbers are the oracle's.
 */
#include "guest.h"

static const unsigned long pointers[] = { BAD_PTR_XEN, BAD_PTR_NONCANONICAL, BAD_PTR_UNMAPPED,
                                          HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_END - 8, ~0UL };

struct call {
    const char *name;
    unsigned nr, pointer;       /* which argument is the pointer, 1 to 4 */
    unsigned long args[4];
    long want;
};

#define CALL(name, nr, pointer, want, ...) { name, __HYPERVISOR_##nr, pointer, { __VA_ARGS__ }, want }

static const struct call calls[] = {
    CALL("set_trap_table", set_trap_table, 1, -GE_FAULT, 0),
    CALL("mmu_update", mmu_update, 1, -GE_FAULT, 0, 1, 0, DOMID_SELF),
    CALL("set_gdt", set_gdt, 1, -GE_FAULT, 0, 16),
    CALL("memory_op exchange", memory_op, 2, -GE_FAULT, XENMEM_exchange, 0),
    CALL("memory_op maximum_reservation", memory_op, 2, -GE_FAULT, XENMEM_maximum_reservation, 0),
    CALL("memory_op machphys_mfn_list", memory_op, 2, -GE_FAULT, XENMEM_machphys_mfn_list, 0),
    CALL("memory_op add_to_physmap", memory_op, 2, -GE_FAULT, XENMEM_add_to_physmap, 0),
    CALL("memory_op remove_from_physmap", memory_op, 2, -GE_FAULT, XENMEM_remove_from_physmap, 0),
    CALL("multicall", multicall, 1, -GE_FAULT, 0, 2),
    CALL("xen_version extraversion", xen_version, 2, -GE_FAULT, XENVER_extraversion, 0),
    CALL("xen_version compile_info", xen_version, 2, -GE_FAULT, XENVER_compile_info, 0),
    CALL("xen_version get_features", xen_version, 2, -GE_FAULT, XENVER_get_features, 0),
    CALL("xen_version guest_handle", xen_version, 2, -GE_FAULT, XENVER_guest_handle, 0),
    CALL("console_io write", console_io, 3, -GE_FAULT, CONSOLEIO_write, 8, 0),
    CALL("grant_table_op setup_table", grant_table_op, 2, -GE_FAULT, GNTTABOP_setup_table, 0, 1),
    CALL("grant_table_op map", grant_table_op, 2, -GE_FAULT, GNTTABOP_map_grant_ref, 0, 1),
    CALL("grant_table_op unmap", grant_table_op, 2, -GE_FAULT, GNTTABOP_unmap_grant_ref, 0, 1),
    CALL("grant_table_op copy", grant_table_op, 2, -GE_FAULT, GNTTABOP_copy, 0, 1),
    CALL("grant_table_op query_size", grant_table_op, 2, -GE_FAULT, GNTTABOP_query_size, 0, 1),
    CALL("vcpu_op get_runstate_info", vcpu_op, 3, -GE_FAULT, VCPUOP_get_runstate_info, 0, 0),
    CALL("vcpu_op set_periodic_timer", vcpu_op, 3, -GE_FAULT, VCPUOP_set_periodic_timer, 0, 0),
    CALL("vcpu_op set_singleshot_timer", vcpu_op, 3, -GE_FAULT, VCPUOP_set_singleshot_timer, 0, 0),
    CALL("vcpu_op register_vcpu_info", vcpu_op, 3, -GE_FAULT, VCPUOP_register_vcpu_info, 0, 0),
    CALL("mmuext_op", mmuext_op, 1, -GE_FAULT, 0, 1, 0, DOMID_SELF),
    CALL("sched_op shutdown", sched_op, 2, -GE_FAULT, SCHEDOP_shutdown, 0),
    CALL("sched_op poll", sched_op, 2, -GE_FAULT, SCHEDOP_poll, 0),
    CALL("callback_op register", callback_op, 2, -GE_FAULT, CALLBACKOP_register, 0),
    CALL("event_channel_op bind_interdomain", event_channel_op, 2, -GE_FAULT, EVTCHNOP_bind_interdomain, 0),
    CALL("event_channel_op bind_virq", event_channel_op, 2, -GE_FAULT, EVTCHNOP_bind_virq, 0),
    CALL("event_channel_op close", event_channel_op, 2, -GE_FAULT, EVTCHNOP_close, 0),
    CALL("event_channel_op unmask", event_channel_op, 2, -GE_FAULT, EVTCHNOP_unmask, 0),
    CALL("physdev_op set_iopl", physdev_op, 2, -GE_FAULT, PHYSDEVOP_set_iopl, 0),
    CALL("domctl", domctl, 1, -GE_FAULT, 0),
    CALL("sysctl", sysctl, 1, -GE_FAULT, 0),
    CALL("platform_op", platform_op, 1, -GE_FAULT, 0),
};

static void check_pointers(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        bool forbidden = calls[i].nr == __HYPERVISOR_console_io && !is_dom0();
        long want = forbidden ? -GE_PERM : calls[i].want, worst = want;

        for (unsigned j = 0; j < ARRAY_SIZE(pointers); j++) {
            unsigned long a[4] = { calls[i].args[0], calls[i].args[1], calls[i].args[2], calls[i].args[3] };
            long ret;

            a[calls[i].pointer - 1] = pointers[j];
            ret = hypercall(calls[i].nr, a[0], a[1], a[2], a[3], 0);
            if (ret != want) {
                note("pointer %lx returned %ld", pointers[j], ret);
                worst = ret;
            }
        }
        check_eq(worst, want, "%s: each bad pointer gives %s", calls[i].name,
                 forbidden ? "-EPERM" : "-EFAULT");
    }
}

static void check_all_ones(void)
{
    static const unsigned char numbers[] = {
        __HYPERVISOR_set_trap_table, __HYPERVISOR_mmu_update, __HYPERVISOR_set_gdt, __HYPERVISOR_platform_op,
        __HYPERVISOR_set_debugreg, __HYPERVISOR_get_debugreg, __HYPERVISOR_update_descriptor,
        __HYPERVISOR_memory_op,
        __HYPERVISOR_multicall, __HYPERVISOR_update_va_mapping, __HYPERVISOR_xen_version,
        __HYPERVISOR_console_io,
        __HYPERVISOR_grant_table_op, __HYPERVISOR_vm_assist, __HYPERVISOR_update_va_mapping_otherdomain,
        __HYPERVISOR_vcpu_op, __HYPERVISOR_set_segment_base, __HYPERVISOR_mmuext_op, __HYPERVISOR_nmi_op,
        __HYPERVISOR_sched_op, __HYPERVISOR_callback_op, __HYPERVISOR_event_channel_op,
        __HYPERVISOR_physdev_op,
        __HYPERVISOR_hvm_op, __HYPERVISOR_sysctl, __HYPERVISOR_domctl,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++) {
        long ret = hypercall(numbers[i], ~0UL, ~0UL, ~0UL, ~0UL, ~0UL);

        check(ret < 0 && ret > -200, "hypercall %u with all ones is an error", numbers[i]);
        if (!(ret < 0 && ret > -200))
            note("it returned %ld", ret);
    }
    check_eq(HC(xen_version, XENVER_version, 0), 4 << 16 | 17, "the hypervisor still answers");
}

/* Structures that begin on a mapped page and end on an unmapped one. */
static void check_straddling(void)
{
    char *page = page_alloc();
    unsigned long end = 0x0000123456789000UL + PAGE_SIZE;
    struct multicall_entry *entry = (void *)(end - sizeof(*entry));

    if (map_page(0x0000123456789000UL, PTE(va_to_mfn(page), L1_FLAGS)))
        bail_out("cannot map");
    check_eq(HC(xen_version, XENVER_extraversion, end - 4), -GE_FAULT,
             "a result across the end of a mapping: -EFAULT");
    check_eq(HC(set_trap_table, end - 4), -GE_FAULT, "a table across the end of a mapping: -EFAULT");
    entry->op = __HYPERVISOR_xen_version;
    entry->args[0] = XENVER_pagesize;
    check_eq(HC(multicall, entry, 2), -GE_FAULT, "a multicall whose second entry is not mapped: -EFAULT");
    check_eq(entry->result, 4096, "its first entry was done");
    if (is_dom0())
        check_eq(HC(console_io, CONSOLEIO_write, 64, end - 4), -GE_FAULT,
                 "a write from across the end: -EFAULT");
}

TEST_MAIN("hostile")
{
    check_pointers();
    check_all_ones();
    check_straddling();
}
