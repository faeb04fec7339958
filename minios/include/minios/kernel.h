/* SPDX-License-Identifier: MIT */
/*
 * What every MiniOS program may ask of the kernel itself: the start-of-day
 * page, the shared page, diagnostics, and the ways to end the domain.
 * A program supplies main(); the kernel calls it in a thread of its own.
 */
#ifndef MINIOS_KERNEL_H
#define MINIOS_KERNEL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/sched.h>

/*
 * The program. argv[0] is the name the program was linked under, the rest are the words of the
 * command line (start_info.cmd_line; double quotes group words). argv[argc] is NULL.
 * Returning is exit(): the domain ends with SHUTDOWN_poweroff.
 */
int main(int argc, char **argv);

/* The name that argv[0] carries; the build defines it for each program. */
extern const char minios_app_name[];

/* The start-of-day page as the domain builder filled it. Valid for the life of the domain. */
const struct start_info *kernel_start_info(void);

/* The page shared with the hypervisor (time, event bits). */
struct shared_info *kernel_shared_info(void);

/* Domain-0 in the hypervisor's eyes: SIF_INITDOMAIN is set. */
bool is_initial_domain(void);

/* The whole command line, as one string. */
const char *kernel_cmdline(void);

/*
 * End the domain. `reason` is one of SHUTDOWN_poweroff, SHUTDOWN_reboot, SHUTDOWN_crash (xen/sched.h).
 * Does not flush stdio: use exit() for that. Callable from any context.
 */
void kernel_shutdown(unsigned int reason) __attribute__((noreturn));

/*
 * Report a fault of this domain's own making: one line, a symbolized backtrace, then SHUTDOWN_crash.
 * Callable from any context.
 */
void kernel_panic(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/*
 * Print to the console without libc: callable from any context, handlers and faults included.
 * Formats: %c %s %d %i %u %x %p with 0, width, and the lengths l, ll, z. Never blocks for longer than a
 * bounded spin; what does not fit a dead console is dropped.
 */
void printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void vprintk(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/* The same formatter into a buffer: always terminates (size > 0), returns the length it wanted. */
int ksnprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Print the call chain of the caller, with function names, to the console. */
void kernel_backtrace(void);

/*
 * Name of the function that holds `addr`; its distance from the start goes to *offset (may be NULL).
 * NULL where the address lies in no function of this image.
 */
const char *kernel_symbol(uintptr_t addr, size_t *offset);

#endif
