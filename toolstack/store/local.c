/* SPDX-License-Identifier: MIT */
/*
 * Requests made inside this program. Each is put together as a client would send it, so that there is one way
 * into the store.
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int store_request(struct store_conn *conn, uint32_t type, uint32_t tx, const void *payload, size_t bytes,
                  char *reply)
{
    char text[XENSTORE_PAYLOAD_MAX + 1];
    uint32_t reply_bytes;
    int rc;

    if (bytes > XENSTORE_PAYLOAD_MAX)
        return -E2BIG;
    memcpy(text, payload, bytes);
    text[bytes] = '\0';
    rc = request_do(conn, type, tx, text, bytes, reply, &reply_bytes);
    return rc ? rc : (int)reply_bytes;
}

/* A request whose arguments are strings and perhaps bytes behind them. */
struct builder {
    char payload[XENSTORE_PAYLOAD_MAX], reply[XENSTORE_PAYLOAD_MAX];
    size_t bytes;
    bool too_big;
};

static void add(struct builder *b, const void *bytes, size_t count)
{
    if (count > sizeof(b->payload) - b->bytes) {
        b->too_big = true;
        return;
    }
    if (count)
        memcpy(b->payload + b->bytes, bytes, count);
    b->bytes += count;
}

static void start(struct builder *b, const char *path)
{
    b->bytes = 0;
    b->too_big = false;
    add(b, path, strlen(path) + 1);
}

/* Returns the reply's length. */
static int make(struct builder *b, struct store_conn *conn, uint32_t type, uint32_t tx)
{
    return b->too_big ? -E2BIG : store_request(conn, type, tx, b->payload, b->bytes, b->reply);
}

static int done(int rc)
{
    return rc < 0 ? rc : 0;
}

/* -- Nodes ----------------------------------------------------------------------------------------------- */

int store_read(struct store_conn *conn, uint32_t tx, const char *path, char *value, size_t room)
{
    struct builder b;
    int rc;

    start(&b, path);
    rc = make(&b, conn, XS_READ, tx);
    if (rc < 0)
        return rc;
    if ((size_t)rc >= room)
        return -E2BIG;
    memcpy(value, b.reply, rc);
    value[rc] = '\0';
    return rc;
}

int store_write(struct store_conn *conn, uint32_t tx, const char *path, const void *value, size_t bytes)
{
    struct builder b;

    start(&b, path);
    add(&b, value, bytes);
    return done(make(&b, conn, XS_WRITE, tx));
}

int store_printf(struct store_conn *conn, uint32_t tx, const char *path, const char *fmt, ...)
{
    char text[XENSTORE_PAYLOAD_MAX];
    va_list ap;
    int count;

    va_start(ap, fmt);
    count = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (count < 0 || (size_t)count >= sizeof(text))
        return -E2BIG;
    return store_write(conn, tx, path, text, count);
}

int store_mkdir(struct store_conn *conn, uint32_t tx, const char *path)
{
    struct builder b;

    start(&b, path);
    return done(make(&b, conn, XS_MKDIR, tx));
}

int store_rm(struct store_conn *conn, uint32_t tx, const char *path)
{
    struct builder b;

    start(&b, path);
    return done(make(&b, conn, XS_RM, tx));
}

/* Add the names in `more` to the list; returns how many, -ENOMEM. */
static int collect(char **names, size_t *used, const char *more, size_t bytes)
{
    char *grown = realloc(*names, *used + bytes + 1);
    int count = 0;

    if (!grown)
        return -ENOMEM;
    *names = grown;
    memcpy(grown + *used, more, bytes);
    *used += bytes;
    for (size_t i = 0; i < bytes; i++)
        count += more[i] == '\0';
    return count;
}

int store_list(struct store_conn *conn, uint32_t tx, const char *path, char **names)
{
    struct builder b;
    size_t used = 0;
    int count = 0, rc;
    bool last;

    /* Nothing comes between the parts, as nothing here waits. */
    *names = NULL;
    do {
        char offset[24];
        size_t skip;

        start(&b, path);
        add(&b, offset, snprintf(offset, sizeof(offset), "%zu", used) + 1);
        rc = make(&b, conn, XS_DIRECTORY_PART, tx);
        if (rc < 0)
            break;
        skip = strlen(b.reply) + 1;     /* the generation */
        last = (size_t)rc == skip + 1 || b.reply[rc - 2] == '\0';      /* it ends with an empty name */
        rc = collect(names, &used, b.reply + skip, rc - skip - last);
        if (rc < 0)
            break;
        count += rc;
    } while (!last);
    if (rc < 0) {
        free(*names);
        *names = NULL;
        return rc;
    }
    return count;
}

int store_get_perms(struct store_conn *conn, uint32_t tx, const char *path, struct store_perm *perms,
                    unsigned max)
{
    struct builder b;
    unsigned count = 0;
    int rc;

    start(&b, path);
    rc = make(&b, conn, XS_GET_PERMS, tx);
    if (rc < 0)
        return rc;
    for (const char *text = b.reply; text < b.reply + rc; text += strlen(text) + 1, count++)
        if (count < max)
            perms[count] = (struct store_perm){ strtoul(text + 1, NULL, 10), *text };
    return count;
}

int store_set_perms(struct store_conn *conn, uint32_t tx, const char *path, const struct store_perm *perms,
                    unsigned count)
{
    struct builder b;

    start(&b, path);
    for (unsigned i = 0; i < count; i++) {
        char text[16];

        add(&b, text, snprintf(text, sizeof(text), "%c%u", perms[i].access, perms[i].domid) + 1);
    }
    return done(make(&b, conn, XS_SET_PERMS, tx));
}

/* -- Watches and transactions ---------------------------------------------------------------------------- */

int store_watch(struct store_conn *conn, const char *path, const char *token, int depth)
{
    struct builder b;
    char text[16];

    start(&b, path);
    add(&b, token, strlen(token) + 1);
    if (depth >= 0)
        add(&b, text, snprintf(text, sizeof(text), "%d", depth) + 1);
    return done(make(&b, conn, XS_WATCH, 0));
}

int store_unwatch(struct store_conn *conn, const char *path, const char *token)
{
    struct builder b;

    start(&b, path);
    add(&b, token, strlen(token) + 1);
    return done(make(&b, conn, XS_UNWATCH, 0));
}

int store_begin(struct store_conn *conn, uint32_t *tx)
{
    struct builder b;
    int rc;

    start(&b, "");
    rc = make(&b, conn, XS_TRANSACTION_START, 0);
    if (rc < 0)
        return rc;
    *tx = strtoul(b.reply, NULL, 10);
    return 0;
}

int store_end(struct store_conn *conn, uint32_t tx, bool commit)
{
    struct builder b;

    start(&b, commit ? "T" : "F");
    return done(make(&b, conn, XS_TRANSACTION_END, tx));
}
