/* SPDX-License-Identifier: MIT */
/*
 * The store service. Each connected guest has a struct guest: its ring, mapped, and its channel, bound. The
 * event handler tells the store which connection has something, the store wakes the thread, and the thread
 * lets it work in steps and yields between them. The store itself is never entered by two threads, because
 * none of its calls waits.
 */
#include "xenstore.h"
#include "control.h"
#include "throttle.h"

#include "../store/ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Each event may be the start of a request, of which a guest that boots makes hundreds in a row: the bound is
 * on storms only.
 */
#define PERIOD_EVENTS 1000u
#define STEPS 64u               /* of the store between two looks at that */

struct guest {
    struct store_ring ring;             /* the transport, hence first */
    struct guest *next;
    domid_t domid;
    void *page;
    struct throttle throttle;           /* with the port */
    struct store_conn *volatile conn;   /* NULL until introduced */
};

static struct store *store;
static struct store_conn *own;
static struct guest *guests;
static struct port_event work;
static void (*log_hook)(const char *line);

/* Event handler: may only note and wake. */
static void on_event(void *arg)
{
    struct guest *g = arg;

    throttle_count(&g->throttle);
    if (g->conn)
        store_kick(g->conn);
}

/* -- The ring's two calls -------------------------------------------------------------------------------- */

static void ring_notify(struct store_ring *ring)
{
    port_notify(((struct guest *)ring)->throttle.port);
}

static void ring_closed(struct store_ring *ring)
{
    struct guest *gone = (struct guest *)ring, **link = &guests;

    port_unbind(gone->throttle.port);
    port_unmap_foreign(gone->page, 1);
    while (*link != gone)
        link = &(*link)->next;
    *link = gone->next;
    free(gone);
}

/* -- Connecting ------------------------------------------------------------------------------------------ */

static bool connected(domid_t domid)
{
    for (const struct guest *g = guests; g; g = g->next)
        if (g->domid == domid)
            return true;
    return false;
}

/* Map, bind, introduce; a negative error of <errno.h>, with *what it was about. [waits] */
static int attach(domid_t domid, xen_pfn_t mfn, evtchn_port_t port, const char **what)
{
    struct guest *g = calloc(1, sizeof(*g));
    int rc = -ENOMEM;

    *what = "cannot have its connection";
    if (!g)
        return rc;
    *what = "cannot map the page of its ring";
    g->domid = domid;
    g->page = port_map_foreign(domid, &mfn, 1);
    if (!g->page)
        goto fail;
    *what = "cannot bind its event channel";
    g->throttle.port = port_bind_interdomain(domid, port, on_event, g);
    if (g->throttle.port < 0) {
        rc = -EINVAL;
        goto fail_map;
    }
    *what = "the store does not take it";
    store_ring_init(&g->ring, g->page, ring_notify, ring_closed);
    rc = connected(domid) ? -EISCONN :
         store_introduce(store, domid, &store_ring_transport, &g->ring, (struct store_conn **)&g->conn);
    if (rc < 0)
        goto fail_port;
    g->next = guests;
    guests = g;
    store_kick(g->conn);
    return 0;

fail_port:
    port_unbind(g->throttle.port);
fail_map:
    port_unmap_foreign(g->page, 1);
fail:
    free(g);
    return rc;
}

int xenstore_attach(domid_t domid, const char *name, xen_pfn_t mfn, evtchn_port_t port, struct tn_error *err)
{
    const char *what;
    int rc = attach(domid, mfn, port, &what);

    return rc == 0 ? 0 : tn_fail(err, "domain %s: store: %s: %s", name, what, xenstore_error(rc));
}

void xenstore_detach(domid_t domid)
{
    store_release(store, domid);
}

void xenstore_domains_changed(void)
{
    store_domains_changed(store);
}

/* -- What the store asks of its host --------------------------------------------------------------------- */

static enum store_domain_state host_domain_state(void *host, domid_t domid)
{
    struct xen_domctl_getdomaininfo info;

    if (ctl_info(domid, &info) < 0 || info.flags & XEN_DOMINF_dying)
        return STORE_DOMAIN_NONE;
    return info.flags & XEN_DOMINF_shutdown ? STORE_DOMAIN_SHUTDOWN : STORE_DOMAIN_RUNS;
}

static int host_introduce(void *host, domid_t domid, xen_pfn_t mfn, evtchn_port_t port)
{
    const char *what;

    return attach(domid, mfn, port, &what);
}

/* Also out of event handlers. */
static void host_wake(void *host)
{
    port_wake(&work);
}

static void host_log(void *host, const char *line)
{
    log_hook(line);
}

static const struct store_host host = {
    .domain_state = host_domain_state,
    .introduce = host_introduce,
    .wake = host_wake,
    .log = host_log,
};

/* -- The thread ------------------------------------------------------------------------------------------ */

/* When the next masked channel may be heard again. */
static uint64_t check_storms(void)
{
    uint64_t again = PORT_FOREVER, now = port_now();

    for (struct guest *g = guests; g; g = g->next) {
        bool unmasked;
        uint64_t wanted = throttle_check(&g->throttle, PERIOD_EVENTS, now, &unmasked);

        if (unmasked && g->conn)
            store_kick(g->conn);
        if (wanted < again)
            again = wanted;
    }
    return again;
}

static void store_thread(void *arg)
{
    for (;;) {
        uint64_t again = check_storms(), now = port_now();
        unsigned steps = 0;

        while (steps < STEPS && store_step(store)) {
            steps++;
            port_yield();
        }
        if (steps < STEPS)
            port_wait(&work, again == PORT_FOREVER ? PORT_FOREVER : again > now ? again - now : 1);
    }
}

int xenstore_start(void (*log)(const char *line), struct tn_error *err)
{
    log_hook = log;
    store = store_create(&host, NULL, NULL);
    own = store ? store_local(store, NULL, NULL) : NULL;
    if (!own || port_thread("store", store_thread, NULL) < 0)
        return tn_fail(err, "store: no memory left to start it: raise dom0_mem");
    return 0;
}

struct store_conn *xenstore_conn(void)
{
    return own;
}

struct store_conn *xenstore_open(void (*event)(void *arg, const char *path, const char *token), void *arg)
{
    return store_local(store, event, arg);
}

const char *xenstore_error(int rc)
{
    static const struct {
        int number;
        const char *words;
    } meanings[] = {
        { ENOENT, "no such node (ENOENT)" },
        { EINVAL, "refused as invalid (EINVAL)" },
        { EACCES, "access is refused (EACCES)" },
        { EEXIST, "exists already (EEXIST)" },
        { ENOMEM, "no memory left (ENOMEM)" },
        { ENOSPC, "a quota is used up (ENOSPC)" },
        { E2BIG, "too large (E2BIG)" },
        { EAGAIN, "others changed it meanwhile (EAGAIN)" },
        { EBUSY, "in use (EBUSY)" },
        { EISCONN, "it is connected already (EISCONN)" },
        { EPERM, "this domain may not do that (EPERM)" },
    };

    for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
        if (meanings[i].number == -rc)
            return meanings[i].words;
    return strerror(-rc);
}
