/* SPDX-License-Identifier: MIT */
/* What the control hypercalls (domctl, sysctl, platform_op) share. */
#ifndef DOMAIN_CONTROL_H
#define DOMAIN_CONTROL_H

#include "domain/domain.h"
#include "mm/guest.h"
#include "pv/hypercall.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

#define ENODATA 61

/* The guest's bitmap as a set of CPUs; bits beyond MAX_CPUS are dropped. -EFAULT */
int cpumask_from_guest(struct cpumask *to, const struct xenctl_bitmap *from);
/* The first nr_bits of bits into the guest's bitmap, which is filled up with zeros. -EFAULT */
int bitmap_to_guest(const struct xenctl_bitmap *to, const unsigned long *bits, unsigned int nr_bits);

/* The number that ACPI's tables have for a CPU. platform.c */
u32 cpu_acpi_id(unsigned int cpu);

/* One operation of domctl. d is referenced (NULL for createdomain); op is written back where `out` is set. */
struct domctl_op {
    long (*fn)(struct domain *d, struct xen_domctl *op);
    bool out;
};

/* domctl_vcpu.c */
long domctl_max_vcpus(struct domain *d, struct xen_domctl *op);
long domctl_setvcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_getvcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_set_ext_vcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_get_ext_vcpucontext(struct domain *d, struct xen_domctl *op);
long domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op);
long domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op);
long domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op);
long domctl_scheduler_op(struct domain *d, struct xen_domctl *op);
long domctl_sendtrigger(struct domain *d, struct xen_domctl *op);

#endif
