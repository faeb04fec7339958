/* SPDX-License-Identifier: MIT */
/*
 * What each CPU needs before it may run a guest: the entry points of SYSCALL (64-bit and compatibility mode)
 * and SYSENTER. Interrupt gates are cpu/'s.
 */
#include "cpu/asm.h"
#include "cpu/features.h"
#include "pv/cpuid.h"
#include "pv/internal.h"

/* entry.S: each CPU's stubs. */
extern const char syscall_stubs[], syscall32_stubs[], sysenter_entry[];

/* SDM vol. 3A, 5.8.8 */
#define RFLAGS_MASKED_ON_SYSCALL (RFLAGS_AC | RFLAGS_NT | RFLAGS_IOPL | RFLAGS_DF | RFLAGS_IF | RFLAGS_TF)

void pv_init(void)
{
    pv_traps_init();
    cpuid_init();
    physdev_init();
}

void pv_cpu_init(unsigned int cpu_nr)
{
    wrmsr(MSR_STAR, (u64)SYSRET_BASE << 48 | (u64)HV_CS << 32);
    wrmsr(MSR_LSTAR, (u64)(syscall_stubs + cpu_nr * SYSCALL_STUB_SIZE));
    wrmsr(MSR_CSTAR, (u64)(syscall32_stubs + cpu_nr * SYSCALL_STUB_SIZE));
    wrmsr(MSR_SFMASK, RFLAGS_MASKED_ON_SYSCALL);
    /* AMD's processors have no SYSENTER in long mode: with CS 0 it faults everywhere. */
    wrmsr(MSR_SYSENTER_CS, cpu.amd ? 0 : HV_CS);
    wrmsr(MSR_SYSENTER_ESP, (u64)&cpu_info()->self->guest_regs.es);
    wrmsr(MSR_SYSENTER_EIP, (u64)sysenter_entry);
}
