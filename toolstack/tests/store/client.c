/* SPDX-License-Identifier: MIT */
/*
 * Guests with rings, and the host below the store.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 100000u

struct store *store;
struct store_conn *domain0;
char domain0_events[64][256];
unsigned domain0_event_count;
enum store_domain_state domain_states[DOMAINS];
char last_log[256];
uint64_t last_mfn;

/* -- The host -------------------------------------------------------------------------------------------- */

static enum store_domain_state domain_state(void *host, domid_t domid)
{
    (void)host;
    return domid == 0 ? STORE_DOMAIN_RUNS : domid < DOMAINS ? domain_states[domid] : STORE_DOMAIN_NONE;
}

static int introduce(void *host, domid_t domid, xen_pfn_t mfn, evtchn_port_t port)
{
    (void)host;
    (void)port;
    last_mfn = mfn;
    return domain_state(NULL, domid) == STORE_DOMAIN_NONE ? -ENOENT : 0;
}

static void wake(void *host)
{
    (void)host;
}

static void take_log(void *host, const char *line)
{
    (void)host;
    snprintf(last_log, sizeof(last_log), "%s", line);
}

static void domain0_event(void *arg, const char *path, const char *token)
{
    (void)arg;
    if (domain0_event_count < 64)
        snprintf(domain0_events[domain0_event_count++], 256, "%s|%s|", path, token);
}

void store_begins(const struct store_limits *limits)
{
    static const struct store_host host = { domain_state, introduce, wake, take_log };

    memset(domain_states, 0, sizeof(domain_states));
    store = store_create(&host, NULL, limits);
    domain0 = store_local(store, domain0_event, NULL);
    domain0_event_count = 0;
}

void store_ends(void)
{
    store_disconnect(domain0);
    store_destroy(store);
}

/* -- Clients --------------------------------------------------------------------------------------------- */

static void notified(struct store_ring *ring)
{
    ((struct client *)ring)->notified++;
}

static void closed(struct store_ring *ring)
{
    ((struct client *)ring)->closed = true;
}

static struct client *client_begins(void)
{
    struct client *c = calloc(1, sizeof(*c));

    c->page = calloc(1, sizeof(*c->page));
    c->page->req_cons = c->page->req_prod = UINT32_MAX - 40;    /* indexes will wrap */
    store_ring_init(&c->ring, c->page, notified, closed);
    return c;
}

struct client *guest(domid_t domid)
{
    struct client *c = client_begins();

    domain_states[domid] = STORE_DOMAIN_RUNS;
    if (store_introduce(store, domid, &store_ring_transport, &c->ring, &c->conn) < 0)
        abort();
    return c;
}

struct client *administrator(void)
{
    struct client *c = client_begins();

    c->privileged = true;
    c->conn = store_connect(store, 0, true, &store_ring_transport, &c->ring);
    return c;
}

void client_ends(struct client *c)
{
    if (c->privileged)
        store_disconnect(c->conn);
    free(c->page);
    free(c);
}

void run(void)
{
    for (unsigned i = 0; i < STEPS_MAX; i++)
        if (!store_step(store))
            return;
    ok(false, "the store comes to rest");
}

/* -- Messages -------------------------------------------------------------------------------------------- */

size_t push(struct client *c, const void *bytes, size_t count)
{
    struct xenstore_domain_interface *page = c->page;
    size_t room = XENSTORE_RING_SIZE - (page->req_prod - page->req_cons);

    if (count > room)
        count = room;
    for (size_t i = 0; i < count; i++)
        page->req[MASK_XENSTORE_IDX(page->req_prod + i)] = ((const char *)bytes)[i];
    page->req_prod += count;
    store_kick(c->conn);
    return count;
}

static void push_all(struct client *c, const void *bytes, size_t count)
{
    for (unsigned i = 0; count && i < STEPS_MAX; i++) {
        size_t done = push(c, bytes, count);

        bytes = (const char *)bytes + done;
        count -= done;
        if (count) {
            store_step(store);
            c->taken_steps++;
        }
    }
}

void send_message(struct client *c, uint32_t type, uint32_t tx, const void *payload, size_t bytes)
{
    struct xsd_sockmsg header = { type, ++c->req_id, tx, bytes };

    push_all(c, &header, sizeof(header));
    push_all(c, payload, bytes);
}

/* Take exactly so many bytes, stepping until they are there. */
static bool pull(struct client *c, void *bytes, size_t count)
{
    struct xenstore_domain_interface *page = c->page;

    while (count) {
        bool more = true;

        for (; count && page->rsp_cons != page->rsp_prod; count--) {
            *(char *)bytes = page->rsp[MASK_XENSTORE_IDX(page->rsp_cons)];
            bytes = (char *)bytes + 1;
            page->rsp_cons++;
        }
        if (count == 0)
            break;
        store_kick(c->conn);
        while (more && page->rsp_cons == page->rsp_prod) {
            more = store_step(store);
            c->taken_steps++;
        }
        if (page->rsp_cons == page->rsp_prod)
            return false;
    }
    return true;
}

