/* SPDX-License-Identifier: MIT */
/*
 * Exceptions in hypervisor context. Those that the code provides for go on at their fixup; any other is a bug of the
 * hypervisor, and stops the machine with a report. Guests' exceptions are pv/'s.
 */
#include "cpu/traps.h"

#include "cpu/extable.h"
#include "cpu/msr.h"
#include "cpu/regs.h"
#include "cpu/smp.h"
#include "lib/image.h"
#include "lib/log.h"
#include "lib/symbols.h"

enum { DIVIDE = 0, DEBUG_EXCEPTION = 1, NMI = 2, DOUBLE_FAULT = 8, PAGE_FAULT = 14, MACHINE_CHECK = 18 };

bool (*hv_page_fault_hook)(unsigned long address, u32 error_code);

extern const struct extable_entry ex_table_start[], ex_table_end[];

unsigned long extable_find(unsigned long rip)
{
    for (const struct extable_entry *e = ex_table_start; e < ex_table_end; e++)
        if ((unsigned long)&e->at + e->at == rip)
            return (unsigned long)&e->fixup + e->fixup;
    return 0;
}

const char *exception_name(unsigned int vector)
{
    static const char *const names[] = {
        "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "coprocessor overrun", "#TS", "#NP", "#SS", "#GP",
        "#PF", "?", "#MF", "#AC", "#MC", "#XM", "#VE", "#CP",
    };

    return vector < ARRAY_SIZE(names) ? names[vector] : "?";
}

/* Our own stack of a CPU: backtraces follow frame pointers only inside it. */
static bool on_stack(unsigned long address, unsigned long stack)
{
    return address >= stack && address <= stack + STACK_SIZE - sizeof(struct cpu_info) - 16 && !(address & 7);
}

/* back: 1 for a return address, which may be that of the next function where the call was the last instruction. */
static void print_address(unsigned long rip, unsigned int back)
{
    unsigned long offset;
    const char *name = symbol_find(rip - back, &offset);

    if (name)
        printk("    [<%p>] %s+%#lx\n", (void *)rip, name, offset + back);
    else
        printk("    [<%p>] ?\n", (void *)rip);
}

void backtrace_print(unsigned long rip, unsigned long rbp)
{
    unsigned long stack = (unsigned long)cpu_info() & ~(STACK_SIZE - 1UL);

    printk("Backtrace:\n");
    print_address(rip, 0);
    for (unsigned int depth = 0; depth < 32 && on_stack(rbp, stack); depth++) {
        const unsigned long *frame = (const unsigned long *)rbp;

        if (!frame[1])
            break;
        print_address(frame[1], 1);
        /* Frames lie at rising addresses, but for one step from an exception's own stack to the main one. */
        if (frame[0] == rbp)
            break;
        rbp = frame[0];
    }
}

void registers_print(const struct cpu_user_regs *r)
{
    unsigned long offset;
    const char *name = symbol_find(r->rip, &offset);

    printk("CPU %u  rip %04x:%p  %s+%#lx  rflags %08lx\n", this_cpu_nr(), r->cs, (void *)r->rip, name ? name : "(guest)",
           name ? offset : 0, r->rflags);
    printk("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    printk("rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", r->rsi, r->rdi, r->rbp, r->rsp);
    printk("r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", r->r8, r->r9, r->r10, r->r11);
    printk("r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", r->r12, r->r13, r->r14, r->r15);
    printk("cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx\n", read_cr0(), read_cr2(), read_cr3(), read_cr4());
    printk("ss %04x  current %p  error code %x\n", r->ss, (void *)current, r->error_code);
}

void nmi_handle(const struct cpu_user_regs *regs)
{
    if (smp_stop_requested())
        smp_stop_self();
    log_err("CPU %u: NMI of unknown cause at %p\n", this_cpu_nr(), (void *)regs->rip);
}

void machine_check_handle(const struct cpu_user_regs *regs)
{
    u64 status, cap;
    unsigned int banks = rdmsr_safe(MSR_MCG_CAP, &cap) ? cap & 0xff : 0;

    for (unsigned int i = 0; i < banks; i++)
        if (rdmsr_safe(MSR_MC0_CTL + 4 * i + 1, &status) && status >> 63)
            printk("Machine check bank %u: status %016lx\n", i, status);
    panic_at(regs, "machine check: the hardware reports an error; see the processor's manual for the status");
}

/* A debug exception in ring 0: a guest's breakpoint that MOV SS delayed to here. Nothing of ours sets one. */
static void debug_in_hypervisor(struct cpu_user_regs *regs)
{
    write_dr6(DR6_DEFAULT);
    regs->rflags &= ~0x100UL;
}

void hv_exception(struct cpu_user_regs *regs)
{
    unsigned int vector = regs->entry_vector & 0xff;
    unsigned long fixup, cr2 = vector == PAGE_FAULT ? read_cr2() : 0;

    switch (vector) {
    case NMI:
        nmi_handle(regs);
        return;
    case MACHINE_CHECK:
        machine_check_handle(regs);
        return;
    case DEBUG_EXCEPTION:
        debug_in_hypervisor(regs);
        return;
    case DOUBLE_FAULT:
        panic_at(regs, "double fault");
    }
    if (vector == PAGE_FAULT && hv_page_fault_hook && hv_page_fault_hook(cr2, regs->error_code))
        return;
    fixup = extable_find(regs->rip);
    if (fixup) {
        /* For the return to a guest, which hands the fault on (pv/entry.S): error code and vector. */
        cpu_info()->scratch[0] = (u64)vector << 32 | regs->error_code;
        regs->rip = fixup;
        return;
    }
    if (vector == PAGE_FAULT)
        panic_at(regs, "page fault in the hypervisor at address %p, error code %x", (void *)cr2, regs->error_code);
    panic_at(regs, "%s (exception %u) in the hypervisor, error code %x", exception_name(vector), vector, regs->error_code);
}
