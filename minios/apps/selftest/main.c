/* SPDX-License-Identifier: MIT */
/*
 * MiniOS tests itself: the kernel and the newlib glue, from inside, as Domain-0 or
 * as a guest, on any hypervisor with the ABI. Prints TAP and powers off.
 */
#include <stdarg.h>
#include <stdio.h>

#include <minios/kernel.h>

#include "check.h"

static unsigned int checks, failed;

bool check(bool good, const char *fmt, ...)
{
    va_list args;

    checks++;
    failed += !good;
    printf("%sok %u - ", good ? "" : "not ", checks);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
    return good;
}

int main(int argc, char **argv)
{
    (void)argc;
    printf("TAP version 13\n# %s\n", argv[0]);
    test_memory();
    test_threads();
    test_libc();
    test_events();
    test_grants();
    test_ramdisk();
    test_xenbus();
    printf("1..%u\n# %s: %u of %u checks failed\n", checks, argv[0], failed, checks);
    return 0;
}
