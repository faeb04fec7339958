/* SPDX-License-Identifier: MIT */
/*
 * Page tables by way of the hypervisor: reading them through the direct map,
 * changing them by mmu_update. A table is never freed once it is hooked in, so
 * a slot's address stays good. Every table page is mapped read-only.
 */
#include <errno.h>
#include <string.h>

#include <minios/hypercall.h>
#include <minios/kernel.h>
#include <minios/mm.h>

#include "internal.h"

#define TABLE_ENTRIES 512
#define LEVEL_SHIFT(level) (PAGE_SHIFT + 9 * ((level) - 1))
#define L1_SPAN (1UL << LEVEL_SHIFT(2))

#define PTE_RO_FLAGS (PTE_PRESENT | PTE_USER | PTE_ACCESSED)
#define PTE_RW_FLAGS (PTE_RO_FLAGS | PTE_RW | PTE_DIRTY)

/* Updates that go to the hypervisor in one call. */
#define BATCH 64

static unsigned long *p2m;

unsigned long pfn_to_mfn(unsigned long pfn)
{
    return pfn < start_info->nr_pages ? p2m[pfn] : INVALID_MFN;
}

void *mfn_to_virt(unsigned long mfn)
{
    uint64_t pfn;

    if (mfn >= (MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) / sizeof(pfn)) {
        return NULL;
    }
    /* The table has holes where the machine has no memory. */
    if (!probe_read((const uint64_t *)MACH2PHYS_VIRT_START + mfn, &pfn)) {
        return NULL;
    }
    return pfn_to_mfn(pfn) == mfn ? (void *)(pfn << PAGE_SHIFT) : NULL;
}

static uint64_t own_entry(const void *direct, uint64_t flags)
{
    return (pfn_to_mfn(PFN_DOWN((uintptr_t)direct)) << PAGE_SHIFT) | flags;
}

static uint64_t slot_address(const uint64_t *slot)
{
    return own_entry(slot, (uintptr_t)slot & ~PAGE_MASK);
}

/* The table that a present entry refers to; all of ours lie in the direct map. */
static uint64_t *entry_table(uint64_t entry)
{
    uint64_t *table = mfn_to_virt((entry & PTE_FRAME) >> PAGE_SHIFT);

    if (!table) {
        kernel_panic("page-table entry %lx names a frame that this domain does not own", entry);
    }
    return table;
}

static size_t table_index(uintptr_t va, unsigned int level)
{
    return (va >> LEVEL_SHIFT(level)) % TABLE_ENTRIES;
}

static long set_direct(void *va, uint64_t flags)
{
    return HYPERVISOR_update_va_mapping((uintptr_t)va, own_entry(va, flags), UVMF_INVLPG);
}

/* Make a filled page a table and hook it into a slot of the level above. */
static bool hook_table(uint64_t *slot, void *page)
{
    struct mmu_update update = {
        .ptr = slot_address(slot) | MMU_NORMAL_PT_UPDATE,
        .val = own_entry(page, PTE_RW_FLAGS),
    };

    if (set_direct(page, PTE_RO_FLAGS)) {
        return false;
    }
    if (HYPERVISOR_mmu_update(&update, 1, NULL, DOMID_SELF)) {
        set_direct(page, PTE_RW_FLAGS);
        return false;
    }
    return true;
}

/* The slot of `level` for va; missing tables above it come from `take`, or the result is NULL. */
static uint64_t *walk(uintptr_t va, unsigned int level, void *(*take)(void))
{
    uint64_t *table = (uint64_t *)start_info->pt_base;

    for (unsigned int l = 4; l > level; l--) {
        uint64_t *slot = &table[table_index(va, l)];

        if (!(READ_ONCE(*slot) & PTE_PRESENT)) {
            void *page = take ? take() : NULL;

            if (!page) {
                return NULL;
            }
            memset(page, 0, PAGE_SIZE);
            if (!hook_table(slot, page)) {
                free_page(page);
                return NULL;
            }
        }
        table = entry_table(READ_ONCE(*slot));
    }
    return &table[table_index(va, level)];
}

uint64_t mm_pte_address(const void *va)
{
    uint64_t *slot = walk((uintptr_t)va, 1, alloc_page);

    return slot ? slot_address(slot) : 0;
}

unsigned long virt_to_mfn(const void *va)
{
    uint64_t *slot = walk((uintptr_t)va, 1, NULL);
    uint64_t entry = slot ? READ_ONCE(*slot) : 0;

    return entry & PTE_PRESENT ? (entry & PTE_FRAME) >> PAGE_SHIFT : INVALID_MFN;
}

/*
 * Map the direct map's next pages, up to the next 2 MB boundary. Uses only pages that are mapped already
 * (page_take_mapped), so the allocator may call it. False if the hypervisor refuses or pages ran out.
 */
