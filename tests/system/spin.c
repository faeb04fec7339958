/* SPDX-License-Identifier: MIT */
/*
 * The guest that tests/system/isolation.t looks at from outside: its first vCPU loops in kernel mode, its second, if
 * there is one, in user mode; neither asks the hypervisor for anything any more. An entry of the kernel's root names the
 * root itself (a linear page table), so whatever that has is mapped there as well.
 */
#include "guest.h"

#define LINEAR_SLOT 6

USER_PROBE(u_spin, "1: pause\njmp 1b");

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

TEST_MAIN("spin")
{
    user_init();
    if (mmu_set(((uint64_t)root_mfn() << PAGE_SHIFT) + LINEAR_SLOT * 8, PTE(root_mfn(), L1_RO)))
        bail_out("no linear page table");
    if (vcpu_total() > 1) {
        if (vcpu_start(1, second))
            bail_out("no second vCPU");
        while (!ready)
            HC(sched_op, SCHEDOP_yield, 0);
    }
    print("spinning\n");
    for (;;)
        asm volatile("pause");
}
