/* SPDX-License-Identifier: MIT */
/*
 * The end of the world: a report on the console, all other CPUs stopped, then a reset, or with noreboot a halt that
 * leaves the report on the screen. Also the orderly end that Domain-0 asks for.
 */
#include <xen/sched.h>

#include "console/console.h"
#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/percpu.h"
#include "cpu/report.h"
#include "cpu/smp.h"
#include "cpu/time.h"
#include "cpu/traps.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/option.h"
#include "lib/spinlock.h"

bool opt_noreboot;
OPTION_BOOL("noreboot", opt_noreboot);

#define RESET_DELAY_MS 5000

static int panicking_cpu = -1;
static unsigned int depth;

static void halt(void) __noreturn;
static void halt(void)
{
    irq_disable();
    for (;;)
        __asm__ __volatile__("hlt");
}

/* Only the first CPU reports; a fault in the report itself ends it. */
static void begin_panic(void)
{
    int nobody = -1, self = this_cpu_nr();

    irq_disable();
    if (!atomic_cmpxchg(&panicking_cpu, &nobody, self)) {
        if (nobody != self)
            smp_stop_self();
        if (++depth > 1)
            machine_reset();
        printk("A second fault while reporting the first:\n");
    }
    spin_checks_off();
    smp_stop_others();
    console_force();
}

static void end_panic(void) __noreturn;
static void end_panic(void)
{
    printk("The hypervisor stops here. %s\n", opt_noreboot ? "Reset the machine by hand (noreboot)." : "Reset in 5 seconds.");
    console_flush();
    if (opt_noreboot)
        halt();
    for (unsigned int ms = 0; ms < RESET_DELAY_MS; ms++)
        udelay(1000);
    machine_reset();
}

static void print_banner(const char *fmt, va_list ap)
{
    static char text[256];

    vsnprintf(text, sizeof(text), fmt, ap);
    printk("*** Panic on CPU %u: %s\n", this_cpu_nr(), text);
}

void panic_at(const struct cpu_user_regs *regs, const char *fmt, ...)
{
    va_list ap;

    begin_panic();
    va_start(ap, fmt);
    print_banner(fmt, ap);
    va_end(ap);
    registers_print(regs);
    if (!(regs->cs & 3))
        backtrace_print(regs->rip, regs->rbp);
    end_panic();
}

void panic_about(const struct cpu_report *r, const char *fmt, ...)
{
    va_list ap;

    begin_panic();
    va_start(ap, fmt);
    print_banner(fmt, ap);
    va_end(ap);
    report_print(r);
    end_panic();
}

void panic(const char *fmt, ...)
{
    va_list ap;

    begin_panic();
    va_start(ap, fmt);
    print_banner(fmt, ap);
    va_end(ap);
    backtrace_print((unsigned long)__builtin_return_address(0) - 1, *(unsigned long *)__builtin_frame_address(0));
    end_panic();
}

void machine_shutdown(unsigned int reason)
{
    irq_disable();
    spin_checks_off();
    smp_stop_others();
    console_force();
    switch (reason) {
    case SHUTDOWN_poweroff:
        printk("Domain-0 powers the machine off\n");
        console_flush();
        machine_poweroff();
        printk("The machine cannot be powered off by ACPI; switch it off by hand\n");
        console_flush();
        halt();
    case SHUTDOWN_reboot:
        printk("Domain-0 restarts the machine\n");
        console_flush();
        machine_reset();
    default:
        printk("Domain-0 ended with reason %u (%s)\n", reason,
               reason == SHUTDOWN_crash ? "crash" : reason == SHUTDOWN_watchdog ? "watchdog" : "none that the machine can follow");
    }
    if (opt_noreboot) {
        printk("The machine waits for a reset by hand (noreboot)\n");
        console_flush();
        halt();
    }
    console_flush();
    machine_reset();
}
