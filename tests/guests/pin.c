/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pinning and unpinning tables of each level, base pointers, TLB and cache flushes, clear and copy
 * of pages, and the answers to wrong requests.  Source: xen.h, "MMU EXTENDED OPERATIONS".
 */
#include "guest.h"

static char *page;

static void check_levels(void)
{
    static const unsigned pin[] = { 0, MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
                                    MMUEXT_PIN_L4_TABLE };

    for (unsigned level = 1; level <= 4; level++) {
        void *table = table_alloc();
        unsigned long mfn = va_to_mfn(table);

        check_eq(mmuext(pin[level], mfn), 0, "an empty L%u table is pinned", level);
        check_eq(page_writable(table), -GE_BUSY, "a pinned L%u table cannot be made writable: -EBUSY", level);
        check_eq(mmuext(pin[level], mfn), -GE_INVAL, "a pinned L%u table pinned again: -EINVAL", level);
        check(mmuext(pin[level % 4 + 1], mfn) < 0, "a pinned L%u table pinned at another level is refused",
              level);
        check_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), 0, "the L%u table is unpinned", level);
        check_eq(mmuext(MMUEXT_UNPIN_TABLE, mfn), -GE_INVAL, "the L%u table unpinned again: -EINVAL", level);
        check_eq(page_writable(table), 0, "an unpinned L%u table can be made writable", level);
        page_free(table);
    }
}

static void check_tree(void)
{
    pte_t *l4 = page_alloc(), *l3 = page_alloc(), *l2 = page_alloc(), *l1 = page_alloc();
    pte_t *tables[] = { l4, l3, l2, l1 };
    unsigned long old_root = root_mfn();

    l4[0] = PTE(va_to_mfn(l3), TABLE_FLAGS);
    l3[3] = PTE(va_to_mfn(l2), TABLE_FLAGS);
    l2[5] = PTE(va_to_mfn(l1), TABLE_FLAGS);
    l1[7] = PTE(va_to_mfn(page), L1_FLAGS);
    l4[511] = ((pte_t *)start_info->pt_base)[511];
    l4[272] = PTE(va_to_mfn(l3), TABLE_FLAGS);
    check(mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(l4)) < 0, "a tree of writable pages is not pinned");
    for (unsigned i = 0; i < 4; i++)
        page_readonly(tables[i]);
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(l4)), 0, "a tree of four levels is pinned");
    check_eq(page_writable(l1), -GE_BUSY, "its L1 table cannot be made writable");
    check_eq(mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(l4)), 0, "the tree becomes the address space");
    *(volatile unsigned *)((3UL << 30) + (5UL << 21) + (7UL << 12)) = 0x4242;
    check_eq(*(volatile unsigned *)page, 0x4242, "its mapping works");
    check_eq(((volatile unsigned long *)machine_to_phys_mapping)[va_to_mfn(page)], va_to_pfn(page),
             "the M2P is there, too");
    *(volatile unsigned *)(0xffff880000000000UL + (3UL << 30) + (5UL << 21) + (7UL << 12)) = 0x4343;
    check_eq(*(volatile unsigned *)page, 0x4343, "the same L3 table serves two slots");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l4)), 0, "the root in use can be unpinned");
    check_eq(mmuext(MMUEXT_NEW_BASEPTR, old_root), 0, "the boot root is installed again");
    for (unsigned i = 0; i < 4; i++) {
        check_eq(page_writable(tables[i]), 0, "level %u of the dropped tree can be made writable", 4 - i);
        page_free(tables[i]);
    }
}

static void check_dirty_slots(void)
{
    pte_t *l4 = page_alloc();

    l4[260] = PTE(va_to_mfn(page), TABLE_FLAGS);
    page_readonly(l4);
    check_eq(mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(l4)), 0, "a root with something in slot 260 is pinned");
    check(((volatile pte_t *)l4)[260] != PTE(va_to_mfn(page), TABLE_FLAGS),
          "what was in slot 260 is overwritten");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(l4)), 0, "that root is unpinned");
    table_free(l4);
}

static void check_refusals(void)
{
    struct mmuext_op ops[3];
    unsigned done = 77;
    void *l1 = table_alloc();

    check_eq(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(page)), -GE_INVAL,
             "pinning a page that is mapped writable");
    check(mmuext(MMUEXT_PIN_L1_TABLE, 0x200000000UL) < 0, "pinning a nonexistent frame fails");
    check_eq(mmuext(MMUEXT_UNPIN_TABLE, 0x200000000UL), -GE_INVAL, "unpinning a nonexistent frame: -EINVAL");
    check(mmuext(MMUEXT_PIN_L4_TABLE, PTE_MFN(((pte_t *)start_info->pt_base)[256])) < 0,
          "pinning a frame of the hypervisor fails");
    check_eq(mmuext(MMUEXT_NEW_BASEPTR, va_to_mfn(page)), -GE_INVAL,
             "a writable page as base pointer: -EINVAL");
    check_eq(mmuext(MMUEXT_NEW_BASEPTR, 0x200000000UL), -GE_INVAL,
             "a nonexistent frame as base pointer: -EINVAL");
    check_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, 0x200000000UL), -GE_INVAL,
             "a nonexistent frame as user base pointer: -EINVAL");
    check_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, 0), 0, "no user base pointer");
    check_eq(mmuext(99, 0), -GE_NOSYS, "an unknown command: -ENOSYS");
    ops[0] = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = va_to_mfn(l1) };
    ops[1] = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = va_to_mfn(l1) };
    ops[2] = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = va_to_mfn(l1) };
    check_eq(HC(mmuext_op, ops, 3, &done, DOMID_SELF), -GE_INVAL, "a batch whose third operation is wrong");
    check_eq(done, 2, "done counts the two before it");
    done = 77;
    check_eq(HC(mmuext_op, ops, 0, &done, DOMID_SELF), 0, "an empty batch");
    check_eq(done, 0, "done is 0 for an empty batch");
    check_eq(HC(mmuext_op, BAD_PTR_XEN, 1, 0, DOMID_SELF), -GE_FAULT,
             "a bad pointer to the operations: -EFAULT");
    check_eq(HC(mmuext_op, ops, 1, 0, 4242), -GE_SRCH, "a domain that does not exist: -ESRCH");
    table_free(l1);
}

