/* SPDX-License-Identifier: MIT */
/*
 * What the processor can do, as far as the hypervisor itself acts on it; read once on the boot CPU. What
 * guests see is another matter: pv/cpuid.c.
 */
#pragma once

#include "cpu/spec.h"

struct cpu_features {
    u32 max_leaf, max_ext_leaf;
    char vendor[13];
    char brand[49];
    u32 family, model, stepping;
    unsigned int phys_bits;
    u64 xcr0;               /* XSAVE components that the hypervisor switches; 0 without XSAVE */
    u32 xsave_size;         /* bytes of an XSAVE area for xcr0 (512 without XSAVE) */
    u32 mxcsr_mask;         /* the bits that MXCSR has */
    bool intel, amd;        /* amd: or a CPU made after its model */
    bool nx, smep, smap, fsgsbase, xsave, xsaveopt, x2apic, tsc_deadline, invariant_tsc;
    bool rdtscp, page1gb, pge, mca;
};

extern struct cpu_features cpu;

/* A register of CPUID; 0 where the processor has no such leaf. And a bit of it, subleaf 0. */
enum cpuid_register { EAX, EBX, ECX, EDX };
u32 cpuid_register(u32 leaf, u32 subleaf, enum cpuid_register reg);
#define cpuid_bit(leaf, reg, bit) (cpuid_register(leaf, 0, reg) >> (bit) & 1)

void features_detect(void);     /* boot CPU, first thing */
void features_apply(void);      /* each CPU: CR0, CR4, EFER, XCR0 as the above says */

/* stac and clac where the CPU has SMAP, nothing elsewhere: slots that cpu/spec.c patches while booting. */
#define SMAP_SLOT(to)                                                                           \
    __asm__ __volatile__("661: .byte 0x0f,0x1f,0x00\n\t"                                        \
                         ".pushsection .spec_patch, \"a\"\n\t"                                  \
                         ".balign 4\n\t"                                                        \
                         ".long 661b - ., " #to " - ., %c0\n\t"                                 \
                         ".popsection" : : "i"(SPEC_PATCH_SMAP) : "memory")
static inline void smap_open(void) { SMAP_SLOT(code_stac); }
static inline void smap_close(void) { SMAP_SLOT(code_clac); }
