/* SPDX-License-Identifier: MIT */
/*
 * Control operations on what CPUID answers and on MSRs that go with it: features and policies of the machine,
 * a domain's own policy. Lists are in the form of xen_cpuid_leaf_t and xen_msr_entry_t.
 */
#include "domain/control.h"

#include "pv/cpuid.h"

#include <xen/arch-x86/xen.h>

/* The leaves that a list may have, with the numbers of their subleaves (0: the leaf has none). */
static const struct {
    u32 first, last, subleaves;
} groups[] = {
    { 0, 3, 0 }, { 4, 4, 6 }, { 5, 6, 0 }, { 7, 7, 3 }, { 8, 0xa, 0 }, { 0xb, 0xb, 2 }, { 0xc, 0xc, 0 },
    { 0xd, CPUID_MAX_BASIC, 63 }, { 0x40000000, 0x40000000, 0 }, { 0x40000100, 0x40000100, 0 },
    { 0x80000000, CPUID_MAX_EXTENDED, 0 },
};
#define LEAVES_MAX 120      /* of all groups together */

/* Bits of these MSRs: guests have none of them at present. */
static const u32 msrs[] = { 0xce /* PLATFORM_INFO */, 0x10a /* ARCH_CAPABILITIES */ };

/* --- features --- */

/* The words of a featureset, in the order of xen/arch-x86/cpufeatureset.h; MSRs' are left 0. */
static const struct {
    u32 leaf;
    u8 subleaf, reg;
} words[] = {
    { 1, 0, 3 }, { 1, 0, 2 }, { 0x80000001, 0, 3 }, { 0x80000001, 0, 2 }, { 0xd, 1, 0 }, { 7, 0, 1 },
    { 7, 0, 2 }, { 0x80000007, 0, 3 }, { 0x80000008, 0, 1 }, { 7, 0, 3 }, { 7, 1, 0 }, { 0x80000021, 0, 0 },
    { 7, 1, 1 }, { 7, 2, 3 }, { 7, 1, 2 }, { 7, 1, 3 }, { 0x40000000, 0, 0 }, { 0x40000000, 0, 0 },
    { 0x80000021, 0, 2 },
};

u32 cpu_feature_word(const struct cpuid_policy *p, unsigned int i)
{
    struct cpuid_result r = cpuid_leaf(p, words[i].leaf, words[i].subleaf);

    return ((const u32 *)&r)[words[i].reg];
}

long sysctl_get_cpu_featureset(struct domain *d, union control_op *op)
{
    struct xen_sysctl_cpu_featureset *f = &op->sysctl.u.cpu_featureset;
    bool cut = f->nr_features < ARRAY_SIZE(words);

    if (!f->features.p) {
        f->nr_features = ARRAY_SIZE(words);
        return WRITE_BACK(0);
    }
    if (f->index > XEN_SYSCTL_cpu_featureset_pv_max || f->index == XEN_SYSCTL_cpu_featureset_hvm)
        return -EINVAL;
    f->nr_features = min(f->nr_features, (u32)ARRAY_SIZE(words));
    for (u32 i = 0; i < f->nr_features; i++) {
        u32 word = cpu_feature_word(f->index <= XEN_SYSCTL_cpu_featureset_host ? NULL : &cpuid_pv, i);

        if (copy_to_guest_at(guest_addr(f->features), i, &word))
            return -EFAULT;
    }
    return cut ? -ENOBUFS : WRITE_BACK(0);
}

/* --- policies --- */

/*
 * All leaves of p; of those with subleaves, number 0 and what else is not empty. A null handle asks for the
 * room that any list would need.
 */
static long leaves_to_guest(const struct cpuid_policy *p, unsigned long list, u32 *nr)
{
    u32 n = 0;

    for (unsigned int g = 0; list && g < ARRAY_SIZE(groups); g++) {
        u32 first = groups[g].first, subs = groups[g].subleaves, top = cpuid_leaf(p, first & 0x80000000, 0).a;
        u32 last = first & 0x40000000 ? groups[g].last : min(groups[g].last, top);

        for (u32 leaf = first; leaf <= last; leaf++)
            for (u32 sub = 0; sub < max(subs, 1u); sub++) {
                struct cpuid_result r = cpuid_leaf(p, leaf, sub);
                xen_cpuid_leaf_t out = { leaf, subs ? sub : XEN_CPUID_NO_SUBLEAF, r.a, r.b, r.c, r.d };

                if (sub && !(r.a | r.b | r.c | r.d))
                    continue;
                if (n == *nr)
                    return -ENOBUFS;
                if (copy_to_guest_at(list, n++, &out))
                    return -EFAULT;
            }
    }
    *nr = list ? n : LEAVES_MAX;
    return 0;
}

