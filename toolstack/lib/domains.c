/* SPDX-License-Identifier: MIT */
/*
 * The register of domains: making, ending and looking up. Operations that wait run under the toolstack's
 * lock, so at most one domain is being made, ended or examined by the watcher at a time; lookups need no lock.
 */
#include "domains_private.h"

#include "../build/builder.h"
#include "../console/consoles.h"
#include "guest_tree.h"
#include "xenstore.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xen/errno.h>

static struct domain *domains;
static uint64_t started;

struct domain *domains_first(void)
{
    return domains;
}

struct domain *domain_by_id(domid_t id)
{
    for (struct domain *d = domains; d; d = d->next)
        if (d->id == id)
            return d;
    return NULL;
}

struct domain *domain_by_name(const char *name)
{
    for (struct domain *d = domains; d; d = d->next)
        if (strcmp(d->config.name, name) == 0)
            return d;
    return NULL;
}

static void forget(struct domain *gone)
{
    struct domain **link = &domains;

    while (*link != gone)
        link = &(*link)->next;
    *link = gone->next;
    free(gone);
}

/* Take a domain's console and store away. [waits] */
static void disconnect(domid_t id, const struct tn_config *config)
{
    console_detach(id);
    xenstore_detach(id);
    guest_tree_remove(xenstore_conn(), id, config);
}

/* -- Making ---------------------------------------------------------------------------------------------- */

/* Refuse early, with figures, what would run out of memory half-way. */
static int check_memory(const struct tn_config *config, struct tn_error *err)
{
    struct xen_sysctl_physinfo info;
    unsigned long free_mb;
    int rc = ctl_physinfo(&info);

    if (rc < 0)
        return tn_fail(err, "domain %s: cannot learn how much memory is free: %s", config->name,
                       tn_xen_error(rc));
    free_mb = (info.free_pages + info.scrub_pages - info.outstanding_pages) >> 8;
    if (config->memory_mb > free_mb)
        return tn_fail(err, "domain %s: asks for %u MB, but %lu MB are free: lower memory=, or destroy"
                            " another domain", config->name, config->memory_mb, free_mb);
    return 0;
}

