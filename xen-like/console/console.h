/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's console: a serial port and a text screen for output, the serial port for input, and a ring that
 * keeps the last output for `tenon dmesg`.
 */
#pragma once

#include "lib/lib.h"

struct xen_sysctl_readconsole;

/*
 * After the command line: serial port and screen, polled, and what was written before on them. text_screen: the
 * loader left a text mode at 0xb8000.
 */
void console_init_early(bool text_screen);
/*
 * Around mm_init(), which takes away the mapping that the screen's memory has at first: the screen stands still, and
 * shows afterwards what has been written since.
 */
void console_suspend_screen(void);
void console_resume_screen(void);
/* After interrupts and timers work: interrupt-driven serial port, ring of conring_size=. */
void console_init_late(void);

/* XEN_SYSCTL_readconsole, op in hypervisor memory: fills count and index. 0, or -EFAULT. */
int console_ring_read(struct xen_sysctl_readconsole *op);

/* The hypercall. CONSOLEIO_read is Domain-0's alone. */

/*
 * Keys that the hypervisor answers when input is switched to it (Ctrl-a three times) or a tool sends them
 * (XEN_SYSCTL_debug_keys). fn runs in softirq or hypercall context.
 */
void console_register_key(char key, void (*fn)(void), const char *help);
/* One key at a time: a second CPU's is refused with a message. */
void console_key(char key);

/* Writes to the devices what the ring holds. */
void console_dump_ring(void);

/* True where the serial port that the console drives has one of the I/O ports from first to last. */
bool console_owns_ports(unsigned int first, unsigned int last);

/* Panic: from here on nobody waits for the console's lock. */
void console_force(void);
/* Waits until all output has left the machine. */
void console_flush(void);
