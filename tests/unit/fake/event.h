/* SPDX-License-Identifier: MIT */
/* Three domains with event channels, for tests of event/. A call's first argument is who makes it. */
#ifndef FAKE_EVENT_H
#define FAKE_EVENT_H

#include <xen/event_channel.h>

#include "domain/domain.h"
#include "mm/frame.h"

#define DOMAINS 3
#define VCPUS   2
#define PAGES   200                         /* of guests, in the direct map */

extern struct domain *dom[DOMAINS];
extern unsigned int unblocked[DOMAINS][VCPUS];  /* vcpu_unblock() calls */
extern unsigned int pirq_bound;             /* PIRQs that are bound */
extern unsigned int pages_in_use;           /* references to pages */

bool event_pages(void);                     /* once, before all else; false: no memory */
void setup(unsigned int max_port);          /* the three, each with ports up to max_port */
bool teardown(void);                        /* true: nothing is left of them */

/* The operations: a port or 0, or a negative error. */
long call(unsigned int d, int cmd, void *args);
long alloc(unsigned int d, unsigned int on, unsigned int remote);
long bind_inter(unsigned int d, unsigned int remote, unsigned int port);
long bind_virq(unsigned int d, unsigned int virq, unsigned int vcpu);
long bind_ipi(unsigned int d, unsigned int vcpu);
long pirq(unsigned int d, unsigned int nr);
long port_op(unsigned int d, int cmd, long port);
long to_vcpu(unsigned int d, long port, unsigned int vcpu);
long reset(unsigned int d, unsigned int which);
struct evtchn_status status(unsigned int d, unsigned int of, long port, long *err);
unsigned int state(unsigned int d, long port);
/* In the shared page, the two-level form; cleared with all that goes with them. */
bool pending(unsigned int d, long port);
void clear_pending(unsigned int d);

#define send(d, port)     port_op(d, EVTCHNOP_send, port)
#define unmask(d, port)   port_op(d, EVTCHNOP_unmask, port)
#define close_it(d, port) port_op(d, EVTCHNOP_close, port)

#endif
