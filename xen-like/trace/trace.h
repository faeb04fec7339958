/* SPDX-License-Identifier: MIT */
/* What watches over the hypervisor, and what shows its state: the watchdog and the debug keys. */
#pragma once

void debug_keys_init(void);     /* boot; each letter is Xen's where Xen has one for the same thing */
void fault_keys_init(void);     /* keys that break things: debug builds have some (tests/system/fault_keys.c) */

/*
 * The watchdog (watchdog, watchdog_timeout=): each CPU shows each second that it still runs its timers. A CPU
 * that has not done so for too long is stuck: the machine stops with a report of where.
 */
/* Boot, when all CPUs run. Does nothing where the command line does not ask for it. */
void watchdog_init(void);

/*
 * Between these, which may nest, nobody is looked after: for what lasts long and is known to end. Any
 * context.
 */
void watchdog_pause(void);
void watchdog_resume(void);
