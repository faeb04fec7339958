/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers as guests may read and write them: one table. What is not in it is #GP, as on a
 * processor that has no such register.
 */
#include <xen/arch-x86/cpuid.h>

#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/msr.h"
#include "domain/domain.h"
#include "mm/guest.h"
#include "pv/internal.h"

struct msr_policy {
    u32 msr, last;      /* last: of a range, 0: one register */
    bool (*read)(struct vcpu *v, u32 msr, u64 *value);  /* NULL: #GP */
    bool (*write)(struct vcpu *v, u32 msr, u64 value);  /* NULL: #GP */
};

static bool read_native(struct vcpu *v, u32 msr, u64 *value) { return rdmsr_safe(msr, value); }

static bool read_zero(struct vcpu *v, u32 msr, u64 *value)
{
    *value = 0;
    return true;
}

static bool write_ignored(struct vcpu *v, u32 msr, u64 value) { return true; }

/* Only the value that is there already. */
static bool write_same(struct vcpu *v, u32 msr, u64 value)
{
    u64 now = 0;

    return read_native(v, msr, &now) && now == value;
}

static bool write_base(struct vcpu *v, u32 msr, u64 value)
{
    if (!canonical(value))
        return false;
    wrmsr(msr, value);
    return true;
}

static bool read_apic_base(struct vcpu *v, u32 msr, u64 *value)
{
    if (!rdmsr_safe(msr, value))
        return false;
    *value = (*value & ~(1UL << 8 | 1UL << 10)) | (v->id == 0 ? 1UL << 8 : 0); /* BSP; no x2APIC mode */
    return true;
}

static bool read_tsc(struct vcpu *v, u32 msr, u64 *value)
{
    *value = rdtsc();
    return true;
}

static bool read_tsc_aux(struct vcpu *v, u32 msr, u64 *value)
{
    *value = v->pv.tsc_aux;
    return cpu.rdtscp;
}

static bool write_tsc_aux(struct vcpu *v, u32 msr, u64 value)
{
    if (!cpu.rdtscp || value >> 32)
        return false;
    v->pv.tsc_aux = value;
    wrmsr(msr, value);
    return true;
}

/* Machine checks are the hypervisor's business: a guest sees two banks in which nothing is ever logged. */
#define GUEST_MC_BANKS 2
#define MCG_CAP_SER_P  (1u << 24)

static bool read_mcg_cap(struct vcpu *v, u32 msr, u64 *value)
{
    *value = GUEST_MC_BANKS | MCG_CAP_SER_P;
    return true;
}

static bool write_zero(struct vcpu *v, u32 msr, u64 value) { return value == 0; }

/* Four registers a bank: CTL, all of whose bits are set; STATUS, ADDR and MISC, which are 0. */
static bool read_mc_bank(struct vcpu *v, u32 msr, u64 *value)
{
    *value = msr % 4 == 0 ? ~0UL : 0;
    return true;
}

static bool write_mc_bank(struct vcpu *v, u32 msr, u64 value) { return msr % 4 == 0 || value == 0; }

/*
 * The hypercall page: the register that the hypervisor's CPUID leaf 2 names. Frame in bits 12 and up, index
 * 0.
 */
static bool write_hypercall_page(struct vcpu *v, u32 msr, u64 value)
{
    mfn_t mfn = MFN(value >> PAGE_SHIFT);

    if (value & ~PAGE_MASK || !frame_get_and_type(mfn, v->domain, FRAME_WRITABLE))
        return false;
    hypercall_page_fill(mfn_to_virt(mfn));
    frame_put_and_type(mfn_to_frame(mfn));
    return true;
}

static const struct msr_policy policies[] = {
    { MSR_TSC, 0, read_tsc, NULL },
    { MSR_PLATFORM_ID, 0, read_zero, NULL },
    { MSR_APIC_BASE, 0, read_apic_base, NULL },
    { MSR_UCODE_REV, 0, read_native, write_ignored },
    { MSR_PLATFORM_INFO, 0, read_zero, NULL },
    { MSR_SYSENTER_CS, 0, read_zero, NULL },
    { MSR_MCG_CAP, 0, read_mcg_cap, NULL },
    { MSR_MCG_STATUS, 0, read_zero, write_zero },
    { MSR_MC0_CTL, MSR_MC0_CTL + 4 * GUEST_MC_BANKS - 1, read_mc_bank, write_mc_bank },
    { MSR_PERF_STATUS, 0, read_zero, NULL },
    { MSR_MISC_ENABLE, 0, read_native, write_same },
    { MSR_DEBUGCTL, 0, read_zero, NULL },
    { MSR_PAT, 0, read_native, write_same },
    { MSR_EFER, 0, read_native, write_same },
    { MSR_FS_BASE, 0, read_native, write_base },
    { MSR_GS_BASE, 0, read_native, write_base },
    { MSR_KERNEL_GS_BASE, 0, read_native, write_base },
    { MSR_TSC_AUX, 0, read_tsc_aux, write_tsc_aux },
    { XEN_CPUID_FIRST_LEAF, 0, NULL, write_hypercall_page },
};

static const struct msr_policy *find(u32 msr)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(policies); i++) {
        if (msr == policies[i].msr || (msr > policies[i].msr && msr <= policies[i].last))
            return &policies[i];
    }
    return NULL;
}

bool pv_rdmsr(struct vcpu *v, u32 msr, u64 *value)
{
    const struct msr_policy *p = find(msr);

    return p && p->read && p->read(v, msr, value);
}

bool pv_wrmsr(struct vcpu *v, u32 msr, u64 value)
{
    const struct msr_policy *p = find(msr);

    return p && p->write && p->write(v, msr, value);
}
