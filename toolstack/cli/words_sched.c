/* SPDX-License-Identifier: MIT */
/*
 * The words about CPU time: who runs where, with what share, and what domains use at the moment.
 */
#include "cli.h"

#include "../lib/domains.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/errno.h>

#define LIST_STEP 32u
#define CPUS_TEXT 128

static const char *name_of(domid_t domid)
{
    const char *name = domain_name(domid);

    return name ? name : "(null)";
}

/* A number of `text` from min to max; -1 where it is none. */
static long number_of(const char *text, long min, long max)
{
    char *end;
    long number = strtol(text, &end, 10);

    return isdigit((unsigned char)*text) && !*end && number >= min && number <= max ? number : -1;
}

static unsigned cpus_of_machine(void)
{
    struct xen_sysctl_physinfo info;

    return ctl_physinfo(&info) < 0 ? 1 : info.nr_cpus;
}

/*
 * Call `row` for the domains that are named, or for all; it returns 0, or -1 with the line. A domain that
 * ends in between is left out where it was not named.
 */
static int for_domains(char **names, int count, const char *word,
                       int (*row)(const struct xen_domctl_getdomaininfo *, void *, struct tn_error *), void *arg)
{
    struct xen_domctl_getdomaininfo infos[LIST_STEP];
    struct tn_error err = { "" };
    int got;

    for (int i = 0; i < count; i++) {
        domid_t domid;

        if (cli_find(word, names[i], &domid))
            return CLI_FAILED;
        if (ctl_info(domid, &infos[0]) < 0)
            return tn_fail(&err, "domain %s has just ended", names[i]), cli_failed(word, &err);
        if (row(&infos[0], arg, &err) < 0)
            return cli_failed(word, &err);
    }
    if (count)
        return CLI_OK;
    for (unsigned next = 0; (got = ctl_list(next, infos, LIST_STEP)) > 0; next = infos[got - 1].domain + 1)
        for (int i = 0; i < got; i++)
            if (row(&infos[i], arg, &err) < 0)
                return cli_failed(word, &err);
    if (got < 0)
        return tn_fail(&err, "the hypervisor does not list its domains: %s", tn_xen_error(got)),
               cli_failed(word, &err);
    return CLI_OK;
}

/* -- vCPUs ----------------------------------------------------------------------------------------------- */

static int vcpu_rows(const struct xen_domctl_getdomaininfo *domain, void *arg, struct tn_error *err)
{
    unsigned nr_cpus = *(unsigned *)arg;

    (void)err;
    for (unsigned vcpu = 0; domain->max_vcpu_id != XEN_INVALID_MAX_VCPU_ID && vcpu <= domain->max_vcpu_id;
         vcpu++) {
        char hard_text[CPUS_TEXT], soft_text[CPUS_TEXT];
        struct xen_domctl_getvcpuinfo info;
        struct tn_cpu_set hard, soft;
        uint64_t tenths;

        if (ctl_vcpu_info(domain->domain, vcpu, &info) < 0 ||
            ctl_get_affinity(domain->domain, vcpu, &hard, &soft) < 0)
            continue;
        printf("%-32s %5u %5u", name_of(domain->domain), domain->domain, vcpu);
        if (info.online)
            printf(" %5u %3c%c- ", info.cpu, info.running ? 'r' : '-', info.blocked ? 'b' : '-');
        else
            printf(" %5c %3c%cp ", '-', '-', '-');
        tenths = info.cpu_time / 100000000;
        tn_format_cpus(&hard, nr_cpus, hard_text, sizeof(hard_text));
        tn_format_cpus(&soft, nr_cpus, soft_text, sizeof(soft_text));
        printf(" %7" PRIu64 ".%u  %s / %s\n", tenths / 10, (unsigned)(tenths % 10), hard_text, soft_text);
    }
    return 0;
}

int cli_vcpu_list(int argc, char **argv)
{
    unsigned nr_cpus = cpus_of_machine();

    if (argc > 1 && argv[1][0] == '-')
        return cli_usage(argv[0]);
    printf("%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State", "Time(s)",
           "Affinity (Hard / Soft)");
    return for_domains(argv + 1, argc - 1, argv[0], vcpu_rows, &nr_cpus);
}

