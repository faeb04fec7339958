/* SPDX-License-Identifier: MIT */
/*
 * Single instructions under their names: CPUID, counters, ports. Registers are in cpu/regs.h and cpu/msr.h.
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
