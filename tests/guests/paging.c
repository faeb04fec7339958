/* SPDX-License-Identifier: MIT */
/*
 * Page-table updates that the hypervisor allows: mmu_update in its four forms, update_va_mapping with each
 * flush, base pointers, read-only linear page tables, and what a batch does.  Sources: xen.h, mmu_update,
 * update_va_mapping, mmuext_op.  What it refuses is in refuse.c.
 */
#include "guest.h"

#define VA 0x0000123456789000UL         /* a free address of the low half, with an L1 table of its own */
#define VA_HIGH 0xffffc80000000000UL    /* a free address of the high half above the hypervisor's slots */

static char *page_a, *page_b;
PROBE(p_read, "mov (%rdi), %eax");
PROBE(p_write, "movl $1, (%rdi)");
PROBE(p_exec, "call *%rdi");

/* mmu_update leaves the flush to the guest. */
static long set(uint64_t entry, pte_t value)
{
    long ret = mmu_set(entry, value);

    mmuext_linear(MMUEXT_INVLPG_LOCAL, VA, 0);
    return ret;
}

static void check_normal(void)
{
    pte_t absent = is_dom0() ? 0x12345000 : 0xffffedcba9000;
    unsigned done = 77;
    uint64_t entry;

    check_eq(map_page(VA, PTE(va_to_mfn(page_a), L1_FLAGS)), 0, "new tables and a page are installed");
    entry = pte_maddr(VA, 1);
    *(volatile unsigned *)VA = 0x1234;
    check_eq(*(volatile unsigned *)page_a, 0x1234, "the new mapping shows the page");
    check_eq(mmu_set_done(entry, PTE(va_to_mfn(page_b), L1_FLAGS), &done), 0, "an entry is replaced");
    check_eq(done, 1, "done counts the update");
    mmuext_linear(MMUEXT_INVLPG_LOCAL, VA, 0);
    check_eq(*(volatile unsigned *)VA, 0, "the replaced mapping shows the other page after a flush");
    check_eq(set(entry, PTE(va_to_mfn(page_b), L1_RO)), 0, "an entry is made read-only");
    check(traps(p_write, VA, TRAP_PF), "a read-only entry refuses writes");
    check_eq(set(entry, 0), 0, "an entry is cleared");
    check(traps(p_read, VA, TRAP_PF), "a cleared entry is not present");
    /* Of a guest, one that names memory of the machine is an attack by way of the L1 cache (L1TF). */
    check_eq(set(entry, absent), 0, "a not-present entry takes any value");
    check_eq(pte_read(VA, 1), absent, "a not-present value reads back");
    check_eq(set(entry, PTE(va_to_mfn(page_a), PTE_P | PTE_W)), 0, "an entry without U is accepted");
    check_eq(pte_read(VA, 1) & PTE_U, PTE_U, "U is set in it nevertheless");
    check_eq(set(entry, PTE(va_to_mfn(page_a), L1_FLAGS | PTE_G)), 0, "an entry with G is accepted");
    check_eq(set(entry, PTE(va_to_mfn(page_a), L1_FLAGS | PTE_AVAIL)), 0, "software bits 9-11 are accepted");
    check_eq(pte_read(VA, 1) & PTE_AVAIL, PTE_AVAIL, "software bits 9-11 read back");
    check_eq(set(entry, PTE(va_to_mfn(page_a), L1_FLAGS) | 0x7ffUL << 52), 0, "bits 52-62 are accepted");
    check_eq(pte_read(VA, 1) >> 52, 0x7ff, "bits 52-62 read back");
    check_eq(set(entry, PTE(va_to_mfn(page_a), L1_FLAGS) | PTE_NX), 0, "NX is accepted");
    memset(page_a, 0xc3, 16);
    check(traps(p_exec, VA, TRAP_PF), "an NX page cannot be executed");
    check_eq(trap.frame.error & (PFEC_FETCH | PFEC_PRESENT), PFEC_FETCH | PFEC_PRESENT,
             "#PF for NX: I and P are set");
    check_eq(set(entry, PTE(va_to_mfn(page_a), L1_FLAGS | PTE_PCD | PTE_PWT)), is_dom0() ? 0 : -GE_INVAL,
             "Domain-0 may set PCD and PWT, a guest may not");
    check_eq(set(entry, PTE(va_to_mfn(page_a), L1_FLAGS)), 0, "they and NX are dropped");
    check_eq(trap_try(p_exec, VA), 0, "the page can be executed");
    check_eq(set(entry, 0), 0, "the entry is cleared again");
}

