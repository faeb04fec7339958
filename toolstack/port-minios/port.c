/* SPDX-License-Identifier: MIT */
/*
 * The port layer on MiniOS: the toolstack runs inside Domain-0's kernel, so each call is a thin step to the
 * kernel's own. Threads are cooperative; handlers interrupt them, and only port_wake() is made for that.
 */
#include "../lib/port.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <minios/console.h>
#include <minios/event.h>
#include <minios/hypercall.h>
#include <minios/mm.h>
#include <minios/thread.h>
#include <minios/time.h>

#define NS_PER_MS 1000000u

/* -- Hypercalls ------------------------------------------------------------------------------------------ */

long port_hypercall(unsigned op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    register uint64_t r10 __asm__("r10") = a4;
    register uint64_t r8 __asm__("r8") = a5;
    const char *entry = hypercall_page + op * 32;
    long rc;

    __asm__ volatile("call *%[entry]"
                     : "=a" (rc), "+D" (a1), "+S" (a2), "+d" (a3), "+r" (r10), "+r" (r8)
                     : [entry] "r" (entry)
                     : "rcx", "r11", "memory");
    return rc;
}

/* All memory of MiniOS is there and stays there. */
void *port_buffer(size_t bytes)
{
    void *buffer = memalign(PORT_PAGE_SIZE, (bytes + PORT_PAGE_SIZE - 1) & ~(size_t)(PORT_PAGE_SIZE - 1));

    if (buffer)
        memset(buffer, 0, bytes);
    return buffer;
}

void port_buffer_free(void *buffer, size_t bytes)
{
    (void)bytes;
    free(buffer);
}

/* -- Foreign memory -------------------------------------------------------------------------------------- */

void *port_map_foreign(domid_t domid, const xen_pfn_t *mfns, size_t count)
{
    return map_frames(mfns, count, domid, MAP_RW, NULL);
}

void port_unmap_foreign(void *address, size_t count)
{
    unmap_frames(address, count);
}

/* -- Event channels -------------------------------------------------------------------------------------- */

/*
 * What a port's handler is to call: the kernel hands over the port, the toolstack's handlers want their
 * argument.
 */
struct binding {
    void (*handler)(void *arg);
    void *arg;
};

static struct binding bindings[EVENT_MAX_PORTS];

static void on_event(evtchn_port_t port, void *data)
{
    const struct binding *binding = data;

    (void)port;
    if (binding->handler)
        binding->handler(binding->arg);
}

/*
 * The port's number is known only after the kernel bound it. It is bound without a handler, which leaves it
 * masked; an event that comes before the handler is attached stays pending and is delivered then.
 */
static int attach(int port, void (*handler)(void *), void *arg)
{
    int rc;

    if (port < 0)
        return port;
    bindings[port] = (struct binding){ handler, arg };
    rc = event_attach(port, on_event, &bindings[port]);
    return rc < 0 ? rc : port;
}

int port_bind_interdomain(domid_t domid, evtchn_port_t remote_port, void (*handler)(void *), void *arg)
{
    return attach(event_bind_interdomain(domid, remote_port, NULL, NULL), handler, arg);
}

int port_bind_virq(unsigned virq, void (*handler)(void *), void *arg)
{
    return attach(event_bind_virq(virq, NULL, NULL), handler, arg);
}

void port_unbind(int port)
{
    event_close(port);
    bindings[port] = (struct binding){ 0 };
}

void port_notify(int port)
{
    event_send(port);
}

void port_mask(int port)
{
    event_mask(port);
}

void port_unmask(int port)
{
    event_unmask(port);
}

/* -- Threads and time ------------------------------------------------------------------------------------ */

/*
 * One queue for all events: there are a handful of waiters, and a wake-up makes each look at its own flag.
 * The handler's side is two plain stores and the kernel's wake_up.
 */
static struct wait_queue waiters = WAIT_QUEUE_INIT(waiters);
static struct mutex lock = MUTEX_INIT(lock);

int port_thread(const char *name, void (*function)(void *), void *arg)
{
    struct thread *thread = thread_create(name, function, arg, 0);

    if (!thread)
        return -1;
    thread_detach(thread);
    return 0;
}

void port_wake(struct port_event *event)
{
    event->set = true;
    wake_up(&waiters);
}

bool port_wait(struct port_event *event, uint64_t timeout_ns)
{
    int64_t timeout_ms = WAIT_FOREVER;
    bool woken;

    if (timeout_ns != PORT_FOREVER)
        timeout_ms = (timeout_ns + NS_PER_MS - 1) / NS_PER_MS;
    woken = WAIT_UNTIL(&waiters, event->set, timeout_ms);
    if (woken)
        event->set = false;
    return woken;
}

void port_yield(void)
{
    thread_relax();
}

void port_sleep(uint64_t ns)
{
    thread_sleep_ns(ns);
}

void port_lock(void)
{
    mutex_lock(&lock);
}

void port_unlock(void)
{
    mutex_unlock(&lock);
}

uint64_t port_now(void)
{
    return clock_monotonic_ns();
}

uint64_t port_wallclock(void)
{
    return clock_wall_ns() / 1000000000;
}

/* -- The terminal ---------------------------------------------------------------------------------------- */

int port_key(uint64_t timeout_ns)
{
    int key = console_getc(timeout_ns == PORT_FOREVER ? WAIT_FOREVER : (int64_t)(timeout_ns / NS_PER_MS));

    return key < 0 ? -1 : key;
}

void port_print(const void *bytes, size_t count)
{
    console_write_raw(bytes, count);
}
