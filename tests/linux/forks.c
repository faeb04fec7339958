/* SPDX-License-Identifier: MIT */
/*
 * forks PROCESSES COUNT: so many processes at a time make COUNT children each, one after the other; every eighth
 * child executes this program again (/proc must be mounted). Prints how fast that went; the status is 0 if each
 * child ended well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXEC_EVERY 8
#define THIS_PROGRAM "/proc/self/exe"

/* Waits for a child and tells whether it is the one, and ended with status 0. */
static int ended_well(pid_t child)
{
    int status;

    return child > 0 && waitpid(child, &status, 0) == child && !status;
}

static int storm(unsigned long count)
{
    for (unsigned long i = 0; i < count; i++) {
        pid_t child = fork();

        if (!child) {
            if (i % EXEC_EVERY == 0)
                execl(THIS_PROGRAM, "forks", (char *)NULL);
            _exit(i % EXEC_EVERY == 0);
        }
        if (!ended_well(child)) {
            printf("forks: child %lu of process %d did not end well\n", i + 1, (int)getpid());
            return 1;
        }
    }
    return 0;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc == 1)
        return 0;
    if (argc != 3) {
        fprintf(stderr, "usage: forks PROCESSES COUNT\n");
        return 2;
    }

    unsigned long processes = strtoul(argv[1], NULL, 0), count = strtoul(argv[2], NULL, 0), bad = 0;
    double start = now();

    for (unsigned long i = 0; i < processes; i++) {
        pid_t child = fork();

        if (!child)
            _exit(storm(count));
        if (child < 0)
            bad++;
    }
    for (int status; wait(&status) > 0;)
        bad += status != 0;

    double seconds = now() - start;

    printf("forks: %lu in %.1f s, %.0f in a second\n", processes * count, seconds,
           (double)(processes * count) / (seconds > 0 ? seconds : 1));
    return bad != 0;
}
