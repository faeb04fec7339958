/* SPDX-License-Identifier: MIT */
/* Host tests: per-CPU variables are arrays, and the test says which CPU it is at the moment. */
#ifndef CPU_PERCPU_H
#define CPU_PERCPU_H

#include <xen/xen.h>

#include "lib/types.h"
#include "mm/layout.h"

#define FAKE_CPUS 8

struct vcpu;

struct cpu_info {
    struct cpu_user_regs guest_regs;
    unsigned int cpu;
    struct vcpu *current;
    unsigned long guest_cr3[2], full_cr3[2], isolated_base;
};

extern struct cpu_info fake_cpu_info[FAKE_CPUS];
extern unsigned int fake_cpu;

static inline struct cpu_info *cpu_info(void)
{
    return &fake_cpu_info[fake_cpu];
}

#define this_cpu_nr()  (cpu_info()->cpu)
#define current        (cpu_info()->current)
#define guest_regs()   (&cpu_info()->guest_regs)

#define DEFINE_PER_CPU(type, name)  __typeof__(type) percpu_##name[FAKE_CPUS]
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) percpu_##name[FAKE_CPUS]
#define per_cpu(name, cpu)          (percpu_##name[cpu])
#define this_cpu(name)              (percpu_##name[fake_cpu])

struct cpumask {
    unsigned long bits[MAX_CPUS / 64];
};

extern struct cpumask cpu_online;
extern unsigned int cpu_count;

#define for_each_online_cpu(n) for (unsigned int n = 0; n < cpu_count; n++)

#endif
