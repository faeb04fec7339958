/* SPDX-License-Identifier: MIT */
/*
 * The ring of requests and replies. A thread takes what the store sends:
 * replies go to the request that waits with the same number, watch events to
 * their watch. Whatever the other side writes into the page is read once and
 * bounded; a distance between indices, a length or a token that cannot be ends
 * the use of the ring.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/io/xs_wire.h>

#include <minios/event.h>
#include <minios/kernel.h>
#include <minios/mm.h>
#include <minios/thread.h>
#include <minios/xenbus.h>

#include "../kernel/internal.h"

/* Events of one watch that wait; beyond that they are one. */
#define EVENTS_MAX 32

struct event {
    struct event *next;
    char path[];
};

struct xenbus_watch {
    struct xenbus_watch *next;
    char token[20];
    char *path;
    struct event *first, **end;
    unsigned int waiting;
    bool overflow;
    struct wait_queue readers;
};

/* A request that waits for its reply; lies on the stack of its thread. */
struct request {
    struct request *next;
    uint32_t id;
    bool done;
    uint32_t type;
    size_t length;
    char *body;                 /* NULL with done: no memory for it */
};

static struct xenstore_domain_interface *ring;
static evtchn_port_t ring_port;
static bool broken;
static struct wait_queue ring_waiters = WAIT_QUEUE_INIT(ring_waiters);
static struct wait_queue reply_waiters = WAIT_QUEUE_INIT(reply_waiters);
static struct mutex start_lock = MUTEX_INIT(start_lock);
static struct mutex send_lock = MUTEX_INIT(send_lock);
static struct request *requests;
static struct xenbus_watch *watches;
static uint32_t last_id;

/* -- Bytes ----------------------------------------------------------------- */

static void ring_event(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    wake_up(&ring_waiters);
}

/* How many bytes lie between two indices, one of them the store's. */
static uint32_t ring_distance(XENSTORE_RING_IDX prod, XENSTORE_RING_IDX cons)
{
    if (prod - cons > XENSTORE_RING_SIZE) {
        broken = true;
        wake_up(&reply_waiters);
        wake_up(&ring_waiters);
        return 0;
    }
    return prod - cons;
}

static uint32_t room(void)
{
    return broken ? 0 : XENSTORE_RING_SIZE - ring_distance(ring->req_prod, READ_ONCE(ring->req_cons));
}

static uint32_t arrived(void)
{
    return broken ? 0 : ring_distance(READ_ONCE(ring->rsp_prod), ring->rsp_cons);
}

/* All of the bytes, or an error. Under send_lock. */
static int put_bytes(const void *from, size_t count)
{
    const char *bytes = from;

    while (count) {
        uint32_t now, at;

        if (!WAIT_UNTIL(&ring_waiters, room() || broken, XENBUS_TIMEOUT_MS)) {
            return -ETIMEDOUT;
        }
        now = room();
        at = MASK_XENSTORE_IDX(ring->req_prod);
        if (broken) {
            return -EIO;
        }
        now = now < XENSTORE_RING_SIZE - at ? now : XENSTORE_RING_SIZE - at;
        now = now < count ? now : (uint32_t)count;
        mb();
        memcpy(ring->req + at, bytes, now);
        wmb();
        WRITE_ONCE(ring->req_prod, ring->req_prod + now);
        event_send(ring_port);
        bytes += now;
        count -= now;
    }
    return 0;
}

/* Bytes from the store; `to` NULL drops them. False once the ring is broken. Reading thread only. */
static bool get_bytes(void *to, size_t count)
{
    char *bytes = to;

    while (count) {
        uint32_t now, at;

        WAIT_UNTIL(&ring_waiters, arrived() || broken, WAIT_FOREVER);
        now = arrived();
        at = MASK_XENSTORE_IDX(ring->rsp_cons);
        if (broken) {
            return false;
        }
        now = now < XENSTORE_RING_SIZE - at ? now : XENSTORE_RING_SIZE - at;
        now = now < count ? now : (uint32_t)count;
        rmb();
        if (bytes) {
            memcpy(bytes, ring->rsp + at, now);
            bytes += now;
        }
        mb();
        WRITE_ONCE(ring->rsp_cons, ring->rsp_cons + now);
        event_send(ring_port);
        count -= now;
    }
    return true;
}

/* -- What the store sends ---------------------------------------------------- */

static void queue_event(struct xenbus_watch *w, const char *path)
{
    struct event *e;

    for (e = w->first; e; e = e->next) {
        if (!strcmp(e->path, path)) {
            return;
        }
    }
    e = w->waiting < EVENTS_MAX ? malloc(sizeof(*e) + strlen(path) + 1) : NULL;
    if (e) {
        e->next = NULL;
        strcpy(e->path, path);
        *w->end = e;
        w->end = &e->next;
        w->waiting++;
    } else {
        w->overflow = true;
    }
    wake_up(&w->readers);
}

