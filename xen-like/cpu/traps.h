/* SPDX-License-Identifier: MIT */
/* Exceptions that hit the hypervisor itself, the non-maskable ones from anywhere, and reports of registers. */
#ifndef CPU_TRAPS_H
#define CPU_TRAPS_H

#include <xen/xen.h>

#include "lib/types.h"

/* From the entry code: an exception in hypervisor context. Returns where the instruction may be taken up again. */
void hv_exception(struct cpu_user_regs *regs);

/* NMI and #MC, whatever they hit; interrupts off. The entry code's handlers for guests call these. */
void nmi_handle(const struct cpu_user_regs *regs);
void machine_check_handle(const struct cpu_user_regs *regs);

/*
 * Asked about a page fault in hypervisor context before the exception table is: true where it has dealt with it
 * (pv/: the page of a guest's LDT that a selector load touched). Set while booting.
 */
extern bool (*hv_page_fault_hook)(unsigned long address, u32 error_code);

/* Names as in the manuals; "?" for a vector that has none. */
const char *exception_name(unsigned int vector);

/* Prints a set of registers, and the functions on the stack from there on where it is the hypervisor's. */
void registers_print(const struct cpu_user_regs *regs);
void backtrace_print(unsigned long rip, unsigned long rbp);

/* panic() with the registers at the fault. */
void panic_at(const struct cpu_user_regs *regs, const char *fmt, ...) __printf(2, 3) __noreturn __cold;

#endif
