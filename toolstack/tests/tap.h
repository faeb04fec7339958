/* SPDX-License-Identifier: MIT */
/*
 * Test results as TAP: each check prints a line, the plan comes last.
 */
#ifndef TOOLSTACK_TESTS_TAP_H
#define TOOLSTACK_TESTS_TAP_H

#include <stdbool.h>

/* One check; returns its verdict. */
bool ok(bool verdict, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line that explains. */
void diag(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Check that a failure line was given and has this text in it. */
bool failed_with(const char *line, const char *text, const char *what);
/* Print the plan; the exit status of the program. */
int tap_done(void);

/* The subjects, one a file. */
void test_elf(void);
void test_layout(void);
void test_unpack(void);
void test_kernel(void);
void test_config(void);
void test_console(void);
void test_text(void);
void test_shell(void);
void test_domains(void);
void test_lifecycle(void);

#endif
