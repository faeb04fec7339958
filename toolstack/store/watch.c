/* SPDX-License-Identifier: MIT */
/*
 * Watches and their events. Watched places form a tree of their own, so that a change finds the watches above
 * it on the way down its path, and a removal finds those below.
 *
 * Events wait in a queue of their client. An event that is in the queue already, for the same watch and
 * path, is not queued again. When the queue is full, the watch is marked instead, and when there is room
 * again one event of the watched path itself stands for all that were left out: the protocol allows events
 * that nothing caused, and the client looks at everything below. So a client that stops reading takes
 * bounded memory, and when it goes on it learns of every place where something happened.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- Places ---------------------------------------------------------------------------------------------- */

struct watched *watched_new(struct watched *parent, const char *name, size_t length)
{
    struct watched *place = calloc(1, sizeof(*place) + length);

    if (!place)
        return NULL;
    memcpy(place->text, name, length);
    place->named = (struct named){ place->text, length };
    place->parent = parent;
    TAILQ_INIT(&place->watches);
    return place;
}

void watched_free(struct watched *place)
{
    if (place)
        names_free(&place->children);       /* room for children that did not come */
    free(place);
}

static struct watched *tree_of(struct store *store, const char *path)
{
    return *path == '@' ? store->specials : store->places;
}

static struct watched *child_of(const struct watched *place, const char *name, size_t length)
{
    uint32_t at;

    return names_find(&place->children, name, length, &at) ? (struct watched *)place->children.at[at] : NULL;
}

/* Give back places that nobody watches, upwards from this one. */
static void trim(struct watched *place)
{
    while (place->parent && TAILQ_EMPTY(&place->watches) && place->children.count == 0) {
        struct watched *parent = place->parent;
        uint32_t at;

        names_find(&parent->children, place->named.name, place->named.length, &at);
        names_drop(&parent->children, at);
        watched_free(place);
        place = parent;
    }
}

static struct watched *place_at(struct store *store, const char *path)
{
    struct watched *place = tree_of(store, path);
    const char *name;
    size_t length;

    while (path_next(&path, &name, &length)) {
        struct watched *child = child_of(place, name, length);
        uint32_t at;

        if (!child) {
            child = names_reserve(&place->children) ? watched_new(place, name, length) : NULL;
            if (!child) {
                trim(place);
                return NULL;
            }
            names_find(&place->children, name, length, &at);
            names_put(&place->children, at, &child->named);
        }
        place = child;
    }
    return place;
}

/* The place behind this one, each before its children, below `top`. */
static struct watched *next_below(const struct watched *top, const struct watched *place)
{
    if (place->children.count)
        return (struct watched *)place->children.at[0];
    while (place != top) {
        const struct watched *parent = place->parent;
        uint32_t at;

        names_find(&parent->children, place->named.name, place->named.length, &at);
        if (at + 1 < parent->children.count)
            return (struct watched *)parent->children.at[at + 1];
        place = parent;
    }
    return NULL;
}

/* -- Events ---------------------------------------------------------------------------------------------- */

static void drop_event(struct store_conn *conn, struct event *event)
{
    TAILQ_REMOVE(&conn->events, event, next);
    event->watch->pending--;
    conn->event_count--;
    conn_uncharge(conn, sizeof(*event) + event->bytes);
    free(event);
}

static bool queued_already(const struct watch *watch, const char *path, uint32_t bytes)
{
    const struct event *event;

    if (watch->pending)
        TAILQ_FOREACH(event, &watch->conn->events, next)
            if (event->watch == watch && event->bytes == bytes && memcmp(event->path, path, bytes) == 0)
                return true;
    return false;
}

static bool enqueue(struct watch *watch, const char *path, uint32_t bytes)
{
    struct store_conn *conn = watch->conn;
    uint32_t limit = conn->privileged ? STORE_PRIVILEGED_EVENTS : conn->store->limits.events;
    struct event *event;

    if (conn->event_count >= limit || !conn_charge(conn, sizeof(*event) + bytes))
        return false;
    event = malloc(sizeof(*event) + bytes);
    if (!event) {
        conn_uncharge(conn, sizeof(*event) + bytes);
        return false;
    }
    event->watch = watch;
    event->bytes = bytes;
    memcpy(event->path, path, bytes);
    TAILQ_INSERT_TAIL(&conn->events, event, next);
    conn->event_count++;
    watch->pending++;
    return true;
}

static void add_event(struct watch *watch, const char *path)
{
    uint32_t bytes = strlen(path) + 1;

    if (watch->merged || queued_already(watch, path, bytes))
        return;
    if (!enqueue(watch, path, bytes)) {
        watch->merged = true;
        TAILQ_INSERT_TAIL(&watch->conn->merged, watch, merged_next);
    }
    conn_ready(watch->conn);
}

static bool may_know(const struct store_conn *conn, const struct change *change)
{
    return (change->before && (perms_allow(conn, change->before) & MAY_READ)) ||
           (change->after && (perms_allow(conn, change->after) & MAY_READ)) ||
           (change->parent && (perms_allow(conn, change->parent) & MAY_READ));
}

static int levels(const char *path)
{
    const char *name;
    size_t length;
    int count = 0;

    while (path_next(&path, &name, &length))
        count++;
    return count;
}

