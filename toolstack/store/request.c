/* SPDX-License-Identifier: MIT */
/*
 * Requests: the table of them, their arguments, and those that only look.
 */
#include <errno.h>      /* first: <xen/io/xs_wire.h> then has the table of errors */

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Arguments and answers ------------------------------------------------------------------------------- */

int request_strings(const struct request *req, const char **strings, unsigned max)
{
    unsigned count = 0;

    if (req->bytes == 0 || req->text[req->bytes - 1] != '\0')
        return -EINVAL;
    for (uint32_t at = 0; at < req->bytes; at += strlen(req->text + at) + 1) {
        if (count == max)
            return -EINVAL;
        strings[count++] = req->text + at;
    }
    return count;
}

int request_number(const char *text, uint32_t *number)
{
    unsigned long value;
    char *end;

    if (*text < '0' || *text > '9')
        return -EINVAL;
    errno = 0;
    value = strtoul(text, &end, 10);
    if (*end || errno || value > UINT32_MAX)
        return -EINVAL;
    *number = value;
    return 0;
}

/* No empty component, none but the allowed characters. */
static bool valid_path(const char *path)
{
    static const bool allowed[UINT8_MAX + 1] = {
        ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true,
        ['-'] = true, ['/'] = true, ['_'] = true, ['@'] = true,
    };

    if (path[0] == '/' && path[1] == '\0')
        return true;
    for (; *path; path++)
        if (!allowed[(uint8_t)*path] || (*path == '/' && (path[1] == '/' || path[1] == '\0')))
            return false;
    return true;
}

/* The bytes of "/local/domain/N/" at the beginning, of any domain. */
static size_t home_bytes(const char *path)
{
    static const char homes[] = "/local/domain/";
    size_t digits;

    if (strncmp(path, homes, sizeof(homes) - 1))
        return 0;
    digits = strspn(path + sizeof(homes) - 1, "0123456789");
    return digits && path[sizeof(homes) - 1 + digits] == '/' ? sizeof(homes) + digits : 0;
}

int request_path(struct store_conn *conn, const char *text, char *path, size_t *home)
{
    size_t length = strlen(text);

    *home = 0;
    if (length == 0 || length > (*text == '/' ? XENSTORE_ABS_PATH_MAX : XENSTORE_REL_PATH_MAX))
        return -EINVAL;
    if (*text != '/')
        *home = snprintf(path, STORE_HOME_MAX, "/local/domain/%u/", conn->peer->domid);
    if (*home + length > XENSTORE_ABS_PATH_MAX)
        return -EINVAL;
    memcpy(path + *home, text, length + 1);
    if (!valid_path(path))
        return -EINVAL;
    if (!conn->privileged && strlen(path) > home_bytes(path) + conn->store->limits.path)
        return -EINVAL;
    return 0;
}

int request_one_path(struct request *req)
{
    const char *text;
    size_t home;

    if (request_strings(req, &text, 1) < 0 || *text == '@')
        return -EINVAL;
    return request_path(req->conn, text, req->path, &home);
}

int request_text(struct request *req, const char *text)
{
    req->reply_bytes = strlen(text) + 1;
    memcpy(req->reply, text, req->reply_bytes);
    return 0;
}

int request_ok(struct request *req)
{
    return request_text(req, "OK");
}

uint32_t request_error(int error, char *reply)
{
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++) {
        if (xsd_errors[i].errnum == -error) {
            strcpy(reply, xsd_errors[i].errstring);
            return strlen(reply) + 1;
        }
    }
    return request_error(-EINVAL, reply);   /* the protocol has no name for it */
}

int request_find(struct request *req, unsigned may, struct tree_place *place)
{
    unsigned allowed;

    tree_find(*req->root, req->path, place);
    allowed = perms_allow(req->conn, (place->node ? place->node : place->parent)->perms) & may;
    if (place->node)
        return allowed == may ? 0 : -EACCES;
    return allowed ? -ENOENT : -EACCES;
}

/* The request's only path, of a node that the client may read. */
static int readable(struct request *req, unsigned note, struct tree_place *place)
{
    int rc = request_one_path(req);

    if (rc == 0 && req->tx)
        rc = tx_note(req->tx, req->path, note);
    return rc ? rc : request_find(req, MAY_READ, place);
}

/* -- Looking --------------------------------------------------------------------------------------------- */

static int do_read(struct request *req)
{
    struct tree_place place;
    int rc = readable(req, NOTE_NODE, &place);

    if (rc)
        return rc;
    req->reply_bytes = place.node->value_bytes;
    if (req->reply_bytes)
        memcpy(req->reply, place.node->value, req->reply_bytes);
    return 0;
}

