/* SPDX-License-Identifier: MIT */
/*
 * Memory runs out: every allocation of every request fails once. The request then says ENOMEM and has changed
 * nothing, or could do without; the accounts agree with the tree in any case.
 *
 * The linker has malloc(), calloc() and realloc() of all files come here first (--wrap).
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

/* The allocation that fails, counted from now; 0: none. */
static unsigned fails_at, allocations;

static bool fails(void)
{
    return fails_at && ++allocations == fails_at;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

/* -- What is tried --------------------------------------------------------------------------------------- */

static struct client *g;
static uint32_t tx;

static int make_nodes(void)
{
    return store_write(domain0, 0, "/new/a/b", "value", 5);
}

static int make_in_full_directory(void)
{
    return store_mkdir(domain0, 0, "/four/5");
}

static int overwrite(void)
{
    return store_write(domain0, 0, "/old/a", "another", 7);
}

static int overwrite_what_is_shared(void)
{
    return store_write(domain0, 0, "/old/sub/leaf", "another", 7);
}

static int remove_what_is_shared(void)
{
    return store_rm(domain0, 0, "/old/sub");
}

static int set_perms(void)
{
    struct store_perm perms[] = { { 1, 'n' }, { 0, 'r' } };

    return store_set_perms(domain0, 0, "/old/a", perms, 2);
}

static int guest_makes(void)
{
    char reply[XENSTORE_PAYLOAD_MAX];

    return store_request(g->conn, XS_MKDIR, 0, "mine/own", 9, reply);
}

static int begin_one(void)
{
    uint32_t id;
    int rc = store_begin(domain0, &id);

    return rc ? rc : store_end(domain0, id, false);
}

static int write_in_transaction(void)
{
    return store_write(domain0, tx, "/old/in/tx", "x", 1);
}

static int remove_in_transaction(void)
{
    return store_rm(domain0, tx, "/old");
}

static int commit(void)
{
    return store_end(domain0, tx, true);
}

static int watch(void)
{
    return store_watch(domain0, "/watched/deep/down", "t", -1);
}

static int release(void)
{
    return store_release(store, 1);
}

static void ignore(struct store_ring *ring)
{
    (void)ring;
}

static int introduce(void)
{
    static struct store_ring ring;
    static struct xenstore_domain_interface page;
    struct store_conn *conn;

    domain_states[7] = STORE_DOMAIN_RUNS;
    store_ring_init(&ring, &page, ignore, ignore);
    return store_introduce(store, 7, &store_ring_transport, &ring, &conn);
}

/* A transaction whose commit has to be merged. */
static void prepare_merge(void)
{
    store_begin(domain0, &tx);
    store_write(domain0, tx, "/old/in/tx", "x", 1);
    store_write(domain0, tx, "/old/a", "changed", 7);
    store_rm(domain0, tx, "/old/sub");
    store_write(domain0, tx, "/old/sub/again", "x", 1);
    store_write(domain0, 0, "/beside", "x", 1);
}

/* A snapshot, so that changes copy. */
static void prepare_shared(void)
{
    store_begin(domain0, &tx);
}

static const struct {
    const char *name;
    int (*attempt)(void);
    void (*prepare)(void);
    bool may_change;        /* it does what it can */
} attempts[] = {
    { "making nodes", make_nodes, NULL, false },
    { "making one in a full directory", make_in_full_directory, NULL, false },
    { "making nodes beside a snapshot", make_nodes, prepare_shared, false },
    { "writing a value", overwrite, NULL, false },
    { "writing beside a snapshot", overwrite_what_is_shared, prepare_shared, false },
    { "removing beside a snapshot", remove_what_is_shared, prepare_shared, false },
    { "permissions", set_perms, NULL, false },
    { "permissions beside a snapshot", set_perms, prepare_shared, false },
    { "a guest's nodes", guest_makes, NULL, false },
    { "beginning a transaction", begin_one, NULL, false },
    { "writing in a transaction", write_in_transaction, prepare_shared, false },
    { "removing in a transaction", remove_in_transaction, prepare_shared, false },
    { "a commit", commit, prepare_merge, false },
    { "a watch", watch, NULL, false },
    { "introducing a domain", introduce, NULL, false },
    { "releasing a domain beside a snapshot", release, prepare_shared, true },
};

/* -- Trying ---------------------------------------------------------------------------------------------- */

static void scene(void)
{
    struct store_perm perms[] = { { 1, 'r' } };

    store_begins(NULL);
    g = guest(1);
    store_write(domain0, 0, "/old/a", "value", 5);
    store_write(domain0, 0, "/old/sub/leaf", "value", 5);
    for (unsigned i = 1; i <= 4; i++)
        store_printf(domain0, 0, (char[]){ '/', 'f', 'o', 'u', 'r', '/', '0' + i, 0 }, "%u", i);
    store_mkdir(domain0, 0, "/local/domain/1");
    store_set_perms(domain0, 0, "/local/domain/1", perms, 1);
    store_mkdir(domain0, 0, "/local/domain/1/of/its/own");
    run();
}

/* Everything that there is, as text. */
static void dump(const char *path, char *to, size_t room)
{
    struct store_perm perms[4];
    char value[64], below[128], *names;
    const char *name;
    int count = store_list(domain0, 0, path, &names);

    store_read(domain0, 0, path, value, sizeof(value));
    perms[0].domid = 0;
    store_get_perms(domain0, 0, path, perms, 4);
    snprintf(to + strlen(to), room - strlen(to), "%s=%s,%c%u ", path, value, perms[0].access, perms[0].domid);
    name = names;
    for (int i = 0; i < count; i++, name += strlen(name) + 1) {
        snprintf(below, sizeof(below), "%s/%s", path[1] ? path : "", name);
        dump(below, to, room);
    }
    free(names);
}

static bool sound(void)
{
    char reply[XENSTORE_PAYLOAD_MAX];

    return store_request(domain0, XS_CONTROL, 0, "check", 6, reply) > 0 && strcmp(reply, "OK") == 0;
}

/* True: there was no such allocation. */
static bool one_failure(size_t which, unsigned number, unsigned *wrong)
{
    char before[2000] = "", after[2000] = "";
    bool hit;
    int rc;

    scene();
    if (attempts[which].prepare)
        attempts[which].prepare();
    dump("/", before, sizeof(before));
    fails_at = number;
    allocations = 0;
    rc = attempts[which].attempt();
    hit = allocations >= fails_at;
    fails_at = 0;
    dump("/", after, sizeof(after));
    if (!hit)
        *wrong += rc < 0;
    else if (rc < 0)
        *wrong += rc != -ENOMEM || (!attempts[which].may_change && strcmp(before, after) != 0);
    if (!sound())
        ++*wrong;
    if (*wrong)
        diag("%s, allocation %u: %d\nbefore %s\nafter  %s", attempts[which].name, number, rc, before, after);
    store_ends();
    client_ends(g);
    return !hit;
}

void test_memory(void)
{
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        unsigned number = 1, wrong = 0;

        while (!one_failure(i, number, &wrong) && !wrong)
            number++;
        ok(wrong == 0 && number < 100, "no memory for %s: %u allocations, each failed once", attempts[i].name,
           number - 1);
    }
}
