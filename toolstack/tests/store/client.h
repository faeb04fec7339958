/* SPDX-License-Identifier: MIT */
/*
 * Guests of a store under test, each with a ring page of its own, and the host below the store.
 *
 * Payloads are written as the protocol's description does: "|" stands for a zero byte, an answer of type
 * XS_ERROR reads "ERROR EINVAL|". So no value in these tests has a "|".
 */
#ifndef TOOLSTACK_TESTS_STORE_CLIENT_H
#define TOOLSTACK_TESTS_STORE_CLIENT_H

#include "../../store/ring.h"
#include "../tap.h"

#define DOMAINS 200

struct client {
    struct store_ring ring;
    struct xenstore_domain_interface *page;
    struct store_conn *conn;
    bool privileged;
    unsigned notified;
    bool closed;
    uint32_t req_id;
    unsigned taken_steps;           /* of the last ask(): store_step() calls until its answer was there */
    char events[64][256];           /* "path|token|" in the order of their arrival */
    unsigned event_count;
    char reply[XENSTORE_PAYLOAD_MAX + 32];
    uint32_t reply_bytes;
};

/* The store, its host's answers, and what it told the host. */
extern struct store *store;
extern struct store_conn *domain0;      /* a local connection; its events are in domain0_events */
extern char domain0_events[64][256];
extern unsigned domain0_event_count;
extern enum store_domain_state domain_states[DOMAINS];
extern char last_log[256];
extern uint64_t last_mfn;

void store_begins(const struct store_limits *limits);
void store_ends(void);

/* A guest: the domain exists, has its ring and is introduced. */
struct client *guest(domid_t domid);
/* A privileged client of domain 0 with a ring. */
struct client *administrator(void);
/* Release the domain if it is a guest's, and free. */
void client_ends(struct client *c);

/* Steps until there is nothing to do. */
void run(void);
/* Put bytes on the ring as far as they go, and kick; returns how many. */
size_t push(struct client *c, const void *bytes, size_t count);
/* Send a whole message, stepping as its bytes need it. */
void send_message(struct client *c, uint32_t type, uint32_t tx, const void *payload, size_t bytes);
/* Take the next message off the ring; false: there is none, even after running the store. */
bool take_message(struct client *c, struct xsd_sockmsg *header, char *payload);
/* Send and wait for the answer, in c->reply as text; events that come before it are kept. */
const char *ask(struct client *c, uint32_t type, uint32_t tx, const char *payload);
/* One check: that this is the answer. */
void says(struct client *c, uint32_t type, uint32_t tx, const char *payload, const char *answer);
/* Take all events that there are; one check: that these came since the last time, "path|token|…". */
void events_are(struct client *c, const char *all, const char *what);
void domain0_events_are(const char *all, const char *what);
/* Begin a transaction; its id. */
uint32_t begin(struct client *c);
/* A check that the store's own accounts agree with its tree. */
void store_is_sound(const char *when);

void test_nodes(void);
void test_perms(void);
void test_transactions(void);
void test_watches(void);
void test_quotas(void);
void test_domains(void);
void test_rings(void);
void test_turns(void);
void test_large(void);
void test_memory(void);
void test_mirror(unsigned long seed);
/* Random requests against a model, from this seed. */
void test_model(unsigned long seed, unsigned long requests);

#endif