/* The listing's bytes from `offset` on, whole names first of all; returns how many fit in `room`. */
static uint32_t listing(const struct node *node, uint32_t offset, char *to, uint32_t room)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < node->children.count; i++) {
        const struct named *named = node->children.at[i];
        uint32_t bytes = named->length + 1, skip = offset < bytes ? offset : bytes;

        offset -= skip;
        if (skip == bytes)
            continue;
        if (bytes - skip > room - used)
            break;
        memcpy(to + used, named->name + skip, named->length - skip);
        used += bytes - skip;
        to[used - 1] = '\0';
    }
    return used;
}

static int do_directory(struct request *req)
{
    struct tree_place place;
    int rc = readable(req, NOTE_NODE | NOTE_LIST, &place);

    if (rc)
        return rc;
    if (place.node->listing_bytes > XENSTORE_PAYLOAD_MAX)
        return -E2BIG;
    req->reply_bytes = listing(place.node, 0, req->reply, XENSTORE_PAYLOAD_MAX);
    return 0;
}

static int do_directory_part(struct request *req)
{
    struct tree_place place;
    const char *strings[2];
    const struct node *node;
    uint32_t offset, used;
    size_t home;
    int rc;

    if (request_strings(req, strings, 2) != 2 || *strings[0] == '@' || request_number(strings[1], &offset))
        return -EINVAL;
    rc = request_path(req->conn, strings[0], req->path, &home);
    if (rc == 0 && req->tx)
        rc = tx_note(req->tx, req->path, NOTE_NODE | NOTE_LIST);
    if (rc == 0)
        rc = request_find(req, MAY_READ, &place);
    if (rc)
        return rc;
    node = place.node;
    used = sprintf(req->reply, "%llu",
                   (unsigned long long)(node->changed > node->relisted ? node->changed : node->relisted)) + 1;
    if (offset < node->listing_bytes) {
        uint32_t got = listing(node, offset, req->reply + used, XENSTORE_PAYLOAD_MAX - used - 1);

        used += got;
        offset += got;
    }
    if (offset >= node->listing_bytes)
        req->reply[used++] = '\0';      /* an empty name: there are no more */
    req->reply_bytes = used;
    return 0;
}

static int do_get_perms(struct request *req)
{
    const struct perms *perms;
    struct tree_place place;
    uint32_t used = 0;
    int rc = readable(req, NOTE_NODE, &place);

    if (rc)
        return rc;
    perms = place.node->perms;
    for (uint32_t i = 0; i < perms->count; i++) {
        /* Entries of domains that are gone say nothing any more; without its owner a node is domain 0's. */
        bool live = perms_live(req->store, perms, i);

        if (!live && i > 0)
            continue;
        if (used + sizeof("b65535") > XENSTORE_PAYLOAD_MAX)
            return -E2BIG;
        used += sprintf(req->reply + used, "%c%u", perms->entry[i].access,
                        live ? perms->entry[i].domid : 0) + 1;
    }
    req->reply_bytes = used;
    return 0;
}

/* -- Watches and transactions ---------------------------------------------------------------------------- */

/* The path and token; a special path, which may have any form, as it is. */
static int watch_arguments(struct request *req, const char **strings, int count, size_t *home)
{
    if (count < 2)
        return -EINVAL;
    if (*strings[0] != '@')
        return request_path(req->conn, strings[0], req->path, home);
    *home = 0;
    if (strlen(strings[0]) > XENSTORE_REL_PATH_MAX)
        return -EINVAL;
    strcpy(req->path, strings[0]);
    return 0;
}

static int do_watch(struct request *req)
{
    const char *strings[3];
    int count = request_strings(req, strings, 3), rc, depth = -1;
    uint32_t number;
    size_t home;

    rc = watch_arguments(req, strings, count, &home);
    if (rc == 0 && count == 3 && *strings[2]) {
        rc = request_number(strings[2], &number);
        depth = number > STORE_DEPTH_MAX ? STORE_DEPTH_MAX : (int)number;
    }
    /* An event must fit, whatever its path. */
    if (rc == 0 && strlen(strings[1]) + 1 > XENSTORE_PAYLOAD_MAX - STORE_PATH_ROOM)
        rc = -EINVAL;
    if (rc == 0)
        rc = watch_add(req->conn, req->path, home, strings[1], depth);
    return rc ? rc : request_ok(req);
}

static int do_unwatch(struct request *req)
{
    const char *strings[3];
    int count = request_strings(req, strings, 3), rc;
    size_t home;

    rc = watch_arguments(req, strings, count, &home);
    if (rc == 0)
        rc = watch_remove(req->conn, req->path, strings[1]);
    return rc ? rc : request_ok(req);
}

