/* SPDX-License-Identifier: MIT */
/*
 * The rows: what a program asks of its kernel, each the shortest way that the kernel offers.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

#define PAGE 4096ul
#define AREA (4ul << 20)            /* mapped, touched, unmapped */
#define BIG (16ul << 20)            /* copied */
#define COMPILER "/bin/tcc"
#define SOURCE "/bench/source.c"

/* -- Calls ------------------------------------------------------------------------------------------------ */

static void null_call(unsigned times)
{
    while (times--)
        syscall(SYS_getppid);
}

static void clock_vdso(unsigned times)
{
    struct timespec t;

    while (times--)
        clock_gettime(CLOCK_MONOTONIC, &t);
}

static void clock_call(unsigned times)
{
    struct timespec t;

    while (times--)
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
}

static void on_signal(int number)
{
    (void)number;
}

static void signal_setup(void)
{
    if (signal(SIGUSR1, on_signal) == SIG_ERR)
        fail("signal");
}

static void signal_self(unsigned times)
{
    pid_t self = getpid();

    while (times--)
        kill(self, SIGUSR1);
}

/* -- Processes -------------------------------------------------------------------------------------------- */

static void wait_for(pid_t child, const char *what)
{
    int status;

    if (child < 0 || waitpid(child, &status, 0) != child)
        fail(what);
    if (status) {
        printf("row failed: %s: ended with wait status %#x\n", what, (unsigned)status);
        exit(1);
    }
}

static void fork_exit(unsigned times)
{
    while (times--) {
        pid_t child = fork();

        if (!child)
            _exit(0);
        wait_for(child, "fork");
    }
}

static void fork_exec(unsigned times)
{
    char *const words[] = { (char *)program_path, "nothing", NULL }, *const none[] = { NULL };

    while (times--) {
        pid_t child = fork();

        if (!child) {
            execve(program_path, words, none);
            _exit(1);
        }
        wait_for(child, "fork and exec");
    }
}

/* A small file, by a real compiler: dynamic linking, files, memory, and computing. */
static void compile(unsigned times)
{
    char *const words[] = { COMPILER, "-nostdinc", "-c", SOURCE, "-o", "/dev/null", NULL };
    char *const environment[] = { "LD_LIBRARY_PATH=/lib", NULL };

    while (times--) {
        pid_t child = fork();

        if (!child) {
            execve(COMPILER, words, environment);
            _exit(1);
        }
        wait_for(child, COMPILER " " SOURCE);
    }
}

static int ping[2], pong[2];

/* The other process gives back each byte, and ends with this one, whose ends of the pipes are then closed. */
static void pipe_setup(void)
{
    char byte;

    if (pipe2(ping, O_CLOEXEC) || pipe2(pong, O_CLOEXEC))
        fail("pipe");
    switch (fork()) {
    case -1:
        fail("fork");
    case 0:
        close(ping[1]);
        close(pong[0]);
        while (read(ping[0], &byte, 1) == 1 && write(pong[1], &byte, 1) == 1)
            continue;
        _exit(0);
    }
    close(ping[0]);
    close(pong[1]);
}

/* There and back is two switches. */
static void pipe_switch(unsigned times)
{
    char byte = 0;

    for (unsigned i = 0; i < times; i += 2)
        if (write(ping[1], &byte, 1) != 1 || read(pong[0], &byte, 1) != 1)
            fail("pipe");
}

/* -- Memory ----------------------------------------------------------------------------------------------- */

/* Pages of 4 KiB everywhere: a guest has no others. */
static char *area_map(size_t size, int protection)
{
    char *area = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED || madvise(area, size, MADV_NOHUGEPAGE))
        fail("mmap");
    return area;
}

static void area_unmap(char *area, size_t size)
{
    if (munmap(area, size))
        fail("munmap");
}

