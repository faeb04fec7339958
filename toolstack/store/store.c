/* SPDX-License-Identifier: MIT */
/*
 * The store as a whole: its life, and that of its domains.
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct store_limits store_limits_default = {
    .nodes = 1000,
    .node_bytes = 2048,
    .perms = 5,
    .watches = 128,
    .transactions = 10,
    .transaction_nodes = 1024,
    .path = XENSTORE_REL_PATH_MAX,
    .events = 256,
    .memory = 2u << 20,
};

void store_log(struct store *store, const char *fmt, ...)
{
    static const char prefix[] = "xenstore: ";
    char line[200];
    va_list ap;

    memcpy(line, prefix, sizeof(prefix));
    va_start(ap, fmt);
    vsnprintf(line + sizeof(prefix) - 1, sizeof(line) - sizeof(prefix) + 1, fmt, ap);
    va_end(ap);
    for (char *c = line; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    store->host.log(store->host_arg, line);
}

/* -- The store ------------------------------------------------------------------------------------------- */

static bool make_tree(struct store *store)
{
    struct store_perm nobody = { 0, 'n' };
    struct perms *perms = perms_new(&nobody, 1, store->common.clock);

    if (!perms)
        return false;
    store->root = node_new(&store->common, "", 0, perms);
    store->introduce_perms = perms;
    store->release_perms = perms_get(perms);
    if (!store->root)
        return false;
    store->common.bytes += sizeof(struct named *);      /* our own pointer is the root's slot */
    account_add(store, NULL, store->self, (struct account){ 1, node_bytes(store->root) });
    return true;
}

struct store *store_create(const struct store_host *host, void *arg, const struct store_limits *limits)
{
    struct store *store = calloc(1, sizeof(*store));

    if (!store)
        return NULL;
    store->host = *host;
    store->host_arg = arg;
    store->limits = limits ? *limits : store_limits_default;
    TAILQ_INIT(&store->transactions);
    TAILQ_INIT(&store->conns);
    TAILQ_INIT(&store->ready);
    store->self = calloc(1, sizeof(*store->self));
    store->places = watched_new(NULL, "", 0);
    store->specials = watched_new(NULL, "", 0);
    if (store->self) {
        store->self->introduced = true;
        LIST_INSERT_HEAD(&store->peers[0], store->self, chain);
    }
    if (!store->self || !store->places || !store->specials || !make_tree(store)) {
        store_destroy(store);
        return NULL;
    }
    return store;
}

void store_destroy(struct store *store)
{
    while (!TAILQ_EMPTY(&store->conns))
        conn_close(TAILQ_FIRST(&store->conns));
    for (unsigned i = 0; i < STORE_PEER_CHAINS; i++) {
        while (!LIST_EMPTY(&store->peers[i])) {
            struct peer *peer = LIST_FIRST(&store->peers[i]);

            LIST_REMOVE(peer, chain);
            free(peer);
        }
    }
    if (store->root)
        node_put(&store->common, store->root);
    while (tree_reap(&store->common, STORE_REAP))
        ;
    if (store->introduce_perms)
        perms_put(store->introduce_perms);
    if (store->release_perms)
        perms_put(store->release_perms);
    watched_free(store->places);
    watched_free(store->specials);
    free(store);
}

/* -- Connections and domains ----------------------------------------------------------------------------- */

struct store_conn *store_connect(struct store *store, domid_t domid, bool privileged,
                                 const struct store_transport *ops, void *transport)
{
    struct peer *peer = peer_know(store, domid);
    struct store_conn *conn = peer ? conn_open(store, peer, privileged, ops, transport) : NULL;

    if (conn)
        conn_ready(conn);
    return conn;
}

void store_disconnect(struct store_conn *conn)
{
    conn->ops = NULL;
    conn_close(conn);
}

struct store_conn *store_local(struct store *store,
                               void (*event)(void *arg, const char *path, const char *token), void *arg)
{
    struct store_conn *conn = conn_open(store, store->self, true, NULL, NULL);

    if (conn) {
        conn->event = event;
        conn->event_arg = arg;
    }
    return conn;
}

int store_introduce(struct store *store, domid_t domid, const struct store_transport *ops, void *transport,
                    struct store_conn **conn)
{
    struct peer *peer = peer_know(store, domid);

    if (!peer)
        return store->host.domain_state(store->host_arg, domid) == STORE_DOMAIN_NONE ? -ENOENT : -ENOMEM;
    if (peer->introduced)
        return -EISCONN;
    *conn = conn_open(store, peer, false, ops, transport);
    if (!*conn)
        return -ENOMEM;
    peer->introduced = true;
    conn_ready(*conn);
    watch_fire_special(store, "@introduceDomain", store->introduce_perms);
    return 0;
}

int store_release(struct store *store, domid_t domid)
{
    struct peer *peer = peer_find(store, domid);
    bool told;

    if (!peer || peer == store->self)
        return -ENOENT;
    told = peer->introduced;
    peer_forget(store, peer);
    if (told)
        watch_fire_special(store, "@releaseDomain", store->release_perms);
    return 0;
}

void store_domains_changed(struct store *store)
{
    for (unsigned i = 0; i < STORE_PEER_CHAINS; i++) {
        struct peer *peer, *next;

        for (peer = LIST_FIRST(&store->peers[i]); peer; peer = next) {
            next = LIST_NEXT(peer, chain);
            if (peer == store->self)
                continue;
            switch (store->host.domain_state(store->host_arg, peer->domid)) {
            case STORE_DOMAIN_NONE:
                store_release(store, peer->domid);
                break;
            case STORE_DOMAIN_SHUTDOWN:
                if (peer->introduced && !peer->shutdown_told) {
                    peer->shutdown_told = true;
                    watch_fire_special(store, "@releaseDomain", store->release_perms);
                }
                break;
            case STORE_DOMAIN_RUNS:
                break;
            }
        }
    }
}
