/* SPDX-License-Identifier: MIT */
/*
 * The console as programs see it, over one of two transports: waiting for room
 * and for input, carriage returns, and giving up on a back end that is not there.
 */
#include <string.h>

#include <xen/sched.h>

#include <minios/console.h>
#include <minios/event.h>
#include <minios/hypercall.h>
#include <minios/kernel.h>
#include <minios/thread.h>
#include <minios/time.h>

#include "internal.h"

/* A back end that takes nothing for so long is dead until it takes something. */
#define DEAD_AFTER_MS 2000
/* The same for writers that cannot block. */
#define POLL_DEAD_AFTER_MS 500

/* Output is handed over in pieces of this size, with a chance for other threads in between. */
#define PIECE 256

static const struct console_backend *backend = &console_hv;
static struct wait_queue input_waiters = WAIT_QUEUE_INIT(input_waiters);
static struct wait_queue output_waiters = WAIT_QUEUE_INIT(output_waiters);
static struct mutex output_lock = MUTEX_INIT(output_lock);
static bool output_dead;

void console_input_arrived(void)
{
    wake_up(&input_waiters);
}

void console_output_drained(void)
{
    wake_up(&output_waiters);
}

/*
 * Wait until the transport takes more, with other threads running; false if it seems dead. The transport
 * has no "room" test of its own: a full one wakes output_waiters when it drains, and the time limit covers
 * the rest.
 */
static bool wait_for_room(void)
{
    return !output_dead && wait_on(&output_waiters, DEAD_AFTER_MS);
}

static bool spin_for_room(int64_t *deadline)
{
    if (output_dead || !shared_info) {
        return false;
    }
    if (!*deadline) {
        *deadline = clock_monotonic_ns() + POLL_DEAD_AFTER_MS * 1000000LL;
    }
    HYPERVISOR_sched_op(SCHEDOP_yield, NULL);
    return clock_monotonic_ns() < *deadline;
}

static void put_all(const char *data, size_t len, bool may_block)
{
    int64_t deadline = 0;

    while (len) {
        size_t taken = backend->put(data, len < PIECE ? len : PIECE);

        data += taken;
        len -= taken;
        if (taken) {
            output_dead = false;
            deadline = 0;
        } else if (!(may_block ? wait_for_room() : spin_for_room(&deadline))) {
            /* One more try: room may have come without a wake-up. */
            taken = backend->put(data, len < PIECE ? len : PIECE);
            if (!taken) {
                output_dead = true;
                return;
            }
            data += taken;
            len -= taken;
        }
        if (may_block && len) {
            thread_relax();
        }
    }
}

static void put_text(const char *data, size_t len, bool may_block)
{
    while (len) {
        char piece[PIECE];
        size_t used = 0;

        while (len && used + 2 <= sizeof(piece)) {
            if (*data == '\n' && !backend->returns_carriage) {
                piece[used++] = '\r';
            }
            piece[used++] = *data++;
            len--;
        }
        put_all(piece, used, may_block);
    }
}

void console_write_raw(const void *data, size_t len)
{
    mutex_lock(&output_lock);
    put_all(data, len, true);
    mutex_unlock(&output_lock);
}

void console_write(const char *data, size_t len)
{
    mutex_lock(&output_lock);
    put_text(data, len, true);
    mutex_unlock(&output_lock);
}

void console_write_poll(const char *data, size_t len)
{
    put_text(data, len, false);
}

bool console_input_ready(void)
{
    return backend->ready();
}

int console_getc(int64_t timeout_ms)
{
    char c;

    if (!WAIT_UNTIL(&input_waiters, backend->ready(), timeout_ms) || backend->get(&c, 1) != 1) {
        return CONSOLE_TIMEOUT;
    }
    return (unsigned char)c;
}

void console_init(void)
{
    bool initial = is_initial_domain();
    int ret = initial ? console_hv_init() : console_ring_init();

    /* Without input, or on the hypervisor's log, is better than not at all. */
    if (ret) {
        printk("minios: %s: no console %s: %s\n", minios_app_name, initial ? "input" : "ring",
               strerror(-ret));
        return;
    }
    backend = initial ? &console_hv : &console_ring;
}
