/* SPDX-License-Identifier: MIT */
/*
 * Console transport by the console_io hypercall: Domain-0's. Input is fetched
 * as VIRQ_CONSOLE announces it, because the hypervisor keeps little of it.
 */
#include <minios/event.h>
#include <minios/hypercall.h>

#include "internal.h"

/* A power of two. What is typed ahead beyond it is lost. */
#define INPUT_SIZE 4096

static struct {
    char data[INPUT_SIZE];
    unsigned int head, tail;    /* free-running; the handler moves head, readers move tail */
} input;

static size_t hv_put(const char *data, size_t len)
{
    HYPERVISOR_console_io(CONSOLEIO_write, (unsigned int)len, data);
    return len;
}

static bool hv_ready(void)
{
    return READ_ONCE(input.head) != input.tail;
}

static size_t hv_get(char *data, size_t len)
{
    size_t n = 0;

    while (n < len && hv_ready()) {
        data[n++] = input.data[input.tail % INPUT_SIZE];
        WRITE_ONCE(input.tail, input.tail + 1);
    }
    return n;
}

static void hv_input(evtchn_port_t port, void *data)
{
    char chunk[128];
    long n;

    (void)port;
    (void)data;
    while ((n = HYPERVISOR_console_io(CONSOLEIO_read, sizeof(chunk), chunk)) > 0) {
        for (long i = 0; i < n && i < (long)sizeof(chunk); i++) {
            if (input.head - input.tail < INPUT_SIZE) {
                input.data[input.head++ % INPUT_SIZE] = chunk[i];
            }
        }
        if (n < (long)sizeof(chunk)) {
            break;
        }
    }
    console_input_arrived();
}

int console_hv_init(void)
{
    int port = event_bind_virq(VIRQ_CONSOLE, hv_input, NULL);

    return port < 0 ? port : 0;
}

const struct console_backend console_hv = {
    .returns_carriage = true,
    .put = hv_put,
    .get = hv_get,
    .ready = hv_ready,
};
