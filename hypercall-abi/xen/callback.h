/* SPDX-License-Identifier: MIT */
/*
 * callback_op(unsigned int cmd, const void *arg): entry points of the guest kernel, kept for each vCPU.
 * Errors: -EINVAL (address not canonical), -ENOSYS (other cmd or type), -EFAULT.
 *
 * set_callbacks(unsigned long event, unsigned long failsafe, unsigned long syscall): sets the three at once,
 * and makes failsafe and syscall leave event upcalls unmasked. Returns 0.
 */
#ifndef __XEN_PUBLIC_CALLBACK_H__
#define __XEN_PUBLIC_CALLBACK_H__

#include "xen.h"

/* Upcall for events, entered with upcalls masked. */
#define CALLBACKTYPE_event 0

/* Entered when a return to the guest faults on its selectors; the frame holds them. */
#define CALLBACKTYPE_failsafe 1

/* SYSCALL from 64-bit user mode. */
#define CALLBACKTYPE_syscall 2

/* Old number of sysenter. */
#define CALLBACKTYPE_sysenter_deprecated 3

/* NMI, as nmi_op registers it; vCPU 0 of Domain-0, or as VCPUOP_send_nmi sends. */
#define CALLBACKTYPE_nmi 4

/* SYSENTER from 32-bit user mode. */
#define CALLBACKTYPE_sysenter 5

/* SYSCALL from 32-bit user mode. */
#define CALLBACKTYPE_syscall32 7

/* Event upcalls are masked on entry; for event and NMI always so. */
#define _CALLBACKF_mask_events 0
#define CALLBACKF_mask_events  (1U << _CALLBACKF_mask_events)

/* Sets an entry point. */
#define CALLBACKOP_register 0
struct callback_register {
    uint16_t type;  /* CALLBACKTYPE_* */
    uint16_t flags; /* CALLBACKF_mask_events */
    xen_callback_t address;
};
typedef struct callback_register callback_register_t;
DEFINE_XEN_GUEST_HANDLE(callback_register_t);

/* Clears one. Event, failsafe and syscall cannot be cleared: -EINVAL. */
#define CALLBACKOP_unregister 1
struct callback_unregister {
    uint16_t type;
    uint16_t _unused;
};
typedef struct callback_unregister callback_unregister_t;
DEFINE_XEN_GUEST_HANDLE(callback_unregister_t);

#if __XEN_INTERFACE_VERSION__ < 0x00030207
#undef CALLBACKTYPE_sysenter

/* SYSENTER from 32-bit user mode. */
#define CALLBACKTYPE_sysenter CALLBACKTYPE_sysenter_deprecated
#endif

#endif /* __XEN_PUBLIC_CALLBACK_H__ */
