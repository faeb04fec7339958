/* SPDX-License-Identifier: MIT */
/*
 * Event channels by the 2-level bit maps of the shared page: the upcall that
 * walks them, and the table of handlers, which grows by the page.
 */
#include <errno.h>

#include <minios/event.h>
#include <minios/hypercall.h>
#include <minios/kernel.h>
#include <minios/mm.h>

#include "internal.h"

#define BITS_PER_WORD 64
#define WORDS (EVENT_MAX_PORTS / BITS_PER_WORD)

struct handler {
    event_handler_fn *fn;
    void *data;
};

#define HANDLERS_PER_PAGE (PAGE_SIZE / sizeof(struct handler))

static struct handler *handlers[EVENT_MAX_PORTS / HANDLERS_PER_PAGE];

static struct handler *handler_of(evtchn_port_t port)
{
    struct handler *page = port < EVENT_MAX_PORTS ? handlers[port / HANDLERS_PER_PAGE] : NULL;

    return page ? &page[port % HANDLERS_PER_PAGE] : NULL;
}

static void set_bit(unsigned long *words, evtchn_port_t port)
{
    __atomic_fetch_or(&words[port / BITS_PER_WORD], 1UL << port % BITS_PER_WORD, __ATOMIC_SEQ_CST);
}

/* Clears the bit and tells whether it was set. */
static bool clear_bit(unsigned long *words, evtchn_port_t port)
{
    unsigned long bit = 1UL << port % BITS_PER_WORD;

    return __atomic_fetch_and(&words[port / BITS_PER_WORD], ~bit, __ATOMIC_SEQ_CST) & bit;
}

bool upcalls_save(void)
{
    bool saved = READ_ONCE(this_vcpu_info()->evtchn_upcall_mask);

    WRITE_ONCE(this_vcpu_info()->evtchn_upcall_mask, 1);
    barrier();
    return saved;
}

void upcalls_restore(bool saved)
{
    barrier();
    if (saved) {
        return;
    }
    WRITE_ONCE(this_vcpu_info()->evtchn_upcall_mask, 0);
    barrier();
    /* What came while masked is delivered on the way out of any hypercall. */
    if (READ_ONCE(this_vcpu_info()->evtchn_upcall_pending)) {
        HYPERVISOR_xen_version(0, NULL);
    }
}

static void deliver(evtchn_port_t port)
{
    struct handler *h = handler_of(port);

    clear_bit(shared_info->evtchn_pending, port);
    if (h && h->fn) {
        h->fn(port, h->data);
    } else {
        set_bit(shared_info->evtchn_mask, port);
    }
}

/*
 * From entry.S with upcalls masked: one pass over what is pending. What comes meanwhile raises a new upcall.
 */
void event_upcall(struct trap_frame *frame);
void event_upcall(struct trap_frame *frame)
{
    struct vcpu_info *vcpu = this_vcpu_info();
    unsigned long groups;

    (void)frame;
    WRITE_ONCE(vcpu->evtchn_upcall_pending, 0);
    groups = __atomic_exchange_n(&vcpu->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    while (groups) {
        unsigned int word = __builtin_ctzl(groups);
        unsigned long pending;

        groups &= groups - 1;
        if (word >= WORDS) {
            continue;
        }
        pending = READ_ONCE(shared_info->evtchn_pending[word]) & ~READ_ONCE(shared_info->evtchn_mask[word]);
        while (pending) {
            evtchn_port_t port = word * BITS_PER_WORD + __builtin_ctzl(pending);

            pending &= pending - 1;
            deliver(port);
        }
    }
}

void event_mask(evtchn_port_t port)
{
    if (port < EVENT_MAX_PORTS) {
        set_bit(shared_info->evtchn_mask, port);
    }
}

void event_unmask(evtchn_port_t port)
{
    struct evtchn_unmask op = { .port = port };

    if (port >= EVENT_MAX_PORTS) {
        return;
    }
    /* A pending port needs the hypervisor, which alone may raise the upcall. */
    if (READ_ONCE(shared_info->evtchn_pending[port / BITS_PER_WORD]) & (1UL << port % BITS_PER_WORD)) {
        HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &op);
        return;
    }
    clear_bit(shared_info->evtchn_mask, port);
    mb();
    if (READ_ONCE(shared_info->evtchn_pending[port / BITS_PER_WORD]) & (1UL << port % BITS_PER_WORD)) {
        HYPERVISOR_event_channel_op(EVTCHNOP_unmask, &op);
    }
}

bool event_pending(evtchn_port_t port)
{
    return port < EVENT_MAX_PORTS && clear_bit(shared_info->evtchn_pending, port);
}

static int close_port(evtchn_port_t port)
{
    struct evtchn_close op = { .port = port };

    return -xen_errno(HYPERVISOR_event_channel_op(EVTCHNOP_close, &op));
}

int event_attach(evtchn_port_t port, event_handler_fn *handler, void *data)
{
    struct handler **page, *h;
    bool saved;

    if (!port || port >= EVENT_MAX_PORTS) {
        return -EINVAL;
    }
    page = &handlers[port / HANDLERS_PER_PAGE];
    if (!*page && !(*page = alloc_zeroed_page())) {
        return -ENOMEM;
    }
    event_mask(port);
    saved = upcalls_save();
    h = handler_of(port);
    h->fn = handler;
    h->data = data;
    upcalls_restore(saved);
    if (handler) {
        event_unmask(port);
    }
    return 0;
}

/* A fresh port that cannot be attached is closed again. */
static int attach_new(evtchn_port_t port, event_handler_fn *handler, void *data)
{
    int ret = event_attach(port, handler, data);

    if (ret) {
        close_port(port);
        return ret;
    }
    return (int)port;
}

int event_bind_virq(unsigned int virq, event_handler_fn *handler, void *data)
{
    struct evtchn_bind_virq op = { .virq = virq, .vcpu = 0 };
    long ret = HYPERVISOR_event_channel_op(EVTCHNOP_bind_virq, &op);

    return ret ? -xen_errno(ret) : attach_new(op.port, handler, data);
}

int event_bind_interdomain(domid_t remote, evtchn_port_t remote_port, event_handler_fn *handler, void *data)
{
    struct evtchn_bind_interdomain op = { .remote_dom = remote, .remote_port = remote_port };
    long ret = HYPERVISOR_event_channel_op(EVTCHNOP_bind_interdomain, &op);

    return ret ? -xen_errno(ret) : attach_new(op.local_port, handler, data);
}

int event_alloc_unbound(domid_t remote, event_handler_fn *handler, void *data)
{
    struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = remote };
    long ret = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &op);

    return ret ? -xen_errno(ret) : attach_new(op.port, handler, data);
}

int event_close(evtchn_port_t port)
{
    struct handler *h = handler_of(port);
    bool saved;

    event_mask(port);
    saved = upcalls_save();
    if (h) {
        h->fn = NULL;
        h->data = NULL;
    }
    upcalls_restore(saved);
    return close_port(port);
}

int event_send(evtchn_port_t port)
{
    struct evtchn_send op = { .port = port };

    return -xen_errno(HYPERVISOR_event_channel_op(EVTCHNOP_send, &op));
}

void events_init(void)
{
    for (unsigned int i = 0; i < WORDS; i++) {
        WRITE_ONCE(shared_info->evtchn_mask[i], ~0UL);
    }
    upcalls_restore(false);
}
