/* SPDX-License-Identifier: MIT */
/*
 * The ring: messages in pieces, garbage in the indexes and in the bytes, and the way back.
 */
#include "client.h"

#include <stdlib.h>
#include <string.h>

static struct client *a, *g;

static void pieces(void)
{
    char payload[XENSTORE_PAYLOAD_MAX], reply[XENSTORE_PAYLOAD_MAX + 1];
    struct { struct xsd_sockmsg header; char path[3]; } m = { { XS_READ, 77, 0, 3 }, "/p" };
    struct xsd_sockmsg header;

    store_write(domain0, 0, "/p", "value", 5);
    for (size_t i = 0; i < sizeof(m.header) + 3; i++) {
        push(a, (char *)&m + i, 1);
        run();
    }
    ok(take_message(a, &header, reply) && header.type == XS_READ && header.req_id == 77 && header.len == 5 &&
       memcmp(reply, "value", 5) == 0, "a request that comes byte by byte");
    memset(payload, 'v', sizeof(payload));
    memcpy(payload, "/p", 3);
    send_message(a, XS_WRITE, 0, payload, sizeof(payload));
    ok(take_message(a, &header, reply) && header.type == XS_WRITE, "the largest request, four rings long");
    send_message(a, XS_READ, 0, "/p", 3);
    ok(take_message(a, &header, reply) && header.len == sizeof(payload) - 3 &&
       memcmp(reply, payload + 3, header.len) == 0, "and its answer");
    for (unsigned i = 0; i < 5; i++)
        push(a, &m, sizeof(m.header) + 3);
    run();
    for (unsigned i = 0; i < 5; i++)
        if (!take_message(a, &header, reply) || header.req_id != 77)
            ok(false, "one of five requests is answered");
    ok(!take_message(a, &header, reply), "five requests at once have five answers");
    header = (struct xsd_sockmsg){ XS_TRANSACTION_START, 5, 0, 0 };
    push(a, &header, sizeof(header));
    ok(take_message(a, &header, reply) && header.type == XS_TRANSACTION_START, "a request without payload");
}

/* The guest can come back: it asks for a fresh connection and has one. */
static void comes_back(const char *from)
{
    g->page->connection = XENSTORE_RECONNECT;
    store_kick(g->conn);
    run();
    ok(g->page->connection == XENSTORE_CONNECTED && g->page->error == XENSTORE_ERROR_NONE &&
       g->page->req_cons == 0 && g->page->rsp_prod == 0, "it is connected again after %s", from);
    says(g, XS_GET_DOMAIN_PATH, 0, "1|", "/local/domain/1|");
}

static void cut_off(uint32_t error, const char *why)
{
    store_kick(g->conn);
    run();
    ok(g->page->error == error, "%s: error %u", why, error);
    g->notified = 0;
    store_kick(g->conn);
    run();
    ok(g->notified == 0, "it is not listened to any more");
    says(a, XS_GET_DOMAIN_PATH, 0, "1|", "/local/domain/1|");
}

static void garbage_indexes(void)
{
    struct xsd_sockmsg header = { .type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1 };

    ok(g->page->server_features == (XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR),
       "the page says what the server can do");
    g->page->req_prod = g->page->req_cons + XENSTORE_RING_SIZE + 1;
    cut_off(XENSTORE_ERROR_RINGIDX, "more requests than the ring holds");
    ok(strncmp(last_log, "xenstore: domain 1 is cut off", 29) == 0, "the log says so");
    last_log[0] = '\0';
    comes_back("that");
    g->page->req_prod = g->page->req_cons - 1;
    cut_off(XENSTORE_ERROR_RINGIDX, "fewer than none");
    comes_back("that");
    ask(g, XS_WATCH, 0, "/w|t|");
    ask(g, XS_TRANSACTION_START, 0, "|");
    g->page->rsp_cons = g->page->rsp_prod + 1;
    send_message(g, XS_DIRECTORY, 0, "/", 2);
    cut_off(XENSTORE_ERROR_RINGIDX, "more answers taken than there were");
    ok(strcmp(ask(a, XS_CONTROL, 0, "quota|1|"), "nodes 0\nwatches 0\ntransactions 0\nmemory 0\n|") == 0,
       "its watches and transactions are gone");
    comes_back("that");
    push(g, &header, sizeof(header));
    cut_off(XENSTORE_ERROR_PROTO, "a message longer than allowed");
    comes_back("that");
    header.len = UINT32_MAX;
    push(g, &header, sizeof(header));
    cut_off(XENSTORE_ERROR_PROTO, "one of four gigabytes");
    comes_back("that");
    /* Our own indexes are not read back. */
    g->page->req_cons += 5;
    g->page->rsp_prod += 9;
    push(g, NULL, 0);
    g->page->req_cons -= 5;
    g->page->rsp_prod -= 9;
    says(g, XS_GET_DOMAIN_PATH, 0, "1|", "/local/domain/1|");
    ok(last_log[0] == '\0', "but not again");
    g->page->connection = 0xdead;
    says(g, XS_GET_DOMAIN_PATH, 0, "1|", "/local/domain/1|");
    comes_back("no trouble");
}

/* A page full of random bytes, again and again; another client goes on. */
static void random_pages(void)
{
    unsigned wrong = 0;

    srandom(1);
    for (unsigned i = 0; i < 2000; i++) {
        for (size_t j = 0; j < sizeof(*g->page); j++)
            ((uint8_t *)g->page)[j] = random();
        if (i % 2)      /* plausible indexes, so that the bytes are read as messages */
            g->page->req_prod = g->ring.req_cons + random() % (XENSTORE_RING_SIZE + 2);
        for (unsigned j = 1; i % 4 == 1 && j < 4; j++)      /* and a type that there may be */
            g->page->req[MASK_XENSTORE_IDX(g->ring.req_cons + j)] = 0;
        if (i % 3 == 0)
            g->page->connection = XENSTORE_RECONNECT;
        store_kick(g->conn);
        run();
        wrong += strcmp(ask(a, XS_GET_DOMAIN_PATH, 0, "1|"), "/local/domain/1|") != 0;
    }
    ok(wrong == 0, "2000 pages of random bytes disturb nobody else");
    store_is_sound("after them");
}

void test_rings(void)
{
    store_begins(NULL);
    a = administrator();
    g = guest(1);
    pieces();
    garbage_indexes();
    random_pages();
    client_ends(a);
    store_ends();
    client_ends(g);
}
