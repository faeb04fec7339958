/* SPDX-License-Identifier: MIT */
/* The self-test's checks: TAP lines on the console. */
#ifndef SELFTEST_CHECK_H
#define SELFTEST_CHECK_H

#include <stdbool.h>

/* Print "ok" or "not ok" with a number and the text; gives back `good`. */
bool check(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void test_memory(void);
void test_threads(void);
void test_libc(void);
void test_events(void);
void test_grants(void);
void test_ramdisk(void);
void test_xenbus(void);

#endif
