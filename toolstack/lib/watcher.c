/* SPDX-License-Identifier: MIT */
/*
 * The watcher: a thread that learns of every domain's end and does what the configuration says: destroys it,
 * makes it again, or keeps it.
 */
#include "domains_private.h"

#include "xenstore.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <xen/errno.h>
#include <xen/sched.h>

#define RESTART_PAUSE   500000000ull        /* ns between an end and the restart */

static struct port_event watch_event;
static void (*notice_hook)(const char *line);

static __attribute__((format(printf, 1, 2))) void notice(const char *fmt, ...)
{
    char line[320];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    notice_hook(line);
}

/* What each way to end means, and which of the configuration's actions it takes. */
static const struct ending {
    unsigned reason;
    const char *words;
    size_t action;              /* offset into struct tn_config */
} endings[] = {
    { SHUTDOWN_poweroff, "powered off", offsetof(struct tn_config, on_poweroff) },
    { SHUTDOWN_reboot, "asked for a reboot", offsetof(struct tn_config, on_reboot) },
    { SHUTDOWN_crash, "crashed", offsetof(struct tn_config, on_crash) },
    { SHUTDOWN_watchdog, "was stopped by its watchdog", offsetof(struct tn_config, on_watchdog) },
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

/* Give the ended domain another name, so that it can stay beside its successor. */
static int set_aside(struct domain *d, struct tn_error *err)
{
    char name[TN_NAME_MAX + 1];
    unsigned n = 0;

    do
        snprintf(name, sizeof(name), "%.*s-%u", TN_NAME_MAX - 6, d->config.name, ++n);
    while (n < 9999 && domain_by_name(name));
    d->preserved = true;
    return domain_rename(d->id, name, err);
}

/* Make it once more, of the configuration in `old`. Lock held. */
static void make_again(const struct domain *old, const struct ending *how)
{
    struct tn_error err = { "" };
    struct domain *new;
    int rc;

    port_sleep(RESTART_PAUSE);
    if (domain_make(&old->config, &new, &err) < 0) {
        notice("domain %s %s, and could not be restarted: %s", old->config.name, how->words, err.text);
        return;
    }
    memcpy(new->restarts, old->restarts, sizeof(new->restarts));
    new->nr_restarts = old->nr_restarts;
    rc = ctl_unpause(new->id);
    if (rc < 0)
        notice("domain %s (id %u) was restarted but does not run: %s", old->config.name, new->id,
               tn_xen_error(rc));
    else
        notice("domain %s (id %u) %s: restarted as id %u", old->config.name, old->id, how->words, new->id);
}

static void restart(struct domain *d, const struct ending *how, bool keep)
{
    bool allowed = restart_allowed(d);
    struct domain old = *d;
    struct tn_error err = { "" };

    if (keep && allowed)
        memset(old.config.uuid, 0, sizeof(old.config.uuid));    /* the one that is kept keeps it */
    if (keep && allowed ? set_aside(d, &err) < 0 : domain_unmake(d, &err) < 0)
        notice("%s", err.text);
    else if (allowed)
        make_again(&old, how);
    else
        notice("domain %s (id %u) %s: ended %u times within %u s, so not restarted: see tenon console %s",
               old.config.name, old.id, how->words, RESTARTS_MAX + 1,
               (unsigned)(RESTARTS_PERIOD / 1000000000), old.config.name);
}

static void end(struct domain *d, const struct ending *how)
{
    char name[TN_NAME_MAX + 1];
    struct tn_error err = { "" };
    domid_t id = d->id;

    strcpy(name, d->config.name);
    if (domain_unmake(d, &err) < 0)
        notice("%s", err.text);
    else
        notice("domain %s (id %u) %s: destroyed", name, id, how->words);
}

static void act_on(struct domain *d, const struct ending *how)
{
    enum tn_action action = *(const enum tn_action *)((const char *)&d->config + how->action);

    switch (action) {
    case TN_RESTART:
    case TN_RENAME_RESTART:
        restart(d, how, action == TN_RENAME_RESTART);
        break;
    case TN_PRESERVE:
        d->preserved = true;
        notice("domain %s (id %u) %s: preserved; tenon destroy %s ends it", d->config.name, d->id, how->words,
               d->config.name);
        break;
    case TN_DESTROY:
        end(d, how);
        break;
    }
}

/*
 * Deal with the first of our domains that needs it; false when none does. One that is suspended is left to
 * whoever asked for that. Lock held.
 */
static bool scan_once(void)
{
    for (struct domain *d = domains_first(); d; d = d->next) {
        struct xen_domctl_getdomaininfo info;
        const struct ending *how;
        int rc = ctl_info(d->id, &info);

        if (rc == -XEN_ESRCH || (rc == 0 && info.flags & XEN_DOMINF_dying)) {
            domain_drop(d);
            return true;
        }
        how = rc == 0 && info.flags & XEN_DOMINF_shutdown ? ending_of(ctl_shutdown_reason(&info)) : NULL;
        if (how && !d->preserved) {
            act_on(d, how);
            return true;
        }
    }
    return false;
}

/* Event handler: may only note and wake. */
static void on_dom_exc(void *arg)
{
    port_wake(&watch_event);
}

static void watch_thread(void *arg)
{
    for (;;) {
        bool more;

        port_wait(&watch_event, PORT_FOREVER);
        xenstore_domains_changed();
        do {
            port_lock();
            more = scan_once();
            port_unlock();
        } while (more);
    }
}

int watcher_start(void (*hook)(const char *line), struct tn_error *err)
{
    int port;

    notice_hook = hook;
    port = port_bind_virq(VIRQ_DOM_EXC, on_dom_exc, NULL);
    if (port < 0)
        return tn_fail(err, "watcher: cannot bind the event that says when guests end: %s",
                       tn_xen_error(port));
    if (port_thread("watcher", watch_thread, NULL) < 0)
        return tn_fail(err, "watcher: no memory left for its thread");
    return 0;
}
