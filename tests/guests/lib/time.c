/* SPDX-License-Identifier: MIT */
/*
 * System time from the time record that the hypervisor keeps in vcpu_info.
 */
#include "guest.h"

uint64_t rdtsc(void)
{
    uint32_t lo, hi;

    asm volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
    return lo | (uint64_t)hi << 32;
}

uint64_t now(void)
{
    volatile struct vcpu_time_info *time = &vcpu_info(0)->time;
    uint64_t result, delta;
    uint32_t version;

    do {
        version = time->version;
        asm volatile("lfence" ::: "memory");
        delta = rdtsc() - time->tsc_timestamp;
        if (time->tsc_shift >= 0)
            delta <<= time->tsc_shift;
        else
            delta >>= -time->tsc_shift;
        result = time->system_time + (uint64_t)(((unsigned __int128)delta * time->tsc_to_system_mul) >> 32);
        asm volatile("lfence" ::: "memory");
    } while ((version & 1) || version != time->version);
    return result;
}

void spin_ns(uint64_t ns)
{
    uint64_t end = now() + ns;

    while (now() < end)
        asm volatile("pause");
}

bool wait_count(volatile unsigned *counter, unsigned want, uint64_t ns)
{
    uint64_t end = now() + ns;

    while (*counter < want)
        if (now() >= end)
            return *counter >= want;
    return true;
}
