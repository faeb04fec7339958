/* SPDX-License-Identifier: MIT */
/*
 * Three domains with event channels, for tests of event/: what its files call elsewhere, and each operation
 * as one of the domains makes it.
 */
#include "fake/event.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "event/private.h"
#include "fake/machine.h"
#include "pv/hypercall.h"

struct domain *dom[DOMAINS];
unsigned int unblocked[DOMAINS][VCPUS];
struct domain *hardware_domain;

/* --- what the files under test call elsewhere --- */

void vcpu_unblock(struct vcpu *v)
{
    unblocked[v->domain->id][v->id]++;
    v->sched.blocked = 0;
    v->domain->event.poll_mask &= ~(1u << v->id);
}

void vcpu_kick(struct vcpu *v)
{
    bool was_running = v->sched.running;

    vcpu_unblock(v);
    if (was_running)
        fake_kicks[v->sched.cpu]++;
}

struct domain *domain_get(domid_t id)
{
    struct domain *d = id == DOMID_SELF ? current->domain : id < DOMAINS ? dom[id] : NULL;

    if (d)
        d->refs++;
    return d;
}

bool domain_get_ref(struct domain *d)
{
    d->refs++;
    return true;
}

void domain_put(struct domain *d)
{
    d->refs--;
}

struct vcpu *domain_vcpu(const struct domain *d, unsigned int id)
{
    return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

unsigned int pirq_bound;

static int bind_pirq(struct domain *d, unsigned int pirq, bool share)
{
    (void)d, (void)share;
    if (pirq >= 16)
        return -EINVAL;
    pirq_bound++;
    return 0;
}

static void unbind_pirq(struct domain *d, unsigned int pirq)
{
    (void)d, (void)pirq;
    pirq_bound--;
}

/* How often each of the guests' pages was got and not put. */
static unsigned int page_uses[PAGES];
unsigned int pages_in_use;

struct frame *frame_get_and_type(mfn_t mfn, const struct domain *d, enum frame_type type)
{
    if (mfn.v >= PAGES || type != FRAME_WRITABLE)
        return NULL;
    page_uses[mfn.v]++;
    pages_in_use++;
    return mfn_to_frame(mfn);
}

void frame_put_and_type(struct frame *f)
{
    if (!page_uses[frame_to_mfn(f).v]--)
        abort();
    pages_in_use--;
}

/* --- calls, each by domain d --- */

long call(unsigned int d, int cmd, void *args)
{
    current = dom[d]->vcpu[0];
    return do_event_channel_op(cmd, (unsigned long)args);
}

long alloc(unsigned int d, unsigned int on, unsigned int remote)
{
    struct evtchn_alloc_unbound a = { .dom = (domid_t)on, .remote_dom = (domid_t)remote };
    long err = call(d, EVTCHNOP_alloc_unbound, &a);

    return err ? err : (long)a.port;
}

long bind_inter(unsigned int d, unsigned int remote, unsigned int port)
{
    struct evtchn_bind_interdomain a = { .remote_dom = (domid_t)remote, .remote_port = port };
    long err = call(d, EVTCHNOP_bind_interdomain, &a);

    return err ? err : (long)a.local_port;
}

long bind_virq(unsigned int d, unsigned int virq, unsigned int vcpu)
{
    struct evtchn_bind_virq a = { .virq = virq, .vcpu = vcpu };
    long err = call(d, EVTCHNOP_bind_virq, &a);

    return err ? err : (long)a.port;
}

long bind_ipi(unsigned int d, unsigned int vcpu)
{
    struct evtchn_bind_ipi a = { .vcpu = vcpu };
    long err = call(d, EVTCHNOP_bind_ipi, &a);

    return err ? err : (long)a.port;
}

long pirq(unsigned int d, unsigned int nr)
{
    struct evtchn_bind_pirq a = { .pirq = nr };
    long err = call(d, EVTCHNOP_bind_pirq, &a);

    return err ? err : (long)a.port;
}

long port_op(unsigned int d, int cmd, long port)
{
    u32 arg = (u32)port;

    return call(d, cmd, &arg);
}

long to_vcpu(unsigned int d, long port, unsigned int vcpu)
{
    struct evtchn_bind_vcpu a = { .port = (u32)port, .vcpu = vcpu };

    return call(d, EVTCHNOP_bind_vcpu, &a);
}

long reset(unsigned int d, unsigned int which)
{
    struct evtchn_reset a = { .dom = (domid_t)which };

    return call(d, EVTCHNOP_reset, &a);
}

struct evtchn_status status(unsigned int d, unsigned int of, long port, long *err)
{
    struct evtchn_status s = { .dom = (domid_t)of, .port = (u32)port };

    *err = call(d, EVTCHNOP_status, &s);
    return s;
}

unsigned int state(unsigned int d, long port)
{
    long err;

    return status(d, DOMID_SELF, port, &err).status;
}

bool pending(unsigned int d, long port)
{
    return test_bit((unsigned long)port, dom[d]->shared_info->evtchn_pending);
}

void clear_pending(unsigned int d)
{
    memset(dom[d]->shared_info->evtchn_pending, 0, sizeof(dom[d]->shared_info->evtchn_pending));
    for (unsigned int i = 0; i < VCPUS; i++) {
        dom[d]->vcpu[i]->info->evtchn_pending_sel = 0;
        dom[d]->vcpu[i]->info->evtchn_upcall_pending = 0;
        unblocked[d][i] = 0;
    }
}

void setup(unsigned int max_port)
{
    fake_machine(2);
    for (unsigned int i = 0; i < DOMAINS; i++) {
        dom[i] = fake_domain((domid_t)i, VCPUS);
        for (unsigned int v = 0; v < VCPUS; v++)
            event_init_vcpu(dom[i]->vcpu[v]);
        event_init_domain(dom[i], max_port);
        clear_pending(i);
    }
    dom[0]->privileged = dom[0]->hardware = true;
    hardware_domain = dom[0];
    pirq_hooks = (struct pirq_hooks){ bind_pirq, unbind_pirq };
}

bool teardown(void)
{
    bool clean = true;

    for (unsigned int i = 0; i < DOMAINS; i++) {
        dom[i]->state = DOMAIN_DYING;
        clean &= event_destroy_domain(dom[i]) == 0 && dom[i]->event.active == 0;
    }
    for (unsigned int i = 0; i < DOMAINS; i++) {
        clean &= dom[i]->refs == 1;
        event_free_domain(dom[i]);
        fake_free_domain(dom[i]);
    }
    return clean && !fake_locks_held;
}

bool event_pages(void)
{
    return mmap((void *)DIRECT_MAP_START, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}