static int do_reset_watches(struct request *req)
{
    conn_clear(req->conn);
    return request_ok(req);
}

static int do_transaction_start(struct request *req)
{
    uint32_t id;
    int rc;

    if (req->tx)
        return -EBUSY;
    rc = tx_begin(req->conn, &id);
    if (rc)
        return rc;
    req->reply_bytes = sprintf(req->reply, "%u", id) + 1;
    return 0;
}

static int do_transaction_end(struct request *req)
{
    const char *text;
    int rc;

    if (!req->tx)
        return -ENOENT;
    if (request_strings(req, &text, 1) < 0 || (strcmp(text, "T") && strcmp(text, "F")))
        return -EINVAL;
    rc = tx_end(req->tx, *text == 'T');
    return rc ? rc : request_ok(req);
}

/* -- The table ------------------------------------------------------------------------------------------- */

enum { PRIVILEGED = 1, NO_TX = 2 };

static const struct {
    const char *name;
    int (*handle)(struct request *req);
    unsigned flags;
} requests[XS_TYPE_COUNT] = {
    [XS_CONTROL]              = { "CONTROL", do_control, PRIVILEGED | NO_TX },
    [XS_DIRECTORY]            = { "DIRECTORY", do_directory, 0 },
    [XS_READ]                 = { "READ", do_read, 0 },
    [XS_GET_PERMS]            = { "GET_PERMS", do_get_perms, 0 },
    [XS_WATCH]                = { "WATCH", do_watch, NO_TX },
    [XS_UNWATCH]              = { "UNWATCH", do_unwatch, NO_TX },
    [XS_TRANSACTION_START]    = { "TRANSACTION_START", do_transaction_start, 0 },
    [XS_TRANSACTION_END]      = { "TRANSACTION_END", do_transaction_end, 0 },
    [XS_INTRODUCE]            = { "INTRODUCE", do_introduce, PRIVILEGED | NO_TX },
    [XS_RELEASE]              = { "RELEASE", do_release, PRIVILEGED | NO_TX },
    [XS_GET_DOMAIN_PATH]      = { "GET_DOMAIN_PATH", do_domain_path, NO_TX },
    [XS_WRITE]                = { "WRITE", do_write, 0 },
    [XS_MKDIR]                = { "MKDIR", do_mkdir, 0 },
    [XS_RM]                   = { "RM", do_rm, 0 },
    [XS_SET_PERMS]            = { "SET_PERMS", do_set_perms, 0 },
    [XS_IS_DOMAIN_INTRODUCED] = { "IS_DOMAIN_INTRODUCED", do_is_introduced, PRIVILEGED | NO_TX },
    [XS_RESUME]               = { "RESUME", do_resume, PRIVILEGED | NO_TX },
    [XS_SET_TARGET]           = { "SET_TARGET", do_set_target, PRIVILEGED | NO_TX },
    [XS_RESET_WATCHES]        = { "RESET_WATCHES", do_reset_watches, NO_TX },
    [XS_DIRECTORY_PART]       = { "DIRECTORY_PART", do_directory_part, 0 },
};

static void trace(struct request *req, uint32_t type, int rc)
{
    char name[12] = "OK";

    if (rc)
        request_error(rc, name);
    store_log(req->store, "domain %u: %s%s %.90s: %s", req->conn->peer->domid,
              type < XS_TYPE_COUNT && requests[type].name ? requests[type].name : "unknown request",
              req->tx ? " in a transaction" : "", req->text, name);
}

static int dispatch(struct request *req, uint32_t type, uint32_t tx)
{
    if (type >= XS_TYPE_COUNT || !requests[type].handle)
        return -ENOSYS;
    if ((requests[type].flags & PRIVILEGED) && !req->conn->privileged)
        return -EACCES;
    if (tx && !(requests[type].flags & NO_TX)) {
        req->tx = tx_find(req->conn, tx);
        if (!req->tx)
            return -ENOENT;
        if (req->tx->doomed && type != XS_TRANSACTION_END)
            return -EAGAIN;
        req->root = &req->tx->root;
    }
    return requests[type].handle(req);
}

int request_do(struct store_conn *conn, uint32_t type, uint32_t tx, const char *text, uint32_t bytes,
               char *reply, uint32_t *reply_bytes)
{
    char path[STORE_PATH_ROOM];
    struct request req = {
        .store = conn->store, .conn = conn, .root = &conn->store->root,
        .text = text, .bytes = bytes, .reply = reply, .path = path,
    };
    int rc = dispatch(&req, type, tx);

    if (conn->store->trace)
        trace(&req, type, rc);
    *reply_bytes = rc ? 0 : req.reply_bytes;
    tree_reap(&conn->store->common, STORE_REAP);
    return rc;
}
