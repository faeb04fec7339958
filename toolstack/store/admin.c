/* SPDX-License-Identifier: MIT */
/*
 * Requests about domains and about the store itself.
 */
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Domains --------------------------------------------------------------------------------------------- */

static int domain_argument(const char *text, domid_t *domid)
{
    uint32_t number;

    if (request_number(text, &number) || number >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    *domid = number;
    return 0;
}

static int only_domain(struct request *req, domid_t *domid)
{
    const char *text;

    return request_strings(req, &text, 1) < 0 ? -EINVAL : domain_argument(text, domid);
}

int do_introduce(struct request *req)
{
    const char *strings[4];
    int count = request_strings(req, strings, 4), rc;
    domid_t domid;
    xen_pfn_t mfn;
    uint32_t port;
    char *end;

    if (count < 3 || domain_argument(strings[0], &domid) || domid == 0 || request_number(strings[2], &port))
        return -EINVAL;
    errno = 0;
    mfn = strtoull(strings[1], &end, 10);
    if (*strings[1] == '\0' || *end || errno)
        return -EINVAL;
    rc = req->store->host.introduce(req->store->host_arg, domid, mfn, port);
    return rc ? rc : request_ok(req);
}

int do_release(struct request *req)
{
    domid_t domid;
    int rc = only_domain(req, &domid);

    if (rc == 0)
        rc = domid == 0 || domid == req->conn->peer->domid ? -EINVAL : store_release(req->store, domid);
    return rc ? rc : request_ok(req);
}

static struct peer *introduced(struct store *store, domid_t domid)
{
    struct peer *peer = peer_find(store, domid);

    return peer && peer->introduced ? peer : NULL;
}

int do_resume(struct request *req)
{
    struct peer *peer;
    domid_t domid;
    int rc = only_domain(req, &domid);

    if (rc)
        return rc;
    peer = introduced(req->store, domid);
    if (!peer)
        return -ENOENT;
    peer->shutdown_told = false;
    return request_ok(req);
}

int do_set_target(struct request *req)
{
    struct peer *peer, *target;
    const char *strings[2];
    domid_t domid, other;

    if (request_strings(req, strings, 2) != 2 || domain_argument(strings[0], &domid) ||
        domain_argument(strings[1], &other))
        return -EINVAL;
    peer = introduced(req->store, domid);
    target = introduced(req->store, other);
    if (!peer || !target)
        return -ENOENT;
    peer->target = target;
    return request_ok(req);
}

int do_is_introduced(struct request *req)
{
    domid_t domid;
    int rc = only_domain(req, &domid);

    return rc ? rc : request_text(req, introduced(req->store, domid) ? "T" : "F");
}

int do_domain_path(struct request *req)
{
    domid_t domid;
    int rc = only_domain(req, &domid);

    if (rc)
        return rc;
    req->reply_bytes = sprintf(req->reply, "/local/domain/%u", domid) + 1;
    return 0;
}

/* -- Control --------------------------------------------------------------------------------------------- */

#define ARGUMENTS 4

struct quota {
    const char *name;
    size_t offset;
    const char *meaning;
};
#define QUOTA(name, field, meaning) { name, offsetof(struct store_limits, field), meaning }
static const struct quota quotas[] = {
    QUOTA("nodes", nodes, "nodes that a domain owns"),
    QUOTA("node-size", node_bytes, "bytes of a node's value"),
    QUOTA("permissions", perms, "entries in a node's permissions"),
    QUOTA("watches", watches, "watches of a domain"),
    QUOTA("transactions", transactions, "open transactions of a domain"),
    QUOTA("transaction-nodes", transaction_nodes, "nodes that a transaction touches"),
    QUOTA("path-max", path, "bytes of a path behind /local/domain/N/"),
    QUOTA("events", events, "watch events that wait for a domain before they are merged"),
    QUOTA("memory", memory, "bytes that all of a domain's take"),
};
#define QUOTAS (sizeof(quotas) / sizeof(quotas[0]))

static uint32_t *limit_of(struct store *store, const struct quota *quota)
{
    return (uint32_t *)((char *)&store->limits + quota->offset);
}

/* Add to a reply that has room. */
static void __attribute__((format(printf, 2, 3))) say(struct request *req, const char *fmt, ...)
{
    size_t room = XENSTORE_PAYLOAD_MAX - req->reply_bytes;
    va_list ap;
    int count;

    va_start(ap, fmt);
    count = vsnprintf(req->reply + req->reply_bytes, room, fmt, ap);
    va_end(ap);
    req->reply_bytes += (size_t)count < room ? (size_t)count : room - 1;
}

static int quota_set(struct request *req, const char *name, const char *value)
{
    uint32_t number;

    if (request_number(value, &number))
        return -EINVAL;
    for (unsigned i = 0; i < QUOTAS; i++) {
        if (strcmp(quotas[i].name, name) == 0) {
            *limit_of(req->store, &quotas[i]) = number;
            return request_ok(req);
        }
    }
    return -EINVAL;
}

static int control_quota(struct request *req, const char **argument, int count)
{
    struct store *store = req->store;
    struct peer *peer;
    domid_t domid;

    if (count == 3 && strcmp(argument[0], "set") == 0)
        return quota_set(req, argument[1], argument[2]);
    if (count > 1)
        return -EINVAL;
    if (count == 0) {
        for (unsigned i = 0; i < QUOTAS; i++)
            say(req, "%-18s %8u  %s\n", quotas[i].name, *limit_of(store, &quotas[i]), quotas[i].meaning);
    } else {
        if (domain_argument(argument[0], &domid))
            return -EINVAL;
        peer = peer_find(store, domid);
        if (!peer)
            return -ENOENT;
        say(req, "nodes %" PRId64 "\nwatches %u\ntransactions %u\nmemory %" PRId64 "\n", peer->account.nodes,
            peer->watches, peer->transactions, peer->account.bytes);
    }
    req->reply_bytes++;
    return 0;
}

static int control_print(struct request *req, const char **argument, int count)
{
    if (count != 1)
        return -EINVAL;
    store_log(req->store, "%s", argument[0]);
    return request_ok(req);
}

static int control_log(struct request *req, const char **argument, int count)
{
    if (count != 1 || (strcmp(argument[0], "on") && strcmp(argument[0], "off")))
        return -EINVAL;
    req->store->trace = argument[0][1] == 'n';
    return request_ok(req);
}

static int control_memory(struct request *req, const char **argument, int count)
{
    struct store *store = req->store;
    struct store_conn *conn;
    unsigned conns = 0;

    (void)argument;
    if (count)
        return -EINVAL;
    TAILQ_FOREACH(conn, &store->conns, all)
        conns++;
    say(req, "nodes %" PRId64 " bytes\nkept for transactions %" PRId64 " bytes\n"
        "connections %u of %zu bytes\n", store->live_bytes,
        (int64_t)store->common.bytes - store->live_bytes, conns, sizeof(*conn));
    req->reply_bytes++;
    return 0;
}

/* Do the counts agree with the tree? */
static int control_check(struct request *req, const char **argument, int count)
{
    struct store *store = req->store;
    struct node *node = tree_walk_first(&store->walk, store->root);
    int64_t nodes = 0, bytes = 0, owned = 0;
    struct peer *peer;
    bool sorted = true;

    (void)argument;
    if (count)
        return -EINVAL;
    for (; node; node = tree_walk_next(&store->walk)) {
        uint32_t listing = 0, at;

        nodes++;
        bytes += node_bytes(node);
        for (uint32_t i = 0; i < node->children.count; i++) {
            const struct named *named = node->children.at[i];

            listing += named->length + 1;
            sorted &= names_find(&node->children, named->name, named->length, &at) && at == i;
        }
        sorted &= listing == node->listing_bytes;
    }
    for (unsigned i = 0; i < STORE_PEER_CHAINS; i++)
        LIST_FOREACH(peer, &store->peers[i], chain)
            owned += peer->account.nodes;
    if (!sorted || owned != nodes || bytes != store->live_bytes) {
        say(req, "the store is damaged: %" PRId64 " nodes of %" PRId64 " bytes, accounts say %" PRId64 " of %"
            PRId64 "%s\n", nodes, bytes, owned, store->live_bytes,
            sorted ? "" : ", and children are in disorder");
        req->reply_bytes++;
        return 0;
    }
    return request_ok(req);
}

static int control_help(struct request *req, const char **argument, int count);

static const struct {
    const char *name;
    int (*handle)(struct request *req, const char **argument, int count);
    const char *usage;
} commands[] = {
    { "check", control_check, "" },
    { "help", control_help, "" },
    { "log", control_log, " on|off" },
    { "memreport", control_memory, "" },
    { "print", control_print, " <text>" },
    { "quota", control_quota, " [set <name> <value>|<domid>]" },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int control_help(struct request *req, const char **argument, int count)
{
    (void)argument;
    if (count)
        return -EINVAL;
    for (unsigned i = 0; i < COMMANDS; i++)
        say(req, "%s%s\n", commands[i].name, commands[i].usage);
    req->reply_bytes++;
    return 0;
}

int do_control(struct request *req)
{
    const char *strings[1 + ARGUMENTS];
    int count = request_strings(req, strings, 1 + ARGUMENTS);

    if (count < 0)
        return count;
    for (unsigned i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, strings[0]) == 0)
            return commands[i].handle(req, strings + 1, count - 1);
    return -EINVAL;
}
