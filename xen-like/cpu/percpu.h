/* SPDX-License-Identifier: MIT */
/*
 * Per-CPU variables and what hangs at the end of each CPU's stack.
 *
 * A variable made by DEFINE_PER_CPU lives in section .data.percpu; each CPU gets a copy of that section before it runs
 * anything else, at percpu_offset from the original, which nobody changes. Every subsystem defines its own variables.
 *
 * A CPU's stack is one block of STACK_SIZE, aligned to it, so that any stack pointer inside leads to struct cpu_info:
 *
 *   page 0      1      2      3      4 to 7
 *        #MC    NMI    #DF    #DB    everything else, with struct cpu_info at the very end
 */
#ifndef CPU_PERCPU_H
#define CPU_PERCPU_H

#include <xen/xen.h>

#include "lib/types.h"
#include "mm/layout.h"

struct vcpu;

/*
 * Stands in the last bytes of each CPU's stack. Entry from a guest pushes guest_regs up to its first member; es to gs
 * are filled only when a vCPU's state is saved. entry.S knows the offsets (cpu/offsets.c).
 */
struct cpu_info {
    struct cpu_user_regs guest_regs;
    unsigned int cpu;               /* this CPU's number */
    unsigned int pad;
    unsigned long percpu_offset;
    struct vcpu *vcpu;              /* the vCPU whose state the CPU holds */
    unsigned long scratch[3];       /* for the entry code; makes sizeof 8 mod 16, which aligns TSS.RSP0 */
};

/* The processor aligns the stack to 16 before it pushes a frame, which must end at es. */
_Static_assert((sizeof(struct cpu_info) - offsetof(struct cpu_info, guest_regs.es)) % 16 == 0, "TSS.RSP0");

static inline struct cpu_info *cpu_info(void)
{
    unsigned long sp;

    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu_info *)((sp & ~(STACK_SIZE - 1UL)) + STACK_SIZE) - 1;
}

#define this_cpu_nr()  (cpu_info()->cpu)
#define current        (cpu_info()->vcpu)
#define guest_regs()   (&cpu_info()->guest_regs)

#define DEFINE_PER_CPU(type, name)  __section(".data.percpu") __typeof__(type) percpu_##name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) percpu_##name

/* Makes the first CPU's copy and its cpu_info; before anything else of C. */
void percpu_init_boot_cpu(void);
/* A stack and a copy for cpu; the stack's end, where its cpu_info is filled in; NULL: no memory. */
void *percpu_prepare(unsigned int cpu);

extern unsigned long percpu_offsets[MAX_CPUS];
#define per_cpu_at(name, off) (*(__typeof__(percpu_##name) *)((char *)&percpu_##name + (off)))
#define per_cpu(name, cpu)    per_cpu_at(name, percpu_offsets[cpu])
#define this_cpu(name)        per_cpu_at(name, cpu_info()->percpu_offset)

/* A set of CPUs. */
struct cpumask {
    unsigned long bits[MAX_CPUS / 64];
};

extern struct cpumask cpu_online;   /* CPUs that run; set once each while booting */
extern unsigned int cpu_count;      /* number of bits in cpu_online; CPUs are numbered 0 to cpu_count - 1 */

#define for_each_online_cpu(n) for ((n) = 0; (n) < cpu_count; (n)++)

#endif
