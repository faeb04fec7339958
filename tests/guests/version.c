/* SPDX-License-Identifier: MIT */
/*
 * xen_version with each sub-operation (the form of the answers: the extra version and the like differ),
 * absent hypercall numbers, vm_assist, console_io, callback_op, physdev_op and the other small calls.
 * Sources: version.h, features.h, callback.h, physdev.h.
 */
#include "guest.h"

static bool is_text(const char *s, size_t size)
{
    size_t n = 0;

    while (n < size && s[n]) {
        if (s[n] < ' ' || s[n] > '~')
            return false;
        n++;
    }
    return n < size;
}

static void check_version(void)
{
    static xen_extraversion_t extra;
    static struct xen_compile_info info;
    static xen_capabilities_info_t caps;
    static xen_changeset_info_t changeset;
    static xen_commandline_t line;
    static xen_domain_handle_t handle;
    struct xen_platform_parameters parameters = { 0 };
    unsigned ones = 0;

    check_eq(HC(xen_version, XENVER_version, 0), 4 << 16 | 17, "version is 4.17");
    memset(extra, 0x7f, sizeof(extra));
    check_eq(HC(xen_version, XENVER_extraversion, extra), 0, "extraversion");
    check(is_text(extra, sizeof(extra)), "extraversion is a string");
    check_eq(HC(xen_version, XENVER_compile_info, &info), 0, "compile_info");
    check(is_text(info.compiler, sizeof(info.compiler)) && info.compiler[0],
          "compile_info: compiler is a string");
    check(is_text(info.compile_date, sizeof(info.compile_date)), "compile_info: date is a string");
    check_eq(HC(xen_version, XENVER_capabilities, caps), 0, "capabilities");
    check_eq(strncmp(caps, "xen-3.0-x86_64 ", 15), 0, "capabilities begin with xen-3.0-x86_64");
    check_eq(HC(xen_version, XENVER_changeset, changeset), 0, "changeset");
    check(is_text(changeset, sizeof(changeset)), "changeset is a string");
    check_eq(HC(xen_version, XENVER_platform_parameters, &parameters), 0, "platform_parameters");
    check_eq(parameters.virt_start, HYPERVISOR_VIRT_START,
             "the hypervisor's range starts at 0xffff800000000000");
    check_eq(HC(xen_version, XENVER_pagesize, 0), 4096, "pagesize");
    memset(handle, 0x55, sizeof(handle));
    check_eq(HC(xen_version, XENVER_guest_handle, handle), 0, "guest_handle");
    for (unsigned i = 0; i < sizeof(handle); i++)
        ones += handle[i] != 0;
    check_eq(!ones, is_dom0(), "Domain-0's handle is all 0, a guest's is not");
    check_eq(HC(xen_version, XENVER_commandline, line), 0, "commandline");
    check(is_text(line, sizeof(line)), "commandline is a string");
    check_eq(strncmp(line, is_dom0() ? "console=com1" : "<denied>", is_dom0() ? 12 : 9), 0,
             "commandline is the hypervisor's, which a guest is not told");
    check_eq(HC(xen_version, 77, 0), -GE_NOSYS, "an unknown command: -ENOSYS");
    check_eq(HC(xen_version, XENVER_extraversion, BAD_PTR_XEN), -GE_FAULT,
             "extraversion, bad pointer: -EFAULT");
    check_eq(HC(xen_version, XENVER_capabilities, BAD_PTR_UNMAPPED), -GE_FAULT,
             "capabilities, unmapped pointer: -EFAULT");
}

static unsigned submap(unsigned index)
{
    struct xen_feature_info info = { .submap_idx = index };
    long ret = HC(xen_version, XENVER_get_features, &info);

    return ret ? ~0u : info.submap;
}

static void check_features(void)
{
    struct xen_feature_info info = { .submap_idx = 1 };
    unsigned map = submap(0);

    /* For a guest it is the toolstack's to say. */
    if (is_dom0())
        check(map & 1u << XENFEAT_pae_pgdir_above_4gb, "feature: pae_pgdir_above_4gb");
    check(map & 1u << XENFEAT_mmu_pt_update_preserve_ad, "feature: mmu_pt_update_preserve_ad");
    check(map & 1u << XENFEAT_gnttab_map_avail_bits, "feature: gnttab_map_avail_bits");
    check(!(map & 1u << XENFEAT_dom0) == !is_dom0(), "feature: dom0, for Domain-0 alone");
    check(!(map & 1u << XENFEAT_auto_translated_physmap), "no feature: auto_translated_physmap");
    check(!(map & 1u << XENFEAT_hvm_callback_vector), "no feature: hvm_callback_vector");
    check_eq(HC(xen_version, XENVER_get_features, &info), -GE_INVAL, "a submap that does not exist: -EINVAL");
}

