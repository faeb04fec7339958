/* SPDX-License-Identifier: MIT */
/*
 * Hypercall handlers, continuation and preemption. hypercall-abi/hypercalls.def is the table; pv/hypercall.c
 * expands it. A handler gets its arguments as unsigned longs (or narrower: the dispatcher passes the full
 * registers, and a handler declares what it takes), runs with interrupts enabled in the guest's address
 * space, and returns 0 or more, or a negative XEN_E* code.
 */
#pragma once

#include <xen/errno.h>
#include <xen/xen.h>

#include "lib/lib.h"

/*
 * The interface's error numbers, which the public header calls XEN_EPERM and so on, under their usual names.
 */
enum {
#define XEN_ERRNO(name, value) name = value,
#include <xen/errno.h>
};

/*
 * The handlers: do_NAME for each row of hypercalls.def, its arguments of the types that go with their kinds.
 * (Hidden: code reaches their addresses without a table.)
 */
#define TYPE_none           void
#define TYPE_cmd            unsigned int
#define TYPE_cmd64          u64
#define TYPE_u32            unsigned int
#define TYPE_u64            u64
#define TYPE_dom            unsigned int
#define TYPE_va             unsigned long
#define TYPE_ptr            unsigned long
#define TYPES_0(a)          TYPE_##a
#define TYPES_1(a)          TYPE_##a
#define TYPES_2(a, ...)     TYPE_##a, TYPES_1(__VA_ARGS__)
#define TYPES_3(a, ...)     TYPE_##a, TYPES_2(__VA_ARGS__)
#define TYPES_4(a, ...)     TYPE_##a, TYPES_3(__VA_ARGS__)
#define TYPES_5(a, ...)     TYPE_##a, TYPES_4(__VA_ARGS__)
#define HYPERCALL(nr, name, nargs, kinds, who, state, text) \
    __attribute__((visibility("hidden"))) long do_##name(TYPES_##nargs kinds);
#include "hypercalls.def"

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
