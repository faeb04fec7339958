/* SPDX-License-Identifier: MIT */
/*
 * The store service: runs the xenstore daemon (../store) on a thread of its own over the port layer, with the
 * guests' rings mapped and their event channels bound, and keeps the standard tree of each domain in it.
 */
#ifndef TOOLSTACK_XENSTORE_H
#define TOOLSTACK_XENSTORE_H

#include "../store/store.h"
#include "config.h"
#include "error.h"
#include "port.h"

/*
 * Start the daemon, with the tree of Domain-0 in it. `log` receives lines for the administrator. 0 or -1 with
 * the line.
 */
int xenstore_start(void (*log)(const char *line), struct tn_error *err);

/*
 * Connect a domain that does not run yet: map its ring, bind its channel, introduce it. Returns 0, or -1 with
 * the line. [waits]
 */
int xenstore_attach(domid_t domid, const char *name, xen_pfn_t mfn, evtchn_port_t port, struct tn_error *err);

/*
 * Disconnect the domain and remove all that it owned in the store. To be called before its id is free again.
 * Does nothing for a domain that is not connected.
 */
void xenstore_detach(domid_t domid);

/* Some domain shut down or went away. */
void xenstore_domains_changed(void);

/* The toolstack's own connection, privileged and without watches. */
struct store_conn *xenstore_conn(void);

/*
 * Another one, for watches: `event` is called on the daemon's thread, and may only note and port_wake(). NULL
 * when memory is short; to be given back by store_disconnect().
 */
struct store_conn *xenstore_open(void (*event)(void *arg, const char *path, const char *token), void *arg);

/* What an error of the store means, in words with its name. Takes the negative value. */
const char *xenstore_error(int rc);

#endif