static void check_absent(void)
{
    static const unsigned char absent[] = { 11, 38, 43, 44, 45, 46, 47, 50, 51, 52, 53, 54, 55, 56, 60, 63 };
    static const unsigned long far[] = { 64, 100, 127, 128, 255, 256, 4096, 0x100000000UL + 200, ~0UL };

    for (unsigned i = 0; i < ARRAY_SIZE(absent); i++)
        check_eq(hypercall_bare(absent[i], 0, 0, 0, 0, 0), -GE_NOSYS, "hypercall %u: -ENOSYS", absent[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(far); i++)
        check_eq(hypercall_bare(far[i], 0, 0, 0, 0, 0), -GE_NOSYS, "hypercall 0x%lx: -ENOSYS", far[i]);
    check_eq(hypercall(60, 0, 0, 0, 0, 0), -GE_NOSYS, "an absent hypercall through the page: -ENOSYS");
}

static void check_preserved(void)
{
    unsigned long rbx = 1, rbp_ok, r12 = 2, r13 = 3, r14 = 4, r15 = 5, ret, flags;

    asm volatile("push %%rbp\nmov $0x1111, %%ebx\nmov $0x2222, %%ebp\n"
                 "mov $17, %%eax\nxor %%edi, %%edi\nxor %%esi, %%esi\n"
                 "std\nsyscall\npushf\npop %%rcx\ncld\nmov %%rbp, %%rdx\npop %%rbp"
                 : "=b"(rbx), "=a"(ret), "=d"(rbp_ok), "=c"(flags)
                 :: "rdi", "rsi", "r8", "r9", "r10", "r11", "memory");
    asm volatile("mov $0x3333, %%r12d\nmov $0x4444, %%r13d\nmov $0x5555, %%r14d\nmov $0x6666, %%r15d\n"
                 "mov $17, %%eax\nxor %%edi, %%edi\nxor %%esi, %%esi\nsyscall\n"
                 "mov %%r12, %0\nmov %%r13, %1\nmov %%r14, %2\nmov %%r15, %3"
                 : "=&r"(r12), "=&r"(r13), "=&r"(r14), "=&r"(r15)
                 :: "rax", "rcx", "rdi", "rsi", "rdx", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
    check_eq(ret, 4 << 16 | 17, "a bare SYSCALL returns in rax");
    check(rbx == 0x1111 && rbp_ok == 0x2222, "a hypercall keeps rbx and rbp");
    check(r12 == 0x3333 && r13 == 0x4444 && r14 == 0x5555 && r15 == 0x6666, "a hypercall keeps r12 to r15");
    check_eq(flags & FL_DF, FL_DF, "a hypercall keeps DF");
    check_eq(flags & FL_IF, FL_IF, "the real IF is set after a hypercall");
}

static void check_assist(void)
{
    static const unsigned good[] = { VMASST_TYPE_4gb_segments, VMASST_TYPE_writable_pagetables,
        VMASST_TYPE_pae_extended_cr3, VMASST_TYPE_architectural_iopl, VMASST_TYPE_runstate_update_flag,
        VMASST_TYPE_m2p_strict };

    for (unsigned i = 1; i < ARRAY_SIZE(good); i++) {
        if (good[i] == VMASST_TYPE_pae_extended_cr3)
            continue;
        check_eq(HC(vm_assist, VMASST_CMD_enable, good[i]), 0, "vm_assist: type %u is enabled", good[i]);
        check_eq(HC(vm_assist, VMASST_CMD_disable, good[i]), 0, "vm_assist: type %u is disabled", good[i]);
    }
    check_eq(HC(vm_assist, VMASST_CMD_enable, 77), -GE_INVAL, "vm_assist: an unknown type: -EINVAL");
    check_eq(HC(vm_assist, 77, 0), -GE_NOSYS, "vm_assist: an unknown command: -ENOSYS");
}

static void check_console(void)
{
    char text[] = "# written by console_io\n";

    if (!is_dom0()) {
        check_eq(HC(console_io, CONSOLEIO_write, sizeof(text) - 1, text), -GE_PERM,
                 "console_io write in a guest: -EPERM");
        check_eq(HC(console_io, CONSOLEIO_read, sizeof(text), text), -GE_PERM,
                 "console_io read in a guest: -EPERM");
        check_eq(HC(console_io, 99, 0, 0), -GE_PERM, "console_io, an unknown command, in a guest: -EPERM");
        return;
    }
    check_eq(HC(console_io, CONSOLEIO_write, sizeof(text) - 1, text), 0, "console_io write");
    check_eq(HC(console_io, CONSOLEIO_write, 0, text), 0, "console_io write of nothing");
    check_eq(HC(console_io, CONSOLEIO_write, 5, BAD_PTR_XEN), -GE_FAULT,
             "console_io write, bad pointer: -EFAULT");
    check_eq(HC(console_io, CONSOLEIO_read, sizeof(text), text), 0, "console_io read without input");
    check_eq(HC(console_io, 99, 0, 0), -GE_NOSYS, "console_io, an unknown command: -ENOSYS");
}

static void check_callbacks(void)
{
    struct callback_register reg = { .type = CALLBACKTYPE_event, .address = BAD_PTR_NONCANONICAL };
    struct callback_unregister unreg = { .type = CALLBACKTYPE_event };

    check_eq(HC(callback_op, CALLBACKOP_register, &reg), -GE_INVAL,
             "callback at a non-canonical address: -EINVAL");
    reg = (struct callback_register){ .type = 99, .address = (unsigned long)event_entry };
    check_eq(HC(callback_op, CALLBACKOP_register, &reg), -GE_NOSYS, "callback of an unknown type: -ENOSYS");
    check_eq(HC(callback_op, CALLBACKOP_unregister, &unreg), -GE_INVAL,
             "the event callback cannot be unregistered: -EINVAL");
    unreg.type = CALLBACKTYPE_syscall32;
    check_eq(HC(callback_op, CALLBACKOP_unregister, &unreg), -GE_INVAL, "nor that of 32-bit system calls: -EINVAL");
    unreg.type = 99;
    check_eq(HC(callback_op, CALLBACKOP_unregister, &unreg), -GE_NOSYS, "one of an unknown type: -ENOSYS");
    check_eq(HC(callback_op, 99, &reg), -GE_NOSYS, "callback_op, an unknown command: -ENOSYS");
    check_eq(HC(callback_op, CALLBACKOP_register, BAD_PTR_XEN), -GE_FAULT,
             "callback_op, bad pointer: -EFAULT");
    check_eq(HC(set_callbacks, event_entry, failsafe_entry, syscall_entry), 0, "set_callbacks");
    unreg.type = CALLBACKTYPE_nmi;
    check_eq(HC(callback_op, CALLBACKOP_unregister, &unreg), 0, "the NMI callback is unregistered");
}

static void check_physdev(void)
{
    struct physdev_set_iopl iopl = { .iopl = 4 };
    struct physdev_irq_status_query query = { .irq = 4000 };

    check_eq(HC(physdev_op, PHYSDEVOP_set_iopl, &iopl), -GE_INVAL, "IOPL 4: -EINVAL");
    iopl.iopl = 1;
    check_eq(HC(physdev_op, PHYSDEVOP_set_iopl, &iopl), 0, "IOPL 1");
    iopl.iopl = 0;
    check_eq(HC(physdev_op, PHYSDEVOP_set_iopl, &iopl), 0, "IOPL 0");
    check_eq(HC(physdev_op, PHYSDEVOP_set_iopl, BAD_PTR_XEN), -GE_FAULT, "set_iopl, bad pointer: -EFAULT");
    check_eq(HC(physdev_op, PHYSDEVOP_irq_status_query, &query), -GE_INVAL, "status of IRQ 4000: -EINVAL");
    check_eq(HC(physdev_op, 999, &query), -GE_NOSYS, "physdev_op, an unknown command: -ENOSYS");
}

TEST_MAIN("version")
{
    check_version();
    check_features();
    check_absent();
    check_preserved();
    check_assist();
    check_console();
    check_callbacks();
    check_physdev();
}
