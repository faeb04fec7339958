/* SPDX-License-Identifier: MIT */
/*
 * Transactions. Each has two trees that share all but what it changed: the one that it began with, and its
 * own. It notes the paths that its requests use, and how.
 *
 * The rule of conflict: a transaction may be committed if everything that it noted is in the store as it was
 * when the transaction began. A node is as it was if it was neither written nor given permissions, made or
 * removed; its listing, if no child came or went; a subtree, if it is the same memory, since what changes in
 * the store is copied while a snapshot holds it. Two transactions that make different children of one node do
 * not disturb each other.
 *
 * If nothing at all changed in the store, committing is to exchange the roots. If something else did, what
 * the transaction set is carried over to a copy of the store's tree, which then becomes the store's.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- Life ------------------------------------------------------------------------------------------------ */

int tx_begin(struct store_conn *conn, uint32_t *id)
{
    struct store *store = conn->store;
    struct tx *tx;

    if (!conn->privileged && conn->peer->transactions >= store->limits.transactions)
        return -ENOSPC;
    if (!conn_charge(conn, sizeof(*tx)))
        return -ENOMEM;
    tx = calloc(1, sizeof(*tx));
    if (!tx) {
        conn_uncharge(conn, sizeof(*tx));
        return -ENOMEM;
    }
    do
        tx->id = ++conn->last_tx;
    while (tx->id == 0 || tx_find(conn, tx->id));
    tx->conn = conn;
    tx->base = node_get(store->root);
    tx->root = node_get(store->root);
    tx->changes = store->changes;
    STAILQ_INIT(&tx->notes);
    LIST_INIT(&tx->charges);
    TAILQ_INSERT_TAIL(&store->transactions, tx, all);
    LIST_INSERT_HEAD(&conn->transactions, tx, same_conn);
    conn->peer->transactions++;
    *id = tx->id;
    return 0;
}

struct tx *tx_find(struct store_conn *conn, uint32_t id)
{
    struct tx *tx;

    LIST_FOREACH(tx, &conn->transactions, same_conn)
        if (tx->id == id)
            return tx;
    return NULL;
}

void tx_doom(struct tx *tx)
{
    struct store *store = tx->conn->store;
    struct tx_charge *charge;
    struct note *note;

    if (tx->doomed)
        return;
    tx->doomed = true;
    node_put(&store->common, tx->base);
    node_put(&store->common, tx->root);
    while ((note = STAILQ_FIRST(&tx->notes))) {
        STAILQ_REMOVE_HEAD(&tx->notes, next);
        free(note);
    }
    while ((charge = LIST_FIRST(&tx->charges))) {
        LIST_REMOVE(charge, next);
        free(charge);
    }
    conn_uncharge(tx->conn, tx->note_bytes);
    tx->note_bytes = 0;
}

void tx_drop(struct tx *tx)
{
    tx_doom(tx);
    TAILQ_REMOVE(&tx->conn->store->transactions, tx, all);
    LIST_REMOVE(tx, same_conn);
    tx->conn->peer->transactions--;
    conn_uncharge(tx->conn, sizeof(*tx));
    free(tx);
}

struct account *tx_account(struct tx *tx, struct peer *owner)
{
    struct tx_charge *charge;

    LIST_FOREACH(charge, &tx->charges, next)
        if (charge->owner == owner)
            return &charge->account;
    charge = calloc(1, sizeof(*charge));
    if (!charge)
        return NULL;
    charge->owner = owner;
    LIST_INSERT_HEAD(&tx->charges, charge, next);
    return &charge->account;
}

void tx_doom_owner(struct store *store, const struct peer *owner)
{
    struct tx *tx;

    TAILQ_FOREACH(tx, &store->transactions, all) {
        struct tx_charge *charge;

        LIST_FOREACH(charge, &tx->charges, next)
            if (charge->owner == owner)
                break;
        if (charge)
            tx_doom(tx);
    }
}

void tx_bound_retained(struct store *store)
{
    struct tx *tx;

    /* What is dead already is on its way out: wait for what that gives. */
    if ((int64_t)store->common.bytes - store->live_bytes <= STORE_RETAINED_MAX || store->common.dead)
        return;
    TAILQ_FOREACH(tx, &store->transactions, all) {
        if (!tx->conn->privileged && !tx->doomed) {
            tx_doom(tx);
            break;
        }
    }
}

/* -- Notes ----------------------------------------------------------------------------------------------- */

static uint32_t hash_of(const char *path)
{
    uint32_t hash = 2166136261u;    /* FNV-1a */

    while (*path)
        hash = (hash ^ (uint8_t)*path++) * 16777619u;
    return hash;
}

int tx_note(struct tx *tx, const char *path, unsigned flags)
{
    uint32_t hash = hash_of(path), bytes = strlen(path) + 1;
    struct note **chain = &tx->chains[hash % STORE_NOTE_CHAINS], *note;

    for (note = *chain; note; note = note->chain) {
        if (note->hash == hash && note->bytes == bytes && memcmp(note->path, path, bytes) == 0) {
            note->flags |= flags;
            return 0;
        }
    }
    if (!tx->conn->privileged && tx->note_count >= tx->conn->store->limits.transaction_nodes)
        return -ENOSPC;
    if (!conn_charge(tx->conn, sizeof(*note) + bytes))
        return -ENOMEM;
    note = malloc(sizeof(*note) + bytes);
    if (!note) {
        conn_uncharge(tx->conn, sizeof(*note) + bytes);
        return -ENOMEM;
    }
    tx->note_bytes += sizeof(*note) + bytes;
    tx->note_count++;
    note->hash = hash;
    note->flags = flags;
    note->bytes = bytes;
    memcpy(note->path, path, bytes);
    note->chain = *chain;
    *chain = note;
    STAILQ_INSERT_TAIL(&tx->notes, note, next);
    return 0;
}

