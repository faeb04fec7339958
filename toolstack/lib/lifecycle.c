/* SPDX-License-Identifier: MIT */
/*
 * Requests to guests. What was set here goes into the domain's configuration, too, so that it still holds
 * after a restart.
 */
#include "lifecycle.h"

#include "domains_private.h"
#include "guest_tree.h"
#include "xenstore.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The domain of this id, which must be one that was made here and has not ended. */
static struct domain *running(domid_t domid, const char *what, struct tn_error *err)
{
    struct domain *d = domain_by_id(domid);

    if (domid == 0)
        tn_fail(err, "domain " DOMAIN_0 ": %s is not for the domain that runs this command", what);
    else if (!d)
        tn_fail(err, "domain id %u: %s: it was not made by this toolstack", domid, what);
    else if (lifecycle_ended(domid))
        tn_fail(err, "domain %s: %s: it has ended: tenon destroy %s removes it", d->config.name, what,
                d->config.name);
    else
        return d;
    return NULL;
}

static int refused(const struct domain *d, const char *node, int rc, struct tn_error *err)
{
    return tn_fail(err, "domain %s: cannot write its node %s: %s", d->config.name, node, xenstore_error(rc));
}

static void node_path(char path[GUEST_TREE_PATH], domid_t domid, const char *node)
{
    snprintf(path, GUEST_TREE_PATH, "/local/domain/%u/%s", domid, node);
}

static int write_node(const struct domain *d, const char *node, const char *value, struct tn_error *err)
{
    char path[GUEST_TREE_PATH];
    int rc;

    node_path(path, d->id, node);
    rc = store_write(xenstore_conn(), 0, path, value, strlen(value));
    return rc < 0 ? refused(d, node, rc, err) : 0;
}

/* -- Shutdown -------------------------------------------------------------------------------------------- */

#define SHUTDOWN_NODE "control/shutdown"

bool lifecycle_ended(domid_t domid)
{
    struct xen_domctl_getdomaininfo info;

    return ctl_info(domid, &info) < 0 || info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying);
}

int lifecycle_request(domid_t domid, const char *request, struct tn_error *err)
{
    struct domain *d = running(domid, request, err);
    struct xen_domctl_getdomaininfo info;

    if (!d)
        return -1;
    if (ctl_info(domid, &info) == 0 && info.flags & XEN_DOMINF_paused)
        return tn_fail(err, "domain %s: %s: it is paused and cannot act: tenon unpause %s, or tenon destroy"
                            " %s", d->config.name, request, d->config.name, d->config.name);
    return write_node(d, SHUTDOWN_NODE, request, err);
}

/* A guest takes a request by emptying the node, or by ending. */
static bool taken(domid_t domid, const char *request)
{
    char path[GUEST_TREE_PATH], value[32];
    int rc;

    node_path(path, domid, SHUTDOWN_NODE);
    rc = store_read(xenstore_conn(), 0, path, value, sizeof(value));
    return rc == -ENOENT || (rc >= 0 && strcmp(value, request) != 0) || lifecycle_ended(domid);
}

/* Event of the watch on the node. */
static void on_change(void *arg, const char *path, const char *token)
{
    port_wake(arg);
}

int lifecycle_wait_ack(domid_t domid, const char *request, uint64_t deadline, struct tn_error *err)
{
    struct port_event changed = { 0 };
    struct store_conn *watcher = xenstore_open(on_change, &changed);
    const struct domain *d;
    char path[GUEST_TREE_PATH];
    const char *name;
    uint64_t now;
    int rc = -ENOMEM;

    node_path(path, domid, SHUTDOWN_NODE);
    if (watcher)
        rc = store_watch(watcher, path, "shutdown", -1);
    while (rc >= 0 && !taken(domid, request) && (now = port_now()) < deadline)
        port_wait(&changed, deadline - now);
    if (watcher)
        store_disconnect(watcher);
    if (rc < 0)
        return tn_fail(err, "domain id %u: cannot watch its node " SHUTDOWN_NODE ": %s", domid,
                       xenstore_error(rc));
    if (taken(domid, request))
        return 0;
    d = domain_by_id(domid);
    if (!d)
        return tn_fail(err, "domain id %u does not listen to xenstore", domid);
    name = d->config.name;
    if (write_node(d, SHUTDOWN_NODE, "", err) < 0)
        return -1;
    return tn_fail(err, "domain %s: no answer to %s within %u s: its kernel may not listen to xenstore: see"
                        " tenon console %s, or end it with tenon destroy %s", name, request,
                   (unsigned)(LIFECYCLE_ACK_NS / 1000000000), name, name);
}

