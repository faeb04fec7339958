/* SPDX-License-Identifier: MIT */
/*
 * Frames that HYPERVISOR_iret cannot load or must alter: flags that a guest may not have, selectors of the
 * hypervisor and of nobody, addresses that do not exist.  The guest gets a fault or its failsafe callback,
 * never more than it may have.  Sources: arch-x86/xen-x86_64.h, HYPERVISOR_iret; Intel SDM volume 3 chapter
 * 6.
 */
#include "guest.h"

PROBE(p_flags, "pushf\npop %rax\nud2");
PROBE(p_ud2, "ud2");
USER_PROBE(u_flags, "pushf\npop %rax");
USER_PROBE(u_ud2, "ud2");

static struct frame target;

/* Return to the frame in target; ends in a trap of any kind, which trap_try records. */
static long go(long unused)
{
    (void)unused;
    iret_frame(&target);
}

static char stack[4096] __attribute__((aligned(16)));

static void kernel_frame(long (*probe)(long))
{
    memset(&target, 0, sizeof(target));
    target.rip = (unsigned long)probe;
    target.cs = FLAT_KERNEL_CS & ~3UL;
    target.ss = FLAT_KERNEL_SS;
    target.rsp = (unsigned long)stack + sizeof(stack);
    target.rflags = 2;
}

static void check_kernel(void)
{
    kernel_frame(p_flags);
    check(traps(go, 0, TRAP_UD), "iret to the kernel");
    check_eq(trap.frame.rax & FL_IF, FL_IF, "the real IF is set although the frame's is clear");
    check_eq(trap.frame.rsp, target.rsp, "rsp is the frame's");
    check_eq(trap.frame.cs >> 32, 1, "events are masked as the frame's IF says");

    kernel_frame(p_flags);
    target.rflags = FL_IF | 2;
    check(traps(go, 0, TRAP_UD), "iret to the kernel with IF set");
    check_eq(trap.frame.cs >> 32, 0, "events are enabled");
    events_mask();

    kernel_frame(p_flags);
    target.rflags = FL_IOPL | 2;
    check(traps(go, 0, TRAP_UD), "iret with IOPL 3");
    check_eq(trap.frame.rax & FL_IOPL, 0, "IOPL stays 0");
    kernel_frame(p_flags);
    target.rflags = 1UL << 17 | 2;
    check(traps(go, 0, TRAP_UD), "iret with VM set");
    check_eq(trap.frame.rax & 1UL << 17, 0, "VM stays clear");
    kernel_frame(p_flags);
    target.rflags = 1UL << 19 | 1UL << 20 | 2;
    check(traps(go, 0, TRAP_UD), "iret with VIF and VIP set");
    check_eq(trap.frame.rax & (3UL << 19), 0, "VIF and VIP stay clear");
    kernel_frame(p_flags);
    target.rflags = FL_DF | FL_AC | FL_CF | 2;
    check(traps(go, 0, TRAP_UD), "iret with DF, AC and CF set");
    check_eq(trap.frame.rax & (FL_DF | FL_AC | FL_CF), FL_DF | FL_AC | FL_CF, "they are set");
    kernel_frame(p_ud2);
    target.cs |= 1;
    check(traps(go, 0, TRAP_UD), "a CS with RPL 1 means the kernel, too");
    check_eq(trap.frame.cs & 3, 0, "and comes back with RPL 0");
    kernel_frame(p_ud2);
    target.cs |= 0xffffUL << 32;
    check(traps(go, 0, TRAP_UD), "the upper half of the CS slot is ignored");
    kernel_frame(p_ud2);
    target.ss &= ~3UL;
    check(traps(go, 0, TRAP_UD), "an SS with RPL 0 is made usable");
}

static void check_bad_rip(void)
{
    kernel_frame(p_ud2);
    target.rip = BAD_PTR_UNMAPPED;
    check(traps(go, 0, TRAP_PF), "iret to an unmapped rip: #PF there");
    check_eq(trap.frame.rip, BAD_PTR_UNMAPPED, "rip in that frame");
    kernel_frame(p_ud2);
    target.rip = BAD_PTR_XEN;
    check(traps(go, 0, TRAP_PF), "iret into the hypervisor's range: #PF there");
    kernel_frame(p_ud2);
    target.rip = BAD_PTR_NONCANONICAL;
    check(traps(go, 0, TRAP_GP), "iret to a non-canonical rip: #GP");
}

