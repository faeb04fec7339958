/* SPDX-License-Identifier: MIT */
/*
 * The smallest useful guest: says where it runs, then answers every line that is
 * typed, until `quit`. Words on its command line make it do other things, for tests:
 *
 *     once          answer one line, then power off
 *     quiet-exit    print one line and power off, asking for nothing
 *     crash         write through a null pointer, which ends the domain as a crash
 *     exit=N        power off after N seconds, whatever is typed
 *     reboot        on `quit`, ask for a reboot instead
 *     spin          use all the CPU time that there is, and answer nothing
 *     deaf          do not listen to xenstore
 *     babble        write nonsense into the ring of xenstore, and notify without end
 *     sysinfo       also print what the kernel knows about time and memory
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <xen/vcpu.h>
#include <xen/version.h>

#include <minios/event.h>
#include <minios/hypercall.h>
#include <minios/kernel.h>
#include <minios/mm.h>
#include <minios/ramdisk.h>
#include <minios/thread.h>
#include <minios/time.h>
#include <minios/xenbus.h>

static struct {
    bool once, quiet_exit, crash, spin, sysinfo, deaf, babble;
    long exit_after;
    unsigned int end;
} options = { .exit_after = -1, .end = SHUTDOWN_poweroff };

static void parse(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "once")) {
            options.once = true;
        } else if (!strcmp(argv[i], "quiet-exit")) {
            options.quiet_exit = true;
        } else if (!strcmp(argv[i], "crash")) {
            options.crash = true;
        } else if (!strcmp(argv[i], "spin")) {
            options.spin = true;
        } else if (!strcmp(argv[i], "deaf")) {
            options.deaf = true;
        } else if (!strcmp(argv[i], "babble")) {
            options.babble = true;
        } else if (!strcmp(argv[i], "sysinfo")) {
            options.sysinfo = true;
        } else if (!strcmp(argv[i], "reboot")) {
            options.end = SHUTDOWN_reboot;
        } else if (!strncmp(argv[i], "exit=", 5)) {
            options.exit_after = strtol(argv[i] + 5, NULL, 10);
        } else {
            printf("hello: unknown word '%s' on the command line; it is ignored\n", argv[i]);
        }
    }
}

/* vCPUs that this domain has: the numbers that vcpu_op knows. */
static unsigned int count_vcpus(void)
{
    unsigned int n = 0;

    while (n < 4096 && HYPERVISOR_vcpu_op(VCPUOP_is_up, n, NULL) >= 0) {
        n++;
    }
    return n;
}

static void greet(void)
{
    xen_extraversion_t extra = "";
    long version = HYPERVISOR_xen_version(XENVER_version, NULL);

    HYPERVISOR_xen_version(XENVER_extraversion, extra);
    extra[sizeof(extra) - 1] = '\0';
    printf("hello: this is MiniOS as %s, %zu MB of memory, %u vCPU(s), on %s version %ld.%ld%s\n",
           is_initial_domain() ? "Domain-0" : "a guest", mm_total_pages() >> (20 - PAGE_SHIFT), count_vcpus(),
           kernel_start_info()->magic, version >> 16, version & 0xffff, extra);
}

static void print_sysinfo(void)
{
    time_t now = time(NULL);
    char date[64];

    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", gmtime(&now));
    printf("hello: %s UTC, up %.3f s, %zu of %zu pages free\n", date, clock_uptime_ns() / 1e9,
           mm_free_pages(), mm_total_pages());
    for (size_t i = 0; ramdisk_file_at(i); i++) {
        printf("hello: file %s, %zu bytes\n", ramdisk_file_at(i)->path, ramdisk_file_at(i)->size);
    }
}

static void exit_later(void *arg)
{
    (void)arg;
    thread_sleep_ms(options.exit_after * 1000);
    printf("hello: %ld s are over, bye\n", options.exit_after);
    kernel_shutdown(options.end);
}

/* Not inlined: its name is what the backtrace must show. */
static void __attribute__((noinline)) crash(void)
{
    volatile int *volatile nowhere = NULL;

    *nowhere = 1;
}

/* What `tenon shutdown` and `tenon reboot` ask for. */
static void end_as_asked(unsigned int reason)
{
    printf("hello: asked to %s, bye\n", reason == SHUTDOWN_reboot ? "reboot" : "shut down");
    fflush(stdout);
    kernel_shutdown(reason);
}

/* Without a store hello still answers; nobody can ask it to end then. */
static void listen_for_shutdown(void)
{
    int ret = is_initial_domain() ? 0 : xenbus_shutdown_start(end_as_asked);

    if (ret) {
        printf("hello: no xenstore to listen to: %s\n", strerror(-ret));
    }
}

/* What no client would do: any bytes, any distance between the indices, and an event for each. */
static void babble(void)
{
    xen_pfn_t mfn = kernel_start_info()->store_mfn;
    uint32_t *page = map_frames(&mfn, 1, DOMID_SELF, MAP_RW, NULL);

    if (!page) {
        printf("hello: no page of xenstore to write into\n");
        return;
    }
    printf("hello: babbling\n");
    fflush(stdout);
    for (;;) {
        for (size_t i = 0; i < PAGE_SIZE / sizeof(*page); i++) {
            page[i] = (uint32_t)rand();
        }
        event_send(kernel_start_info()->store_evtchn);
        thread_yield();
    }
}

static void answer_lines(void)
{
    char line[256];

    printf("hello: type a line, or quit\n");
    while (fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        if (!strcmp(line, "quit")) {
            break;
        }
        printf("hello: you said: %s\n", line);
        if (options.once) {
            break;
        }
    }
    printf("hello: bye\n");
}

int main(int argc, char **argv)
{
    parse(argc, argv);
    greet();
    if (options.sysinfo) {
        print_sysinfo();
    }
    if (options.crash) {
        printf("hello: crashing as asked\n");
        crash();
    }
    if (options.quiet_exit) {
        return 0;
    }
    if (options.spin) {
        fflush(stdout);
        for (;;) {
            __asm__ volatile("");
        }
    }
    if (options.babble) {
        babble();
    }
    if (!options.deaf) {
        listen_for_shutdown();
    }
    if (options.exit_after >= 0 && !thread_create("exit-later", exit_later, NULL, 0)) {
        printf("hello: no memory for the timer thread\n");
        return 1;
    }
    answer_lines();
    fflush(stdout);
    kernel_shutdown(options.end);
}