bool direct_map_extend(unsigned long *mapped_pfn)
{
    uintptr_t va = *mapped_pfn << PAGE_SHIFT;
    unsigned long end = PFN_DOWN((va + L1_SPAN) & ~(L1_SPAN - 1));
    uint64_t *slot = walk(va, 2, page_take_mapped);
    struct mmu_update updates[BATCH];
    unsigned int n = 0;

    if (end > start_info->nr_pages) {
        end = start_info->nr_pages;
    }
    if (!slot) {
        return false;
    }
    if (!(READ_ONCE(*slot) & PTE_PRESENT)) {
        uint64_t *table = page_take_mapped();

        if (!table) {
            return false;
        }
        memset(table, 0, PAGE_SIZE);
        for (unsigned long pfn = *mapped_pfn; pfn < end; pfn++) {
            table[pfn % TABLE_ENTRIES] = (p2m[pfn] << PAGE_SHIFT) | PTE_RW_FLAGS;
        }
        if (!hook_table(slot, table)) {
            free_page(table);
            return false;
        }
        *mapped_pfn = end;
        return true;
    }

    slot = entry_table(READ_ONCE(*slot));
    while (*mapped_pfn + n < end) {
        unsigned long pfn = *mapped_pfn + n;

        updates[n].ptr = slot_address(&slot[pfn % TABLE_ENTRIES]) | MMU_NORMAL_PT_UPDATE;
        updates[n].val = (p2m[pfn] << PAGE_SHIFT) | PTE_RW_FLAGS;
        n++;
        if (n == BATCH || pfn + 1 == end) {
            if (HYPERVISOR_mmu_update(updates, n, NULL, DOMID_SELF)) {
                return false;
            }
            *mapped_pfn += n;
            n = 0;
        }
    }
    return true;
}

static void flush_tlb(uintptr_t va, size_t n)
{
    struct mmuext_op op = { .cmd = n == 1 ? MMUEXT_INVLPG_LOCAL : MMUEXT_TLB_FLUSH_LOCAL };

    if (n == 1) {
        op.arg1.linear_addr = va;
    }
    if (HYPERVISOR_mmuext_op(&op, 1, NULL, DOMID_SELF)) {
        kernel_panic("TLB flush refused for %lx", va);
    }
}

/*
 * Clear n <= BATCH entries from va on and flush; the old entries go to old[] (0 where nothing was). A refusal
 * would leave a stale mapping behind, which nobody could live with.
 */
static void clear_entries(uintptr_t va, unsigned int n, uint64_t *old)
{
    struct mmu_update updates[BATCH];
    unsigned int used = 0;

    for (unsigned int i = 0; i < n; i++) {
        uint64_t *slot = walk(va + i * PAGE_SIZE, 1, NULL);

        old[i] = slot ? READ_ONCE(*slot) : 0;
        if (old[i]) {
            updates[used].ptr = slot_address(slot) | MMU_NORMAL_PT_UPDATE;
            updates[used++].val = 0;
        }
    }
    if (used) {
        if (HYPERVISOR_mmu_update(updates, used, NULL, DOMID_SELF)) {
            kernel_panic("unmapping %u pages at %lx refused", n, va);
        }
        flush_tlb(va, n);
    }
}

/*
 * One batch of map_frames: n <= BATCH. A frame that is refused ends the batch with its error, unless errs
 * takes the errors one by one.
 */
static long map_batch(uintptr_t va, const xen_pfn_t *mfns, unsigned int n, domid_t owner, uint64_t flags,
                      int *errs)
{
    struct mmu_update updates[BATCH];

    for (unsigned int i = 0; i < n; i++) {
        uint64_t pte = mm_pte_address((void *)(va + i * PAGE_SIZE));

        if (!pte) {
            return -ENOMEM;
        }
        updates[i].ptr = pte | MMU_NORMAL_PT_UPDATE;
        updates[i].val = ((mfns[i] << PAGE_SHIFT) & PTE_FRAME) | flags;
        if (errs) {
            errs[i] = 0;
        }
    }
    for (unsigned int first = 0; first < n;) {
        unsigned int done = 0;
        long ret = HYPERVISOR_mmu_update(updates + first, n - first, &done, owner);

        if (ret >= 0) {
            break;
        }
        if (!errs) {
            return -xen_errno(ret);
        }
        first += done;
        if (first < n) {
            errs[first++] = -xen_errno(ret);
        }
    }
    return 0;
}

void *map_frames(const xen_pfn_t *mfns, size_t n, domid_t owner, enum map_prot prot, int *errs)
{
    uintptr_t va = range_alloc(n);
    uint64_t flags = prot == MAP_RW ? PTE_RW_FLAGS : PTE_RO_FLAGS;
    long ret = -ENOMEM;

    if (va) {
        for (size_t i = 0; i < n; i += BATCH) {
            if (i) {
                thread_relax();
            }
            ret = map_batch(va + i * PAGE_SIZE, mfns + i, n - i < BATCH ? n - i : BATCH, owner, flags,
                            errs ? errs + i : NULL);
            if (ret) {
                unmap_frames((void *)va, n);
                errno = -ret;
                return NULL;
            }
        }
        return (void *)va;
    }
    errno = ENOMEM;
    return NULL;
}

