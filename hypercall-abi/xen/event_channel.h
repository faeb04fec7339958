/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op(unsigned int cmd, void *arg): event channels, the interrupts of a PV domain. A port is
 * a number in one domain; binding says what raises it. A raised port sets its pending bit (see struct
 * shared_info) and calls the vCPU that it notifies.
 *
 * Common errors: -EINVAL (no such port, wrong state or wrong kind of port), -ENOSPC (all ports in use),
 * -ESRCH (no such domain), -ENOENT (no such vCPU), -EPERM (the domain may not), -EFAULT, -ENOSYS (other
 * cmd).
 */
#ifndef __XEN_PUBLIC_EVENT_CHANNEL_H__
#define __XEN_PUBLIC_EVENT_CHANNEL_H__

#include "xen.h"

/* Sub-operations; their arguments follow. */
#define EVTCHNOP_bind_interdomain 0
#define EVTCHNOP_bind_virq        1
#define EVTCHNOP_bind_pirq        2
#define EVTCHNOP_close            3
#define EVTCHNOP_send             4
#define EVTCHNOP_status           5
#define EVTCHNOP_alloc_unbound    6
#define EVTCHNOP_bind_ipi         7
#define EVTCHNOP_bind_vcpu        8
#define EVTCHNOP_unmask           9
#define EVTCHNOP_reset            10
#define EVTCHNOP_init_control     11
#define EVTCHNOP_expand_array     12
#define EVTCHNOP_set_priority     13

typedef uint32_t evtchn_port_t;
DEFINE_XEN_GUEST_HANDLE(evtchn_port_t);

/*
 * EVTCHNOP_alloc_unbound: a new port in domain dom that only remote_dom may bind to. dom other than
 * DOMID_SELF needs control over it (-EPERM).
 */
struct evtchn_alloc_unbound {
    domid_t dom, remote_dom; /* in: DOMID_SELF allowed in both */
    evtchn_port_t port;      /* out */
};
typedef struct evtchn_alloc_unbound evtchn_alloc_unbound_t;

/*
 * EVTCHNOP_bind_interdomain: a new local port connected to an unbound port of remote_dom that was
 * allocated for the caller; -EINVAL otherwise. Sending on either raises the other. The new local port is
 * raised once, since the other end may have sent before.
 */
struct evtchn_bind_interdomain {
    domid_t remote_dom;
    evtchn_port_t remote_port; /* in */
    evtchn_port_t local_port;  /* out; notifies vCPU 0 */
};
typedef struct evtchn_bind_interdomain evtchn_bind_interdomain_t;

/*
 * EVTCHNOP_bind_virq: a new port for a VIRQ. Per-vCPU VIRQs stay on the vCPU named; the others start on vCPU
 * 0 (-EINVAL for another). -EEXIST if that VIRQ is bound already. One that is not the domain's to receive can
 * be bound, but never comes.
 */
struct evtchn_bind_virq {
    uint32_t virq;
    uint32_t vcpu;      /* in */
    evtchn_port_t port; /* out */
};
typedef struct evtchn_bind_virq evtchn_bind_virq_t;

/*
 * EVTCHNOP_bind_pirq: a new port for a physical interrupt that the domain was given. The domain ends each
 * interrupt with PHYSDEVOP_eoi when PHYSDEVOP_irq_status_query says so. -EEXIST if bound already.
 */
#define BIND_PIRQ__WILL_SHARE 1 /* several domains may bind it */
struct evtchn_bind_pirq {
    uint32_t pirq;
    uint32_t flags;     /* in: BIND_PIRQ__WILL_SHARE */
    evtchn_port_t port; /* out */
};
typedef struct evtchn_bind_pirq evtchn_bind_pirq_t;

/* EVTCHNOP_bind_ipi: a new port that the domain raises itself, with EVTCHNOP_send, on the vCPU named. */
struct evtchn_bind_ipi {
    uint32_t vcpu;      /* in */
    evtchn_port_t port; /* out */
};
typedef struct evtchn_bind_ipi evtchn_bind_ipi_t;

/*
 * EVTCHNOP_close: frees the port; its other end, if any, becomes unbound, waiting for the caller's domain
 * again.
 */
struct evtchn_close {
    evtchn_port_t port;
};
typedef struct evtchn_close evtchn_close_t;

/*
 * EVTCHNOP_send: raises the remote end of an interdomain port, or an IPI port itself. An unbound port
 * takes the event silently; other kinds are -EINVAL.
 */
struct evtchn_send {
    evtchn_port_t port;
};
typedef struct evtchn_send evtchn_send_t;

/* EVTCHNOP_status: what a port is. dom other than DOMID_SELF needs control over it. */
#define EVTCHNSTAT_closed      0 /* not in use */
#define EVTCHNSTAT_unbound     1 /* waits for its remote domain */
#define EVTCHNSTAT_interdomain 2 /* connected to a port of another domain (or of the same) */
#define EVTCHNSTAT_pirq        3 /* physical interrupt */
#define EVTCHNSTAT_virq        4 /* virtual interrupt */
#define EVTCHNSTAT_ipi         5 /* between vCPUs of the domain */
struct evtchn_status {
    domid_t dom;
    evtchn_port_t port;         /* in: domain and port asked for */
    uint32_t status;            /* out: EVTCHNSTAT_* */
    uint32_t vcpu;              /* out: vCPU that is notified */
    union {
        struct {
            domid_t dom;
        } unbound;
        struct {
            domid_t dom;
            evtchn_port_t port; /* in: domain and port asked for */
        } interdomain;
        uint32_t pirq;
        uint32_t virq;
    } u;
};
typedef struct evtchn_status evtchn_status_t;

