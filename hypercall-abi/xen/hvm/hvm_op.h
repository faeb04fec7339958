/* SPDX-License-Identifier: MIT */
/*
 * hvm_op(unsigned int cmd, void *arg), as far as guests that can be both PV and hardware-virtualized name it:
 * Tenon has PV domains only and answers -ENOSYS. What only device models and monitors call is left out.
 */
#ifndef __XEN_PUBLIC_HVM_HVM_OP_H__
#define __XEN_PUBLIC_HVM_HVM_OP_H__

#include "../xen.h"
#include "../trace.h"
#include "../event_channel.h"

/* Sets and gets a parameter of params.h. */
#define HVMOP_set_param 0
#define HVMOP_get_param 1
struct xen_hvm_param {
    domid_t domid;
    uint16_t pad;
    uint32_t index; /* HVM_PARAM_* */
    uint64_t value; /* in or out */
};
typedef struct xen_hvm_param xen_hvm_param_t;
DEFINE_XEN_GUEST_HANDLE(xen_hvm_param_t);

/* Flushes all vCPUs' translations. No argument. */
#define HVMOP_flush_tlbs 5

/* Hint that the page table at gpa is about to be freed. */
#define HVMOP_pagetable_dying 9
struct xen_hvm_pagetable_dying {
    domid_t domid;
    uint16_t pad[3];
    uint64_t gpa;
};
typedef struct xen_hvm_pagetable_dying xen_hvm_pagetable_dying_t;
DEFINE_XEN_GUEST_HANDLE(xen_hvm_pagetable_dying_t);

/* System time in ns. */
#define HVMOP_get_time 10
struct xen_hvm_get_time {
    uint64_t now; /* out */
};
typedef struct xen_hvm_get_time xen_hvm_get_time_t;
DEFINE_XEN_GUEST_HANDLE(xen_hvm_get_time_t);

/* Writes a trace record of the class TRC_GUEST. */
#define HVMOP_xentrace 11
struct xen_hvm_xentrace {
    uint16_t event, extra_bytes;
    uint8_t extra[TRACE_EXTRA_MAX * sizeof(uint32_t)];
};
typedef struct xen_hvm_xentrace xen_hvm_xentrace_t;
DEFINE_XEN_GUEST_HANDLE(xen_hvm_xentrace_t);

/* Vector by which a vCPU gets its event upcalls. */
#define HVMOP_set_evtchn_upcall_vector 23
struct xen_hvm_evtchn_upcall_vector {
    uint32_t vcpu;
    uint8_t vector;
};
typedef struct xen_hvm_evtchn_upcall_vector xen_hvm_evtchn_upcall_vector_t;
DEFINE_XEN_GUEST_HANDLE(xen_hvm_evtchn_upcall_vector_t);

/* Tells a monitor, if one listens, that the guest asks for it. No argument. */
#define HVMOP_guest_request_vm_event 24

#endif /* __XEN_PUBLIC_HVM_HVM_OP_H__ */
