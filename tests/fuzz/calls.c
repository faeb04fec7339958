/* SPDX-License-Identifier: MIT */
/*
 * Every hypercall and every sub-operation with arguments of any kind, alone and in batches.  The numbers come
 * from the interface's own tables, so a call that is added there is fuzzed from then on.
 */
#define __XEN_TOOLS__ 1
#include "fuzz.h"

#include <xen/domctl.h>
#include <xen/hvm/hvm_op.h>
#include <xen/platform.h>
#include <xen/pmu.h>
#include <xen/sysctl.h>
#include <xen/arch-x86/xen-mca.h>

struct subop {
    unsigned char call;
    unsigned nr;
};
static const struct subop subops[] = {
#define SUBOP(hypercall, nr, name, state, text) { __HYPERVISOR_##hypercall, nr },
#include "subops.def"
};
static const unsigned char calls[] = {
#define HYPERCALL(nr, name, nargs, kinds, who, state, text) nr,
#include "hypercalls.def"
};

static bool in_scratch(struct fuzzer *f, unsigned long address)
{
    return address - (unsigned long)f->scratch < SCRATCH_PAGES * PAGE_SIZE;
}

/*
 * Calls that end the run by right: they stop the domain or the machine, wait for ever, or take away the
 * console. Others have files of their own here, which make them with care.
 */
static bool excluded(struct fuzzer *f, unsigned nr, const unsigned long *a)
{
    unsigned cmd = a[0], count = a[1]; /* the hypervisor looks at no more of them */

    switch (nr) {
    case __HYPERVISOR_sched_op:
        return cmd == SCHEDOP_block || cmd == SCHEDOP_shutdown || cmd == SCHEDOP_shutdown_code ||
               cmd == SCHEDOP_poll || cmd == SCHEDOP_watchdog || cmd == SCHEDOP_remote_shutdown;
    case __HYPERVISOR_sched_op_compat:
        return cmd != SCHEDOP_yield;
    case __HYPERVISOR_vcpu_op:
        return cmd == VCPUOP_down || cmd == VCPUOP_initialise || cmd == VCPUOP_register_vcpu_info;
    case __HYPERVISOR_console_io:
        return cmd == CONSOLEIO_write && count != 0;
    case __HYPERVISOR_iret:
        return true;
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_update_va_mapping_otherdomain:
    case __HYPERVISOR_mmuext_op:
    case __HYPERVISOR_mmu_update:
        return in_scratch(f, a[0]); /* unmaps what the fuzzer needs, with bad luck */
    case __HYPERVISOR_memory_op:
        return in_scratch(f, a[1]); /* frees it */
    case __HYPERVISOR_grant_table_op: /* maps something else there */
        return (cmd == GNTTABOP_map_grant_ref || cmd == GNTTABOP_unmap_and_replace) && in_scratch(f, a[1]);
    case __HYPERVISOR_event_channel_op: /* would close a guest's console */
        return !is_dom0() && (cmd == EVTCHNOP_close || cmd == EVTCHNOP_reset) && in_scratch(f, a[1]);
    case __HYPERVISOR_event_channel_op_compat:
        return !is_dom0();
    case __HYPERVISOR_domctl:
    case __HYPERVISOR_sysctl:
    case __HYPERVISOR_platform_op:
        return is_dom0() && in_scratch(f, a[0]);
    default:
        return false;
    }
}

unsigned rnd_subop(struct fuzzer *f, unsigned call)
{
    const struct subop *op;

    do {
        op = &PICK(f, subops);
    } while (op->call != call);
    return op->nr;
}

static bool changes_vcpu(unsigned nr)
{
    return nr == __HYPERVISOR_set_trap_table || nr == __HYPERVISOR_set_gdt ||
           nr == __HYPERVISOR_stack_switch || nr == __HYPERVISOR_set_callbacks ||
           nr == __HYPERVISOR_callback_op || nr == __HYPERVISOR_nmi_op ||
           nr == __HYPERVISOR_set_segment_base || nr == __HYPERVISOR_fpu_taskswitch ||
           nr == __HYPERVISOR_vm_assist || nr == __HYPERVISOR_set_debugreg || nr == __HYPERVISOR_physdev_op;
}

