/* SPDX-License-Identifier: MIT */
/*
 * System time from the time-stamp counter, the wall clock, and the local APIC's one-shot timer.
 */
#pragma once

#include <xen/xen.h>

#include "lib/lib.h"

/*
 * System time now: monotonic on each CPU, and the same on all within the skew of their counters. Any context.
 */
stime_t now(void);

/* Frequency of the time-stamp counter as measured at boot. */
extern u32 tsc_khz;

/*
 * What a guest needs to compute system time from its own RDTSC: fills tsc_timestamp, system_time,
 * tsc_to_system_mul, tsc_shift and flags (never version) for the CPU that it runs on.
 */
void time_fill(struct vcpu_time_info *t);

/* Wall-clock seconds and nanoseconds (UTC) at system time 0. */
void wallclock_at_boot(u64 *sec, u32 *nsec);
/* XENPF_settime64: the wall clock was secs.nsecs (UTC) at system_time. */
void wallclock_set(u64 secs, u32 nsecs, stime_t system_time);

/*
 * Arms this CPU's one-shot timer to raise SOFTIRQ_TIMER at the deadline (at once where it has passed);
 * STIME_NEVER disarms it. Called by sched/timer.c only.
 */
void apic_timer_set(stime_t deadline);

void time_init(void);       /* boot CPU: calibrate */
void time_init_cpu(void);   /* each CPU */

/* Busy wait. */
void udelay(unsigned int us);
