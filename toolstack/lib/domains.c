/* SPDX-License-Identifier: MIT */
/*
 * The register of domains, and the watcher. Operations that wait run under the toolstack's lock, so at most
 * one domain is being made, ended or examined by the watcher at a time; lookups need no lock.
 */
#include "domains.h"

#include "../build/builder.h"
#include "../build/inflate.h"
#include "../console/consoles.h"
#include "file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/errno.h>
#include <xen/io/xs_wire.h>
#include <xen/sched.h>

#define DOMAIN_0 "Domain-0"
/* A guest that ends again and again is not restarted more often than this. */
#define RESTARTS_MAX    5u
#define RESTARTS_PERIOD 60000000000ull      /* ns */
#define RESTART_PAUSE   500000000ull        /* ns between an end and the restart */
#define SCAN_MAX        64u

struct domain {
    struct domain *next;        /* in order of creation */
    domid_t id;
    bool preserved;             /* ended, and kept as on_... says */
    xen_pfn_t store_mfn;        /* page of its xenstore ring, */
    int store_port;             /* and its channel's end here; -1 once the user was told */
    volatile bool store_event;  /* set by the handler */
    uint64_t created;
    uint64_t restarts[RESTARTS_MAX];
    unsigned nr_restarts;
    struct tn_config config;
};

static struct domain *domains;
static uint64_t started;
static struct port_event watch_event;
static void (*notice_hook)(const char *line);

static struct domain *by_id(domid_t id)
{
    for (struct domain *d = domains; d; d = d->next)
        if (d->id == id)
            return d;
    return NULL;
}

static struct domain *by_name(const char *name)
{
    for (struct domain *d = domains; d; d = d->next)
        if (strcmp(d->config.name, name) == 0)
            return d;
    return NULL;
}

static void forget(struct domain *gone)
{
    struct domain **link = &domains;

    if (gone->store_port >= 0)
        port_unbind(gone->store_port);
    while (*link != gone)
        link = &(*link)->next;
    *link = gone->next;
    free(gone);
}

static __attribute__((format(printf, 1, 2))) void notice(const char *fmt, ...)
{
    char line[320];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    notice_hook(line);
}

/*
 * There is no xenstore here. A guest that asks it something waits for ever, and its user must be told why:
 * the event channel is bound to learn of the first request. Event handler: may only note and wake.
 */
static void on_store_event(void *arg)
{
    struct domain *d = arg;

    if (d->store_event)
        return;
    d->store_event = true;
    port_wake(&watch_event);
}

