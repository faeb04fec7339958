/* SPDX-License-Identifier: MIT */
/*
 * What the rest of the hypervisor asks of memory management beyond frames and allocation: start-up,
 * page-table roots, the TLB, and the hypercalls.
 */
#pragma once

#include "cpu/percpu.h"
#include "mm/addr.h"

struct domain;
struct vcpu;
struct frame;

/* --- start-up --- */
struct mem_range {
    u64 start, end;         /* bytes; end is exclusive */
    u32 type;               /* E820_* as the firmware says; 1: RAM */
};

#define MEM_RANGES_MAX 256

/*
 * boot/ fills this. map: sorted, not overlapping, RAM in whole pages below MAX_RAM. reserved: what of the RAM
 * is in use already (image, modules, …), in whole pages.
 */
struct boot_memory {
    unsigned int nr_map, nr_reserved;
    struct mem_range map[MEM_RANGES_MAX], reserved[MEM_RANGES_MAX];
};
extern struct boot_memory boot_memory;

/*
 * On entry the boot tables map the first 4 GiB at DIRECT_MAP_START and the image at IMAGE_START; on return
 * the CPU runs on hv_root with everything in mm/layout.h, and the allocators work. A reserved range is the
 * hypervisor's; ranges that held only boot modules are freed later with mm_free_boot_range().
 */
void mm_init(void);
void mm_free_boot_range(u64 start, u64 end);
/*
 * No domain may map the device memory [start, end): the local APICs'. Or, where it is readable, the hardware
 * domain may, but gets it read-only whatever it asks for: the I/O APICs'. Boot only.
 */
void mm_close_mmio(u64 start, u64 end, bool readable);
/* Makes the tables for the window of cpu (CPU_WINDOW). -ENOMEM */
int mm_init_cpu_window(unsigned int cpu);
/* Maps the two parts of a stack (mm/layout.h) from those addresses on at CPU_STACK(cpu). False: no memory. */
bool mm_map_cpu_stack(unsigned int cpu, maddr_t low, maddr_t high);
/* The page-table entry of page i of cpu's window. The caller flushes. */
u64 *cpu_window_pte(unsigned int cpu, unsigned int page);

extern mfn_t hv_root;       /* L4 of CPUs that run no guest */

/* --- roots --- */
/*
 * Writes the hypervisor's 16 slots into an L4 that a guest may run on; of an isolated domain, whose L4s no
 * CPU ever runs on, just the M2P's (mm/isolation.h).
 */
void root_fill_hv_slots(u64 *l4, bool isolated);
/*
 * Loads the root for v in its present mode (kernel or user; idle: hv_root) into CR3. This alone, and
 * pv/entry.S with what it leaves in cpu_info, puts a guest's L4, or a copy of it, there.
 * A CPU must have loaded another root before a vCPU that it ran is marked as not running.
 */
void root_load(const struct vcpu *v);
/* The same, and drops all TLB entries even where the root is the one that the CPU runs on. */
void root_reload(const struct vcpu *v);
/* After a change of the current vCPU's user root: the next root_load() shall drop all TLB entries. */
void root_changed(void);

/* --- TLB. Interrupts enabled for the forms that reach other CPUs. --- */
#define TLB_ALL (1UL << 63)                             /* in place of a page's address, as which it is none */
void tlb_flush_local(unsigned long va);                 /* TLB_ALL: global entries too */
void tlb_flush_page_local(unsigned long va);            /* canonical or not: a non-canonical one does nothing */
void tlb_flush_mask(const struct cpumask *mask, unsigned long va);

/* --- a vCPU's base tables --- */
/*
 * A first or new root of v, which holds its references. Preemptible: -ERESTART, until the new one is in
 * place; what then is left to undo of the old one is done at the end of the hypercall.
 */
int vcpu_set_kernel_root(struct vcpu *v, mfn_t mfn);
int vcpu_set_user_root(struct vcpu *v, mfn_t mfn);                     /* mfn 0: none */
/* Pins mfn as an L4 of d, as MMUEXT_PIN_L4_TABLE does. Not preemptible: for Domain-0's first tables. */
int mm_pin_root(struct domain *d, mfn_t mfn);
int vcpu_drop_roots(struct vcpu *v);                                   /* preemptible: -ERESTART */

/*
 * A page fault on a guest's own page table, written by the guest's kernel, which pv/ decodes. ptwr_get() is
 * the table, with a reference, where the current vCPU's va is mapped read-only and to an L1 table of its
 * domain; NULL where it is not so. ptwr_load() and ptwr_store() read and write size bytes (1, 2, 4, 8) at va
 * in it, va being a multiple of size; a store is true where the new entry is allowed and, with cmpxchg, the
 * old one was compared: found is then what was there.
 */
struct frame *ptwr_get(const struct vcpu *v, unsigned long va);
u64 ptwr_load(const struct frame *f, unsigned long va, unsigned int size);
bool ptwr_store(struct frame *f, struct domain *d, unsigned long va, u64 old, u64 new_value, unsigned int size,
                bool cmpxchg, u64 *found);

/*
 * The L1 entry that maps va in the tables of the kernel of v, whichever mode it is in; 0 where there is none.
 */
u64 guest_l1e(const struct vcpu *v, unsigned long va);

/* --- mappings by grants: the L1 entry of a guest that a grant operation writes --- */
/*
 * The entry at where: a virtual address of current's, or, with is_pte, the machine address of the entry
 * itself.
 */
struct grant_place {
    u64 where;
    bool is_pte;
};
/*
 * Writes the entry pte (frame, PTE_RW or not, available bits) there, in place of what it says now. The
 * references of the frame that the mapping holds are the caller's, and pass to the entry. -EINVAL: there is
 * no such entry.
 */
int grant_pte_set(const struct grant_place *at, u64 pte);
/*
 * Takes the entry away again that maps mfn with the same access, and puts the entry found at replacement,
 * which becomes empty, in its place (0: none). The references pass to the caller. -EINVAL: it does not match.
 * The caller flushes.
 */
int grant_pte_clear(const struct grant_place *at, mfn_t mfn, bool writable, unsigned long replacement);

/* --- hypercalls --- */
