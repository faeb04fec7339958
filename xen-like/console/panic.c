/* SPDX-License-Identifier: MIT */
/*
 * The end of the world: a report on the console, all other CPUs stopped, then a reset, or with noreboot a halt that
 * leaves the report on the screen. Also the orderly end that Domain-0 asks for.
 */
#include <xen/sched.h>

#include "console/console.h"
#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/report.h"
#include "cpu/smp.h"
#include "cpu/time.h"
#include "cpu/traps.h"
#include "lib/option.h"

bool opt_noreboot;
OPTION_BOOL("noreboot", opt_noreboot);

#define RESET_DELAY_MS 5000

static int panicking_cpu = -1;
static unsigned int depth;

static void __noreturn halt(void)
{
    irq_disable();
    for (;;)
        __asm__ __volatile__("hlt");
}

/* Only the first CPU reports; a fault in the report itself ends it. */
static void begin_panic(const char *fmt, va_list ap)
{
    static char text[256];
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
    vsnprintf(text, sizeof(text), fmt, ap);
    printk("*** Panic on CPU %u: %s\n", self, text);
}

static void __noreturn end_panic(void)
{
    printk("The hypervisor stops here. %s\n",
           opt_noreboot ? "Reset the machine by hand (noreboot)." : "Reset in 5 seconds.");
    console_flush();
    if (opt_noreboot)
        halt();
    for (unsigned int ms = 0; ms < RESET_DELAY_MS; ms++)
        udelay(1000);
    machine_reset();
}

void panic_at(const struct cpu_user_regs *regs, const char *fmt, ...)
{
    struct cpu_report r;
    va_list ap;

    va_start(ap, fmt);
    begin_panic(fmt, ap);
    va_end(ap);
    report_fill(&r, regs);
    report_print(&r);
    end_panic();
}

void panic_about(const struct cpu_report *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    begin_panic(fmt, ap);
    va_end(ap);
    report_print(r);
    end_panic();
}

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    begin_panic(fmt, ap);
    va_end(ap);
    backtrace_print((unsigned long)__builtin_return_address(0) - 1, *(unsigned long *)__builtin_frame_address(0));
    end_panic();
}

void machine_shutdown(unsigned int reason)
{
    static const char *const ends[] = {
        [SHUTDOWN_poweroff] = "powers the machine off",
        [SHUTDOWN_reboot] = "restarts the machine",
        [SHUTDOWN_suspend] = "suspends itself, which the machine cannot follow",
        [SHUTDOWN_crash] = "has crashed",
        [SHUTDOWN_watchdog] = "ended by its watchdog",
    };

    irq_disable();
    spin_checks_off();
    smp_stop_others();
    console_force();
    printk("Domain-0 %s (reason %u)\n", reason < ARRAY_SIZE(ends) ? ends[reason] : "ended", reason);
    console_flush();
    if (reason == SHUTDOWN_poweroff)
        machine_poweroff();
    if (reason == SHUTDOWN_reboot || (reason != SHUTDOWN_poweroff && !opt_noreboot))
        machine_reset();
    printk("The machine waits to be %s by hand\n", reason == SHUTDOWN_poweroff ? "switched off" : "reset");
    console_flush();
    halt();
}
