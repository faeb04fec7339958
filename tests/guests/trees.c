/* SPDX-License-Identifier: MIT */
/*
 * Large and unusual trees of page tables: validation of many tables at once, a bad entry deep inside that
 * must undo all of it, tables shared by many parents, tables that refer to themselves, and removal in every
 * order. After each, every table must be an ordinary page again: the counts were right.  Source: xen.h,
 * mmu_update.
 */
#include "guest.h"

#define TABLES 96
static pte_t *l4, *l3, *l2, *l1[TABLES];
static char *page;

static void build(void)
{
    l4 = page_alloc();
    l3 = page_alloc();
    l2 = page_alloc();
    l4[3] = PTE(va_to_mfn(l3), TABLE_FLAGS);
    l3[7] = PTE(va_to_mfn(l2), TABLE_FLAGS);
    for (unsigned i = 0; i < TABLES; i++) {
        l1[i] = page_alloc();
        l2[i * 5] = PTE(va_to_mfn(l1[i]), TABLE_FLAGS);
        for (unsigned j = 0; j < 512; j++)
            l1[i][j] = PTE(va_to_mfn(page), j % 3 ? L1_FLAGS : L1_RO);
    }
}

static unsigned protect(long (*change)(void *))
{
    unsigned failures = 0;

    failures += change(l4) != 0;
    failures += change(l3) != 0;
    failures += change(l2) != 0;
    for (unsigned i = 0; i < TABLES; i++)
        failures += change(l1[i]) != 0;
    return failures;
}

static void check_large(void)
{
    unsigned long mfn = va_to_mfn(l4);
    unsigned busy = 0;

    check_eq(protect(page_readonly), 0, "a tree of 99 tables and 49,152 mappings is made read-only");
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, mfn), 0, "it is pinned");
    for (unsigned i = 0; i < TABLES; i++)
        busy += page_writable(l1[i]) == -GE_BUSY;
    check_eq(busy, TABLES, "none of its L1 tables can be made writable");
    check_eq(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(l1[50])), 0,
             "one of its L1 tables is pinned by itself, too");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0, "the tree is unpinned");
    check_eq(page_writable(l1[50]), -GE_BUSY, "the L1 table with a pin of its own stays a table");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l1[50])), 0, "until it is unpinned");
    check_eq(protect(page_writable), 0, "all 99 are ordinary pages again");
}

static void check_undo(void)
{
    unsigned long mfn = va_to_mfn(l4);
    pte_t good = l1[TABLES - 1][511];

    l1[TABLES - 1][511] = PTE(mfn, L1_FLAGS);
    check_eq(protect(page_readonly), 0,
             "the tree is made read-only with a bad last entry: its root, writable");
    check(mmuext(MMUEXT_PIN_L4_TABLE, mfn) < 0, "it is not pinned");
    check_eq(protect(page_writable), 0, "after the failure all 99 are ordinary pages");
    l1[TABLES - 1][511] = PTE(0x200000000UL, L1_FLAGS);
    check_eq(protect(page_readonly), 0, "the same with a nonexistent frame");
    check(mmuext(MMUEXT_PIN_L4_TABLE, mfn) < 0, "it is not pinned either");
    check_eq(protect(page_writable), 0, "and all 99 are ordinary pages");
    l1[TABLES - 1][511] = good;
    l2[(TABLES - 1) * 5] |= PTE_PSE;
    check_eq(protect(page_readonly), 0, "the same with PSE in an L2 entry");
    check(mmuext(MMUEXT_PIN_L4_TABLE, mfn) < 0, "it is refused, too");
    check_eq(protect(page_writable), 0, "and all 99 are ordinary pages again");
    l2[(TABLES - 1) * 5] &= ~(pte_t)PTE_PSE;
    l1[10][0] = PTE(va_to_mfn(l1[20]), L1_FLAGS);
    check_eq(protect(page_readonly), 0, "the same with one L1 table mapped writable by another");
    check(mmuext(MMUEXT_PIN_L4_TABLE, mfn) < 0, "it is refused");
    check_eq(protect(page_writable), 0, "and all 99 are ordinary pages once more");
    l1[10][0] = PTE(va_to_mfn(l1[20]), L1_RO);
    check_eq(protect(page_readonly), 0, "with that mapping read-only");
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, mfn), 0, "it is pinned");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0, "and unpinned");
    check_eq(protect(page_writable), 0, "all 99 are ordinary pages");
    l1[10][0] = 0;
}

static void check_shared(void)
{
    unsigned long mfn = va_to_mfn(l4);
    long ret = 0;

    for (unsigned i = 0; i < 200; i++)
        l4[i] = PTE(va_to_mfn(l3), TABLE_FLAGS);
    for (unsigned i = 0; i < 512; i++)
        l2[i] = PTE(va_to_mfn(l1[0]), TABLE_FLAGS);
    check_eq(protect(page_readonly), 0, "an L3 table in 200 slots, an L1 table in 512");
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, mfn), 0, "they are pinned");
    for (unsigned i = 0; i < 199; i++)
        ret |= mmu_set(entry_maddr(l4, i), 0);
    check_eq(ret, 0, "199 of the slots are cleared");
    check_eq(page_writable(l3), -GE_BUSY, "the L3 table is held by the last");
    check_eq(mmu_set(entry_maddr(l4, 199), 0), 0, "the last is cleared");
    check_eq(page_writable(l3), 0, "the L3 table is free");
    check_eq(page_writable(l1[0]), 0, "and what it held");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0, "the root is unpinned");
    page_writable(l4);
    page_writable(l2);
    for (unsigned i = 1; i < TABLES; i++)
        page_writable(l1[i]);
    memset(l4, 0, PAGE_SIZE);
    memset(l2, 0, PAGE_SIZE);
}

