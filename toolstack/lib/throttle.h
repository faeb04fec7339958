/* SPDX-License-Identifier: MIT */
/*
 * A bound on the upcalls that one guest may cause: a port whose events come too often is masked until the end
 * of a period. Nothing is lost, it only comes later.
 */
#ifndef TOOLSTACK_THROTTLE_H
#define TOOLSTACK_THROTTLE_H

#include "port.h"

struct throttle {
    int port;
    volatile unsigned events;   /* in this period */
    bool masked;
    uint64_t period_end;
};

/* An event came: for the port's handler. */
static inline void throttle_count(struct throttle *t)
{
    t->events++;
}

/*
 * To be called after events, and when the time that it returned has come: masks the port once it had more
 * than `most` events in this period, unmasks it in the next. Returns when it wants to be called again, or
 * PORT_FOREVER; *unmasked is set when the period of silence is over, so that whatever came meanwhile can be
 * looked for.
 */
uint64_t throttle_check(struct throttle *t, unsigned most, uint64_t now, bool *unmasked);

#endif
