/* SPDX-License-Identifier: MIT */
/*
 * Whole domains over the fake hypervisor: what a guest finds at its start, every way in which making one can
 * fail, consoles, and what happens when guests end.
 */
#include "fake.h"
#include "image.h"
#include "tap.h"

#include "../console/consoles.h"
#include "../lib/domains.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/elfnote.h>
#include <xen/grant_table.h>
#include <xen/io/console.h>
#include <xen/sched.h>

#define LINUX_BASE 0xffffffff80000000ull
#define LINUX_P2M  0x8000000000ull

static char kernel_path[64], ramdisk_path[64], bad_path[64];
static char notices[2048];
static struct fake_usage idle;

static void on_notice(const char *line)
{
    size_t used = strlen(notices);

    snprintf(notices + used, sizeof(notices) - used, "%s\n", line);
}

static void write_file(char path[64], const char *suffix, const void *bytes, size_t size)
{
    FILE *file;

    snprintf(path, 64, "/tmp/tenon-toolstack-%ld.%s", (long)getpid(), suffix);
    file = fopen(path, "w");
    fwrite(bytes, 1, size, file);
    fclose(file);
}

static struct tn_config make_config(const char *name)
{
    struct tn_config config = {
        .memory_mb = 16, .maxmem_mb = 16, .vcpus = 1, .maxvcpus = 1, .on_reboot = TN_RESTART,
    };

    strcpy(config.name, name);
    strcpy(config.kernel, kernel_path);
    strcpy(config.ramdisk, ramdisk_path);
    strcpy(config.cmdline, "some words");
    return config;
}

static bool nothing_left(void)
{
    struct fake_usage now = fake_usage();

    return memcmp(&now, &idle, sizeof(now)) == 0;
}

/* Let the toolstack's threads work until `done` says so, or two seconds have passed. */
static bool settle(bool (*done)(void))
{
    for (int i = 0; i < 2000 && !done(); i++)
        port_sleep(1000000);
    return done();
}

/* -- What a guest finds ---------------------------------------------------------------------------------- */

/* The frame behind a guest address, walking its page tables as the CPU does. */
static uint8_t *guest(const struct vcpu_guest_context *context, uint64_t virt)
{
    uint64_t entry = context->ctrlreg[3] | 1;

    for (int level = 4; level >= 1 && entry & 1; level--)
        entry = ((uint64_t *)fake_frame(entry >> 12 & 0xffffffffff))[virt >> (3 + 9 * level) & 511];
    return entry & 1 ? (uint8_t *)fake_frame(entry >> 12 & 0xffffffffff) + virt % PORT_PAGE_SIZE : NULL;
}

static void check_start(domid_t domid)
{
    const struct vcpu_guest_context *context = fake_context(domid);
    struct start_info *si = (void *)guest(context, context->user_regs.rsi);
    uint8_t *code = guest(context, context->user_regs.rip);
    const struct grant_entry_v1 *grants;
    uint64_t *p2m;

    ok(code && *code == 0xaa && context->user_regs.rip == IMAGE_ENTRY, "the entry holds the kernel's code");
    ok(si && strncmp(si->magic, "xen-3.0-x86_64", 15) == 0 &&
       si->nr_pages == 4096, "start_info is where rsi points");
    if (!si)
        return;
    ok(si->shared_info == (0x5000ull + domid) << 12 && strcmp((char *)si->cmd_line, "some words") == 0,
       "shared_info and the command line");
    ok(si->store_mfn && si->store_evtchn == 1 && si->console.domU.mfn && si->console.domU.evtchn == 2,
       "store and console");
    ok(si->mod_len == 10000 && guest(context, si->mod_start + 9999)[0] == 'r' &&
       guest(context, si->mod_start + 10000)[0] == 0, "the RAM disk, and zeroes behind it");
    p2m = (void *)guest(context, si->mfn_list);
    ok(p2m && guest(context, si->mfn_list + 5 * 8) &&
       guest(context, 5 * 4096) == fake_frame(p2m[5]), "the P2M list");
    ok(guest(context, si->pt_base) == fake_frame(context->ctrlreg[3] >> 12), "pt_base is the root");
    ok(guest(context, IMAGE_BASE + 0x1000)[0] == 0xcc, "the hypercall page is filled");
    ok(guest(context, IMAGE_BASE + 0x3100 + 0x1800)[0] == 0, "memory behind a segment's file part is zero");
    grants = fake_grants(domid);
    ok(grants[GNTTAB_RESERVED_CONSOLE].flags == GTF_permit_access &&
       grants[GNTTAB_RESERVED_CONSOLE].domid == 0 &&
       grants[GNTTAB_RESERVED_CONSOLE].frame == si->console.domU.mfn, "a grant of the console's page");
    ok(grants[GNTTAB_RESERVED_XENSTORE].flags == GTF_permit_access &&
       grants[GNTTAB_RESERVED_XENSTORE].domid == 0 &&
       grants[GNTTAB_RESERVED_XENSTORE].frame == si->store_mfn, "and of the store's");
    ok((context->user_regs.rflags & 0x200) && context->user_regs.rsp % 4096 == 0 &&
       guest(context, context->user_regs.rsp - 8), "flags and stack");
}