static void map_touch_unmap(unsigned times)
{
    while (times--) {
        char *area = area_map(AREA, PROT_READ | PROT_WRITE);

        for (size_t i = 0; i < AREA; i += PAGE)
            ((volatile char *)area)[i] = 1;
        area_unmap(area, AREA);
    }
}

/* A fresh area for the faults of the rows below; the reading holds faults alone, but for one mmap in many. */
static char *fresh;
static size_t fresh_next;

static char *next_page(void)
{
    if (!fresh || fresh_next == AREA) {
        if (fresh)
            area_unmap(fresh, AREA);
        fresh = area_map(AREA, PROT_READ | PROT_WRITE);
        fresh_next = 0;
    }
    fresh_next += PAGE;
    return fresh + fresh_next - PAGE;
}

static void fresh_setup(void)
{
    fresh_next = AREA;
}

static void anonymous_fault(unsigned times)
{
    while (times--)
        *(volatile char *)next_page() = 1;
}

static void zero_fault(unsigned times)
{
    while (times--)
        (void)*(volatile char *)next_page();
}

static char *guarded;

static void on_violation(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    if ((char *)info->si_addr != guarded || mprotect(guarded, PAGE, PROT_READ | PROT_WRITE))
        _exit(1);
}

static void violation_setup(void)
{
    struct sigaction action = { .sa_sigaction = on_violation, .sa_flags = SA_SIGINFO };

    guarded = area_map(PAGE, PROT_READ | PROT_WRITE);
    *guarded = 1;
    if (sigaction(SIGSEGV, &action, NULL))
        fail("sigaction");
}

/* A write to a read-only page, the handler that allows it, and the protection again. */
static void violation(unsigned times)
{
    while (times--) {
        if (mprotect(guarded, PAGE, PROT_READ))
            fail("mprotect");
        *(volatile char *)guarded = 2;
    }
}

/* -- Computing -------------------------------------------------------------------------------------------- */

static void checksum(unsigned times)
{
    static uint8_t block[64];
    uint32_t state[8] = { 0 };

    while (times--)
        sha256_block(state, block);
    block[0] = (uint8_t)state[0];
}

static char *copy_from, *copy_to;

static void copy_setup(void)
{
    copy_from = area_map(BIG, PROT_READ | PROT_WRITE);
    copy_to = area_map(BIG, PROT_READ | PROT_WRITE);
    memset(copy_from, 1, BIG);
    memset(copy_to, 2, BIG);
}

/* By words and not by memcpy, which chooses its way by features that a hypervisor may hide. */
static void copy(unsigned times)
{
    while (times--) {
        size_t words = BIG / 8;
        char *from = copy_from, *to = copy_to;

        __asm__ volatile("rep movsq" : "+S"(from), "+D"(to), "+c"(words) :: "memory");
    }
}

const struct row rows[] = {
    { "null call (getppid)", 31, 50, null_call, NULL },
    { "clock read, vDSO", 31, 50, clock_vdso, NULL },
    { "clock read, system call", 31, 50, clock_call, NULL },
    { "signal to itself", 31, 20, signal_self, signal_setup },
    { "fork, exit, wait", 31, 1, fork_exit, NULL },
    { "fork, exec, wait", 21, 1, fork_exec, NULL },
    { "pipe switch", 31, 20, pipe_switch, pipe_setup },
    { "anonymous fault", 31, 20, anonymous_fault, fresh_setup },
    { "zero-page fault", 31, 20, zero_fault, fresh_setup },
    { "protection fault, handler, mprotect", 31, 10, violation, violation_setup },
    { "mmap, touch, munmap 4 MB", 9, 1, map_touch_unmap, NULL },
    { "checksum, 64 bytes", 31, 100, checksum, NULL },
    { "copy 16 MB", 9, 1, copy, copy_setup },
    { "compile a small file", 9, 1, compile, NULL },
};
const unsigned row_count = sizeof(rows) / sizeof(rows[0]);
