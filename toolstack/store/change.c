/* SPDX-License-Identifier: MIT */
/*
 * Requests that change a tree. Each first checks everything, permissions and limits, then notes the change in
 * its transaction, then makes it, then tells watches.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- Common steps ---------------------------------------------------------------------------------------- */

/* The path with its last bytes cut off for a moment. */
static int note_up_to(struct request *req, const char *end, unsigned flags)
{
    char *cut = req->path + (end - req->path), old = *cut;
    int rc;

    *cut = '\0';
    rc = tx_note(req->tx, req->path[0] ? req->path : "/", flags);
    *cut = old;
    return rc;
}

/* Note that the request sets req->path, and makes what is missing above it. */
static int note_set(struct request *req, const struct tree_place *place)
{
    const char *rest = place->rest, *name;
    size_t length;
    int rc = 0;

    if (!req->tx)
        return 0;
    if (!place->node) {
        rc = note_up_to(req, rest - 1, NOTE_NODE);
        while (rc == 0 && path_next(&rest, &name, &length))
            rc = note_up_to(req, rest, NOTE_NODE | NOTE_SET);
    }
    return rc ? rc : tx_note(req->tx, req->path, NOTE_NODE | NOTE_SET | NOTE_EVENT);
}

/* The store's own tree has changed at the path. */
static void changed(struct store *store, const char *path, const struct change *change)
{
    store->changes++;
    watch_fire(store, path, change);
    tx_bound_retained(store);
}

/* What making the missing nodes would take. */
static struct account cost_of(const struct tree_place *place, const struct perms *perms, size_t value_bytes)
{
    size_t each = sizeof(struct node) + perms->count * sizeof(perms->entry[0]) + sizeof(struct named *);
    size_t names = strlen(place->rest) - (place->missing - 1);

    return (struct account){ place->missing, place->missing * each + names + value_bytes };
}

/* Make req->path, which does not exist, with this value (of malloc, taken over). */
static int create(struct request *req, const struct tree_place *place, char *value, size_t bytes)
{
    struct store *store = req->store;
    struct perms *perms = perms_inherit(req->conn, place->parent->perms);
    struct account cost;
    struct peer *owner;
    struct node *node = NULL;
    int rc = -ENOMEM;

    if (!perms)
        goto out;
    owner = peer_owner(store, perms);
    cost = cost_of(place, perms, bytes);
    rc = account_check(req->conn, req->tx, owner, cost);
    if (rc == 0)
        rc = note_set(req, place);
    if (rc)
        goto out;
    node = tree_make(&store->common, req->root, req->path, perms);
    if (!node) {
        rc = -ENOMEM;
        goto out;
    }
    node_set_value(&store->common, node, value, bytes);
    account_add(store, req->tx, owner, cost);
    if (!req->tx)
        changed(store, req->path, &(struct change){
            .after = perms, .parent = place->missing == 1 ? place->parent->perms : perms });

out:
    if (!node)
        free(value);
    if (perms)
        perms_put(perms);
    return rc;
}

/* -- Write and mkdir ------------------------------------------------------------------------------------- */

static int overwrite(struct request *req, const struct tree_place *place, char *value, size_t bytes)
{
    struct store *store = req->store;
    struct peer *owner = peer_owner(store, place->node->perms);
    struct account more = { 0, (int64_t)bytes - place->node->value_bytes };
    struct node *node = NULL;
    int rc = account_check(req->conn, req->tx, owner, more);

    if (rc == 0)
        rc = note_set(req, place);
    if (rc == 0) {
        node = tree_own(&store->common, req->root, req->path);
        if (!node)
            rc = -ENOMEM;
    }
    if (rc) {
        free(value);
        return rc;
    }
    node_set_value(&store->common, node, value, bytes);
    account_add(store, req->tx, owner, more);
    if (!req->tx)
        changed(store, req->path, &(struct change){
            .after = node->perms, .parent = place->parent ? place->parent->perms : NULL });
    return 0;
}

