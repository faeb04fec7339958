/* SPDX-License-Identifier: MIT */
/* Model-specific registers: numbers (SDM vol. 4, APM vol. 2 appendix A) and access. */
#pragma once

#include "cpu/extable.h"

#define MSR_TSC                 0x010
#define MSR_PLATFORM_ID         0x017
#define MSR_APIC_BASE           0x01b
#define MSR_SPEC_CTRL           0x048
#define MSR_PRED_CMD            0x049
#define MSR_UCODE_REV           0x08b
#define MSR_PLATFORM_INFO       0x0ce
#define MSR_ARCH_CAPABILITIES   0x10a
#define MSR_SYSENTER_CS         0x174
#define MSR_SYSENTER_ESP        0x175
#define MSR_SYSENTER_EIP        0x176
#define MSR_MCG_CAP             0x179
#define MSR_MCG_STATUS          0x17a
#define MSR_PERF_STATUS         0x198
#define MSR_MISC_ENABLE         0x1a0
#define MSR_DEBUGCTL            0x1d9
#define MSR_PAT                 0x277
#define MSR_MC0_CTL             0x400
#define MSR_TSC_DEADLINE        0x6e0
#define MSR_X2APIC_BASE         0x800
#define MSR_EFER                0xc0000080
#define MSR_STAR                0xc0000081
#define MSR_LSTAR               0xc0000082
#define MSR_CSTAR               0xc0000083
#define MSR_SFMASK              0xc0000084
#define MSR_FS_BASE             0xc0000100
#define MSR_GS_BASE             0xc0000101
#define MSR_KERNEL_GS_BASE      0xc0000102
#define MSR_TSC_AUX             0xc0000103

#define EFER_SCE  (1u << 0)
#define EFER_LME  (1u << 8)
#define EFER_NXE  (1u << 11)

static inline u64 rdmsr(u32 msr)
{
    u32 lo, hi;

    __asm__ __volatile__("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (u64)hi << 32 | lo;
}

static inline void wrmsr(u32 msr, u64 value)
{
    __asm__ __volatile__("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

/* False where the processor refuses the register (#GP); *value is then 0. */
static inline bool rdmsr_safe(u32 msr, u64 *value)
{
    u32 lo = 0, hi = 0;
    u8 fault = 1;

    __asm__ __volatile__("1: rdmsr\n\tmovb $0, %2\n2:\n\t" EXTABLE(1b, 2b)
                         : "+a"(lo), "+d"(hi), "+m"(fault) : "c"(msr));
    *value = (u64)hi << 32 | lo;
    return !fault;
}
