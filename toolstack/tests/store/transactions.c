/* SPDX-License-Identifier: MIT */
/*
 * Transactions: isolation, what conflicts and what does not, and their ends.
 */
#include "client.h"

#include <stdio.h>

static struct client *a, *g;

static void isolation(void)
{
    uint32_t t, u;

    says(a, XS_WRITE, 0, "/i/x|0", "OK|");
    t = begin(a);
    u = begin(a);
    ok(t && u && t != u, "two transactions have ids of their own");
    says(a, XS_WRITE, t, "/i/x|1", "OK|");
    says(a, XS_WRITE, t, "/i/new|1", "OK|");
    says(a, XS_READ, t, "/i/x|", "1");
    says(a, XS_DIRECTORY, t, "/i|", "x|new|");
    says(a, XS_READ, 0, "/i/x|", "0");
    says(a, XS_READ, u, "/i/x|", "0");
    says(a, XS_DIRECTORY, 0, "/i|", "x|");
    says(a, XS_WRITE, 0, "/i/y|outside", "OK|");
    says(a, XS_READ, t, "/i/y|", "ERROR ENOENT|");
    says(a, XS_TRANSACTION_END, u, "F|", "OK|");
    says(a, XS_READ, 0, "/i/x|", "0");
    says(a, XS_TRANSACTION_END, t, "T|", "ERROR EAGAIN|");      /* it listed /i, and looked for y */
    says(a, XS_READ, 0, "/i/x|", "0");
    says(a, XS_READ, t, "/i/x|", "ERROR ENOENT|");
}

static void ends(void)
{
    uint32_t t;

    says(a, XS_TRANSACTION_END, 0, "T|", "ERROR ENOENT|");
    says(a, XS_TRANSACTION_END, 9999, "T|", "ERROR ENOENT|");
    says(a, XS_READ, 9999, "/|", "ERROR ENOENT|");
    t = begin(a);
    says(a, XS_TRANSACTION_START, t, "|", "ERROR EBUSY|");
    says(g, XS_READ, t, "/|", "ERROR ENOENT|");
    says(a, XS_TRANSACTION_END, t, "X|", "ERROR EINVAL|");
    says(a, XS_TRANSACTION_END, t, "T", "ERROR EINVAL|");
    says(a, XS_RM, t, "/i|", "OK|");
    says(a, XS_TRANSACTION_END, t, "T|", "OK|");
    says(a, XS_READ, 0, "/i|", "ERROR ENOENT|");
    t = begin(a);
    says(a, XS_WRITE, t, "/dropped|", "OK|");
    says(a, XS_RESET_WATCHES, 0, "|", "OK|");
    says(a, XS_TRANSACTION_END, t, "T|", "ERROR ENOENT|");
    says(a, XS_READ, 0, "/dropped|", "ERROR ENOENT|");
}

