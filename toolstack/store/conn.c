/* SPDX-License-Identifier: MIT */
/*
 * Connections and their turns. A connection that has something to do stands once in the ready list; a step
 * serves the first and puts it at the end if there may be more. One turn is one request and a few events.
 *
 * The answer to a request is sent before the next request is read, so that a client which does not take its
 * answers holds up itself alone, and what it can make the store keep is one message each way and its events.
 */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct store_conn *conn_open(struct store *store, struct peer *peer, bool privileged,
                             const struct store_transport *ops, void *transport)
{
    struct store_conn *conn = calloc(1, sizeof(*conn));

    if (!conn)
        return NULL;
    conn->store = store;
    conn->peer = peer;
    conn->privileged = privileged;
    conn->ops = ops;
    conn->transport = transport;
    LIST_INIT(&conn->watches);
    LIST_INIT(&conn->transactions);
    TAILQ_INIT(&conn->events);
    TAILQ_INIT(&conn->merged);
    TAILQ_INSERT_TAIL(&store->conns, conn, all);
    return conn;
}

void conn_clear(struct store_conn *conn)
{
    while (!LIST_EMPTY(&conn->transactions))
        tx_drop(LIST_FIRST(&conn->transactions));
    while (!LIST_EMPTY(&conn->watches))
        watch_drop(LIST_FIRST(&conn->watches));
}

/* Move the kicked ones to the ready list. */
static void collect_kicked(struct store *store)
{
    struct store_conn *conn = __atomic_exchange_n(&store->kicked, NULL, __ATOMIC_ACQUIRE), *next;

    for (; conn; conn = next) {
        next = conn->next_kicked;
        __atomic_store_n(&conn->kicked, false, __ATOMIC_RELEASE);
        if (!conn->queued) {
            conn->queued = true;
            TAILQ_INSERT_TAIL(&store->ready, conn, ready);
        }
    }
}

void conn_close(struct store_conn *conn)
{
    struct store *store = conn->store;

    /* The transport first: after that nothing kicks it. */
    if (conn->ops && conn->ops->closed)
        conn->ops->closed(conn->transport);
    collect_kicked(store);
    conn_clear(conn);
    if (conn->queued)
        TAILQ_REMOVE(&store->ready, conn, ready);
    TAILQ_REMOVE(&store->conns, conn, all);
    free(conn);
}

void conn_ready(struct store_conn *conn)
{
    struct store *store = conn->store;

    if (conn->queued)
        return;
    if (TAILQ_EMPTY(&store->ready))
        store->host.wake(store->host_arg);
    conn->queued = true;
    TAILQ_INSERT_TAIL(&store->ready, conn, ready);
}

void store_kick(struct store_conn *conn)
{
    struct store *store = conn->store;

    if (!__atomic_exchange_n(&conn->kicked, true, __ATOMIC_ACQ_REL)) {
        conn->next_kicked = __atomic_load_n(&store->kicked, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&store->kicked, &conn->next_kicked, conn, false,
                                            __ATOMIC_RELEASE, __ATOMIC_RELAXED))
            ;
    }
    store->host.wake(store->host_arg);
}

/* -- Bytes ----------------------------------------------------------------------------------------------- */

static void cut_off(struct store_conn *conn, uint32_t error, const char *why)
{
    conn->failed = true;
    conn_clear(conn);
    conn->in_bytes = conn->out_sent = conn->out_bytes = 0;
    if (conn->ops->fail)
        conn->ops->fail(conn->transport, error);
    if (!conn->told)
        store_log(conn->store, "domain %u is cut off: %s", conn->peer->domid, why);
    conn->told = true;
}

/* Send what is left of a message; true when nothing is. */
static bool flush(struct store_conn *conn, bool *moved)
{
    long sent;

    if (conn->out_sent == conn->out_bytes)
        return true;
    sent = conn->ops->write(conn->transport, (const char *)&conn->out + conn->out_sent,
                            conn->out_bytes - conn->out_sent);
    if (sent < 0) {
        cut_off(conn, XENSTORE_ERROR_RINGIDX, "the indexes of its answers' ring cannot be");
        return false;
    }
    *moved |= sent > 0;
    conn->out_sent += sent;
    if (conn->out_sent < conn->out_bytes)
        return false;
    conn->out_sent = conn->out_bytes = 0;
    return true;
}

