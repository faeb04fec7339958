/* SPDX-License-Identifier: MIT */
/*
 * Further vCPUs: a context that continues in our address space, in kernel mode, at a C function.
 */
#include "guest.h"

extern void vcpu_entry(void);
static char stacks[XEN_LEGACY_MAX_VCPUS][8192] __attribute__((aligned(16)));

unsigned vcpu_self(void)
{
    unsigned long offset = (unsigned long)__builtin_frame_address(0) - (unsigned long)stacks;

    return offset < sizeof(stacks) ? offset / sizeof(stacks[0]) : 0;
}

unsigned vcpu_total(void)
{
    unsigned n = 0;

    while (n < XEN_LEGACY_MAX_VCPUS && HC(vcpu_op, VCPUOP_is_up, n, 0) >= 0)
        n++;
    return n;
}

void vcpu_context(struct vcpu_guest_context *context, unsigned vcpu, void (*entry)(void))
{
    static struct trap_info table[40];

    memset(context, 0, sizeof(*context));
    context->flags = VGCF_IN_KERNEL;
    context->user_regs.rip = (unsigned long)vcpu_entry;
    context->user_regs.rsp = (unsigned long)stacks[vcpu] + sizeof(stacks[0]);
    context->user_regs.rdi = (unsigned long)entry;
    context->user_regs.rflags = FL_IF;
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    trap_table_default(table, ARRAY_SIZE(table));
    for (unsigned i = 0; table[i].address; i++)
        context->trap_ctxt[table[i].vector] = table[i];
    context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = context->user_regs.rsp;
    context->ctrlreg[3] = xen_pfn_to_cr3(root_mfn());
    context->event_callback_eip = (unsigned long)event_entry;
    context->failsafe_callback_eip = (unsigned long)failsafe_entry;
    context->syscall_callback_eip = (unsigned long)syscall_entry;
}

long vcpu_start(unsigned vcpu, void (*entry)(void))
{
    static struct vcpu_guest_context context;
    long ret;

    vcpu_context(&context, vcpu, entry);
    ret = HC(vcpu_op, VCPUOP_initialise, vcpu, &context);
    return ret ? ret : HC(vcpu_op, VCPUOP_up, vcpu, 0);
}
