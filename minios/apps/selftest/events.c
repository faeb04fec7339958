/* SPDX-License-Identifier: MIT */
/* Event channels in a loop to this domain itself. */
#include <errno.h>
#include <string.h>

#include <minios/event.h>
#include <minios/thread.h>

#include "check.h"

static struct semaphore arrived = SEMAPHORE_INIT(arrived, 0);
static volatile unsigned int calls;
static volatile evtchn_port_t last_port;

static void handler(evtchn_port_t port, void *data)
{
    calls++;
    last_port = port;
    sem_post(data);
}

void test_events(void)
{
    int end = event_alloc_unbound(DOMID_SELF, handler, &arrived);
    int other = event_bind_interdomain(DOMID_SELF, end, NULL, NULL);
    bool saved;

    if (!check(end > 0 && other > 0, "a channel from this domain to itself: %d and %d", end, other)) {
        return;
    }
    check(!event_send(other) && sem_wait(&arrived, 1000) && last_port == (evtchn_port_t)end,
          "an event arrives");
    check(!event_send(end) && event_pending(other) && !event_pending(other),
          "an event to a polled port stays pending once");

    calls = 0;
    event_mask(end);
    event_send(other);
    check(calls == 0, "a masked port delivers nothing");
    event_unmask(end);
    check(calls == 1 && sem_wait(&arrived, 0), "and all of it when unmasked");

    saved = upcalls_save();
    event_send(other);
    check(calls == 1, "nothing arrives while upcalls are masked");
    upcalls_restore(saved);
    check(calls == 2 && sem_wait(&arrived, 0), "it does at once when they are not");

    check(!event_close(other) && !event_close(end), "both ends close");
    check(event_send(end) < 0, "a closed port cannot send: %s", strerror(-event_send(end)));
    check(event_bind_virq(9999, handler, NULL) == -EINVAL, "a VIRQ that is none is refused");
}
