/* SPDX-License-Identifier: MIT */
/*
 * Readings and rows, and the order in which the groups of rows run.
 */
#include "measure.h"

static uint32_t samples[SAMPLES_MAX], overhead;
static unsigned count;
static bool failed;
static long failed_value;

void sample(uint32_t t, bool ok, long value)
{
    if (count < SAMPLES_MAX)
        samples[count++] = t;
    if (!ok && !failed) {
        failed = true;
        failed_value = value;
    }
}

static void sort(void)
{
    for (unsigned i = 1; i < count; i++) {
        uint32_t t = samples[i];
        unsigned j = i;

        for (; j && samples[j - 1] > t; j--)
            samples[j] = samples[j - 1];
        samples[j] = t;
    }
}

void row_failed(const char *name, long value)
{
    print("row %s|failed|%ld\n", name, value);
    failed = false;
    count = 0;
}

void row_end(const char *name)
{
    if (failed || !count) {
        row_failed(name, failed_value);
        return;
    }
    sort();
    print("row %s|%u|%u|%u|%u\n", name, samples[count / 2] - overhead, samples[0] - overhead,
          samples[count - 1] - overhead, count);
    count = 0;
}

void measure_init(void)
{
    for (unsigned i = 0; i < 31; i++) {
        uint32_t start = ticks();

        sample(ticks() - start, true, 0);
    }
    sort();
    overhead = samples[count / 2];
    count = 0;
}

/* The counter at the guest's first instructions: what firmware, loader and hypervisor ran before. */
static uint64_t first_ticks;
/* The linker wraps guest_start (build.mk). */
void guest_start_framework(struct start_info *info) asm("__real_guest_start") __attribute__((noreturn));
void guest_start_measured(struct start_info *info) asm("__wrap_guest_start") __attribute__((noreturn));

void guest_start_measured(struct start_info *info)
{
    uint32_t low, high;

    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    first_ticks = low | (uint64_t)high << 32;
    guest_start_framework(info);
}

/* A second for the hypervisor, in which it may do what it leaves for idle time (cleaning free memory). */
static void settle(void)
{
    struct sched_poll poll = { .nr_ports = 0, .timeout = now() + 1000000000 };

    HC(sched_op, SCHEDOP_poll, &poll);
}

static bool argument(const char *word)
{
    const char *line = (const char *)start_info->cmd_line;

    for (; *line; line++)
        if (!strncmp(line, word, strlen(word)))
            return true;
    return false;
}

TEST_MAIN("bench")
{
    events_mask();
    print("start %lu\n", first_ticks);
    settle();
    if (argument("memory")) {
        report_memory();
    } else {
        measure_init();
        bench_calls();
        bench_traps();
        bench_paging();
        bench_vcpus();
        bench_domains();
    }
    check(true, "measured");
}