static void check_ad(void)
{
    uint64_t entry = pte_maddr(VA, 1);
    pte_t plain = PTE(va_to_mfn(page_a), PTE_P | PTE_W | PTE_U);

    check_eq(set(entry, plain), 0, "an entry without A and D is installed");
    check_eq(pte_read(VA, 1) & (PTE_A | PTE_D), 0, "A and D start clear");
    trap_try(p_read, VA);
    check_eq(pte_read(VA, 1) & (PTE_A | PTE_D), PTE_A, "a read sets A");
    trap_try(p_write, VA);
    check_eq(pte_read(VA, 1) & (PTE_A | PTE_D), PTE_A | PTE_D, "a write sets D");
    check_eq(set(entry | MMU_PT_UPDATE_PRESERVE_AD, plain & ~(pte_t)PTE_W), 0, "PRESERVE_AD update");
    check_eq(pte_read(VA, 1) & (PTE_A | PTE_D | PTE_W), PTE_A | PTE_D, "PRESERVE_AD keeps A and D");
    check_eq(set(entry, plain), 0, "NORMAL update of the same entry");
    check_eq(pte_read(VA, 1) & (PTE_A | PTE_D), 0, "NORMAL drops A and D");
    check_eq(set(entry | MMU_PT_UPDATE_NO_TRANSLATE, plain), 0, "NO_TRANSLATE update");
    check_eq(set(entry, 0), 0, "the entry is cleared");
}

