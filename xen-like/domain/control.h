/* SPDX-License-Identifier: MIT */
/*
 * The control hypercalls: domctl, sysctl, platform_op. Each is a table of operations, one function a row;
 * control.c does what comes before and after every one of them.
 */
#ifndef DOMAIN_CONTROL_H
#define DOMAIN_CONTROL_H

#include "domain/domain.h"
#include "mm/guest.h"
#include "pv/hypercall.h"

#include <xen/domctl.h>
#include <xen/platform.h>
#include <xen/sysctl.h>

#define ERANGE  34
#define ENODATA 61
#define ENOBUFS 105

/* The guest's structure, copied in. All three begin alike. */
union control_op {
    struct {
        u32 cmd, interface_version;
    };
    struct xen_domctl domctl;
    struct xen_sysctl sysctl;
    struct xen_platform_op platform;
};

struct control_row {
    /* d: the domain that a domctl names, referenced; NULL where createdomain or getdomaininfo found none. */
    long (*fn)(struct domain *d, union control_op *op);
    enum { OUT_NEVER, OUT_IF_DONE, OUT_IF_FAILED } out; /* when op is written back to the guest */
};

struct control_calls {
    u32 version, size, nr_rows;
    const struct control_row *rows;
};

#define CONTROL_CALLS(v, type, r) { (v), sizeof(type), ARRAY_SIZE(r), (r) }

extern const struct control_calls domctl_calls, sysctl_calls, platform_calls;

/* The guest's bitmap as a set of CPUs; bits beyond MAX_CPUS are dropped. -EFAULT */
int cpumask_from_guest(struct cpumask *to, const struct xenctl_bitmap *from);
/* The first nr_bits of bits into the guest's bitmap, which is filled up with zeros. -EFAULT */
int bitmap_to_guest(const struct xenctl_bitmap *to, const unsigned long *bits, unsigned int nr_bits);

/* The number that ACPI's tables have for a CPU. platform.c */
u32 cpu_acpi_id(unsigned int cpu);

/* A guest's vCPU context, to be freed; NULL with *err -ENOMEM or -EFAULT. vcpu.c */
struct vcpu_guest_context *context_from_guest(unsigned long from, long *err);

/* Rows of domctl_calls in domctl_vcpu.c */
long domctl_max_vcpus(struct domain *d, union control_op *op);
long domctl_setvcpucontext(struct domain *d, union control_op *op);
long domctl_getvcpucontext(struct domain *d, union control_op *op);
long domctl_set_ext_vcpucontext(struct domain *d, union control_op *op);
long domctl_get_ext_vcpucontext(struct domain *d, union control_op *op);
long domctl_getvcpuinfo(struct domain *d, union control_op *op);
long domctl_setvcpuaffinity(struct domain *d, union control_op *op);
long domctl_getvcpuaffinity(struct domain *d, union control_op *op);
long domctl_scheduler_op(struct domain *d, union control_op *op);
long domctl_sendtrigger(struct domain *d, union control_op *op);

/* Rows of domctl_calls and sysctl_calls in policy.c */
long sysctl_get_cpu_featureset(struct domain *d, union control_op *op);
long sysctl_get_cpu_policy(struct domain *d, union control_op *op);
long domctl_get_cpu_policy(struct domain *d, union control_op *op);
long domctl_set_cpu_policy(struct domain *d, union control_op *op);

/* Word i of the processor's featureset (p NULL), or of p's. */
struct cpuid_policy;
u32 cpu_feature_word(const struct cpuid_policy *p, unsigned int i);

#endif