/* A kernel at Linux's addresses, which has its P2M list mapped elsewhere and its RAM disk not at all. */
static void write_linux_like(char path[64])
{
    static struct test_image image;

    image_make(&image);
    image_add_number(&image, XEN_ELFNOTE_VIRT_BASE, LINUX_BASE);
    image_add_number(&image, XEN_ELFNOTE_ENTRY, LINUX_BASE + IMAGE_ENTRY);
    image_add_number(&image, XEN_ELFNOTE_HYPERCALL_PAGE, LINUX_BASE + IMAGE_BASE + 0x1000);
    image_add_number(&image, XEN_ELFNOTE_INIT_P2M, LINUX_P2M);
    image_add_number(&image, XEN_ELFNOTE_MOD_START_PFN, 1);
    write_file(path, "linux", image.bytes, image.size);
}

static void linux_like(void)
{
    struct tn_config config = make_config("linux");
    const struct vcpu_guest_context *context;
    const struct start_info *si;
    struct tn_error err = { "" };
    const uint64_t *p2m;
    domid_t domid = 0;

    write_linux_like(config.kernel);
    ok(domain_create(&config, true, &domid, &err) == 0, "a kernel at Linux's addresses %s", err.text);
    context = fake_context(domid);
    si = (void *)guest(context, context->user_regs.rsi);
    ok(guest(context, LINUX_BASE + IMAGE_ENTRY)[0] == 0xaa &&
       context->user_regs.rip == LINUX_BASE + IMAGE_ENTRY,
       "its code is where it starts");
    p2m = (void *)guest(context, LINUX_P2M);
    ok(si->mfn_list == LINUX_P2M && p2m && p2m == fake_frame(p2m[si->first_p2m_pfn]), "its list is where it"
       " wants it");
    ok(guest(context, LINUX_P2M + 8 * PORT_PAGE_SIZE - 1) && !guest(context,
                                                                    LINUX_P2M + 8 * PORT_PAGE_SIZE) &&
       si->nr_p2m_frames == 8 + 3, "all of it, counted with its three tables");
    ok(si->flags & SIF_MOD_START_PFN && *(char *)fake_frame(p2m[si->mod_start]) == 'r' &&
       si->mod_len == 10000,
       "its RAM disk is known by its page");
    ok(guest(context, LINUX_BASE + (uint64_t)si->mod_start * PORT_PAGE_SIZE) == NULL, "and not mapped");
    ok(guest(context, si->pt_base) == fake_frame(context->ctrlreg[3] >> 12) && si->nr_pt_frames == 3 + 4,
       "its page tables: one of each upper level, four for 8 MB");
    domain_destroy(domid, &err);
    unlink(config.kernel);
    ok(nothing_left(), "and nothing is left of it");
}

static void making(void)
{
    struct tn_config config = make_config("one"), other = make_config("two");
    struct tn_error err = { "" };
    domid_t domid = 0, found;

    ok(domain_create(&config, true, &domid, &err) == 0, "a domain is made %s", err.text);
    ok(fake_paused(domid) && strcmp(domain_name(domid), "one") == 0 &&
       domain_find("one", &found, &err) == 0 && found == domid, "paused, and known by its name");
    check_start(domid);
    ok(domain_create(&config, true, &domid, &err) < 0, "a second of the same name is refused");
    failed_with(err.text, "in use", "with its line");
    tn_clear(&err);
    fake_no_superpages = true;
    ok(domain_create(&other, false, &domid, &err) == 0 &&
       !fake_paused(domid), "one of single frames, running");
    fake_no_superpages = false;
    check_start(domid);
    ok(domain_rename(domid, "one", &err) < 0, "renaming to a name in use is refused");
    tn_clear(&err);
    ok(domain_rename(domid, "three", &err) == 0 && domain_find("three", &found, &err) == 0, "renaming");
    ok(domain_destroy(domid, &err) == 0 && domain_find("one", &domid, &err) == 0 &&
       domain_destroy(domid, &err) == 0 && nothing_left(), "both are destroyed and leave nothing");
    domain_find("nobody", &domid, &err);
    failed_with(err.text, "domain nobody: there is none", "a wrong domain");
    tn_clear(&err);
    domain_destroy(0, &err);
    failed_with(err.text, "Domain-0", "Domain-0 is not destroyed");
}

