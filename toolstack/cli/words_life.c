/* SPDX-License-Identifier: MIT */
/*
 * The words that ask running guests for something: to shut down or reboot, to use more or less.
 */
#include "cli.h"

#include "../lib/domains.h"
#include "../lib/lifecycle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 256u
#define POLL_NS   50000000ull
#define KEY_BREAK 3             /* Ctrl-c */

/* -- shutdown, reboot ------------------------------------------------------------------------------------ */

struct asked {
    unsigned count;
    domid_t ids[NAMES_MAX];
};

/* Ask one; a failure is shown, and does not keep the others from being asked. */
static int ask_one(const char *word, domid_t domid, const char *request, struct asked *asked)
{
    struct tn_error err = { "" };

    if (lifecycle_request(domid, request, &err) < 0)
        return cli_failed(word, &err);
    asked->ids[asked->count++] = domid;
    return CLI_OK;
}

/* All guests that were made here and have not ended. */
static int ask_all(const char *word, const char *request, struct asked *asked)
{
    const char *names[NAMES_MAX];
    unsigned count = domain_names(names, NAMES_MAX);
    int status = CLI_OK;

    for (unsigned i = 0; i < count; i++) {
        struct tn_error err = { "" };
        domid_t domid;

        if (domain_find(names[i], &domid, &err) == 0 && !lifecycle_ended(domid) &&
            ask_one(word, domid, request, asked) != CLI_OK)
            status = CLI_FAILED;
    }
    return status;
}

static int wait_taken(const char *word, const char *request, const struct asked *asked)
{
    uint64_t deadline = port_now() + LIFECYCLE_ACK_NS;
    int status = CLI_OK;

    for (unsigned i = 0; i < asked->count; i++) {
        struct tn_error err = { "" };

        if (lifecycle_wait_ack(asked->ids[i], request, deadline, &err) < 0)
            status = cli_failed(word, &err);
    }
    return status;
}

/* Until all have ended, or Ctrl-c. */
static int wait_ended(const char *word, const struct asked *asked)
{
    for (unsigned i = 0; i < asked->count; i++) {
        while (!lifecycle_ended(asked->ids[i])) {
            if (port_key(POLL_NS) == KEY_BREAK) {
                fprintf(stderr, "tenon %s: no longer waiting\n", word);
                return CLI_FAILED;
            }
        }
    }
    return CLI_OK;
}

static int shut_down(int argc, char **argv, const char *request)
{
    bool all = false, wait = false;
    struct asked asked = { 0 };
    int i = 1, status;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-a") == 0)
            all = true;
        else if (strcmp(argv[i], "-w") == 0)
            wait = true;
        else
            return cli_usage(argv[0]);
    }
    if (argc - i != !all)
        return cli_usage(argv[0]);
    if (all) {
        status = ask_all(argv[0], request, &asked);
    } else {
        domid_t domid;

        if (cli_find(argv[0], argv[i], &domid))
            return CLI_FAILED;
        status = ask_one(argv[0], domid, request, &asked);
    }
    if (wait_taken(argv[0], request, &asked) != CLI_OK)
        return CLI_FAILED;
    return wait && wait_ended(argv[0], &asked) != CLI_OK ? CLI_FAILED : status;
}

int cli_shutdown(int argc, char **argv)
{
    return shut_down(argc, argv, "poweroff");
}

int cli_reboot(int argc, char **argv)
{
    return shut_down(argc, argv, "reboot");
}

int cli_sysrq(int argc, char **argv)
{
    struct tn_error err = { "" };
    domid_t domid;

    if (argc != 3 || strlen(argv[2]) != 1)
        return cli_usage(argv[0]);
    if (cli_find(argv[0], argv[1], &domid))
        return CLI_FAILED;
    return lifecycle_sysrq(domid, argv[2][0], &err) == 0 ? CLI_OK : cli_failed(argv[0], &err);
}

/* -- Memory and vCPUs ------------------------------------------------------------------------------------ */

/* "512", "512m", "2g", ...: MiB where no letter says otherwise, as xl has it. In KiB. */
static int parse_size(const char *text, uint64_t *kib, struct tn_error *err)
{
    static const char units[] = "kmgt";
    unsigned shift = 10;
    const char *unit;
    char *end;

    errno = 0;
    *kib = strtoull(text, &end, 10);
    if (end != text && *end) {
        unit = strchr(units, *end | 0x20);
        shift = unit ? 10 * (unit - units) : 64;
        end++;
    }
    if (end == text || *end || errno || *text == '-' || shift >= 64 || *kib > UINT64_MAX >> 10 >> shift)
        return tn_fail(err, "%s is not a size: give MiB, or a number with k, m, g or t", text);
    *kib <<= shift;
    return 0;
}

static int set_size(int argc, char **argv, int (*set)(domid_t, uint64_t, struct tn_error *))
{
    struct tn_error err = { "" };
    domid_t domid;
    uint64_t kib;

    if (argc != 3)
        return cli_usage(argv[0]);
    if (cli_find(argv[0], argv[1], &domid))
        return CLI_FAILED;
    if (parse_size(argv[2], &kib, &err) < 0 || set(domid, kib, &err) < 0)
        return cli_failed(argv[0], &err);
    return CLI_OK;
}

int cli_mem_set(int argc, char **argv)
{
    return set_size(argc, argv, lifecycle_set_memory);
}

int cli_mem_max(int argc, char **argv)
{
    return set_size(argc, argv, lifecycle_set_maxmem);
}

int cli_vcpu_set(int argc, char **argv)
{
    struct tn_error err = { "" };
    unsigned long count;
    domid_t domid;
    char *end;

    if (argc != 3)
        return cli_usage(argv[0]);
    if (cli_find(argv[0], argv[1], &domid))
        return CLI_FAILED;
    count = strtoul(argv[2], &end, 10);
    if (!*argv[2] || *end || count > TN_MAX_VCPUS)
        return tn_fail(&err, "%s is not a number of vCPUs: give 1 to %u", argv[2], TN_MAX_VCPUS),
               cli_failed(argv[0], &err);
    return lifecycle_set_vcpus(domid, count, &err) == 0 ? CLI_OK : cli_failed(argv[0], &err);
}
