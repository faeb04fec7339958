/* SPDX-License-Identifier: MIT */
/*
 * xenpmu_op(unsigned int cmd, xen_pmu_params_t *arg): virtual performance counters. Tenon has none; the
 * call returns -ENOSYS. The structures are here for kernels that ask.
 */
#ifndef __XEN_PUBLIC_PMU_H__
#define __XEN_PUBLIC_PMU_H__

#include "xen.h"
#include "arch-x86/pmu.h"

/* Version of this interface, in every argument. */
#define XENPMU_VER_MAJ 0
#define XENPMU_VER_MIN 1

/*
 * Sub-operations: mode and features of the system (control domain); page of a vCPU; interrupt vector;
 * write back of what the page holds.
 */
#define XENPMU_mode_get    0
#define XENPMU_mode_set    1
#define XENPMU_feature_get 2
#define XENPMU_feature_set 3
#define XENPMU_init        4
#define XENPMU_finish      5
#define XENPMU_lvtpc_set   6
#define XENPMU_flush       7

struct xen_pmu_params {
    struct {
        uint32_t maj;
        uint32_t min;
    } version;    /* in and out */
    uint64_t val; /* mode, features, or frame of the page */
    uint32_t vcpu;
    uint32_t pad;
};
typedef struct xen_pmu_params xen_pmu_params_t;
DEFINE_XEN_GUEST_HANDLE(xen_pmu_params_t);

/* Who is measured. */
#define XENPMU_MODE_OFF  0
#define XENPMU_MODE_SELF (1<<0) /* each domain itself */
#define XENPMU_MODE_HV   (1<<1) /* and the hardware domain the hypervisor too */
#define XENPMU_MODE_ALL  (1<<2) /* the hardware domain everything */

/* Restrictions and extras. */
#define XENPMU_FEATURE_INTEL_BTS (1<<0)
#define XENPMU_FEATURE_IPC_ONLY  (1<<1)
#define XENPMU_FEATURE_ARCH_ONLY (1<<2)

/* The page shared with a vCPU. */
struct xen_pmu_data {
    uint32_t vcpu_id;
    uint32_t pcpu_id;
    domid_t domain_id;
    uint8_t pad[6];
    xen_pmu_arch_t pmu;
};

#endif /* __XEN_PUBLIC_PMU_H__ */
