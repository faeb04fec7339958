/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's mappings that are made after start-up: device memory, and the window of each CPU. Neither
 * is ever unmapped, so both only grow.
 */
#include "mm/internal.h"

static struct spinlock vmap_lock = SPINLOCK_INIT(LOCK_VMAP);
static unsigned long vmap_next = VMAP_START;

static u64 *window_table[MAX_CPUS];     /* the L1 of each CPU's window */

void *ioremap(maddr_t from, size_t size, bool cached)
{
    u64 start = ALIGN_DOWN(from.v, PAGE_SIZE), end = ALIGN_UP(from.v + size, PAGE_SIZE);
    u64 flags = PTE_HV_RW | (cached ? 0 : PTE_PCD | PTE_PWT);
    unsigned long va;
    bool ok;

    if (!size || end <= start || end - start >= VMAP_END - VMAP_START)
        return NULL;
    spin_lock(&vmap_lock);
    va = vmap_next;
    ok = end - start < VMAP_END - va && hv_map(va, start, end - start, flags, false);
    /* A page that is never mapped stays between any two mappings. */
    if (ok)
        vmap_next = va + (end - start) + PAGE_SIZE;
    spin_unlock(&vmap_lock);
    return ok ? (void *)(va + (from.v - start)) : NULL;
}

int mm_init_cpu_window(unsigned int cpu)
{
    u64 *l3 = mfn_to_virt(pte_mfn(hv_l4[pt_index(CPU_WINDOW_START, 4)])), *l2;
    u64 *l3e = &l3[pt_index(CPU_WINDOW(cpu), 3)], *l1 = hv_alloc_page();

    if (!l1)
        return -ENOMEM;
    spin_lock(&vmap_lock);
    if (!(*l3e & PTE_P)) {
        l2 = hv_alloc_page();
        if (!l2) {
            spin_unlock(&vmap_lock);
            hv_free_page(l1);
            return -ENOMEM;
        }
        *l3e = make_pte(virt_to_mfn(l2), PTE_HV_TABLE);
    }
    l2 = mfn_to_virt(pte_mfn(*l3e));
    l2[pt_index(CPU_WINDOW(cpu), 2)] = make_pte(virt_to_mfn(l1), PTE_HV_TABLE);
    window_table[cpu] = l1;
    spin_unlock(&vmap_lock);
    return 0;
}

bool mm_map_cpu_stack(unsigned int cpu, maddr_t low, maddr_t high)
{
    bool ok;

    spin_lock(&vmap_lock);
    ok = hv_map(CPU_STACK(cpu), low.v, STACK_LOW_PAGES * PAGE_SIZE, PTE_HV_RW, false) &&
         hv_map(CPU_STACK(cpu) + STACK_BOTTOM, high.v, STACK_HIGH_PAGES * PAGE_SIZE, PTE_HV_RW, false);
    spin_unlock(&vmap_lock);
    return ok;
}

u64 *cpu_window_pte(unsigned int cpu, unsigned int page) { return &window_table[cpu][page]; }

u64 hv_large_mfn(unsigned long va)
{
    const u64 *table = hv_l4;

    for (unsigned int level = 4; level > 1; level--) {
        u64 pte = table[pt_index(va, level)];

        if (!(pte & PTE_P))
            return 0;
        if (pte & PTE_PSE)
            return level == 2 ? pte_mfn(pte).v : 0;
        table = mfn_to_virt(pte_mfn(pte));
    }
    return 0;
}