/*
 * EVTCHNOP_bind_vcpu: moves the notification of an interdomain, unbound, PIRQ or global VIRQ port to
 * another vCPU. IPI and per-vCPU VIRQ ports do not move (-EINVAL).
 */
struct evtchn_bind_vcpu {
    evtchn_port_t port;
    uint32_t vcpu;
};
typedef struct evtchn_bind_vcpu evtchn_bind_vcpu_t;

/* EVTCHNOP_unmask: clears the port's mask bit and, if it is pending, notifies its vCPU. */
struct evtchn_unmask {
    evtchn_port_t port;
};
typedef struct evtchn_unmask evtchn_unmask_t;

/*
 * EVTCHNOP_reset: closes all ports of the domain and returns it to the two-level form; needs control over
 * another domain. May be interrupted and continues by itself.
 */
struct evtchn_reset {
    domid_t dom;
};
typedef struct evtchn_reset evtchn_reset_t;

/*
 * FIFO events. EVTCHNOP_init_control: gives the hypervisor a page for the control block of one vCPU; the
 * first such call switches the domain from two-level to FIFO events. offset is a multiple of 8 and the block
 * stays within its page, which is the caller's and no page table; -EINVAL otherwise, and for a vCPU that has
 * a block. What is pending then comes with the port's word. Events of a vCPU without a block are lost.
 */
struct evtchn_init_control {
    uint64_t control_gfn; /* in: frame that holds the block */
    uint32_t offset;      /* in: where in the frame, bytes */
    uint32_t vcpu;
    uint8_t link_bits;    /* out: width of a link, EVTCHN_FIFO_LINK_BITS */
    uint8_t _pad[7];
};
typedef struct evtchn_init_control evtchn_init_control_t;

/*
 * EVTCHNOP_expand_array: adds one page of event words, for the next 1024 ports. -ENOSPC beyond
 * EVTCHN_FIFO_NR_CHANNELS; -EOPNOTSUPP with two-level events; -EINVAL as above.
 */
struct evtchn_expand_array {
    uint64_t array_gfn;
};
typedef struct evtchn_expand_array evtchn_expand_array_t;

/*
 * EVTCHNOP_set_priority: the queue that a port's events go to, 0 (first served) to 15; -ENOSYS with
 * two-level events.
 */
struct evtchn_set_priority {
    evtchn_port_t port;
    uint32_t priority;
};
typedef struct evtchn_set_priority evtchn_set_priority_t;

/* Argument of the older call number 16, which carries cmd inside. */
struct evtchn_op {
    uint32_t cmd;
    union {
        evtchn_alloc_unbound_t alloc_unbound;
        evtchn_bind_interdomain_t bind_interdomain;
        evtchn_bind_virq_t bind_virq;
        evtchn_bind_pirq_t bind_pirq;
        evtchn_bind_ipi_t bind_ipi;
        evtchn_close_t close;
        evtchn_send_t send;
        evtchn_status_t status;
        evtchn_bind_vcpu_t bind_vcpu;
        evtchn_unmask_t unmask;
    } u;
};
typedef struct evtchn_op evtchn_op_t;
DEFINE_XEN_GUEST_HANDLE(evtchn_op_t);

/* Ports of a domain with two-level events: 4096, port 0 never valid. */
#define EVTCHN_2L_NR_CHANNELS (sizeof(xen_ulong_t) * sizeof(xen_ulong_t) * 64)

/* FIFO events: one queue a priority and vCPU. */
#define EVTCHN_FIFO_PRIORITY_MAX     0
#define EVTCHN_FIFO_PRIORITY_DEFAULT 7
#define EVTCHN_FIFO_PRIORITY_MIN     15

#define EVTCHN_FIFO_MAX_QUEUES (EVTCHN_FIFO_PRIORITY_MIN + 1)

/* A FIFO port's word: three flags, and the port that follows in the queue (0: last). */
typedef uint32_t event_word_t;

#define EVTCHN_FIFO_PENDING 31 /* bit: the event happened; cleared by the guest */
#define EVTCHN_FIFO_MASKED  30 /* bit: no notification; set and cleared by the guest */
#define EVTCHN_FIFO_LINKED  29 /* bit: the word is in a queue; cleared by the guest as it takes it out */
#define EVTCHN_FIFO_BUSY    28 /* bit: a link is being changed: do not unmask, call EVTCHNOP_unmask instead */

/* Width and mask of the link, and ports of a domain with FIFO events. */
#define EVTCHN_FIFO_LINK_BITS 17
#define EVTCHN_FIFO_LINK_MASK ((1 << EVTCHN_FIFO_LINK_BITS) - 1)

#define EVTCHN_FIFO_NR_CHANNELS (1 << EVTCHN_FIFO_LINK_BITS)

/* A vCPU's control block. Bit n of ready: queue n has events, the first of them head[n]. */
struct evtchn_fifo_control_block {
    uint32_t ready;
    uint32_t _rsvd;
    uint32_t head[EVTCHN_FIFO_MAX_QUEUES];
};
typedef struct evtchn_fifo_control_block evtchn_fifo_control_block_t;

#endif /* __XEN_PUBLIC_EVENT_CHANNEL_H__ */