/* A request of a transaction, one outside it, and whether both can be. */
struct pair {
    uint32_t type;
    const char *inside;
    uint32_t other_type;
    const char *outside;
    bool conflict;
};
static const struct pair pairs[] = {
    { XS_READ, "/c/x|", XS_WRITE, "/c/x|new", true },
    { XS_READ, "/c/x|", XS_WRITE, "/c/x|0", true },             /* the same value, but written */
    { XS_READ, "/c/x|", XS_RM, "/c/x|", true },
    { XS_READ, "/c/x|", XS_SET_PERMS, "/c/x|r0|", true },
    { XS_READ, "/c/x|", XS_WRITE, "/c/y|new", false },
    { XS_READ, "/c/x|", XS_WRITE, "/c/x/below|new", false },
    { XS_READ, "/c/x|", XS_READ, "/c/x|", false },
    { XS_READ, "/c|", XS_WRITE, "/c/z|new", false },
    { XS_READ, "/c/none|", XS_WRITE, "/c/none|now", true },
    { XS_READ, "/c/none|", XS_WRITE, "/c/none2|now", false },
    { XS_GET_PERMS, "/c/x|", XS_SET_PERMS, "/c/x|r0|", true },
    { XS_DIRECTORY, "/c|", XS_WRITE, "/c/z|new", true },
    { XS_DIRECTORY, "/c|", XS_RM, "/c/y|", true },
    { XS_DIRECTORY, "/c|", XS_WRITE, "/c/x|new", false },
    { XS_DIRECTORY, "/c|", XS_WRITE, "/c/x/below|new", false },
    { XS_DIRECTORY_PART, "/c|0|", XS_WRITE, "/c/z|new", true },
    { XS_WRITE, "/c/x|1", XS_WRITE, "/c/x|2", true },
    { XS_WRITE, "/c/x|1", XS_WRITE, "/c/y|2", false },
    { XS_WRITE, "/c/x|1", XS_RM, "/c|", true },
    { XS_WRITE, "/c/z|1", XS_WRITE, "/c/zz|2", false },
    { XS_WRITE, "/c/z|1", XS_WRITE, "/c/z|2", true },
    { XS_WRITE, "/c/z/1|", XS_WRITE, "/c/z/2|", true },         /* both make z */
    { XS_WRITE, "/c/z/1|", XS_SET_PERMS, "/c|r0|", true },
    { XS_MKDIR, "/c/x|", XS_WRITE, "/c/x|2", true },
    { XS_MKDIR, "/c/z|", XS_MKDIR, "/c/z|", true },
    { XS_RM, "/c/x|", XS_WRITE, "/c/x/below|2", true },
    { XS_RM, "/c/d|", XS_WRITE, "/c/d/e/f|2", true },
    { XS_RM, "/c/d|", XS_RM, "/c/d/e|", true },
    { XS_RM, "/c/d|", XS_WRITE, "/c/x|2", false },
    { XS_RM, "/c/none|", XS_WRITE, "/c/none|2", true },
    { XS_RM, "/c/d|", XS_RM, "/c/x|", false },
    { XS_SET_PERMS, "/c/x|r0|", XS_WRITE, "/c/x|2", true },
    { XS_SET_PERMS, "/c/x|r0|", XS_WRITE, "/c/x/below|2", false },
};

static void conflicts(void)
{
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        const struct pair *p = &pairs[i];
        uint32_t t;

        ask(a, XS_RM, 0, "/c|");
        ask(a, XS_WRITE, 0, "/c/x|0");
        ask(a, XS_WRITE, 0, "/c/y|0");
        ask(a, XS_WRITE, 0, "/c/d/e/f|0");
        t = begin(a);
        ask(a, p->type, t, p->inside);
        ask(a, p->other_type, 0, p->outside);
        says(a, XS_TRANSACTION_END, t, "T|", p->conflict ? "ERROR EAGAIN|" : "OK|");
        if (p->conflict != (a->reply[0] == 'E'))
            diag("type %u %s against type %u %s", p->type, p->inside, p->other_type, p->outside);
    }
    store_is_sound("after conflicts");
}

/* What is carried over when something else has changed. */
static void merging(void)
{
    uint32_t t;

    ask(a, XS_RM, 0, "/m|");
    ask(a, XS_WRITE, 0, "/m/old/leaf|0");
    ask(a, XS_WRITE, 0, "/m/kept|0");
    t = begin(a);
    says(a, XS_WRITE, t, "/m/a/b/c|made", "OK|");
    says(a, XS_WRITE, t, "/m/a/b|middle", "OK|");
    says(a, XS_RM, t, "/m/old|", "OK|");
    says(a, XS_WRITE, t, "/m/old/other|again", "OK|");
    says(a, XS_WRITE, t, "/m/gone/x|", "OK|");
    says(a, XS_RM, t, "/m/gone|", "OK|");
    says(a, XS_WRITE, t, "/m/p|", "OK|");
    says(a, XS_SET_PERMS, t, "/m/p|r1|", "OK|");
    says(a, XS_WRITE, t, "/m/kept|1", "OK|");
    says(a, XS_WRITE, t, "/m/r/s/t|", "OK|");
    says(a, XS_RM, t, "/m/r/s|", "OK|");
    says(a, XS_WRITE, t, "/m/r/s/u|", "OK|");
    says(a, XS_WRITE, 0, "/m/beside|outside", "OK|");
    says(a, XS_TRANSACTION_END, t, "T|", "OK|");
    says(a, XS_READ, 0, "/m/a/b/c|", "made");
    says(a, XS_READ, 0, "/m/a/b|", "middle");
    says(a, XS_DIRECTORY, 0, "/m/old|", "other|");
    says(a, XS_GET_PERMS, 0, "/m/p|", "r1|");
    says(a, XS_READ, 0, "/m/kept|", "1");
    says(a, XS_READ, 0, "/m/beside|", "outside");
    says(a, XS_DIRECTORY, 0, "/m/r/s|", "u|");
    says(a, XS_DIRECTORY, 0, "/m|", "a|p|r|old|kept|beside|");
    store_is_sound("after a merge");
}

