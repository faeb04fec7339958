/* SPDX-License-Identifier: MIT */
/*
 * Event storms: see throttle.h.
 */
#include "throttle.h"

#define PERIOD_NS 100000000ull      /* 100 ms */

uint64_t throttle_check(struct throttle *t, unsigned most, uint64_t now, bool *unmasked)
{
    *unmasked = false;
    if (now >= t->period_end) {
        t->period_end = now + PERIOD_NS;
        t->events = 0;
        if (t->masked) {
            t->masked = false;
            *unmasked = true;
            port_unmask(t->port);
        }
    }
    if (!t->masked && t->events > most) {
        port_mask(t->port);
        t->masked = true;
    }
    return t->masked ? t->period_end : PORT_FOREVER;
}
