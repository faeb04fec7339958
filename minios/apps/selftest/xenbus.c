/* SPDX-License-Identifier: MIT */
/* The client of xenstore, against the store that serves this guest; the first domain has none to talk to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <minios/kernel.h>
#include <minios/thread.h>
#include <minios/xenbus.h>

#include "check.h"

#define WORKERS 4
#define ROUNDS  50
#define LONG    1500            /* bytes of a value that does not fit the ring at once */

static bool reads(xenbus_tx tx, const char *path, const char *wanted)
{
    char *value;
    bool same;

    if (xenbus_read(tx, path, &value, NULL)) {
        return false;
    }
    same = !strcmp(value, wanted);
    free(value);
    return same;
}

static void nodes(void)
{
    static char big[LONG + 1], huge[5000];
    char *domid, *names, owner[16];
    const char *perms[] = { owner, "r0" };
    size_t count, length;

    if (!check(!xenbus_read(XENBUS_NO_TX, "domid", &domid, &length) && strlen(domid) == length, "read")) {
        return;
    }
    snprintf(owner, sizeof(owner), "n%s", domid);
    free(domid);
    check(!xenbus_write(XENBUS_NO_TX, "data/a", "b") && reads(XENBUS_NO_TX, "data/a", "b"), "write and read");
    check(xenbus_read(XENBUS_NO_TX, "data/none", &names, NULL) == -ENOENT,
          "a node that is not there: ENOENT");
    check(xenbus_write(XENBUS_NO_TX, "name", "me") == -EACCES, "a node of the control domain: EACCES");
    check(xenbus_write(XENBUS_NO_TX, "data//x", "") == -EINVAL, "a path that is none: EINVAL");
    memset(big, 'x', LONG);
    check(!xenbus_write(XENBUS_NO_TX, "data/big", big) && reads(XENBUS_NO_TX, "data/big", big),
          "a value larger than the ring");
    memset(huge, 'x', sizeof(huge) - 1);
    check(xenbus_write(XENBUS_NO_TX, "data/huge", huge) == -E2BIG, "one larger than a message: E2BIG");
    check(!xenbus_mkdir(XENBUS_NO_TX, "data/dir") && !xenbus_mkdir(XENBUS_NO_TX, "data/dir"), "mkdir, twice");
    check(!xenbus_directory(XENBUS_NO_TX, "data", &names, &count) && count == 3,
          "the directory has its three");
    free(names);
    check(!xenbus_directory(XENBUS_NO_TX, "data/dir", &names, &count) && count == 0, "the empty one none");
    free(names);
    check(!xenbus_set_perms(XENBUS_NO_TX, "data/a", perms, 2), "permissions of an own node");
    check(xenbus_set_perms(XENBUS_NO_TX, "name", perms, 2) == -EACCES, "not of another's");
    check(!xenbus_rm(XENBUS_NO_TX, "data/big") && !xenbus_rm(XENBUS_NO_TX, "data/dir") &&
          xenbus_read(XENBUS_NO_TX, "data/big", &names, NULL) == -ENOENT, "rm");
}

static void transactions(void)
{
    xenbus_tx tx;
    char *value;

    check(!xenbus_transaction_start(&tx) && !xenbus_write(tx, "data/t", "1"), "a transaction");
    check(reads(tx, "data/t", "1") && xenbus_read(XENBUS_NO_TX, "data/t", &value, NULL) == -ENOENT,
          "is seen inside only");
    check(!xenbus_transaction_end(tx, true) && reads(XENBUS_NO_TX, "data/t", "1"), "until it is committed");
    check(!xenbus_transaction_start(&tx) && reads(tx, "data/t", "1") && !xenbus_write(tx, "data/t", "2") &&
          !xenbus_write(XENBUS_NO_TX, "data/t", "3") && xenbus_transaction_end(tx, true) == -EAGAIN &&
          reads(XENBUS_NO_TX, "data/t", "3"), "two that touch the same: EAGAIN");
    check(!xenbus_transaction_start(&tx) && !xenbus_rm(tx, "data/t") && !xenbus_transaction_end(tx, false) &&
          reads(XENBUS_NO_TX, "data/t", "3"), "dropped, it changes nothing");
}

static bool next_is(struct xenbus_watch *watch, const char *wanted)
{
    char *path;
    bool same;

    if (xenbus_watch_next(watch, &path, 2000)) {
        return false;
    }
    same = !strcmp(path, wanted);
    free(path);
    return same;
}

static void watching(void)
{
    struct xenbus_watch *watch;
    char *path;

    if (!check(!xenbus_watch("data/w", &watch), "a watch")) {
        return;
    }
    check(next_is(watch, "data/w"), "fires at once");
    check(!xenbus_write(XENBUS_NO_TX, "data/w/x", "") && !xenbus_write(XENBUS_NO_TX, "data/w/y", "") &&
          next_is(watch, "data/w/x") && next_is(watch, "data/w/y"), "and for what is below, in order");
    check(!xenbus_write(XENBUS_NO_TX, "data/v", "") && xenbus_watch_next(watch, &path, 200) == -ETIMEDOUT,
          "not for what is beside");
    for (int i = 0; i < 100; i++) {
        char node[24];

        snprintf(node, sizeof(node), "data/w/%d", i);
        xenbus_write(XENBUS_NO_TX, node, "");
    }
    for (int i = 0; i < 32 && !xenbus_watch_next(watch, &path, 0); i++) {
        free(path);
    }
    check(next_is(watch, "data/w"), "too many events are one");
    check(!xenbus_unwatch(watch), "it is taken away");
    check(!xenbus_rm(XENBUS_NO_TX, "data/w"), "and fires no more");
}

static struct semaphore finished = SEMAPHORE_INIT(finished, 0);
static unsigned int right;

static void work(void *arg)
{
    char path[24], value[24];

    for (int i = 0; i < ROUNDS; i++) {
        snprintf(path, sizeof(path), "data/worker%d", (int)(uintptr_t)arg);
        snprintf(value, sizeof(value), "%d of %d", i, (int)(uintptr_t)arg);
        right += !xenbus_write(XENBUS_NO_TX, path, value) && reads(XENBUS_NO_TX, path, value);
    }
    sem_post(&finished);
}

static void together(void)
{
    for (uintptr_t i = 0; i < WORKERS; i++) {
        struct thread *t = thread_create("worker", work, (void *)i, 0);

        if (!t) {
            check(false, "a thread");
            return;
        }
        thread_detach(t);
    }
    for (int i = 0; i < WORKERS; i++) {
        sem_wait(&finished, WAIT_FOREVER);
    }
    check(right == WORKERS * ROUNDS, "%u of %u requests of %u threads at once get their own answers", right,
          WORKERS * ROUNDS, WORKERS);
}

void test_xenbus(void)
{
    char *value;

    if (is_initial_domain()) {
        check(xenbus_read(XENBUS_NO_TX, "domid", &value, NULL) == -ENODEV,
              "the first domain has no store to talk to: ENODEV");
        return;
    }
    nodes();
    transactions();
    watching();
    together();
}
