/* SPDX-License-Identifier: MIT */
/*
 * Ways into the guest kernel and back, and instructions that the hypervisor carries out for it.
 */
#include "measure.h"

#define NOWHERE 0x0000200000000000UL    /* nothing is mapped here */
#define FS_BASE_MSR 0xc0000100

/* Change two gates: #UD and #PF to the shortest handlers, or back to the framework's. */
static void set_gates(bool shortest)
{
    struct trap_info gates[3] = {
        { TRAP_UD, 4, FLAT_KERNEL_CS, shortest ? (unsigned long)skip_trap : trap_entry_of(TRAP_UD) },
        { TRAP_PF, 4, FLAT_KERNEL_CS, shortest ? (unsigned long)skip_fault : trap_entry_of(TRAP_PF) },
        { 0 },
    };

    if (HC(set_trap_table, gates))
        bail_out("set_trap_table failed");
}

static void set_syscall(void (*entry)(void))
{
    struct callback_register arg = { .type = CALLBACKTYPE_syscall, .flags = CALLBACKF_mask_events,
                                     .address = (unsigned long)entry };

    if (HC(callback_op, CALLBACKOP_register, &arg))
        bail_out("callback_op failed");
}

#define STATEMENT(...) ({ asm volatile(__VA_ARGS__); 0L; })

static void rows_kernel_traps(void)
{
    MEASURE("#UD bounce and return", 100, 0,, STATEMENT("ud2" ::: "memory"));
    MEASURE("page-fault bounce and return", 100, 0,,
            STATEMENT("mov (%%rsi), %%eax" :: "S"(NOWHERE) : "rax", "memory"));
}

static void rows_emulated(void)
{
    MEASURE("CPUID by forced emulation", 100, 0,,
            STATEMENT(XEN_CPUID :: "a"(1), "c"(0) : "rbx", "rdx", "memory"));
    MEASURE("read CR0, emulated", 100, 0,, STATEMENT("mov %%cr0, %%rax" ::: "rax", "memory"));
    MEASURE("read CR3, emulated", 100, 0,, STATEMENT("mov %%cr3, %%rax" ::: "rax", "memory"));
    MEASURE("RDMSR, emulated", 100, 0,, STATEMENT("rdmsr" :: "c"(FS_BASE_MSR) : "rax", "rdx", "memory"));
    MEASURE("WRMSR, emulated", 100, 0,, STATEMENT("wrmsr" :: "c"(FS_BASE_MSR), "a"(0), "d"(0) : "memory"));
}

static void user_row(const char *name, const char *code, unsigned long arg)
{
    const volatile uint32_t *readings = (const volatile uint32_t *)USER_DATA;
    unsigned vector = user_run(code, arg);

    for (unsigned i = 0; i < 100; i++)
        sample(readings[i], vector == CB_SYSCALL && (uint32_t)user_exit.rax == 0x77, vector);
    row_end(name);
}

static void rows_user(void)
{
    extern const char user_syscalls[], user_faults[];

    user_init();
    set_syscall(return_syscall);
    user_row("user system call and return", user_syscalls, 0);
    set_syscall(return_syscall_fast);
    user_row("user system call, VGCF_in_syscall return", user_syscalls, 0);
    user_row("user page fault and return", user_faults, NOWHERE);
    set_syscall(syscall_entry);
}

void bench_traps(void)
{
    set_gates(true);
    rows_kernel_traps();
    rows_user();
    set_gates(false);
    rows_emulated();
}
