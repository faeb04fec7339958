/* SPDX-License-Identifier: MIT */
/*
 * Quotas: each is hit, hurts only its domain, and is given back. Small limits make the cases short.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct store_limits small = {
    .nodes = 20, .node_bytes = 100, .perms = 3, .watches = 4, .transactions = 3, .transaction_nodes = 12,
    .path = 40, .events = 8, .memory = 20000,
};

static struct client *a, *g, *h;

static const char *path_of(const char *form, unsigned n)
{
    static char path[64];

    snprintf(path, sizeof(path), form, n);
    return path;
}

/* How often the request succeeds, of `tries`, with the number in it counting up. */
static unsigned count_ok(struct client *c, uint32_t type, uint32_t tx, const char *form, unsigned tries)
{
    unsigned done = 0;

    for (unsigned i = 0; i < tries; i++)
        done += strncmp(ask(c, type, tx, path_of(form, i)), "ERROR", 5) != 0;
    return done;
}

static void home(domid_t domid)
{
    struct store_perm perms = { domid, 'n' };
    char path[32];

    snprintf(path, sizeof(path), "/local/domain/%u", domid);
    store_mkdir(domain0, 0, path);
    store_set_perms(domain0, 0, path, &perms, 1);
}

static void nodes(void)
{
    uint32_t t;

    ok(count_ok(g, XS_WRITE, 0, "n%u|", 30) == 19 && strcmp(g->reply, "ERROR ENOSPC|") == 0,
       "a guest has its home and 19 nodes");
    says(g, XS_MKDIR, 0, "more|", "ERROR ENOSPC|");
    says(g, XS_WRITE, 0, "n3|still", "OK|");
    says(h, XS_WRITE, 0, "x|not affected", "OK|");
    says(a, XS_WRITE, 0, "/local/domain/1/by0|", "OK|");
    says(a, XS_GET_PERMS, 0, "/local/domain/1/by0|", "n1|");
    says(g, XS_RM, 0, "n0|", "OK|");
    says(g, XS_MKDIR, 0, "more|", "ERROR ENOSPC|");
    says(g, XS_RM, 0, "n1|", "OK|");
    says(g, XS_MKDIR, 0, "one/two|", "ERROR ENOSPC|");
    says(g, XS_MKDIR, 0, "more|", "OK|");
    t = begin(g);
    says(g, XS_WRITE, t, "in-tx|", "ERROR ENOSPC|");
    says(g, XS_RM, t, "n2|", "OK|");
    says(g, XS_WRITE, t, "in-tx|", "OK|");
    says(g, XS_WRITE, t, "in-tx2|", "ERROR ENOSPC|");
    says(g, XS_TRANSACTION_END, t, "T|", "OK|");
    says(g, XS_MKDIR, 0, "more2|", "ERROR ENOSPC|");
}

/* Two transactions that each keep the limit, but not together. */
static void nodes_by_transactions(void)
{
    uint32_t t, u;

    t = begin(h);
    u = begin(h);
    ok(count_ok(h, XS_WRITE, t, "t%u|", 10) == 10 && count_ok(h, XS_WRITE, u, "u%u|", 10) == 10,
       "two transactions make ten nodes each");
    says(h, XS_TRANSACTION_END, t, "T|", "OK|");
    says(h, XS_TRANSACTION_END, u, "T|", "ERROR ENOSPC|");
    says(h, XS_READ, 0, "u0|", "ERROR ENOENT|");
    for (unsigned i = 0; i < 10; i++)
        ask(h, XS_RM, 0, path_of("t%u|", i));
    store_is_sound("after quotas of nodes");
}

static void sizes(void)
{
    char text[200] = "x|";

    memset(text + 2, 'v', 101);
    says(h, XS_WRITE, 0, text, "ERROR ENOSPC|");
    text[102] = '\0';
    says(h, XS_WRITE, 0, text, "OK|");
    ok(store_write(domain0, 0, "/local/domain/2/x", text, 150) == 0, "domain 0 may write more");
    says(h, XS_SET_PERMS, 0, "x|n2|r1|r3|r4|", "ERROR ENOSPC|");
    says(h, XS_SET_PERMS, 0, "x|n2|r1|r3|", "OK|");
    says(h, XS_WRITE, 0, "x23456789012345678901234567890123456789|", "OK|");
    says(h, XS_RM, 0, "x23456789012345678901234567890123456789|", "OK|");
    says(h, XS_WRITE, 0, "x2345678901234567890123456789012345678901|", "ERROR EINVAL|");
    says(h, XS_READ, 0, "/local/domain/1/x23456789012345678901234567890123456789|", "ERROR EACCES|");
}

static void watches(void)
{
    ok(count_ok(g, XS_WATCH, 0, "/w|t%u|", 6) == 4 && strcmp(g->reply, "ERROR E2BIG|") == 0, "four watches");
    says(h, XS_WATCH, 0, "/w|t|", "OK|");
    says(g, XS_UNWATCH, 0, "/w|t0|", "OK|");
    says(g, XS_WATCH, 0, "/w|t|", "OK|");
    says(g, XS_WATCH, 0, "/w|t0|", "ERROR E2BIG|");
    says(g, XS_RESET_WATCHES, 0, "|", "OK|");
    ok(count_ok(g, XS_WATCH, 0, "/w|t%u|", 6) == 4, "and again after a reset");
    says(g, XS_RESET_WATCHES, 0, "|", "OK|");
    says(h, XS_RESET_WATCHES, 0, "|", "OK|");
}

