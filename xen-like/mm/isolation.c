/* SPDX-License-Identifier: MIT */
/* Page-table isolation: the roots that each CPU's guest runs on (isolation.h has the rules). */
#include "mm/isolation.h"

#include "cpu/desc.h"
#include "mm/internal.h"

#define ISOLATED_ORDER 3
_Static_assert(ISOLATED_BLOCK_SIZE == PAGE_SIZE << ISOLATED_ORDER, "the block of roots is aligned to its size");

bool isolate_dom0, isolate_domu;

struct isolation {
    struct spinlock lock;           /* copying against changes by other CPUs */
    u64 (*guest)[PTES], (*full)[PTES];  /* ISOLATED_ROOTS of each, both blocks aligned to their size */
    mfn_t source[ISOLATED_ROOTS];   /* the L4 that each pair is a copy of, or INVALID_MFN */
    unsigned int victim;            /* the next to be replaced */
};

static DEFINE_PER_CPU(struct isolation *, isolation);

extern const char entry_text_start[], entry_text_end[];

/* --- the hypervisor's part --- */

static u64 *table_of(u64 pte) { return mfn_to_virt(pte_mfn(pte)); }

/* The hypervisor's own L1 entry for va. */
static u64 own_l1e(unsigned long va)
{
    const u64 *table = hv_l4;

    for (unsigned int level = 4; level > 1; level--)
        table = table_of(table[pt_index(va, level)]);
    return table[pt_index(va, 1)];
}

/* Maps [from, to) in the tables below l3 as the hypervisor has it, but never global. False: no memory. */
static bool map_alike(u64 *l3, unsigned long from, unsigned long to)
{
    for (unsigned long va = from; va < to; va += PAGE_SIZE) {
        u64 *table = l3;

        for (unsigned int level = 3; level > 1; level--) {
            u64 *entry = &table[pt_index(va, level)];

            if (!*entry) {
                u64 *new = hv_alloc_page();

                if (!new)
                    return false;
                *entry = make_pte(virt_to_mfn(new), PTE_HV_TABLE);
            }
            table = table_of(*entry);
        }
        table[pt_index(va, 1)] = own_l1e(va) & ~PTE_G;
    }
    return true;
}

/*
 * The L3 of the image's slot: one L2 and L1 of code and IDT for all CPUs, and this CPU's part of its stack.
 */
static u64 *make_image_slot(unsigned int cpu)
{
    static u64 image_l2;
    unsigned long stack = CPU_STACK(cpu), info = stack + STACK_SIZE - PAGE_SIZE;
    u64 *l3 = hv_alloc_page(), *entry;

    if (!l3)
        return NULL;
    entry = &l3[pt_index(IMAGE_START, 3)];
    *entry = image_l2;
    if (!image_l2) {
        if (!map_alike(l3, (unsigned long)entry_text_start, (unsigned long)entry_text_end) ||
            !map_alike(l3, (unsigned long)idt, (unsigned long)idt + sizeof(idt)))
            return NULL;
        image_l2 = *entry;
    }
    if (!map_alike(l3, stack, stack + IST_COUNT * PAGE_SIZE) || !map_alike(l3, info, info + PAGE_SIZE))
        return NULL;
    return l3;
}

/* The L3 of the windows' slot, with this CPU's window only, by the same L1 that the hypervisor uses. */
static u64 *make_window_slot(unsigned int cpu)
{
    unsigned long va = CPU_WINDOW(cpu);
    u64 *l3 = hv_alloc_page(), *l2 = hv_alloc_page(), *own;

    if (!l3 || !l2)
        return NULL;
    own = table_of(hv_l4[pt_index(va, 4)]);
    own = table_of(own[pt_index(va, 3)]);
    l3[pt_index(va, 3)] = make_pte(virt_to_mfn(l2), PTE_HV_TABLE);
    l2[pt_index(va, 2)] = own[pt_index(va, 2)];
    return l3;
}

