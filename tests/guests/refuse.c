/* SPDX-License-Identifier: MIT */
/*
 * Page-table updates that the hypervisor must refuse, with its error code, and that leave the old entry in
 * place: writable views of page tables, frames of others, of nobody and of the hypervisor, superpages, bits
 * that tables may not have, the hypervisor's slots, and frames used in two roles at once.
 */
#include "guest.h"

#define VA 0x0000123456789000UL

static char *page, *other;
static uint64_t entry;
static uint64_t write_value __attribute__((used));
PROBE(p_write, "mov write_value(%rip), %rax\np_write_insn: mov %rax, (%rdi)");

static void refused(long ret, long want, const char *name)
{
    check_eq(ret, want, "%s", name);
}

static void check_writable_tables(void)
{
    unsigned long l1 = pte_maddr(VA, 1) >> PAGE_SHIFT, l2 = pte_maddr(VA, 2) >> PAGE_SHIFT;
    unsigned long l3 = pte_maddr(VA, 3) >> PAGE_SHIFT;
    pte_t before;

    refused(mmu_set(entry, PTE(l1, L1_FLAGS)), -GE_BUSY, "an L1 table mapped writable: -EBUSY");
    refused(mmu_set(entry, PTE(l2, L1_FLAGS)), -GE_BUSY, "an L2 table mapped writable: -EBUSY");
    refused(mmu_set(entry, PTE(l3, L1_FLAGS)), -GE_BUSY, "an L3 table mapped writable: -EBUSY");
    refused(mmu_set(entry, PTE(root_mfn(), L1_FLAGS)), -GE_BUSY, "the root table mapped writable: -EBUSY");
    refused(update_va(VA, PTE(l1, L1_FLAGS), UVMF_INVLPG), -GE_BUSY,
            "update_va_mapping of a table writable: -EBUSY");
    check_eq(pte_read(VA, 1), 0, "the refused entry stays empty");
    refused(mmu_set(entry, PTE(l1, L1_RO)), 0, "an L1 table mapped read-only is allowed");
    before = pte_read(VA, 1);
    refused(mmu_set(entry, PTE(l1, L1_FLAGS)), -GE_BUSY, "making that mapping writable: -EBUSY");
    check_eq(pte_read(VA, 1), before, "the refused change leaves the old entry");
    refused(mmu_set(entry | MMU_PT_UPDATE_PRESERVE_AD, PTE(l1, L1_FLAGS)), -GE_BUSY,
            "the same with PRESERVE_AD: -EBUSY");
    refused(page_writable((void *)start_info->pt_base), -GE_BUSY,
            "the boot root table made writable: -EBUSY");
    refused(mmu_set(entry, 0), 0, "the entry is cleared");
}

static void check_foreign_frames(void)
{
    unsigned long m2p_frame = PTE_MFN(((pte_t *)start_info->pt_base)[256]);

    refused(mmu_set(entry, PTE(0xfffffffffUL, L1_FLAGS)), -GE_PERM, "a frame beyond all memory: -EPERM");
    refused(mmu_set(entry, PTE(0x200000000UL, L1_FLAGS)), -GE_PERM, "a nonexistent frame at 32 TiB: -EPERM");
    refused(mmu_set(entry, PTE(m2p_frame, L1_FLAGS)), -GE_BUSY,
            "the hypervisor's M2P table, writable: -EBUSY");
    refused(mmu_set(entry, PTE(m2p_frame, L1_RO)), -GE_BUSY, "the hypervisor's M2P table, read-only: -EBUSY");
    refused(mmu_set(entry, PTE(0xfee00, L1_FLAGS | PTE_PCD)), is_dom0() ? -GE_PERM : -GE_INVAL,
            "the local APIC: -EPERM, to a guest -EINVAL");
    check_eq(pte_read(VA, 1), 0, "the refused entries leave nothing behind");
    if (!is_dom0()) {
        refused(mmu_set(entry, PTE(0xb8, L1_FLAGS)), -GE_PERM, "the screen's memory: -EPERM");
        refused(mmu_set(entry, PTE(0xb8, L1_FLAGS | PTE_PCD)), -GE_INVAL, "uncached: -EINVAL");
        return;
    }
    refused(mmu_set(entry, PTE(0xfec00, L1_FLAGS | PTE_PCD)), 0, "the I/O APIC, for Domain-0");
    check_eq(pte_read(VA, 1) & PTE_W, 0, "is mapped read-only, whatever was asked");
    refused(mmu_set(entry, PTE(0xb8, L1_FLAGS | PTE_PCD)), 0, "the screen's memory, for Domain-0");
    refused(mmu_set(entry, 0), 0, "and not any more");
}