/* -- Commit ---------------------------------------------------------------------------------------------- */

static bool unchanged(struct store *store, struct tx *tx, const struct note *note)
{
    struct node *before = tree_node(tx->base, note->path), *now = tree_node(store->root, note->path);

    if (before == now)
        return true;
    if (!before || !now || (note->flags & NOTE_TREE))
        return false;
    return before->changed == now->changed &&
           (!(note->flags & NOTE_LIST) || before->relisted == now->relisted);
}

/* The value and permissions of `from`, for a node of the new tree. */
static bool set_as(struct store *store, struct node *to, const struct node *from)
{
    char *value;

    if (!value_copy(&value, from->value, from->value_bytes))
        return false;
    node_set_value(&store->common, to, value, from->value_bytes);
    node_set_perms(&store->common, to, from->perms);
    return true;
}

/* Bring the path's state of the transaction's tree into the new one. */
static bool carry(struct store *store, struct tx *tx, struct node **root, const struct note *note)
{
    struct node *ours = tree_node(tx->root, note->path), *node = tree_node(*root, note->path);

    if (ours == node)
        return true;
    if (!ours)      /* made and removed, or with something above that is noted too */
        return !(note->flags & NOTE_PLACED) || tree_remove(&store->common, root, note->path);
    if (note->flags & NOTE_PLACED)
        return tree_graft(&store->common, root, note->path, ours);
    node = node ? tree_own(&store->common, root, note->path)
                : tree_make(&store->common, root, note->path, ours->perms);
    return node && set_as(store, node, ours);
}

/* Notes with parents before their children: what is made needs its parent, with its own state. */
static int shorter_first(const void *a, const void *b)
{
    const struct note *first = *(struct note *const *)a, *second = *(struct note *const *)b;

    return first->bytes < second->bytes ? -1 : first->bytes > second->bytes;
}

/* The store's tree with the transaction's changes; NULL: no memory. */
static struct node *merge(struct store *store, struct tx *tx)
{
    struct note **sorted = malloc(tx->note_count * sizeof(*sorted) + 1), *note;
    struct node *root = node_get(store->root);
    uint32_t count = 0;

    if (!sorted)
        goto fail;
    STAILQ_FOREACH(note, &tx->notes, next)
        if (note->flags & (NOTE_SET | NOTE_PLACED))
            sorted[count++] = note;
    qsort(sorted, count, sizeof(*sorted), shorter_first);
    for (uint32_t i = 0; i < count; i++)
        if (!carry(store, tx, &root, sorted[i]))
            goto fail;
    free(sorted);
    return root;

fail:
    free(sorted);
    node_put(&store->common, root);
    return NULL;
}

static const struct perms *perms_at(struct node *root, const char *path)
{
    const struct node *node = tree_node(root, path);

    return node ? node->perms : NULL;
}

static void fire_events(struct store *store, struct node *before, struct tx *tx)
{
    struct note *note;

    STAILQ_FOREACH(note, &tx->notes, next) {
        struct tree_place place;
        struct change change;

        if (!(note->flags & NOTE_EVENT))
            continue;
        change.before = perms_at(before, note->path);
        change.after = perms_at(store->root, note->path);
        if (!change.before && !change.after)
            continue;
        tree_find(change.after ? store->root : before, note->path, &place);
        change.parent = place.parent ? place.parent->perms : NULL;
        watch_fire(store, note->path, &change);
        if ((note->flags & NOTE_PLACED) && change.before)
            watch_fire_below(store, tree_node(before, note->path), note->path);
    }
}

/* Have the limits been reached meanwhile? */
static bool charges_fit(struct tx *tx)
{
    const struct store_limits *limits = &tx->conn->store->limits;
    struct tx_charge *charge;

    LIST_FOREACH(charge, &tx->charges, next) {
        const struct account *now = &charge->owner->account, *delta = &charge->account;

        if (tx->conn->privileged || charge->owner == tx->conn->store->self)
            continue;
        if ((delta->nodes > 0 && now->nodes + delta->nodes > limits->nodes) ||
            (delta->bytes > 0 && now->bytes + delta->bytes > limits->memory))
            return false;
    }
    return true;
}

static bool conflicts(struct store *store, struct tx *tx)
{
    struct note *note;

    if (tx->doomed)
        return true;
    if (store->changes != tx->changes)
        STAILQ_FOREACH(note, &tx->notes, next)
            if (!unchanged(store, tx, note))
                return true;
    return false;
}

static struct node *tree_to_be(struct store *store, struct tx *tx)
{
    if (tx->root == tx->base)
        return node_get(store->root);
    if (store->changes == tx->changes)
        return node_get(tx->root);
    return merge(store, tx);
}

static int commit(struct store *store, struct tx *tx)
{
    struct node *root, *before = store->root;
    struct tx_charge *charge;

    if (conflicts(store, tx))
        return -EAGAIN;
    if (!charges_fit(tx))
        return -ENOSPC;
    root = tree_to_be(store, tx);
    if (!root)
        return -ENOMEM;
    LIST_FOREACH(charge, &tx->charges, next)
        account_add(store, NULL, charge->owner, charge->account);
    store->root = root;
    store->changes += root != before;
    fire_events(store, before, tx);
    node_put(&store->common, before);
    return 0;
}

int tx_end(struct tx *tx, bool commit_it)
{
    struct store *store = tx->conn->store;
    int rc = commit_it ? commit(store, tx) : 0;

    tx_drop(tx);
    tx_bound_retained(store);
    return rc;
}
