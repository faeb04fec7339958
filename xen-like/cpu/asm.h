/* SPDX-License-Identifier: MIT */
/*
 * Single instructions under their names: CPUID, counters, ports, model-specific registers (numbers: SDM vol.
 * 4, APM vol. 2 appendix A); and what the hypervisor does about those that fault. Other registers are in
 * cpu/regs.h.
 */
#pragma once

#include "lib/lib.h"

/* r: EAX, EBX, ECX, EDX */
static inline void cpuid(u32 leaf, u32 subleaf, u32 r[4])
{
    __asm__ __volatile__("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(subleaf));
}

static inline void xsetbv(u64 value)
{
    __asm__ __volatile__("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

static inline u64 rdtsc(void) { return __builtin_ia32_rdtsc(); }

/* The counter, not read before earlier loads are done. */
static inline u64 rdtsc_ordered(void)
{
    __asm__ __volatile__("lfence" ::: "memory");
    return rdtsc();
}

static inline void cpu_relax(void) { __asm__ __volatile__("pause" ::: "memory"); }

#define PORT_ACCESSORS(suffix, type)                                                                \
    static inline type in##suffix(u16 port)                                                         \
    {                                                                                               \
        type v;                                                                                     \
        __asm__ __volatile__("in" #suffix " %1, %0" : "=a"(v) : "Nd"(port));                        \
        return v;                                                                                   \
    }                                                                                               \
    static inline void out##suffix(u16 port, type v)                                                \
    {                                                                                               \
        __asm__ __volatile__("out" #suffix " %0, %1" : : "a"(v), "Nd"(port));                       \
    }

PORT_ACCESSORS(b, u8)
PORT_ACCESSORS(w, u16)
PORT_ACCESSORS(l, u32)

/* --- instructions that may fault --- */

/*
 * Instructions that may fault on purpose: on what a guest supplied (addresses, selectors, MSR values). Each
 * has a row in .ex_table with the address to go on at; the hypervisor's own exception handler looks it up,
 * and panics where there is none.
 */
struct extable_entry { s32 at, fixup; };    /* each relative to its own address */

/* For use inside asm templates and in .S files (with the operands' addresses as labels). */
#define EXTABLE(at, fixup)                      \
    ".pushsection .ex_table, \"a\"\n\t"         \
    ".balign 4\n\t"                             \
    ".long " #at " - ., " #fixup " - .\n\t"     \
    ".popsection\n\t"

/* --- model-specific registers --- */

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
