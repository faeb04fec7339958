/* SPDX-License-Identifier: MIT */
/*
 * Event channels: a domain's ports, and what each is bound to. A domain begins with two-level events (bitmaps
 * in its shared_info) and may change to FIFO events (queues in pages of its own).
 */
#pragma once

#include <xen/event_channel.h>

#include "lib/lib.h"

struct domain;
struct vcpu;
struct evtchn;
struct event_mode;
struct event_fifo;

#define EVTCHN_2L_PORTS   4096
#define EVTCHN_PORTS      EVTCHN_FIFO_NR_CHANNELS
#define EVTCHN_PER_BUCKET 64
#define EVTCHN_PER_GROUP  4096
#define NR_PIRQS          1024

struct domain_event {
    struct spinlock lock;           /* LOCK_EVENT */
    const struct event_mode *mode;  /* how events reach the guest */
    struct event_fifo *fifo;        /* NULL: two-level events */
    struct evtchn **groups[EVTCHN_PORTS / EVTCHN_PER_GROUP]; /* of buckets, made when first needed */
    unsigned int valid_ports;       /* ports that have a bucket; read without the lock */
    unsigned int max_port;          /* highest port allowed */
    unsigned int free_hint;         /* no port below it is free */
    unsigned int active;            /* ports not free */
    u32 poll_mask;                  /* vCPUs in SCHEDOP_poll; atomic */
    u32 *pirq_port;                 /* NR_PIRQS ports, by pirq, 0: unbound; NULL until one is bound */
};

struct vcpu_event {
    u32 virq_port[24];              /* NR_VIRQS; 0: unbound */
    struct spinlock virq_lock;
    struct spinlock fifo_lock;      /* LOCK_FIFO: the vCPU's queues */
    int poll_port;                  /* port polled, 0: none, -1: several */
};

int event_init_domain(struct domain *d, unsigned int max_port);
void event_init_vcpu(struct vcpu *v);
int event_destroy_domain(struct domain *d);     /* preemptible: -ERESTART to be called again */
void event_free_domain(struct domain *d);       /* last reference gone */

/*
 * Device interrupts are someone else's: physdev fills this in while booting. Called with the domain's event
 * lock held. bind: 0, or -EINVAL (no such pirq), -EPERM, -EBUSY, … as EVTCHNOP_bind_pirq shall answer; d may
 * not have it bound yet.
 */
struct pirq_hooks {
    int (*bind)(struct domain *d, unsigned int pirq, bool will_share);
    void (*unbind)(struct domain *d, unsigned int pirq);
};
extern struct pirq_hooks pirq_hooks;

/* The port that d bound pirq to, 0: none. */
unsigned int pirq_to_port(struct domain *d, unsigned int pirq);
/* As EVTCHNOP_unmask, for PHYSDEVOP_eoi of a guest that asked for that. */
int evtchn_unmask(struct domain *d, unsigned int port);

/* Per-vCPU VIRQs. Nothing happens where the guest has not bound them. Any context but interrupts. */
void send_guest_vcpu_virq(struct vcpu *v, unsigned int virq);
/*
 * To the hardware or control domain, whichever has bound virq: VIRQ_DOM_EXC, VIRQ_CONSOLE, … Any context but
 * interrupts.
 */
void send_global_virq(unsigned int virq);

/* Device interrupt gsi of the domain that bound it; softirq context. */
void send_guest_pirq(struct domain *d, unsigned int pirq);

/* True if v has a pending event and accepts upcalls. */
bool vcpu_event_deliverable(const struct vcpu *v);

/* For SCHEDOP_poll of the current domain: 1: port is pending; 0: it is not; -EINVAL: there is none. */
int evtchn_poll(unsigned int port);

/* Sends on port of d, as d itself would: 0 or a negative error. */
int evtchn_send(struct domain *d, unsigned int port);

void event_dump_all(void);      /* debug key */