/* -- Failing --------------------------------------------------------------------------------------------- */

static void refusals(void)
{
    struct tn_config config = make_config("one");
    struct tn_error err = { "" };
    domid_t domid;

    config.memory_mb = config.maxmem_mb = 1000;
    domain_create(&config, true, &domid, &err);
    failed_with(err.text, "asks for 1000 MB, but 64 MB are free", "too much memory");
    config = make_config("one");
    strcpy(config.kernel, "/nonexistent");
    tn_clear(&err);
    domain_create(&config, true, &domid, &err);
    failed_with(err.text, "kernel /nonexistent: No such file", "a missing kernel");
    strcpy(config.kernel, "/");
    tn_clear(&err);
    domain_create(&config, true, &domid, &err);
    failed_with(err.text, "not a regular file", "a directory as kernel");
    strcpy(config.kernel, bad_path);
    tn_clear(&err);
    domain_create(&config, true, &domid, &err);
    failed_with(err.text, "not an ELF image", "a kernel that is none");
    config = make_config("one");
    config.memory_mb = config.maxmem_mb = 4;
    tn_clear(&err);
    domain_create(&config, true, &domid, &err);
    failed_with(err.text, "its memory is 4 MB", "a kernel larger than its memory");
    config = make_config("one");
    config.nr_cpu_sets = 1;
    config.cpus[0].bits[5] = 1;
    tn_clear(&err);
    domain_create(&config, true, &domid, &err);
    failed_with(err.text, "cpus=", "CPUs that are not there");
    config = make_config("one");
    config.cpu_weight = FAKE_BAD_WEIGHT;
    tn_clear(&err);
    domain_create(&config, true, &domid, &err);
    failed_with(err.text, "boot with sched=credit", "a weight where there are none");
    ok(nothing_left(), "refusals leave nothing");
}

static void every_failure(void)
{
    struct tn_config config = make_config("one");
    unsigned total, leaks = 0, silent = 0, made = 0;
    domid_t domid;

    config.nr_cpu_sets = 1;
    config.cpus[0].bits[0] = 1;
    config.cap = 50;
    fake_fail_at(0);
    {
        struct tn_error err = { "" };

        ok(domain_create(&config, false, &domid, &err) == 0, "a domain with an affinity %s", err.text);
        total = fake_calls();
        domain_destroy(domid, &err);
    }
    for (unsigned n = 1; n <= total; n++) {
        struct tn_error err = { "" };
        int status;

        fake_fail_at(n);
        status = domain_create(&config, false, &domid, &err);
        fake_fail_at(0);
        silent += status < 0 && !err.text[0];
        if (status == 0) {
            made++;             /* the failed call was one that has another way, such as superpages */
            domain_destroy(domid, &err);
        }
        leaks += !nothing_left();
    }
    ok(!leaks && !silent &&
       made < total / 2, "each of %u calls may fail: nothing left, always a line (%u overcome)", total, made);
}

/* -- Consoles and endings -------------------------------------------------------------------------------- */

static const struct start_info *start_info_of(domid_t domid)
{
    const struct vcpu_guest_context *context = fake_context(domid);

    return (void *)guest(context, context->user_regs.rsi);
}

static struct xencons_interface *console_page(domid_t domid)
{
    return fake_frame(start_info_of(domid)->console.domU.mfn);
}

static void guest_prints(domid_t domid, const char *text)
{
    struct xencons_interface *page = console_page(domid);

    for (; *text; text++)
        page->out[MASK_XENCONS_IDX(page->out_prod++, page->out)] = *text;
    fake_notify_from(domid, 2);
}

static bool log_is(const char *name, const char *text)
{
    struct console_view view;
    char bytes[256] = "";
    uint64_t place = 0;

    if (!console_find(name, &view))
        return false;
    log_read(view.log, &place, bytes, sizeof(bytes) - 1, NULL);
    return strcmp(bytes, text) == 0;
}

static bool hello_logged(void)
{
    return log_is("one", "hello");
}

static bool storm_logged(void)
{
    return log_is("storm", "after the storm");
}

