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

/* Maps [from, to) in the tables below l3 as the hypervisor has it, but never global. False: no memory. */
static bool map_alike(u64 *l3, const void *from, const void *to)
{
    for (unsigned long va = (unsigned long)from; va < (unsigned long)to; va += PAGE_SIZE) {
        u64 *entry = table_entry(l3, 3, va, 1);

        if (!entry)
            return false;
        *entry = *hv_entry(va, 1) & ~PTE_G;
    }
    return true;
}

/*
 * The L3 of the image's slot: one L2 and L1 of code and IDT for all CPUs, and this CPU's part of its stack.
 */
static u64 *make_image_slot(unsigned int cpu)
{
    static u64 image_l2;
    char *stack = (char *)CPU_STACK(cpu), *info = stack + STACK_SIZE - PAGE_SIZE;
    u64 *l3 = hv_alloc_page();

    if (!l3)
        return NULL;
    u64 *entry = &l3[pt_index(IMAGE_START, 3)];
    *entry = image_l2;
    if (!image_l2 && (!map_alike(l3, entry_text_start, entry_text_end) ||
                      !map_alike(l3, idt, idt + ARRAY_SIZE(idt))))
        return NULL;
    image_l2 = *entry;
    if (!map_alike(l3, stack, stack + IST_COUNT * PAGE_SIZE) || !map_alike(l3, info, info + PAGE_SIZE))
        return NULL;
    return l3;
}

/* The L3 of the windows' slot, with this CPU's window only, by the same L1 that the hypervisor uses. */
static u64 *make_window_slot(unsigned int cpu)
{
    u64 *l3 = hv_alloc_page(), *entry = l3 ? table_entry(l3, 3, CPU_WINDOW(cpu), 2) : NULL;

    if (!entry)
        return NULL;
    *entry = *hv_entry(CPU_WINDOW(cpu), 2);
    return l3;
}

bool isolation_init_cpu(unsigned int cpu)
{
    struct cpu_info *info = (struct cpu_info *)(CPU_STACK(cpu) + STACK_SIZE) - 1;

    if (!isolation_on())
        return true;
    struct isolation *iso = xzalloc(struct isolation);
    u64 *window = make_window_slot(cpu), *image = make_image_slot(cpu);
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
    unsigned int i = 0;

    while (i < ISOLATED_ROOTS && !mfn_eq(iso->source[i], l4))
        i++;
    if (i == ISOLATED_ROOTS) {
        i = iso->victim;
        if (mfn_eq(iso->source[i], keep))
            i = (i + 1) % ISOLATED_ROOTS;
        iso->victim = (i + 1) % ISOLATED_ROOTS;
        irq_guard(&iso->lock);
        /* Seen before the entries are read: whoever changes one from now on finds the copies here. */
        WRITE_ONCE(iso->source[i].v, l4.v);
        smp_mb();
        /*
         * The CPU may still run on the full root; it uses none of the guest's addresses until it has loaded
         * another.
         */
        copy_guest_slots(iso->full[i], mfn_to_virt(l4));
        copy_guest_slots(iso->guest[i], iso->full[i]);
    }
    *guest = mfn_to_maddr(virt_to_mfn(iso->guest[i])).v;
    *full = mfn_to_maddr(virt_to_mfn(iso->full[i])).v;
}

void isolation_update(mfn_t l4, unsigned int slot)
{
    const u64 *from = mfn_to_virt(l4);

    smp_mb();       /* what the caller wrote, before the search: see isolation_roots() */
    for_each_online_cpu(cpu) {
        struct isolation *iso = per_cpu(isolation, cpu);

        for (unsigned int i = 0; i < ISOLATED_ROOTS; i++) {
            if (READ_ONCE(iso->source[i].v) != l4.v)
                continue;
            irq_guard(&iso->lock);
            if (!mfn_eq(iso->source[i], l4))
                continue;
            if (slot == NO_SLOT) {
                iso->source[i] = INVALID_MFN;
            } else {
                WRITE_ONCE(iso->full[i][slot], READ_ONCE(from[slot]));
                WRITE_ONCE(iso->guest[i][slot], READ_ONCE(from[slot]));
            }
        }
    }
}
