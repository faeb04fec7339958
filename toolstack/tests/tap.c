/* SPDX-License-Identifier: MIT */
/*
 * Test results as TAP, counted over all of a program's files.
 */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int checks, failures;

bool ok(bool verdict, const char *fmt, ...)
{
    va_list ap;

    printf("%sok %d - ", verdict ? "" : "not ", ++checks);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    failures += !verdict;
    return verdict;
}

void diag(const char *fmt, ...)
{
    va_list ap;

    printf("# ");
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

bool failed_with(const char *line, const char *text, const char *what)
{
    bool verdict = ok(line[0] && strstr(line, text) && !strchr(line, '\n'), "%s", what);

    if (!verdict)
        diag("wanted \"%s\" in \"%s\"", text, line);
    return verdict;
}

int tap_done(void)
{
    printf("1..%d\n", checks);
    return failures != 0;
}