/* "path|token|": a token that is not ours (any more) is nobody's. */
static void take_event(const char *body, size_t length)
{
    const char *token = body ? memchr(body, 0, length) : NULL;

    if (!token || ++token == body + length || body[length - 1]) {
        return;
    }
    for (struct xenbus_watch *w = watches; w; w = w->next) {
        if (!strcmp(w->token, token)) {
            queue_event(w, body);
        }
    }
}

static void take_reply(const struct xsd_sockmsg *header, char *body)
{
    for (struct request *r = requests; r; r = r->next) {
        if (r->id == header->req_id && !r->done) {
            r->done = true;
            r->type = header->type;
            r->length = header->len;
            r->body = body;
            wake_up(&reply_waiters);
            return;
        }
    }
    free(body);                 /* its thread gave up */
}

static void read_thread(void *arg)
{
    struct xsd_sockmsg header;

    (void)arg;
    while (get_bytes(&header, sizeof(header))) {
        char *body;

        if (header.len > XENSTORE_PAYLOAD_MAX) {
            break;
        }
        body = malloc(header.len + 1);
        if (!get_bytes(body, header.len)) {
            free(body);
            break;
        }
        if (body) {
            body[header.len] = '\0';
        }
        if (header.type == XS_WATCH_EVENT) {
            take_event(body, header.len);
            free(body);
        } else {
            take_reply(&header, body);
        }
    }
    broken = true;
    wake_up(&reply_waiters);
    printk("minios: %s: the store broke the protocol; it is not used any more\n", minios_app_name);
}

/* The first use of the store maps its ring. */
static int start(void)
{
    xen_pfn_t mfn = start_info->store_mfn;
    struct xenstore_domain_interface *page;
    int ret = 0;

    if (ring) {
        return broken ? -EIO : 0;
    }
    if (!mfn || !start_info->store_evtchn) {
        return -ENODEV;
    }
    mutex_lock(&start_lock);
    page = ring ? ring : map_frames(&mfn, 1, DOMID_SELF, MAP_RW, NULL);
    if (!page) {
        ret = -errno;
    } else if (!ring) {
        ring = page;
        ring_port = start_info->store_evtchn;
        ret = event_attach(ring_port, ring_event, NULL);
        if (!ret) {
            struct thread *t = thread_create("xenbus", read_thread, NULL, 0);

            if (t) {
                thread_detach(t);
            }
            ret = t ? 0 : -ENOMEM;
        }
        if (ret) {
            ring = NULL;
            unmap_frames(page, 1);
        }
    }
    mutex_unlock(&start_lock);
    return ret;
}

/* -- Requests ---------------------------------------------------------------- */

/* A piece of a request's payload. */
struct piece {
    const void *bytes;
    size_t count;
};

static struct piece text_with_zero(const char *text)
{
    return (struct piece) { text, strlen(text) + 1 };
}

static int error_number(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(xsd_errors); i++) {
        if (!strcmp(xsd_errors[i].errstring, name)) {
            return xsd_errors[i].errnum;
        }
    }
    return EIO;
}

static void forget_request(struct request *gone)
{
    struct request **link = &requests;

    while (*link != gone) {
        link = &(*link)->next;
    }
    *link = gone->next;
}

static int send(struct request *r, uint32_t type, xenbus_tx tx, const struct piece *pieces, size_t n)
{
    struct xsd_sockmsg header = { .type = type, .tx_id = tx };
    int ret;

    for (size_t i = 0; i < n; i++) {
        header.len += pieces[i].count;
    }
    if (header.len > XENSTORE_PAYLOAD_MAX) {
        return -E2BIG;
    }
    mutex_lock(&send_lock);
    r->id = header.req_id = ++last_id;
    r->next = requests;
    requests = r;
    ret = put_bytes(&header, sizeof(header));
    for (size_t i = 0; !ret && i < n; i++) {
        ret = put_bytes(pieces[i].bytes, pieces[i].count);
    }
    if (ret) {
        /* Half a request is in the ring: nothing after it would be understood. */
        broken = true;
        forget_request(r);
    }
    mutex_unlock(&send_lock);
    return ret;
}

/* Ask, and wait for the answer. On success *body (unless NULL) is of malloc, with a zero byte behind it. */
static int ask(uint32_t type, xenbus_tx tx, const struct piece *pieces, size_t n, char **body, size_t *length)
{
    struct request r = { 0 };
    int ret = start();

    if (!ret) {
        ret = send(&r, type, tx, pieces, n);
    }
    if (ret) {
        return ret;
    }
    WAIT_UNTIL(&reply_waiters, r.done || broken, XENBUS_TIMEOUT_MS);
    forget_request(&r);
    if (!r.done) {
        return broken ? -EIO : -ETIMEDOUT;
    }
    if (!r.body) {
        return -ENOMEM;
    }
    if (r.type == type && body) {
        *body = r.body;
        *length = r.length;
        return 0;
    }
    ret = r.type == type ? 0 : r.type == XS_ERROR ? -error_number(r.body) : -EIO;
    free(r.body);
    return ret;
}