static void check_self(void)
{
    unsigned long mfn = va_to_mfn(l4);

    l4[8] = PTE(mfn, PTE_P | PTE_U | PTE_A);
    page_readonly(l4);
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, mfn), 0, "a root that refers to itself read-only is pinned");
    check_eq(mmu_set(entry_maddr(l4, 9), PTE(mfn, TABLE_FLAGS)), -GE_INVAL,
             "a writable self-reference: -EINVAL");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0, "it is unpinned");
    check_eq(page_writable(l4), 0, "and an ordinary page");
    memset(l4, 0, PAGE_SIZE);
    l4[8] = PTE(mfn, TABLE_FLAGS);
    page_readonly(l4);
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, mfn), -GE_INVAL, "a root with a writable self-reference: -EINVAL");
    check_eq(page_writable(l4), 0, "it is an ordinary page");
    memset(l4, 0, PAGE_SIZE);
    l4[8] = PTE(root_mfn(), PTE_P | PTE_U | PTE_A);
    page_readonly(l4);
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, mfn), 0, "a root that refers to another root read-only is pinned");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0, "and unpinned");
    check_eq(page_writable(l4), 0, "and an ordinary page again");
    memset(l4, 0, PAGE_SIZE);
}

/* A root that another refers to must stay a table while it does, whatever becomes of its own pin. */
static void check_linear(void)
{
    pte_t *other = page_alloc(), *third = page_alloc();
    unsigned long mfn = va_to_mfn(l4), other_mfn = va_to_mfn(other), third_mfn = va_to_mfn(third);

    page_readonly(l4);
    page_readonly(other);
    page_readonly(third);
    mmuext(MMUEXT_PIN_L4_TABLE, mfn);
    mmuext(MMUEXT_PIN_L4_TABLE, other_mfn);
    check_eq(mmu_set(entry_maddr(l4, 8), PTE(other_mfn, L1_RO)), 0, "a root refers to a second one");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, other_mfn), 0, "the second is unpinned");
    check_eq(page_writable(other), -GE_BUSY, "and stays a table while it is referred to");
    check_eq(mmu_set(entry_maddr(l4, 8), 0), 0, "the reference is cleared");
    check_eq(page_writable(other), 0, "the second is an ordinary page");
    page_readonly(other);
    check_eq(mmu_set(entry_maddr(l4, 8), PTE(other_mfn, L1_RO)), -GE_INVAL,
             "a reference to a page that is no root: -EINVAL");
    mmuext(MMUEXT_PIN_L4_TABLE, other_mfn);
    check_eq(mmu_set(entry_maddr(l4, 8), PTE(other_mfn, L1_RO)), 0, "a root refers to a second one");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0, "the first is unpinned");
    check_eq(page_writable(l4), 0, "and an ordinary page");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, other_mfn), 0, "the second is unpinned");
    check_eq(page_writable(other), 0, "and an ordinary page");
    memset(l4, 0, PAGE_SIZE);
    memset(other, 0, PAGE_SIZE);

    /* As the user's base pointer, without a pin. */
    page_readonly(l4);
    page_readonly(other);
    mmuext(MMUEXT_PIN_L4_TABLE, mfn);
    check_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, other_mfn), 0, "a user base pointer");
    check_eq(mmu_set(entry_maddr(l4, 8), PTE(other_mfn, L1_RO)), 0, "a root refers to it");
    check_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, third_mfn), 0, "another user base pointer");
    check_eq(page_writable(other), -GE_BUSY, "the old one stays a table while it is referred to");
    check_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, 0), 0, "no user base pointer");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0, "the root is unpinned");
    check_eq(page_writable(other), 0, "all are ordinary pages: the old");
    check_eq(page_writable(third), 0, "the new");
    check_eq(page_writable(l4), 0, "and the root");
    memset(l4, 0, PAGE_SIZE);
}

static void check_two_roots(void)
{
    pte_t *other = page_alloc();

    memset(l3, 0, PAGE_SIZE);
    l3[1] = PTE(va_to_mfn(l2), TABLE_FLAGS);
    l4[1] = other[2] = PTE(va_to_mfn(l3), TABLE_FLAGS);
    page_readonly(l4);
    page_readonly(l3);
    page_readonly(l2);
    page_readonly(other);
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(l4)), 0, "two roots share a table: the first is pinned");
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(other)), 0, "the second is pinned");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l4)), 0, "the first is unpinned");
    check_eq(page_writable(l3), -GE_BUSY, "the shared table is held by the second");
    check_eq(page_writable(l4), 0, "the first is an ordinary page");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(other)), 0, "the second is unpinned");
    check_eq(page_writable(l3), 0, "the shared table is an ordinary page");
    check_eq(page_writable(l2), 0, "and what it held");
    check_eq(page_writable(other), 0, "and the second");
}

TEST_MAIN("trees")
{
    page = page_alloc();
    build();
    check_large();
    check_undo();
    check_shared();
    check_self();
    check_linear();
    check_two_roots();
}
