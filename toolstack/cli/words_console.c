/* SPDX-License-Identifier: MIT */
/*
 * `tenon console`: a two-way session with a living guest, or the last output of one that ended.
 */
#include "cli.h"

#include "../console/consoles.h"
#include "../lib/domains.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LEAVE_KEY 0x1d          /* Ctrl-] */
#define POLL_NS   10000000ull   /* how long new output may wait to be shown while nobody types */
#define CHUNK     1024u
#define FULL_TRIES 100u         /* of POLL_NS that input waits for a guest whose ring is full */

/*
 * Print what the log has beyond *place. The log may vanish while the terminal is slow, hence the serial
 * number.
 */
static void show_new(uint64_t serial, uint64_t *place)
{
    struct console_view view;
    char bytes[CHUNK], gap[80];
    uint64_t missed;
    size_t got;

    while (console_find_serial(serial, &view)) {
        got = log_read(view.log, place, bytes, sizeof(bytes), &missed);
        *view.shown = *place;
        if (missed) {
            snprintf(gap, sizeof(gap), "\r\n[tenon: %" PRIu64 " bytes of older output are gone]\r\n", missed);
            port_print(gap, strlen(gap));
        }
        if (!got)
            break;
        port_print(bytes, got);
    }
}

/* All that a guest which ended has left. */
static int show_ended(const char *name, struct console_view *view)
{
    uint64_t place = 0;

    printf("tenon: %s (id %u) has ended; its last output:\n", name, view->domid);
    fflush(stdout);
    show_new(view->serial, &place);
    printf("\ntenon: end of the output of %s\n", name);
    return CLI_OK;
}

/*
 * Hand a key to the guest. One that takes no input fills up after some hundred; its user is made to wait for
 * that only once, and the leave key works all the time.
 */
static void give_key(struct console_view *view, uint64_t *place, char byte, bool *deaf)
{
    domid_t domid = view->domid;
    uint64_t serial = view->serial;

    for (unsigned tries = 0; !console_input(domid, &byte, 1); tries++) {
        show_new(serial, place);
        if (*deaf || tries == FULL_TRIES || !console_find_serial(serial, view) || !view->alive) {
            *deaf = true;
            return;
        }
        port_sleep(POLL_NS);
    }
    *deaf = false;
}

int cli_console_session(const char *word, const char *name)
{
    struct tn_error err = { "" };
    struct console_view view;
    uint64_t place, serial;
    bool deaf = false;
    int key = -1;

    if (!console_find(name, &view))
        return tn_fail(&err, "domain %s: there is no console of that name or id: see tenon list", name),
               cli_failed(word, &err);
    if (!view.alive)
        return show_ended(name, &view);
    place = *view.shown;
    serial = view.serial;
    printf("tenon: console of %s (id %u), Ctrl-] leaves\n", name, view.domid);
    fflush(stdout);
    while (key != LEAVE_KEY) {
        if (key >= 0)
            give_key(&view, &place, key, &deaf);
        show_new(serial, &place);
        if (!console_find_serial(serial, &view) || !view.alive)
            break;
        key = port_key(POLL_NS);
    }
    printf("\ntenon: %s the console of %s\n", key == LEAVE_KEY ? "left" : "end of", name);
    return CLI_OK;
}

int cli_console(int argc, char **argv)
{
    struct tn_error err = { "" };

    if (argc != 2)
        return cli_usage(argv[0]);
    if (strcmp(argv[1], "Domain-0") == 0 || strcmp(argv[1], "0") == 0)
        return tn_fail(&err, "domain Domain-0: its console is this one"), cli_failed(argv[0], &err);
    return cli_console_session(argv[0], argv[1]);
}
