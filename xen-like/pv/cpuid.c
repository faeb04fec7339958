/* SPDX-License-Identifier: MIT */
/*
 * CPUID as guests may see it: what the processor says, masked by what a PV guest can use (the words marked A
 * in xen/arch-x86/cpufeatureset.h, less those whose registers the MSR policy does not offer), and the
 * hypervisor's own leaves from 0x40000000 (xen/arch-x86/cpuid.h). Guests ask by the forced-emulation prefix;
 * a bare CPUID in a guest shows the processor itself.
 */
#include "pv/cpuid.h"

#include <xen/arch-x86/cpuid.h>

#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/time.h"
#include "lib/version.h"
#include "pv/internal.h"

#define LEAF_1_EDX_SYSENTER   (1u << 11)
#define LEAF_1_ECX_XSAVE      (1u << 26)
#define LEAF_1_ECX_OSXSAVE    (1u << 27)
#define LEAF_1_ECX_HYPERVISOR (1u << 31)
#define LEAF_1_ECX_BY_XSAVE   (1u << 12 | 1u << 28 | 1u << 29) /* FMA, AVX, F16C */
#define EXT1_EDX_COPY         0x0183f3ffu                      /* on AMD these repeat leaf 1 */
#define ANY                   0xffffffffu

/*
 * The rows of a policy. A toolstack may choose the bits in `open` as it likes (names, numbers of leaves), and
 * leave out those in `mask`; all others are 0. Where EAX is the number of the last leaf or subleaf, it is
 * `most` at most.
 */
static const struct {
    u32 leaf, subleaf;
    struct cpuid_result mask, open;
    u32 most;
} rows[NR_CPUID_ROWS] = {
    [CPUID_ROW_0] = { 0, 0, .open = { ANY, ANY, ANY, ANY }, .most = CPUID_MAX_BASIC },
    [CPUID_ROW_1] = { 1, 0, { 0, 0xff00, 0xf6d83203, 0x1fc9cbf5 }, { .a = ANY }, 0 },
    [CPUID_ROW_7] = { 7, 0, { 0, 0xfdaf0b29, 0x02405f42, 0x0000441c }, { .a = ANY }, 1 },
    [CPUID_ROW_7_1] = { 7, 1, { .a = 0x00001c30 } },
    [CPUID_ROW_D_1] = { 0xd, 1, { .a = 0x00000007 } },
    [CPUID_ROW_EXT0] = { 0x80000000, 0, .open = { ANY, ANY, ANY, ANY }, .most = 0x80000008 },
    [CPUID_ROW_EXT1] = { 0x80000001, 0, { .c = 0x042109e3, .d = 0xea500800 }, { .a = ANY }, 0 },
    [CPUID_ROW_EXT8] = { 0x80000008, 0, { .a = 0xffff, .b = 0x00000005 } },
};

struct cpuid_policy cpuid_pv;

#define RESULT(...) ((struct cpuid_result){ __VA_ARGS__ })
static const struct cpuid_result none;

static struct cpuid_result native(u32 leaf, u32 subleaf)
{
    u32 r[4] = { 0 };

    if (leaf <= (leaf & 0x80000000 ? cpu.max_ext_leaf : cpu.max_leaf))
        cpuid(leaf, subleaf, r);
    return RESULT(r[0], r[1], r[2], r[3]);
}

/* The bits of r that either mask has. */
static struct cpuid_result masked(struct cpuid_result r, struct cpuid_result m, struct cpuid_result n)
{
    return RESULT(r.a & (m.a | n.a), r.b & (m.b | n.b), r.c & (m.c | n.c), r.d & (m.d | n.d));
}

/* What depends on another bit of the policy. */
static void settle(struct cpuid_policy *p)
{
    if (!(p->row[CPUID_ROW_1].c & LEAF_1_ECX_XSAVE)) {
        p->row[CPUID_ROW_1].c &= ~LEAF_1_ECX_BY_XSAVE;
        p->row[CPUID_ROW_D_1] = none;
    }
    if (!p->row[CPUID_ROW_7].a)
        p->row[CPUID_ROW_7_1] = none;
}

void cpuid_init(void)
{
    struct cpuid_result *row = cpuid_pv.row;

    for (unsigned int i = 0; i < NR_CPUID_ROWS; i++) {
        row[i] = masked(native(rows[i].leaf, rows[i].subleaf), rows[i].mask, rows[i].open);
        if (rows[i].most)
            row[i].a = min(row[i].a, rows[i].most);
    }
    row[CPUID_ROW_1].c |= LEAF_1_ECX_HYPERVISOR;
    if (cpu.amd)
        row[CPUID_ROW_1].d &= ~LEAF_1_EDX_SYSENTER; /* there it does not work in 64-bit mode */
    if (!cpu.xsave)
        row[CPUID_ROW_1].c &= ~LEAF_1_ECX_XSAVE;
    settle(&cpuid_pv);
}

bool cpuid_limit(struct cpuid_policy *p, u32 *leaf)
{
    for (unsigned int i = 0; i < NR_CPUID_ROWS; i++) {
        *leaf = rows[i].leaf;
        if (rows[i].most && p->row[i].a > cpuid_pv.row[i].a)
            return false;
        p->row[i] = masked(p->row[i], cpuid_pv.row[i], rows[i].open);
    }
    settle(p);
    return true;
}