void unmap_frames(void *va, size_t n)
{
    uint64_t old[BATCH];

    for (size_t i = 0; i < n; i += BATCH) {
        if (i) {
            thread_relax();
        }
        clear_entries((uintptr_t)va + i * PAGE_SIZE, n - i < BATCH ? n - i : BATCH, old);
    }
    range_free((uintptr_t)va, n);
}

void *mm_reserve_range(size_t n)
{
    uintptr_t va = range_alloc(n);

    for (size_t i = 0; va && i < n; i++) {
        if (!walk(va + i * PAGE_SIZE, 1, alloc_page)) {
            range_free(va, n);
            va = 0;
        }
    }
    return (void *)va;
}

void mm_release_range(void *va, size_t n)
{
    range_free((uintptr_t)va, n);
}

bool map_own_pages(uintptr_t va, size_t n)
{
    for (size_t i = 0; i < n;) {
        xen_pfn_t mfns[BATCH];
        void *direct[BATCH];
        unsigned int k = 0;

        while (k < BATCH && i + k < n && (direct[k] = alloc_page())) {
            mfns[k] = pfn_to_mfn(PFN_DOWN((uintptr_t)direct[k]));
            k++;
        }
        if (!k || map_batch(va + i * PAGE_SIZE, mfns, k, DOMID_SELF, PTE_RW_FLAGS, NULL)) {
            uint64_t old[BATCH];

            /* The batch may be mapped in part: take it out before its pages are free again. */
            clear_entries(va + i * PAGE_SIZE, k, old);
            while (k) {
                free_page(direct[--k]);
            }
            unmap_own_pages(va, i);
            return false;
        }
        i += k;
    }
    return true;
}

void unmap_own_pages(uintptr_t va, size_t n)
{
    for (size_t i = 0; i < n; i += BATCH) {
        unsigned int k = n - i < BATCH ? n - i : BATCH;
        uint64_t old[BATCH];

        clear_entries(va + i * PAGE_SIZE, k, old);
        while (k--) {
            if (old[k] & PTE_PRESENT) {
                free_page(entry_table(old[k]));
            }
        }
    }
}

void *mm_alloc_guarded(size_t n)
{
    uintptr_t va = range_alloc(n);

    if (va && !map_own_pages(va, n)) {
        range_free(va, n);
        va = 0;
    }
    return (void *)va;
}

void mm_free_guarded(void *va, size_t n)
{
    unmap_own_pages((uintptr_t)va, n);
    range_free((uintptr_t)va, n);
}

static unsigned long higher(unsigned long a, unsigned long b)
{
    return a > b ? a : b;
}

/* What the domain builder put behind the image, by start_info (the order is not relied on). */
static unsigned long boot_data_end(void)
{
    unsigned long end = PFN_UP((uintptr_t)image_end);
    unsigned long mfns[2] = { 0 };

    end = higher(end, PFN_UP((uintptr_t)start_info + sizeof(*start_info)));
    end = higher(end, PFN_UP(start_info->mfn_list + start_info->nr_pages * sizeof(unsigned long)));
    end = higher(end, PFN_UP(start_info->pt_base) + start_info->nr_pt_frames);
    /* The boot stack's page follows the page tables. */
    end = higher(end, PFN_UP(start_info->pt_base) + start_info->nr_pt_frames + 1);
    if (start_info->mod_len && !(start_info->flags & SIF_MOD_START_PFN)) {
        end = higher(end, PFN_UP(start_info->mod_start + start_info->mod_len));
    }
    if (!(start_info->flags & SIF_INITDOMAIN)) {
        mfns[0] = start_info->console.domU.mfn;
        mfns[1] = start_info->store_mfn;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(mfns); i++) {
        void *va = mfns[i] ? mfn_to_virt(mfns[i]) : NULL;

        end = higher(end, va ? PFN_DOWN((uintptr_t)va) + 1 : 0);
    }
    return end;
}

static void protect_image(void)
{
    /* A null pointer, and what lies within a page of it, faults. */
    if (HYPERVISOR_update_va_mapping(0, 0, UVMF_INVLPG)) {
        kernel_panic("page 0 cannot be unmapped");
    }
    for (char *page = image_start; page < readonly_end; page += PAGE_SIZE) {
        if (set_direct(page, PTE_RO_FLAGS)) {
            kernel_panic("image page %p cannot be made read-only", (void *)page);
        }
    }
}

void mm_init(void)
{
    struct boot_layout layout;

    p2m = (unsigned long *)start_info->mfn_list;
    layout.first_pfn = PFN_DOWN((uintptr_t)image_start);
    layout.end_pfn = boot_data_end();
    layout.mapped_pfn = layout.end_pfn;
    while (layout.mapped_pfn < start_info->nr_pages &&
           virt_to_mfn((void *)(layout.mapped_pfn << PAGE_SHIFT)) == p2m[layout.mapped_pfn]) {
        layout.mapped_pfn++;
    }
    pages_init(&layout);
    protect_image();
}
