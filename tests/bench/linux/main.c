/* SPDX-License-Identifier: MIT */
/*
 * linux-bench: prints "row NAME|median|minimum|maximum|readings" for each row of rows.c.
 *
 *     linux-bench          all rows
 *     linux-bench ROW...   these
 *     linux-bench now      the counter, as "boot TICKS": what was executed since the machine started
 *     linux-bench nothing  ends at once (what fork+exec executes)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define SAMPLES_MAX 64

const char *program_path;

void fail(const char *what)
{
    printf("row failed: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t ticks(void)
{
    uint32_t low, high;

    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) :: "memory");
    return low | (uint64_t)high << 32;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void measure(const struct row *row)
{
    uint64_t sample[SAMPLES_MAX];

    if (row->setup)
        row->setup();
    row->run(1);                        /* what is needed for the first time only */
    for (unsigned i = 0; i < row->samples; i++) {
        uint64_t start = ticks();

        row->run(row->batch);
        sample[i] = (ticks() - start) / row->batch;
    }
    qsort(sample, row->samples, sizeof(sample[0]), compare);
    printf("row %s|%llu|%llu|%llu|%u\n", row->name, (unsigned long long)sample[row->samples / 2],
           (unsigned long long)sample[0], (unsigned long long)sample[row->samples - 1], row->samples);
    fflush(stdout);                     /* a later row forks: nothing may wait in the buffer */
}

static int wanted(const char *name, int argc, char **argv)
{
    if (argc < 2)
        return 1;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name))
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "nothing"))
        return 0;
    if (argc == 2 && !strcmp(argv[1], "now")) {
        printf("boot %llu\n", (unsigned long long)ticks());
        return 0;
    }
    program_path = argv[0];
    for (unsigned i = 0; i < row_count; i++)
        if (wanted(rows[i].name, argc, argv))
            measure(&rows[i]);
    return 0;
}
