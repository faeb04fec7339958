/* SPDX-License-Identifier: MIT */
/*
 * The port layer: all that the toolstack asks of the system it runs on. Each home of the toolstack answers
 * with one file (port-minios/port.c; the unit tests have a fake), and nothing else in the toolstack knows
 * where it runs. Files are read through the C library, which both homes have.
 *
 * Threads: the toolstack has a few long-lived threads (consoles, watcher, shell), of which at most one runs
 * at a time; they change only inside the calls marked [waits]. Cooperative threads are that by nature; a home
 * with real ones holds one lock around the toolstack and lets go of it in those calls. Operations that span a
 * wait and must not mix are guarded by port_lock().
 */
#ifndef TOOLSTACK_PORT_H
#define TOOLSTACK_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/event_channel.h>

#define PORT_PAGE_SIZE 4096u

/* -- Hypercalls. Results are the hypervisor's: negative numbers of <xen/errno.h>. ------------------------ */

/*
 * Make hypercall `op` (__HYPERVISOR_*). Every pointer among the arguments must lie in memory of
 * port_buffer().
 */
long port_hypercall(unsigned op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);

/* Zeroed page-aligned memory that stays in place during a hypercall, or NULL. */
void *port_buffer(size_t bytes);
void port_buffer_free(void *buffer, size_t bytes);

/* -- Another domain's memory ----------------------------------------------------------------------------- */

/*
 * Map `count` machine frames of domain `domid` readable and writable at contiguous addresses. NULL when the
 * hypervisor refuses one of them or there is no room; nothing stays mapped then. [waits]
 */
void *port_map_foreign(domid_t domid, const xen_pfn_t *mfns, size_t count);
void port_unmap_foreign(void *address, size_t count);

/* -- Event channels -------------------------------------------------------------------------------------- */

/*
 * Bind a port of this domain to `remote_port` of `domid`, or to a virtual interrupt of vCPU 0. `handler` runs
 * when the event fires, perhaps with other events held off: it may only note the fact and call port_wake().
 * Both return the local port, or a negative error of the hypervisor.
 */
int port_bind_interdomain(domid_t domid, evtchn_port_t remote_port, void (*handler)(void *), void *arg);
int port_bind_virq(unsigned virq, void (*handler)(void *), void *arg);
void port_unbind(int port);
void port_notify(int port);
/* A masked port does not interrupt this domain; unmasking delivers what came meanwhile. */
void port_mask(int port);
void port_unmask(int port);

/* -- Threads and time ------------------------------------------------------------------------------------ */

#define PORT_FOREVER UINT64_MAX

/* Something that one thread waits for. Starts as zeroes. */
struct port_event {
    volatile bool set;
};

int port_thread(const char *name, void (*function)(void *), void *arg);
/* Set the event and wake its waiter. The one call here that a handler may make. */
void port_wake(struct port_event *event);
/* Wait until the event is set, then clear it: true; or until `timeout_ns` have passed: false. [waits] */
bool port_wait(struct port_event *event, uint64_t timeout_ns);
/*
 * Let other threads run: called within every loop that copies or clears more than a few hundred KiB. [waits]
 */
void port_yield(void);
void port_sleep(uint64_t ns);
/* The toolstack's one lock, not recursive, held across whole operations on domains. [waits] */
void port_lock(void);
void port_unlock(void);
/* Nanoseconds since some moment before the start; never goes back. */
uint64_t port_now(void);
/* Seconds since 1970. */
uint64_t port_wallclock(void);

/* -- The user's terminal --------------------------------------------------------------------------------- */

/* One byte as typed, no echo, no line discipline; -1 when `timeout_ns` have passed without one. [waits] */
int port_key(uint64_t timeout_ns);
/* Bytes to the terminal as they are, at once. [waits] */
void port_print(const void *bytes, size_t count);

#endif