/* A request with one path, whose answer is only "OK". */
static int ask_path(uint32_t type, xenbus_tx tx, const char *path)
{
    struct piece piece = text_with_zero(path);

    return ask(type, tx, &piece, 1, NULL, NULL);
}

int xenbus_read(xenbus_tx tx, const char *path, char **value, size_t *length)
{
    struct piece piece = text_with_zero(path);
    size_t ignored;

    return ask(XS_READ, tx, &piece, 1, value, length ? length : &ignored);
}

int xenbus_write(xenbus_tx tx, const char *path, const char *value)
{
    struct piece pieces[] = { text_with_zero(path), { value, strlen(value) } };

    return ask(XS_WRITE, tx, pieces, 2, NULL, NULL);
}

int xenbus_mkdir(xenbus_tx tx, const char *path)
{
    return ask_path(XS_MKDIR, tx, path);
}

int xenbus_rm(xenbus_tx tx, const char *path)
{
    return ask_path(XS_RM, tx, path);
}

int xenbus_directory(xenbus_tx tx, const char *path, char **names, size_t *count)
{
    struct piece piece = text_with_zero(path);
    size_t length;
    int ret = ask(XS_DIRECTORY, tx, &piece, 1, names, &length);

    *count = 0;
    for (size_t at = 0; !ret && at < length; at += strlen(*names + at) + 1) {
        ++*count;
    }
    return ret;
}

int xenbus_set_perms(xenbus_tx tx, const char *path, const char *const *perms, size_t count)
{
    struct piece *pieces = calloc(count + 1, sizeof(*pieces));
    int ret;

    if (!pieces) {
        return -ENOMEM;
    }
    pieces[0] = text_with_zero(path);
    for (size_t i = 0; i < count; i++) {
        pieces[i + 1] = text_with_zero(perms[i]);
    }
    ret = ask(XS_SET_PERMS, tx, pieces, count + 1, NULL, NULL);
    free(pieces);
    return ret;
}

int xenbus_transaction_start(xenbus_tx *tx)
{
    struct piece piece = text_with_zero("");
    size_t length;
    char *text;
    int ret = ask(XS_TRANSACTION_START, XENBUS_NO_TX, &piece, 1, &text, &length);

    if (!ret) {
        *tx = strtoul(text, NULL, 10);
        free(text);
    }
    return ret;
}

int xenbus_transaction_end(xenbus_tx tx, bool commit)
{
    return ask_path(XS_TRANSACTION_END, tx, commit ? "T" : "F");
}

/* -- Watches ------------------------------------------------------------------ */

static void free_watch(struct xenbus_watch *w)
{
    struct xenbus_watch **link = &watches;

    while (*link != w) {
        link = &(*link)->next;
    }
    *link = w->next;
    while (w->first) {
        struct event *e = w->first;

        w->first = e->next;
        free(e);
    }
    free(w->path);
    free(w);
}

int xenbus_watch(const char *path, struct xenbus_watch **watch)
{
    static unsigned int tokens;
    struct xenbus_watch *w = calloc(1, sizeof(*w));
    struct piece pieces[2];
    int ret;

    if (!w || !(w->path = strdup(path))) {
        free(w);
        return -ENOMEM;
    }
    ksnprintf(w->token, sizeof(w->token), "w%u", ++tokens);
    w->end = &w->first;
    wait_queue_init(&w->readers);
    /* In the list first: its first event may come before the reply. */
    w->next = watches;
    watches = w;
    pieces[0] = text_with_zero(path);
    pieces[1] = text_with_zero(w->token);
    ret = ask(XS_WATCH, XENBUS_NO_TX, pieces, 2, NULL, NULL);
    if (ret) {
        free_watch(w);
    } else {
        *watch = w;
    }
    return ret;
}

int xenbus_watch_next(struct xenbus_watch *w, char **path, int64_t timeout_ms)
{
    struct event *e;

    WAIT_UNTIL(&w->readers, w->first || w->overflow || broken, timeout_ms);
    e = w->first;
    if (!e && !w->overflow) {
        return broken ? -EIO : -ETIMEDOUT;
    }
    *path = strdup(e ? e->path : w->path);
    if (!*path) {
        return -ENOMEM;
    }
    if (!e) {
        w->overflow = false;
        return 0;
    }
    w->first = e->next;
    if (!w->first) {
        w->end = &w->first;
    }
    w->waiting--;
    free(e);
    return 0;
}

int xenbus_unwatch(struct xenbus_watch *w)
{
    struct piece pieces[] = { text_with_zero(w->path), text_with_zero(w->token) };
    int ret = ask(XS_UNWATCH, XENBUS_NO_TX, pieces, 2, NULL, NULL);

    free_watch(w);
    return ret;
}
