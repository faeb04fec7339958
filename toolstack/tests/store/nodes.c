/* SPDX-License-Identifier: MIT */
/*
 * Nodes: reading, writing, listing, removing, and every form of path and payload that is refused.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void basics(struct client *a)
{
    says(a, XS_READ, 0, "/|", "");
    says(a, XS_WRITE, 0, "/a/b/c|hello", "OK|");
    says(a, XS_READ, 0, "/a/b/c|", "hello");
    says(a, XS_READ, 0, "/a/b|", "");
    says(a, XS_WRITE, 0, "/a/b/c|", "OK|");
    says(a, XS_READ, 0, "/a/b/c|", "");
    says(a, XS_WRITE, 0, "/a/b/c|x|y", "OK|");
    says(a, XS_READ, 0, "/a/b/c|", "x|y");
    says(a, XS_READ, 0, "/a/none|", "ERROR ENOENT|");
    says(a, XS_MKDIR, 0, "/a/b/c|", "OK|");
    says(a, XS_READ, 0, "/a/b/c|", "x|y");
    says(a, XS_MKDIR, 0, "/a/d/e|", "OK|");
    says(a, XS_DIRECTORY, 0, "/a|", "b|d|");
    says(a, XS_DIRECTORY, 0, "/a/d/e|", "");
    says(a, XS_DIRECTORY, 0, "/none|", "ERROR ENOENT|");
    says(a, XS_RM, 0, "/a/d|", "OK|");
    says(a, XS_READ, 0, "/a/d/e|", "ERROR ENOENT|");
    says(a, XS_RM, 0, "/a/d|", "OK|");
    says(a, XS_RM, 0, "/a/d/e|", "ERROR ENOENT|");
    says(a, XS_RM, 0, "/|", "ERROR EINVAL|");
    says(a, XS_WRITE, 0, "/|top", "OK|");
    says(a, XS_READ, 0, "/|", "top");
    says(a, XS_GET_DOMAIN_PATH, 0, "7|", "/local/domain/7|");
    says(a, XS_GET_DOMAIN_PATH, 0, "0070|", "/local/domain/70|");
    says(a, XS_GET_DOMAIN_PATH, 0, "x|", "ERROR EINVAL|");
}

static void listings(struct client *a)
{
    char path[64], all[16000] = "", reply[XENSTORE_PAYLOAD_MAX], *names;
    uint64_t generation;
    size_t got = 0;
    int parts = 0;

    for (int i = 0; i < 2000; i++) {
        snprintf(path, sizeof(path), "/big/%d", (i * 7) % 2000);
        store_write(domain0, 0, path, "", 0);
    }
    says(a, XS_DIRECTORY, 0, "/big|", "ERROR E2BIG|");
    ask(a, XS_DIRECTORY_PART, 0, "/big|99999|");
    ok(a->reply_bytes > 2 && a->reply[a->reply_bytes - 1] == '|' && a->reply[a->reply_bytes - 2] == '|',
       "a part behind the end is a generation and an empty name");
    generation = strtoull(a->reply, NULL, 10);
    for (bool more = true; more && parts < 10; parts++) {
        const char *part;

        snprintf(path, sizeof(path), "/big|%zu|", got);
        part = ask(a, XS_DIRECTORY_PART, 0, path);
        if (strtoull(part, NULL, 10) != generation)
            break;
        part = strchr(part, '|') + 1;
        more = a->reply[a->reply_bytes - 1] != '|' || a->reply[a->reply_bytes - 2] != '|';
        strcat(all, part);
        got = strlen(all);
    }
    ok(parts == 3 && got == 10 * 2 + 90 * 3 + 900 * 4 + 1000 * 5 + 1, "2000 names come in three parts");
    ok(strncmp(all, "0|1|2|3|4|5|6|7|8|9|10|11|", 26) == 0 && strstr(all, "|1998|1999||"),
       "in order, each once");
    ok(store_list(domain0, 0, "/big", &names) == 2000 && strcmp(names, "0") == 0,
       "the local list has them all");
    free(names);
    ok(store_list(domain0, 0, "/none", &names) == -ENOENT && !names, "or says why not");
    ok(store_list(domain0, 0, "/big/1", &names) == 0, "or that there are none");
    free(names);
    store_write(domain0, 0, "/big/2000", "", 0);
    ok(strtoull(ask(a, XS_DIRECTORY_PART, 0, "/big|0|"), NULL, 10) != generation,
       "a new child changes the generation");
    ok(store_request(domain0, XS_DIRECTORY_PART, 0, "/big\0" "1", 7, reply) > 0 &&
       strcmp(reply + strlen(reply) + 1, "") == 0, "an offset within a name continues the name");
    says(a, XS_DIRECTORY_PART, 0, "/big|", "ERROR EINVAL|");
    says(a, XS_DIRECTORY_PART, 0, "/big|x|", "ERROR EINVAL|");
    says(a, XS_RM, 0, "/big|", "OK|");
}

/* "/x/x/x…" of that many bytes, or one long name, with its "|". */
static const char *long_path(size_t bytes, bool deep, bool absolute)
{
    static char path[8000];

    for (size_t i = 0; i < bytes; i++)
        path[i] = deep && i % 2 == !absolute ? '/' : 'x';
    path[0] = absolute ? '/' : 'x';
    if (path[bytes - 1] == '/')
        path[bytes - 1] = 'x';
    strcpy(path + bytes, "|");
    return path;
}