static void check_bad_selectors(void)
{
    static const struct {
        unsigned cs, ss, error;
        const char *name;
    } rows[] = {
        { 0x0000, FLAT_KERNEL_SS, 0, "a null CS" },
        { 0x7ff8, FLAT_KERNEL_SS, 0x7ff8, "a CS without descriptor" },
        { FLAT_RING3_DS32 & ~3, FLAT_KERNEL_SS, FLAT_RING3_DS32 & ~3, "a data segment as CS" },
        { 0xe008, FLAT_KERNEL_SS, 0xe008, "the hypervisor's CS" },
        { 0xe010, FLAT_KERNEL_SS, 0xe010, "the hypervisor's SS as CS" },
        { FLAT_KERNEL_CS & ~3, 0x7ff8, 0x7ff8, "an SS without descriptor" },
        { FLAT_KERNEL_CS & ~3, FLAT_RING3_CS64, FLAT_RING3_CS64 & ~3, "a code segment as SS" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        bool trapped;

        kernel_frame(p_ud2);
        target.cs = rows[i].cs;
        target.ss = rows[i].ss;
        trapped = traps(go, 0, TRAP_GP);
        check(trapped, "iret with %s: #GP", rows[i].name);
        check_eq(trap.frame.error, rows[i].error, "iret with %s: error code is the selector", rows[i].name);
        check_eq(trap.frame.rip, target.rip, "iret with %s: rip is the frame's", rows[i].name);
    }
}

static void check_user(void)
{
    struct frame frame;

    user_frame(&frame, u_ud2, 0);
    frame.rip = BAD_PTR_UNMAPPED;
    check_eq(user_run_frame(&frame, 0), TRAP_PF, "iret to an unmapped user rip: #PF");
    check_eq(user_exit.rip, BAD_PTR_UNMAPPED, "rip in that frame");
    check_eq(user_exit.cs & 3, 3, "in user mode");
    user_frame(&frame, u_ud2, 0);
    frame.rsp = BAD_PTR_UNMAPPED;
    check_eq(user_run_frame(&frame, 0), TRAP_UD, "iret to user mode with an unmapped rsp");
    check_eq(user_exit.rsp, BAD_PTR_UNMAPPED, "rsp in that frame");
    user_frame(&frame, u_ud2, 0);
    frame.rsp = BAD_PTR_XEN;
    check_eq(user_run_frame(&frame, 0), TRAP_UD, "iret to user mode with an rsp of the hypervisor");
    user_frame(&frame, u_flags, 0);
    frame.rflags = 1UL << 17 | FL_IOPL | FL_IF | 2;
    check_eq(user_run_frame(&frame, 0), CB_SYSCALL, "iret to user mode with VM and IOPL 3");
    check_eq(user_exit.rax & (1UL << 17 | FL_IOPL), 0, "which stay clear");
    user_frame(&frame, u_ud2, 0);
    frame.rip = BAD_PTR_NONCANONICAL;
    check_eq(user_run_frame(&frame, VGCF_in_syscall), TRAP_GP,
             "a system call's return to a non-canonical rip: #GP");
    user_frame(&frame, u_ud2, 0);
    frame.rip = 0x0000800000000000UL;
    check_eq(user_run_frame(&frame, VGCF_in_syscall), TRAP_GP,
             "a system call's return to the first non-canonical rip: #GP");
    user_frame(&frame, u_ud2, 0);
    frame.rip = BAD_PTR_XEN;
    check_eq(user_run_frame(&frame, VGCF_in_syscall), TRAP_PF,
             "a system call's return to the hypervisor's range: #PF");
    user_frame(&frame, u_flags, 0);
    frame.rflags = FL_NT | FL_IF | 2;
    check_eq(user_run_frame(&frame, 0), CB_SYSCALL, "iret to user mode with NT");
}

TEST_MAIN("iret")
{
    user_init();
    check_kernel();
    check_bad_rip();
    check_user();
    check_bad_selectors();
}
