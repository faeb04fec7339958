/* SPDX-License-Identifier: MIT */
/*
 * The Linux half of the benchmark: readings of the time-stamp counter around what programs ask of a kernel.
 * Under QEMU's icount a reading is a count of instructions.
 */
#ifndef BENCH_LINUX_H
#define BENCH_LINUX_H

#include <stddef.h>
#include <stdint.h>

/* One row: `run` does the operation `batch` times; its cost is the median of `samples` readings, by the one. */
struct row {
    const char *name;
    unsigned samples, batch;
    void (*run)(unsigned times);
    void (*setup)(void);            /* once before the first reading; may be NULL */
};

extern const struct row rows[];
extern const unsigned row_count;

/* The path of this program, for the row that executes it. */
extern const char *program_path;

/* Ends the program with what failed and errno's text. */
void fail(const char *what) __attribute__((noreturn));

/* One block of SHA-256 (FIPS 180-4, 6.2.2) folded into `state`. */
void sha256_block(uint32_t state[8], const uint8_t block[64]);

#endif
