/* SPDX-License-Identifier: MIT */
/*
 * The console daemon: one thread that keeps every guest's console ring empty, logs the output, and feeds
 * input. Logs outlive their domains, up to a bound on their number and bytes.
 *
 * Only the daemon's thread touches the mapped rings. All functions are for the toolstack's threads.
 */
#ifndef TOOLSTACK_CONSOLES_H
#define TOOLSTACK_CONSOLES_H

#include "../lib/error.h"
#include "../lib/port.h"

#include "log.h"

/* Start the daemon. Returns 0, or -1 when there is no memory for its thread. */
int consoles_start(void);

/* Take over the console of a domain that is not running yet. Returns 0, or -1 with the line. [waits] */
int console_attach(domid_t domid, const char *name, xen_pfn_t mfn, evtchn_port_t port, struct tn_error *err);

/*
 * Take what the guest printed last, unmap its ring and close its port; the log stays. Call it while the
 * domain still exists but does not run. Does nothing for a domain without a console here. [waits]
 */
void console_detach(domid_t domid);

void console_rename(domid_t domid, const char *name);

/*
 * The newest log of this name (or of this id, when `name` is digits), of a living domain or of one that
 * ended. A log may vanish in any call that waits: look it up again after each one.
 */
struct console_view {
    const struct console_log *log;
    bool alive;
    domid_t domid;
    uint64_t serial;        /* tells two domains of one name apart */
    uint64_t *shown;        /* place up to which a person has seen it */
};
bool console_find(const char *name, struct console_view *view);
bool console_find_serial(uint64_t serial, struct console_view *view);

/* Queue input for a guest; returns how many bytes were taken. */
size_t console_input(domid_t domid, const char *bytes, size_t count);

#endif
