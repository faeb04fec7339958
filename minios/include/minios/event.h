/* SPDX-License-Identifier: MIT */
/*
 * Event channels. A handler runs with upcalls masked, on the stack of whatever
 * thread was running: it must be short, must not block, and must not touch the
 * FPU or libc (compile it with -mgeneral-regs-only if in doubt). Waking a wait
 * queue is the usual whole body. All functions return 0 (or a port) or -errno.
 */
#ifndef MINIOS_EVENT_H
#define MINIOS_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/event_channel.h>

#define EVENT_MAX_PORTS 4096

typedef void event_handler_fn(evtchn_port_t port, void *data);

/*
 * Bind and attach a handler; the port comes back unmasked. The result is the local port (> 0) or -errno.
 * A NULL handler leaves the port masked, so that it can be polled with event_pending.
 */
int event_bind_virq(unsigned int virq, event_handler_fn *handler, void *data);
int event_bind_interdomain(domid_t remote, evtchn_port_t remote_port, event_handler_fn *handler, void *data);
int event_alloc_unbound(domid_t remote, event_handler_fn *handler, void *data);

/* Attach a handler to a port that exists already (start_info's console port, say), and unmask it. */
int event_attach(evtchn_port_t port, event_handler_fn *handler, void *data);

/* Detach the handler and close the port. */
int event_close(evtchn_port_t port);

/* Notify the other end. */
int event_send(evtchn_port_t port);

/* Delivery of one port. event_unmask delivers at once what came while masked. */
void event_mask(evtchn_port_t port);
void event_unmask(evtchn_port_t port);

/* Test and clear the pending bit of a masked port. */
bool event_pending(evtchn_port_t port);

/*
 * Upcalls as a whole (this vCPU's evtchn_upcall_mask), for data that handlers and threads share. They nest:
 * restore takes what save gave back.
 */
bool upcalls_save(void);
void upcalls_restore(bool saved);

#endif
