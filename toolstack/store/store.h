/* SPDX-License-Identifier: MIT */
/*
 * xenstore: a small tree of values with permissions, transactions and watches, by which domains, their
 * devices and the toolstack find each other. docs/xenstore.md has the protocol's choices and the quotas;
 * <xen/io/xs_wire.h> has the messages.
 *
 * The store is plain C over two records of functions: the host (what it asks of the system that it runs in)
 * and a transport for each connection (how bytes come and go). It has no threads and waits for nothing; calls
 * into it must not overlap, but for store_kick(). Whoever runs it calls store_step() while that says that
 * there is more to do: a step handles at most one request, and connections take turns, so that none of them
 * can hold up the others.
 *
 * Functions that return int return 0, or a count where said, or a negative error number of <errno.h>, one of
 * those that the protocol has names for (xsd_errors).
 */
#ifndef TOOLSTACK_STORE_H
#define TOOLSTACK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/io/xs_wire.h>

struct store;
struct store_conn;

/* -- What the store asks of its host --------------------------------------------------------------------- */

enum store_domain_state {
    STORE_DOMAIN_NONE,      /* there is no domain of this id, or it is being torn down */
    STORE_DOMAIN_RUNS,
    STORE_DOMAIN_SHUTDOWN,  /* it shut down or crashed, and still exists */
};

struct store_host {
    /* What the hypervisor says of the domain. */
    enum store_domain_state (*domain_state)(void *host, domid_t domid);
    /*
     * A client sent INTRODUCE: map the ring, bind the port, call store_introduce(). May wait, and let others
     * call the store meanwhile. 0 or a negative error.
     */
    int (*introduce)(void *host, domid_t domid, xen_pfn_t mfn, evtchn_port_t port);
    /* store_step() has work now. Called by store_kick(), too: in whatever context that is called. */
    void (*wake)(void *host);
    /* A line for the administrator, of CONTROL's print and log and of clients that were cut off. */
    void (*log)(void *host, const char *line);
};

/*
 * Bounds for each domain but the privileged; store_limits_default has the protocol's usual figures. There is
 * one more, by construction: a client's next request is looked at when the answer to its last one has left.
 */
struct store_limits {
    uint32_t nodes;             /* that it owns */
    uint32_t node_bytes;        /* a node's value */
    uint32_t perms;             /* entries in a node's permissions */
    uint32_t watches;
    uint32_t transactions;      /* open at a time */
    uint32_t transaction_nodes; /* that one transaction touches */
    uint32_t path;              /* bytes of a path, behind /local/domain/N/ if it begins so */
    uint32_t events;            /* watch events that it has not read, before they are merged */
    uint32_t memory;            /* bytes that all of these take */
};
extern const struct store_limits store_limits_default;

/* NULL when memory is short. The limits, NULL for the default, can be changed later by CONTROL's quota. */
struct store *store_create(const struct store_host *host, void *arg, const struct store_limits *limits);
void store_destroy(struct store *store);

/* -- Connections ----------------------------------------------------------------------------------------- */

/* How one connection's bytes travel. Both counts may be short; what is not moved stays for the next time. */
struct store_transport {
    /* Take up to `room` bytes that the client sent; negative: the client broke the transport's rules. */
    long (*read)(void *transport, void *to, size_t room);
    /* Give the client up to `count` bytes; negative as above. */
    long (*write)(void *transport, const void *from, size_t count);
    /* Bytes were moved: tell the client. At most once a step. */
    void (*notify)(void *transport);
    /* The client is cut off for XENSTORE_ERROR_*: tell it, if there is a way; it is not read again until
     * reset() says that it started afresh. */
    void (*fail)(void *transport, uint32_t error);
    /* Has the client asked for a fresh connection? Then do the transport's part of it and say true. */
    bool (*reset)(void *transport);
    /* The connection is closed by the store: unmap, unbind, free. Not called by store_disconnect(). */
    void (*closed)(void *transport);
};

