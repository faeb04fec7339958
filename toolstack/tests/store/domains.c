/* SPDX-License-Identifier: MIT */
/*
 * Domains come and go: INTRODUCE and its kin over the wire, and clients that vanish in the middle of things.
 */
#include "client.h"

#include <errno.h>
#include <string.h>

static struct client *a, *g;

static void requests(void)
{
    says(a, XS_IS_DOMAIN_INTRODUCED, 0, "0|", "T|");
    says(a, XS_IS_DOMAIN_INTRODUCED, 0, "1|", "T|");
    says(a, XS_IS_DOMAIN_INTRODUCED, 0, "2|", "F|");
    says(a, XS_IS_DOMAIN_INTRODUCED, 0, "32752|", "ERROR EINVAL|");
    says(g, XS_IS_DOMAIN_INTRODUCED, 0, "1|", "ERROR EACCES|");
    says(g, XS_INTRODUCE, 0, "2|100|3|", "ERROR EACCES|");
    says(g, XS_RELEASE, 0, "1|", "ERROR EACCES|");
    says(g, XS_RESUME, 0, "1|", "ERROR EACCES|");
    says(g, XS_SET_TARGET, 0, "1|2|", "ERROR EACCES|");
    says(g, XS_CONTROL, 0, "check|", "ERROR EACCES|");
    says(a, XS_INTRODUCE, 0, "2|100|", "ERROR EINVAL|");
    says(a, XS_INTRODUCE, 0, "0|100|3|", "ERROR EINVAL|");
    says(a, XS_INTRODUCE, 0, "2|x|3|", "ERROR EINVAL|");
    says(a, XS_INTRODUCE, 0, "2|100|3|", "ERROR ENOENT|");
    domain_states[2] = STORE_DOMAIN_RUNS;
    says(a, XS_INTRODUCE, 0, "2|8589934592|3|", "OK|");
    ok(last_mfn == 8589934592ull, "INTRODUCE asks the host, with the whole frame number");
    says(a, XS_RELEASE, 0, "0|", "ERROR EINVAL|");
    says(a, XS_RELEASE, 0, "77|", "ERROR ENOENT|");
    says(a, XS_RELEASE, 0, "x|", "ERROR EINVAL|");
    says(a, XS_RESUME, 0, "77|", "ERROR ENOENT|");
    says(a, XS_RELEASE, 0, "1|", "OK|");
    ok(g->closed, "RELEASE closes the connection");
    says(a, XS_IS_DOMAIN_INTRODUCED, 0, "1|", "F|");
    client_ends(g);
    g = guest(1);
}

static void twice(void)
{
    struct store_conn *conn = NULL;
    struct store_ring ring = g->ring;

    ok(store_introduce(store, 1, &store_ring_transport, &ring, &conn) == -EISCONN && !conn,
       "a domain is introduced once");
    ok(store_introduce(store, 150, &store_ring_transport, &ring, &conn) == -ENOENT && !conn,
       "and only if it exists");
    ok(store_release(store, 150) == -ENOENT && store_release(store, 0) == -ENOENT,
       "an unknown one is not released");
}

/* A client goes away with a request half sent, an answer half taken, a transaction open, events waiting. */
static void vanishing(void)
{
    struct xsd_sockmsg half = { .type = XS_READ, .len = 100 };
    uint32_t t;

    ask(a, XS_WRITE, 0, "/v|x");
    ask(a, XS_SET_PERMS, 0, "/v|r0|");
    ask(g, XS_WATCH, 0, "/v|t|");
    t = begin(g);
    ok(t != 0 && strcmp(ask(g, XS_READ, t, "/v|"), "x") == 0, "a guest is in the middle of a transaction");
    for (unsigned i = 0; i < 100; i++) {
        send_message(g, XS_DIRECTORY, 0, "/", 2);
        store_write(domain0, 0, "/v", "", 0);
    }
    push(g, &half, sizeof(half));
    run();
    says(a, XS_RELEASE, 0, "1|", "OK|");
    client_ends(g);
    run();
    says(a, XS_WRITE, 0, "/v|y", "OK|");
    store_is_sound("after a client vanished");
    g = guest(1);
}

/* A connection of the same domain beside its ring, as a daemon's socket has. */
static void second_connection(void)
{
    struct client *c = guest(3), *beside = guest(4);

    store_release(store, 4);
    beside->closed = false;
    store_ring_init(&beside->ring, beside->page, beside->ring.notify, beside->ring.closed);
    beside->conn = store_connect(store, 3, false, &store_ring_transport, &beside->ring);
    says(beside, XS_GET_DOMAIN_PATH, 0, "3|", "/local/domain/3|");
    store_release(store, 3);
    ok(c->closed && beside->closed, "all connections of a domain go with it");
    ok(!store_connect(store, 160, false, &store_ring_transport, &beside->ring),
       "none for a domain that is not");
    client_ends(c);
    client_ends(beside);
}

void test_domains(void)
{
    store_begins(NULL);
    a = administrator();
    g = guest(1);
    requests();
    twice();
    vanishing();
    second_connection();
    client_ends(a);
    store_ends();
    client_ends(g);
}
