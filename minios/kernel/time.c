/* SPDX-License-Identifier: MIT */
/*
 * The paravirtual clock: the hypervisor publishes, in the shared page, a time
 * stamp and the factor from time-stamp-counter ticks to nanoseconds, and a
 * version that is odd while it writes.
 */
#include <minios/time.h>

#include "internal.h"

static int64_t start_ns;

static inline uint64_t rdtsc(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a" (low), "=d" (high) : : "memory");
    return low | (uint64_t)high << 32;
}

/* ticks * 2^shift * mul / 2^32, as xen.h defines the scale; the product needs 96 bits. */
static uint64_t scale_ticks(uint64_t ticks, int8_t shift, uint32_t mul)
{
    if (shift < 0) {
        ticks >>= -shift;
    } else {
        ticks <<= shift;
    }
    return ((unsigned __int128)ticks * mul) >> 32;
}

int64_t clock_monotonic_ns(void)
{
    static int64_t latest;
    const struct vcpu_time_info *info = &this_vcpu_info()->time;
    uint32_t version;
    int64_t now;

    do {
        uint64_t ticks;

        version = READ_ONCE(info->version);
        rmb();
        ticks = rdtsc() - READ_ONCE(info->tsc_timestamp);
        now = READ_ONCE(info->system_time) +
              scale_ticks(ticks, READ_ONCE(info->tsc_shift), READ_ONCE(info->tsc_to_system_mul));
        rmb();
    } while ((version & 1) || version != READ_ONCE(info->version));

    /* Calibration may set the clock back by a hair; nobody here sees that. */
    if (now < latest) {
        return latest;
    }
    latest = now;
    return now;
}

int64_t clock_wall_ns(void)
{
    uint32_t version;
    uint64_t seconds, nanoseconds;

    do {
        version = READ_ONCE(shared_info->wc_version);
        rmb();
        seconds = READ_ONCE(shared_info->wc_sec) | (uint64_t)READ_ONCE(shared_info->wc_sec_hi) << 32;
        nanoseconds = READ_ONCE(shared_info->wc_nsec);
        rmb();
    } while ((version & 1) || version != READ_ONCE(shared_info->wc_version));

    /* The published pair is the wall-clock time at system time 0. */
    return seconds * 1000000000 + nanoseconds + clock_monotonic_ns();
}

int64_t clock_uptime_ns(void)
{
    return clock_monotonic_ns() - start_ns;
}

void time_init(void)
{
    start_ns = clock_monotonic_ns();
}
