/* SPDX-License-Identifier: MIT */
/*
 * Offsets and sizes that assembly code uses. This file is compiled to assembly text only; each OFFSET()
 * leaves a line there that the build turns into a symbol of offsets.h.
 */
#include "cpu/softirq.h"
#include "domain/domain.h"
#include "pv/hypercall.h"

#define VALUE(name, value) __asm__ __volatile__("# @OFFSET " #name " %c0" : : "i"((long)(value)))
#define OFFSET(name, type, member) VALUE(name, offsetof(type, member))

#define FOR_EACH_REGISTER(X)                                                                                \
    X(r15) X(r14) X(r13) X(r12) X(rbp) X(rbx) X(r11) X(r10) X(r9) X(r8) X(rax) X(rcx) X(rdx) X(rsi) X(rdi)  \
    X(error_code) X(entry_vector) X(rip) X(cs) X(rflags) X(rsp) X(ss)
#define UREGS(reg) OFFSET(UREGS_##reg, struct cpu_info, guest_regs.reg);

#define FOR_EACH_OF_IRET(X) X(rax) X(r11) X(rcx) X(flags) X(rip) X(cs) X(rflags) X(rsp) X(ss)
#define IRET(field) OFFSET(IRET_##field, struct iret_context, field);

void offsets(void);
void offsets(void)
{
    /* With the stack pointer at struct cpu_info, as in all code that a guest entered by. */
    FOR_EACH_REGISTER(UREGS)
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
    OFFSET(VCPU_syscall_callback, struct vcpu, pv.callbacks[CALLBACKTYPE_syscall].address);
    OFFSET(VCPU_syscall_masks_events, struct vcpu, pv.callbacks[CALLBACKTYPE_syscall].mask_events);
    OFFSET(VCPU_bounce_sp, struct vcpu, pv.bounce_sp);
    OFFSET(VCPU_nmi_pending, struct vcpu, pv.nmi_pending);
    OFFSET(VCPU_nmi_masked, struct vcpu, pv.nmi_masked);
    OFFSET(VCPU_slow_ways, struct vcpu, pv.nmi_pending);
    OFFSET(VCPUINFO_upcall_pending, struct vcpu_info, evtchn_upcall_pending);
    OFFSET(VCPUINFO_upcall_mask, struct vcpu_info, evtchn_upcall_mask);
    FOR_EACH_OF_IRET(IRET)
    VALUE(HYPERVISOR_iret, __HYPERVISOR_iret);
    VALUE(VGCF_in_syscall, VGCF_in_syscall);
}
