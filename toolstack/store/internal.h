/* SPDX-License-Identifier: MIT */
/*
 * What the files of the store share: the store, the domains that it knows, connections, watches,
 * transactions.
 *
 * An absolute path that was checked is called a path below; what a client sends is text until then.
 */
#ifndef TOOLSTACK_STORE_INTERNAL_H
#define TOOLSTACK_STORE_INTERNAL_H

#include "store.h"
#include "tree.h"

#include <sys/queue.h>

#define STORE_PEER_CHAINS   64u
#define STORE_NOTE_CHAINS   64u
#define STORE_REAP          256u            /* dead nodes freed in a step */
#define STORE_SEND          8u              /* watch events sent to one client in a step */
#define STORE_RETAINED_MAX  (8u << 20)      /* bytes of old nodes that open transactions may keep */
#define STORE_PRIVILEGED_EVENTS 4096u       /* as limits.events, for privileged clients */
#define STORE_HOME_MAX      24u             /* "/local/domain/65535/" and its NUL */

/* What a domain takes, or by how much a transaction would change that. */
struct account {
    int64_t nodes, bytes;
};

/*
 * A domain that the store knows: it has a connection, or permissions name it. Its record goes with the
 * domain, and `born` tells it from others of the same id before and after.
 */
struct peer {
    LIST_ENTRY(peer) chain;
    domid_t domid;
    bool introduced, shutdown_told;
    uint64_t born;
    struct peer *target;            /* it may do what this one may */
    struct account account;         /* nodes that it owns, and bytes of all */
    uint32_t watches, transactions;
};
LIST_HEAD(peer_list, peer);

struct watch;
struct event {
    TAILQ_ENTRY(event) next;
    struct watch *watch;
    uint32_t bytes;                 /* of the path with its NUL */
    char path[];
};
TAILQ_HEAD(event_list, event);

/* A place in the tree that is watched, or on the way to one. */
struct watched {
    struct named named;
    struct names children;
    struct watched *parent;
    TAILQ_HEAD(, watch) watches;
    char text[];
};

struct watch {
    LIST_ENTRY(watch) same_conn;
    TAILQ_ENTRY(watch) same_place, merged_next;
    struct store_conn *conn;
    struct watched *place;
    uint32_t pending;               /* events in the queue */
    uint32_t cost;                  /* bytes that its client is charged */
    int depth;                      /* levels below that it sees; negative: all */
    bool merged;                    /* one more event, of the watched path, stands for those not queued */
    const char *path, *token;       /* in text; the path is absolute, or begins with @ */
    size_t home;                    /* bytes to leave off, for a client that named it by a relative path */
    char text[];
};

struct note {
    STAILQ_ENTRY(note) next;
    struct note *chain;
    uint32_t hash, flags;
    uint32_t bytes;
    char path[];
};

struct tx_charge {
    LIST_ENTRY(tx_charge) next;
    struct peer *owner;
    struct account account;
};

struct tx {
    TAILQ_ENTRY(tx) all;            /* of the store, oldest first */
    LIST_ENTRY(tx) same_conn;
    struct store_conn *conn;
    uint32_t id;
    bool doomed;                    /* it cannot be committed any more, and has no trees */
    struct node *base, *root;       /* as it began, and as it is to this client */
    uint64_t changes;               /* the store's count when it began */
    STAILQ_HEAD(, note) notes;
    struct note *chains[STORE_NOTE_CHAINS];
    uint32_t note_count;
    size_t note_bytes;
    LIST_HEAD(, tx_charge) charges;
};

struct message {
    struct xsd_sockmsg header;
    char payload[XENSTORE_PAYLOAD_MAX + 1];     /* a NUL fits behind */
};

