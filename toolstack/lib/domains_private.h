/* SPDX-License-Identifier: MIT */
/*
 * The register of domains, for the files that work on it: domains.c makes and ends, watcher.c does what their
 * ends ask for, lifecycle.c what users ask of those that run.
 */
#ifndef TOOLSTACK_DOMAINS_PRIVATE_H
#define TOOLSTACK_DOMAINS_PRIVATE_H

#include "domains.h"

#define DOMAIN_0 "Domain-0"
/* A guest that ends again and again is not restarted more often than this. */
#define RESTARTS_MAX    5u
#define RESTARTS_PERIOD 10000000000ull      /* ns */

struct domain {
    struct domain *next;        /* in order of creation */
    domid_t id;
    bool preserved;             /* ended, and kept as on_... says */
    uint64_t created;
    uint64_t restarts[RESTARTS_MAX];
    unsigned nr_restarts;
    struct tn_config config;
};

/* The first of the register, and its domain of this id or name, or NULL. */
struct domain *domains_first(void);
struct domain *domain_by_id(domid_t id);
struct domain *domain_by_name(const char *name);

/* Build, connect the console and the store, register. port_lock() held. [waits] */
int domain_make(const struct tn_config *config, struct domain **made, struct tn_error *err);
/* End a domain and forget it. port_lock() held. [waits] */
int domain_unmake(struct domain *d, struct tn_error *err);
/* Disconnect and forget a domain that the hypervisor has ended already. port_lock() held. [waits] */
void domain_drop(struct domain *d);

/* Start the thread that watches for ends. `notice` as domains_start() has it. */
int watcher_start(void (*notice)(const char *line), struct tn_error *err);

#endif
