/* SPDX-License-Identifier: MIT */
/*
 * Memory: a pool of pages inside the image, and the guest's own page tables.  The boot region maps
 * pseudo-physical memory linearly from VIRT_BASE, read-only where it holds the bootstrap tables, so that any
 * frame of it (the tables, too) is found by the machine-to-physical table.
 */
#include "guest.h"

#define POOL_PAGES 768

static uint8_t pool[POOL_PAGES][PAGE_SIZE] __attribute__((aligned(4096), section(".bss.pool")));
static void *free_pages[POOL_PAGES];
static unsigned free_count;

void mm_init(void)
{
    for (unsigned i = 0; i < POOL_PAGES; i++)
        free_pages[free_count++] = pool[POOL_PAGES - 1 - i];
}

void *page_alloc(void)
{
    void *page;

    if (free_count == 0)
        bail_out("the page pool is empty");
    page = free_pages[--free_count];
    memset(page, 0, PAGE_SIZE);
    return page;
}

void page_free(void *page)
{
    free_pages[free_count++] = page;
}

unsigned long *p2m(void)
{
    return (unsigned long *)start_info->mfn_list;
}

unsigned long va_to_pfn(const void *va)
{
    return ((unsigned long)va - VIRT_BASE) >> PAGE_SHIFT;
}

unsigned long va_to_mfn(const void *va)
{
    return p2m()[va_to_pfn(va)];
}

void *mfn_to_va(unsigned long mfn)
{
    return (void *)(VIRT_BASE + (machine_to_phys_mapping[mfn] << PAGE_SHIFT));
}

static unsigned long current_root;

unsigned long root_mfn(void)
{
    if (!current_root)
        current_root = va_to_mfn((void *)start_info->pt_base);
    return current_root;
}

uint64_t pte_maddr(unsigned long va, unsigned level)
{
    unsigned long mfn = root_mfn();

    for (unsigned l = 4; l > level; l--) {
        pte_t pte = ((volatile pte_t *)mfn_to_va(mfn))[table_index(va, l)];

        if (!(pte & PTE_P))
            return 0;
        mfn = PTE_MFN(pte);
    }
    return ((uint64_t)mfn << PAGE_SHIFT) + table_index(va, level) * 8;
}

pte_t pte_read(unsigned long va, unsigned level)
{
    uint64_t entry = pte_maddr(va, level);

    if (!entry)
        return 0;
    return *(volatile pte_t *)((char *)mfn_to_va(entry >> PAGE_SHIFT) + (entry & (PAGE_SIZE - 1)));
}

long mmu_set_done(uint64_t entry, pte_t value, unsigned *done)
{
    struct mmu_update req = { .ptr = entry, .val = value };

    return HC(mmu_update, &req, 1, done, DOMID_SELF);
}

long mmu_set(uint64_t entry, pte_t value)
{
    return mmu_set_done(entry, value, NULL);
}

long update_va(unsigned long va, pte_t value, unsigned long flags)
{
    return HC(update_va_mapping, va, value, flags);
}

long mmuext(unsigned cmd, unsigned long mfn)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

    return HC(mmuext_op, &op, 1, 0, DOMID_SELF);
}

long mmuext_linear(unsigned cmd, unsigned long va, unsigned long arg2)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.linear_addr = va };

    op.arg2.src_mfn = arg2;
    return HC(mmuext_op, &op, 1, 0, DOMID_SELF);
}

long page_readonly(void *page)
{
    return update_va((unsigned long)page, PTE(va_to_mfn(page), L1_RO), UVMF_INVLPG | UVMF_ALL);
}

long page_writable(void *page)
{
    return update_va((unsigned long)page, PTE(va_to_mfn(page), L1_FLAGS), UVMF_INVLPG | UVMF_ALL);
}

void *table_alloc(void)
{
    void *table = page_alloc();
    long ret = page_readonly(table);

    if (ret)
        bail_out("cannot make a page read-only: %ld", ret);
    return table;
}

void table_free(void *table)
{
    long ret = page_writable(table);

    if (ret)
        bail_out("cannot make a former table writable: %ld", ret);
    page_free(table);
}

long map_page(unsigned long va, pte_t pte)
{
    for (unsigned level = 4; level > 1; level--) {
        long ret;

        if (pte_read(va, level) & PTE_P)
            continue;
        ret = mmu_set(pte_maddr(va, level), PTE(va_to_mfn(table_alloc()), TABLE_FLAGS));
        if (ret)
            return ret;
    }
    return mmu_set(pte_maddr(va, 1), pte);
}
