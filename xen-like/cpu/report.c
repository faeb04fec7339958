/* SPDX-License-Identifier: MIT */
/* Registers and backtraces, of this CPU and of others (cpu/report.h). */
#include "cpu/report.h"

#include "cpu/apic.h"
#include "cpu/regs.h"
#include "cpu/smp.h"
#include "cpu/time.h"
#include "lib/symbols.h"

#define ANSWER_US 1000000

/* The request under way, one at a time: which CPU is asked, or one of these. */
enum { NOBODY = -1, ANSWERING = -2 };
static bool asking;
static int asked_cpu = NOBODY;
static struct cpu_report *asked_report;

static unsigned long stack_start(void) { return (unsigned long)cpu_info() & ~(STACK_SIZE - 1UL); }

/* A frame on this CPU's stack, in what of it is mapped: backtraces follow frame pointers only there. */
static bool on_stack(unsigned long address)
{
    unsigned long offset = address - stack_start();

    return !(address & 7) && (offset <= STACK_HOLE - 16 ||
                              (offset >= STACK_BOTTOM &&
                               offset <= STACK_SIZE - sizeof(struct cpu_info) - 16));
}

/* The return addresses that the frames from rbp on hold; how many. */
static unsigned int walk_frames(unsigned long rbp, unsigned long *trace)
{
    unsigned int depth = 0;

    while (depth < REPORT_DEPTH && on_stack(rbp)) {
        const unsigned long *frame = (const unsigned long *)rbp;

        if (!frame[1])
            break;
        trace[depth++] = frame[1];
        /* Frames lie at rising addresses, but for one step from an exception's own stack to the main one. */
        if (frame[0] == rbp)
            break;
        rbp = frame[0];
    }
    return depth;
}

/* Bytes, up to limit, of the stack of C code that were never used: it was zero at first. */
static unsigned int stack_unused(unsigned int limit)
{
    const u64 *bottom = (const u64 *)(stack_start() + STACK_BOTTOM);
    unsigned int unused = 0;

    while (unused < limit && !READ_ONCE(bottom[unused / sizeof(*bottom)]))
        unused += sizeof(*bottom);
    return unused;
}

#ifdef DEBUG
#define STACK_MARGIN 256

void stack_check(void)
{
    if (stack_unused(STACK_MARGIN) < STACK_MARGIN)
        panic("the stack of CPU %u is full: less than %u bytes are left", this_cpu_nr(), STACK_MARGIN);
}
#endif

void report_fill(struct cpu_report *r, const struct cpu_user_regs *regs)
{
    *r = (struct cpu_report){
        .cpu = this_cpu_nr(), .vcpu = current, .regs = *regs, .guest = *guest_regs(),
        .cr0 = read_reg(cr0), .cr2 = read_reg(cr2), .cr3 = read_reg(cr3), .cr4 = read_reg(cr4),
        .stack_unused = stack_unused(STACK_SIZE - STACK_BOTTOM - sizeof(struct cpu_info)),
    };
    if (!(regs->cs & 3))
        r->depth = walk_frames(regs->rbp, r->trace);
}

bool report_answer(const struct cpu_user_regs *regs)
{
    int self = (int)this_cpu_nr();

    if (!atomic_cmpxchg(&asked_cpu, &self, ANSWERING))
        return false;
    report_fill(asked_report, regs);
    store_release(&asked_cpu, NOBODY);
    return true;
}

bool report_take(unsigned int cpu, struct cpu_report *r)
{
    int asked = (int)cpu;

    while (atomic_xchg(&asking, true))
        cpu_relax();
    asked_report = r;
    store_release(&asked_cpu, (int)cpu);
    apic_send(cpu_apic_id[cpu], APIC_ICR_NMI);
    for (unsigned int us = 0; us < ANSWER_US && load_acquire(&asked_cpu) != NOBODY; us += 10)
        udelay(10);
    /* An answer after the time is over must not be written into what is the caller's own again. */
    const bool answered = !atomic_cmpxchg(&asked_cpu, &asked, NOBODY);
    while (load_acquire(&asked_cpu) == ANSWERING)
        cpu_relax();
    store_release(&asking, false);
    return answered;
}

/* --- printing --- */

/*
 * back: 1 for a return address, which may be that of the next function where the call was the last
 * instruction.
 */
static void print_address(unsigned long rip, unsigned int back)
{
    unsigned long offset = 0;
    const char *name = symbol_find(rip - back, &offset);

    printk(name ? "    [<%p>] %s+%#lx\n" : "    [<%p>] ?\n", (void *)rip, name, offset + back);
}

static void print_trace(unsigned long rip, const unsigned long *trace, unsigned int depth)
{
    printk("Backtrace:\n");
    print_address(rip, 0);
    for (unsigned int i = 0; i < depth; i++)
        print_address(trace[i], 1);
}

void backtrace_print(unsigned long rip, unsigned long rbp)
{
    unsigned long trace[REPORT_DEPTH];

    print_trace(rip, trace, walk_frames(rbp, trace));
}

void report_print(const struct cpu_report *r)
{
    const struct cpu_user_regs *u = &r->regs;
    unsigned long offset = 0;
    const char *name = u->cs & 3 ? NULL : symbol_find(u->rip, &offset);

    printk("CPU %u  rip %04x:%p  %s+%#lx  rflags %08lx\n", r->cpu, u->cs, (void *)u->rip,
           name ?: "(guest)", offset, u->rflags);
    printk("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", u->rax, u->rbx, u->rcx, u->rdx);
    printk("rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", u->rsi, u->rdi, u->rbp, u->rsp);
    printk("r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", u->r8, u->r9, u->r10, u->r11);
    printk("r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", u->r12, u->r13, u->r14, u->r15);
    printk("cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx\n", r->cr0, r->cr2, r->cr3, r->cr4);
    printk("ss %04x  current %p  error code %x  stack never used: %u bytes\n", u->ss, (void *)r->vcpu,
           u->error_code, r->stack_unused);
    if (!(u->cs & 3))
        print_trace(u->rip, r->trace, r->depth);
}
