/* SPDX-License-Identifier: MIT */
/* The console's devices, as console/console.c uses them: with its lock held, interrupts off, or in a panic. */
#pragma once

#include "console/console.h"

/* com1=: false where the text makes no sense; the port is then left as it was. */
bool serial_configure(const char *text);
bool serial_init(void);                 /* false: there is no such port */
void serial_put(char c);
void serial_pump(void);                 /* moves buffered output on */
void serial_flush(void);
void serial_force_polled(void);
/* Goes over to interrupts; input goes to console_input(), in interrupt or timer context. */
void serial_init_irq(void);

void screen_init(void);
bool screen_remap(void);                /* after mm_init(); false: no memory for the mapping */
void screen_put(char c);

/* A line that a domain wrote, as (dN) TEXT: shown and limited as guest_log() at LOG_DEBUG is. */
void guest_console_line(unsigned int domid, const char *text);

/* Takes the console's lock for serial_pump(). */
void console_pump(void);

/* A character typed; any context. */
void console_input(char c);
void input_init(void);

/* Text that is not the hypervisor's: to the devices as it is, and to the ring where ring is true. */
void console_write_raw(const char *text, size_t size, bool ring);
