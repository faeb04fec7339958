/* SPDX-License-Identifier: MIT */
/*
 * The words that make, change and end domains.
 */
#include "cli.h"
#include "config_parse.h"
#include "json.h"

#include "../lib/domains.h"
#include "../lib/file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The configuration file, then the assignments of the command line, then the checks of the whole. */
static int read_config(struct tn_config *config, const char *path, char **assignments, int count,
                       struct tn_error *err)
{
    struct file text;
    int status;

    config_init(config);
    if (file_read_all(&text, path, "config", NULL, err) < 0)
        return -1;
    status = config_parse(config, text.data, text.size, path, err);
    free(text.data);
    for (int i = 0; status == 0 && i < count; i++)
        status = config_assign(config, assignments[i], err);
    return status < 0 ? -1 : config_finish(config, path, err);
}

int cli_create(int argc, char **argv)
{
    bool paused = false, attach = false;
    struct tn_error err = { "" };
    struct tn_config *config;
    char name[TN_NAME_MAX + 1];
    domid_t domid;
    int i = 1, status;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-p") == 0)
            paused = true;
        else if (strcmp(argv[i], "-c") == 0)
            attach = true;
        else
            return cli_usage(argv[0]);
    }
    if (i == argc)
        return cli_usage(argv[0]);
    config = malloc(sizeof(*config));
    if (!config)
        return tn_fail(&err, "no memory left to read a configuration"), cli_failed(argv[0], &err);
    status = read_config(config, argv[i], argv + i + 1, argc - i - 1, &err);
    if (status == 0)
        status = domain_create(config, paused, &domid, &err);
    strcpy(name, config->name);
    free(config);
    if (status < 0)
        return cli_failed(argv[0], &err);
    return attach ? cli_console_session(argv[0], name) : CLI_OK;
}

/* pause and unpause differ in one call. */
static int change(int argc, char **argv, int (*call)(domid_t), const char *what)
{
    struct tn_error err = { "" };
    domid_t domid;
    int rc;

    if (argc != 2)
        return cli_usage(argv[0]);
    if (cli_find(argv[0], argv[1], &domid))
        return CLI_FAILED;
    if (domid == 0)
        return tn_fail(&err, "domain Domain-0 cannot be %s: it runs this command", what),
               cli_failed(argv[0], &err);
    rc = call(domid);
    if (rc < 0)
        return tn_fail(&err, "domain %s cannot be %s: %s", argv[1], what, tn_xen_error(rc)),
               cli_failed(argv[0], &err);
    return CLI_OK;
}

int cli_pause(int argc, char **argv)
{
    return change(argc, argv, ctl_pause, "paused");
}

int cli_unpause(int argc, char **argv)
{
    return change(argc, argv, ctl_unpause, "unpaused");
}

int cli_destroy(int argc, char **argv)
{
    struct tn_error err = { "" };
    domid_t domid;

    if (argc != 2)
        return cli_usage(argv[0]);
    if (cli_find(argv[0], argv[1], &domid))
        return CLI_FAILED;
    return domain_destroy(domid, &err) == 0 ? CLI_OK : cli_failed(argv[0], &err);
}

int cli_rename(int argc, char **argv)
{
    struct tn_error err = { "" };
    domid_t domid;

    if (argc != 3)
        return cli_usage(argv[0]);
    if (cli_find(argv[0], argv[1], &domid))
        return CLI_FAILED;
    return domain_rename(domid, argv[2], &err) == 0 ? CLI_OK : cli_failed(argv[0], &err);
}

int cli_domid(int argc, char **argv)
{
    domid_t domid;

    if (argc != 2)
        return cli_usage(argv[0]);
    if (cli_find(argv[0], argv[1], &domid))
        return CLI_FAILED;
    printf("%u\n", domid);
    return CLI_OK;
}

int cli_domname(int argc, char **argv)
{
    struct tn_error err = { "" };
    const char *name;
    domid_t domid;

    if (argc != 2)
        return cli_usage(argv[0]);
    if (cli_find(argv[0], argv[1], &domid))
        return CLI_FAILED;
    name = domain_name(domid);
    if (!name)
        return tn_fail(&err, "domain id %u has no name: it was not made by this toolstack", domid),
               cli_failed(argv[0], &err);
    printf("%s\n", name);
    return CLI_OK;
}

/* -- Listing --------------------------------------------------------------------------------------------- */

#define LIST_STEP 32u

/* xl's six letters. */
void cli_state_letters(const struct xen_domctl_getdomaininfo *info, char letters[7])
{
    bool crashed = info->flags & XEN_DOMINF_shutdown && ctl_shutdown_reason(info) == 3;

    letters[0] = info->flags & XEN_DOMINF_running ? 'r' : '-';
    letters[1] = info->flags & XEN_DOMINF_blocked ? 'b' : '-';
    letters[2] = info->flags & XEN_DOMINF_paused ? 'p' : '-';
    letters[3] = info->flags & XEN_DOMINF_shutdown && !crashed ? 's' : '-';
    letters[4] = crashed ? 'c' : '-';
    letters[5] = info->flags & XEN_DOMINF_dying ? 'd' : '-';
    letters[6] = '\0';
}

