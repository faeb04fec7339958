/* SPDX-License-Identifier: MIT */
/*
 * The words that show the machine and the hypervisor.
 */
#include "cli.h"

#include "../lib/control.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/domctl.h>
#include <xen/version.h>

#define LIST_STEP 32u
#define MESSAGES_MAX (1u << 20)

/* Print one "key : value" line as xl info does. */
static __attribute__((format(printf, 2, 3))) void row(const char *key, const char *fmt, ...)
{
    va_list ap;

    printf("%-22s : ", key);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
}

/* Frames that belong to domains, all together. */
static uint64_t domain_pages(void)
{
    struct xen_domctl_getdomaininfo infos[LIST_STEP];
    uint64_t pages = 0;
    int count;

    for (unsigned next = 0; (count = ctl_list(next, infos, LIST_STEP)) > 0;
         next = infos[count - 1].domain + 1)
        for (int i = 0; i < count; i++)
            pages += infos[i].tot_pages;
    return pages;
}

static const char *scheduler_name(int id)
{
    static const struct {
        int id;
        const char *name;
    } names[] = {
        { XEN_SCHEDULER_CREDIT, "credit" }, { XEN_SCHEDULER_CREDIT2, "credit2" },
        { XEN_SCHEDULER_ARINC653, "arinc653" }, { XEN_SCHEDULER_RTDS, "rtds" },
        { XEN_SCHEDULER_NULL, "null" },
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].id == id)
            return names[i].name;
    return "unknown";
}

static void machine_rows(const struct xen_sysctl_physinfo *p)
{
    static const struct {
        uint32_t bit;
        const char *name;
    } caps[] = {
        { XEN_SYSCTL_PHYSCAP_pv, "pv" }, { XEN_SYSCTL_PHYSCAP_hvm, "hvm" },
        { XEN_SYSCTL_PHYSCAP_directio, "directio" }, { XEN_SYSCTL_PHYSCAP_hap, "hap" },
        { XEN_SYSCTL_PHYSCAP_shadow, "shadow" }, { XEN_SYSCTL_PHYSCAP_gnttab_v1, "gnttab-v1" },
        { XEN_SYSCTL_PHYSCAP_gnttab_v2, "gnttab-v2" },
    };
    uint64_t of_domains = domain_pages(), own = p->total_pages - p->free_pages - p->scrub_pages - of_domains;
    char text[160] = "";

    row("nr_cpus", "%u", p->nr_cpus);
    row("max_cpu_id", "%u", p->max_cpu_id);
    row("nr_nodes", "%u", p->nr_nodes);
    row("cores_per_socket", "%u", p->cores_per_socket);
    row("threads_per_core", "%u", p->threads_per_core);
    row("cpu_mhz", "%u.%03u", p->cpu_khz / 1000, p->cpu_khz % 1000);
    for (unsigned i = 0; i < 8; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%08x", i ? ":" : "", p->hw_cap[i]);
    row("hw_caps", "%s", text);
    text[0] = '\0';
    for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
        if (p->capabilities & caps[i].bit)
            snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", text[0] ? " " : "",
                     caps[i].name);
    row("virt_caps", "%s", text);
    row("total_memory", "%" PRIu64, p->total_pages >> 8);
    row("free_memory", "%" PRIu64, (p->free_pages + p->scrub_pages - p->outstanding_pages) >> 8);
    row("free_pages", "%" PRIu64, p->free_pages + p->scrub_pages);
    row("outstanding_claims", "%" PRIu64, p->outstanding_pages >> 8);
    row("hypervisor_memory", "%" PRIu64 " KiB = RAM %" PRIu64 " - free %" PRIu64 " - domains %" PRIu64,
        own * 4, p->total_pages * 4, (p->free_pages + p->scrub_pages) * 4, of_domains * 4);
}

/* A string that xen_version writes into the buffer, bounded and without its last newline. */
static const char *version_text(unsigned cmd, char *buffer, size_t room)
{
    memset(buffer, 0, room);
    if (ctl_version(cmd, buffer) < 0)
        return "";
    buffer[room - 1] = '\0';
    buffer[strcspn(buffer, "\n")] = '\0';
    return buffer;
}