/* A guest that notifies without end interrupts Domain-0 a bounded number of times, and is not cut off. */
static void storm(void)
{
    struct tn_config config = make_config("storm");
    struct tn_error err = { "" };
    unsigned before;
    domid_t domid;

    domain_create(&config, false, &domid, &err);
    before = fake_upcalls();
    for (int i = 0; i < 500; i++) {
        fake_notify_from(domid, 2);
        port_sleep(20000);
    }
    ok(fake_upcalls() - before < 300, "a storm of 500 notifications makes %u upcalls",
       fake_upcalls() - before);
    guest_prints(domid, "after the storm");
    ok(settle(storm_logged), "and output still comes through afterwards");
    domain_destroy(domid, &err);
}

static bool noticed(void)
{
    return notices[0] != '\0';
}

static void consoles(void)
{
    struct tn_config config = make_config("one");
    struct tn_error err = { "" };
    struct console_view view;
    domid_t domid;

    domain_create(&config, false, &domid, &err);
    guest_prints(domid, "hello");
    ok(settle(hello_logged), "what a guest prints is logged");
    ok(console_input(domid, "keys", 4) == 4, "input is taken");
    port_sleep(1000000);
    ok(memcmp(console_page(domid)->in, "keys", 4) == 0 && console_page(domid)->in_prod == 4, "and arrives");
    console_page(domid)->out_prod += 100000;
    fake_notify_from(domid, 2);
    port_sleep(1000000);
    guest_prints(domid, "last");
    notices[0] = '\0';
    fake_shutdown(domid, SHUTDOWN_poweroff);
    ok(settle(noticed) && strstr(notices, "domain one") && strstr(notices, "powered off: destroyed"),
       "a guest that ends is destroyed, and someone is told");
    ok(console_find("one", &view) && !view.alive && view.log->written > 9, "its output stays readable");
    ok(nothing_left(), "and nothing else stays");
    for (int i = 0; i < 40; i++)
        if (domain_create(&config, false, &domid, &err) == 0)
            domain_destroy(domid, &err);
    ok(!err.text[0] && nothing_left() && console_find("one", &view), "40 more come and go %s", err.text);
}

static void endings(void)
{
    struct tn_config config = make_config("one");
    struct tn_error err = { "" };
    domid_t domid, again;
    unsigned restarts = 0;

    config.on_crash = TN_PRESERVE;
    domain_create(&config, false, &domid, &err);
    notices[0] = '\0';
    fake_shutdown(domid, SHUTDOWN_crash);
    ok(settle(noticed) && strstr(notices, "crashed: preserved") && domain_find("one", &again, &err) == 0 &&
       again == domid, "on_crash = preserve keeps the domain");
    domain_destroy(domid, &err);

    domain_create(&config, false, &domid, &err);
    while (domain_find("one", &domid, &err) == 0 && restarts < 20) {
        notices[0] = '\0';
        fake_shutdown(domid, SHUTDOWN_reboot);
        settle(noticed);
        if (!strstr(notices, "restarted as"))
            break;
        restarts++;
    }
    ok(restarts == 5 && strstr(notices, "not restarted"),
       "on_reboot = restart restarts, five times in a row (%u)", restarts);
    ok(nothing_left(), "and then leaves nothing");

    config.on_reboot = TN_RENAME_RESTART;
    domain_create(&config, false, &domid, &err);
    notices[0] = '\0';
    fake_shutdown(domid, SHUTDOWN_reboot);
    ok(settle(noticed) && strstr(notices, "restarted as") && domain_find("one-1", &again, &err) == 0 &&
       again == domid && domain_find("one", &again, &err) == 0,
       "rename-restart keeps the old one beside the new");
    domain_destroy(domid, &err);
    domain_destroy(again, &err);
    ok(nothing_left(), "until they are destroyed %s", err.text);
}

void test_domains(void)
{
    static struct test_image image;
    char ramdisk[10000];
    struct tn_error err = { "" };

    image_make(&image);
    memset(ramdisk, 'r', sizeof(ramdisk));
    write_file(kernel_path, "kernel", image.bytes, image.size);
    write_file(ramdisk_path, "ramdisk", ramdisk, sizeof(ramdisk));
    write_file(bad_path, "bad", ramdisk, sizeof(ramdisk));
    ok(consoles_start() == 0 && domains_start(on_notice, &err) == 0, "the toolstack starts");
    idle = fake_usage();
    linux_like();
    making();
    refusals();
    every_failure();
    consoles();
    storm();
    endings();
    unlink(kernel_path);
    unlink(ramdisk_path);
    unlink(bad_path);
}