int do_write(struct request *req)
{
    const char *end = memchr(req->text, '\0', req->bytes);
    size_t home, bytes;
    struct tree_place place;
    char *value;
    int rc;

    if (!end || *req->text == '@')
        return -EINVAL;
    bytes = req->bytes - (end + 1 - req->text);
    rc = request_path(req->conn, req->text, req->path, &home);
    if (rc)
        return rc;
    rc = request_find(req, MAY_WRITE, &place);
    if (rc && rc != -ENOENT)
        return rc;
    if (!req->conn->privileged && bytes > req->store->limits.node_bytes)
        return -ENOSPC;
    if (!value_copy(&value, end + 1, bytes))
        return -ENOMEM;
    rc = rc ? create(req, &place, value, bytes) : overwrite(req, &place, value, bytes);
    return rc ? rc : request_ok(req);
}

int do_mkdir(struct request *req)
{
    struct tree_place place;
    int rc = request_one_path(req);

    if (rc)
        return rc;
    rc = request_find(req, MAY_WRITE, &place);
    if (rc == -ENOENT)
        rc = create(req, &place, NULL, 0);
    else if (rc == 0 && req->tx)
        rc = tx_note(req->tx, req->path, NOTE_NODE);
    return rc ? rc : request_ok(req);
}

/* -- Rm -------------------------------------------------------------------------------------------------- */

/* Take what the subtree's nodes need off their owners' accounts. */
static void discharge(struct store *store, struct tx *tx, struct node *top)
{
    struct node *node = tree_walk_first(&store->walk, top);

    for (; node; node = tree_walk_next(&store->walk))
        account_add(store, tx, peer_owner(store, node->perms),
                    (struct account){ -1, -(int64_t)node_bytes(node) });
}

/* Have the accounts that this will need. */
static bool prepare_discharge(struct store *store, struct tx *tx, struct node *top)
{
    struct node *node = tree_walk_first(&store->walk, top);

    for (; node; node = tree_walk_next(&store->walk))
        if (!tx_account(tx, peer_owner(store, node->perms)))
            return false;
    return true;
}

int remove_node(struct store *store, struct tx *tx, const char *path)
{
    struct node **root = tx ? &tx->root : &store->root, *top;
    struct tree_place place;

    tree_find(*root, path, &place);
    top = node_get(place.node);
    if ((tx && !prepare_discharge(store, tx, top)) || !tree_remove(&store->common, root, path)) {
        node_put(&store->common, top);
        return -ENOMEM;
    }
    discharge(store, tx, top);
    if (!tx) {
        changed(store, path, &(struct change){ .before = top->perms, .parent = place.parent->perms });
        watch_fire_below(store, top, path);
    }
    node_put(&store->common, top);
    return 0;
}

int do_rm(struct request *req)
{
    struct tree_place place;
    int rc = request_one_path(req);

    if (rc)
        return rc;
    if (strcmp(req->path, "/") == 0)
        return -EINVAL;
    rc = request_find(req, MAY_WRITE, &place);
    if (rc == -ENOENT && place.missing == 1) {
        /* It need not exist, but its parent must. */
        rc = req->tx ? note_up_to(req, place.rest - 1, NOTE_NODE) : 0;
        if (rc == 0 && req->tx)
            rc = tx_note(req->tx, req->path, NOTE_NODE);
        return rc ? rc : request_ok(req);
    }
    if (rc == 0 && req->tx)
        rc = tx_note(req->tx, req->path, NOTE_NODE | NOTE_TREE | NOTE_PLACED | NOTE_EVENT);
    if (rc == 0)
        rc = remove_node(req->store, req->tx, req->path);
    return rc ? rc : request_ok(req);
}

/* -- Permissions ----------------------------------------------------------------------------------------- */

#define PERMS_MAX (XENSTORE_PAYLOAD_MAX / sizeof("n0"))

