/* SPDX-License-Identifier: MIT */
/*
 * Finds out what the processor can do (CPUID: SDM vol. 2A, APM vol. 3 appendix E), and switches on what the
 * hypervisor relies on.
 */
#include "cpu/features.h"

#include "cpu/regs.h"
#include "lib/option.h"

struct cpu_features cpu;

static bool smep_wanted = true, smap_wanted = true, xsave_wanted = true;
OPTION_BOOL("smep", smep_wanted);
OPTION_BOOL("smap", smap_wanted);
OPTION_BOOL("xsave", xsave_wanted);

#define XCR0_X87_SSE_AVX    0x07
#define XCR0_AVX512         0xe0

u32 cpuid_register(u32 leaf, u32 subleaf, enum cpuid_register reg)
{
    u32 r[4] = { 0 };

    if (leaf <= (leaf & 0x80000000 ? cpu.max_ext_leaf : cpu.max_leaf))
        cpuid(leaf, subleaf, r);
    return r[reg];
}

static void detect_name(void)
{
    u32 r[4], words[13] = { 0 };

    cpuid(0, 0, r);
    cpu.max_leaf = r[0];
    const u32 vendor[] = { r[EBX], r[EDX], r[ECX] };
    memcpy(cpu.vendor, vendor, sizeof(vendor));
    cpu.intel = !strcmp(cpu.vendor, "GenuineIntel");
    cpu.amd = !strcmp(cpu.vendor, "AuthenticAMD") || !strcmp(cpu.vendor, "HygonGenuine");
    cpuid(0x80000000, 0, r);
    cpu.max_ext_leaf = r[0] >= 0x80000000 && r[0] <= 0x8000ffff ? r[0] : 0;
    if (cpu.max_ext_leaf < 0x80000004)
        return;
    for (u32 i = 0; i < 3; i++)
        cpuid(0x80000002 + i, 0, words + i * 4);
    strlcpy(cpu.brand, (const char *)words, sizeof(cpu.brand));
}

static void detect_model(void)
{
    const u32 signature = cpuid_register(1, 0, EAX);

    cpu.stepping = signature & 0xf;
    cpu.model = (signature >> 4) & 0xf;
    cpu.family = (signature >> 8) & 0xf;
    if (cpu.family == 6 || cpu.family == 15)
        cpu.model |= ((signature >> 16) & 0xf) << 4;
    if (cpu.family == 15)
        cpu.family += (signature >> 20) & 0xff;
}

/* The XSAVE components that are switched: x87, SSE, AVX, AVX-512, as far as the processor has them. */
static void detect_xsave(void)
{
    const u32 offered = cpuid_register(0xd, 0, EAX);

    cpu.xsave_size = 512;
    if (!cpu.xsave)
        return;
    cpu.xcr0 = offered & XCR0_X87_SSE_AVX;
    if ((offered & XCR0_AVX512) == XCR0_AVX512 && (cpu.xcr0 & 4))
        cpu.xcr0 |= XCR0_AVX512;
    cpu.xsaveopt = cpuid_register(0xd, 1, EAX) & 1;
    /* EBX of leaf 0xd counts the components that XCR0 has now. */
    write_reg(cr4, read_reg(cr4) | CR4_OSXSAVE);
    xsetbv(cpu.xcr0);
    cpu.xsave_size = cpuid_register(0xd, 0, EBX);
}

/* FXSAVE says it. 0 means the first processors, which had no denormals-are-zeros. */
static void detect_mxcsr_mask(void)
{
    u32 image[512 / 4] __aligned(16);

    __asm__ __volatile__("fxsave64 %0" : "=m"(image));
    cpu.mxcsr_mask = image[7] ?: 0xffbf;
}

void features_detect(void)
{
    detect_name();
    detect_model();
    cpu.pge = cpuid_bit(1, EDX, 13);
    cpu.mca = cpuid_bit(1, EDX, 14);
    cpu.x2apic = cpuid_bit(1, ECX, 21);
    cpu.tsc_deadline = cpuid_bit(1, ECX, 24);
    cpu.xsave = xsave_wanted && cpuid_bit(1, ECX, 26) && cpu.max_leaf >= 0xd;
    cpu.fsgsbase = cpuid_bit(7, EBX, 0);
    cpu.smep = smep_wanted && cpuid_bit(7, EBX, 7);
    cpu.smap = smap_wanted && cpuid_bit(7, EBX, 20);
    cpu.nx = cpuid_bit(0x80000001, EDX, 20);
    cpu.page1gb = cpuid_bit(0x80000001, EDX, 26);
    cpu.rdtscp = cpuid_bit(0x80000001, EDX, 27);
    cpu.invariant_tsc = cpuid_bit(0x80000007, EDX, 8);
    cpu.phys_bits = cpuid_register(0x80000008, 0, EAX) & 0xff ?: 36;
    detect_xsave();
    detect_mxcsr_mask();
}

/*
 * Memory types by PAT, PCD, PWT: WB WT UC- UC WC WP UC UC. Guests rely on it: it is part of the ABI, in
 * effect. The first four are the processor's own after reset, so that nothing mapped before changes its type.
 */
#define PAT_OF_THE_ABI 0x0000050100070406UL

void features_apply(void)
{
    write_reg(cr4, CR4_DE | CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (cpu.pge ? CR4_PGE : 0) |
              (cpu.mca ? CR4_MCE : 0) | (cpu.fsgsbase ? CR4_FSGSBASE : 0) | (cpu.smep ? CR4_SMEP : 0) |
              (cpu.smap ? CR4_SMAP : 0) | (cpu.xsave ? CR4_OSXSAVE : 0));
    write_reg(cr0, CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | (cpu.nx ? EFER_NXE : 0));
    if (cpu.xsave)
        xsetbv(cpu.xcr0);
    wrmsr(MSR_PAT, PAT_OF_THE_ABI);
}