static void transactions(void)
{
    uint32_t t;

    ok(count_ok(g, XS_TRANSACTION_START, 0, "|", 5) == 3 && strcmp(g->reply, "ERROR ENOSPC|") == 0,
       "three transactions at a time");
    says(g, XS_RESET_WATCHES, 0, "|", "OK|");
    t = begin(g);
    ok(count_ok(g, XS_READ, t, "/none%u|", 20) == 0 && strcmp(g->reply, "ERROR ENOSPC|") == 0,
       "a transaction touches only so many paths");
    says(g, XS_READ, t, "/none0|", "ERROR EACCES|");
    says(g, XS_TRANSACTION_END, t, "T|", "OK|");
    t = begin(a);
    ask(a, XS_MKDIR, t, "/many|");
    count_ok(a, XS_WRITE, t, "/many/%u|", 50);
    says(a, XS_TRANSACTION_END, t, "T|", "OK|");
    ok(strcmp(ask(a, XS_READ, 0, "/many/49|"), "") == 0, "domain 0's as many as it likes");
}

/* All that a guest keeps here is bounded as a whole. */
static void memory(void)
{
    char text[120] = "vNN|";
    unsigned done = 0;

    says(a, XS_CONTROL, 0, "quota|set|memory|9000|", "OK|");
    says(a, XS_CONTROL, 0, "quota|set|nodes|1000|", "OK|");
    memset(text + 4, 'v', 100);
    for (unsigned i = 0; i < 90; i++) {
        text[1] = '0' + i / 10;
        text[2] = '0' + i % 10;
        done += ask(h, XS_WRITE, 0, text)[0] == 'O';
    }
    ok(done > 10 && done < 60 && strcmp(h->reply, "ERROR ENOMEM|") == 0, "nodes take memory (%u)", done);
    says(h, XS_WATCH, 0, "/some/where/deep/down/there|t|", "ERROR ENOMEM|");
    says(h, XS_TRANSACTION_START, 0, "|", "ERROR ENOMEM|");
    says(h, XS_READ, 0, "v00|", text + 4);
    says(g, XS_WATCH, 0, "/some/where/deep/down/there|t|", "OK|");
    for (unsigned i = 0; i < 90; i++)
        ask(h, XS_RM, 0, path_of("v%02u|", i));
    says(h, XS_WATCH, 0, "/some/where/deep/down/there|t|", "OK|");
    store_is_sound("after memory ran out");
}

static void control(void)
{
    char all[400];

    says(g, XS_CONTROL, 0, "quota|set|nodes|1000|", "ERROR EACCES|");
    says(a, XS_CONTROL, 0, "quota|set|nodes|x|", "ERROR EINVAL|");
    says(a, XS_CONTROL, 0, "quota|set|nonsense|1|", "ERROR EINVAL|");
    says(a, XS_CONTROL, 0, "quota|99|", "ERROR ENOENT|");
    says(a, XS_CONTROL, 0, "quota|1|2|", "ERROR EINVAL|");
    says(a, XS_CONTROL, 0, "nonsense|", "ERROR EINVAL|");
    says(a, XS_CONTROL, 0, "check|x|", "ERROR EINVAL|");
    says(a, XS_CONTROL, 0, "", "ERROR EINVAL|");
    says(a, XS_CONTROL, 0, "a|b|c|d|e|f|", "ERROR EINVAL|");
    ok(strstr(ask(a, XS_CONTROL, 0, "help|"), "quota [set"), "help names the commands");
    ok(strstr(ask(a, XS_CONTROL, 0, "quota|"), "path-max"), "quota names the quotas");
    ok(strstr(ask(a, XS_CONTROL, 0, "memreport|"), "connections"), "memreport tells of memory");
    says(a, XS_CONTROL, 0, "quota|set|watches|7|", "OK|");
    ok(strstr(ask(a, XS_CONTROL, 0, "quota|"), "watches                   7"), "a quota can be set");
    snprintf(all, sizeof(all), "%s", ask(a, XS_CONTROL, 0, "quota|2|"));
    ok(strncmp(all, "nodes ", 6) == 0 && strstr(all, "watches 1\ntransactions 0\n"),
       "and what a domain uses, seen");
    says(a, XS_CONTROL, 0, "print|hello\nworld|", "OK|");
    ok(strcmp(last_log, "xenstore: hello?world") == 0, "print writes to the log, printable");
    says(a, XS_CONTROL, 0, "log|on|", "OK|");
    ask(g, XS_READ, 0, "/secret|");
    ok(strcmp(last_log, "xenstore: domain 1: READ /secret: EACCES") == 0, "log tells of each request");
    says(a, XS_CONTROL, 0, "log|off|", "OK|");
    ask(g, XS_READ, 0, "/secret2|");
    ok(!strstr(last_log, "secret2"), "until it is off");
    says(a, XS_CONTROL, 0, "log|maybe|", "ERROR EINVAL|");
}

void test_quotas(void)
{
    store_begins(&small);
    a = administrator();
    g = guest(1);
    h = guest(2);
    home(1);
    home(2);
    nodes();
    nodes_by_transactions();
    sizes();
    watches();
    transactions();
    memory();
    control();
    store_is_sound("after quotas");
    store_release(store, 1);
    ok(strcmp(ask(a, XS_CONTROL, 0, "quota|1|"), "ERROR ENOENT|") == 0, "a released domain uses nothing");
    store_is_sound("after a release");
    client_ends(a);
    store_ends();
    client_ends(g);
    client_ends(h);
}