static bool fill_to(struct store_conn *conn, uint32_t want, bool *moved)
{
    long got;

    if (conn->in_bytes >= want)
        return true;
    got = conn->ops->read(conn->transport, (char *)&conn->in + conn->in_bytes, want - conn->in_bytes);
    if (got < 0) {
        cut_off(conn, XENSTORE_ERROR_RINGIDX, "the indexes of its requests' ring cannot be");
        return false;
    }
    *moved |= got > 0;
    conn->in_bytes += got;
    return conn->in_bytes == want;
}

/* A whole request has arrived. */
static bool receive(struct store_conn *conn, bool *moved)
{
    struct message *in = &conn->in;

    if (!fill_to(conn, sizeof(in->header), moved))
        return false;
    if (in->header.len > XENSTORE_PAYLOAD_MAX) {
        cut_off(conn, XENSTORE_ERROR_PROTO, "a request is longer than the protocol allows");
        return false;
    }
    return fill_to(conn, sizeof(in->header) + in->header.len, moved);
}

static void serve_request(struct store_conn *conn)
{
    struct message *in = &conn->in, *out = &conn->out;
    uint32_t bytes = 0;
    int rc;

    in->payload[in->header.len] = '\0';
    rc = request_do(conn, in->header.type, in->header.tx_id, in->payload, in->header.len, out->payload,
                    &bytes);
    out->header = in->header;
    if (rc < 0) {
        out->header.type = XS_ERROR;
        bytes = request_error(rc, out->payload);
    }
    out->header.len = bytes;
    conn->out_bytes = sizeof(out->header) + bytes;
    conn->in_bytes = 0;
}

/* The next event, if there is one, becomes the message to send. */
static bool next_event(struct store_conn *conn)
{
    uint32_t bytes = watch_take(conn, conn->out.payload);

    if (bytes == 0)
        return false;
    conn->out.header = (struct xsd_sockmsg){ .type = XS_WATCH_EVENT, .len = bytes };
    conn->out_bytes = sizeof(conn->out.header) + bytes;
    return true;
}

/* One turn; true when there may be more to do at once. */
static bool serve(struct store_conn *conn, bool *moved)
{
    bool served = false;

    if (!flush(conn, moved))
        return false;
    if (receive(conn, moved)) {
        serve_request(conn);
        served = true;
        if (!flush(conn, moved))
            return false;
    }
    for (unsigned i = 0; i < STORE_SEND && !conn->failed; i++) {
        if (!next_event(conn))
            return served;
        if (!flush(conn, moved))
            return false;
    }
    return !conn->failed;
}

/* Domain-0's own: its events go to a function, which may do whatever it likes but close the connection. */
static bool serve_local(struct store_conn *conn)
{
    for (unsigned i = 0; i < STORE_SEND; i++) {
        const char *path = conn->out.payload;

        if (watch_take(conn, conn->out.payload) == 0)
            return false;
        if (conn->event)
            conn->event(conn->event_arg, path, path + strlen(path) + 1);
    }
    return true;
}

bool store_step(struct store *store)
{
    struct store_conn *conn;
    bool moved = false, more;

    more = tree_reap(&store->common, STORE_REAP);
    collect_kicked(store);
    conn = TAILQ_FIRST(&store->ready);
    if (!conn)
        return more;
    TAILQ_REMOVE(&store->ready, conn, ready);
    conn->queued = false;
    if (!conn->ops) {
        more = serve_local(conn);
    } else {
        if (conn->ops->reset && conn->ops->reset(conn->transport)) {
            conn_clear(conn);
            conn->in_bytes = conn->out_sent = conn->out_bytes = 0;
            conn->failed = false;
            moved = true;
        }
        more = !conn->failed && serve(conn, &moved);
        if (moved)
            conn->ops->notify(conn->transport);
    }
    if (more && !conn->queued) {
        conn->queued = true;
        TAILQ_INSERT_TAIL(&store->ready, conn, ready);
    }
    return !TAILQ_EMPTY(&store->ready) || store->common.dead ||
           __atomic_load_n(&store->kicked, __ATOMIC_RELAXED);
}
