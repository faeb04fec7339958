/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op(unsigned int cmd, unsigned int vcpu, void *arg): vCPUs of the calling domain. Timer and area
 * calls are for the calling vCPU where said (else -EINVAL). Common errors: -ENOENT (no such vCPU, or not
 * initialised), -EFAULT, -EINVAL, -ENOSYS (other cmd).
 */
#ifndef __XEN_PUBLIC_VCPU_H__
#define __XEN_PUBLIC_VCPU_H__

#include "xen.h"

/*
 * Gives a vCPU that was never started its whole context (struct vcpu_guest_context); it stays down.
 * -EEXIST if it has one already, -EINVAL for a context that is refused.
 */
#define VCPUOP_initialise 0

/*
 * Starts an initialised vCPU. No argument. Returns 0, also if it runs already; -EINVAL if it is not
 * initialised.
 */
#define VCPUOP_up 1

/*
 * Stops a vCPU; a running one is stopped when it next enters the hypervisor. No argument. The last
 * running vCPU ends the domain with SHUTDOWN_poweroff.
 */
#define VCPUOP_down 2

/* Returns 1 if the vCPU is up, 0 if down. No argument. */
#define VCPUOP_is_up 3

/* Copies the times that the vCPU spent in each state. */
#define VCPUOP_get_runstate_info 4
/* in state_entry_time: the area is being written; see VMASST_TYPE_runstate_update_flag */
#define XEN_RUNSTATE_UPDATE      (xen_mk_ullong(1) << 63)
struct vcpu_runstate_info {
    int state;                 /* RUNSTATE_* */
    uint64_t state_entry_time; /* system time in ns at which it began */
    uint64_t time[4];          /* ns in each state, indexed by RUNSTATE_* */
};
typedef struct vcpu_runstate_info vcpu_runstate_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_runstate_info_t);

/* On a physical CPU. */
#define RUNSTATE_running 0

/* Ready, waits for a physical CPU. */
#define RUNSTATE_runnable 1

/* Sleeps until an event. */
#define RUNSTATE_blocked 2

/* Down or paused. */
#define RUNSTATE_offline 3

/*
 * Names a virtual address of the vCPU's address space where the hypervisor keeps a current copy of the
 * above. Filled at once and at each switch to the vCPU, if it is mapped then.
 */
#define VCPUOP_register_runstate_memory_area 5
struct vcpu_register_runstate_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_runstate_info_t) h;
        struct vcpu_runstate_info *v;
        uint64_t p; /* as a number */
    } addr;
};
typedef struct vcpu_register_runstate_memory_area vcpu_register_runstate_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_runstate_memory_area_t);

/*
 * VIRQ_TIMER every period_ns, 1 ms at least (else -EINVAL), to the vCPU named; and its end. Not started
 * by default.
 */
#define VCPUOP_set_periodic_timer  6
#define VCPUOP_stop_periodic_timer 7
struct vcpu_set_periodic_timer {
    uint64_t period_ns;
};
typedef struct vcpu_set_periodic_timer vcpu_set_periodic_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_periodic_timer_t);

/*
 * VIRQ_TIMER once, for the calling vCPU; replaces the time set before; and its end. The hypercall
 * set_timer_op(uint64_t timeout) arms the same timer, at an absolute system time in ns; 0 disarms it.
 */
#define VCPUOP_set_singleshot_timer  8
#define VCPUOP_stop_singleshot_timer 9
struct vcpu_set_singleshot_timer {
    uint64_t timeout_abs_ns; /* system time */
    uint32_t flags;          /* VCPU_SSHOTTMR_future */
};
typedef struct vcpu_set_singleshot_timer vcpu_set_singleshot_timer_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_set_singleshot_timer_t);

/* -ETIME for a time that is past already (Xen 4.17 answers 0 and fires at once, and so does Tenon). */
#define _VCPU_SSHOTTMR_future (0)
#define VCPU_SSHOTTMR_future  (1U << _VCPU_SSHOTTMR_future)

/*
 * Moves the vCPU's struct vcpu_info out of the shared page to a place within one frame of the domain,
 * contents kept. Once a vCPU (else -EINVAL), and only for one that is down or the caller itself. All its
 * ports are looked at again.
 */
#define VCPUOP_register_vcpu_info 10
struct vcpu_register_vcpu_info {
    uint64_t mfn;    /* machine frame */
    uint32_t offset; /* bytes; a multiple of 8, the structure within the page */
    uint32_t rsvd;   /* unused */
};
typedef struct vcpu_register_vcpu_info vcpu_register_vcpu_info_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_vcpu_info_t);

/* Sends the vCPU an NMI, for which the domain has a callback registered. No argument. */
#define VCPUOP_send_nmi 11

/* Which physical CPU the vCPU is pinned to; for a domain whose vCPUs are pinned (else -EINVAL). */
#define VCPUOP_get_physid 12
struct vcpu_get_physid {
    uint64_t phys_id; /* APIC id below, ACPI id in the upper half */
};
typedef struct vcpu_get_physid vcpu_get_physid_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_get_physid_t);
#define xen_vcpu_physid_to_x86_apicid(physid) ((uint32_t)(physid))
#define xen_vcpu_physid_to_x86_acpiid(physid) ((uint32_t)((physid) >> 32))

/*
 * A virtual address where the hypervisor keeps a copy of the vCPU's struct vcpu_time_info, readable by
 * user mode too.
 */
#define VCPUOP_register_vcpu_time_memory_area 13
DEFINE_XEN_GUEST_HANDLE(vcpu_time_info_t);
struct vcpu_register_time_memory_area {
    union {
        XEN_GUEST_HANDLE(vcpu_time_info_t) h;
        struct vcpu_time_info *v;
        uint64_t p; /* as a number */
    } addr;
};
typedef struct vcpu_register_time_memory_area vcpu_register_time_memory_area_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_register_time_memory_area_t);

#endif /* __XEN_PUBLIC_VCPU_H__ */
