/* SPDX-License-Identifier: MIT */
/*
 * What a toolstack asks and sets of CPUID: the machine's featuresets and policies, and a domain's own policy,
 * which a domain that Domain-0 builds then sees. Only what any processor and both hypervisors have alike is
 * compared. Sources: sysctl.h, domctl.h, arch-x86/cpufeatureset.h.
 */
#include "child.h"

#define ROOM 512
#define NO_SUBLEAF XEN_CPUID_NO_SUBLEAF
#define AMD_ECX 0x444d4163 /* "cAMD" */
#define EDX_SYSENTER (1u << 11)

static xen_cpuid_leaf_t leaves[ROOM];
static xen_msr_entry_t msrs[8];
static uint32_t words[64];

static long sysctl(struct xen_sysctl *op, unsigned cmd)
{
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return HC(sysctl, op);
}

static long featureset(unsigned index, uint32_t *nr)
{
    struct xen_sysctl op = { .u.cpu_featureset = { .index = index, .nr_features = *nr } };
    long ret;

    set_xen_guest_handle(op.u.cpu_featureset.features, words);
    ret = sysctl(&op, XEN_SYSCTL_get_cpu_featureset);
    *nr = op.u.cpu_featureset.nr_features;
    return ret;
}

static void check_featuresets(void)
{
    struct xen_sysctl op = { .u.cpu_featureset.index = 77 };
    struct cpuid_regs one = cpuid_forced(1, 0), ext = cpuid_forced(0x80000001, 0);
    uint32_t nr = ARRAY_SIZE(words), raw[19];

    check_eq(sysctl(&op, XEN_SYSCTL_get_cpu_featureset), 0, "featureset without a handle");
    check_eq(op.u.cpu_featureset.nr_features, 19, "tells the number of words");
    check_eq(featureset(XEN_SYSCTL_cpu_featureset_raw, &nr), 0, "the raw featureset");
    check_eq(nr, 19, "has 19 words");
    memcpy(raw, words, sizeof(raw));
    check_eq(raw[0], cpuid_native(1, 0).edx, "the first is leaf 1's edx");
    check_eq(featureset(XEN_SYSCTL_cpu_featureset_pv, &nr), 0, "the featureset for PV domains");
    check_eq(words[0] & ~raw[0], 0, "has no feature in leaf 1 that the processor lacks");
    check_eq(words[5] & ~raw[5], 0, "nor in leaf 7");
    check(cpuid_native(0, 0).ecx != AMD_ECX || !(words[0] & EDX_SYSENTER),
          "nor SYSENTER, which AMD's processors lack in 64-bit mode");
    check_eq(words[0] & ~one.edx, 0, "its leaf 1 is what a domain sees, edx");
    check_eq(words[1] & ~(one.ecx | 1u << 27), 0, "and ecx");
    check_eq(words[3] & ~ext.ecx, 0, "its leaf 0x80000001 is what a domain sees, ecx");
    nr = ARRAY_SIZE(words);
    check_eq(featureset(XEN_SYSCTL_cpu_featureset_pv_max, &nr), 0, "the largest one for PV domains");
    nr = 2;
    check_eq(featureset(XEN_SYSCTL_cpu_featureset_host, &nr), -GE_NOBUFS, "room for two words: -ENOBUFS");
    nr = ARRAY_SIZE(words);
    check_eq(featureset(99, &nr), -GE_INVAL, "of an unknown kind: -EINVAL");
    op.u.cpu_featureset.nr_features = 19;
    op.u.cpu_featureset.index = 0;
    set_xen_guest_handle_raw(op.u.cpu_featureset.features, (uint32_t *)BAD_PTR_XEN);
    check_eq(sysctl(&op, XEN_SYSCTL_get_cpu_featureset), -GE_FAULT, "bad pointer: -EFAULT");
}

static long system_policy(unsigned index, unsigned *nr_leaves, unsigned *nr_msrs)
{
    struct xen_sysctl op = { .u.cpu_policy.index = index };
    long ret;

    op.u.cpu_policy.nr_leaves = *nr_leaves;
    op.u.cpu_policy.nr_msrs = *nr_msrs;
    set_xen_guest_handle(op.u.cpu_policy.leaves, leaves);
    set_xen_guest_handle(op.u.cpu_policy.msrs, msrs);
    ret = sysctl(&op, XEN_SYSCTL_get_cpu_policy);
    *nr_leaves = op.u.cpu_policy.nr_leaves;
    *nr_msrs = op.u.cpu_policy.nr_msrs;
    return ret;
}

static xen_cpuid_leaf_t *find(unsigned nr, uint32_t leaf, uint32_t subleaf)
{
    for (unsigned i = 0; i < nr; i++)
        if (leaves[i].leaf == leaf && leaves[i].subleaf == subleaf)
            return &leaves[i];
    return NULL;
}

