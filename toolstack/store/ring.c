/* SPDX-License-Identifier: MIT */
/*
 * The ring transport. Ordering: an index is read before the bytes that it covers, and bytes are done with
 * before our index is published; on x86 that needs only that the compiler keeps the order.
 */
#include "ring.h"

#include <string.h>

#define barrier() __asm__ volatile("" ::: "memory")

void store_ring_init(struct store_ring *ring, void *page, void (*notify)(struct store_ring *ring),
                     void (*closed)(struct store_ring *ring))
{
    ring->page = page;
    ring->notify = notify;
    ring->closed = closed;
    ring->req_cons = ring->page->req_cons;
    ring->rsp_prod = ring->page->rsp_prod;
    ring->page->error = XENSTORE_ERROR_NONE;
    ring->page->connection = XENSTORE_CONNECTED;
    ring->page->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR;
}

/* The length of the piece at `index` that does not wrap. */
static size_t straight(XENSTORE_RING_IDX index, size_t count)
{
    size_t left = XENSTORE_RING_SIZE - MASK_XENSTORE_IDX(index);

    return count < left ? count : left;
}

static long ring_read(void *transport, void *to, size_t room)
{
    struct store_ring *ring = transport;
    size_t ready = (XENSTORE_RING_IDX)(ring->page->req_prod - ring->req_cons), first;
    const char *bytes = (const char *)ring->page->req;

    barrier();
    if (ready > XENSTORE_RING_SIZE)
        return -1;
    if (ready > room)
        ready = room;
    first = straight(ring->req_cons, ready);
    memcpy(to, bytes + MASK_XENSTORE_IDX(ring->req_cons), first);
    memcpy((char *)to + first, bytes, ready - first);
    barrier();
    ring->req_cons += ready;
    ring->page->req_cons = ring->req_cons;
    return ready;
}

static long ring_write(void *transport, const void *from, size_t count)
{
    struct store_ring *ring = transport;
    size_t used = (XENSTORE_RING_IDX)(ring->rsp_prod - ring->page->rsp_cons), first;
    char *bytes = (char *)ring->page->rsp;

    barrier();
    if (used > XENSTORE_RING_SIZE)
        return -1;
    if (count > XENSTORE_RING_SIZE - used)
        count = XENSTORE_RING_SIZE - used;
    first = straight(ring->rsp_prod, count);
    memcpy(bytes + MASK_XENSTORE_IDX(ring->rsp_prod), from, first);
    memcpy(bytes, (const char *)from + first, count - first);
    barrier();
    ring->rsp_prod += count;
    ring->page->rsp_prod = ring->rsp_prod;
    return count;
}

static void ring_notify(void *transport)
{
    struct store_ring *ring = transport;

    ring->notify(ring);
}

static void ring_fail(void *transport, uint32_t error)
{
    struct store_ring *ring = transport;

    ring->page->error = error;
    ring->notify(ring);
}

/* The client waits until it sees that it is connected, and uses the ring from its beginning then. */
static bool ring_reset(void *transport)
{
    struct store_ring *ring = transport;

    if (ring->page->connection != XENSTORE_RECONNECT)
        return false;
    ring->req_cons = ring->rsp_prod = 0;
    ring->page->req_cons = ring->page->req_prod = 0;
    ring->page->rsp_cons = ring->page->rsp_prod = 0;
    ring->page->error = XENSTORE_ERROR_NONE;
    barrier();
    ring->page->connection = XENSTORE_CONNECTED;
    return true;
}

static void ring_closed(void *transport)
{
    struct store_ring *ring = transport;

    ring->closed(ring);
}

const struct store_transport store_ring_transport = {
    .read = ring_read,
    .write = ring_write,
    .notify = ring_notify,
    .fail = ring_fail,
    .reset = ring_reset,
    .closed = ring_closed,
};
