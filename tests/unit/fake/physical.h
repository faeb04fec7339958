/* SPDX-License-Identifier: MIT */
/*
 * For tests of what boot/ reads: physical memory of 2 MiB, whose surroundings are closed, so that reading too
 * far ends the test; panics that a test may expect; warnings that it can count. Included once by each such
 * test.
 */
#ifndef FAKE_PHYSICAL_H
#define FAKE_PHYSICAL_H

#include "fake/hv_string.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "boot/info.h"
#include "lib/log.h"
#include "mm/frame.h"
#include "tap.h"

struct boot_memory boot_memory;

static jmp_buf back __attribute__((unused));
static bool expecting __attribute__((unused));
static char message[300];
static unsigned int warnings;

void panic(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    if (!expecting) {
        printf("Bail out! panic: %s\n", message);
        exit(1);
    }
    longjmp(back, 1);
}

void log_at(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    warnings += level == LOG_WARN;
    va_start(ap, fmt);
    vsnprintf(message, sizeof(message), fmt, ap);
    va_end(ap);
    message[strcspn(message, "\n")] = '\0';
}

static u64 random_state = 1;

static u64 random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

#define PHYS_SIZE MB(2)
#define phys(address) ((u8 *)DIRECT_MAP_START + (address))

static void memory_open(void)
{
    void *p = mmap((void *)DIRECT_MAP_START, PHYS_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
    /* Beyond it nothing: a page of no access even where something else would be mapped. */
    p = mmap((void *)(DIRECT_MAP_START + PHYS_SIZE), MB(1), PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(2);
    }
}

#endif