static void check_system_policies(void)
{
    struct xen_sysctl op = { 0 };
    unsigned n = ROOM, m = ARRAY_SIZE(msrs);
    struct cpuid_regs zero = cpuid_native(0, 0);

    check_eq(sysctl(&op, XEN_SYSCTL_get_cpu_policy), 0, "policy without handles");
    check(op.u.cpu_policy.nr_leaves == 120 && op.u.cpu_policy.nr_msrs == 2, "tells the room for any");
    check_eq(system_policy(XEN_SYSCTL_cpu_policy_host, &n, &m), 0, "the host's policy");
    check(n > 14 && n <= 120 && m == 2, "is a list of leaves and two MSRs");
    check(leaves[0].leaf == 0 && leaves[0].subleaf == NO_SUBLEAF && leaves[0].b == zero.ebx,
          "its first leaf is the vendor's name");
    check(msrs[0].idx == 0xce && msrs[1].idx == 0x10a, "the MSRs are PLATFORM_INFO and ARCH_CAPABILITIES");
    n = ROOM;
    check_eq(system_policy(XEN_SYSCTL_cpu_policy_pv_default, &n, &m), 0, "the policy for PV domains");
    check(find(n, 1, NO_SUBLEAF) && find(n, 7, 0) && find(n, 0xd, 1) && find(n, 0x80000001, NO_SUBLEAF),
          "has the leaves of features");
    check(find(n, 0x40000000, NO_SUBLEAF) != NULL, "and the hypervisor's first");
    n = 3;
    check_eq(system_policy(XEN_SYSCTL_cpu_policy_pv_max, &n, &m), -GE_NOBUFS, "room for 3 leaves: -ENOBUFS");
    n = ROOM;
    m = 1;
    check_eq(system_policy(XEN_SYSCTL_cpu_policy_raw, &n, &m), -GE_NOBUFS, "room for one MSR: -ENOBUFS");
    check_eq(system_policy(6, &n, &m), -GE_INVAL, "of an unknown kind: -EINVAL");
    op.u.cpu_policy._rsvd = 1;
    check_eq(sysctl(&op, XEN_SYSCTL_get_cpu_policy), -GE_INVAL, "with a reserved bit: -EINVAL");
}

/* The domain's policy into the list; the number of leaves. */
static unsigned get(void)
{
    struct xen_domctl op = { .u.cpu_policy = { .nr_leaves = ROOM, .nr_msrs = ARRAY_SIZE(msrs) } };

    set_xen_guest_handle(op.u.cpu_policy.leaves, leaves);
    set_xen_guest_handle(op.u.cpu_policy.msrs, msrs);
    check_eq(domctl(&op, XEN_DOMCTL_get_cpu_policy, child), 0, "a domain's policy");
    return op.u.cpu_policy.nr_leaves;
}

static long set_for(domid_t dom, struct xen_domctl *op, unsigned nr_leaves, unsigned nr_msrs)
{
    *op = (struct xen_domctl){ .u.cpu_policy = { .nr_leaves = nr_leaves, .nr_msrs = nr_msrs } };
    set_xen_guest_handle(op->u.cpu_policy.leaves, leaves);
    set_xen_guest_handle(op->u.cpu_policy.msrs, msrs);
    return domctl(op, XEN_DOMCTL_set_cpu_policy, dom);
}

/* A list of one leaf. */
static void check_leaf(uint32_t leaf, uint32_t subleaf, uint32_t a, long want, const char *name)
{
    struct xen_domctl op;

    leaves[0] = (xen_cpuid_leaf_t){ .leaf = leaf, .subleaf = subleaf, .a = a };
    check_eq(set_for(child, &op, 1, 0), want, "%s", name);
    if (want == -GE_RANGE)
        check(op.u.cpu_policy.err_leaf == leaf && op.u.cpu_policy.err_subleaf == subleaf &&
              op.u.cpu_policy.err_msr == ~0u, "%s: it is named", name);
}

