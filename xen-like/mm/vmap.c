/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own page tables, and the mappings in them that are made after start-up: device memory, and
 * the window and stack of each CPU. None is ever unmapped, so they only grow.
 */
#include "cpu/features.h"
#include "mm/internal.h"

mfn_t hv_root;
u64 *hv_l4;
u64 hv_pte_global;

u64 *table_entry(u64 *table, unsigned int from, unsigned long va, unsigned int level)
{
    u64 flags = pt_index(va, 4) == pt_index(M2P_RO_START, 4) ? PTE_TABLE : PTE_HV_TABLE;

    for (; from > level; from--) {
        u64 *entry = &table[pt_index(va, from)];

        if (!(*entry & PTE_P)) {
            u64 *new = hv_table_alloc();

            if (!new)
                return NULL;
            *entry = make_pte(virt_to_mfn(new), flags);
        }
        table = mfn_to_virt(pte_mfn(*entry));
    }
    return &table[pt_index(va, level)];
}

u64 *hv_entry(unsigned long va, unsigned int level) { return table_entry(hv_l4, 4, va, level); }

#define LEVEL_SIZE(level) (PAGE_SIZE << 9 * ((level) - 1))

bool hv_map(unsigned long va, u64 from, u64 size, u64 flags, bool large)
{
    if (!cpu.nx)
        flags &= ~PTE_NX;
    flags |= hv_pte_global;
    for (u64 step; size; va += step, from += step, size -= step) {
        unsigned int level = !large ? 1 : cpu.page1gb ? 3 : 2;

        while (level > 1 && (size < LEVEL_SIZE(level) || (va | from) % LEVEL_SIZE(level)))
            level--;
        step = LEVEL_SIZE(level);
        u64 *entry = hv_entry(va, level);
        if (!entry)
            return false;
        *entry = from | flags | (level > 1 ? PTE_PSE : 0);
    }
    return true;
}

u64 hv_large_mfn(unsigned long va)
{
    if (!(*hv_entry(va, 3) & PTE_P))
        return 0;
    u64 pte = *hv_entry(va, 2);
    return pte & PTE_PSE ? pte_mfn(pte).v : 0;
}

static struct spinlock vmap_lock = SPINLOCK_INIT(LOCK_VMAP);
static unsigned long vmap_next = VMAP_START;

static u64 *window_table[MAX_CPUS];     /* the L1 of each CPU's window */

void *ioremap(maddr_t from, size_t size, bool cached)
{
    u64 start = ALIGN_DOWN(from.v, PAGE_SIZE), end = ALIGN_UP(from.v + size, PAGE_SIZE);
    u64 flags = PTE_HV_RW | (cached ? 0 : PTE_PCD | PTE_PWT);

    if (!size || end <= start)
        return NULL;
    spin_guard(&vmap_lock);
    unsigned long va = vmap_next;
    if (end - start >= VMAP_END - va || !hv_map(va, start, end - start, flags, false))
        return NULL;
    /* A page that is never mapped stays between any two mappings. */
    vmap_next = va + (end - start) + PAGE_SIZE;
    return (void *)(va + (from.v - start));
}

int mm_init_cpu_window(unsigned int cpu)
{
    spin_guard(&vmap_lock);
    window_table[cpu] = hv_entry(CPU_WINDOW(cpu), 1);
    return window_table[cpu] ? 0 : -ENOMEM;
}

bool mm_map_cpu_stack(unsigned int cpu, maddr_t low, maddr_t high)
{
    spin_guard(&vmap_lock);
    return hv_map(CPU_STACK(cpu), low.v, STACK_LOW_PAGES * PAGE_SIZE, PTE_HV_RW, false) &&
           hv_map(CPU_STACK(cpu) + STACK_BOTTOM, high.v, STACK_HIGH_PAGES * PAGE_SIZE, PTE_HV_RW, false);
}

u64 *cpu_window_pte(unsigned int cpu, unsigned int page) { return &window_table[cpu][page]; }