/*
 * A connection of domain `domid`; a privileged one may do everything and is not limited. NULL when memory is
 * short.
 */
struct store_conn *store_connect(struct store *store, domid_t domid, bool privileged,
                                 const struct store_transport *ops, void *transport);
/* Forget a connection: its watches and transactions go. */
void store_disconnect(struct store_conn *conn);

/* The client has sent or taken something. May be called at any time, in an event handler too. */
void store_kick(struct store_conn *conn);

/*
 * Do a bounded piece of work: one request of one connection at most. Returns whether there is more to do;
 * after false there is nothing until host->wake() is called.
 */
bool store_step(struct store *store);

/* -- Domains --------------------------------------------------------------------------------------------- */

/*
 * Open the domain's connection and fire @introduceDomain; *conn is valid until closed() or store_release().
 * -EISCONN when it has one, -ENOENT when there is no such domain; the transport is then untouched.
 */
int store_introduce(struct store *store, domid_t domid, const struct store_transport *ops, void *transport,
                    struct store_conn **conn);

/*
 * Forget the domain: close its connection (the transport's closed() is called), drop its watches and
 * transactions, remove the nodes that it owns, void permissions that name it, fire @releaseDomain. To be
 * called before its id can be used again. -ENOENT when the store does not know it.
 */
int store_release(struct store *store, domid_t domid);

/* Some domain shut down or went away (VIRQ_DOM_EXC): look at all and do what follows from it. */
void store_domains_changed(struct store *store);

/* -- Domain-0's own requests ----------------------------------------------------------------------------- */

/*
 * A privileged connection of domain 0 inside this program. Events of its watches come by `event`, out of
 * store_step(); it may call the store, and may be NULL for who watches nothing. Returns NULL when memory is
 * short.
 */
struct store_conn *store_local(struct store *store,
                               void (*event)(void *arg, const char *path, const char *token), void *arg);

/*
 * Any request, answered at once: `payload` as the protocol has it for the type; the answer's payload goes to
 * `reply` (XENSTORE_PAYLOAD_MAX bytes). Returns its length. `tx` is 0 or an id of store_begin(). Works on
 * every connection.
 */
int store_request(struct store_conn *conn, uint32_t type, uint32_t tx, const void *payload, size_t bytes,
                  char *reply);

/* Copies the value and a NUL behind it; -E2BIG when `room` is too small. Returns the value's length. */
int store_read(struct store_conn *conn, uint32_t tx, const char *path, char *value, size_t room);
int store_write(struct store_conn *conn, uint32_t tx, const char *path, const void *value, size_t bytes);
int store_printf(struct store_conn *conn, uint32_t tx, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
int store_mkdir(struct store_conn *conn, uint32_t tx, const char *path);
/* Removes what is below, too. Not an error when the parent exists and the node does not. */
int store_rm(struct store_conn *conn, uint32_t tx, const char *path);
/*
 * The names of the children, of any number: *names receives strings one behind the other, to be freed.
 * Returns how many.
 */
int store_list(struct store_conn *conn, uint32_t tx, const char *path, char **names);

/* Access is one of n (none), r, w, b (both). The first entry is the owner, with everyone else's access. */
struct store_perm {
    domid_t domid;
    char access;
};
/* Returns how many entries the node has, of which at most `max` are copied. */
int store_get_perms(struct store_conn *conn, uint32_t tx, const char *path, struct store_perm *perms,
                    unsigned max);
int store_set_perms(struct store_conn *conn, uint32_t tx, const char *path, const struct store_perm *perms,
                    unsigned count);

/* A watch sees the path and all below, or for a depth >= 0 so many levels below. It fires once at first. */
int store_watch(struct store_conn *conn, const char *path, const char *token, int depth);
int store_unwatch(struct store_conn *conn, const char *path, const char *token);

/* Begin returns the id; end with -EAGAIN: another changed what this one touched, do it all again. */
int store_begin(struct store_conn *conn, uint32_t *tx);
int store_end(struct store_conn *conn, uint32_t tx, bool commit);

#endif