static void check_refusals(void)
{
    struct xen_domctl op;

    check_leaf(0, NO_SUBLEAF, 0x40, -GE_INVAL, "more basic leaves than there are: -EINVAL");
    check_leaf(7, 0, 5, -GE_INVAL, "more subleaves of leaf 7: -EINVAL");
    check_leaf(0x80000000, NO_SUBLEAF, 0x80000025, -GE_INVAL, "more extended leaves: -EINVAL");
    check_leaf(0x30, NO_SUBLEAF, 0, -GE_RANGE, "leaf 0x30: -ERANGE");
    check_leaf(0x40000001, NO_SUBLEAF, 0, -GE_RANGE, "leaf 0x40000001: -ERANGE");
    check_leaf(0xc0000000, NO_SUBLEAF, 0, -GE_RANGE, "leaf 0xc0000000: -ERANGE");
    check_leaf(0, 0, 0, -GE_RANGE, "leaf 0 with a subleaf: -ERANGE");
    check_leaf(7, NO_SUBLEAF, 0, -GE_RANGE, "leaf 7 without one: -ERANGE");
    check_leaf(0xd, 63, 0, -GE_RANGE, "leaf 0xd, subleaf 63: -ERANGE");
    check_leaf(0x40000000, NO_SUBLEAF, 5, 0, "the hypervisor's own leaf is passed over");
    check_eq(set_for(child, &op, 121, 0), -GE_2BIG, "121 leaves: -E2BIG");
    check_eq(set_for(child, &op, 0, 3), -GE_2BIG, "three MSRs: -E2BIG");
    check_eq(set_for(child, &op, 0, 0), 0, "an empty list");
    msrs[0] = (xen_msr_entry_t){ .idx = 0x10 };
    check_eq(set_for(child, &op, 0, 1), -GE_RANGE, "the time-stamp counter as an MSR: -ERANGE");
    check_eq(op.u.cpu_policy.err_msr, 0x10, "it is named");
    msrs[0] = (xen_msr_entry_t){ .idx = 0xce, .flags = 1 };
    check_eq(set_for(child, &op, 0, 1), -GE_INVAL, "an MSR with a flag: -EINVAL");
    msrs[0] = (xen_msr_entry_t){ .idx = 0xce, .val = 1ul << 40 };
    check_eq(set_for(child, &op, 0, 1), -GE_OVERFLOW, "a wide PLATFORM_INFO: -EOVERFLOW");
    check_eq(set_for(0, &op, 0, 0), -GE_INVAL, "Domain-0's own policy: -EINVAL");
    check_eq(set_for(4242, &op, 0, 0), -GE_SRCH, "no domain's: -ESRCH");
    op.u.cpu_policy.nr_leaves = 1;
    set_xen_guest_handle_raw(op.u.cpu_policy.leaves, (xen_cpuid_leaf_t *)BAD_PTR_XEN);
    check_eq(domctl(&op, XEN_DOMCTL_set_cpu_policy, child), -GE_FAULT, "a bad list: -EFAULT");
}

/* Asks leaf rdi by forced emulation: ecx into the upper half of the result, eax into the lower. */
extern char ask_cpuid[], ask_cpuid_end[];
asm(".pushsection .rodata\nask_cpuid:\n"
    "    push %rbx\n"
    "    mov %esi, %eax\n"
    "    xor %ecx, %ecx\n"
    "    ud2a; .ascii \"xen\"; cpuid\n"
    "    shl $32, %rcx\n"
    "    mov %eax, %eax\n"
    "    or %rcx, %rax\n"
    "    pop %rbx\n"
    "    ret\n"
    "ask_cpuid_end:\n.popsection\n");

static unsigned long ask(uint32_t leaf)
{
    return child_ask(CHILD_CALL, CHILD_VA(SPARE_A), leaf, 0, 0);
}

#define ECX_SSE3 1u

static void check_effect(void)
{
    struct xen_domctl op;
    unsigned n;

    child_build();
    child_fill(SPARE_A, ask_cpuid, ask_cpuid_end - ask_cpuid);
    check_refusals();
    n = get();
    check_eq(set_for(child, &op, n, 2), 0, "it is set again as it was");
    check(find(n, 1, NO_SUBLEAF)->c & ECX_SSE3, "it has SSE3");
    find(n, 0, NO_SUBLEAF)->a = 7;
    find(n, 1, NO_SUBLEAF)->c &= ~ECX_SSE3;
    find(n, 7, 0)->b = ~0u;
    check_eq(set_for(child, &op, n, 2), 0, "set with 8 leaves and without SSE3");
    n = get();
    check_eq(find(n, 0, NO_SUBLEAF)->a, 7, "the number of leaves is in force");
    check_eq(find(n, 1, NO_SUBLEAF)->c & ECX_SSE3, 0, "SSE3 is gone");
    check_eq(find(n, 7, 0)->b & ~cpuid_native(7, 0).ebx, 0, "features that the processor lacks are left out");
    check_eq(domctl_simple(XEN_DOMCTL_unpausedomain, child), 0, "the domain starts");
    check_eq((uint32_t)ask(0), 7, "its CPUID has 8 leaves");
    check_eq(ask(1) >> 32 & ECX_SSE3, 0, "and no SSE3");
    check_eq(ask(0xd), 0, "a leaf beyond them is empty");
    check_eq(set_for(child, &op, 0, 0), -GE_EXIST, "a policy for a domain that has started: -EEXIST");
    domctl_simple(XEN_DOMCTL_pausedomain, child);
    check_eq(set_for(child, &op, 0, 0), -GE_EXIST, "or is paused again: -EEXIST");
    domctl_simple(XEN_DOMCTL_unpausedomain, child);
    check(child_destroy(), "the domain is gone");
}

TEST_MAIN("policy")
{
    check_featuresets();
    check_system_policies();
    check_effect();
}