void vcpu_restore(struct fuzzer *f)
{
    struct mmuext_op no_ldt = { .cmd = MMUEXT_SET_LDT };

    trap_init();
    HC(mmuext_op, &no_ldt, 1, 0, DOMID_SELF);
    HC(fpu_taskswitch, 0);
    HC(set_debugreg, 7, 0);
    HC(stack_switch, FLAT_KERNEL_SS, f->vcpu ? worker_stack_top(f->vcpu) : entry_stack_top());
    HC(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    HC(set_gdt, 0, 0);
}

static void rnd_call(struct fuzzer *f, unsigned long *nr, unsigned long *a)
{
    do {
        *nr = one_in(f, 20) ? rnd_below(f, 64) : PICK(f, calls);
        for (unsigned i = 0; i < 5; i++)
            a[i] = rnd_arg(f);
        if (one_in(f, 3)) {
            const struct subop *op = &PICK(f, subops);

            *nr = op->call;
            a[0] = op->nr;
            if (one_in(f, 2))
                a[1] = rnd_pointer(f);
        } else if (one_in(f, 3)) {
            a[0] = rnd_below(f, 48);
        } else if (one_in(f, 8)) {
            for (unsigned i = 0; i < 5; i++)
                a[i] = ~0UL;
        }
        if (*nr == __HYPERVISOR_vcpu_op)
            a[1] = one_in(f, 4) ? a[1] : rnd_below(f, 4);
        if (*nr == __HYPERVISOR_event_channel_op_compat || *nr == __HYPERVISOR_physdev_op_compat)
            a[0] = rnd_pointer(f);
        if (one_in(f, 40))
            *nr |= 1UL << (6 + rnd_below(f, 58));
    } while (excluded(f, *nr & 63, a) || (*nr & 63) == __HYPERVISOR_multicall);
}

void act_random_call(struct fuzzer *f)
{
    unsigned long nr, a[5];

    rnd_call(f, &nr, a);
    rnd_fill(f, 0);
    rnd_fill(f, 1);
    f->calls++;
    if (trace > 1)
        print("# vcpu %u random: %lu(%lx, %lx, %lx, %lx, %lx)\n", f->vcpu, nr, a[0], a[1], a[2], a[3], a[4]);
    if (hypercall_bare(nr, a[0], a[1], a[2], a[3], a[4]) >= 0)
        f->accepted++;
    if (changes_vcpu(nr & 63))
        vcpu_restore(f);
}

void act_multicall(struct fuzzer *f)
{
    struct multicall_entry *list = (struct multicall_entry *)(f->scratch + LIST_PAGE * PAGE_SIZE);
    unsigned n = 1 + rnd_below(f, 24);

    rnd_fill(f, 0);
    for (unsigned i = 0; i < n; i++) {
        unsigned long nr, a[5];

        rnd_call(f, &nr, a);
        if (one_in(f, 30))
            nr = __HYPERVISOR_multicall;
        list[i].op = nr;
        memcpy(list[i].args, a, sizeof(a));
    }
    issue(f, __HYPERVISOR_multicall, one_in(f, 40) ? rnd_bad_pointer(f) : (unsigned long)list,
          one_in(f, 40) ? n | rnd_arg(f) << 32 : n, 0, 0, 0);
    vcpu_restore(f);
}

/*
 * A batch with an iret in the middle.  The frame is below the stack pointer of the call, as HYPERVISOR_iret
 * wants it: it returns to the instruction after the call with the stack as it was.
 */
void act_multicall_iret(struct fuzzer *f)
{
    struct multicall_entry *list = (struct multicall_entry *)(f->scratch + LIST_PAGE * PAGE_SIZE);
    unsigned long cs = one_in(f, 2)   ? FLAT_KERNEL_CS & ~3UL
                       : one_in(f, 2) ? FLAT_USER_CS
                                      : rnd_below(f, 0xe000);
    unsigned long ss = FLAT_KERNEL_SS, ret = __HYPERVISOR_multicall,
                  flags = one_in(f, 2) ? 0 : rnd(f) & 0x1ff;
    unsigned long rdi = (unsigned long)list, rsi = 3;

    memset(list, 0, 4 * sizeof(*list));
    list[0].op = __HYPERVISOR_xen_version;
    list[1].op = __HYPERVISOR_iret;
    list[2].op = !one_in(f, 100) ? __HYPERVISOR_xen_version : __HYPERVISOR_iret;
    f->calls++;
    asm volatile("mov %%rsp, %%r12\n"
                 "sub $512, %%rsp\n"
                 "and $-16, %%rsp\n"
                 "push %[ss]\n"
                 "push %%r12\n"
                 "push $0x202\n"
                 "push %[cs]\n"
                 "lea 1f(%%rip), %%r11\n"
                 "push %%r11\n"
                 "push %[flags]\n"
                 "push $0\n"
                 "push $0\n"
                 "push $0\n"
                 "syscall\n"
                 "mov %%r12, %%rsp\n"
                 "1:"
                 : "+a"(ret), "+D"(rdi), "+S"(rsi)
                 : [ss] "r"(ss), [cs] "r"(cs), [flags] "r"(flags)
                 : "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "memory", "cc");
}
