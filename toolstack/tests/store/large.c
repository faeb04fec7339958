/* SPDX-License-Identifier: MIT */
/*
 * Ten thousand nodes in one directory, a thousand and a half one below the other.
 */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY 10000

static struct client *a;

static void wide(void)
{
    char path[32], value[16], *names;
    unsigned wrong = 0;
    uint32_t t;

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "/wide/%u", i * 7919 % MANY);
        wrong += store_printf(domain0, 0, path, "%u", i * 7919 % MANY) != 0;
    }
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "/wide/%u", i);
        wrong += store_read(domain0, 0, path, value, sizeof(value)) < 0 || strtoul(value, NULL, 10) != i;
    }
    ok(wrong == 0, "%u nodes in one directory, each with its value", MANY);
    ok(store_list(domain0, 0, "/wide", &names) == MANY, "all are listed");
    free(names);
    store_is_sound("with many nodes");
    t = begin(a);
    says(a, XS_WRITE, t, "/wide/5000|changed", "OK|");
    says(a, XS_RM, t, "/wide/5001|", "OK|");
    says(a, XS_READ, 0, "/wide/5000|", "5000");
    store_write(domain0, 0, "/wide/6000", "outside", 7);
    says(a, XS_TRANSACTION_END, t, "T|", "OK|");
    says(a, XS_READ, 0, "/wide/5000|", "changed");
    says(a, XS_READ, 0, "/wide/5001|", "ERROR ENOENT|");
    says(a, XS_READ, 0, "/wide/6000|", "outside");
    store_is_sound("after a transaction among them");
    says(a, XS_RM, 0, "/wide|", "OK|");
    run();
    store_is_sound("when they are gone");
}

static void deep(void)
{
    char path[XENSTORE_ABS_PATH_MAX + 2];
    uint32_t t;

    for (unsigned i = 0; i < XENSTORE_ABS_PATH_MAX; i += 2)
        memcpy(path + i, "/d", 3);
    strcat(path, "|");
    says(a, XS_WATCH, 0, "/d|top|", "OK|");
    says(a, XS_MKDIR, 0, path, "OK|");
    t = begin(a);
    says(a, XS_MKDIR, 0, "/other|", "OK|");
    says(a, XS_RM, t, "/d/d/d|", "OK|");
    says(a, XS_TRANSACTION_END, t, "T|", "OK|");
    says(a, XS_MKDIR, 0, path, "OK|");
    t = begin(a);
    says(a, XS_MKDIR, 0, "/other2|", "OK|");
    says(a, XS_RM, t, path, "OK|");
    says(a, XS_TRANSACTION_END, t, "T|", "OK|");
    store_is_sound("with a deep path");
    says(a, XS_RM, 0, "/d|", "OK|");
    run();
    store_is_sound("without it");
}

/* Everything of a guest at its limits goes at once. */
static void full_guest(void)
{
    struct client *g = guest(1);
    struct store_perm perms = { 1, 'n' };
    unsigned made = 0, watched = 0;
    char text[64];

    store_mkdir(domain0, 0, "/local/domain/1");
    store_set_perms(domain0, 0, "/local/domain/1", &perms, 1);
    for (unsigned i = 0; i < 1100; i++) {
        snprintf(text, sizeof(text), "dir%u/node%u|value", i % 10, i);
        made += ask(g, XS_WRITE, 0, text)[0] == 'O';
        snprintf(text, sizeof(text), "dir%u/node%u|token|", i % 10, i);
        watched += ask(g, XS_WATCH, 0, text)[0] == 'O';
    }
    ok(made == 989 && watched == 128, "a guest has %u nodes and %u watches", made, watched);
    ask(g, XS_TRANSACTION_START, 0, "|");
    store_is_sound("with them");
    store_release(store, 1);
    run();
    says(a, XS_DIRECTORY, 0, "/local/domain|", "");
    store_is_sound("when the guest is gone");
    client_ends(g);
}

void test_large(void)
{
    store_begins(NULL);
    a = administrator();
    wide();
    deep();
    full_guest();
    client_ends(a);
    store_ends();
}
