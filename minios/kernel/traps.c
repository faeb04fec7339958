/* SPDX-License-Identifier: MIT */
/*
 * Faults of this domain's own code. None is expected (but for probe_read's), so
 * each ends the domain with a report: what, where by name, registers, call chain.
 */
#include <xen/callback.h>

#include <minios/event.h>
#include <minios/hypercall.h>
#include <minios/kernel.h>

#include "internal.h"

#define VECTOR_GP 13
#define VECTOR_PF 14

/* trap_info.flags: bits 0-1 are the gate's privilege, this masks upcalls on entry. */
#define TRAP_MASKS_UPCALLS 4

static const char *const trap_names[] = {
    [0] = "division error",
    [1] = "debug exception",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range exceeded",
    [6] = "invalid opcode",
    [7] = "FPU not available",
    [10] = "invalid TSS",
    [11] = "segment not present",
    [12] = "stack segment fault",
    [13] = "general protection fault",
    [14] = "page fault",
    [16] = "x87 floating-point error",
    [17] = "alignment check",
    [18] = "machine check",
    [19] = "SIMD floating-point error",
};

/* From entry.S: pairs of vector and entry point. */
struct trap_entry {
    uint64_t vector, entry;
};
extern const struct trap_entry trap_entries[], trap_entries_end[];

/* A fault while a fault is reported would report for ever. */
static unsigned int dying;

static void stop_if_dying(void)
{
    if (dying++) {
        if (dying == 2) {
            printk("minios: %s: a second fault while the first was reported\n", minios_app_name);
        }
        kernel_shutdown(SHUTDOWN_crash);
    }
}

static void print_registers(const struct trap_frame *f)
{
    printk("  rip %016lx  rsp %016lx  rflags %08lx  cs %lx  ss %lx\n", f->rip, f->rsp, f->rflags,
           f->cs & 0xffff, f->ss & 0xffff);
    printk("  rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", f->rax, f->rbx, f->rcx, f->rdx);
    printk("  rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", f->rsi, f->rdi, f->rbp, f->r8);
    printk("  r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", f->r9, f->r10, f->r11, f->r12);
    printk("  r13 %016lx  r14 %016lx  r15 %016lx\n", f->r13, f->r14, f->r15);
}

static void report(const struct trap_frame *f, unsigned int vector)
{
    const char *name = vector < ARRAY_SIZE(trap_names) ? trap_names[vector] : NULL;
    size_t offset = 0;
    const char *function = kernel_symbol(f->rip, &offset);

    printk("\nminios: %s: %s at 0x%lx <%s+0x%zx> in thread '%s'", minios_app_name,
           name ? name : "unknown trap", f->rip, function ? function : "?", offset, current->name);
    if (vector == VECTOR_PF) {
        printk(", %s address 0x%lx, error code 0x%lx", f->error & 2 ? "writing" : "reading",
               (uint64_t)this_vcpu_info()->arch.cr2, f->error);
    } else if (f->error) {
        printk(", error code 0x%lx", f->error);
    }
    printk("\n");
    print_registers(f);
    backtrace_from(f->rip, f->rbp);
    printk("minios: %s: stops here (SHUTDOWN_crash)\n", minios_app_name);
}

/* From entry.S, upcalls masked. */
void trap_handler(struct trap_frame *frame, unsigned int vector);
void trap_handler(struct trap_frame *frame, unsigned int vector)
{
    if ((vector == VECTOR_PF || vector == VECTOR_GP) && frame->rip == (uintptr_t)probe_read_access) {
        frame->rip = (uintptr_t)probe_read_failed;
        return;
    }
    stop_if_dying();
    report(frame, vector);
    kernel_shutdown(SHUTDOWN_crash);
}

/* From entry.S: selectors that the hypervisor could not load. */
void failsafe_handler(const uint64_t *stack);
void failsafe_handler(const uint64_t *stack)
{
    kernel_panic("segment registers could not be loaded: ds %lx es %lx fs %lx gs %lx, rip %lx", stack[2],
                 stack[3], stack[4], stack[5], stack[6]);
}

void kernel_panic(const char *fmt, ...)
{
    va_list args;

    if (shared_info) {
        upcalls_save();
    }
    stop_if_dying();
    printk("\nminios: %s: ", minios_app_name);
    va_start(args, fmt);
    vprintk(fmt, args);
    va_end(args);
    printk(", in thread '%s'\n", current->name);
    kernel_backtrace();
    printk("minios: %s: stops here (SHUTDOWN_crash)\n", minios_app_name);
    kernel_shutdown(SHUTDOWN_crash);
}

static void register_callback(unsigned int type, void (*entry)(void))
{
    struct callback_register callback = {
        .type = type,
        .flags = CALLBACKF_mask_events,
        .address = (uintptr_t)entry,
    };

    if (HYPERVISOR_callback_op(CALLBACKOP_register, &callback)) {
        kernel_panic("callback of type %u cannot be registered", type);
    }
}

void traps_init(void)
{
    struct trap_info table[32] = { 0 };
    unsigned int n = 0;

    for (const struct trap_entry *e = trap_entries; e < trap_entries_end; e++) {
        /* Breakpoint and overflow come from instructions that need a gate of privilege 3. */
        unsigned int dpl = e->vector == 3 || e->vector == 4 ? 3 : 0;

        table[n++] = (struct trap_info) {
            .vector = e->vector,
            .flags = dpl | TRAP_MASKS_UPCALLS,
            .cs = FLAT_KERNEL_CS,
            .address = e->entry,
        };
    }
    if (HYPERVISOR_set_trap_table(table)) {
        kernel_panic("the hypervisor refuses the trap table");
    }
    register_callback(CALLBACKTYPE_event, event_callback);
    register_callback(CALLBACKTYPE_failsafe, failsafe_callback);
}