static void check_l1_bits(void)
{
    unsigned long mfn = va_to_mfn(page);
    long uncached = is_dom0() ? 0 : -GE_INVAL;

    refused(mmu_set(entry, PTE(mfn, L1_FLAGS | PTE_PWT)), uncached, "Domain-0 may set PWT, a guest may not");
    refused(mmu_set(entry, PTE(mfn, L1_FLAGS | PTE_PCD)), uncached, "Domain-0 may set PCD, a guest may not");
    refused(mmu_set(entry, PTE(mfn, L1_FLAGS)), 0, "the entry is write-back again");
    refused(mmu_set(entry, PTE(mfn, L1_FLAGS) | 1UL << 51), -GE_PERM, "an address with bit 51: -EPERM");
    refused(mmu_set(entry, 0), 0, "the entry is cleared");
}

static void check_upper_bits(void)
{
    static const struct {
        pte_t bit;
        const char *name;
    } bits[] = {
        { PTE_PSE, "PSE" }, { PTE_PWT, "PWT" }, { PTE_PCD, "PCD" }, { PTE_G, "bit 8" },
    };
    void *l1 = table_alloc();

    for (unsigned level = 2; level <= 4; level++) {
        uint64_t upper = pte_maddr(VA + (1UL << (3 + 9 * level)),
                                   level);     /* the next entry of that table */

        for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
            check(mmu_set(upper, PTE(va_to_mfn(l1), TABLE_FLAGS | bits[i].bit)) == -GE_INVAL,
                  "an L%u entry with %s: -EINVAL", level, bits[i].name);
        }
        check_eq(mmu_set(upper, PTE(0x200000000UL, TABLE_FLAGS)), -GE_INVAL,
                 "an L%u entry to a nonexistent frame: -EINVAL",
                 level);
        check_eq(mmu_set(upper, PTE(va_to_mfn(page), TABLE_FLAGS)), -GE_INVAL,
                 "an L%u entry to a page that is mapped writable: -EINVAL", level);
    }
    table_free(l1);
}

static void check_superpages(void)
{
    uint64_t l2 = pte_maddr(VA + (2UL << 20), 2), l3 = pte_maddr(VA + (1UL << 30), 3);

    refused(mmu_set(l2, PTE(va_to_mfn(page) & ~511UL, TABLE_FLAGS | PTE_PSE)), -GE_INVAL,
            "a 2 MiB superpage");
    refused(mmu_set(l2, PTE(va_to_mfn(page) & ~511UL, PTE_P | PTE_U | PTE_PSE)), -GE_INVAL,
            "a read-only 2 MiB superpage");
    refused(mmu_set(l3, PTE(0, TABLE_FLAGS | PTE_PSE)), -GE_INVAL, "a 1 GiB superpage");
}

static void check_slots(void)
{
    char *root = (char *)start_info->pt_base;
    void *l3 = table_alloc();

    for (unsigned slot = 256; slot <= 271; slot += 5) {
        pte_t before = ((volatile pte_t *)root)[slot];
        long ret = mmu_set(entry_maddr(root, slot), PTE(va_to_mfn(l3), TABLE_FLAGS));

        check_eq(ret, -GE_INVAL, "the hypervisor's L4 slot %u set: -EINVAL", slot);
        check_eq(((volatile pte_t *)root)[slot], before, "the hypervisor's L4 slot %u is unchanged", slot);
    }
    refused(mmu_set(entry_maddr(root, 256), 0), -GE_INVAL, "the hypervisor's L4 slot 256 cleared: -EINVAL");
    table_free(l3);
}

