/* SPDX-License-Identifier: MIT */
/*
 * CPUID as guests may see it: what the processor says, masked by what a PV guest can use (the words marked A
 * in xen/arch-x86/cpufeatureset.h, less those whose registers the MSR policy does not offer), and the
 * hypervisor's own leaves from 0x40000000 (xen/arch-x86/cpuid.h). Guests ask by the forced-emulation prefix;
 * a bare CPUID in a guest shows the processor itself.
 */
#include <xen/arch-x86/cpuid.h>

#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/regs.h"
#include "cpu/time.h"
#include "domain/domain.h"
#include "lib/string.h"
#include "lib/version.h"
#include "pv/internal.h"

#define MAX_BASIC_LEAF    0xdu
#define MAX_EXTENDED_LEAF 0x80000008u

/* Bits that guests may see, by leaf and register. */
#define MASK_1_ECX         0x76d83203u
#define MASK_1_EDX         0x1fc9cbf5u
#define MASK_7_EBX         0xfdaf0b29u
#define MASK_7_ECX         0x02405f42u
#define MASK_7_EDX         0x0000441cu
#define MASK_7_1_EAX       0x00001c30u
#define MASK_D_1_EAX       0x00000007u
#define MASK_EXT1_ECX      0x042109e3u
#define MASK_EXT1_EDX      0xea500800u
#define MASK_EXT1_EDX_COPY 0x0183f3ffu /* on AMD these repeat leaf 1 */
#define MASK_EXT8_EBX      0x00000005u

#define LEAF_1_ECX_OSXSAVE    (1u << 27)
#define LEAF_1_ECX_HYPERVISOR (1u << 31)

static struct cpuid_result native(u32 leaf, u32 subleaf)
{
    u32 r[4];

    cpuid(leaf, subleaf, r);
    return (struct cpuid_result){ r[0], r[1], r[2], r[3] };
}

static struct cpuid_result leaf_1(struct vcpu *v, struct cpuid_result r)
{
    r.b = (r.b & 0xff00) | (v->id * 2) << 24 | 1u << 16;
    r.c = (r.c & MASK_1_ECX) | LEAF_1_ECX_HYPERVISOR;
    if (!cpu.xsave)
        r.c &= ~(1u << 26 | 1u << 28 | 1u << 29 | 1u << 12); /* XSAVE, and what needs it: AVX, F16C, FMA */
    else if (v->pv.ctrlreg[4] & CR4_OSXSAVE)
        r.c |= LEAF_1_ECX_OSXSAVE;
    r.d &= MASK_1_EDX;
    return r;
}

static struct cpuid_result leaf_7(struct cpuid_result r, u32 subleaf)
{
    if (subleaf == 0)
        return (struct cpuid_result){ min(r.a, 1u), r.b & MASK_7_EBX, r.c & MASK_7_ECX, r.d & MASK_7_EDX };
    if (subleaf == 1)
        return (struct cpuid_result){ .a = r.a & MASK_7_1_EAX };
    return (struct cpuid_result){};
}

/* Size of a standard XSAVE area for the components in xcr0. */
static u32 xsave_size(u64 xcr0)
{
    u32 size = 512 + 64;

    for (unsigned int i = 2; i < 63; i++) {
        struct cpuid_result r;

        if (!(xcr0 & (1UL << i)))
            continue;
        r = native(0xd, i);
        size = max(size, r.a + r.b);
    }
    return size;
}

static struct cpuid_result leaf_d(struct vcpu *v, struct cpuid_result r, u32 subleaf)
{
    if (!cpu.xsave)
        return (struct cpuid_result){};
    if (subleaf == 0)
        return (struct cpuid_result){ (u32)cpu.xcr0, xsave_size(v->pv.xcr0), cpu.xsave_size, cpu.xcr0 >> 32 };
    if (subleaf == 1)
        return (struct cpuid_result){ .a = r.a & MASK_D_1_EAX, .b = r.a & 2 ? xsave_size(v->pv.xcr0) : 0 };
    if (subleaf < 63 && (cpu.xcr0 & (1UL << subleaf)))
        return r;
    return (struct cpuid_result){};
}

static struct cpuid_result leaf_ext_1(struct vcpu *v, struct cpuid_result r)
{
    struct cpuid_result one = leaf_1(v, native(1, 0));
    bool amd = !strcmp(cpu.vendor, "AuthenticAMD") || !strcmp(cpu.vendor, "HygonGenuine");

    r.c &= MASK_EXT1_ECX;
    r.d = (r.d & MASK_EXT1_EDX) | (amd ? one.d & MASK_EXT1_EDX_COPY : 0);
    return (struct cpuid_result){ r.a, 0, r.c, r.d };
}

/* --- the hypervisor's leaves --- */

static struct cpuid_result hv_time_leaf(struct vcpu *v, u32 subleaf)
{
    struct vcpu_time_info t = {};

    switch (subleaf) {
    case 0: /* nothing emulated; mode, frequency and number of migrations that changed it */
        return (struct cpuid_result){ (cpu.invariant_tsc ? 2u : 0) | (cpu.rdtscp ? 4u : 0), v->domain->pv.tsc_mode,
                                      tsc_khz, 0 };
    case 1:
        time_fill(&t);
        return (struct cpuid_result){ 0, 0, t.tsc_to_system_mul, (u32)(s32)t.tsc_shift };
    case 2:
        return (struct cpuid_result){ .a = tsc_khz };
    default:
        return (struct cpuid_result){};
    }
}

static struct cpuid_result hv_leaf(struct vcpu *v, u32 leaf, u32 subleaf)
{
    switch (leaf - XEN_CPUID_FIRST_LEAF) {
    case 0:
        return (struct cpuid_result){ XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES), XEN_CPUID_SIGNATURE_EBX,
                                      XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX };
    case 1:
        return (struct cpuid_result){ .a = ABI_VERSION_MAJOR << 16 | ABI_VERSION_MINOR };
    case 2:
        return (struct cpuid_result){ 1, XEN_CPUID_FIRST_LEAF, XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD, 0 };
    case 3:
        return hv_time_leaf(v, subleaf);
    case 5:
        return (struct cpuid_result){ .b = subleaf ? 0 : cpu.phys_bits };
    default:
        return (struct cpuid_result){};
    }
}

struct cpuid_result pv_cpuid(struct vcpu *v, u32 leaf, u32 subleaf)
{
    u32 max = leaf & 0x80000000 ? min(cpu.max_ext_leaf, MAX_EXTENDED_LEAF) : min(cpu.max_leaf, MAX_BASIC_LEAF);
    struct cpuid_result r;

    if (leaf >= XEN_CPUID_FIRST_LEAF && leaf < XEN_CPUID_FIRST_LEAF + 0x100)
        return hv_leaf(v, leaf, subleaf);
    if (leaf > max)
        return (struct cpuid_result){};
    r = native(leaf, subleaf);
    switch (leaf) {
    case 0:
    case 0x80000000:
        r.a = max;
        return r;
    case 1:
        return leaf_1(v, r);
    case 2:
    case 0x80000002 ... 0x80000006:
        return r;
    case 4:
        r.a &= 0x3fff; /* cache levels, without the counts of threads and cores */
        return r;
    case 7:
        return leaf_7(r, subleaf);
    case 0xd:
        return leaf_d(v, r, subleaf);
    case 0x80000001:
        return leaf_ext_1(v, r);
    case 0x80000008:
        return (struct cpuid_result){ .a = r.a & 0xffff, .b = r.b & MASK_EXT8_EBX };
    default: /* power, performance counters, monitor, topology: nothing for a guest */
        return (struct cpuid_result){};
    }
}