struct cpuid_result *cpuid_row(struct cpuid_policy *p, u32 leaf, u32 subleaf)
{
    for (unsigned int i = 0; i < NR_CPUID_ROWS; i++)
        if (rows[i].leaf == leaf && (rows[i].subleaf == subleaf || (leaf != 7 && leaf != 0xd)))
            return &p->row[i];
    return NULL;
}

/* Size of a standard XSAVE area for the components in xcr0. */
static u32 xsave_size(u64 xcr0)
{
    const u64 extended = xcr0 & ~3UL; /* beyond what the legacy region and the header hold */
    u32 size = 512 + 64;

    for_each_set_bit(i, &extended, 63) {
        const struct cpuid_result r = native(0xd, i);

        size = max(size, r.a + r.b);
    }
    return size;
}

struct cpuid_result cpuid_leaf(const struct cpuid_policy *p, u32 leaf, u32 subleaf)
{
    static const struct cpuid_result cache = { 0x3fff, ANY, ANY, ANY }; /* no thread counts */

    if (!p)
        return native(leaf, subleaf);
    if (leaf > (leaf & 0x80000000 ? p->row[CPUID_ROW_EXT0].a : p->row[CPUID_ROW_0].a))
        return none;
    const struct cpuid_result *row = cpuid_row((struct cpuid_policy *)p, leaf, subleaf);
    if (row)
        return *row;
    switch (leaf) {
    case 2:
    case 0x80000002 ... 0x80000006:
        return native(leaf, 0);
    case 4:
        return masked(native(4, subleaf), cache, none);
    case 0xd:
        if (!(p->row[CPUID_ROW_1].c & LEAF_1_ECX_XSAVE))
            return none;
        if (subleaf == 0)
            return RESULT((u32)cpu.xcr0, 0, cpu.xsave_size, cpu.xcr0 >> 32);
        return subleaf < 63 && (cpu.xcr0 & (1UL << subleaf)) ? native(0xd, subleaf) : none;
    default: /* power, performance counters, monitor, topology: nothing for a guest */
        return none;
    }
}

/* --- the hypervisor's leaves --- */

static struct cpuid_result hv_time_leaf(const struct vcpu *v, u32 subleaf)
{
    struct vcpu_time_info t = {};

    time_fill(&t);
    const struct cpuid_result subleaves[] = {
        /* Nothing emulated; mode, frequency and number of migrations that changed it. */
        { (cpu.invariant_tsc ? 2u : 0) | (cpu.rdtscp ? 4u : 0), v->domain->pv.tsc_mode, tsc_khz, 0 },
        { 0, 0, t.tsc_to_system_mul, (u32)(s32)t.tsc_shift },
        { .a = tsc_khz },
    };
    return subleaf < ARRAY_SIZE(subleaves) ? subleaves[index_nospec(subleaf, ARRAY_SIZE(subleaves))] : none;
}

static struct cpuid_result hv_leaf(const struct vcpu *v, u32 nr, u32 subleaf)
{
    static const struct cpuid_result fixed[] = {
        { XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES), XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
          XEN_CPUID_SIGNATURE_EDX },
        { .a = ABI_VERSION_MAJOR << 16 | ABI_VERSION_MINOR },
        { 1, XEN_CPUID_FIRST_LEAF, XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD, 0 },
    };

    if (nr < ARRAY_SIZE(fixed))
        return fixed[index_nospec(nr, ARRAY_SIZE(fixed))];
    if (nr == 3)
        return hv_time_leaf(v, subleaf);
    return nr == 5 && subleaf == 0 ? RESULT(.b = 64 - __builtin_clzl(frame_limit << PAGE_SHIFT)) : none;
}

struct cpuid_result pv_cpuid(struct vcpu *v, u32 leaf, u32 subleaf)
{
    const struct cpuid_policy *p = v->domain->cpuid ?: &cpuid_pv;
    struct cpuid_result r = cpuid_leaf(p, leaf, subleaf);

    if (leaf - XEN_CPUID_FIRST_LEAF < 0x100)
        return hv_leaf(v, leaf - XEN_CPUID_FIRST_LEAF, subleaf);
    switch (leaf) {
    case 1:
        r.b |= (v->id * 2) << 24 | 1u << 16;
        /* A kernel is told that it can have XSAVE before it sets the bit of CR4: Linux goes by that. */
        if ((r.c & LEAF_1_ECX_XSAVE) && (v->pv.kernel_mode || (v->pv.ctrlreg[4] & CR4_OSXSAVE)))
            r.c |= LEAF_1_ECX_OSXSAVE;
        break;
    case 0xd:
        if (subleaf == 0 ? r.a : subleaf == 1 && (r.a & 2))
            r.b = xsave_size(v->pv.xcr0);
        break;
    case 0x80000001:
        if (cpu.amd)
            r.d |= p->row[CPUID_ROW_1].d & EXT1_EDX_COPY;
        break;
    }
    return r;
}