/* The strings behind the path; returns how many entries, or a negative error. */
static int parse_perms(struct request *req, const char *text, struct store_perm *entry)
{
    const char *end = req->text + req->bytes;
    uint32_t domid;
    int count = 0;

    for (; text < end; text += strlen(text) + 1) {
        if (*text == '\0' || !strchr("nrwb", *text) || request_number(text + 1, &domid) || domid > UINT16_MAX)
            return -EINVAL;
        entry[count++] = (struct store_perm){ domid, *text };
    }
    if (count == 0)
        return -EINVAL;
    return !req->conn->privileged && (uint32_t)count > req->store->limits.perms ? -ENOSPC : count;
}

/* Entries as permissions of now, in place of `old`. */
static int make_perms(struct request *req, const struct perms *old, const struct store_perm *entry, int count,
                      struct perms **perms)
{
    struct peer *owner = peer_know(req->store, entry[0].domid);

    if (!req->conn->privileged && entry[0].domid != old->entry[0].domid)
        return -EPERM;
    if (!owner)
        return -ENOENT;
    /* A domain that exists is known from now on: a later one of that id is then another. */
    for (int i = 1; i < count; i++)
        peer_know(req->store, entry[i].domid);
    *perms = perms_new(entry, count, ++req->store->common.clock);
    return *perms ? 0 : -ENOMEM;
}

/* Who may know of domains: permissions of special paths, which lie in no tree. */
static int set_special(struct request *req, const struct store_perm *entry, int count)
{
    struct store *store = req->store;
    struct perms **special = strcmp(req->text, "@introduceDomain") == 0 ? &store->introduce_perms :
                             strcmp(req->text, "@releaseDomain") == 0 ? &store->release_perms : NULL;
    struct perms *perms;
    int rc;

    if (!req->conn->privileged)
        return -EINVAL;
    rc = special ? make_perms(req, *special, entry, count, &perms) : -ENOENT;
    if (rc)
        return rc;
    perms_put(*special);
    *special = perms;
    return request_ok(req);
}

static int set_node_perms(struct request *req, const struct tree_place *place, struct perms *perms)
{
    struct store *store = req->store;
    struct perms *old = place->node->perms;
    struct peer *from = peer_owner(store, old), *to = peer_owner(store, perms);
    size_t bytes = node_bytes(place->node);
    struct account less = { -1, -(int64_t)bytes };
    struct account more = { 1, bytes + ((int64_t)perms->count - old->count) * sizeof(perms->entry[0]) };
    struct account change = { 0, more.bytes - bytes };
    struct node *node;
    int rc = account_check(req->conn, req->tx, to, from == to ? change : more);

    if (rc == 0)
        rc = account_check(req->conn, req->tx, from, less);
    if (rc == 0)
        rc = note_set(req, place);
    if (rc)
        return rc;
    node = tree_own(&store->common, req->root, req->path);
    if (!node)
        return -ENOMEM;
    perms_get(old);
    node_set_perms(&store->common, node, perms);
    account_add(store, req->tx, from, less);
    account_add(store, req->tx, to, more);
    if (!req->tx)
        changed(store, req->path, &(struct change){
            .before = old, .after = perms, .parent = place->parent ? place->parent->perms : NULL });
    perms_put(old);
    return 0;
}

int do_set_perms(struct request *req)
{
    struct store_perm entry[PERMS_MAX];
    struct tree_place place;
    struct perms *perms;
    size_t home;
    int count, rc;

    if (req->bytes == 0 || req->text[req->bytes - 1])
        return -EINVAL;
    count = parse_perms(req, req->text + strlen(req->text) + 1, entry);
    if (count < 0)
        return count;
    if (*req->text == '@')
        return set_special(req, entry, count);
    rc = request_path(req->conn, req->text, req->path, &home);
    if (rc == 0)
        rc = request_find(req, MAY_WRITE | MAY_OWN, &place);
    if (rc == 0)
        rc = make_perms(req, place.node->perms, entry, count, &perms);
    if (rc)
        return rc;
    rc = set_node_perms(req, &place, perms);
    perms_put(perms);
    return rc ? rc : request_ok(req);
}
