/* SPDX-License-Identifier: MIT */
/*
 * Offsets and sizes that assembly code uses. This file is compiled to assembly text only; each OFFSET() leaves a line
 * there that the build turns into a #define of offsets.h.
 */
#include "cpu/percpu.h"
#include "cpu/softirq.h"
#include "domain/domain.h"
#include "pv/hypercall.h"

#define VALUE(name, value) __asm__ __volatile__("# @OFFSET " #name " %c0" : : "i"((long)(value)))
#define OFFSET(name, type, member) VALUE(name, offsetof(type, member))

void offsets(void);
void offsets(void)
{
    OFFSET(UREGS_r15, struct cpu_user_regs, r15);
    OFFSET(UREGS_r14, struct cpu_user_regs, r14);
    OFFSET(UREGS_r13, struct cpu_user_regs, r13);
    OFFSET(UREGS_r12, struct cpu_user_regs, r12);
    OFFSET(UREGS_rbp, struct cpu_user_regs, rbp);
    OFFSET(UREGS_rbx, struct cpu_user_regs, rbx);
    OFFSET(UREGS_r11, struct cpu_user_regs, r11);
    OFFSET(UREGS_r10, struct cpu_user_regs, r10);
    OFFSET(UREGS_r9, struct cpu_user_regs, r9);
    OFFSET(UREGS_r8, struct cpu_user_regs, r8);
    OFFSET(UREGS_rax, struct cpu_user_regs, rax);
    OFFSET(UREGS_rcx, struct cpu_user_regs, rcx);
    OFFSET(UREGS_rdx, struct cpu_user_regs, rdx);
    OFFSET(UREGS_rsi, struct cpu_user_regs, rsi);
    OFFSET(UREGS_rdi, struct cpu_user_regs, rdi);
    OFFSET(UREGS_error_code, struct cpu_user_regs, error_code);
    OFFSET(UREGS_entry_vector, struct cpu_user_regs, entry_vector);
    OFFSET(UREGS_rip, struct cpu_user_regs, rip);
    OFFSET(UREGS_cs, struct cpu_user_regs, cs);
    OFFSET(UREGS_saved_upcall_mask, struct cpu_user_regs, saved_upcall_mask);
    OFFSET(UREGS_eflags, struct cpu_user_regs, rflags);
    OFFSET(UREGS_rsp, struct cpu_user_regs, rsp);
    OFFSET(UREGS_ss, struct cpu_user_regs, ss);
    OFFSET(UREGS_es, struct cpu_user_regs, es);
    OFFSET(UREGS_ds, struct cpu_user_regs, ds);
    OFFSET(UREGS_fs, struct cpu_user_regs, fs);
    OFFSET(UREGS_gs, struct cpu_user_regs, gs);
    VALUE(ENTRY_SYSCALL, ENTRY_SYSCALL);
    VALUE(SYSCALL_STUB_SIZE, SYSCALL_STUB_SIZE);
    VALUE(NR_HYPERCALLS, NR_HYPERCALLS);
    VALUE(ENOSYS, ENOSYS);
    VALUE(ERESTART, ERESTART);
    VALUE(HYPERCALL_RESTARTS, HYPERCALL_RESTARTS);

    VALUE(UREGS_SIZE, sizeof(struct cpu_user_regs));
    VALUE(UREGS_hw_end, offsetof(struct cpu_user_regs, es)); /* what an entry fills ends here */

    OFFSET(CPUINFO_guest_regs, struct cpu_info, guest_regs);
    OFFSET(CPUINFO_cpu, struct cpu_info, cpu);
    OFFSET(CPUINFO_percpu_offset, struct cpu_info, percpu_offset);
    OFFSET(CPUINFO_current, struct cpu_info, vcpu);
    OFFSET(CPUINFO_scratch, struct cpu_info, scratch);
    VALUE(CPUINFO_sizeof, sizeof(struct cpu_info));

    OFFSET(VCPU_idle, struct vcpu, idle);
    OFFSET(VCPU_info, struct vcpu, info);
    OFFSET(VCPU_kernel_mode, struct vcpu, pv.kernel_mode);
    OFFSET(VCPU_nmi_pending, struct vcpu, pv.nmi_pending);
    OFFSET(VCPU_nmi_masked, struct vcpu, pv.nmi_masked);
    OFFSET(VCPUINFO_upcall_pending, struct vcpu_info, evtchn_upcall_pending);
    OFFSET(VCPUINFO_upcall_mask, struct vcpu_info, evtchn_upcall_mask);
}