static void check_roles(void)
{
    pte_t *table = page_alloc();
    unsigned long mfn = va_to_mfn(table);
    uint64_t l2 = pte_maddr(VA + (2UL << 20), 2), l3 = pte_maddr(VA + (1UL << 30), 3);

    refused(mmu_set(l2, PTE(mfn, TABLE_FLAGS)), -GE_INVAL, "a writable page installed as L1 table: -EINVAL");
    table[7] = PTE(0x200000000UL, L1_FLAGS);
    refused(page_readonly(table), 0, "the page is made read-only");
    check_eq(mmu_set(l2, PTE(mfn, TABLE_FLAGS)), -GE_PERM,
             "an L1 table with an entry to a nonexistent frame: -EPERM");
    refused(page_writable(table), 0, "the refused table can be made writable again");
    table[7] = PTE(va_to_mfn(page), L1_FLAGS);
    refused(page_readonly(table), 0, "the table is read-only, its entry good");
    refused(mmu_set(l2, PTE(mfn, TABLE_FLAGS)), 0, "the L1 table is installed");
    check(mmu_set(l3, PTE(mfn, TABLE_FLAGS)) < 0, "an L1 table in use as an L2 table is refused");
    refused(page_writable(table), -GE_BUSY, "a table in use made writable: -EBUSY");
    write_value = PTE(mfn, L1_FLAGS);
    check(traps(p_write, (long)table, TRAP_PF), "a write to a table that would map it writable faults");
    check_eq(trap.frame.error, PFEC_PRESENT | PFEC_WRITE, "that fault has error code 3");
    check_eq(table[0], 0, "that write changed nothing");
    refused(mmu_set(entry_maddr(table, 8), PTE(mfn, L1_FLAGS)), -GE_BUSY,
            "a table that maps itself writable: -EBUSY");
    refused(mmu_set(entry_maddr(table, 8), PTE(mfn, L1_RO)), 0,
            "a table that maps itself read-only is allowed");
    refused(mmu_set(entry_maddr(table, 8), 0), 0, "that entry is cleared");
    refused(mmu_set(l2, 0), 0, "the L1 table is taken out");
    refused(page_writable(table), 0, "an unused table can be made writable");
    check(!traps(p_write, (long)&table[9], TRAP_PF), "and be written");
    page_free(table);
}

static void check_requests(void)
{
    refused(mmu_set(((uint64_t)va_to_mfn(page) << PAGE_SHIFT) + 8, 0x4711), 0,
            "mmu_update of a page that is no table");
    check_eq(((volatile pte_t *)page)[1], 0x4711, "mmu_update of a page that is no table writes to it");
    refused(mmu_set(0x200000000UL << PAGE_SHIFT, 0), -GE_INVAL, "mmu_update of a nonexistent frame: -EINVAL");
    refused(mmu_set(entry + 4, PTE(va_to_mfn(other), L1_FLAGS)), -GE_NOSYS,
            "mmu_update at an address that is not 8-byte aligned: -ENOSYS");
    check_eq(pte_read(VA, 1), 0, "the unaligned update changed nothing");
}

TEST_MAIN("refuse")
{
    page = page_alloc();
    other = page_alloc();
    if (map_page(VA, PTE(va_to_mfn(page), L1_FLAGS)))
        bail_out("cannot build tables");
    entry = pte_maddr(VA, 1);
    if (mmu_set(entry, 0))
        bail_out("cannot clear an entry");
    check_writable_tables();
    check_foreign_frames();
    check_l1_bits();
    check_upper_bits();
    check_superpages();
    check_slots();
    check_roles();
    check_requests();
}