/* "-" leaves a set as it is: NULL. */
static int read_set(const char *text, struct tn_cpu_set *set, const struct tn_cpu_set **out,
                    struct tn_error *err)
{
    *out = NULL;
    if (!text || strcmp(text, "-") == 0)
        return 0;
    *out = set;
    return tn_parse_cpus(set, text, err);
}

int cli_vcpu_pin(int argc, char **argv)
{
    const struct tn_cpu_set *hard, *soft;
    struct xen_domctl_getdomaininfo info;
    struct tn_cpu_set hard_set, soft_set;
    struct tn_error err = { "" };
    unsigned first = 0, last;
    domid_t domid;
    long number;

    if (argc < 4 || argc > 5)
        return cli_usage(argv[0]);
    if (cli_find(argv[0], argv[1], &domid))
        return CLI_FAILED;
    if (ctl_info(domid, &info) < 0)
        return tn_fail(&err, "domain %s has just ended", argv[1]), cli_failed(argv[0], &err);
    last = info.max_vcpu_id;
    if (strcmp(argv[2], "all") != 0) {
        number = info.max_vcpu_id == XEN_INVALID_MAX_VCPU_ID ? -1 : number_of(argv[2], 0, info.max_vcpu_id);
        if (number < 0)
            return tn_fail(&err, "domain %s has no vCPU %s: see tenon vcpu-list %s", argv[1], argv[2], argv[1]),
                   cli_failed(argv[0], &err);
        first = last = number;
    }
    if (read_set(argv[3], &hard_set, &hard, &err) < 0 ||
        read_set(argc > 4 ? argv[4] : NULL, &soft_set, &soft, &err) < 0)
        return cli_failed(argv[0], &err);
    for (unsigned vcpu = first; (hard || soft) && vcpu <= last && last != XEN_INVALID_MAX_VCPU_ID; vcpu++) {
        int rc = ctl_set_affinity(domid, vcpu, hard, soft);

        if (rc < 0)
            return tn_fail(&err, "domain %s: vCPU %u cannot be pinned to \"%s\": %s: see nr_cpus of tenon info",
                           argv[1], vcpu, hard ? argv[3] : argv[4],
                           rc == -XEN_EINVAL ? "no such CPU in this machine" : tn_xen_error(rc)),
                   cli_failed(argv[0], &err);
    }
    return CLI_OK;
}

/* -- Shares ---------------------------------------------------------------------------------------------- */

static int share_row(const struct xen_domctl_getdomaininfo *domain, void *arg, struct tn_error *err)
{
    unsigned weight, cap;
    int rc = ctl_shares(domain->domain, &weight, &cap);

    (void)arg;
    if (rc < 0)
        return tn_fail(err, "the scheduler in use has no shares (%s): boot with sched=credit",
                       tn_xen_error(rc));
    printf("%-33s %4u %6u %4u\n", name_of(domain->domain), domain->domain, weight, cap);
    return 0;
}

/* The line about the whole scheduler, after setting what is not 0 or below. */
static int show_params(const char *word, long slice_ms, long ratelimit_us)
{
    struct xen_sysctl_credit_schedule params = { 0 };
    struct tn_error err = { "" };
    int rc = ctl_sched_params(&params);

    if (rc < 0)
        return tn_fail(&err, "the scheduler in use has no time slice (%s): boot with sched=credit",
                       tn_xen_error(rc)),
               cli_failed(word, &err);
    if (slice_ms >= 0 || ratelimit_us >= 0) {
        if (slice_ms >= 0)
            params.tslice_ms = slice_ms;
        if (ratelimit_us >= 0)
            params.ratelimit_us = ratelimit_us;
        rc = ctl_set_sched_params(&params);
        if (rc < 0)
            return tn_fail(&err, "time slice %u ms and rate limit %u us are refused: give 1 to 1000 ms, and 0"
                                 " or 100 to 500000 us but not more than the slice", params.tslice_ms,
                           params.ratelimit_us),
                   cli_failed(word, &err);
        return CLI_OK;
    }
    printf("Cpupool Pool-0: tslice=%ums ratelimit=%uus migration-delay=%uus\n", params.tslice_ms,
           params.ratelimit_us, params.vcpu_migr_delay_us);
    return CLI_OK;
}

