/* SPDX-License-Identifier: MIT */
/* Calls from one CPU to others, by inter-processor interrupts. */
#pragma once

#include "cpu/percpu.h"

/*
 * Runs fn(arg) on each online CPU in mask, in interrupt context there (on this CPU: as a plain call with
 * interrupts off). With wait, returns when all have finished. Interrupts must be enabled, and no IRQ-rank
 * lock held.
 */
void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg, bool wait);

/* Makes cpu look at its softirqs (it leaves the guest or its halt). */
void smp_kick(unsigned int cpu);

/* NMI to all others: they stop for good. For panic and reset; any context. */
void smp_stop_others(void);
bool smp_stop_requested(void);              /* true on a CPU that is to stop: its NMI means this */
void smp_stop_self(void) __noreturn;

/* From VECTOR_CALL: does what other CPUs asked for. */
void smp_handle_calls(void);

/*
 * The boot CPU becomes CPU 0: APIC, timer, system-call entries, scheduler. Its idle vCPU is current. Boot
 * only.
 */
void smp_init_boot_cpu(void);

/* Machine address of a free page below 1 MiB for the start of the other CPUs, 0: none. boot/ sets it. */
extern u64 trampoline_page;

/* Brings up all CPUs that the firmware lists, up to maxcpus=; they idle. Boot only, interrupts enabled. */
void smp_boot(void);

/* Numbers of the local APICs of the CPUs that are online. */
extern u32 cpu_apic_id[MAX_CPUS];