static void events_of_transactions(void)
{
    uint32_t t;

    ask(a, XS_WRITE, 0, "/e/d/x|");
    says(a, XS_WATCH, 0, "/e|w|", "OK|");
    says(a, XS_WATCH, 0, "/e/d/x|below|", "OK|");
    events_are(a, "/e|w|/e/d/x|below|", "watches begin");
    t = begin(a);
    says(a, XS_WRITE, t, "/e/1|", "OK|");
    says(a, XS_WRITE, t, "/e/2|", "OK|");
    says(a, XS_WRITE, t, "/e/1|again", "OK|");
    says(a, XS_RM, t, "/e/d|", "OK|");
    says(a, XS_WRITE, t, "/e/3/4|", "OK|");
    says(a, XS_WRITE, t, "/e/temporary|", "OK|");
    says(a, XS_RM, t, "/e/temporary|", "OK|");
    events_are(a, "", "a transaction is open");
    says(a, XS_TRANSACTION_END, t, "T|", "OK|");
    events_are(a, "/e/1|w|/e/2|w|/e/d|w|/e/d/x|below|/e/3/4|w|", "it is committed");
    t = begin(a);
    says(a, XS_WRITE, t, "/e/1|", "OK|");
    says(a, XS_TRANSACTION_END, t, "F|", "OK|");
    events_are(a, "", "one is dropped");
    t = begin(a);
    says(a, XS_WRITE, t, "/e/1|", "OK|");
    says(a, XS_WRITE, 0, "/e/1|", "OK|");
    says(a, XS_TRANSACTION_END, t, "T|", "ERROR EAGAIN|");
    events_are(a, "/e/1|w|", "one conflicts");
    says(a, XS_RESET_WATCHES, 0, "|", "OK|");
}

/* Many at once, each adding its own child and its turn to a counter. */
static void concurrent(void)
{
    uint32_t ids[8];
    unsigned committed = 0, tries = 0;
    char text[64];

    ask(a, XS_WRITE, 0, "/many/count|0");
    for (unsigned i = 0; i < 8; i++) {
        ids[i] = begin(a);
        snprintf(text, sizeof(text), "/many/child%u|", i);
        ask(a, XS_WRITE, ids[i], text);
    }
    for (unsigned i = 0; i < 8; i++)
        says(a, XS_TRANSACTION_END, ids[i], "T|", "OK|");
    for (unsigned i = 0; i < 8; i++)
        ids[i] = 0;
    while (committed < 8 && tries++ < 100) {
        for (unsigned i = 0; i < 8; i++) {
            unsigned count;

            if (ids[i] == UINT32_MAX)
                continue;
            ids[i] = begin(a);
            sscanf(ask(a, XS_READ, ids[i], "/many/count|"), "%u", &count);
            snprintf(text, sizeof(text), "/many/count|%u", count + 1);
            ask(a, XS_WRITE, ids[i], text);
        }
        for (unsigned i = 0; i < 8; i++) {
            if (ids[i] != UINT32_MAX && ask(a, XS_TRANSACTION_END, ids[i], "T|")[0] == 'O') {
                ids[i] = UINT32_MAX;
                committed++;
            }
        }
    }
    ok(tries == 8, "of transactions that count, one a round succeeds (%u rounds)", tries);
    says(a, XS_READ, 0, "/many/count|", "8");
}

static void with_a_dying_domain(void)
{
    struct client *dying = guest(9);
    uint32_t t = begin(a), u, v;

    says(a, XS_WRITE, t, "/of9|", "OK|");
    says(a, XS_SET_PERMS, t, "/of9|n9|", "OK|");
    u = begin(a);
    says(a, XS_WRITE, u, "/other|x", "OK|");
    v = begin(dying);
    ok(v != 0, "a guest begins a transaction");
    store_release(store, 9);
    says(a, XS_TRANSACTION_END, t, "T|", "ERROR EAGAIN|");
    says(a, XS_READ, u, "/other|", "x");
    says(a, XS_TRANSACTION_END, u, "T|", "OK|");
    client_ends(dying);
    store_is_sound("after a domain died in a transaction");
}

void test_transactions(void)
{
    store_begins(NULL);
    a = administrator();
    g = guest(1);
    isolation();
    ends();
    conflicts();
    merging();
    events_of_transactions();
    concurrent();
    with_a_dying_domain();
    client_ends(a);
    store_ends();
    client_ends(g);
}
