/* SPDX-License-Identifier: MIT */
/*
 * Console transport of a guest: the ring page that the domain builder made, shared
 * with the console back end. The other side's indices are not trusted: a distance that
 * cannot be is treated as "full" or "empty".
 */
#include <errno.h>

#include <xen/io/console.h>

#include <minios/event.h>
#include <minios/mm.h>

#include "internal.h"

static struct xencons_interface *ring;
static evtchn_port_t ring_port;

static size_t ring_put(const char *data, size_t len)
{
    XENCONS_RING_IDX prod = READ_ONCE(ring->out_prod);
    XENCONS_RING_IDX used = prod - READ_ONCE(ring->out_cons);
    size_t n = 0;

    mb();
    if (used >= sizeof(ring->out)) {
        return 0;
    }
    while (n < len && used + n < sizeof(ring->out)) {
        ring->out[MASK_XENCONS_IDX(prod + n, ring->out)] = data[n];
        n++;
    }
    wmb();
    WRITE_ONCE(ring->out_prod, prod + (XENCONS_RING_IDX)n);
    event_send(ring_port);
    return n;
}

/* Bytes that wait in the input half; a nonsensical distance discards them. */
static size_t ring_waiting(void)
{
    XENCONS_RING_IDX prod = READ_ONCE(ring->in_prod);
    XENCONS_RING_IDX waiting = prod - READ_ONCE(ring->in_cons);

    if (waiting > sizeof(ring->in)) {
        WRITE_ONCE(ring->in_cons, prod);
        return 0;
    }
    return waiting;
}

static bool ring_ready(void)
{
    return ring_waiting() > 0;
}

static size_t ring_get(char *data, size_t len)
{
    size_t waiting = ring_waiting(), n = 0;
    XENCONS_RING_IDX cons = READ_ONCE(ring->in_cons);

    rmb();
    while (n < len && n < waiting) {
        data[n] = ring->in[MASK_XENCONS_IDX(cons + n, ring->in)];
        n++;
    }
    mb();
    WRITE_ONCE(ring->in_cons, cons + (XENCONS_RING_IDX)n);
    if (n) {
        event_send(ring_port);
    }
    return n;
}

static void ring_event(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    console_input_arrived();
    console_output_drained();
}

int console_ring_init(void)
{
    xen_pfn_t mfn = start_info->console.domU.mfn;

    if (!mfn || !start_info->console.domU.evtchn) {
        return -ENODEV;
    }
    ring = map_frames(&mfn, 1, DOMID_SELF, MAP_RW, NULL);
    if (!ring) {
        return -errno;
    }
    ring_port = start_info->console.domU.evtchn;
    return event_attach(ring_port, ring_event, NULL);
}

const struct console_backend console_ring = {
    .returns_carriage = false,
    .put = ring_put,
    .get = ring_get,
    .ready = ring_ready,
};