static void check_machphys(void)
{
    unsigned long mfn = va_to_mfn(page_a), pfn = va_to_pfn(page_a);

    check_eq(mmu_set(((uint64_t)mfn << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 0x123456), 0, "MACHPHYS update");
    check_eq(machine_to_phys_mapping[mfn], 0x123456, "the M2P shows the new value");
    check_eq(mmu_set(((uint64_t)mfn << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, pfn), 0, "MACHPHYS update back");
    check_eq(machine_to_phys_mapping[mfn], pfn, "the M2P shows the old value");
    check(mmu_set(MMU_MACHPHYS_UPDATE, 5) < 0, "MACHPHYS update of a frame that is not ours fails");
}

static void check_batch(void)
{
    struct mmu_update reqs[8];
    unsigned done = 77;
    uint64_t entry = pte_maddr(VA, 1);

    for (unsigned i = 0; i < 8; i++)
        reqs[i] = (struct mmu_update){ entry, PTE(va_to_mfn(i % 2 ? page_b : page_a), L1_FLAGS) };
    check_eq(HC(mmu_update, reqs, 8, &done, DOMID_SELF), 0, "a batch of 8");
    check_eq(done, 8, "done is 8");
    check_eq(PTE_MFN(pte_read(VA, 1)), va_to_mfn(page_b), "the last of a batch wins");
    reqs[5].val = PTE(root_mfn(), L1_FLAGS);
    reqs[4].val = PTE(va_to_mfn(page_a), L1_FLAGS);
    done = 77;
    check(HC(mmu_update, reqs, 8, &done, DOMID_SELF) < 0, "a batch with a bad entry fails");
    check_eq(done, 5, "done counts the updates before the bad one");
    check_eq(PTE_MFN(pte_read(VA, 1)), va_to_mfn(page_a), "the updates before the bad one are done");
    done = 77;
    check_eq(HC(mmu_update, reqs, 0, &done, DOMID_SELF), 0, "an empty batch");
    check_eq(done, 0, "done is 0 for an empty batch");
    check_eq(HC(mmu_update, reqs, 1, 0, DOMID_SELF), 0, "done may be null");
    check_eq(HC(mmu_update, reqs, 1, BAD_PTR_XEN, DOMID_SELF), 0, "a bad pointer to done is ignored");
    check_eq(HC(mmu_update, BAD_PTR_XEN, 1, 0, DOMID_SELF), -GE_FAULT,
             "a bad pointer to the requests: -EFAULT");
    check_eq(HC(mmu_update, reqs, 1, 0, 4242), -GE_SRCH, "a domain that does not exist: -ESRCH");
    check_eq(HC(mmu_update, reqs, 1, 0, 0), is_dom0() ? -GE_SRCH : -GE_PERM,
             "Domain-0 by its number: -ESRCH to itself, -EPERM to a guest");
    check_eq(mmu_set(entry, 0), 0, "the entry is cleared");
}

static void check_va_mapping(void)
{
    static const struct {
        unsigned long flags;
        const char *name;
    } flushes[] = {
        { UVMF_NONE, "UVMF_NONE" }, { UVMF_TLB_FLUSH | UVMF_LOCAL, "UVMF_TLB_FLUSH, local" },
        { UVMF_TLB_FLUSH | UVMF_ALL, "UVMF_TLB_FLUSH, all" }, { UVMF_INVLPG | UVMF_LOCAL,
                                                               "UVMF_INVLPG, local" },
        { UVMF_INVLPG | UVMF_ALL, "UVMF_INVLPG, all" },
    };
    unsigned long vcpus = 1;

    for (unsigned i = 0; i < ARRAY_SIZE(flushes); i++) {
        char *page = i % 2 ? page_b : page_a;

        *(volatile unsigned *)page = 0x1000 + i;
        check_eq(update_va(VA, PTE(va_to_mfn(page), L1_FLAGS), flushes[i].flags), 0,
                 "update_va_mapping with %s", flushes[i].name);
        if (flushes[i].flags != UVMF_NONE)
            check_eq(*(volatile unsigned *)VA, 0x1000 + i, "%s: the new page is seen", flushes[i].name);
    }
    check_eq(update_va(VA, PTE(va_to_mfn(page_a), L1_FLAGS), UVMF_TLB_FLUSH | (unsigned long)&vcpus), 0,
             "update_va_mapping with UVMF_TLB_FLUSH and a bitmap");
    check_eq(update_va(VA, PTE(va_to_mfn(page_b), L1_FLAGS), UVMF_INVLPG | (unsigned long)&vcpus), 0,
             "update_va_mapping with UVMF_INVLPG and a bitmap");
    *(volatile unsigned *)page_b = 0x77;
    check_eq(*(volatile unsigned *)VA, 0x77, "with a bitmap: the new page is seen");
    check_eq(update_va(VA, 0, UVMF_INVLPG), 0, "update_va_mapping clears an entry");
    check(traps(p_read, VA, TRAP_PF), "the cleared entry is not present");
    check_eq(update_va(VA_HIGH, PTE(va_to_mfn(page_b), L1_FLAGS), UVMF_INVLPG), -GE_INVAL,
             "update_va_mapping without an L1 table: -EINVAL");
    check_eq(HC(update_va_mapping_otherdomain, VA, PTE(va_to_mfn(page_b), L1_FLAGS), UVMF_INVLPG, DOMID_SELF),
             0,
             "update_va_mapping_otherdomain with DOMID_SELF");
    check_eq(HC(update_va_mapping_otherdomain, VA, PTE(va_to_mfn(page_b), L1_FLAGS), UVMF_INVLPG, 4242),
             -GE_SRCH,
             "update_va_mapping_otherdomain with a domain that does not exist: -ESRCH");
    check_eq(update_va(VA, 0, UVMF_INVLPG), 0, "the entry is cleared");
}

static void check_recursive(void)
{
    unsigned long slot = 300, base = 0xffff000000000000UL | slot << 39;
    unsigned long view = base | slot << 30 | slot << 21 | slot << 12;       /* the root table itself */

    check_eq(mmu_set(entry_maddr((void *)start_info->pt_base, slot), PTE(root_mfn(), PTE_P | PTE_U | PTE_A)),
             0,
             "a read-only recursive L4 slot is allowed");
    check_eq(*(volatile pte_t *)(view + 511 * 8), ((volatile pte_t *)start_info->pt_base)[511],
             "the root table is seen through it");
    check(traps(p_write, view + 511 * 8, TRAP_PF), "it cannot be written");
    check_eq(mmu_set(entry_maddr((void *)start_info->pt_base, slot), 0), 0, "the recursive slot is cleared");
}

static void check_high_half(void)
{
    check_eq(map_page(VA_HIGH, PTE(va_to_mfn(page_a), L1_FLAGS)), 0,
             "the high half above slot 271 is the guest's");
    *(volatile unsigned *)VA_HIGH = 0x99;
    check_eq(*(volatile unsigned *)page_a, 0x99, "a page is seen there");
    check_eq(map_page(0xffff880000000000UL, PTE(va_to_mfn(page_a), L1_FLAGS)), 0, "so is slot 272");
    check_eq(map_page(0x00007ffffffff000UL, PTE(va_to_mfn(page_a), L1_FLAGS)), 0, "and the last low page");
}

/* What was done is done: the place for the count is not asked for first. */
static void check_bad_count(void)
{
    struct mmu_update req = { pte_maddr(VA, 1), PTE(va_to_mfn(page_b), L1_FLAGS) };
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };

    check_eq(HC(mmu_update, &req, 1, BAD_PTR_XEN, DOMID_SELF), 0, "mmu_update, a bad place for the count: 0");
    check_eq(PTE_MFN(pte_read(VA, 1)), va_to_mfn(page_b), "the update is done");
    check_eq(HC(mmuext_op, &op, 1, BAD_PTR_XEN, DOMID_SELF), 0, "mmuext_op, a bad place for the count: 0");
    check_eq(set(pte_maddr(VA, 1), 0), 0, "the entry is cleared");
}

TEST_MAIN("paging")
{
    page_a = page_alloc();
    page_b = page_alloc();
    check_normal();
    check_ad();
    check_machphys();
    check_batch();
    check_va_mapping();
    check_recursive();
    check_bad_count();
    check_high_half();
}