struct credit_options {
    char *domain;
    bool whole;
    long weight, cap, slice_ms, ratelimit_us;   /* -1: not given */
};

static int read_credit_options(struct credit_options *o, int argc, char **argv)
{
    *o = (struct credit_options){ NULL, false, -1, -1, -1, -1 };
    for (int i = 1; i < argc; i++) {
        const char *option = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        long *number = NULL, max = 0;

        if (strcmp(option, "-s") == 0) {
            o->whole = true;
            continue;
        }
        if (!value || option[0] != '-' || strlen(option) != 2)
            return -1;
        switch (option[1]) {
        case 'd': o->domain = argv[i + 1]; break;
        case 'w': number = &o->weight; max = TN_MAX_WEIGHT; break;
        case 'c': number = &o->cap; max = TN_MAX_CAP; break;
        case 't': number = &o->slice_ms; max = 1000000; break;
        case 'r': number = &o->ratelimit_us; max = 1000000000; break;
        default: return -1;
        }
        if (number) {
            *number = number_of(value, option[1] == 'w', max);
            if (*number < 0)
                return -1;
        }
        i++;
    }
    if (o->whole ? o->domain || o->weight >= 0 || o->cap >= 0 : o->slice_ms >= 0 || o->ratelimit_us >= 0)
        return -1;
    return !o->domain && (o->weight >= 0 || o->cap >= 0) ? -1 : 0;
}

