/* SPDX-License-Identifier: MIT */
/*
 * From the first C instruction to main(): the order in which the kernel's parts
 * come up, the command line, and the ways down.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <minios/event.h>
#include <minios/hypercall.h>
#include <minios/kernel.h>
#include <minios/mm.h>
#include <minios/thread.h>

#include "internal.h"

#define MAX_ARGS 64
#define MAIN_STACK (256 * 1024UL)

struct start_info *start_info;
struct shared_info *shared_info;

const struct start_info *kernel_start_info(void)
{
    return start_info;
}

struct shared_info *kernel_shared_info(void)
{
    return shared_info;
}

bool is_initial_domain(void)
{
    return start_info->flags & SIF_INITDOMAIN;
}

/* The domain builder's text, which need not be terminated. */
const char *kernel_cmdline(void)
{
    static char text[MAX_GUEST_CMDLINE];

    if (!text[0]) {
        memcpy(text, start_info->cmd_line, sizeof(text) - 1);
    }
    return text;
}

void kernel_shutdown(unsigned int reason)
{
    struct sched_shutdown shutdown = { .reason = reason };

    for (;;) {
        HYPERVISOR_sched_op(SCHEDOP_shutdown, &shutdown);
    }
}

static void run_main(void *arg)
{
    static char words[MAX_GUEST_CMDLINE];
    static char *argv[MAX_ARGS + 1];
    int argc;

    (void)arg;
    thread_current()->own_libc = false;
    strcpy(words, kernel_cmdline());
    argv[0] = (char *)minios_app_name;
    argc = 1 + split_words(words, argv + 1, MAX_ARGS);
    exit(main(argc, argv));
}

static void map_shared_info(void)
{
    xen_pfn_t mfn = PFN_DOWN(start_info->shared_info);
    struct shared_info *page = map_frames(&mfn, 1, DOMID_SELF, MAP_RW, NULL);

    if (!page) {
        kernel_panic("the shared page at %lx cannot be mapped: %s", start_info->shared_info, strerror(errno));
    }
    shared_info = page;
}

static void find_ramdisk(void)
{
    if (!start_info->mod_len || !start_info->mod_start) {
        return;
    }
    if (start_info->flags & SIF_MOD_START_PFN) {
        printk("minios: %s: the RAM disk is not mapped (SIF_MOD_START_PFN); it is ignored\n",
               minios_app_name);
        return;
    }
    ramdisk_init((const void *)start_info->mod_start, start_info->mod_len);
}

/* From entry.S, on the boot stack, upcalls masked. */
void kernel_start(struct start_info *info);
void kernel_start(struct start_info *info)
{
    static const struct {
        uint16_t control;
        uint32_t mxcsr;
    } fpu = { 0x37f, 0x1f80 };

    __asm__ volatile("fninit; fldcw %0; ldmxcsr %1" : : "m" (fpu.control), "m" (fpu.mxcsr));
    start_info = info;
    traps_init();
    mm_init();
    map_shared_info();
    time_init();
    events_init();
    threads_init();
    console_init();
    find_ramdisk();
    if (!thread_create("main", run_main, NULL, MAIN_STACK)) {
        kernel_panic("no memory for the main thread: %zu of %zu pages free", mm_free_pages(),
                     mm_total_pages());
    }
    thread_exit();
}
