/* SPDX-License-Identifier: MIT */
/*
 * The FPU as a guest kernel sees it: it starts clean, keeps its state across hypercalls and traps, CR0.TS by
 * fpu_taskswitch raises #NM once, numeric exceptions arrive.  Sources: xen.h; Intel SDM volume 1.
 */
#include "guest.h"

PROBE(p_fninit, "fninit");
PROBE(p_x87_error,
      "fninit\nmovw $0x033f, -8(%rsp)\nandw $0xfffb, -8(%rsp)\nfldcw -8(%rsp)\nfld1\nfldz\nfdivrp\n"
      "p_x87_wait: fwait\nfninit");
PROBE(p_sse_error, "movl $0x1d80, -8(%rsp)\nldmxcsr -8(%rsp)\nxorps %xmm1, %xmm1\nmov $0x3f800000, %eax\n"
      "movd %eax, %xmm0\np_sse_insn: divss %xmm1, %xmm0");
PROBE(p_sse_reset, "movl $0x1f80, -8(%rsp)\nldmxcsr -8(%rsp)");
PROBE(p_set_xmm, "movq %rdi, %xmm7\nmovq %rdi, %xmm15");
PROBE(p_get_xmm, "movq %xmm7, %rax\nmovq %xmm15, %rdx\ncmp %rax, %rdx\nje 1f\nxor %eax, %eax\n1:");
PROBE(p_get_mxcsr, "stmxcsr -8(%rsp)\nmov -8(%rsp), %eax");
PROBE(p_get_fcw, "fnstcw -8(%rsp)\nmovzwl -8(%rsp), %eax");
PROBE(p_ud2, "ud2");
PROBE(p_read_cr0, "mov %cr0, %rax");
PROBE(p_read_cr4, "mov %cr4, %rax");
PROBE(p_write_cr4, "mov %rdi, %cr4");
PROBE(p_xgetbv, "xor %ecx, %ecx\nxgetbv");
PROBE(p_xsetbv, "xor %ecx, %ecx\nmov %edi, %eax\nxor %edx, %edx\nxsetbv");
extern char p_x87_wait[], p_sse_insn[];
USER_PROBE(u_get_xmm, "movq %xmm7, %rax");
USER_PROBE(u_fninit, "fninit");

static void check_start(void)
{
    check_eq(trap_try(p_get_mxcsr, 0), 0, "MXCSR can be read at boot");
    check_eq(trap_try_value, 0x1f80, "MXCSR starts as 0x1f80");
    check_eq(trap_try(p_get_fcw, 0), 0, "the control word can be read at boot");
    check_eq(trap_try_value, 0x37f, "the control word starts as 0x37f");
    check_eq(trap_try(p_get_xmm, 0), 0, "XMM registers can be read at boot");
    check_eq(trap_try_value, 0, "they start as 0");
}

static void check_keeps(void)
{
    long secret = 0x0123456789abcdefL;
    struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };

    trap_try(p_set_xmm, secret);
    HC(xen_version, XENVER_version, 0);
    trap_try(p_get_xmm, 0);
    check_eq(trap_try_value, secret, "a hypercall keeps the XMM registers");
    trap_try(p_ud2, 0);
    trap_try(p_get_xmm, 0);
    check_eq(trap_try_value, secret, "a bounced trap keeps them");
    HC(sched_op, SCHEDOP_yield, 0);
    trap_try(p_get_xmm, 0);
    check_eq(trap_try_value, secret, "a yield keeps them");
    evtchn_op(EVTCHNOP_bind_virq, &bind);
    HC(set_timer_op, now() + 10000000);
    HC(sched_op, SCHEDOP_block, 0);
    events_mask();
    trap_try(p_get_xmm, 0);
    check_eq(trap_try_value, secret, "blocking, with the CPU idle between, keeps them");
    user_run(u_get_xmm, 0);
    check_eq(user_exit.rax, secret, "user mode sees them");
}

static void check_taskswitch(void)
{
    check_eq(HC(fpu_taskswitch, 1), 0, "fpu_taskswitch sets TS");
    check(traps(p_fninit, 0, TRAP_NM), "an FPU instruction raises #NM");
    check_eq(trap.frame.rip, (long)p_fninit, "#NM: rip is the instruction's");
    check_eq(trap_try(p_fninit, 0), 0, "TS is clear after #NM");
    check_eq(HC(fpu_taskswitch, 1), 0, "TS is set again");
    trap_try(p_read_cr0, 0);
    check_eq(trap_try_value & 8, 8, "CR0 shows it");
    check_eq(HC(fpu_taskswitch, 0), 0, "fpu_taskswitch clears TS");
    check_eq(trap_try(p_fninit, 0), 0, "an FPU instruction works");
    HC(fpu_taskswitch, 1);
    check_eq(user_run(u_fninit, 0), TRAP_NM, "user mode gets #NM, too");
    check_eq(user_run(u_fninit, 0), CB_SYSCALL, "once");
}

static void check_errors(void)
{
    check(traps(p_x87_error, 0, TRAP_MF), "an unmasked x87 exception raises #MF");
    check_eq(trap.frame.rip, (long)p_x87_wait, "#MF: rip is the next waiting instruction's");
    trap_try(p_fninit, 0);
    check_hw(traps(p_sse_error, 0, TRAP_XM) && trap.frame.rip == (unsigned long)p_sse_insn,
             "an unmasked SSE exception raises #XM with rip at the instruction");
    check_eq(trap_try(p_sse_reset, 0), 0, "MXCSR is reset");
}

static void check_xsave(void)
{
    static const char *const names[] = {
        "XSETBV before CR4.OSXSAVE is set: #UD", "CR4.OSXSAVE can be set", "CPUID shows OSXSAVE",
        "XGETBV reads XCR0 with x87 and SSE", "XSETBV with what was read", "XSETBV without x87: #GP",
    };
    unsigned long xcr0;

    if (!(cpuid_forced(1, 0).ecx & 1u << 26)) {
        for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
            skip("no XSAVE", "%s", names[i]);
        return;
    }
    check(traps(p_xsetbv, 3, TRAP_UD), "%s", names[0]);
    trap_try(p_read_cr4, 0);
    check_eq(trap_try(p_write_cr4, trap_try_value | 1UL << 18), 0, "%s", names[1]);
    check(cpuid_forced(1, 0).ecx & 1u << 27, "%s", names[2]);
    check(trap_try(p_xgetbv, 0) == 0 && (trap_try_value & 3) == 3, "%s", names[3]);
    xcr0 = trap_try_value;
    check_eq(trap_try(p_xsetbv, xcr0), 0, "%s", names[4]);
    check(traps(p_xsetbv, xcr0 & ~1UL, TRAP_GP), "%s", names[5]);
}

TEST_MAIN("fpu")
{
    user_init();
    check_start();
    check_keeps();
    check_taskswitch();
    check_errors();
    check_xsave();
}