static void version_rows(void)
{
    char *buffer = port_buffer(PORT_PAGE_SIZE);
    struct xen_compile_info *compile = (void *)buffer;
    long version = ctl_version(XENVER_version, NULL);
    const char *extra;

    if (!buffer)
        return;
    extra = version_text(XENVER_extraversion, buffer, sizeof(xen_extraversion_t));
    row("xen_major", "%ld", version >> 16);
    row("xen_minor", "%ld", version & 0xffff);
    row("xen_extra", "%s", extra);
    row("xen_version", "%ld.%ld%s", version >> 16, version & 0xffff, extra);
    row("xen_caps", "%s", version_text(XENVER_capabilities, buffer, sizeof(xen_capabilities_info_t)));
    row("xen_scheduler", "%s", scheduler_name(ctl_sched_id()));
    row("xen_pagesize", "%ld", ctl_version(XENVER_pagesize, NULL));
    memset(buffer, 0, PORT_PAGE_SIZE);
    if (ctl_version(XENVER_platform_parameters, buffer) == 0)
        row("platform_params", "virt_start=0x%lx", ((struct xen_platform_parameters *)buffer)->virt_start);
    row("xen_changeset", "%s", version_text(XENVER_changeset, buffer, sizeof(xen_changeset_info_t)));
    row("xen_commandline", "%s", version_text(XENVER_commandline, buffer, sizeof(xen_commandline_t)));
    memset(buffer, 0, PORT_PAGE_SIZE);
    if (ctl_version(XENVER_compile_info, compile) == 0) {
        row("cc_compiler", "%.*s", (int)sizeof(compile->compiler), compile->compiler);
        row("cc_compile_by", "%.*s", (int)sizeof(compile->compile_by), compile->compile_by);
        row("cc_compile_domain", "%.*s", (int)sizeof(compile->compile_domain), compile->compile_domain);
        row("cc_compile_date", "%.*s", (int)sizeof(compile->compile_date), compile->compile_date);
    }
    port_buffer_free(buffer, PORT_PAGE_SIZE);
}

int cli_info(int argc, char **argv)
{
    struct xen_sysctl_physinfo physinfo;
    struct tn_error err = { "" };
    int rc;

    if (argc != 1)
        return cli_usage(argv[0]);
    rc = ctl_physinfo(&physinfo);
    if (rc < 0)
        return tn_fail(&err, "the hypervisor does not describe the machine: %s", tn_xen_error(rc)),
               cli_failed(argv[0], &err);
    row("host", "tenon");
    row("machine", "x86_64");
    machine_rows(&physinfo);
    version_rows();
    return CLI_OK;
}

/*
 * All of the hypervisor's message ring. It is read to its end before anything is printed: what this domain
 * prints may go into the same ring, and reading would never end.
 */
static int read_messages(char **text, size_t *length, struct tn_error *err)
{
    char *buffer = port_buffer(PORT_PAGE_SIZE);
    uint32_t index = 0;
    int got = 0;

    *text = NULL;
    *length = 0;
    while (buffer && *length < MESSAGES_MAX && (got = ctl_readconsole(buffer, PORT_PAGE_SIZE, &index)) > 0) {
        char *bigger = realloc(*text, *length + got);

        if (!bigger)
            break;
        memcpy(bigger + *length, buffer, got);
        *text = bigger;
        *length += got;
    }
    if (!buffer)
        return tn_fail(err, "no memory left to read the messages");
    port_buffer_free(buffer, PORT_PAGE_SIZE);
    return got < 0 ? tn_fail(err, "the hypervisor does not give its messages: %s", tn_xen_error(got)) : 0;
}

int cli_dmesg(int argc, char **argv)
{
    struct tn_error err = { "" };
    size_t length;
    char *text;
    int status;

    if (argc != 1)
        return cli_usage(argv[0]);
    status = read_messages(&text, &length, &err);
    for (size_t at = 0; at < length; at += PORT_PAGE_SIZE) {
        fwrite(text + at, 1, length - at < PORT_PAGE_SIZE ? length - at : PORT_PAGE_SIZE, stdout);
        port_yield();
    }
    free(text);
    return status < 0 ? cli_failed(argv[0], &err) : CLI_OK;
}