int lifecycle_sysrq(domid_t domid, char key, struct tn_error *err)
{
    const char text[2] = { key };
    struct domain *d = running(domid, "sysrq", err);

    return d ? write_node(d, "control/sysrq", text, err) : -1;
}

/* -- Memory ---------------------------------------------------------------------------------------------- */

/* The least that a guest may be asked to go down to. */
#define MEMORY_MIN_KIB 1024u

static int set_limit(const struct domain *d, uint64_t kib, struct tn_error *err)
{
    int rc = ctl_max_mem(d->id, kib);

    return rc == 0 ? 0 : tn_fail(err, "domain %s: its memory limit cannot be set to %" PRIu64 " KiB: %s",
                                 d->config.name, kib, tn_xen_error(rc));
}

static int write_memory(const struct domain *d, const char *node, uint64_t kib, struct tn_error *err)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, kib);
    return write_node(d, node, text, err);
}

/* More than there is cannot be had, and a guest that waits for it says nothing. */
static int check_free(const struct domain *d, uint64_t kib, struct tn_error *err)
{
    struct xen_domctl_getdomaininfo info;
    struct xen_sysctl_physinfo machine;
    uint64_t own, free;
    int rc = ctl_info(d->id, &info);

    if (rc == 0)
        rc = ctl_physinfo(&machine);
    if (rc < 0)
        return tn_fail(err, "domain %s: cannot learn how much memory is free: %s", d->config.name,
                       tn_xen_error(rc));
    own = info.tot_pages * (PORT_PAGE_SIZE >> 10);
    free = (machine.free_pages + machine.scrub_pages - machine.outstanding_pages) * (PORT_PAGE_SIZE >> 10);
    if (kib <= own + free)
        return 0;
    return tn_fail(err, "domain %s: has %" PRIu64 " MB, and %" PRIu64 " MB are free: not enough for %" PRIu64
                        " MB", d->config.name, own >> 10, free >> 10, kib >> 10);
}

int lifecycle_set_memory(domid_t domid, uint64_t kib, struct tn_error *err)
{
    struct domain *d = running(domid, "mem-set", err);

    if (!d)
        return -1;
    if (kib < MEMORY_MIN_KIB)
        return tn_fail(err, "domain %s: %" PRIu64 " KiB of memory are too little: give at least %u",
                       d->config.name, kib, MEMORY_MIN_KIB);
    if (kib > (uint64_t)d->config.maxmem_mb << 10)
        return tn_fail(err, "domain %s: its maximum is %u MB: give less, or set maxmem= in its configuration",
                       d->config.name, d->config.maxmem_mb);
    if (check_free(d, kib, err) < 0 || set_limit(d, kib, err) < 0 ||
        write_memory(d, "memory/target", kib, err) < 0)
        return -1;
    d->config.memory_mb = kib >> 10;
    return 0;
}

int lifecycle_set_maxmem(domid_t domid, uint64_t kib, struct tn_error *err)
{
    struct domain *d = running(domid, "mem-max", err);

    if (!d)
        return -1;
    if (kib < (uint64_t)d->config.memory_mb << 10)
        return tn_fail(err, "domain %s: its memory is set to %u MB, and a maximum must not be lower: use"
                            " tenon mem-set first", d->config.name, d->config.memory_mb);
    if (kib >> 10 > TN_MAX_MEMORY_MB)
        return tn_fail(err, "domain %s: a maximum of %" PRIu64 " MB is beyond what a domain can have: %u MB",
                       d->config.name, kib >> 10, TN_MAX_MEMORY_MB);
    if (set_limit(d, kib, err) < 0 || write_memory(d, "memory/static-max", kib, err) < 0)
        return -1;
    d->config.maxmem_mb = kib >> 10;
    return 0;
}

/* -- vCPUs ----------------------------------------------------------------------------------------------- */

int lifecycle_set_vcpus(domid_t domid, unsigned count, struct tn_error *err)
{
    struct domain *d = running(domid, "vcpu-set", err);
    int rc;

    if (!d)
        return -1;
    if (!count || count > d->config.maxvcpus)
        return tn_fail(err, "domain %s: it can use 1 to %u vCPUs, not %u: set maxvcpus= in its configuration",
                       d->config.name, d->config.maxvcpus, count);
    rc = guest_tree_set_vcpus(xenstore_conn(), domid, count, d->config.maxvcpus);
    if (rc < 0)
        return refused(d, "cpu", rc, err);
    d->config.vcpus = count;
    return 0;
}
