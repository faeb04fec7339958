/* SPDX-License-Identifier: MIT */
/*
 * Time from the hypervisor's paravirtual clock: monotonic since the host's
 * start, and wall-clock. Callable from any context.
 */
#ifndef MINIOS_TIME_H
#define MINIOS_TIME_H

#include <stdint.h>

/* Nanoseconds of system time (since the hypervisor started). Never steps back. */
int64_t clock_monotonic_ns(void);

/* Nanoseconds since 1970-01-01 UTC. */
int64_t clock_wall_ns(void);

/* Nanoseconds since this domain's kernel started. */
int64_t clock_uptime_ns(void);

#endif
