/* SPDX-License-Identifier: MIT */
/*
 * Model-specific registers as guests may read and write them: one table. What is not in it is #GP, as on a
 * processor that has no such register.
 */
#include <xen/arch-x86/cpuid.h>

#include "cpu/asm.h"
#include "cpu/features.h"
#include "pv/emulate.h"

struct msr_policy {
    u32 first, last;
    bool (*read)(struct vcpu *v, u32 msr, u64 *value);  /* NULL: #GP; *value is 0 beforehand */
    bool (*write)(struct vcpu *v, u32 msr, u64 value);  /* NULL: #GP */
};

static bool read_native(struct vcpu *v, u32 msr, u64 *value) { return rdmsr_safe(msr, value); }

static bool read_zero(struct vcpu *v, u32 msr, u64 *value) { return true; }

static bool write_ignored(struct vcpu *v, u32 msr, u64 value) { return true; }

/* Only the value that is there already. */
static bool write_same(struct vcpu *v, u32 msr, u64 value)
{
    u64 now;

    return rdmsr_safe(msr, &now) && now == value;
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
    const bool there = rdmsr_safe(msr, value);

    *value = (*value & ~(1UL << 8 | 1UL << 10)) | (v->id == 0 ? 1UL << 8 : 0); /* BSP; no x2APIC mode */
    return there;
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

/*
 * Machine checks are the hypervisor's business: a guest sees two banks in which nothing is ever logged. Of
 * these registers' numbers only the banks' CTL's, all of whose bits are set, are multiples of 4; the others,
 * but for MCG_CAP, are 0.
 */
#define GUEST_MC_BANKS 2
#define MCG_CAP_SER_P  (1u << 24)

static bool read_mc(struct vcpu *v, u32 msr, u64 *value)
{
    *value = msr == MSR_MCG_CAP ? GUEST_MC_BANKS | MCG_CAP_SER_P : msr % 4 == 0 ? ~0UL : 0;
    return true;
}

static bool write_mc(struct vcpu *v, u32 msr, u64 value) { return msr % 4 == 0 || value == 0; }

/*
 * The hypercall page: the register that the hypervisor's CPUID leaf 2 names. Frame in bits 12 and up, index
 * 0.
 */
static bool write_hypercall_page(struct vcpu *v, u32 msr, u64 value)
{
    const mfn_t mfn = MFN(value >> PAGE_SHIFT);

    if (value & ~PAGE_MASK || !frame_get_and_type(mfn, v->domain, FRAME_WRITABLE))
        return false;
    hypercall_page_fill(mfn_to_virt(mfn));
    frame_put_and_type(mfn_to_frame(mfn));
    return true;
}

static const struct msr_policy policies[] = {
#define ONE(msr) msr, msr
    { ONE(MSR_TSC), read_tsc, NULL },
    { ONE(MSR_PLATFORM_ID), read_zero, NULL },
    { ONE(MSR_APIC_BASE), read_apic_base, NULL },
    { ONE(MSR_UCODE_REV), read_native, write_ignored },
    { ONE(MSR_PLATFORM_INFO), read_zero, NULL },
    { ONE(MSR_SYSENTER_CS), read_zero, NULL },
    { ONE(MSR_MCG_CAP), read_mc, NULL },
    { ONE(MSR_MCG_STATUS), read_mc, write_mc },
    { MSR_MC0_CTL, MSR_MC0_CTL + 4 * GUEST_MC_BANKS - 1, read_mc, write_mc },
    { ONE(MSR_PERF_STATUS), read_zero, NULL },
    { ONE(MSR_MISC_ENABLE), read_native, write_same },
    { ONE(MSR_DEBUGCTL), read_zero, NULL },
    { ONE(MSR_PAT), read_native, write_same },
    { ONE(MSR_EFER), read_native, write_same },
    { MSR_FS_BASE, MSR_KERNEL_GS_BASE, read_native, write_base },
    { ONE(MSR_TSC_AUX), read_tsc_aux, write_tsc_aux },
    { ONE(XEN_CPUID_FIRST_LEAF), NULL, write_hypercall_page },
};

static const struct msr_policy *find(u32 msr)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(policies); i++)
        if (msr >= policies[i].first && msr <= policies[i].last)
            return &policies[i];
    return NULL;
}

enum emulated emul_rdmsr(struct emulation *e)
{
    const struct msr_policy *p = find((u32)e->regs->rcx);
    u64 value = 0;

    if (!p || !p->read || !p->read(e->v, (u32)e->regs->rcx, &value)) {
        /* A kernel without a #GP handler yet gets zero, not its end (arch-x86/xen.h, struct trap_info). */
        if (e->v->pv.trap_table[TRAP_GP_FAULT].address)
            return EMUL_FAULT;
        value = 0;
    }
    emul_set_edx_eax(e, value);
    return EMUL_DONE;
}

enum emulated emul_wrmsr(struct emulation *e)
{
    const struct msr_policy *p = find((u32)e->regs->rcx);

    return p && p->write && p->write(e->v, (u32)e->regs->rcx, emul_edx_eax(e));
}