static void bad_paths(struct client *a, struct client *g)
{
    static const char *const bad[] = {
        "|", "//|", "/a/|", "/a//b|", "/a b|", "/a.b|", "/\xff|", "/a\n|", "@releaseDomain|", "", "/a",
        "/a|/b|",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        says(a, XS_READ, 0, bad[i], "ERROR EINVAL|");
        says(a, XS_RM, 0, bad[i], "ERROR EINVAL|");
    }
    says(a, XS_WRITE, 0, "/a", "ERROR EINVAL|");
    says(a, XS_WRITE, 0, "", "ERROR EINVAL|");
    says(a, XS_WRITE, 0, "/a//b|x", "ERROR EINVAL|");
    says(a, XS_MKDIR, 0, "/a/|", "ERROR EINVAL|");
    says(a, XS_MKDIR, 0, long_path(3072, false, true), "OK|");
    says(a, XS_MKDIR, 0, long_path(3072, true, true), "OK|");
    says(a, XS_RM, 0, "/x|", "OK|");
    says(a, XS_MKDIR, 0, long_path(3073, false, true), "ERROR EINVAL|");
    says(a, XS_MKDIR, 0, long_path(2048, false, false), "OK|");
    says(a, XS_MKDIR, 0, long_path(2049, false, false), "ERROR EINVAL|");
    says(g, XS_MKDIR, 0, long_path(2049, false, false), "ERROR EINVAL|");
    says(g, XS_READ, 0, long_path(2049, false, true), "ERROR EINVAL|");
}

static void unknown_requests(struct client *a)
{
    says(a, 20, 0, "|", "ERROR ENOSYS|");
    says(a, XS_WATCH_EVENT, 0, "/a|", "ERROR ENOSYS|");
    says(a, XS_ERROR, 0, "EINVAL|", "ERROR ENOSYS|");
    says(a, XS_TYPE_COUNT, 0, "", "ERROR ENOSYS|");
    says(a, XS_INVALID, 0, "", "ERROR ENOSYS|");
    says(a, UINT32_MAX, 0, "", "ERROR ENOSYS|");
}

/* The convenient functions of store.h, and what they refuse. */
static void local(void)
{
    struct store_perm perms[2] = { { 0, 'n' }, { 1, 'r' } }, got[2];
    char value[16], big[5000];

    memset(big, 'x', sizeof(big));
    ok(store_printf(domain0, 0, "/l/n", "%d-%s", 7, "x") == 0 &&
       store_read(domain0, 0, "/l/n", value, sizeof(value)) == 3 && strcmp(value, "7-x") == 0,
       "printf and read");
    ok(store_read(domain0, 0, "/l/n", value, 3) == -E2BIG, "a value and its NUL must fit");
    ok(store_read(domain0, 0, "/l/none", value, 3) == -ENOENT, "a missing node");
    ok(store_write(domain0, 0, "/l/big", big, sizeof(big)) == -E2BIG, "a request must fit the protocol");
    ok(store_write(domain0, 0, "/l/big", big, 4000) == 0 &&
       store_read(domain0, 0, "/l/big", big, sizeof(big)) == 4000, "a large value");
    ok(store_set_perms(domain0, 0, "/l", perms, 2) == 0 && store_get_perms(domain0, 0, "/l", got, 2) == 2 &&
       got[1].domid == 1 && got[1].access == 'r', "permissions");
    ok(store_rm(domain0, 0, "/l") == 0 && store_rm(domain0, 0, "/l/n") == -ENOENT, "rm");
}

void test_nodes(void)
{
    struct client *a, *g;

    store_begins(NULL);
    a = administrator();
    g = guest(1);
    basics(a);
    listings(a);
    bad_paths(a, g);
    unknown_requests(a);
    local();
    store_is_sound("after work on nodes");
    client_ends(a);
    store_ends();
    client_ends(g);
}
