/* SPDX-License-Identifier: MIT */
/*
 * What guests find in the store, and what users ask of them by it: shutdown, memory, vCPUs. The guest here is
 * a thread that answers as a guest's kernel would.
 */
#include "fake.h"
#include "image.h"
#include "tap.h"

#include "../lib/domains.h"
#include "../lib/lifecycle.h"
#include "../lib/xenstore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/sched.h>

static struct tn_error err;

/* A node of the domain, relative to its directory. */
static const char *node(domid_t domid, const char *name)
{
    static char value[256];
    char path[256];

    snprintf(path, sizeof(path), "/local/domain/%u%s%s", domid, *name ? "/" : "", name);
    if (store_read(xenstore_conn(), 0, path, value, sizeof(value)) < 0)
        strcpy(value, "(none)");
    return value;
}

static bool node_is(domid_t domid, const char *name, const char *wanted)
{
    return strcmp(node(domid, name), wanted) == 0;
}

static bool perms_are(domid_t domid, const char *name, const char *wanted)
{
    struct store_perm perms[4];
    char path[256], text[64] = "";
    int count;

    snprintf(path, sizeof(path), "/local/domain/%u%s%s", domid, *name ? "/" : "", name);
    count = store_get_perms(xenstore_conn(), 0, path, perms, 4);
    for (int i = 0; i < count && i < 4; i++)
        sprintf(text + strlen(text), "%c%d ", perms[i].access,
                perms[i].domid == domid ? -1 : perms[i].domid);     /* -1 stands for the guest */
    if (strcmp(text, wanted) != 0)
        diag("%s: %s", name, text);
    return strcmp(text, wanted) == 0;
}

static void standard_tree(domid_t domid)
{
    char vm[64], path[128], value[64];

    ok(node_is(domid, "name", "one") && atoi(node(domid, "domid")) == domid, "name and domid");
    ok(node_is(domid, "memory/target", "16384") && node_is(domid, "memory/static-max", "32768"), "memory");
    ok(node_is(domid, "cpu/0/availability", "online") && node_is(domid, "cpu/1/availability", "offline") &&
       node_is(domid, "cpu/2/availability", "(none)"), "vCPUs");
    ok(node_is(domid, "control/shutdown", "") && node_is(domid, "console/type", "xenconsoled") &&
       atoi(node(domid, "store/port")) == 1 && atoi(node(domid, "console/port")) == 2, "control and rings");
    ok(perms_are(domid, "", "n0 r-1 ") && perms_are(domid, "cpu/1/availability", "n0 r-1 ") &&
       perms_are(domid, "control/shutdown", "n-1 ") && perms_are(domid, "data", "n-1 ") &&
       perms_are(domid, "device", "n0 r-1 "), "who may use what");
    strcpy(vm, node(domid, "vm"));
    snprintf(path, sizeof(path), "%s/name", vm);
    ok(store_read(xenstore_conn(), 0, path, value, sizeof(value)) == 3 && strcmp(value, "one") == 0,
       "%s has its name", vm);
    ok(node_is(0, "name", "Domain-0"), "Domain-0's own");
    ok(domain_rename(domid, "other", &err) == 0 && node_is(domid, "name", "other") &&
       store_read(xenstore_conn(), 0, path, value, sizeof(value)) == 5, "renaming changes both");
    domain_rename(domid, "one", &err);
}

/* -- Asking ---------------------------------------------------------------------------------------------- */

/* What a kernel does once it has seen the request. */
static void acknowledge(void *arg)
{
    port_sleep(1000000);
    store_write(xenstore_conn(), 0, arg, "", 0);
}