struct store_conn {
    TAILQ_ENTRY(store_conn) all, ready;
    struct store *store;
    struct peer *peer;
    bool privileged;
    bool queued;                    /* in the ready list */
    bool failed;                    /* cut off */
    bool told;                      /* and the log knows: once, since a guest can repeat it without end */
    bool kicked;                    /* in the list of kicked ones; set in any context */
    struct store_conn *next_kicked;
    const struct store_transport *ops;
    void *transport;
    void (*event)(void *arg, const char *path, const char *token);  /* instead of a transport */
    void *event_arg;
    LIST_HEAD(, watch) watches;
    LIST_HEAD(, tx) transactions;
    uint32_t last_tx;
    struct event_list events;
    uint32_t event_count;
    TAILQ_HEAD(, watch) merged;
    struct message in, out;
    uint32_t in_bytes;              /* that have arrived */
    uint32_t out_sent, out_bytes;
};

struct store {
    struct store_host host;
    void *host_arg;
    struct store_limits limits;
    struct tree_common common;
    struct node *root;
    int64_t live_bytes;             /* of the nodes below root */
    uint64_t changes;               /* to the tree at root */
    struct perms *introduce_perms, *release_perms;
    struct peer_list peers[STORE_PEER_CHAINS];
    struct peer *self;              /* domain 0 */
    TAILQ_HEAD(, tx) transactions;
    struct watched *places, *specials;
    TAILQ_HEAD(, store_conn) conns, ready;
    struct store_conn *kicked;
    bool trace;
    struct tree_walk walk, sweep;
    char sweep_path[STORE_PATH_ROOM];
};

/* -- peer.c: domains, what they own and may do ----------------------------------------------------------- */

enum { MAY_READ = 1, MAY_WRITE = 2, MAY_OWN = 4 };

struct peer *peer_find(struct store *store, domid_t domid);
/* The record of a domain that exists, made if need be; NULL: no such domain, or no memory. */
struct peer *peer_know(struct store *store, domid_t domid);
/* The domain is gone: everything of it goes, and the record. */
void peer_forget(struct store *store, struct peer *peer);
/* Whose memory and count the node takes. */
struct peer *peer_owner(struct store *store, const struct perms *perms);
bool perms_live(struct store *store, const struct perms *perms, uint32_t index);
/* What of MAY_* the connection's domain may do. */
unsigned perms_allow(const struct store_conn *conn, const struct perms *perms);
/* Permissions of what `conn` makes below a node that has `above`. */
struct perms *perms_inherit(struct store_conn *conn, struct perms *above);
/*
 * May the connection add so much to what the owner has in the transaction's tree, or for NULL in the store's?
 * 0, -ENOSPC for too many nodes, -ENOMEM for too much memory. After 0 account_add() cannot fail.
 */
int account_check(struct store_conn *conn, struct tx *tx, struct peer *owner, struct account more);
void account_add(struct store *store, struct tx *tx, struct peer *owner, struct account more);
/* The transaction's account of an owner; NULL: no memory. */
struct account *tx_account(struct tx *tx, struct peer *owner);
/* Bytes that are not nodes: false when the connection's domain has used up its memory. */
bool conn_charge(struct store_conn *conn, size_t bytes);
void conn_uncharge(struct store_conn *conn, size_t bytes);

/* -- tx.c: transactions ---------------------------------------------------------------------------------- */

enum {
    NOTE_NODE    = 1,       /* existence, value and permissions matter */
    NOTE_LIST    = 2,       /* so do the names of its children */
    NOTE_TREE    = 4,       /* so does everything below */
    NOTE_SET     = 8,       /* value and permissions are this transaction's */
    NOTE_PLACED  = 16,      /* all below is */
    NOTE_EVENT   = 32,      /* watches fire for it */
};

int tx_begin(struct store_conn *conn, uint32_t *id);
struct tx *tx_find(struct store_conn *conn, uint32_t id);
/* The transaction ends, and this commits it or fails. */
int tx_end(struct tx *tx, bool commit);
void tx_drop(struct tx *tx);
/* It cannot succeed any more: give back its trees. */
void tx_doom(struct tx *tx);
/* Remember that a request uses the path, before it does anything. */
int tx_note(struct tx *tx, const char *path, unsigned flags);
/* Transactions whose charges name the domain. */
void tx_doom_owner(struct store *store, const struct peer *owner);
/* Bound what snapshots keep. */
void tx_bound_retained(struct store *store);

