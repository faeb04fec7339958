/* SPDX-License-Identifier: MIT */
/*
 * The console daemon. Each guest has a struct console in one list; the event handler notes that there is work
 * and wakes the thread, which then serves every console that has some. A guest that notifies too often has
 * its port masked until the end of a period and its ring looked at now and then, so that a storm costs this
 * domain a bounded number of upcalls. Linux notifies after every 16 bytes: its output must not stall by that.
 */
#include "consoles.h"
#include "ring.h"

#include "../lib/config.h"
#include "../lib/control.h"
#include "../lib/throttle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_ROOM   512u
#define PERIOD_EVENTS 100u          /* notifications in a period before the port is masked */
#define MASKED_POLL  2000000ull     /* ns between two looks at the ring meanwhile */
#define ENDED_MAX    16u            /* logs of ended domains: their number */
#define ENDED_BYTES  (256u << 10)   /* and bytes */

struct console {
    struct console *next;
    uint64_t serial;
    domid_t domid;
    char name[TN_NAME_MAX + 1];
    struct console_log log;
    uint64_t shown;
    bool alive;
    /* While alive: */
    struct console_ring ring;
    void *page;
    struct throttle throttle;       /* with the port */
    volatile bool work;             /* set by the handler */
    bool closing;
    struct port_event closed;
    char input[INPUT_ROOM];
    size_t input_count;
};

static struct console *consoles;    /* newest first */
static struct port_event daemon_event;
static uint64_t serials;

/* Event handler: may only note and wake. */
static void on_event(void *arg)
{
    struct console *c = arg;

    c->work = true;
    throttle_count(&c->throttle);
    port_wake(&daemon_event);
}

static struct console *find_alive(domid_t domid)
{
    for (struct console *c = consoles; c; c = c->next)
        if (c->alive && c->domid == domid)
            return c;
    return NULL;
}

/* -- The daemon's thread --------------------------------------------------------------------------------- */

static void note(struct console *c, const char *text)
{
    log_append(&c->log, "\r\n[tenon: ", 10);
    log_append(&c->log, text, strlen(text));
    log_append(&c->log, "]\r\n", 3);
}

/* Move output and input; true when anything moved. */
static bool serve_ring(struct console *c)
{
    char bytes[sizeof(c->ring.page->out)];
    bool broken, moved = false;
    size_t count = ring_take(&c->ring, bytes, sizeof(bytes), &broken);

    if (broken)
        note(c, "this guest's console ring was invalid; some output is lost");
    log_append(&c->log, bytes, count);
    moved = broken || count > 0;
    if (c->input_count) {
        count = ring_give(&c->ring, c->input, c->input_count);
        c->input_count -= count;
        memmove(c->input, c->input + count, c->input_count);
        moved |= count > 0;
    }
    if (moved)
        port_notify(c->throttle.port);
    return moved;
}

static void close_console(struct console *c)
{
    serve_ring(c);
    port_unbind(c->throttle.port);
    port_unmap_foreign(c->page, 1);
    c->alive = false;
    log_trim(&c->log);
}

/* Drop the oldest logs of ended domains beyond the bounds. */
static void forget_ended(void)
{
    unsigned count = 0;
    size_t bytes = 0;

    for (struct console **link = &consoles; *link;) {
        struct console *c = *link;

        if (!c->alive) {
            count++;
            bytes += c->log.room;
            if (count > ENDED_MAX || bytes > ENDED_BYTES) {
                *link = c->next;
                log_free(&c->log);
                free(c);
                continue;
            }
        }
        link = &c->next;
    }
}

static void daemon_thread(void *arg)
{
    uint64_t again = PORT_FOREVER;

    (void)arg;
    for (;;) {
        uint64_t now = port_now();

        port_wait(&daemon_event, again == PORT_FOREVER ? PORT_FOREVER : again > now ? again - now : 1);
        now = port_now();
        again = PORT_FOREVER;
        for (struct console *c = consoles; c; c = c->next) {
            uint64_t wanted;
            bool unmasked;

            if (!c->alive)
                continue;
            if (c->closing) {
                close_console(c);
                port_wake(&c->closed);
                continue;
            }
            wanted = throttle_check(&c->throttle, PERIOD_EVENTS, now, &unmasked);
            if (c->throttle.masked && now + MASKED_POLL < wanted)
                wanted = now + MASKED_POLL;
            if (wanted < again)
                again = wanted;
            if (c->work || unmasked || c->throttle.masked) {
                c->work = false;
                serve_ring(c);
            }
        }
    }
}

int consoles_start(void)
{
    return port_thread("consoles", daemon_thread, NULL);
}

/* -- For the other threads ------------------------------------------------------------------------------- */

int console_attach(domid_t domid, const char *name, xen_pfn_t mfn, evtchn_port_t port, struct tn_error *err)
{
    struct console *c = calloc(1, sizeof(*c));

    if (!c || log_init(&c->log) < 0) {
        free(c);
        return tn_fail(err, "domain %s: no memory left for its console log", name);
    }
    c->domid = domid;
    c->serial = ++serials;
    c->alive = true;
    c->work = true;
    strcpy(c->name, name);
    c->page = port_map_foreign(domid, &mfn, 1);
    if (!c->page) {
        tn_fail(err, "domain %s: cannot map its console page", name);
        goto fail_log;
    }
    ring_init(&c->ring, c->page);
    c->throttle.port = port_bind_interdomain(domid, port, on_event, c);
    if (c->throttle.port < 0) {
        tn_fail(err, "domain %s: cannot bind its console's event channel: %s", name,
                tn_xen_error(c->throttle.port));
        goto fail_map;
    }
    c->next = consoles;
    consoles = c;
    port_wake(&daemon_event);
    return 0;

fail_map:
    port_unmap_foreign(c->page, 1);
fail_log:
    log_free(&c->log);
    free(c);
    return -1;
}

void console_detach(domid_t domid)
{
    struct console *c = find_alive(domid);

    if (!c)
        return;
    c->closing = true;
    port_wake(&daemon_event);
    while (c->alive)
        port_wait(&c->closed, PORT_FOREVER);
    forget_ended();
}

void console_rename(domid_t domid, const char *name)
{
    struct console *c = find_alive(domid);

    if (c)
        strcpy(c->name, name);
}

static void view_of(struct console *c, struct console_view *view)
{
    *view = (struct console_view){ &c->log, c->alive, c->domid, c->serial, &c->shown };
}

bool console_find(const char *name, struct console_view *view)
{
    char *end;
    unsigned long id = strtoul(name, &end, 10);
    bool by_id = *name && !*end;

    for (struct console *c = consoles; c; c = c->next) {
        if (by_id ? c->domid == id : strcmp(c->name, name) == 0) {
            view_of(c, view);
            return true;
        }
    }
    return false;
}

bool console_find_serial(uint64_t serial, struct console_view *view)
{
    for (struct console *c = consoles; c; c = c->next) {
        if (c->serial == serial) {
            view_of(c, view);
            return true;
        }
    }
    return false;
}

size_t console_input(domid_t domid, const char *bytes, size_t count)
{
    struct console *c = find_alive(domid);
    size_t room;

    if (!c)
        return 0;
    room = INPUT_ROOM - c->input_count;
    if (count > room)
        count = room;
    memcpy(c->input + c->input_count, bytes, count);
    c->input_count += count;
    c->work = true;
    port_wake(&daemon_event);
    return count;
}