static void check_flushes(void)
{
    static const struct {
        unsigned cmd;
        const char *name;
    } flushes[] = {
        { MMUEXT_TLB_FLUSH_LOCAL, "TLB_FLUSH_LOCAL" }, { MMUEXT_TLB_FLUSH_ALL, "TLB_FLUSH_ALL" },
        { MMUEXT_INVLPG_LOCAL, "INVLPG_LOCAL" }, { MMUEXT_INVLPG_ALL, "INVLPG_ALL" },
    };
    unsigned long vcpus = 1;

    for (unsigned i = 0; i < ARRAY_SIZE(flushes); i++)
        check_eq(mmuext_linear(flushes[i].cmd, VIRT_BASE, 0), 0, "%s", flushes[i].name);
    /* For who has devices. */
    check_eq(mmuext_linear(MMUEXT_FLUSH_CACHE, 0, 0), is_dom0() ? 0 : -GE_ACCES, "FLUSH_CACHE");
    check_eq(mmuext_linear(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0), is_dom0() ? 0 : -GE_INVAL, "FLUSH_CACHE_GLOBAL");
    check_eq(mmuext_linear(MMUEXT_INVLPG_LOCAL, BAD_PTR_NONCANONICAL, 0), 0,
             "INVLPG_LOCAL of a non-canonical address is ignored");
    check_eq(mmuext_linear(MMUEXT_INVLPG_ALL, BAD_PTR_NONCANONICAL, 0), 0,
             "INVLPG_ALL of a non-canonical address is ignored");
    check_eq(mmuext_linear(MMUEXT_INVLPG_LOCAL, BAD_PTR_XEN, 0), 0, "INVLPG_LOCAL in the hypervisor's range");
    check_eq(mmuext_linear(MMUEXT_TLB_FLUSH_MULTI, 0, (unsigned long)&vcpus), 0, "TLB_FLUSH_MULTI");
    check_eq(mmuext_linear(MMUEXT_INVLPG_MULTI, VIRT_BASE, (unsigned long)&vcpus), 0, "INVLPG_MULTI");
    check_eq(mmuext_linear(MMUEXT_TLB_FLUSH_MULTI, 0, BAD_PTR_XEN), -GE_INVAL,
             "TLB_FLUSH_MULTI with a bad pointer: -EINVAL");
    vcpus = ~0UL;
    check_eq(mmuext_linear(MMUEXT_TLB_FLUSH_MULTI, 0, (unsigned long)&vcpus), 0,
             "TLB_FLUSH_MULTI with vCPUs that do not exist");
}

static void check_pages(void)
{
    char *other = page_alloc();
    struct mmuext_op op = { .cmd = MMUEXT_COPY_PAGE, .arg1.mfn = va_to_mfn(other) };

    memset(page, 0x5a, PAGE_SIZE);
    op.arg2.src_mfn = va_to_mfn(page);
    check_eq(HC(mmuext_op, &op, 1, 0, DOMID_SELF), 0, "COPY_PAGE");
    check_eq(memcmp(page, other, PAGE_SIZE), 0, "the copy is equal");
    check_eq(mmuext(MMUEXT_CLEAR_PAGE, va_to_mfn(other)), 0, "CLEAR_PAGE");
    check(other[0] == 0 && other[4095] == 0, "the page is clear");
    check(mmuext(MMUEXT_CLEAR_PAGE, root_mfn()) < 0, "CLEAR_PAGE of a page table is refused");
    check(mmuext(MMUEXT_CLEAR_PAGE, 0x200000000UL) < 0, "CLEAR_PAGE of a nonexistent frame is refused");
    op.arg1.mfn = root_mfn();
    check(HC(mmuext_op, &op, 1, 0, DOMID_SELF) < 0, "COPY_PAGE onto a page table is refused");
    check_eq(mmuext(MMUEXT_MARK_SUPER, va_to_mfn(page)), -GE_OPNOTSUPP, "MARK_SUPER: -EOPNOTSUPP");
    check_eq(mmuext(MMUEXT_UNMARK_SUPER, va_to_mfn(page)), -GE_OPNOTSUPP, "UNMARK_SUPER: -EOPNOTSUPP");
}

TEST_MAIN("pin")
{
    page = page_alloc();
    check_levels();
    check_tree();
    check_dirty_slots();
    check_refusals();
    check_flushes();
    check_pages();
}
