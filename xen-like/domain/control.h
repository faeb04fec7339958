/* SPDX-License-Identifier: MIT */
/*
 * The control hypercalls: domctl, sysctl, platform_op. Each is a table of operations, one function a row;
 * control.c does what comes before and after every one of them.
 */
#pragma once

#include "domain/domain.h"
#include "mm/guest.h"
#include "pv/hypercall.h"

#include <xen/platform.h>
#include <xen/sysctl.h>

/* The guest's structure, copied in. All three begin alike. */
union control_op {
    struct {
        u32 cmd, interface_version;
    };
    struct xen_domctl domctl;
    struct xen_sysctl sysctl;
    struct xen_platform_op platform;
};

/*
 * The operations: domctl_pausedomain(), sysctl_physinfo(), ... for each that subops.def says is present. d is
 * the domain that a domctl names, referenced; NULL where createdomain or getdomaininfo found none. They
 * return 0 or an error, or either in WRITE_BACK() where op is to be written back to the guest.
 */
#define WRITE_BACK(ret) ((ret) + 4096L)
#define SUBOP_OF_domctl      ~, SUBOP_ROW
#define SUBOP_OF_sysctl      ~, SUBOP_ROW
#define SUBOP_OF_platform_op ~, SUBOP_ROW
#define SUBOP_ROW(call, nr, name) long call##_##name(struct domain *d, union control_op *op);
#include "pv/subops.h"

/* The guest's bitmap as a set of CPUs; bits beyond MAX_CPUS are dropped. -EFAULT */
int cpumask_from_guest(struct cpumask *to, const struct xenctl_bitmap *from);
/* The first nr_bits of bits into the guest's bitmap, which is filled up with zeros. -EFAULT */
int bitmap_to_guest(const struct xenctl_bitmap *to, const unsigned long *bits, unsigned int nr_bits);

/* Word i of the processor's featureset (p NULL), or of p's. */
struct cpuid_policy;
u32 cpu_feature_word(const struct cpuid_policy *p, unsigned int i);
