/* SPDX-License-Identifier: MIT */
/*
 * No change is lost on a watch. A guest that watches everything keeps a copy of the tree: for each event it
 * reads the path and all below again, and nothing else. It reads its events rarely, so that many are merged;
 * when it has read all of them, its copy must be the tree. Changes are random, in transactions and without.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS   40       /* three levels of three children, below a root */
#define ROUNDS 300

static struct client *watcher;
static char copies[ROWS][8];    /* values as the watcher knows them; empty: no node */
static uint64_t state;

static unsigned pick(unsigned count)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(state >> 33) % count;
}

static const char *path_of(unsigned row)
{
    static char path[16];
    char *end = path + sizeof(path) - 1;

    *end = '\0';
    for (; row; row = (row - 1) / 3) {
        *--end = 'a' + (row - 1) % 3;
        *--end = '/';
    }
    end -= 2;
    memcpy(end, "/m", 2);
    return end;
}

static void read_row(unsigned row, char value[8])
{
    if (store_read(domain0, 0, path_of(row), value, 8) < 0)
        value[0] = '\0';
}

/* Read the rows at and below the path of an event again. */
static void refresh(const char *path)
{
    size_t length = strcspn(path, "|");

    for (unsigned row = 0; row < ROWS; row++) {
        const char *own = path_of(row);

        if (strncmp(own, path, length) == 0 && (own[length] == '/' || own[length] == '\0'))
            read_row(row, copies[row]);
    }
}

static unsigned take_events(void)
{
    char payload[XENSTORE_PAYLOAD_MAX + 1];
    struct xsd_sockmsg header;
    unsigned count = 0;

    for (; take_message(watcher, &header, payload); count++)
        refresh(payload);
    return count;
}

static void change(uint32_t tx)
{
    const char *path = path_of(pick(ROWS));

    if (pick(4))
        store_printf(domain0, tx, path, "%u", 1 + pick(1000));
    else if (strcmp(path, "/m") != 0)
        store_rm(domain0, tx, path);
}

static void some_changes(void)
{
    for (unsigned changes = pick(60); changes; changes--) {
        uint32_t tx = 0;

        if (pick(4) == 0 && store_begin(domain0, &tx) == 0)
            for (unsigned i = pick(5); i; i--)
                change(tx);
        change(0);
        if (tx)
            store_end(domain0, tx, pick(3));    /* which may fail: that, too, must not be seen */
        if (pick(3) == 0)
            store_step(store);
    }
}

void test_mirror(unsigned long seed)
{
    struct store_limits limits = store_limits_default;
    struct store_perm everyone = { 0, 'r' };
    unsigned rounds = 0, events = 0;
    bool same = true;

    diag("mirror: seed %lu", seed);
    state = seed;
    limits.events = 6;
    store_begins(&limits);
    store_write(domain0, 0, "/m", "1", 1);
    store_set_perms(domain0, 0, "/m", &everyone, 1);
    watcher = guest(1);
    ask(watcher, XS_WATCH, 0, "/m|t|");
    for (; same && rounds < ROUNDS; rounds++) {
        some_changes();
        run();
        events += take_events();
        for (unsigned row = 0; row < ROWS; row++) {
            char value[8];

            read_row(row, value);
            if (strcmp(value, copies[row]) != 0) {
                same = false;
                diag("round %u: %s is \"%s\", the watcher knows \"%s\"", rounds, path_of(row), value,
                     copies[row]);
            }
        }
    }
    ok(same, "a watcher's copy is the tree after each of %u rounds of changes, %u events", rounds, events);
    store_is_sound("after them");
    store_ends();
    client_ends(watcher);
}