/* A fresh binding fires once by itself, so the guest's ring says whether there is a request. */
static void look_at_store(struct domain *d)
{
    volatile struct xenstore_domain_interface *page = port_map_foreign(d->id, &d->store_mfn, 1);
    bool asked = page && page->req_prod != 0;

    if (page)
        port_unmap_foreign((void *)page, 1);
    d->store_event = false;
    if (!asked)
        return;
    port_unbind(d->store_port);
    d->store_port = -1;
    console_note(d->id, "this guest waits for xenstore, which Domain-0 does not run");
    notice("domain %s (id %u) waits for xenstore, which Domain-0 does not run: it gets no answer",
           d->config.name, d->id);
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

/* More than the domain's memory can never be used, packed or not. */
static int read_images(const struct tn_config *config, struct file *kernel, struct file *ramdisk,
                       struct tn_error *err)
{
    size_t limit = (size_t)config->memory_mb << 20;

    if (file_read_all(kernel, config->kernel, "kernel", config->name, err) < 0)
        return -1;
    if (is_gzip(kernel->data, kernel->size)) {
        void *plain;
        size_t size;

        if (gunzip(kernel->data, kernel->size, limit, &plain, &size, port_yield, config->kernel, err) < 0)
            return -1;
        free(kernel->data);
        *kernel = (struct file){ plain, size };
    }
    if (config->ramdisk[0] && file_read_all(ramdisk, config->ramdisk, "ramdisk", config->name, err) < 0)
        return -1;
    return 0;
}

/* Build, attach the console, register. Lock held. */
static int make(const struct tn_config *config, struct domain **made, struct tn_error *err)
{
    struct domain *d = calloc(1, sizeof(*d)), **link = &domains;
    struct file kernel = { 0 }, ramdisk = { 0 };
    struct built_domain built;
    int status = -1;

    if (!d)
        return tn_fail(err, "domain %s: no memory left to register it", config->name);
    if (check_memory(config, err) < 0 || read_images(config, &kernel, &ramdisk, err) < 0 ||
        build_domain(config, kernel.data, kernel.size, ramdisk.data, ramdisk.size, &built, err) < 0)
        goto out;
    d->store_mfn = built.store_mfn;
    d->store_port = port_bind_interdomain(built.domid, built.store_port, on_store_event, d);
    if (d->store_port < 0)
        tn_fail(err, "domain %s: cannot bind its store's event channel: %s", config->name,
                tn_xen_error(d->store_port));
    if (d->store_port < 0 ||
        console_attach(built.domid, config->name, built.console_mfn, built.console_port, err) < 0) {
        if (d->store_port >= 0)
            port_unbind(d->store_port);
        ctl_destroy(built.domid);
        goto out;
    }
    d->id = built.domid;
    d->created = port_now();
    d->config = *config;
    while (*link)
        link = &(*link)->next;
    *link = d;
    *made = d;
    d = NULL;
    status = 0;
out:
    free(d);
    free(kernel.data);
    free(ramdisk.data);
    return status;
}

/* End a domain and forget it. Lock held. */
static int unmake(struct domain *d, struct tn_error *err)
{
    domid_t id = d->id;
    int rc;

    ctl_pause(id);
    console_detach(id);
    rc = ctl_destroy(id);
    if (rc < 0 && rc != -XEN_ESRCH)
        return tn_fail(err, "domain %s (id %u): the hypervisor does not destroy it: %s", d->config.name, id,
                       tn_xen_error(rc));
    forget(d);
    return 0;
}

int domain_create(const struct tn_config *config, bool paused, domid_t *domid, struct tn_error *err)
{
    struct domain *d;
    int status = -1, rc = 0;

    port_lock();
    if (by_name(config->name) || strcmp(config->name, DOMAIN_0) == 0) {
        tn_fail(err, "domain %s: the name is in use: choose another, or destroy that domain first",
                config->name);
    } else if (make(config, &d, err) == 0) {
        *domid = d->id;
        if (!paused)
            rc = ctl_unpause(d->id);
        if (rc == 0) {
            status = 0;
        } else {
            tn_fail(err, "domain %s: cannot start it: %s", config->name, tn_xen_error(rc));
            unmake(d, err);
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
    d = by_id(domid);
    if (d) {
        status = unmake(d, err);
    } else {
        rc = ctl_destroy(domid);
        status = rc == 0 ? 0 : tn_fail(err, "domain id %u: cannot destroy it: %s", domid, tn_xen_error(rc));
    }
    port_unlock();
    return status;
}

int domain_rename(domid_t domid, const char *name, struct tn_error *err)
{
    struct domain *d = by_id(domid);

    if (!d)
        return tn_fail(err, "domain id %u: cannot be renamed: it was not made by this toolstack", domid);
    if (tn_check_name(name, err) < 0)
        return -1;
    if (by_name(name) || strcmp(name, DOMAIN_0) == 0)
        return tn_fail(err, "domain %s: the name %s is in use: choose another", d->config.name, name);
    strcpy(d->config.name, name);
    console_rename(domid, name);
    return 0;
}

/* -- Looking up ------------------------------------------------------------------------------------------ */

const char *domain_name(domid_t domid)
{
    const struct domain *d = by_id(domid);

    return domid == 0 ? DOMAIN_0 : d ? d->config.name : NULL;
}

int domain_find(const char *text, domid_t *domid, struct tn_error *err)
{
    struct xen_domctl_getdomaininfo info;
    struct domain *d = by_name(text);
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
    const struct domain *d = by_id(domid);

    return domid == 0 ? port_now() - started : d ? port_now() - d->created : 0;
}

unsigned domain_names(const char **names, unsigned max)
{
    unsigned count = 0;

    for (const struct domain *d = domains; d && count < max; d = d->next)
        names[count++] = d->config.name;
    return count;
}

/* -- The watcher ----------------------------------------------------------------------------------------- */

/* What each way to end means, and which of the configuration's actions it takes. */
static const struct ending {
    unsigned reason;
    const char *words;
    size_t action;              /* offset into struct tn_config */
} endings[] = {
    { SHUTDOWN_poweroff, "powered off", offsetof(struct tn_config, on_poweroff) },
    { SHUTDOWN_reboot, "asked for a reboot", offsetof(struct tn_config, on_reboot) },
    { SHUTDOWN_crash, "crashed", offsetof(struct tn_config, on_crash) },
    { SHUTDOWN_watchdog, "was stopped by its watchdog", offsetof(struct tn_config, on_crash) },
};

static const struct ending *ending_of(unsigned reason)
{
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
        if (endings[i].reason == reason)
            return &endings[i];
    return NULL;
}

/* May it be restarted once more? Notes the time if so. */
static bool restart_allowed(struct domain *d)
{
    uint64_t now = port_now();
    unsigned slot = d->nr_restarts % RESTARTS_MAX;

    if (d->nr_restarts >= RESTARTS_MAX && now - d->restarts[slot] < RESTARTS_PERIOD)
        return false;
    d->restarts[slot] = now;
    d->nr_restarts++;
    return true;
}

static void restart(struct domain *d, const struct ending *how)
{
    struct domain old = *d, *new;
    struct tn_error err = { "" };
    int rc;

    if (!restart_allowed(&old)) {
        if (unmake(d, &err) == 0)
            notice("domain %s (id %u) %s: ended %u times within %u s, so not restarted: see tenon console %s",
                   old.config.name, old.id, how->words, RESTARTS_MAX + 1,
                   (unsigned)(RESTARTS_PERIOD / 1000000000), old.config.name);
        else
            notice("%s", err.text);
        return;
    }
    if (unmake(d, &err) < 0) {
        notice("%s", err.text);
        return;
    }
    port_sleep(RESTART_PAUSE);
    if (make(&old.config, &new, &err) < 0) {
        notice("domain %s %s, and could not be restarted: %s", old.config.name, how->words, err.text);
        return;
    }
    memcpy(new->restarts, old.restarts, sizeof(new->restarts));
    new->nr_restarts = old.nr_restarts;
    rc = ctl_unpause(new->id);
    if (rc < 0)
        notice("domain %s (id %u) was restarted but does not run: %s", old.config.name, new->id,
               tn_xen_error(rc));
    else
        notice("domain %s (id %u) %s: restarted as id %u", old.config.name, old.id, how->words, new->id);
}

static void act_on(struct domain *d, const struct xen_domctl_getdomaininfo *info)
{
    const struct ending *how = ending_of(ctl_shutdown_reason(info));
    char name[TN_NAME_MAX + 1];
    struct tn_error err = { "" };
    domid_t id = d->id;

    if (!how || d->preserved)
        return;         /* suspended: whoever asked for it goes on from here */
    switch (*(const enum tn_action *)((const char *)&d->config + how->action)) {
    case TN_RESTART:
        restart(d, how);
        break;
    case TN_PRESERVE:
        d->preserved = true;
        notice("domain %s (id %u) %s: preserved; tenon destroy %s ends it", d->config.name, id, how->words,
               d->config.name);
        break;
    case TN_DESTROY:
        strcpy(name, d->config.name);
        if (unmake(d, &err) < 0)
            notice("%s", err.text);
        else
            notice("domain %s (id %u) %s: destroyed", name, id, how->words);
        break;
    }
}

/* Deal with the first of our domains that needs it; false when none does. Lock held. */
static bool scan_once(void)
{
    for (struct domain *d = domains; d; d = d->next) {
        struct xen_domctl_getdomaininfo info;
        int rc = ctl_info(d->id, &info);

        if (d->store_event && d->store_port >= 0)
            look_at_store(d);
        if (rc == -XEN_ESRCH || (rc == 0 && info.flags & XEN_DOMINF_dying)) {
            console_detach(d->id);
            forget(d);
            return true;
        }
        if (rc == 0 && info.flags & XEN_DOMINF_shutdown && !d->preserved &&
            ending_of(ctl_shutdown_reason(&info))) {
            act_on(d, &info);
            return true;
        }
    }
    return false;
}

static void on_dom_exc(void *arg)
{
    (void)arg;
    port_wake(&watch_event);
}

static void watch_thread(void *arg)
{
    (void)arg;
    for (;;) {
        bool more;

        port_wait(&watch_event, PORT_FOREVER);
        do {
            port_lock();
            more = scan_once();
            port_unlock();
        } while (more);
    }
}

int domains_start(void (*hook)(const char *line), struct tn_error *err)
{
    int port;

    notice_hook = hook;
    started = port_now();
    port = port_bind_virq(VIRQ_DOM_EXC, on_dom_exc, NULL);
    if (port < 0)
        return tn_fail(err, "watcher: cannot bind the event that says when guests end: %s",
                       tn_xen_error(port));
    if (port_thread("watcher", watch_thread, NULL) < 0)
        return tn_fail(err, "watcher: no memory left for its thread");
    return 0;
}
