/* SPDX-License-Identifier: MIT */
/*
 * x86 part of the virtual performance counters: registers of a vCPU's counters, and the sample that an
 * overflow leaves.
 */
#ifndef __XEN_PUBLIC_ARCH_X86_PMU_H__
#define __XEN_PUBLIC_ARCH_X86_PMU_H__

#include "../xen.h"

/* AMD: offsets of counters and controls in regs, from the structure's start. */
struct xen_pmu_amd_ctxt {
    uint32_t counters;
    uint32_t ctrls;
    uint64_t regs[XEN_FLEX_ARRAY_DIM];
};
typedef struct xen_pmu_amd_ctxt xen_pmu_amd_ctxt_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_amd_ctxt_t);

/* A programmable counter. */
struct xen_pmu_cntr_pair {
    uint64_t counter;
    uint64_t control;
};
typedef struct xen_pmu_cntr_pair xen_pmu_cntr_pair_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_cntr_pair_t);

/* Intel: the same, and the global registers. */
struct xen_pmu_intel_ctxt {
    uint32_t fixed_counters;
    uint32_t arch_counters;
    uint64_t global_ctrl;
    uint64_t global_ovf_ctrl;
    uint64_t global_status;
    uint64_t fixed_ctrl;
    uint64_t ds_area;
    uint64_t pebs_enable;
    uint64_t debugctl;
    uint64_t regs[XEN_FLEX_ARRAY_DIM];
};
typedef struct xen_pmu_intel_ctxt xen_pmu_intel_ctxt_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_intel_ctxt_t);

/* Registers at the sample. */
struct xen_pmu_regs {
    uint64_t ip;
    uint64_t sp;
    uint64_t flags;
    uint16_t cs;
    uint16_t ss;
    uint8_t cpl;
    uint8_t pad[3];
};
typedef struct xen_pmu_regs xen_pmu_regs_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_regs_t);

/* pmu_flags: counters are in this page, not loaded; the sample was in user mode, real mode, a PV domain. */
#define PMU_CACHED      (1<<0)
#define PMU_SAMPLE_USER (1<<1)
#define PMU_SAMPLE_REAL (1<<2)
#define PMU_SAMPLE_PV   (1<<3)

/* Room that newer versions may use. */
#define XENPMU_REGS_PAD_SZ 64
#define XENPMU_CTXT_PAD_SZ 128
struct xen_pmu_arch {
    union {
        xen_pmu_regs_t regs;
        uint8_t pad[XENPMU_REGS_PAD_SZ];
    } r;
    uint64_t pmu_flags;
    union {
        uint32_t lapic_lvtpc;
        uint64_t pad;
    } l;
    union {
        xen_pmu_amd_ctxt_t amd;
        xen_pmu_intel_ctxt_t intel;
        uint8_t pad[XENPMU_CTXT_PAD_SZ];
    } c;
};
typedef struct xen_pmu_arch xen_pmu_arch_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_arch_t);

#endif /* __XEN_PUBLIC_ARCH_X86_PMU_H__ */
