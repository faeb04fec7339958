/* SPDX-License-Identifier: MIT */
/*
 * Reports of what a CPU is doing: registers, and the functions on its stack. Another CPU is asked by NMI, so
 * that one that loops with interrupts off answers too; it only writes down what it sees, and whoever asked
 * prints it.
 */
#pragma once

#include <xen/xen.h>

#include "lib/lib.h"

#define REPORT_DEPTH 24

struct vcpu;

struct cpu_report {
    unsigned int cpu;
    struct vcpu *vcpu;              /* whose state the CPU holds */
    struct cpu_user_regs regs;      /* where the CPU was */
    struct cpu_user_regs guest;     /* what the vCPU goes on with; not for an idle one */
    unsigned long cr0, cr2, cr3, cr4;
    unsigned int stack_unused;      /* bytes of its stack that were never written to */
    unsigned int depth;
    unsigned long trace[REPORT_DEPTH];  /* return addresses, innermost first; none where a guest ran */
};

/* In debug builds: panics where this CPU's stack has been used down to its last words. */
#ifdef DEBUG
void stack_check(void);
#else
static inline void stack_check(void) { }
#endif

/* This CPU, as it was when it was interrupted with these registers. Any context. */
void report_fill(struct cpu_report *r, const struct cpu_user_regs *regs);
/*
 * A CPU that is online, by NMI (this one too). False where it does not answer within a second. Any context
 * but NMI.
 */
bool report_take(unsigned int cpu, struct cpu_report *r);
/* From the NMI handler: true where the NMI was meant for this. */
bool report_answer(const struct cpu_user_regs *regs);

/* panic() about a CPU that may be another. */
void panic_about(const struct cpu_report *r, const char *fmt, ...) __printf(2, 3) __noreturn __cold;

/* Registers, then the backtrace. */
void report_print(const struct cpu_report *r);
/* From here: the function at rip, then those whose frames rbp leads to. */
void backtrace_print(unsigned long rip, unsigned long rbp);
