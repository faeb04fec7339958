/* SPDX-License-Identifier: MIT */
/*
 * Page tables: single and batched updates, validation of trees, base pointers, flushes, and memory given
 * back.
 */
#include "measure.h"

#define WINDOW 0x0000124000000000UL     /* one L1 table's reach, ours to change */
#define BATCH 64
#define SPARE_PFN 8192                  /* frames of the domain that nothing maps: 4096 from here */
#define L1_TABLES 8                     /* of the tree: with its L4, L3 and L2 eleven tables */

static uint64_t window_pte;             /* machine address of the L1 entry that maps WINDOW */
static unsigned long frames[2];

static void rows_updates(void)
{
    static struct mmu_update one, many[BATCH], m2p;
    pte_t ptes[2] = { PTE(frames[0], L1_FLAGS), PTE(frames[1], L1_FLAGS) };
    volatile pte_t *table = mfn_to_va(window_pte >> PAGE_SHIFT);

    MEASURE("mmu_update, 1 entry", 100, 0,
            (one = (struct mmu_update){ window_pte, ptes[i & 1] }), HC(mmu_update, &one, 1, 0, DOMID_SELF));
    MEASURE("mmu_update, 1 entry from nothing", 100, 0,
            (mmu_set(window_pte, 0), one = (struct mmu_update){ window_pte, ptes[0] }),
            HC(mmu_update, &one, 1, 0, DOMID_SELF));
    MEASURE("mmu_update, 1 entry to nothing", 100, 0,
            (mmu_set(window_pte, ptes[0]), one = (struct mmu_update){ window_pte, 0 }),
            HC(mmu_update, &one, 1, 0, DOMID_SELF));
    MEASURE("mmu_update, 64 entries of one L1", 30, 0, ({
                for (unsigned k = 0; k < BATCH; k++)
                    many[k] = (struct mmu_update){ window_pte + k * 8, ptes[i & 1] };
            }), HC(mmu_update, many, BATCH, 0, DOMID_SELF));
    MEASURE("mmu_update, 1 M2P entry", 100, 0,
            (m2p = (struct mmu_update){ (frames[0] << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE,
                                        machine_to_phys_mapping[frames[0]] }),
            HC(mmu_update, &m2p, 1, 0, DOMID_SELF));
    MEASURE("update_va_mapping", 100, 0,, HC(update_va_mapping, WINDOW, ptes[i & 1], UVMF_NONE));
    MEASURE("update_va_mapping with INVLPG", 100, 0,,
            HC(update_va_mapping, WINDOW, ptes[i & 1], UVMF_INVLPG));
    HC(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables);
    MEASURE("page-table write, emulated", 100, 0,, ({ table[0] = ptes[i & 1]; 0L; }));
    HC(vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables);
    for (unsigned k = 0; k < BATCH; k++)
        mmu_set(window_pte + k * 8, 0);
}

static void fill_l1(pte_t *table, unsigned long pfn)
{
    for (unsigned i = 0; i < 512; i++)
        table[i] = PTE(p2m()[pfn + i], L1_FLAGS);
}

static void pin_row(const char *name, unsigned n, unsigned command, const void *table)
{
    static struct mmuext_op pin, unpin;

    pin = (struct mmuext_op){ .cmd = command, .arg1.mfn = va_to_mfn(table) };
    unpin = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = va_to_mfn(table) };
    MEASURE(name, n, 0,,
            THEN(HC(mmuext_op, &pin, 1, 0, DOMID_SELF), HC(mmuext_op, &unpin, 1, 0, DOMID_SELF)));
}

static void rows_pin(void)
{
    pte_t *l4 = page_alloc(), *l3 = page_alloc(), *l2 = page_alloc(), *l1 = NULL;
    pte_t *empty = table_alloc();

    l4[0] = PTE(va_to_mfn(l3), TABLE_FLAGS);
    l3[0] = PTE(va_to_mfn(l2), TABLE_FLAGS);
    for (unsigned i = 0; i < L1_TABLES; i++) {
        l1 = page_alloc();
        fill_l1(l1, SPARE_PFN + i * 512);
        page_readonly(l1);
        l2[i] = PTE(va_to_mfn(l1), TABLE_FLAGS);
    }
    page_readonly(l4);
    page_readonly(l3);
    page_readonly(l2);
    pin_row("pin + unpin an L4 tree, 11 tables, 4096 entries", 11, MMUEXT_PIN_L4_TABLE, l4);
    pin_row("pin + unpin an L1, 512 entries", 31, MMUEXT_PIN_L1_TABLE, l1);
    pin_row("pin + unpin an L1, empty", 31, MMUEXT_PIN_L1_TABLE, empty);
    pin_row("pin + unpin an L2, empty", 31, MMUEXT_PIN_L2_TABLE, empty);
    pin_row("pin + unpin an L4, empty", 31, MMUEXT_PIN_L4_TABLE, empty);
}

static void rows_roots(void)
{
    static struct mmuext_op base, user, invlpg, flush;
    pte_t *other = page_alloc();
    const pte_t *root = (const pte_t *)start_info->pt_base;

    for (unsigned i = 0; i < 512; i++)
        if (i < 256 || i > 271)
            other[i] = root[i];
    page_readonly(other);
    base.cmd = MMUEXT_NEW_BASEPTR;
    user.cmd = MMUEXT_NEW_USER_BASEPTR;
    if (mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(other))) {
        row_failed("new base pointer", 0);
        return;
    }
    MEASURE("new base pointer", 100, 0, base.arg1.mfn = i & 1 ? root_mfn() : va_to_mfn(other),
            HC(mmuext_op, &base, 1, 0, DOMID_SELF));
    mmuext(MMUEXT_NEW_BASEPTR, root_mfn());
    MEASURE("new user base pointer", 100, 0, user.arg1.mfn = i & 1 ? user_l4_mfn() : va_to_mfn(other),
            HC(mmuext_op, &user, 1, 0, DOMID_SELF));
    mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(other));
    table_free(other);
    invlpg = (struct mmuext_op){ .cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = WINDOW };
    flush.cmd = MMUEXT_TLB_FLUSH_LOCAL;
    MEASURE("mmuext INVLPG_LOCAL", 100, 0,, HC(mmuext_op, &invlpg, 1, 0, DOMID_SELF));
    MEASURE("mmuext TLB_FLUSH_LOCAL", 100, 0,, HC(mmuext_op, &flush, 1, 0, DOMID_SELF));
}

static void rows_memory(void)
{
    static xen_pfn_t mfn, extent;
    static struct xen_memory_reservation give = { .nr_extents = 1, .domid = DOMID_SELF };
    static struct xen_memory_reservation take = { .nr_extents = 1, .domid = DOMID_SELF };

    set_xen_guest_handle(give.extent_start, &mfn);
    set_xen_guest_handle(take.extent_start, &extent);
    MEASURE("release + populate a frame", 100, 2, (mfn = i ? extent : p2m()[SPARE_PFN], extent = SPARE_PFN),
            THEN(HC(memory_op, XENMEM_decrease_reservation, &give),
                 HC(memory_op, XENMEM_populate_physmap, &take)));
    p2m()[SPARE_PFN] = extent;
}

void bench_paging(void)
{
    if (map_page(WINDOW, 0))
        bail_out("cannot build the tables of the window");
    window_pte = pte_maddr(WINDOW, 1);
    frames[0] = va_to_mfn(page_alloc());
    frames[1] = va_to_mfn(page_alloc());
    rows_updates();
    rows_roots();
    rows_memory();
    rows_pin();
}
