/* SPDX-License-Identifier: MIT */
/*
 * How the bench guest measures.  Under QEMU's icount the time-stamp counter counts executed instructions,
 * so a path's cost is the difference of two readings around it less that of two readings around nothing.  A
 * row is the median of many single readings: the few that a timer interrupt hits do not show.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include "guest.h"

#define SAMPLES_MAX 128

/* The counter's low half: no measured path is longer than 2^32 instructions. */
static inline __attribute__((always_inline)) uint32_t ticks(void)
{
    uint32_t low;

    asm volatile("lfence; rdtsc" : "=a"(low) :: "rdx", "memory");
    return low;
}

/* One reading; `ok` says whether the path did what it should: a row with a bad reading has no figure. */
void sample(uint32_t ticks, bool ok, long value);
/* Ends a row: prints "row NAME|median|minimum|maximum|readings", or "row NAME|failed|value". */
void row_end(const char *name);
/* A row that could not be measured at all. */
void row_failed(const char *name, long value);
/* What two readings around nothing cost; to be called first. */
void measure_init(void);

/*
 * Measure `op`, an expression whose value must be `want`, `n` times; `prepare` is a statement that runs
 * before each reading and is not measured.  Both may use `i`, the number of the reading.
 */
#define MEASURE(name, n, want, prepare, op)                                     \
    do {                                                                        \
        for (unsigned i = 0; i < (n); i++) {                                    \
            uint32_t start;                                                     \
            long value;                                                         \
                                                                                \
            prepare;                                                            \
            start = ticks();                                                    \
            value = (op);                                                       \
            sample(ticks() - start, value == (long)(want), value);              \
        }                                                                       \
        row_end(name);                                                          \
    } while (0)

/* The sum of two values, the first one computed first. */
#define THEN(first, second) ({ long first_ = (first); first_ + (long)(second); })

/* Groups of rows, one file each; called in this order, each leaves the guest as it was. */
void bench_calls(void);
void bench_traps(void);
void bench_paging(void);
void bench_vcpus(void);
void bench_domains(void);

/* domains.c: what the hypervisor keeps for itself and for a domain, as "memory NAME|bytes" lines. */
void report_memory(void);

/* entries.S: the shortest handlers that a guest kernel could have, so that rows show the hypervisor. */
extern void skip_trap(void), skip_fault(void), count_event(void);
extern void return_syscall(void), return_syscall_fast(void);
extern volatile uint32_t event_ticks, event_handled;
extern uint32_t event_port;

#endif
