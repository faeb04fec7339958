/* SPDX-License-Identifier: MIT */
/*
 * The watchdog (watchdog, watchdog_timeout=): each CPU shows each second that it still runs its timers. A CPU
 * that has not done so for too long is stuck: the machine stops with a report of where.
 */
#ifndef TRACE_WATCHDOG_H
#define TRACE_WATCHDOG_H

/* Boot, when all CPUs run. Does nothing where the command line does not ask for it. */
void watchdog_init(void);

/*
 * Between these, which may nest, nobody is looked after: for what lasts long and is known to end. Any
 * context.
 */
void watchdog_pause(void);
void watchdog_resume(void);

#endif