int cli_sched_credit(int argc, char **argv)
{
    struct tn_error err = { "" };
    struct credit_options o;
    domid_t domid;
    int status, rc;

    if (read_credit_options(&o, argc, argv) < 0)
        return cli_usage(argv[0]);
    if (o.whole)
        return show_params(argv[0], o.slice_ms, o.ratelimit_us);
    if (o.weight >= 0 || o.cap >= 0) {
        if (cli_find(argv[0], o.domain, &domid))
            return CLI_FAILED;
        rc = ctl_set_shares(domid, o.weight < 0 ? CTL_SAME_WEIGHT : (unsigned)o.weight,
                            o.cap < 0 ? CTL_SAME_CAP : (unsigned)o.cap);
        if (rc < 0)
            return tn_fail(&err, "domain %s: the scheduler in use has no shares (%s): boot with sched=credit",
                           o.domain, tn_xen_error(rc)),
                   cli_failed(argv[0], &err);
        return CLI_OK;
    }
    if (!o.domain) {
        status = show_params(argv[0], -1, -1);
        if (status != CLI_OK)
            return status;
    }
    printf("%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
    return for_domains(&o.domain, o.domain != NULL, argv[0], share_row, NULL);
}

/* -- top ------------------------------------------------------------------------------------------------- */

#define TOP_SECONDS 3
#define TOP_MAX     512u

/* What a domain had used at the last look. */
struct top_past {
    domid_t domid;
    uint64_t cpu_time;
};

struct top {
    struct top_past past[TOP_MAX], seen[TOP_MAX];
    unsigned nr_past, nr_seen;
    uint64_t last, total_kib;   /* moment of the last look, ns; the machine's memory */
    uint64_t elapsed;           /* since then; 0: this is the first */
};

/* Per mille of the time since the last look. */
static unsigned cpu_per_mille(const struct top *top, const struct xen_domctl_getdomaininfo *info)
{
    for (unsigned i = 0; top->elapsed && i < top->nr_past; i++)
        if (top->past[i].domid == info->domain && info->cpu_time > top->past[i].cpu_time)
            return (info->cpu_time - top->past[i].cpu_time) * 1000 / top->elapsed;
    return 0;
}

static int top_row(const struct xen_domctl_getdomaininfo *info, void *arg, struct tn_error *err)
{
    uint64_t kib = info->tot_pages * 4, max_kib = info->max_pages * 4;
    char state[7], max_text[32] = "no limit", max_part[32] = "n/a";
    struct top *top = arg;
    unsigned cpu = cpu_per_mille(top, info);

    (void)err;
    if (top->nr_seen < TOP_MAX)
        top->seen[top->nr_seen++] = (struct top_past){ info->domain, info->cpu_time };
    if (info->max_pages < UINT32_MAX) {
        snprintf(max_text, sizeof(max_text), "%" PRIu64, max_kib);
        snprintf(max_part, sizeof(max_part), "%.1f", 100.0 * max_kib / top->total_kib);
    }
    cli_state_letters(info, state);
    printf("%16.16s %s %10" PRIu64 " %4u.%u %10" PRIu64 " %6.1f %10s %9s %5u\n", name_of(info->domain), state,
           info->cpu_time / 1000000000, cpu / 10, cpu % 10, kib, 100.0 * kib / top->total_kib, max_text,
           max_part, info->nr_online_vcpus);
    return 0;
}

static int top_once(struct top *top, const char *word, bool screen)
{
    struct xen_sysctl_physinfo machine = { 0 };
    uint64_t now = port_now();
    int status;

    ctl_physinfo(&machine);
    top->total_kib = machine.total_pages ? machine.total_pages * 4 : 1;
    top->elapsed = top->last ? now - top->last : 0;
    top->nr_seen = 0;
    if (screen)
        printf("\033[H\033[J");
    printf("Mem: %" PRIu64 "k total, %" PRIu64 "k used, %" PRIu64 "k free    CPUs: %u @ %uMHz\n",
           top->total_kib, top->total_kib - (machine.free_pages + machine.scrub_pages) * 4,
           (machine.free_pages + machine.scrub_pages) * 4, machine.nr_cpus, machine.cpu_khz / 1000);
    printf("%16s %6s %10s %6s %10s %6s %10s %9s %5s\n", "NAME", "STATE", "CPU(sec)", "CPU(%)", "MEM(k)",
           "MEM(%)", "MAXMEM(k)", "MAXMEM(%)", "VCPUS");
    status = for_domains(NULL, 0, word, top_row, top);
    if (screen)
        printf("[q: leave]\n");
    fflush(stdout);
    memcpy(top->past, top->seen, top->nr_seen * sizeof(top->seen[0]));
    top->nr_past = top->nr_seen;
    top->last = now;
    return status;
}

/* Waits for the time; true where the user wants to leave. */
static bool top_wait(long seconds)
{
    uint64_t until = port_now() + seconds * 1000000000ull, now;

    while ((now = port_now()) < until) {
        int key = port_key(until - now);

        if (key == 'q' || key == 'Q' || key == 3)
            return true;
        if (key == ' ')
            return false;
    }
    return false;
}

int cli_top(int argc, char **argv)
{
    long seconds = TOP_SECONDS, times = -1;
    struct tn_error err = { "" };
    int status = CLI_OK, i;
    bool batch = false;
    struct top *top;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-b") == 0) {
            batch = true;
        } else if (i + 1 < argc && strcmp(argv[i], "-d") == 0) {
            seconds = number_of(argv[++i], 1, 86400);
        } else if (i + 1 < argc && strcmp(argv[i], "-i") == 0) {
            times = number_of(argv[++i], 1, 1000000);
            if (times < 0)
                return cli_usage(argv[0]);
        } else {
            return cli_usage(argv[0]);
        }
    }
    if (seconds < 0)
        return cli_usage(argv[0]);
    if (batch && times < 0)
        times = 1;
    top = calloc(1, sizeof(*top));
    if (!top)
        return tn_fail(&err, "no memory left to watch domains: destroy one"), cli_failed(argv[0], &err);
    for (long n = 0; status == CLI_OK && n != times; n++) {
        if (n && top_wait(seconds))
            break;
        status = top_once(top, argv[0], !batch);
    }
    free(top);
    return status;
}

/* -- debug-keys ------------------------------------------------------------------------------------------ */

int cli_debug_keys(int argc, char **argv)
{
    struct tn_error err = { "" };
    int rc;

    if (argc != 2 || !*argv[1])
        return cli_usage(argv[0]);
    rc = ctl_debug_keys(argv[1]);
    if (rc < 0)
        return tn_fail(&err, "the hypervisor does not take keys: %s", tn_xen_error(rc)),
               cli_failed(argv[0], &err);
    return CLI_OK;
}
