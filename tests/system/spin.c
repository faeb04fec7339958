/* SPDX-License-Identifier: MIT */
/*
 * The guest that tests/system/isolation.t looks at from outside: its first vCPU loops in kernel mode, its
 * second, if there is one, in user mode; neither asks the hypervisor for anything any more. An entry of the
 * kernel's root names the root itself (a linear page table), so whatever that has is mapped there as well.
 *
 * With "busy" on its command line it does the opposite: one vCPU makes hypercalls, the other goes to user
 * mode and back by system calls, both as fast as they can.
 */
#include "guest.h"

#define LINEAR_SLOT 6

USER_PROBE(u_spin, "1: pause\njmp 1b");
USER_PROBE(u_syscalls, "1: mov $1, %eax\nsyscall\njmp 1b");

/* The syscall callback of the busy guest: straight back. */
extern void go_back(void);
asm(".text\ngo_back: pop %rcx\npop %r11\npushq $0\npush %rcx\npush %r11\npush %rax\n"
    "mov $23, %eax\nsyscall\n");     /* HYPERVISOR_iret */

static volatile unsigned ready;

static void second(void)
{
    struct frame frame;

    if (mmuext(MMUEXT_NEW_USER_BASEPTR, user_l4_mfn()))
        bail_out("the second vCPU has no user root");
    user_frame(&frame, u_spin, 0);
    ready = 1;
    iret_frame(&frame);
}

static void second_busy(void)
{
    ready = 1;
    for (;;)
        HC(xen_version, XENVER_version, 0);
}

static void syscalls_for_ever(void)
{
    struct callback_register callback = { .type = CALLBACKTYPE_syscall, .flags = CALLBACKF_mask_events,
                                          .address = (unsigned long)go_back };
    struct frame frame;

    if (HC(callback_op, CALLBACKOP_register, &callback))
        bail_out("no syscall callback");
    user_frame(&frame, u_syscalls, 0);
    iret_frame(&frame);
}

TEST_MAIN("spin")
{
    bool busy = !strncmp((const char *)start_info->cmd_line, "busy", 4);

    user_init();
    if (mmu_set(((uint64_t)root_mfn() << PAGE_SHIFT) + LINEAR_SLOT * 8, PTE(root_mfn(), L1_RO)))
        bail_out("no linear page table");
    if (vcpu_total() > 1) {
        if (vcpu_start(1, busy ? second_busy : second))
            bail_out("no second vCPU");
        while (!ready)
            HC(sched_op, SCHEDOP_yield, 0);
    }
    print("spinning\n");
    if (busy)
        syscalls_for_ever();
    for (;;)
        asm volatile("pause");
}