/* `below`: how many levels the path is below the place. */
static void fire_place(const struct watched *place, const char *path, int below, const struct change *change)
{
    struct watch *watch;

    TAILQ_FOREACH(watch, &place->watches, same_place)
        if ((watch->depth < 0 || below <= watch->depth) && may_know(watch->conn, change))
            add_event(watch, path);
}

void watch_fire(struct store *store, const char *path, const struct change *change)
{
    const struct watched *place = tree_of(store, path);
    const char *name, *rest = path;
    size_t length;
    int below = levels(path);

    while (place) {
        fire_place(place, path, below--, change);
        if (!path_next(&rest, &name, &length))
            break;
        place = child_of(place, name, length);
    }
}

void watch_fire_below(struct store *store, struct node *top, const char *path)
{
    struct watched *start = tree_of(store, path), *place;
    const char *name, *rest = path;
    size_t length, skip = strlen(path);

    while (start && path_next(&rest, &name, &length))
        start = child_of(start, name, length);
    if (!start)
        return;
    for (place = next_below(start, start); place; place = next_below(start, place)) {
        struct watch *watch = TAILQ_FIRST(&place->watches);
        struct tree_place gone;

        if (!watch)
            continue;
        tree_find(top, watch->path + skip, &gone);
        if (gone.node)
            fire_place(place, watch->path, 0, &(struct change){ .before = gone.node->perms,
                                                                .parent = gone.parent->perms });
    }
}

void watch_fire_special(struct store *store, const char *name, const struct perms *perms)
{
    watch_fire(store, name, &(struct change){ .after = perms });
}

uint32_t watch_take(struct store_conn *conn, char *payload)
{
    struct event *event = TAILQ_FIRST(&conn->events);
    struct watch *watch = event ? event->watch : TAILQ_FIRST(&conn->merged);
    uint32_t path_bytes, token_bytes;

    if (!watch)
        return 0;
    path_bytes = event ? event->bytes - watch->home : strlen(watch->path) + 1 - watch->home;
    token_bytes = strlen(watch->token) + 1;
    memcpy(payload, (event ? event->path : watch->path) + watch->home, path_bytes);
    memcpy(payload + path_bytes, watch->token, token_bytes);
    if (event) {
        drop_event(conn, event);
    } else {
        TAILQ_REMOVE(&conn->merged, watch, merged_next);
        watch->merged = false;
    }
    return path_bytes + token_bytes;
}

/* -- Watches --------------------------------------------------------------------------------------------- */

static struct watch *find_watch(struct store_conn *conn, const char *path, const char *token)
{
    struct watch *watch;

    LIST_FOREACH(watch, &conn->watches, same_conn)
        if (strcmp(watch->path, path) == 0 && strcmp(watch->token, token) == 0)
            return watch;
    return NULL;
}

int watch_add(struct store_conn *conn, const char *path, size_t home, const char *token, int depth)
{
    size_t path_bytes = strlen(path) + 1, bytes = path_bytes + strlen(token) + 1;
    /* As if no place on the way were shared: then the charge is right whoever is the last to leave. */
    size_t cost = sizeof(struct watch) + bytes + levels(path) * (sizeof(struct watched) + 8) + path_bytes;
    struct watch *watch;

    if (find_watch(conn, path, token))
        return -EEXIST;
    if (!conn->privileged && conn->peer->watches >= conn->store->limits.watches)
        return -E2BIG;
    if (!conn_charge(conn, cost))
        return -ENOMEM;
    watch = calloc(1, sizeof(*watch) + bytes);
    if (!watch || !(watch->place = place_at(conn->store, path))) {
        free(watch);
        conn_uncharge(conn, cost);
        return -ENOMEM;
    }
    watch->conn = conn;
    watch->cost = cost;
    watch->depth = depth;
    watch->home = home;
    watch->path = memcpy(watch->text, path, path_bytes);
    watch->token = memcpy(watch->text + path_bytes, token, bytes - path_bytes);
    TAILQ_INSERT_TAIL(&watch->place->watches, watch, same_place);
    LIST_INSERT_HEAD(&conn->watches, watch, same_conn);
    conn->peer->watches++;
    add_event(watch, path);
    return 0;
}

void watch_drop(struct watch *watch)
{
    struct store_conn *conn = watch->conn;
    struct event *event, *next;

    if (watch->pending) {
        for (event = TAILQ_FIRST(&conn->events); event; event = next) {
            next = TAILQ_NEXT(event, next);
            if (event->watch == watch) {
                drop_event(conn, event);
            }
        }
    }
    if (watch->merged)
        TAILQ_REMOVE(&conn->merged, watch, merged_next);
    TAILQ_REMOVE(&watch->place->watches, watch, same_place);
    LIST_REMOVE(watch, same_conn);
    conn->peer->watches--;
    conn_uncharge(conn, watch->cost);
    trim(watch->place);
    free(watch);
}

int watch_remove(struct store_conn *conn, const char *path, const char *token)
{
    struct watch *watch = find_watch(conn, path, token);

    if (!watch)
        return -ENOENT;
    watch_drop(watch);
    return 0;
}
