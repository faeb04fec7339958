/* SPDX-License-Identifier: MIT */
/*
 * Exceptions in hypervisor context. Those that the code provides for go on at their fixup; any other is a bug
 * of the hypervisor, and stops the machine with a report. Guests' exceptions are pv/'s.
 */
#include "cpu/traps.h"

#include "cpu/irq.h"
#include "cpu/regs.h"
#include "cpu/report.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"

bool (*hv_page_fault_hook)(unsigned long address, u32 error_code);

extern const struct extable_entry ex_table_start[], ex_table_end[];

/* The address to go on at for a fault at rip, or 0. */
static unsigned long extable_find(unsigned long rip)
{
    for (const struct extable_entry *e = ex_table_start; e < ex_table_end; e++)
        if ((unsigned long)&e->at + e->at == rip)
            return (unsigned long)&e->fixup + e->fixup;
    return 0;
}

const char *trap_name(unsigned int vector)
{
    static const char *const names[] = {
        "divide error", "debug exception", "NMI", "breakpoint", "overflow", "bound range", "invalid opcode",
        "device not available", "double fault", "coprocessor overrun", "invalid TSS", "segment not present",
        "stack fault", "general protection fault", "page fault", "reserved trap", "x87 error",
        "alignment check", "machine check", "SIMD error",
    };

    return vector < ARRAY_SIZE(names) ? names[vector] : "trap";
}

/* --- NMI --- */

DEFINE_PER_CPU(struct nmi_counts, nmi_counts);

bool (*nmi_hook)(const struct cpu_user_regs *regs);

/* The console's lock may be this CPU's own at the moment: nothing is printed here. */
static void nmi_handle(const struct cpu_user_regs *regs)
{
    struct nmi_counts *n = &this_cpu(nmi_counts);

    n->all++;
    if (smp_stop_requested())
        smp_stop_self();
    if (report_answer(regs) || (nmi_hook && nmi_hook(regs)))
        return;
    n->unknown++;
    n->unknown_at = regs->rip;
    softirq_raise(SOFTIRQ_CONSOLE);
}

void nmi_report_unknown(void)
{
    struct nmi_counts *n = &this_cpu(nmi_counts);
    const unsigned long unknown = READ_ONCE(n->unknown);

    if (unknown == n->reported)
        return;
    log_err("CPU %u: %lu NMIs of unknown cause, the last at %p\n", this_cpu_nr(), unknown - n->reported,
            (void *)n->unknown_at);
    n->reported = unknown;
}

static void __noreturn machine_check_handle(const struct cpu_user_regs *regs)
{
    u64 cap, status;

    /* Nothing is printed before the panic, since the console's lock may be this CPU's own. */
    rdmsr_safe(MSR_MCG_CAP, &cap);
    for (unsigned int bank = 0; bank < (cap & 0xff); bank++)
        if (rdmsr_safe(MSR_MC0_CTL + 4 * bank + 1, &status) && status >> 63)
            panic_at(regs, "machine check: the hardware reports an error in bank %u, status %016lx", bank,
                     status);
    panic_at(regs, "machine check: the hardware reports an error, and no bank says which");
}

/* True where the last page fault was in the hole below this CPU's stack (mm/layout.h). */
static bool stack_full(void)
{
    unsigned long offset = read_reg(cr2) - ((unsigned long)cpu_info() & ~(STACK_SIZE - 1UL));

    return offset >= STACK_HOLE && offset < STACK_BOTTOM;
}

void hv_exception(struct cpu_user_regs *regs)
{
    const unsigned int vector = regs->entry_vector & 0xff;
    const unsigned long cr2 = read_reg(cr2);

    switch (vector) {
    case TRAP_NMI:
        nmi_handle(regs);
        return;
    case TRAP_MACHINE:
        machine_check_handle(regs);
    case TRAP_DEBUG:    /* a guest's breakpoint that MOV SS delayed to ring 0: nothing of ours sets one */
        write_reg(dr6, DR6_DEFAULT);
        regs->rflags &= ~(u64)RFLAGS_TF;
        return;
    case TRAP_DOUBLE_FAULT:
        panic_at(regs, "double fault%s", stack_full() ? ": the stack is full" : "");
    }
    /*
     * The hook may have to flush other CPUs. The return to a guest has interrupts off, and hands the fault
     * on.
     */
    if (vector == TRAP_PAGE_FAULT && (regs->rflags & RFLAGS_IF) && hv_page_fault_hook) {
        irq_enable();
        const bool done = hv_page_fault_hook(cr2, regs->error_code);

        irq_disable();
        if (done)
            return;
    }
    const unsigned long fixup = extable_find(regs->rip);

    if (fixup) {
        /* For the return to a guest, which hands the fault on (pv/entry.S): error code and vector. */
        cpu_info()->scratch = (u64)vector << 32 | regs->error_code;
        regs->rip = fixup;
        return;
    }
    if (vector == TRAP_PAGE_FAULT)
        panic_at(regs, "page fault in the hypervisor at address %p, error code %x", (void *)cr2,
                 regs->error_code);
    panic_at(regs, "%s (exception %u) in the hypervisor, error code %x", trap_name(vector), vector,
             regs->error_code);
}
