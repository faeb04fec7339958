/* SPDX-License-Identifier: MIT */
/*
 * Hypercall handlers, continuation and preemption. hypercall-abi/hypercalls.def is the table; pv/hypercall.c
 * expands it. A handler gets its arguments as unsigned longs (or narrower: the dispatcher passes the full
 * registers, and a handler declares what it takes), runs with interrupts enabled in the guest's address
 * space, and returns 0 or more, or a negative XEN_E* code.
 */
#ifndef PV_HYPERCALL_H
#define PV_HYPERCALL_H

#include <xen/errno.h>
#include <xen/xen.h>

#include "lib/types.h"

/* The public header has XEN_EPERM and so on; inside we use the usual names. */
#define EPERM 1
#define ENOENT 2
#define ESRCH 3
#define EINTR 4
#define ENXIO 6
#define E2BIG 7
#define EAGAIN 11
#define ENOMEM 12
#define EACCES 13
#define EFAULT 14
#define EBUSY 16
#define EEXIST 17
#define ENODEV 19
#define EINVAL 22
#define ENOSPC 28
#define ENOSYS 38
#define EOVERFLOW 75
#define ERESTART 85
#define EOPNOTSUPP 95

/* One more than the highest number that the table of pointers has room for. */
#define NR_HYPERCALLS 64

/*
 * A handler that has more to do returns hypercall_restart() with the arguments for its next run: the guest's
 * RIP stays at the SYSCALL, and the call is made again as soon as softirqs and events are dealt with.
 * Arguments 0 to n - 1 are replaced; the others stay. Works in a multicall as well.
 */
long hypercall_restart(unsigned int n, const unsigned long *args);
/*
 * In error_code of guest_regs() from hypercall_restart() on, until entry.S has seen it: no exception leaves
 * such a one.
 */
#define HYPERCALL_RESTARTS 0x52535452
#define HYPERCALL_RESTART(...)                                                              \
    ({                                                                                      \
        const unsigned long _args[] = { __VA_ARGS__ };                                      \
        hypercall_restart(sizeof(_args) / sizeof(_args[0]), _args);                         \
    })

/* True where a long operation should stop here: softirqs wait, or an event for the current vCPU. */
bool hypercall_preempt_check(void);

#endif
