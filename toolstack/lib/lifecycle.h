/* SPDX-License-Identifier: MIT */
/*
 * What users ask of guests that run: to shut down, to use more or less memory, more or fewer vCPUs. The guest
 * is asked through its nodes in the store, and does it itself. Functions return 0, or -1 with the line.
 */
#ifndef TOOLSTACK_LIFECYCLE_H
#define TOOLSTACK_LIFECYCLE_H

#include "error.h"
#include "port.h"

/* How long a guest may take to say that it has seen a request. */
#define LIFECYCLE_ACK_NS 20000000000ull

/*
 * Put a request into control/shutdown: "poweroff" or "reboot". lifecycle_wait_ack() waits until the guest has
 * taken it, or until port_now() is `deadline`: then the request is withdrawn, and the line says what to do.
 * [the second waits]
 */
int lifecycle_request(domid_t domid, const char *request, struct tn_error *err);
int lifecycle_wait_ack(domid_t domid, const char *request, uint64_t deadline, struct tn_error *err);

/* Has the domain shut down, or is it gone? */
bool lifecycle_ended(domid_t domid);

/* A key of Linux's SysRq. */
int lifecycle_sysrq(domid_t domid, char key, struct tn_error *err);

/* How much memory the guest shall use, within its maximum; and that maximum. */
int lifecycle_set_memory(domid_t domid, uint64_t kib, struct tn_error *err);
int lifecycle_set_maxmem(domid_t domid, uint64_t kib, struct tn_error *err);

/* How many of its vCPUs the guest shall use, of those that maxvcpus= gave it. */
int lifecycle_set_vcpus(domid_t domid, unsigned count, struct tn_error *err);

#endif