static void list_row(const struct xen_domctl_getdomaininfo *info)
{
    const char *name = domain_name(info->domain);
    uint64_t tenths = info->cpu_time / 100000000;
    char state[7];

    cli_state_letters(info, state);
    printf("%-40s %5u %5" PRIu64 " %5u     %s  %6" PRIu64 ".%u\n", name ? name : "(null)", info->domain,
           (info->tot_pages + info->outstanding_pages) >> 8, info->nr_online_vcpus, state, tenths / 10,
           (unsigned)(tenths % 10));
}

static void list_json(struct json *j, const struct xen_domctl_getdomaininfo *info)
{
    static const char *const reasons[] = { "poweroff", "reboot", "suspend", "crash", "watchdog",
                                           "soft_reset" };
    uint64_t maximum = domain_maximum_mb(info);
    const char *name = domain_name(info->domain);
    unsigned reason = ctl_shutdown_reason(info);
    char state[7], uuid[TN_UUID_TEXT];

    cli_state_letters(info, state);
    tn_format_uuid(info->handle, uuid);
    json_open(j, NULL, '{');
    json_string(j, "name", name ? name : "");
    json_number(j, "domid", info->domain);
    json_string(j, "uuid", uuid);
    json_number(j, "memory_mb", (info->tot_pages + info->outstanding_pages) >> 8);
    if (maximum)
        json_number(j, "maxmem_mb", maximum);
    json_number(j, "vcpus", info->nr_online_vcpus);
    json_string(j, "state", state);
    if (info->flags & XEN_DOMINF_shutdown)
        json_string(j, "shutdown_reason",
                    reason < sizeof(reasons) / sizeof(reasons[0]) ? reasons[reason] : "unknown");
    json_milli(j, "cpu_time_s", info->cpu_time / 1000000);
    json_close(j, '}');
}

/* Show one domain in the form asked for; `j` is NULL for the table. */
static void list_one(struct json *j, const struct xen_domctl_getdomaininfo *info)
{
    if (j)
        list_json(j, info);
    else
        list_row(info);
}

static int list_all(struct json *j, struct tn_error *err)
{
    struct xen_domctl_getdomaininfo infos[LIST_STEP];
    unsigned next = 0;
    int count;

    do {
        count = ctl_list(next, infos, LIST_STEP);
        if (count < 0)
            return tn_fail(err, "the hypervisor does not list its domains: %s", tn_xen_error(count));
        for (int i = 0; i < count; i++)
            list_one(j, &infos[i]);
        if (count > 0)
            next = infos[count - 1].domain + 1;
    } while (count == LIST_STEP);
    return 0;
}

static int list_named(struct json *j, char **names, int count, struct tn_error *err)
{
    for (int i = 0; i < count; i++) {
        struct xen_domctl_getdomaininfo info;
        domid_t domid;
        int rc;

        if (domain_find(names[i], &domid, err) < 0)
            return -1;
        rc = ctl_info(domid, &info);
        if (rc < 0)
            return tn_fail(err, "domain %s: %s", names[i], tn_xen_error(rc));
        list_one(j, &info);
    }
    return 0;
}

int cli_list(int argc, char **argv)
{
    struct tn_error err = { "" };
    struct json json = { .out = stdout }, *j = NULL;
    domid_t domid;
    int i = 1, status;

    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--json") != 0 && strcmp(argv[i], "-l") != 0)
            return cli_usage(argv[0]);
        j = &json;
    }
    for (int name = i; name < argc; name++)
        if (cli_find(argv[0], argv[name], &domid))
            return CLI_FAILED;
    if (j)
        json_open(j, NULL, '[');
    else
        printf("Name                                        ID   Mem VCPUs\tState\tTime(s)\n");
    status = i == argc ? list_all(j, &err) : list_named(j, argv + i, argc - i, &err);
    if (j)
        json_close(j, ']');
    return status < 0 ? cli_failed(argv[0], &err) : CLI_OK;
}

/* -- Uptime ---------------------------------------------------------------------------------------------- */

static void uptime_row(domid_t domid)
{
    const char *name = domain_name(domid);
    uint64_t seconds = domain_age(domid) / 1000000000;
    char days[32] = "";

    if (seconds >= 86400)
        snprintf(days, sizeof(days), "%" PRIu64 " day%s, ", seconds / 86400, seconds < 2 * 86400 ? "" : "s");
    printf("%-33s %4u %s%2u:%02u:%02u\n", name ? name : "(null)", domid, days,
           (unsigned)(seconds / 3600 % 24), (unsigned)(seconds / 60 % 60), (unsigned)(seconds % 60));
}

int cli_uptime(int argc, char **argv)
{
    struct xen_domctl_getdomaininfo infos[LIST_STEP];
    int count = 0;

    for (int i = 1; i < argc; i++) {
        domid_t domid;

        if (cli_find(argv[0], argv[i], &domid))
            return CLI_FAILED;
        if (i == 1)
            printf("Name                                ID Uptime\n");
        uptime_row(domid);
    }
    if (argc > 1)
        return CLI_OK;
    printf("Name                                ID Uptime\n");
    for (unsigned next = 0; (count = ctl_list(next, infos, LIST_STEP)) > 0;
         next = infos[count - 1].domain + 1)
        for (int i = 0; i < count; i++)
            uptime_row(infos[i].domain);
    return CLI_OK;
}