bool take_message(struct client *c, struct xsd_sockmsg *header, char *payload)
{
    return pull(c, header, sizeof(*header)) && header->len <= XENSTORE_PAYLOAD_MAX &&
           pull(c, payload, header->len);
}

static void to_text(char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!bytes[i])
            bytes[i] = '|';
    bytes[count] = '\0';
}

static void keep_event(struct client *c, const char *payload)
{
    if (c->event_count < 64)
        snprintf(c->events[c->event_count++], 256, "%s", payload);
}

static bool await(struct client *c, uint32_t type)
{
    char payload[XENSTORE_PAYLOAD_MAX + 1];
    struct xsd_sockmsg header;

    while (take_message(c, &header, payload)) {
        to_text(payload, header.len);
        if (header.type == XS_WATCH_EVENT) {
            keep_event(c, payload);
            continue;
        }
        c->reply_bytes = header.len;
        if (header.req_id != c->req_id || (header.type != type && header.type != XS_ERROR))
            snprintf(c->reply, sizeof(c->reply), "header of type %u, id %u", header.type, header.req_id);
        else
            snprintf(c->reply, sizeof(c->reply), "%s%s", header.type == XS_ERROR ? "ERROR " : "", payload);
        return true;
    }
    strcpy(c->reply, "no answer");
    return false;
}

const char *ask(struct client *c, uint32_t type, uint32_t tx, const char *payload)
{
    size_t bytes = strlen(payload);
    char *copy = strdup(payload);

    for (size_t i = 0; i < bytes; i++)
        if (copy[i] == '|')
            copy[i] = '\0';
    c->taken_steps = 0;
    send_message(c, type, tx, copy, bytes);
    free(copy);
    await(c, type);
    return c->reply;
}

void says(struct client *c, uint32_t type, uint32_t tx, const char *payload, const char *answer)
{
    static const char *const names[XS_TYPE_COUNT] = {
        "CONTROL", "DIRECTORY", "READ", "GET_PERMS", "WATCH", "UNWATCH", "TRANSACTION_START",
        "TRANSACTION_END", "INTRODUCE", "RELEASE", "GET_DOMAIN_PATH", "WRITE", "MKDIR", "RM", "SET_PERMS",
        "WATCH_EVENT", "ERROR", "IS_DOMAIN_INTRODUCED", "RESUME", "SET_TARGET", "type 20", "RESET_WATCHES",
        "DIRECTORY_PART",
    };
    const char *got = ask(c, type, tx, payload);
    char shown[61];

    snprintf(shown, sizeof(shown), "%s", payload);
    for (char *s = shown; *s; s++)
        if (*s < ' ' || *s > '~')
            *s = '?';
    if (!ok(strcmp(got, answer) == 0, "%s %s%s: %.60s", type < XS_TYPE_COUNT ? names[type] : "unknown type",
            shown, tx ? " in a transaction" : "", answer))
        diag("answered %.200s", got);
}

static void join(char (*events)[256], unsigned count, char *all, size_t room)
{
    all[0] = '\0';
    for (unsigned i = 0; i < count; i++)
        snprintf(all + strlen(all), room - strlen(all), "%s", events[i]);
}

void events_are(struct client *c, const char *all, const char *what)
{
    char payload[XENSTORE_PAYLOAD_MAX + 1], got[sizeof(c->events)];
    struct xsd_sockmsg header;

    while (take_message(c, &header, payload)) {
        to_text(payload, header.len);
        if (header.type != XS_WATCH_EVENT || header.req_id || header.tx_id)
            strcpy(payload, "no event!");
        keep_event(c, payload);
    }
    join(c->events, c->event_count, got, sizeof(got));
    c->event_count = 0;
    if (!ok(strcmp(got, all) == 0, "%s: events %s", what, *all ? all : "none"))
        diag("got %.400s", got);
}

void domain0_events_are(const char *all, const char *what)
{
    char got[sizeof(domain0_events)];

    run();
    join(domain0_events, domain0_event_count, got, sizeof(got));
    domain0_event_count = 0;
    if (!ok(strcmp(got, all) == 0, "%s: domain 0's events %s", what, *all ? all : "none"))
        diag("got %.400s", got);
}

uint32_t begin(struct client *c)
{
    return strtoul(ask(c, XS_TRANSACTION_START, 0, "|"), NULL, 10);
}

void store_is_sound(const char *when)
{
    char reply[XENSTORE_PAYLOAD_MAX];

    if (!ok(store_request(domain0, XS_CONTROL, 0, "check", 6, reply) > 0 && strcmp(reply, "OK") == 0,
            "the store's accounts agree with its tree %s", when))
        diag("%s", reply);
}