static void asking(domid_t domid)
{
    char path[64];
    uint64_t soon;

    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
    ok(lifecycle_request(domid, "poweroff", &err) == 0 && node_is(domid, "control/shutdown", "poweroff"),
       "a request to shut down is written %s", err.text);
    port_thread("guest", acknowledge, path);
    ok(lifecycle_wait_ack(domid, "poweroff", port_now() + 5000000000, &err) == 0, "and acknowledged %s",
       err.text);
    lifecycle_request(domid, "reboot", &err);
    soon = port_now() + 20000000;
    lifecycle_wait_ack(domid, "reboot", soon, &err);
    failed_with(err.text, "tenon destroy one", "a guest that does not listen");
    ok(node_is(domid, "control/shutdown", ""), "the request is withdrawn then");
    tn_clear(&err);
    ctl_pause(domid);
    lifecycle_request(domid, "poweroff", &err);
    failed_with(err.text, "tenon unpause one", "a guest that is paused");
    ctl_unpause(domid);
    tn_clear(&err);
    lifecycle_request(0, "poweroff", &err);
    failed_with(err.text, "Domain-0", "Domain-0 is not asked");
    tn_clear(&err);
    ok(lifecycle_sysrq(domid, 'h', &err) == 0 && node_is(domid, "control/sysrq", "h"), "a SysRq key");
}

static void changing(domid_t domid)
{
    ok(lifecycle_set_memory(domid, 20480, &err) == 0 && node_is(domid, "memory/target", "20480"),
       "more memory");
    lifecycle_set_memory(domid, 40960, &err);
    failed_with(err.text, "its maximum is 32 MB", "more memory than the maximum");
    tn_clear(&err);
    lifecycle_set_memory(domid, 100, &err);
    failed_with(err.text, "too little", "too little memory");
    tn_clear(&err);
    lifecycle_set_maxmem(domid, 16384, &err);
    failed_with(err.text, "set to 20 MB", "a maximum below what is set");
    tn_clear(&err);
    ok(lifecycle_set_maxmem(domid, 4096u << 10, &err) == 0 && node_is(domid, "memory/static-max", "4194304"),
       "a new maximum %s", err.text);
    lifecycle_set_memory(domid, 4096u << 10, &err);
    failed_with(err.text, "not enough for 4096 MB", "more memory than there is");
    tn_clear(&err);
    ok(lifecycle_set_vcpus(domid, 2, &err) == 0 && node_is(domid, "cpu/1/availability", "online"),
       "more vCPUs");
    ok(lifecycle_set_vcpus(domid, 1, &err) == 0 && node_is(domid, "cpu/1/availability", "offline"),
       "fewer vCPUs");
    lifecycle_set_vcpus(domid, 3, &err);
    failed_with(err.text, "1 to 2 vCPUs", "more vCPUs than it may have");
    tn_clear(&err);
    lifecycle_set_vcpus(domid, 0, &err);
    failed_with(err.text, "1 to 2 vCPUs", "none at all");
    tn_clear(&err);
}

void test_lifecycle(void)
{
    static struct test_image image;
    struct tn_config config = {
        .name = "one", .memory_mb = 16, .maxmem_mb = 32, .vcpus = 1, .maxvcpus = 2, .rtc_timeoffset = -60,
        .on_poweroff = TN_PRESERVE,
    };
    struct fake_usage idle = fake_usage(), now;
    domid_t domid;
    FILE *file;

    image_make(&image);
    snprintf(config.kernel, sizeof(config.kernel), "/tmp/tenon-toolstack-%ld.kernel", (long)getpid());
    file = fopen(config.kernel, "w");
    fwrite(image.bytes, 1, image.size, file);
    fclose(file);
    if (!ok(domain_create(&config, false, &domid, &err) == 0, "a domain with a store %s", err.text))
        return;
    ok(fake_time_offset(domid) == -60, "its clock is as far from UTC as asked for");
    standard_tree(domid);
    asking(domid);
    changing(domid);
    fake_shutdown(domid, SHUTDOWN_poweroff);
    port_sleep(1000000);
    lifecycle_request(domid, "poweroff", &err);
    failed_with(err.text, "it has ended", "a guest that has ended");
    tn_clear(&err);
    ok(domain_destroy(domid, &err) == 0 && node_is(domid, "name", "(none)") && node_is(domid, "", "(none)"),
       "its nodes go with it");
    now = fake_usage();
    ok(memcmp(&now, &idle, sizeof(now)) == 0, "and nothing stays");
    unlink(config.kernel);
}