/* -- watch.c --------------------------------------------------------------------------------------------- */

/* What happened at a path; NULL where it does not exist. Whoever may read one of these may know. */
struct change {
    const struct perms *before, *after, *parent;
};

struct watched *watched_new(struct watched *parent, const char *name, size_t length);
/* One without watches and children, or NULL. */
void watched_free(struct watched *place);
int watch_add(struct store_conn *conn, const char *path, size_t home, const char *token, int depth);
int watch_remove(struct store_conn *conn, const char *path, const char *token);
void watch_drop(struct watch *watch);
void watch_fire(struct store *store, const char *path, const struct change *change);
/* The node `top` at the path is gone: events for watches of what was below. */
void watch_fire_below(struct store *store, struct node *top, const char *path);
void watch_fire_special(struct store *store, const char *name, const struct perms *perms);
/* The next event to send: its path and token as the client knows them, in `payload`; its length, 0: none. */
uint32_t watch_take(struct store_conn *conn, char *payload);

/* -- store.c --------------------------------------------------------------------------------------------- */

/* A line for the administrator; what is not printable is replaced. */
void store_log(struct store *store, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* -- conn.c ---------------------------------------------------------------------------------------------- */

void conn_ready(struct store_conn *conn);
/* Drop watches, transactions and events. */
void conn_clear(struct store_conn *conn);
struct store_conn *conn_open(struct store *store, struct peer *peer, bool privileged,
                             const struct store_transport *ops, void *transport);
void conn_close(struct store_conn *conn);

/* -- request.c, change.c, admin.c: the requests ---------------------------------------------------------- */

struct request {
    struct store *store;
    struct store_conn *conn;
    struct tx *tx;              /* NULL: none */
    struct node **root;         /* of the tree that it is about */
    const char *text;           /* payload, with a NUL behind */
    uint32_t bytes;
    char *reply;
    uint32_t reply_bytes;
    char *path;                 /* the path that it is about, STORE_PATH_ROOM bytes */
};

/*
 * Do the request: 0 with *reply_bytes, or a negative error. `text` has a NUL behind its `bytes`, `reply` has
 * room for XENSTORE_PAYLOAD_MAX.
 */
int request_do(struct store_conn *conn, uint32_t type, uint32_t tx, const char *text, uint32_t bytes,
               char *reply, uint32_t *reply_bytes);

/* Split into at most `max` strings, each with its NUL; returns how many, or -EINVAL. */
int request_strings(const struct request *req, const char **strings, unsigned max);
int request_number(const char *text, uint32_t *number);
/*
 * The absolute path of a client's text, in `path` (STORE_PATH_ROOM bytes). *home receives the bytes that a
 * relative path does not have.
 */
int request_path(struct store_conn *conn, const char *text, char *path, size_t *home);
/* The only string of the request as a path, in req->path. */
int request_one_path(struct request *req);
/* The protocol's name of a negative error, with its NUL; its length. */
uint32_t request_error(int error, char *reply);
int request_ok(struct request *req);
int request_text(struct request *req, const char *text);
/*
 * Look up req->path for a use that needs all of these MAY_*. Where there is no node: -ENOENT for who has one
 * of these rights to what is above, -EACCES for others.
 */
int request_find(struct request *req, unsigned may, struct tree_place *place);

int do_write(struct request *req);
int do_mkdir(struct request *req);
int do_rm(struct request *req);
int do_set_perms(struct request *req);
/* Remove an existing node that is not the root, with what is below. */
int remove_node(struct store *store, struct tx *tx, const char *path);

int do_introduce(struct request *req);
int do_release(struct request *req);
int do_resume(struct request *req);
int do_set_target(struct request *req);
int do_is_introduced(struct request *req);
int do_domain_path(struct request *req);
int do_control(struct request *req);

#endif
