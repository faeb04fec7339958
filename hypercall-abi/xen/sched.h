/* SPDX-License-Identifier: MIT */
/*
 * sched_op(unsigned int cmd, void *arg): what a vCPU says to the scheduler, and how a domain ends. Errors
 * beside those named: -EFAULT, -ENOSYS (other cmd).
 */
#ifndef __XEN_PUBLIC_SCHED_H__
#define __XEN_PUBLIC_SCHED_H__

#include "event_channel.h"

/* Gives up the CPU, stays runnable. No argument. Returns 0. */
#define SCHEDOP_yield 0

/*
 * Unmasks event upcalls and sleeps until one is pending; returns at once if one is. No argument. Returns
 * 0.
 */
#define SCHEDOP_block 1

/*
 * Ends the whole domain with a reason (struct sched_shutdown): all vCPUs stop and control tools are told
 * by VIRQ_DOM_EXC. Does not return, but for SHUTDOWN_suspend, which returns 0 in a resumed domain and 1
 * in one whose suspend was cancelled. For suspend the caller's %rdx holds the machine frame of its
 * start_info.
 */
#define SCHEDOP_shutdown 2

/*
 * Sleeps until a port of the list is pending, masked or not, or the timeout has come (struct sched_poll).
 * Returns 0 in both cases, at once if a port is pending already; -EINVAL (bad port, more than 128 ports),
 * -EFAULT. Event upcalls should be masked.
 */
#define SCHEDOP_poll 3

/*
 * Ends another domain as SCHEDOP_shutdown would (struct sched_remote_shutdown). -EPERM without control
 * over it, -ESRCH.
 */
#define SCHEDOP_remote_shutdown 4

/* Records the reason for the next shutdown, without shutting down (struct sched_shutdown). */
#define SCHEDOP_shutdown_code 5

/*
 * A timer that shuts the domain down with SHUTDOWN_watchdog unless it is fed (struct sched_watchdog). id
 * 0 starts one and returns its id (1 or 2), -ENOSPC when both run; id n restarts it, with timeout 0 stops
 * it; -EEXIST if it does not run, -EINVAL for another id.
 */
#define SCHEDOP_watchdog 6

/*
 * Binds the calling vCPU to a physical CPU until it is undone with a negative number (struct
 * sched_pin_override); for the hardware domain (-EPERM). -EINVAL (no such CPU), -EBUSY (already
 * overridden or pinned otherwise).
 */
#define SCHEDOP_pin_override 7

struct sched_shutdown {
    unsigned int reason; /* SHUTDOWN_* */
};
typedef struct sched_shutdown sched_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_shutdown_t);

struct sched_poll {
    XEN_GUEST_HANDLE(evtchn_port_t) ports;
    unsigned int nr_ports;
    uint64_t timeout; /* absolute system time in ns; 0 none */
};
typedef struct sched_poll sched_poll_t;
DEFINE_XEN_GUEST_HANDLE(sched_poll_t);

struct sched_remote_shutdown {
    domid_t domain_id;
    unsigned int reason; /* SHUTDOWN_* */
};
typedef struct sched_remote_shutdown sched_remote_shutdown_t;
DEFINE_XEN_GUEST_HANDLE(sched_remote_shutdown_t);

struct sched_watchdog {
    uint32_t id;      /* 0: a new one */
    uint32_t timeout; /* seconds; 0 with an id: stop */
};
typedef struct sched_watchdog sched_watchdog_t;
DEFINE_XEN_GUEST_HANDLE(sched_watchdog_t);

struct sched_pin_override {
    int32_t pcpu; /* negative: undo */
};
typedef struct sched_pin_override sched_pin_override_t;
DEFINE_XEN_GUEST_HANDLE(sched_pin_override_t);

/*
 * Why a domain ended. Control tools act on it by on_poweroff, on_reboot, on_crash and on_watchdog. For
 * Domain-0 poweroff and reboot are done to the machine.
 */
#define SHUTDOWN_poweroff 0 /* finished */
#define SHUTDOWN_reboot   1 /* wants to be started anew */
#define SHUTDOWN_suspend  2 /* state is to be saved, or the domain resumed */
#define SHUTDOWN_crash    3 /* failed; also set by the hypervisor for a guest's fatal error */
#define SHUTDOWN_watchdog 4 /* a watchdog expired */

#define SHUTDOWN_soft_reset 5 /* control tools rebuild it in place, memory kept */
#define SHUTDOWN_MAX        5 /* highest reason */

#endif /* __XEN_PUBLIC_SCHED_H__ */
