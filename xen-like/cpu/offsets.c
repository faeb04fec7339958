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
    /* With the stack pointer at struct cpu_info, as in all code that a guest entered by. */
    OFFSET(UREGS_r15, struct cpu_info, guest_regs.r15);
    OFFSET(UREGS_r14, struct cpu_info, guest_regs.r14);
    OFFSET(UREGS_r13, struct cpu_info, guest_regs.r13);
    OFFSET(UREGS_r12, struct cpu_info, guest_regs.r12);
    OFFSET(UREGS_rbp, struct cpu_info, guest_regs.rbp);
    OFFSET(UREGS_rbx, struct cpu_info, guest_regs.rbx);
    OFFSET(UREGS_r11, struct cpu_info, guest_regs.r11);
    OFFSET(UREGS_r10, struct cpu_info, guest_regs.r10);
    OFFSET(UREGS_r9, struct cpu_info, guest_regs.r9);
    OFFSET(UREGS_r8, struct cpu_info, guest_regs.r8);
    OFFSET(UREGS_rax, struct cpu_info, guest_regs.rax);
    OFFSET(UREGS_rcx, struct cpu_info, guest_regs.rcx);
    OFFSET(UREGS_rdx, struct cpu_info, guest_regs.rdx);
    OFFSET(UREGS_rsi, struct cpu_info, guest_regs.rsi);
    OFFSET(UREGS_rdi, struct cpu_info, guest_regs.rdi);
    OFFSET(UREGS_error_code, struct cpu_info, guest_regs.error_code);
    OFFSET(UREGS_entry_vector, struct cpu_info, guest_regs.entry_vector);
    OFFSET(UREGS_rip, struct cpu_info, guest_regs.rip);
    OFFSET(UREGS_cs, struct cpu_info, guest_regs.cs);
    OFFSET(UREGS_eflags, struct cpu_info, guest_regs.rflags);
    OFFSET(UREGS_rsp, struct cpu_info, guest_regs.rsp);
    OFFSET(UREGS_ss, struct cpu_info, guest_regs.ss);
    /* With the stack pointer at a frame. */
    OFFSET(FRAME_entry_vector, struct cpu_user_regs, entry_vector);
    OFFSET(FRAME_cs, struct cpu_user_regs, cs);
    VALUE(FRAME_hw_end, offsetof(struct cpu_user_regs, es)); /* what an entry fills ends here */

    VALUE(ENTRY_SYSCALL, ENTRY_SYSCALL);
    VALUE(SYSCALL_STUB_SIZE, SYSCALL_STUB_SIZE);
    VALUE(NR_HYPERCALLS, NR_HYPERCALLS);
    VALUE(ENOSYS, ENOSYS);
    VALUE(ERESTART, ERESTART);
    VALUE(HYPERCALL_RESTARTS, HYPERCALL_RESTARTS);

    OFFSET(CPUINFO_entry_room, struct cpu_info, entry_room);
    OFFSET(CPUINFO_guest_regs, struct cpu_info, guest_regs);
    OFFSET(CPUINFO_percpu_offset, struct cpu_info, percpu_offset);
    OFFSET(CPUINFO_current, struct cpu_info, vcpu);
    OFFSET(CPUINFO_scratch, struct cpu_info, scratch);
    OFFSET(CPUINFO_self, struct cpu_info, self);
    OFFSET(CPUINFO_guest_vcpu, struct cpu_info, guest_vcpu);
    OFFSET(CPUINFO_guest_info, struct cpu_info, guest_info);
    OFFSET(CPUINFO_guest_cr3, struct cpu_info, guest_cr3);
    OFFSET(CPUINFO_full_cr3, struct cpu_info, full_cr3);
    OFFSET(CPUINFO_isolated_base, struct cpu_info, isolated_base);
    OFFSET(CPUINFO_guest_ctrl, struct cpu_info, spec.guest_ctrl);
    OFFSET(CPUINFO_hv_ctrl, struct cpu_info, spec.hv_ctrl);
    VALUE(CPUINFO_sizeof, sizeof(struct cpu_info));

    OFFSET(VCPU_idle, struct vcpu, idle);
    OFFSET(VCPU_info, struct vcpu, info);
    OFFSET(VCPU_kernel_mode, struct vcpu, pv.kernel_mode);
    OFFSET(VCPU_syscall_callback, struct vcpu, pv.syscall_callback);
    OFFSET(VCPU_syscall_disables_events, struct vcpu, pv.syscall_disables_events);
    OFFSET(VCPU_bounce_sp, struct vcpu, pv.bounce_sp);
    OFFSET(VCPU_nmi_pending, struct vcpu, pv.nmi_pending);
    OFFSET(VCPU_nmi_masked, struct vcpu, pv.nmi_masked);
    OFFSET(VCPU_slow_ways, struct vcpu, pv.nmi_pending);
    OFFSET(VCPUINFO_upcall_pending, struct vcpu_info, evtchn_upcall_pending);
    OFFSET(VCPUINFO_upcall_mask, struct vcpu_info, evtchn_upcall_mask);
    OFFSET(IRET_rax, struct iret_context, rax);
    OFFSET(IRET_r11, struct iret_context, r11);
    OFFSET(IRET_rcx, struct iret_context, rcx);
    OFFSET(IRET_flags, struct iret_context, flags);
    OFFSET(IRET_rip, struct iret_context, rip);
    OFFSET(IRET_cs, struct iret_context, cs);
    OFFSET(IRET_rflags, struct iret_context, rflags);
    OFFSET(IRET_rsp, struct iret_context, rsp);
    OFFSET(IRET_ss, struct iret_context, ss);
    VALUE(HYPERVISOR_iret, __HYPERVISOR_iret);
    VALUE(VGCF_in_syscall, VGCF_in_syscall);
}
