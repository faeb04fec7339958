/* SPDX-License-Identifier: MIT */
/*
 * multicall: a list of hypercalls in one, each with its own result.  Source: xen.h, struct multicall_entry.
 */
#include "guest.h"

#define VA 0x0000123456789000UL
static struct multicall_entry calls[128];

static void entry(unsigned i, unsigned long op, unsigned long a, unsigned long b, unsigned long c,
                  unsigned long d)
{
    calls[i] = (struct multicall_entry){ .op = op, .result = 0x7777, .args = { a, b, c, d } };
}

static void check_results(void)
{
    entry(0, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
    entry(1, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0);
    entry(2, 60, 0, 0, 0, 0);
    entry(3, __HYPERVISOR_xen_version, 77, 0, 0, 0);
    entry(4, ~0UL, 0, 0, 0, 0);
    entry(5, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
    check_eq(HC(multicall, calls, 6), 0, "a multicall of six returns 0");
    check_eq(calls[0].result, 4 << 16 | 17, "the first has its result");
    check_eq(calls[1].result, 4096, "the second has its own");
    check_eq(calls[2].result, -GE_NOSYS, "an absent hypercall in it: -ENOSYS");
    check_eq(calls[3].result, -GE_NOSYS, "a failing one has its error");
    check_eq(calls[4].result, -GE_NOSYS, "number ~0 in it: -ENOSYS");
    check_eq(calls[5].result, 4 << 16 | 17, "failures do not end it");
    check_eq(calls[1].op, __HYPERVISOR_xen_version, "the entries keep their numbers");
    check_eq(calls[1].args[0], XENVER_pagesize, "and their arguments");
    entry(0, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
    check_eq(HC(multicall, calls, 0), 0, "a multicall of none");
    check_eq(calls[0].result, 0x7777, "does nothing");
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
        entry(i, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0, 0);
    check_eq(HC(multicall, calls, ARRAY_SIZE(calls)), 0, "a multicall of 128");
    check(calls[0].result == 4096 && calls[127].result == 4096, "all are done");
}

static void check_mmu(void)
{
    char *page = page_alloc(), *other = page_alloc();

    if (map_page(VA, PTE(va_to_mfn(page), L1_FLAGS)))
        bail_out("cannot map");
    *(volatile unsigned *)other = 0x99;
    entry(0, __HYPERVISOR_update_va_mapping, VA, PTE(va_to_mfn(other), L1_FLAGS), UVMF_INVLPG, 0);
    entry(1, __HYPERVISOR_update_va_mapping, VA, PTE(root_mfn(), L1_FLAGS), UVMF_INVLPG, 0);
    entry(2, __HYPERVISOR_stack_switch, FLAT_KERNEL_SS, VIRT_BASE, 0, 0);
    check_eq(HC(multicall, calls, 3), 0, "a multicall of mapping changes");
    check_eq(calls[0].result, 0, "the good one");
    check_eq(calls[1].result, -GE_BUSY, "the bad one");
    check_eq(calls[2].result, 0, "the one after it");
    check_eq(*(volatile unsigned *)VA, 0x99, "the mapping has changed");
}

static void check_nested(void)
{
    static struct multicall_entry inner = { .op = __HYPERVISOR_xen_version };

    entry(0, __HYPERVISOR_multicall, (unsigned long)&inner, 1, 0, 0);
    entry(1, __HYPERVISOR_xen_version, XENVER_version, 0, 0, 0);
    check_eq(HC(multicall, calls, 2), 0, "a multicall with a multicall in it");
    check_eq(calls[0].result, -GE_INVAL, "the inner one: -EINVAL");
    check_eq(calls[1].result, 4 << 16 | 17, "the call after it is done");
}

static void check_errors(void)
{
    check_eq(HC(multicall, BAD_PTR_XEN, 1), -GE_FAULT, "multicall, bad pointer: -EFAULT");
    check_eq(HC(multicall, BAD_PTR_UNMAPPED, 1), -GE_FAULT, "multicall, unmapped pointer: -EFAULT");
    check_eq(HC(multicall, BAD_PTR_NONCANONICAL, 1), -GE_FAULT, "multicall, non-canonical pointer: -EFAULT");
    check_eq(HC(multicall, BAD_PTR_UNMAPPED, ~0U), -GE_FAULT,
             "multicall of 2^32-1 entries that are not there: -EFAULT");
}

TEST_MAIN("multicall")
{
    check_results();
    check_mmu();
    check_errors();
    check_nested();
}
