/* SPDX-License-Identifier: MIT */
/* TAP for host unit tests: ok() a check, done_testing() at the end of main(). */
#ifndef UNIT_TAP_H
#define UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned int tap_count, tap_failed;

static inline __attribute__((format(printf, 2, 3))) bool ok(bool good, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("%sok %u - ", good ? "" : "not ", ++tap_count);
    vprintf(fmt, ap);
    printf("\n");
    va_end(ap);
    tap_failed += !good;
    return good;
}

static inline int done_testing(void)
{
    printf("1..%u\n", tap_count);
    return tap_failed ? 1 : 0;
}

#endif
