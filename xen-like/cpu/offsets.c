/* SPDX-License-Identifier: MIT */
/*
 * Offsets and sizes that assembly code uses. This file is compiled to assembly text only; each OFFSET()
 * leaves a line there that the build turns into a symbol of offsets.h.
 */
#include "cpu/asm.h"
#include "domain/domain.h"
#include "pv/hypercall.h"

#define EMIT(name, value)      __asm__ __volatile__("# @OFFSET " name " %c0" : : "i"((long)(value)));
#define VALUE(name)            EMIT(#name, name)
#define OFFSET(name, type, at) EMIT(name, offsetof(type, at))

#define FOR_EACH_VALUE(X)                                                                                   \
    X(ENTRY_SYSCALL) X(SYSCALL_STUB_SIZE) X(NR_HYPERCALLS) X(ERESTART) X(HYPERCALL_RESTARTS)      \
    X(VGCF_in_syscall) X(FLAT_USER_CS64) X(FLAT_USER_CS32) X(FLAT_USER_SS) X(MSR_SPEC_CTRL) X(MSR_PRED_CMD)

#define FOR_EACH_REGISTER(X)                                                                                \
    X(r15) X(r14) X(r13) X(r12) X(rbp) X(rbx) X(r11) X(r10) X(r9) X(r8) X(rax) X(rcx) X(rdx) X(rsi) X(rdi)  \
    X(error_code) X(entry_vector) X(rip) X(cs) X(rflags) X(rsp) X(ss)
#define UREGS(reg) OFFSET("UREGS_" #reg, struct cpu_info, guest_regs.reg)

#define FOR_EACH_OF_IRET(X) X(rax) X(r11) X(rcx) X(flags) X(rip) X(cs) X(rflags) X(rsp) X(ss)
#define IRET(field) OFFSET("IRET_" #field, struct iret_context, field)

#define FOR_EACH_OF_CPU_INFO(X)                                                                             \
    X(guest_regs) X(percpu_offset) X(vcpu) X(scratch) X(self) X(guest_vcpu) X(guest_info) X(guest_cr3)      \
    X(full_cr3) X(isolated_base) X(guest_ctrl) X(hv_ctrl)
#define CPUINFO(field) OFFSET("CPUINFO_" #field, struct cpu_info, field)

static void __attribute__((used)) offsets(void)
{
    FOR_EACH_VALUE(VALUE)
    EMIT("HYPERVISOR_iret", __HYPERVISOR_iret)
    /* With the stack pointer at struct cpu_info, as in all code that a guest entered by. */
    FOR_EACH_REGISTER(UREGS)
    FOR_EACH_OF_CPU_INFO(CPUINFO)
    EMIT("CPUINFO_sizeof", sizeof(struct cpu_info))
    /* With the stack pointer at a frame. */
    OFFSET("FRAME_entry_vector", struct cpu_user_regs, entry_vector)
    OFFSET("FRAME_cs", struct cpu_user_regs, cs)
    OFFSET("FRAME_hw_end", struct cpu_user_regs, es) /* what an entry fills ends here */

    OFFSET("VCPU_idle", struct vcpu, idle)
    OFFSET("VCPU_info", struct vcpu, info)
    OFFSET("VCPU_kernel_mode", struct vcpu, pv.kernel_mode)
    OFFSET("VCPU_syscall_callback", struct vcpu, pv.callbacks[CALLBACKTYPE_syscall].address)
    OFFSET("VCPU_syscall_masks_events", struct vcpu, pv.callbacks[CALLBACKTYPE_syscall].mask_events)
    OFFSET("VCPU_bounce_sp", struct vcpu, pv.bounce_sp)
    OFFSET("VCPU_nmi_pending", struct vcpu, pv.nmi_pending)
    OFFSET("VCPU_nmi_masked", struct vcpu, pv.nmi_masked)
    OFFSET("VCPU_slow_ways", struct vcpu, pv.nmi_pending)
    OFFSET("VCPUINFO_upcall_pending", struct vcpu_info, evtchn_upcall_pending)
    OFFSET("VCPUINFO_upcall_mask", struct vcpu_info, evtchn_upcall_mask)
    FOR_EACH_OF_IRET(IRET)
}
