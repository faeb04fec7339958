/* SPDX-License-Identifier: MIT */
/*
 * The domains that this toolstack made: their names and configurations, and the operations on them that users
 * ask for. A watcher thread does what on_poweroff, on_reboot and on_crash say when a guest ends.
 */
#ifndef TOOLSTACK_DOMAINS_H
#define TOOLSTACK_DOMAINS_H

#include "config.h"
#include "control.h"

/*
 * Start watching. `notice` is called, on the watcher's thread, with one line when something happened to a
 * guest. 0 or -1.
 */
int domains_start(void (*notice)(const char *line), struct tn_error *err);

/*
 * Create the domain and, unless `paused`, let it run. Each failure leaves nothing behind. [waits]
 */
int domain_create(const struct tn_config *config, bool paused, domid_t *domid, struct tn_error *err);

/* End the domain now. When it returns the name is free again. [waits] */
int domain_destroy(domid_t domid, struct tn_error *err);

int domain_rename(domid_t domid, const char *name, struct tn_error *err);

/* The name that goes with an id ("Domain-0" for 0), or NULL when this toolstack does not know it. */
const char *domain_name(domid_t domid);

/* The most memory that a domain may be given, MiB; 0: Domain-0 may have no limit. */
uint64_t domain_maximum_mb(const struct xen_domctl_getdomaininfo *info);

/* Find a domain by name, or by id when `text` is digits. 0, or -1 with the line. */
int domain_find(const char *text, domid_t *domid, struct tn_error *err);

/*
 * Nanoseconds since the domain was created, or since this toolstack started for Domain-0; 0 when not known.
 */
uint64_t domain_age(domid_t domid);

/* Up to `max` names of the domains that were made here, in order of creation. */
unsigned domain_names(const char **names, unsigned max);

#endif