/* A UUID (version 4 in form) that no two domains of one run share. */
static void make_uuid(uint8_t uuid[16], const char *name)
{
    static uint32_t counter;
    uint64_t hash = 0xcbf29ce484222325ull ^ port_now() ^ port_wallclock() << 20 ^ (uint64_t)++counter << 56;

    for (unsigned i = 0; i < 16; i++) {
        hash = (hash ^ (uint8_t)name[i % strlen(name)]) * 0x100000001b3ull;
        uuid[i] = hash >> 32;
    }
    uuid[6] = (uuid[6] & 0x0f) | 0x40;
    uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

static int check_uuid(struct tn_config *config, struct tn_error *err)
{
    static const uint8_t none[16];
    char text[TN_UUID_TEXT];

    if (memcmp(config->uuid, none, sizeof(none)) == 0)
        make_uuid(config->uuid, config->name);
    for (const struct domain *d = domains; d; d = d->next) {
        if (memcmp(d->config.uuid, config->uuid, sizeof(none)) == 0) {
            tn_format_uuid(config->uuid, text);
            return tn_fail(err, "domain %s: its uuid %s is that of domain %s: remove uuid=, or choose"
                                " another", config->name, text, d->config.name);
        }
    }
    return 0;
}

/* Seconds that the guest's clock is ahead of UTC. */
static int64_t time_offset(const struct tn_config *config)
{
    time_t now = port_wallclock();
    int64_t offset = config->rtc_timeoffset;

    if (config->localtime) {
        struct tm utc = *gmtime(&now);

        utc.tm_isdst = -1;
        offset += now - mktime(&utc);
    }
    return offset;
}

/* What a domain wants beyond what its builder put into it, before it runs. */
static int set_up(const struct tn_config *config, const struct built_domain *built, struct tn_error *err)
{
    int64_t offset = time_offset(config);
    int rc = ctl_seed_grants(built->domid, built->console_mfn, built->store_mfn);

    if (rc < 0)
        return tn_fail(err, "domain %s: cannot fill its grant table: %s", config->name, tn_xen_error(rc));
    rc = ctl_memory_map(built->domid, (uint64_t)config->maxmem_mb << 20);
    if (rc < 0)
        return tn_fail(err, "domain %s: cannot set its memory map: %s", config->name, tn_xen_error(rc));
    rc = offset ? ctl_time_offset(built->domid, offset) : 0;
    if (rc < 0)
        return tn_fail(err, "domain %s: cannot set its clock: %s", config->name, tn_xen_error(rc));
    return 0;
}

/* Console and store. What was connected stays connected after a failure. [waits] */
static int connect(const struct tn_config *config, const struct built_domain *built, struct tn_error *err)
{
    int rc = guest_tree_make(xenstore_conn(), config, built);

    if (rc < 0)
        return tn_fail(err, "domain %s: cannot make its nodes in the store: %s", config->name,
                       xenstore_error(rc));
    if (console_attach(built->domid, config->name, built->console_mfn, built->console_port, err) < 0)
        return -1;
    return xenstore_attach(built->domid, config->name, built->store_mfn, built->store_port, err);
}

int domain_make(const struct tn_config *config, struct domain **made, struct tn_error *err)
{
    struct domain *d = calloc(1, sizeof(*d)), **link = &domains;
    struct built_domain built;
    int status = -1;

    if (!d)
        return tn_fail(err, "domain %s: no memory left to register it", config->name);
    d->config = *config;
    if (check_uuid(&d->config, err) < 0 || check_memory(config, err) < 0 ||
        build_domain(&d->config, &built, err) < 0)
        goto out;
    if (set_up(&d->config, &built, err) < 0 || connect(&d->config, &built, err) < 0) {
        disconnect(built.domid, &d->config);
        ctl_destroy(built.domid);
        goto out;
    }
    d->id = built.domid;
    d->created = port_now();
    while (*link)
        link = &(*link)->next;
    *link = d;
    *made = d;
    d = NULL;
    status = 0;
out:
    free(d);
    return status;
}

int domain_unmake(struct domain *d, struct tn_error *err)
{
    domid_t id = d->id;
    int rc;

    ctl_pause(id);
    disconnect(id, &d->config);
    rc = ctl_destroy(id);
    if (rc < 0 && rc != -XEN_ESRCH)
        return tn_fail(err, "domain %s (id %u): the hypervisor does not destroy it: %s", d->config.name, id,
                       tn_xen_error(rc));
    forget(d);
    return 0;
}

void domain_drop(struct domain *d)
{
    disconnect(d->id, &d->config);
    forget(d);
}

int domain_create(const struct tn_config *config, bool paused, domid_t *domid, struct tn_error *err)
{
    struct domain *d;
    int status = -1, rc = 0;

    port_lock();
    if (domain_by_name(config->name) || strcmp(config->name, DOMAIN_0) == 0) {
        tn_fail(err, "domain %s: the name is in use: choose another, or destroy that domain first",
                config->name);
    } else if (domain_make(config, &d, err) == 0) {
        *domid = d->id;
        if (!paused)
            rc = ctl_unpause(d->id);
        if (rc == 0) {
            status = 0;
        } else {
            tn_fail(err, "domain %s: cannot start it: %s", config->name, tn_xen_error(rc));
            domain_unmake(d, err);
        }
    }
    port_unlock();
    return status;
}

int domain_destroy(domid_t domid, struct tn_error *err)
{
    struct domain *d;
    int status, rc;

    if (domid == 0)
        return tn_fail(err, "domain " DOMAIN_0 " cannot be destroyed: use poweroff to end the machine");
    port_lock();
    d = domain_by_id(domid);
    if (d) {
        status = domain_unmake(d, err);
    } else {
        rc = ctl_destroy(domid);
        status = rc == 0 ? 0 : tn_fail(err, "domain id %u: cannot destroy it: %s", domid, tn_xen_error(rc));
    }
    port_unlock();
    return status;
}

int domain_rename(domid_t domid, const char *name, struct tn_error *err)
{
    struct domain *d = domain_by_id(domid);
    int rc;

    if (!d)
        return tn_fail(err, "domain id %u: cannot be renamed: it was not made by this toolstack", domid);
    if (tn_check_name(name, err) < 0)
        return -1;
    if (domain_by_name(name) || strcmp(name, DOMAIN_0) == 0)
        return tn_fail(err, "domain %s: the name %s is in use: choose another", d->config.name, name);
    strcpy(d->config.name, name);
    console_rename(domid, name);
    rc = guest_tree_rename(xenstore_conn(), domid, &d->config);
    return rc == 0 ? 0 : tn_fail(err, "domain %s: its new name cannot be written to the store: %s", name,
                                 xenstore_error(rc));
}

/* -- Looking up ------------------------------------------------------------------------------------------ */

const char *domain_name(domid_t domid)
{
    const struct domain *d = domain_by_id(domid);

    return domid == 0 ? DOMAIN_0 : d ? d->config.name : NULL;
}

uint64_t domain_maximum_mb(const struct xen_domctl_getdomaininfo *info)
{
    const struct domain *d = domain_by_id(info->domain);

    return d ? d->config.maxmem_mb : info->max_pages < UINT32_MAX ? info->max_pages >> 8 : 0;
}

int domain_find(const char *text, domid_t *domid, struct tn_error *err)
{
    struct xen_domctl_getdomaininfo info;
    struct domain *d = domain_by_name(text);
    char *end;
    unsigned long id = strtoul(text, &end, 10);

    if (d || strcmp(text, DOMAIN_0) == 0) {
        *domid = d ? d->id : 0;
        return 0;
    }
    if (*text && !*end && id < DOMID_FIRST_RESERVED && ctl_info(id, &info) == 0) {
        *domid = id;
        return 0;
    }
    return tn_fail(err, "domain %s: there is none of that name or id: see tenon list", text);
}

uint64_t domain_age(domid_t domid)
{
    const struct domain *d = domain_by_id(domid);

    return domid == 0 ? port_now() - started : d ? port_now() - d->created : 0;
}

unsigned domain_names(const char **names, unsigned max)
{
    unsigned count = 0;

    for (const struct domain *d = domains; d && count < max; d = d->next)
        names[count++] = d->config.name;
    return count;
}

int domains_start(void (*notice)(const char *line), struct tn_error *err)
{
    struct xen_domctl_getdomaininfo info;
    int rc = ctl_info(0, &info);

    started = port_now();
    if (rc < 0)
        return tn_fail(err, "the hypervisor does not describe Domain-0: %s", tn_xen_error(rc));
    if (xenstore_start(notice, err) < 0)
        return -1;
    rc = guest_tree_make_domain0(xenstore_conn(), info.tot_pages * (PORT_PAGE_SIZE >> 10));
    if (rc < 0)
        return tn_fail(err, "store: cannot make Domain-0's nodes: %s", xenstore_error(rc));
    return watcher_start(notice, err);
}
