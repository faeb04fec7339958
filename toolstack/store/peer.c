/* SPDX-License-Identifier: MIT */
/*
 * The domains that the store knows: what they own, take and may do.
 *
 * Ids are used again. A domain's record is made when its id is first named while the domain exists, and goes
 * with the domain; then the nodes that it owns are removed, and what transactions still hold of it is void.
 * Permissions of other nodes that name it stay behind, but they bear the stamp of the time when they were
 * set: a record that was born later is not the domain that they meant.
 */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* -- Records --------------------------------------------------------------------------------------------- */

static struct peer_list *chain_of(struct store *store, domid_t domid)
{
    return &store->peers[domid % STORE_PEER_CHAINS];
}

struct peer *peer_find(struct store *store, domid_t domid)
{
    struct peer *peer;

    LIST_FOREACH(peer, chain_of(store, domid), chain)
        if (peer->domid == domid)
            return peer;
    return NULL;
}

struct peer *peer_know(struct store *store, domid_t domid)
{
    struct peer *peer = peer_find(store, domid);

    if (peer || store->host.domain_state(store->host_arg, domid) == STORE_DOMAIN_NONE)
        return peer;
    peer = calloc(1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->domid = domid;
    peer->born = ++store->common.clock;
    LIST_INSERT_HEAD(chain_of(store, domid), peer, chain);
    return peer;
}

/* The path of what the sweep is at. */
static const char *sweep_path(struct store *store)
{
    size_t used = 0;

    for (unsigned i = 1; i < store->sweep.depth; i++) {
        const struct named *named = &store->sweep.at[i]->named;

        store->sweep_path[used++] = '/';
        memcpy(store->sweep_path + used, named->name, named->length);
        used += named->length;
    }
    store->sweep_path[used] = '\0';
    return store->sweep_path;
}

/* What the sweep is at was removed, and the way to it perhaps copied. */
static void sweep_resume(struct store *store)
{
    struct tree_walk *sweep = &store->sweep;

    sweep->depth--;
    sweep->next[sweep->depth - 1]--;
    sweep->at[0] = store->root;
    for (unsigned i = 1; i < sweep->depth; i++)
        sweep->at[i] = node_child(sweep->at[i - 1], sweep->next[i - 1] - 1);
}

/* Remove what the domain owns, with all below. The root stays; it belongs to domain 0 from then on. */
static void sweep_owned(struct store *store, struct peer *peer)
{
    struct node *node = tree_walk_first(&store->sweep, store->root);

    for (; node && peer->account.nodes > 0; node = tree_walk_next(&store->sweep)) {
        if (peer_owner(store, node->perms) != peer || store->sweep.depth == 1)
            continue;
        if (remove_node(store, NULL, sweep_path(store)) < 0)
            break;
        sweep_resume(store);
    }
}

void peer_forget(struct store *store, struct peer *peer)
{
    struct store_conn *conn, *next;

    for (conn = TAILQ_FIRST(&store->conns); conn; conn = next) {
        next = TAILQ_NEXT(conn, all);
        if (conn->peer == peer)
            conn_close(conn);
    }
    tx_doom_owner(store, peer);
    sweep_owned(store, peer);
    /* What is left, for want of memory or because it is the root, is nobody's now, which is domain 0's. */
    store->self->account.nodes += peer->account.nodes;
    store->self->account.bytes += peer->account.bytes;
    LIST_REMOVE(peer, chain);
    for (unsigned i = 0; i < STORE_PEER_CHAINS; i++) {
        struct peer *other;

        LIST_FOREACH(other, &store->peers[i], chain)
            if (other->target == peer)
                other->target = NULL;
    }
    free(peer);
}

/* -- Permissions ----------------------------------------------------------------------------------------- */

/* Does the entry mean this very domain? */
static bool means(const struct perms *perms, uint32_t index, const struct peer *peer)
{
    return peer && perms->entry[index].domid == peer->domid && peer->born <= perms->stamp;
}

bool perms_live(struct store *store, const struct perms *perms, uint32_t index)
{
    return means(perms, index, peer_find(store, perms->entry[index].domid));
}

struct peer *peer_owner(struct store *store, const struct perms *perms)
{
    struct peer *peer = peer_find(store, perms->entry[0].domid);

    return means(perms, 0, peer) ? peer : store->self;
}

static unsigned allowed(char access)
{
    switch (access) {
    case 'r':
        return MAY_READ;
    case 'w':
        return MAY_WRITE;
    case 'b':
        return MAY_READ | MAY_WRITE;
    default:
        return 0;
    }
}

unsigned perms_allow(const struct store_conn *conn, const struct perms *perms)
{
    const struct peer *me = conn->peer, *target = me->target;

    if (conn->privileged || means(perms, 0, me) || means(perms, 0, target))
        return MAY_READ | MAY_WRITE | MAY_OWN;
    for (uint32_t i = 1; i < perms->count; i++)
        if (means(perms, i, me) || means(perms, i, target))
            return allowed(perms->entry[i].access);
    return allowed(perms->entry[0].access);
}

struct perms *perms_inherit(struct store_conn *conn, struct perms *above)
{
    struct store *store = conn->store;
    struct perms *perms;
    uint32_t count = 1;

    if (conn->privileged || means(above, 0, conn->peer))
        return perms_get(above);
    perms = perms_new(above->entry, above->count, store->common.clock);
    if (!perms)
        return NULL;
    perms->entry[0].domid = conn->peer->domid;
    /* The new stamp must not bring entries of dead domains to life. */
    for (uint32_t i = 1; i < above->count; i++)
        if (perms_live(store, above, i))
            perms->entry[count++] = above->entry[i];
    perms->count = count;
    return perms;
}

/* -- Accounts -------------------------------------------------------------------------------------------- */

int account_check(struct store_conn *conn, struct tx *tx, struct peer *owner, struct account more)
{
    const struct store_limits *limits = &conn->store->limits;
    struct account now = owner->account;

    if (tx) {
        const struct account *delta = tx_account(tx, owner);

        if (!delta)
            return -ENOMEM;
        now.nodes += delta->nodes;
        now.bytes += delta->bytes;
    }
    if (conn->privileged || owner == conn->store->self)
        return 0;
    if (more.nodes > 0 && now.nodes + more.nodes > limits->nodes)
        return -ENOSPC;
    if (more.bytes > 0 && now.bytes + more.bytes > limits->memory)
        return -ENOMEM;
    return 0;
}

void account_add(struct store *store, struct tx *tx, struct peer *owner, struct account more)
{
    struct account *account = tx ? tx_account(tx, owner) : &owner->account;

    account->nodes += more.nodes;
    account->bytes += more.bytes;
    if (!tx)
        store->live_bytes += more.bytes;
}

bool conn_charge(struct store_conn *conn, size_t bytes)
{
    if (!conn->privileged && conn->peer->account.bytes + bytes > conn->store->limits.memory)
        return false;
    conn->peer->account.bytes += bytes;
    return true;
}

void conn_uncharge(struct store_conn *conn, size_t bytes)
{
    conn->peer->account.bytes -= bytes;
}