bool isolation_init_cpu(unsigned int cpu)
{
    struct cpu_info *info = (struct cpu_info *)(CPU_STACK(cpu) + STACK_SIZE) - 1;
    struct isolation *iso;
    u64 *window, *image;

    if (!isolation_on())
        return true;
    iso = xzalloc(struct isolation);
    window = make_window_slot(cpu);
    image = make_image_slot(cpu);
    if (!iso || !window || !image)
        return false;
    iso->guest = hv_alloc_pages(ISOLATED_ORDER);
    iso->full = hv_alloc_pages(ISOLATED_ORDER);
    if (!iso->guest || !iso->full)
        return false;
    spin_lock_init(&iso->lock, LOCK_IRQ_LEAF);
    for (unsigned int i = 0; i < ISOLATED_ROOTS; i++) {
        iso->source[i] = INVALID_MFN;
        root_fill_hv_slots(iso->full[i], false);
        root_fill_hv_slots(iso->guest[i], true);
        iso->guest[i][pt_index(CPU_WINDOW_START, 4)] = make_pte(virt_to_mfn(window), PTE_HV_TABLE);
        iso->guest[i][pt_index(IMAGE_START, 4)] = make_pte(virt_to_mfn(image), PTE_HV_TABLE);
    }
    info->isolated_base = mfn_to_maddr(virt_to_mfn(iso->guest)).v;
    per_cpu(isolation, cpu) = iso;
    return true;
}

/* --- the guest's part --- */

static void copy_guest_slots(u64 *to, const u64 *from)
{
    memcpy(to, from, HV_L4_FIRST * sizeof(u64));
    memcpy(to + HV_L4_LAST + 1, from + HV_L4_LAST + 1, (PTES - HV_L4_LAST - 1) * sizeof(u64));
}

void isolation_roots(mfn_t l4, mfn_t keep, unsigned long *guest, unsigned long *full)
{
    struct isolation *iso = this_cpu(isolation);
    unsigned long flags;
    unsigned int i;

    for (i = 0; i < ISOLATED_ROOTS; i++)
        if (mfn_eq(iso->source[i], l4))
            goto found;
    i = iso->victim;
    if (mfn_eq(iso->source[i], keep))
        i = (i + 1) % ISOLATED_ROOTS;
    iso->victim = (i + 1) % ISOLATED_ROOTS;
    flags = spin_lock_irqsave(&iso->lock);
    /* Seen before the entries are read: whoever changes one from now on finds the copies here. */
    WRITE_ONCE(iso->source[i].v, l4.v);
    smp_mb();
    /*
     * The CPU may still run on the full root; it uses none of the guest's addresses until it has loaded
     * another.
     */
    copy_guest_slots(iso->full[i], mfn_to_virt(l4));
    copy_guest_slots(iso->guest[i], iso->full[i]);
    spin_unlock_irqrestore(&iso->lock, flags);
found:
    *guest = mfn_to_maddr(virt_to_mfn(iso->guest[i])).v;
    *full = mfn_to_maddr(virt_to_mfn(iso->full[i])).v;
}

/* Calls fn with the lock held for each copy of l4 on any CPU. */
static void for_each_copy(mfn_t l4, unsigned int slot, void (*fn)(struct isolation *iso, unsigned int i, unsigned int slot))
{
    smp_mb();       /* what the caller wrote, before the search: see isolation_roots() */
    for_each_online_cpu(cpu) {
        struct isolation *iso = per_cpu(isolation, cpu);

        for (unsigned int i = 0; i < ISOLATED_ROOTS; i++) {
            unsigned long flags;

            if (READ_ONCE(iso->source[i].v) != l4.v)
                continue;
            flags = spin_lock_irqsave(&iso->lock);
            if (mfn_eq(iso->source[i], l4))
                fn(iso, i, slot);
            spin_unlock_irqrestore(&iso->lock, flags);
        }
    }
}

static void copy_entry(struct isolation *iso, unsigned int i, unsigned int slot)
{
    const u64 *from = mfn_to_virt(iso->source[i]);

    WRITE_ONCE(iso->full[i][slot], READ_ONCE(from[slot]));
    WRITE_ONCE(iso->guest[i][slot], READ_ONCE(from[slot]));
}

void isolation_copy_entry(mfn_t l4, unsigned int slot)
{
    for_each_copy(l4, slot, copy_entry);
}

static void forget(struct isolation *iso, unsigned int i, unsigned int slot) { iso->source[i] = INVALID_MFN; }

void isolation_forget_root(mfn_t l4)
{
    for_each_copy(l4, 0, forget);
}
