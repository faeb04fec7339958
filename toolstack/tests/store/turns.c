/* SPDX-License-Identifier: MIT */
/*
 * Slow and greedy clients: what they cost the others, counted in the store's steps, and what they make the
 * store keep.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct client *a, *good, *bad;

/* Memory that the store holds for the bad guest. */
static unsigned long memory_of_bad(void)
{
    const char *text = strstr(ask(a, XS_CONTROL, 0, "quota|2|"), "memory ");

    return text ? strtoul(text + 7, NULL, 10) : 0;
}

/* The steps that the good client's request takes; the worst of some. */
static unsigned latency(void)
{
    unsigned worst = 0;

    for (unsigned i = 0; i < 20; i++) {
        if (strcmp(ask(good, XS_READ, 0, "/shared|"), "v") != 0)
            ok(false, "the good client is answered");
        if (good->taken_steps > worst)
            worst = good->taken_steps;
    }
    return worst;
}

/* A request that waits already stands in the ring, as many times as there is room. */
static void fill_ring(void)
{
    struct { struct xsd_sockmsg header; char path[8]; } m = { { XS_READ, 1, 0, 8 }, "/shared" };

    while (XENSTORE_RING_SIZE - (bad->page->req_prod - bad->page->req_cons) >= sizeof(m))
        push(bad, &m, sizeof(m));
}

static void stops_reading(unsigned alone)
{
    unsigned long before = memory_of_bad();
    unsigned worst = 0, answered;
    char path[32];

    for (unsigned i = 0; i < 200; i++) {
        unsigned steps;

        fill_ring();
        steps = latency();
        worst = steps > worst ? steps : worst;
    }
    ok(worst <= 2 * alone, "it never reads its answers: another's request takes %u steps at worst, %u alone",
       worst, alone);
    answered = bad->page->rsp_prod - bad->page->rsp_cons;
    ok(answered == XENSTORE_RING_SIZE && bad->page->req_prod - bad->page->req_cons > 900,
       "when its ring is full of answers, its requests wait in the other");
    worst = 0;
    for (unsigned i = 0; i < 1000; i++) {
        unsigned steps;

        snprintf(path, sizeof(path), "/watched/%u", i);
        store_write(domain0, 0, path, "x", 1);
        steps = latency();
        worst = steps > worst ? steps : worst;
    }
    ok(worst <= 2 * alone, "events for it pile up: %u steps at worst", worst);
    before = memory_of_bad() - before;
    ok(before < 40000, "they take a bounded amount of memory (%lu)", before);
}

/* When it reads again, it gets all answers, some events, and one that stands for the rest. */
static void reads_again(void)
{
    char payload[XENSTORE_PAYLOAD_MAX + 1];
    unsigned answers = 0, events = 0, merged = 0, ordered = 1;
    struct xsd_sockmsg header;

    while (take_message(bad, &header, payload)) {
        if (header.type == XS_READ)
            answers++;
        else if (header.type == XS_WATCH_EVENT && strcmp(payload, "/watched") == 0)
            merged++;
        else if (header.type == XS_WATCH_EVENT)
            ordered &= strtoul(payload + strlen("/watched/"), NULL, 10) == events++;
    }
    ok(answers > 40 && ordered && events == store_limits_default.events && merged == 1,
       "it reads again: %u answers, %u events in order, and one for those that were left out", answers,
       events);
    store_write(domain0, 0, "/watched/x", "", 0);
    events_are(bad, "/watched/x|w|", "after that, events are as ever");
}

/* Each turn is one request, so a client that sends all that it can doubles another's wait at most. */
static void greedy(unsigned alone)
{
    char payload[XENSTORE_PAYLOAD_MAX + 1];
    unsigned worst = 0, served = 0;
    struct xsd_sockmsg header;

    for (unsigned i = 0; i < 200; i++) {
        unsigned steps = 0;

        fill_ring();
        send_message(good, XS_READ, 0, "/shared", 8);
        while (good->page->rsp_prod == good->page->rsp_cons) {
            store_step(store);
            steps++;
            bad->page->rsp_cons = bad->page->rsp_prod;      /* it takes all and looks at nothing */
            store_kick(bad->conn);
        }
        take_message(good, &header, payload);
        served += header.type == XS_READ;
        worst = steps > worst ? steps : worst;
    }
    ok(served == 200 && worst <= 2 * alone,
       "a client that never pauses: another's request takes %u steps at worst", worst);
    bad->page->connection = XENSTORE_RECONNECT;     /* it no longer knows where its messages begin */
    store_kick(bad->conn);
    run();
}

/* Nor does it matter how many are greedy for more than their number. */
static void crowd(void)
{
    struct client *others[20];
    unsigned alone, worst;

    for (unsigned i = 0; i < 20; i++)
        others[i] = guest(20 + i);
    run();
    alone = latency();
    for (unsigned i = 0; i < 20; i++) {
        struct xsd_sockmsg header = { XS_READ, 1, 0, 8 };

        while (push(others[i], &header, sizeof(header)) == sizeof(header) &&
               push(others[i], "/shared", 8) == 8)
            ;
    }
    worst = latency();
    ok(worst <= alone + 20, "twenty of them: %u steps, %u without", worst, alone);
    for (unsigned i = 0; i < 20; i++) {
        store_release(store, 20 + i);
        client_ends(others[i]);
    }
}

/* A guest keeps transactions open, so that old trees stay, while others write. */
static void holds_snapshots(void)
{
    static char value[2000];
    char reply[XENSTORE_PAYLOAD_MAX], path[32];
    unsigned long kept = 0;
    const char *text;
    uint32_t t = 0;

    memset(value, 'v', sizeof(value));
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(path, sizeof(path), "/bulk/%u", i);
        store_write(domain0, 0, path, value, sizeof(value));
    }
    for (unsigned round = 0; round < 10; round++) {
        uint32_t id = begin(bad);

        t = t ? t : id;
        for (unsigned i = 0; i < 1000; i++) {
            snprintf(path, sizeof(path), "/bulk/%u", i);
            store_write(domain0, 0, path, value, sizeof(value));
            if (i % 50 == 0) {
                run();
                if (store_request(domain0, XS_CONTROL, 0, "memreport", 10, reply) > 0 &&
                    (text = strstr(reply, "transactions ")) && strtoul(text + 13, NULL, 10) > kept)
                    kept = strtoul(text + 13, NULL, 10);
            }
        }
    }
    ok(kept > (4u << 20) && kept < (10u << 20), "old trees that transactions hold are bounded (%lu bytes)",
       kept);
    says(bad, XS_READ, t, "/shared|", "ERROR EAGAIN|");
    says(bad, XS_TRANSACTION_END, t, "T|", "ERROR EAGAIN|");
    says(bad, XS_RESET_WATCHES, 0, "|", "OK|");
    store_is_sound("after transactions were given up");
}

void test_turns(void)
{
    struct store_perm perms[] = { { 0, 'r' } };
    unsigned alone;

    store_begins(NULL);
    a = administrator();
    good = guest(1);
    bad = guest(2);
    store_write(domain0, 0, "/shared", "v", 1);
    store_mkdir(domain0, 0, "/watched");
    store_set_perms(domain0, 0, "/shared", perms, 1);
    store_set_perms(domain0, 0, "/watched", perms, 1);
    ask(bad, XS_WATCH, 0, "/watched|w|");
    events_are(bad, "/watched|w|", "a watch begins");
    run();
    alone = latency();
    stops_reading(alone);
    reads_again();
    greedy(alone);
    crowd();
    holds_snapshots();
    client_ends(a);
    store_ends();
    client_ends(good);
    client_ends(bad);
}
