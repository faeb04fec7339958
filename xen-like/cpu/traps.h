/* SPDX-License-Identifier: MIT */
/* Exceptions that hit the hypervisor itself, and the non-maskable ones from anywhere. */
#pragma once

#include "cpu/percpu.h"

/*
 * From the entry code: an exception in hypervisor context, where it returns if the instruction may be taken
 * up again; and NMI, #MC and #DF, which concern the machine, whatever they hit. Interrupts are off.
 */
void hv_exception(struct cpu_user_regs *regs);

/*
 * Asked about a page fault in hypervisor context before the exception table is: true where it has dealt with
 * it (pv/: the page of a guest's LDT that a selector load touched). Set while booting.
 */
extern bool (*hv_page_fault_hook)(unsigned long address, u32 error_code);

const char *trap_name(unsigned int vector);

/* NMIs of a CPU so far. */
struct nmi_counts { unsigned long all, unknown, unknown_at, reported; };
DECLARE_PER_CPU(struct nmi_counts, nmi_counts);
/* Says what this CPU's handler could not; softirq context. */
void nmi_report_unknown(void);
/* Asked about an NMI that no other CPU sent: true where it was its own. In NMI context; set once. */
extern bool (*nmi_hook)(const struct cpu_user_regs *regs);

/* panic() with the registers at the fault. */
void panic_at(const struct cpu_user_regs *regs, const char *fmt, ...) __printf(2, 3) __noreturn __cold;
