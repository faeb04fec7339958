/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU variables and what hangs at the end of each CPU's stack.
 *
 * A variable made by DEFINE_PER_CPU lives in section .data.percpu; each CPU gets a copy of that section
 * before it runs anything else, at percpu_offset from the original, which nobody changes. Every subsystem
 * defines its own variables.
 *
 * A CPU's stack is one block of STACK_SIZE, aligned to it, so that any stack pointer inside leads to struct
 * cpu_info:
 *
 *   page 0      1      2      3      4 to 11       12 to 14           15
 *        #MC    NMI    #DF    #DB    never mapped  C code, downwards  struct cpu_info: what entries need
 *
 * C code begins at the end of page 14, so that page 15 has nothing in it but what concerns the guest that
 * runs: it stays mapped when the rest of the hypervisor is not (mm/isolation.h), as do the pages of the
 * exceptions.
 */
#pragma once

#include <xen/xen.h>

#include "cpu/desc.h"
#include "mm/layout.h"

struct vcpu;

/*
 * The last page of each CPU's stack. Entry from a guest fills guest_regs up to es; es to gs are filled only
 * when a vCPU's state is saved. entry.S knows the offsets (cpu/offsets.c). What stands here can be read by
 * the guest of the CPU through the processor's faults (Meltdown), so it is that guest's or no secret.
 */
struct cpu_info {
    unsigned long entry_room[33];   /* for exceptions that the entry code itself takes; aligns TSS.RSP0 */
    struct cpu_user_regs guest_regs;
    unsigned int cpu;               /* this CPU's number */
    unsigned int pad;
    unsigned long percpu_offset;
    struct vcpu *vcpu;              /* the vCPU whose state the CPU holds */
    unsigned long scratch;          /* for the entry code */
    struct cpu_info *self;          /* this page, where it is mapped whatever root is loaded */
    struct vcpu *guest_vcpu;        /* the vCPU and its vcpu_info, where they are mapped while it runs */
    struct vcpu_info *guest_info;
    /*
     * Roots by the guest's mode, user 0, kernel 1 (mm/tlb.c). guest_cr3[0] is 0 where root_load() must see to
     * it.
     */
    unsigned long guest_cr3[2];     /* what the guest runs on */
    unsigned long full_cr3[2];      /* what the hypervisor runs on meanwhile; 0: on the same */
    unsigned long isolated_base;    /* the block that all isolated roots of this CPU lie in, 0: it has none */
    unsigned int guest_ctrl, hv_ctrl;   /* SPEC_CTRL while the guest, and while the hypervisor runs */
    struct cpu_tss tss __aligned(128);  /* in one page, as all its users ask */
} __aligned(PAGE_SIZE);

_Static_assert(sizeof(struct cpu_info) == PAGE_SIZE, "a page of a stack");
/* The processor aligns the stack to 16 before it pushes a frame, which must end at es. */
_Static_assert(offsetof(struct cpu_info, guest_regs.es) % 16 == 0, "TSS.RSP0");

static inline struct cpu_info *cpu_info(void)
{
    unsigned long sp;

    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu_info *)((sp & ~(STACK_SIZE - 1UL)) + STACK_SIZE - PAGE_SIZE);
}

#define this_cpu_nr()  (cpu_info()->cpu)
#define current        (cpu_info()->vcpu)
#define guest_regs()   (&cpu_info()->guest_regs)

#define DEFINE_PER_CPU(type, name)  __section(".data.percpu") __typeof__(type) percpu_##name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) percpu_##name

/* Makes the first CPU's copy and its cpu_info; before anything else of C. */
void percpu_init_boot_cpu(void);
/*
 * A copy for cpu, and its stack at CPU_STACK(cpu), cpu_info filled in; after mm_init_cpu_window(). False: no
 * memory.
 */
bool percpu_prepare(unsigned int cpu);
/* Maps the first CPU's stack there, too. Panics without memory. */
void percpu_map_boot_stack(void);

extern unsigned long percpu_offsets[MAX_CPUS];
#define per_cpu_at(name, off) (*(__typeof__(percpu_##name) *)((char *)&percpu_##name + (off)))
#define per_cpu(name, cpu)    per_cpu_at(name, percpu_offsets[cpu])
#define this_cpu(name)        per_cpu_at(name, cpu_info()->percpu_offset)

/* A set of CPUs. */
struct cpumask { unsigned long bits[MAX_CPUS / 64]; };

extern struct cpumask cpu_online;   /* CPUs that run; set once each while booting */
extern unsigned int cpu_count;      /* number of bits in cpu_online; CPUs are numbered 0 to cpu_count - 1 */

#define for_each_online_cpu(n) for (unsigned int n = 0; n < cpu_count; n++)
