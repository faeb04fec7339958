/* SPDX-License-Identifier: MIT */
/* newlib over the glue, and the kernel's own formatter beside it. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <xen/errno.h>

#include <minios/hypercall.h>
#include <minios/kernel.h>
#include <minios/time.h>

#include "check.h"

#define MIXED "%d %u %lx %s %c %5d %05d %016lx %%"

static void test_formats(void)
{
    char text[128], own[128];

    snprintf(text, sizeof(text), "%.3f %lld %zu %-4s|%05d", 3.14159, -12345678901LL, sizeof(text), "ab", 42);
    check(!strcmp(text, "3.142 -12345678901 128 ab  |00042"), "snprintf: %s", text);
    snprintf(text, sizeof(text), MIXED, -7, 8u, 0xdeadbeefUL, "str", 'x', 42, -42, 0xabcUL);
    ksnprintf(own, sizeof(own), MIXED, -7, 8u, 0xdeadbeefUL, "str", 'x', 42, -42, 0xabcUL);
    check(!strcmp(text, own), "the kernel's formatter agrees: %s", own);
    check(ksnprintf(own, 4, "%s", "abcdef") == 6 && !strcmp(own, "abc"), "and cuts off: %s", own);
    check(strtod("2.5e3", NULL) == 2500.0, "strtod");
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void test_misc(void)
{
    static jmp_buf back;
    int numbers[] = { 5, 3, 9, 1 };
    volatile int jumped = 0;

    qsort(numbers, 4, sizeof(int), compare);
    check(numbers[0] == 1 && numbers[3] == 9, "qsort");
    if (!setjmp(back)) {
        jumped = 1;
        longjmp(back, 1);
    }
    check(jumped == 1, "setjmp and longjmp");
    check(xen_errno(-XEN_ENOSYS) == ENOSYS && xen_errno(-XEN_EINVAL) == EINVAL && xen_errno(0) == 0,
          "xen_errno");
    check(!strcmp(xen_strerror(-XEN_ENOSYS), strerror(ENOSYS)), "xen_strerror: %s",
          xen_strerror(-XEN_ENOSYS));
}

static void test_time(void)
{
    struct timeval tv;
    clock_t ticks = clock();
    int64_t before = clock_monotonic_ns(), last = before;
    bool forward = true;

    for (int i = 0; i < 10000; i++) {
        int64_t now = clock_monotonic_ns();

        forward = forward && now >= last;
        last = now;
    }
    check(forward && last > before, "the clock goes on and never back");
    gettimeofday(&tv, NULL);
    check(tv.tv_sec > 1577836800 && tv.tv_sec < 4102444800, "the wall clock says a date of this century: %s",
          strtok(ctime(&tv.tv_sec), "\n"));
    usleep(20000);
    check(clock() - ticks >= (clock_t)(CLOCKS_PER_SEC / 50), "clock() counts");
}

static void test_descriptors(void)
{
    struct stat st;
    char c;

    check(isatty(0) && isatty(1) && isatty(2), "0, 1 and 2 are terminals");
    check(!fstat(1, &st) && S_ISCHR(st.st_mode), "fstat knows");
    check(read(77, &c, 1) == -1 && errno == EBADF, "a descriptor that is not open");
    check(write(0, "x", 1) == -1 && errno == EBADF, "standard input takes no output");
    check(lseek(1, 0, SEEK_SET) == -1 && errno == ESPIPE, "and cannot seek");
    check(open("/no/such/file", O_RDONLY) == -1 && errno == ENOENT, "open of what is not there");
    check(open("/new", O_WRONLY | O_CREAT) == -1 && errno == EROFS, "files cannot be made");
}

void test_libc(void)
{
    test_formats();
    test_misc();
    test_time();
    test_descriptors();
}