static long msrs_to_guest(unsigned long list, u32 *nr)
{
    for (unsigned int i = 0; list && i < ARRAY_SIZE(msrs); i++) {
        xen_msr_entry_t entry = { .idx = msrs[i] };

        if (i == *nr)
            return -ENOBUFS;
        if (copy_to_guest_at(list, i, &entry))
            return -EFAULT;
    }
    *nr = ARRAY_SIZE(msrs);
    return 0;
}

long sysctl_get_cpu_policy(struct domain *d, union control_op *op)
{
    struct xen_sysctl_cpu_policy *p = &op->sysctl.u.cpu_policy;

    if (p->index > XEN_SYSCTL_cpu_policy_hvm_default || p->_rsvd)
        return -EINVAL;
    if (p->index == XEN_SYSCTL_cpu_policy_hvm_max || p->index == XEN_SYSCTL_cpu_policy_hvm_default)
        return -EOPNOTSUPP;
    return leaves_to_guest(p->index <= XEN_SYSCTL_cpu_policy_host ? NULL : &cpuid_pv, guest_addr(p->leaves),
                           &p->nr_leaves) ?: msrs_to_guest(guest_addr(p->msrs), &p->nr_msrs) ?: WRITE_BACK(0);
}

long domctl_get_cpu_policy(struct domain *d, union control_op *op)
{
    struct xen_domctl_cpu_policy *p = &op->domctl.u.cpu_policy;

    return leaves_to_guest(d->cpuid ?: &cpuid_pv, guest_addr(p->leaves), &p->nr_leaves) ?:
           msrs_to_guest(guest_addr(p->msrs), &p->nr_msrs) ?: WRITE_BACK(0);
}

static bool leaf_exists(const xen_cpuid_leaf_t *l)
{
    u32 sub = l->subleaf;

    for (unsigned int g = 0; g < ARRAY_SIZE(groups); g++)
        if (l->leaf >= groups[g].first && l->leaf <= groups[g].last)
            return groups[g].subleaves ? sub < groups[g].subleaves : sub == XEN_CPUID_NO_SUBLEAF;
    return false;
}

/* Puts what the guest's list has into p. */
static long leaves_from_guest(struct cpuid_policy *p, struct xen_domctl_cpu_policy *from)
{
    for (u32 i = 0; i < from->nr_leaves; i++) {
        xen_cpuid_leaf_t l;

        if (copy_from_guest_at(&l, guest_addr(from->leaves), i))
            return -EFAULT;
        if (!leaf_exists(&l)) {
            from->err_leaf = l.leaf;
            from->err_subleaf = l.subleaf;
            return -ERANGE;
        }
        struct cpuid_result *row = cpuid_row(p, l.leaf, l.subleaf);
        if (row)
            *row = (struct cpuid_result){ l.a, l.b, l.c, l.d };
    }
    return 0;
}

static long msrs_from_guest(struct xen_domctl_cpu_policy *from)
{
    for (u32 i = 0; i < from->nr_msrs; i++) {
        xen_msr_entry_t m;

        if (copy_from_guest_at(&m, guest_addr(from->msrs), i))
            return -EFAULT;
        from->err_msr = m.idx;
        if (m.flags)
            return -EINVAL;
        if (m.idx != msrs[0] && m.idx != msrs[1])
            return -ERANGE;
        if (m.idx == msrs[0] && m.val >> 32)
            return -EOVERFLOW;
        if (m.val)
            return -EINVAL;
    }
    from->err_msr = ~0u;
    return 0;
}

/* Only before the domain first runs. The new policy is checked whole, and then takes the old one's place. */
long domctl_set_cpu_policy(struct domain *d, union control_op *op)
{
    struct xen_domctl_cpu_policy *from = &op->domctl.u.cpu_policy;
    struct cpuid_policy p = d->cpuid ? *d->cpuid : cpuid_pv;

    if (d->started)
        return -EEXIST;
    from->err_leaf = from->err_subleaf = from->err_msr = ~0u;
    if (from->nr_leaves > LEAVES_MAX || from->nr_msrs > ARRAY_SIZE(msrs))
        return WRITE_BACK(-E2BIG);
    long err = leaves_from_guest(&p, from) ?: msrs_from_guest(from);
    if (err)
        return WRITE_BACK(err);
    if (!cpuid_limit(&p, &from->err_leaf)) {
        from->err_subleaf = from->err_leaf == 7 ? 0 : XEN_CPUID_NO_SUBLEAF;
        return WRITE_BACK(-EINVAL);
    }
    if (!d->cpuid)
        d->cpuid = domain_xzalloc(d, struct cpuid_policy);
    if (!d->cpuid)
        return -ENOMEM;
    *d->cpuid = p;
    return 0;
}
