/* SPDX-License-Identifier: MIT */
/*
 * The rest of what newlib asks of a system: memory, time, the one process.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include <minios/kernel.h>
#include <minios/thread.h>
#include <minios/time.h>

#include "../kernel/internal.h"

#define NS_PER_S 1000000000LL

void *sbrk(ptrdiff_t delta)
{
    void *old = heap_extend(delta);

    if (!old) {
        errno = ENOMEM;
        return (void *)-1;
    }
    return old;
}

int gettimeofday(struct timeval *tv, void *zone)
{
    int64_t now = clock_wall_ns();

    (void)zone;
    if (tv) {
        tv->tv_sec = (time_t)(now / NS_PER_S);
        tv->tv_usec = (suseconds_t)(now % NS_PER_S / 1000);
    }
    return 0;
}

/* All of the domain's life counts as user time, in clock() ticks. */
clock_t times(struct tms *buf)
{
    clock_t ticks = (clock_t)(clock_uptime_ns() / (NS_PER_S / CLOCKS_PER_SEC));

    if (buf) {
        *buf = (struct tms) { .tms_utime = ticks };
    }
    return ticks;
}

unsigned int sleep(unsigned int seconds)
{
    thread_sleep_ns(seconds * NS_PER_S);
    return 0;
}

int usleep(useconds_t microseconds)
{
    thread_sleep_ns(microseconds * 1000LL);
    return 0;
}

pid_t getpid(void)
{
    return 1;
}

/* abort() and raise() come here: a signal that nobody catches ends the domain as a crash. */
int kill(pid_t pid, int sig)
{
    if (pid != 1) {
        errno = ESRCH;
        return -1;
    }
    if (sig) {
        kernel_panic("signal %d", sig);
    }
    return 0;
}

void _exit(int status)
{
    if (status) {
        printk("minios: %s: main ended with status %d\n", minios_app_name, status);
    }
    kernel_shutdown(SHUTDOWN_poweroff);
}

/* Constructors and destructors of the image are run by __libc_init_array, which calls these. */
void _init(void);
void _init(void)
{
}

void _fini(void);
void _fini(void)
{
}
