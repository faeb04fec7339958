/* SPDX-License-Identifier: MIT */
/* Single instructions under their names: CPUID, counters, ports. Registers are in cpu/regs.h and cpu/msr.h. */
#ifndef CPU_ASM_H
#define CPU_ASM_H

#include "lib/types.h"

/* r: EAX, EBX, ECX, EDX */
static inline void cpuid(u32 leaf, u32 subleaf, u32 r[4])
{
    __asm__ __volatile__("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3]) : "a"(leaf), "c"(subleaf));
}

static inline void xsetbv(u64 value)
{
    __asm__ __volatile__("xsetbv" : : "c"(0), "a"((u32)value), "d"((u32)(value >> 32)));
}

/* The counter, not read before earlier loads are done. */
static inline u64 rdtsc_ordered(void)
{
    u32 lo, hi;

    __asm__ __volatile__("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
    return (u64)hi << 32 | lo;
}

static inline u64 rdtsc(void)
{
    u32 lo, hi;

    __asm__ __volatile__("rdtsc" : "=a"(lo), "=d"(hi));
    return (u64)hi << 32 | lo;
}

static inline void cpu_relax(void) { __asm__ __volatile__("pause" ::: "memory"); }

static inline u8 inb(u16 port)
{
    u8 v;

    __asm__ __volatile__("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline u16 inw(u16 port)
{
    u16 v;

    __asm__ __volatile__("inw %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline u32 inl(u16 port)
{
    u32 v;

    __asm__ __volatile__("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static inline void outb(u16 port, u8 v) { __asm__ __volatile__("outb %0, %1" : : "a"(v), "Nd"(port)); }
static inline void outw(u16 port, u16 v) { __asm__ __volatile__("outw %0, %1" : : "a"(v), "Nd"(port)); }
static inline void outl(u16 port, u32 v) { __asm__ __volatile__("outl %0, %1" : : "a"(v), "Nd"(port)); }

#endif
