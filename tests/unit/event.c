/* SPDX-License-Identifier: MIT */
/*
 * Event channels, from the hypervisor's own files: each operation with its errors, delivery and masking,
 * limits, the closing of peers, reset and the end of a domain; FIFO events; then random operations of three
 * domains against a plain model.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "event/private.h"
#include "fake/machine.h"
#include "mm/frame.h"
#include "pv/hypercall.h"
#include "tap.h"

#define DOMAINS 3
#define VCPUS   2

static struct domain *dom[DOMAINS];
static unsigned int unblocked[DOMAINS][VCPUS];
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

static unsigned int pirq_bound;

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

/* The guests' pages, in the direct map, and how often each was got and not put. */
#define PAGES 200
static unsigned int page_uses[PAGES], pages_in_use;

bool frame_get_and_type(mfn_t mfn, struct domain *d, enum frame_type type)
{
    if (mfn.v >= PAGES || type != FRAME_WRITABLE)
        return false;
    page_uses[mfn.v]++;
    pages_in_use++;
    return true;
}

void frame_put_and_type(struct frame *f)
{
    if (!page_uses[frame_to_mfn(f).v]--)
        abort();
    pages_in_use--;
}

/* --- calls, each by domain d --- */

static long call(unsigned int d, int cmd, void *args)
{
    current = dom[d]->vcpu[0];
    return do_event_channel_op(cmd, (unsigned long)args);
}

static long alloc(unsigned int d, unsigned int on, unsigned int remote)
{
    struct evtchn_alloc_unbound a = { .dom = (domid_t)on, .remote_dom = (domid_t)remote };
    long err = call(d, EVTCHNOP_alloc_unbound, &a);

    return err ? err : (long)a.port;
}

static long bind(unsigned int d, unsigned int remote, unsigned int port)
{
    struct evtchn_bind_interdomain a = { .remote_dom = (domid_t)remote, .remote_port = port };
    long err = call(d, EVTCHNOP_bind_interdomain, &a);

    return err ? err : (long)a.local_port;
}

static long bind_virq(unsigned int d, unsigned int virq, unsigned int vcpu)
{
    struct evtchn_bind_virq a = { .virq = virq, .vcpu = vcpu };
    long err = call(d, EVTCHNOP_bind_virq, &a);

    return err ? err : (long)a.port;
}

static long bind_ipi(unsigned int d, unsigned int vcpu)
{
    struct evtchn_bind_ipi a = { .vcpu = vcpu };
    long err = call(d, EVTCHNOP_bind_ipi, &a);

    return err ? err : (long)a.port;
}

static long pirq(unsigned int d, unsigned int nr)
{
    struct evtchn_bind_pirq a = { .pirq = nr };
    long err = call(d, EVTCHNOP_bind_pirq, &a);

    return err ? err : (long)a.port;
}

static long port_op(unsigned int d, int cmd, long port)
{
    u32 arg = (u32)port;

    return call(d, cmd, &arg);
}

#define send(d, port)     port_op(d, EVTCHNOP_send, port)
#define unmask(d, port)   port_op(d, EVTCHNOP_unmask, port)
#define close_it(d, port) port_op(d, EVTCHNOP_close, port)

static long to_vcpu(unsigned int d, long port, unsigned int vcpu)
{
    struct evtchn_bind_vcpu a = { .port = (u32)port, .vcpu = vcpu };

    return call(d, EVTCHNOP_bind_vcpu, &a);
}

static long reset(unsigned int d, unsigned int which)
{
    struct evtchn_reset a = { .dom = (domid_t)which };

    return call(d, EVTCHNOP_reset, &a);
}

static struct evtchn_status status(unsigned int d, unsigned int of, long port, long *err)
{
    struct evtchn_status s = { .dom = (domid_t)of, .port = (u32)port };

    *err = call(d, EVTCHNOP_status, &s);
    return s;
}

static unsigned int state(unsigned int d, long port)
{
    long err;

    return status(d, DOMID_SELF, port, &err).status;
}

static bool pending(unsigned int d, long port)
{
    return test_bit((unsigned long)port, dom[d]->shared_info->evtchn_pending);
}

static void clear_pending(unsigned int d)
{
    memset(dom[d]->shared_info->evtchn_pending, 0, sizeof(dom[d]->shared_info->evtchn_pending));
    for (unsigned int i = 0; i < VCPUS; i++) {
        dom[d]->vcpu[i]->info->evtchn_pending_sel = 0;
        dom[d]->vcpu[i]->info->evtchn_upcall_pending = 0;
        unblocked[d][i] = 0;
    }
}

static void setup(unsigned int max_port)
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

static bool teardown(void)
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

/* --- tests --- */

static void test_alloc(void)
{
    long err;

    setup(4095);
    ok(alloc(1, DOMID_SELF, 2) == 1 && alloc(1, DOMID_SELF, 2) == 2,
       "ports are given from the lowest, and 0 never");
    ok(alloc(1, 2, 1) == -EPERM, "a port of another domain: -EPERM");
    ok(alloc(0, 2, 1) == 1, "but not for a privileged one");
    ok(alloc(0, 9, 1) == -ESRCH, "of nobody: -ESRCH");
    ok(alloc(1, DOMID_SELF, 77) == 3, "for a domain that does not exist is allowed");
    ok(close_it(1, 2) == 0 && alloc(1, DOMID_SELF, DOMID_SELF) == 2, "a closed port is given out again");
    ok(status(1, DOMID_SELF, 2, &err).u.unbound.dom == 1, "DOMID_SELF as remote is resolved");
    ok(close_it(1, 0) == -EINVAL && close_it(1, 50) == -EINVAL && close_it(1, 64) == -EINVAL &&
           close_it(1, -1) == -EINVAL,
       "what is not open cannot be closed");
    fake_bad_address = (unsigned long)&err;
    ok(do_event_channel_op(EVTCHNOP_send, (unsigned long)&err) == -EFAULT,
       "arguments that cannot be read: -EFAULT");
    fake_bad_address = ~0UL;
    ok(do_event_channel_op(-1, 0) == -ENOSYS && call(1, EVTCHNOP_set_priority + 1, &err) == -ENOSYS,
       "operations that there are not: -ENOSYS");
    ok(teardown(), "nothing is left");
}

static void test_interdomain(void)
{
    struct evtchn_status s;
    long a, b, err;

    setup(4095);
    a = alloc(1, DOMID_SELF, 2);
    ok(bind(0, 1, (u32)a) == -EINVAL, "a port for another domain cannot be bound");
    ok(bind(2, 1, 60) == -EINVAL && bind(2, 1, 4000) == -EINVAL && bind(2, 7, 1) == -ESRCH,
       "nor one that is not there");
    b = bind(2, 1, (u32)a);
    ok(b == 1 && pending(2, b) && !pending(1, a), "binding marks the new port pending");
    ok(bind(2, 1, (u32)a) == -EINVAL, "a bound port cannot be bound again");
    s = status(2, DOMID_SELF, b, &err);
    ok(!err && s.status == EVTCHNSTAT_interdomain && s.u.interdomain.dom == 1 &&
           s.u.interdomain.port == a && s.vcpu == 0,
       "status tells the other end");
    clear_pending(2);
    ok(send(1, a) == 0 && pending(2, b), "an event arrives");
    ok(dom[2]->vcpu[0]->info->evtchn_upcall_pending == 1 && dom[2]->vcpu[0]->info->evtchn_pending_sel == 1 &&
           unblocked[2][0] == 1, "its vCPU is told, in all three places");
    ok(send(1, a) == 0 && unblocked[2][0] == 1, "a second one changes nothing");
    clear_pending(2);
    set_bit((unsigned long)b, dom[2]->shared_info->evtchn_mask);
    ok(send(1, a) == 0 && pending(2, b) && !dom[2]->vcpu[0]->info->evtchn_upcall_pending,
       "a masked port only gets pending");
    ok(unmask(2, b) == 0 && dom[2]->vcpu[0]->info->evtchn_upcall_pending == 1, "unmask delivers it");
    clear_pending(2);
    ok(to_vcpu(2, b, 1) == 0 && send(1, a) == 0 && unblocked[2][1] == 1 && !unblocked[2][0], "bind_vcpu");
    ok(to_vcpu(2, b, 2) == -ENOENT && to_vcpu(2, 40, 0) == -EINVAL, "its errors");
    clear_pending(2);
    dom[2]->vcpu[1]->sched.running = true;
    dom[2]->vcpu[1]->sched.cpu = 1;
    fake_kicks[1] = 0;
    send(1, a);
    ok(fake_kicks[1] == 1, "a vCPU that runs elsewhere is interrupted");
    dom[2]->vcpu[1]->sched.running = false;

    ok(close_it(2, b) == 0 && state(1, a) == EVTCHNSTAT_unbound && !pending(2, b),
       "closing one end leaves the other unbound");
    ok(send(1, a) == 0, "which swallows events");
    ok(bind(2, 1, (u32)a) == b, "and may be bound again by the same domain");
    ok(status(1, DOMID_SELF, a, &err).u.interdomain.dom == 2, "as before");
    ok(status(1, 2, b, &err).status == 0 && err == -EPERM, "status of another domain: -EPERM");
    ok(status(0, 2, b, &err).status == EVTCHNSTAT_interdomain && !err, "but not for a privileged one");

    a = alloc(1, DOMID_SELF, DOMID_SELF);
    b = bind(1, DOMID_SELF, (u32)a);
    clear_pending(1);
    ok(b > 0 && send(1, b) == 0 && pending(1, a) && send(1, a) == 0 && pending(1, b),
       "a loop within one domain");
    ok(close_it(1, a) == 0 && state(1, b) == EVTCHNSTAT_unbound, "is closed like any other");
    dom[2]->state = DOMAIN_DYING;
    ok(event_destroy_domain(dom[2]) == 0 && state(1, 1) == EVTCHNSTAT_unbound,
       "a domain that dies lets its peers go");
    ok(alloc(2, DOMID_SELF, 1) == -EINVAL && alloc(0, 2, 1) == -EINVAL, "and takes no new port");
    ok(teardown(), "nothing is left");
}

static void test_virq_ipi(void)
{
    long t, g, i, err;

    setup(4095);
    t = bind_virq(1, VIRQ_TIMER, 1);
    ok(t > 0 && bind_virq(1, VIRQ_TIMER, 1) == -EEXIST && bind_virq(1, VIRQ_TIMER, 0) > 0,
       "VIRQ_TIMER, once a vCPU");
    ok(bind_virq(1, VIRQ_TIMER, 2) == -ENOENT && bind_virq(1, NR_VIRQS, 0) == -EINVAL,
       "no such vCPU, no such VIRQ");
    ok(bind_virq(1, VIRQ_DOM_EXC, 1) == -EINVAL, "a global VIRQ is bound on vCPU 0 only");
    send_guest_vcpu_virq(dom[1]->vcpu[1], VIRQ_TIMER);
    ok(pending(1, t) && unblocked[1][1] == 1, "a timer event reaches its vCPU");
    ok(to_vcpu(1, t, 0) == -EINVAL, "and no other");
    ok(send(1, t) == -EINVAL, "a guest cannot send on a VIRQ port");
    ok(status(1, DOMID_SELF, t, &err).u.virq == VIRQ_TIMER && state(1, t) == EVTCHNSTAT_virq, "status");
    g = bind_virq(0, VIRQ_DOM_EXC, 0);
    ok(to_vcpu(0, g, 1) == 0, "a global one may be moved");
    send_global_virq(VIRQ_DOM_EXC);
    ok(pending(0, g) && unblocked[0][1] == 1, "and goes where it was moved to");
    ok(close_it(0, g) == 0 && bind_virq(0, VIRQ_DOM_EXC, 0) > 0, "closing makes it free");
    close_it(1, t);
    clear_pending(1);
    send_guest_vcpu_virq(dom[1]->vcpu[1], VIRQ_TIMER);
    ok(!pending(1, t), "a VIRQ that is not bound goes nowhere");

    i = bind_ipi(1, 1);
    ok(i > 0 && bind_ipi(1, 5) == -ENOENT, "bind_ipi");
    ok(send(1, i) == 0 && pending(1, i) && unblocked[1][1] == 1, "an IPI reaches its vCPU");
    ok(to_vcpu(1, i, 0) == -EINVAL && state(1, i) == EVTCHNSTAT_ipi, "and no other");

    ok(pirq(1, 4) == -EPERM, "pirqs are the hardware domain's");
    ok(pirq(0, 99) == -EINVAL && pirq(0, 5000) == -EINVAL && pirq_bound == 0, "no such pirq");
    t = pirq(0, 4);
    ok(t > 0 && pirq(0, 4) == -EEXIST && pirq_to_port(dom[0], 4) == (unsigned int)t && pirq_bound == 1,
       "bind_pirq");
    clear_pending(0);
    send_guest_pirq(dom[0], 4);
    send_guest_pirq(dom[0], 5);
    ok(pending(0, t), "its interrupt arrives");
    ok(close_it(0, t) == 0 && pirq_bound == 0 && !pirq_to_port(dom[0], 4), "closing unbinds it");
    ok(teardown(), "nothing is left");
}

static void test_poll(void)
{
    long a, b;

    setup(4095);
    a = alloc(1, DOMID_SELF, 2);
    b = bind(2, 1, (u32)a);
    clear_pending(2);
    memset(dom[2]->shared_info->evtchn_mask, 0xff, sizeof(dom[2]->shared_info->evtchn_mask));
    dom[2]->vcpu[1]->event.poll_port = (int)b + 1;
    dom[2]->event.poll_mask = 2;
    send(1, a);
    ok(!unblocked[2][1], "a vCPU that polls another port sleeps on");
    clear_pending(2);
    dom[2]->vcpu[1]->event.poll_port = (int)b;
    send(1, a);
    ok(unblocked[2][1] == 1 && !dom[2]->event.poll_mask, "one that polls this port wakes, masked or not");
    clear_pending(2);
    dom[2]->vcpu[1]->event.poll_port = -1;
    dom[2]->event.poll_mask = 2;
    send(1, a);
    ok(unblocked[2][1] == 1, "one that polls several wakes");
    ok(teardown(), "nothing is left");
}

static void test_limits(void)
{
    unsigned int n;
    long p;

    setup(100);
    for (n = 0; (p = bind_ipi(1, 0)) > 0; n++)
        ;
    ok(n == 100 && p == -ENOSPC, "a limit of port 100 allows ports 1 to 100");
    ok(send(1, 127) == -EINVAL && unmask(1, 127) == 0 && unmask(1, 128) == -EINVAL,
       "ports exist by the bucket");
    close_it(1, 37);
    ok(bind_ipi(1, 0) == 37, "a hole is found");
    teardown();
    setup(~0u);
    for (n = 0; (p = bind_ipi(1, 0)) > 0; n++)
        ;
    ok(n == EVTCHN_2L_PORTS - 1 && p == -ENOSPC, "without a limit there are 4095 two-level ones");
    ok(send(1, 4095) == 0 && pending(1, 4095), "and the last works");
    fake_preempt = true;
    dom[1]->state = DOMAIN_DYING;
    for (n = 0; event_destroy_domain(dom[1]) == -ERESTART; n++)
        ;
    fake_preempt = false;
    ok(n > 100 && !dom[1]->event.active, "the end of a domain with all ports open is done in %u steps", n);
    ok(teardown(), "nothing is left");
}

static void test_reset(void)
{
    long a, b;

    setup(4095);
    a = alloc(1, DOMID_SELF, 2);
    b = bind(2, 1, (u32)a);
    bind_virq(2, VIRQ_TIMER, 0);
    ok(reset(1, 2) == -EPERM && reset(1, 9) == -ESRCH, "reset of another domain: -EPERM");
    ok(reset(0, 2) == -EINVAL, "by a privileged one while it runs: -EINVAL");
    dom[2]->controller_pauses = 1;
    ok(reset(0, 2) == 0 && !dom[2]->event.active && state(1, a) == EVTCHNSTAT_unbound,
       "when it is paused: all is closed");
    ok(bind(2, 1, (u32)a) == b && bind_virq(2, VIRQ_TIMER, 0) == b + 1, "and can be used again");
    for (int i = 0; i < 40; i++)
        bind_ipi(2, 0);
    fake_preempt = true;
    fake_restarts = 0;
    ok(reset(2, DOMID_SELF) == -ERESTART && fake_restarts == 1, "a long one is preempted");
    fake_preempt = false;
    ok(reset(2, DOMID_SELF) == 0 && !dom[2]->event.active, "and goes on");
    ok(teardown(), "nothing is left");
}

/* --- FIFO events --- */

/*
 * Domain d's control blocks are in page 3d + vCPU, its words in pages from 10 on: one domain at a time has
 * FIFO events.
 */
#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define FIRST_WORDS    10

static event_word_t *word(unsigned long port)
{
    return (event_word_t *)mfn_to_virt(MFN(FIRST_WORDS + port / WORDS_PER_PAGE)) + port % WORDS_PER_PAGE;
}

static struct evtchn_fifo_control_block *block(unsigned int d, unsigned int vcpu)
{
    return mfn_to_virt(MFN(3 * d + vcpu));
}

static long init_control(unsigned int d, unsigned int vcpu, u64 mfn, unsigned int offset)
{
    struct evtchn_init_control a = { .control_gfn = mfn, .offset = offset, .vcpu = vcpu };

    return call(d, EVTCHNOP_init_control, &a);
}

static long expand(unsigned int d, u64 mfn)
{
    struct evtchn_expand_array a = { .array_gfn = mfn };

    return call(d, EVTCHNOP_expand_array, &a);
}

static long priority(unsigned int d, long port, unsigned int value)
{
    struct evtchn_set_priority a = { .port = (u32)port, .priority = value };

    return call(d, EVTCHNOP_set_priority, &a);
}

static void fifo(unsigned int d, unsigned int pages)
{
    memset(mfn_to_virt(MFN(0)), 0, PAGES * PAGE_SIZE);
    for (unsigned int v = 0; v < VCPUS; v++)
        if (init_control(d, v, 3 * d + v, 0))
            ok(false, "control block of vCPU %u", v);
    for (unsigned int i = 0; i < pages; i++)
        if (expand(d, FIRST_WORDS + i))
            ok(false, "words, page %u", i);
}

/*
 * An honest guest's handling of all events of vCPU v, which counts them in seen[port]. False: a queue was
 * found that leads nowhere.
 */
static bool take_all(unsigned int d, unsigned int v, unsigned int *seen, unsigned int ports)
{
    static u32 head[DOMAINS][VCPUS][EVTCHN_FIFO_MAX_QUEUES];
    struct evtchn_fifo_control_block *b = block(d, v);

    while (b->ready &= (1u << EVTCHN_FIFO_MAX_QUEUES) - 1) {
        unsigned int q = (unsigned int)__builtin_ctz(b->ready), n = 0;
        u32 *next = &head[d][v][q];

        b->ready &= ~(1u << q);
        for (*next = b->head[q]; *next; n++) {
            u32 port = *next;

            if (port >= ports || n > ports || !(*word(port) & EVENT_LINKED))
                return false;
            *next = *word(port) & EVTCHN_FIFO_LINK_MASK;
            *word(port) &= ~(EVENT_LINKED | EVTCHN_FIFO_LINK_MASK);
            if ((*word(port) & (EVENT_MASKED | EVENT_PENDING)) == EVENT_PENDING) {
                *word(port) &= ~EVENT_PENDING;
                seen[port]++;
            }
        }
    }
    return true;
}

static void test_fifo(void)
{
    unsigned int seen[128] = { 0 }, n;
    long a, b, c;

    setup(~0u);
    a = alloc(1, DOMID_SELF, 2);
    b = bind(2, 1, (u32)a);
    ok(priority(2, b, 1) == -ENOSYS && expand(2, 20) == -EOPNOTSUPP, "FIFO operations before their time");
    ok(init_control(2, 2, 6, 0) == -ENOENT && init_control(2, 0, 6, 4) == -EINVAL && pages_in_use == 0 &&
           init_control(2, 0, 6, PAGE_SIZE - 64) == -EINVAL && init_control(2, 0, PAGES, 0) == -EINVAL &&
           !dom[2]->event.fifo, "wrong control blocks change nothing");
    fifo(2, 0);
    ok(pages_in_use == VCPUS && init_control(2, 0, 6, 0) == -EINVAL, "one each is taken");
    c = alloc(1, DOMID_SELF, 2);
    clear_pending(2);
    ok(bind(2, 1, (u32)c) == b + 1 && !unblocked[2][0], "an event without a word waits");
    ok(expand(2, PAGES) == -EINVAL && expand(2, FIRST_WORDS) == 0 &&
           dom[2]->vcpu[0]->info->evtchn_upcall_pending &&
           *word((u32)b) == (EVENT_PENDING | EVENT_LINKED | (u32)(b + 1)) && block(2, 0)->head[7] == (u32)b,
       "the words come, and both events with them, also the one from before");
    ok(take_all(2, 0, seen, 128) && seen[b] == 1 && seen[b + 1] == 1, "and are delivered once");
    close_it(2, b + 1);
    ok(dom[2]->event.mode == &fifo_mode && dom[1]->event.mode == &two_level_mode && send(2, b) == 0 &&
           pending(1, a), "the other end still has two-level events");

    *word((u32)b) = EVENT_MASKED;
    clear_pending(2);
    ok(send(1, a) == 0 && *word((u32)b) == (EVENT_MASKED | EVENT_PENDING) && !unblocked[2][0],
       "a masked port");
    dom[2]->vcpu[1]->event.poll_port = (int)b;
    dom[2]->event.poll_mask = 2;
    current = dom[2]->vcpu[1];
    ok(evtchn_poll((u32)b) == 1 && evtchn_poll((u32)b + 1) == 0 && evtchn_poll(5000) == -EINVAL,
       "evtchn_poll");
    *word((u32)b) = EVENT_MASKED;
    send(1, a);
    ok(unblocked[2][1] == 1 && !unblocked[2][0] && !dom[2]->event.poll_mask, "wakes who polls it");
    ok(unmask(2, b) == 0 && take_all(2, 0, seen, 128) && seen[b] == 2,
       "and is delivered when it is unmasked");

    for (n = 0; (c = bind_ipi(2, 0)) > 0; n++)
        if (c == 5000)
            send(2, c);
    ok(c == -ENOSPC && n == EVTCHN_PORTS - 2, "there are %u ports", n + 1);
    ok(port_to_chn(dom[2], 5000)->pending, "one beyond the words notes its event");
    for (n = 1; expand(2, FIRST_WORDS + n) == 0; n++)
        ;
    ok(n == EVTCHN_PORTS / WORDS_PER_PAGE && expand(2, 20) == -ENOSPC && *word(5000) & EVENT_PENDING,
       "and keeps it for its word; the last page but one is the last");
    *word(100) |= EVENT_LINKED;
    close_it(2, 100);
    ok(bind_ipi(2, 0) == -ENOSPC, "a closed port that is linked is not given out");
    *word(100) = 0;
    ok(bind_ipi(2, 0) == 100, "until it is not");
    fake_preempt = true;
    for (n = 0; reset(2, DOMID_SELF) == -ERESTART; n++)
        ;
    fake_preempt = false;
    ok(n > 1000 && pages_in_use == 0 && !dom[2]->event.fifo && bind_ipi(2, 0) == 1, "reset, in %u steps", n);
    ok(send(2, 1) == 0 && pending(2, 1), "back to two-level events");
    for (n = 1; (c = bind_ipi(2, 0)) > 0; n++)
        ;
    ok(c == -ENOSPC && n == EVTCHN_2L_PORTS - 1, "and to their limit");
    fifo(2, 1);
    ok(pages_in_use == VCPUS + 1 && *word(1) & EVENT_LINKED, "and again to FIFO events");
    ok(teardown() && pages_in_use == 0, "nothing is left");
}

/*
 * A guest of 100 ports moves them, masks them, changes their priorities, closes them and takes its events;
 * each that was sent is delivered, once. With spoil it writes random values to words and control blocks, and
 * must only do no harm.
 */
static void test_fifo_random(unsigned int seed, unsigned int ops, bool spoil)
{
    unsigned int due[101] = { 0 }, seen[101] = { 0 }, wrong = 0, n;

    setup(100);
    fifo(0, 1);
    memset(seen, 0, sizeof(seen));
    srand(seed);
    for (unsigned int i = 0; i < 50; i++)
        bind(0, 0, (u32)alloc(0, DOMID_SELF, 0));
    wrong += !take_all(0, 0, seen, 101);
    memset(seen, 0, sizeof(seen));
    for (n = 0; n < ops && !wrong; n++) {
        u32 p = 1 + (u32)rand() % 100, peer = p % 2 ? p + 1 : p - 1;
        unsigned int v = (unsigned int)rand() % VCPUS;

        switch (rand() % 8) {
        case 0:
            wrong += to_vcpu(0, p, v) != 0;
            break;
        case 1:
            wrong += priority(0, p, (unsigned int)rand() % 16) != 0;
            break;
        case 2:
            *word(p) |= EVENT_MASKED;
            break;
        case 3:
            wrong += unmask(0, p) != 0;
            break;
        case 4:
            wrong += !take_all(0, v, seen, 101) && !spoil;
            break;
        case 5:
            if (spoil)
                *word(p) = (u32)rand() << 16 ^ (u32)rand();
            if (spoil && rand() % 16 == 0)
                ((u32 *)block(0, v))[rand() % 18] = (u32)rand();
            break;
        default:
            wrong += send(0, peer) != 0;
            due[p] += !(*word(p) & EVENT_PENDING) || seen[p] == due[p];
        }
        for (p = 1; p <= 100 && !spoil; p++)
            wrong += seen[p] > due[p] || (seen[p] < due[p] && !(*word(p) & EVENT_PENDING));
    }
    for (u32 p = 1; p <= 100; p++)
        unmask(0, p);
    if (!spoil) {
        for (unsigned int v = 0; v < VCPUS; v++)
            wrong += !take_all(0, v, seen, 101);
        wrong += memcmp(seen, due, sizeof(seen)) != 0;
    }
    ok(!wrong, "FIFO, seed %u, %s guest: %u operations", seed, spoil ? "hostile" : "honest", n);
    ok(teardown() && pages_in_use == 0, "nothing is left");
}

/* --- random operations against a model --- */

#define MODEL_PORTS 130

struct model_port {
    unsigned int status, remote, remote_port, vcpu;
    bool pending;
};
static struct model_port model[DOMAINS][MODEL_PORTS];

static long model_free(unsigned int d)
{
    for (long p = 1; p <= 100; p++)
        if (model[d][p].status == EVTCHNSTAT_closed)
            return p;
    return -ENOSPC;
}

static unsigned int compare(void)
{
    unsigned int wrong = 0;

    for (unsigned int d = 0; d < DOMAINS; d++) {
        unsigned int active = 0;

        for (unsigned int p = 1; p <= 100; p++) {
            struct model_port *m = &model[d][p];
            long err;
            struct evtchn_status s = status(d, DOMID_SELF, p, &err);

            active += m->status != EVTCHNSTAT_closed;
            if (err) {
                wrong += m->status != EVTCHNSTAT_closed;
                continue;
            }
            wrong += s.status != m->status || pending(d, p) != m->pending;
            if (m->status == EVTCHNSTAT_closed)
                continue;
            wrong += s.vcpu != m->vcpu;
            if (m->status == EVTCHNSTAT_unbound)
                wrong += s.u.unbound.dom != m->remote;
            if (m->status == EVTCHNSTAT_interdomain)
                wrong += s.u.interdomain.dom != m->remote || s.u.interdomain.port != m->remote_port;
        }
        wrong += active != dom[d]->event.active;
    }
    return wrong;
}

static unsigned int random_op(void)
{
    unsigned int d = (unsigned int)rand() % DOMAINS, r = (unsigned int)rand() % DOMAINS;
    unsigned int p = 1 + (unsigned int)rand() % 110, v = (unsigned int)rand() % VCPUS;
    struct model_port *m = &model[d][p], *peer = &model[m->remote][m->remote_port];
    long want, got;

    switch (rand() % 6) {
    case 0:
        want = model_free(d);
        got = alloc(d, DOMID_SELF, r);
        if (want > 0)
            model[d][want] = (struct model_port){ .status = EVTCHNSTAT_unbound, .remote = r };
        return want != got;
    case 1:
        want = model_free(d);
        peer = &model[r][p];
        if (want > 0 && (peer->status != EVTCHNSTAT_unbound || peer->remote != d || (r == d && want == p)))
            want = -EINVAL;
        got = bind(d, r, p);
        if (want > 0) {
            model[d][want] = (struct model_port){ EVTCHNSTAT_interdomain, r, p, 0, true };
            *peer = (struct model_port){ EVTCHNSTAT_interdomain, d, (unsigned int)want, peer->vcpu,
                                         peer->pending };
        }
        return want != got;
    case 2:
        want = model_free(d);
        got = bind_ipi(d, v);
        if (want > 0)
            model[d][want] = (struct model_port){ .status = EVTCHNSTAT_ipi, .vcpu = v };
        return want != got;
    case 3:
        want = m->status == EVTCHNSTAT_closed ? -EINVAL : 0;
        got = close_it(d, p);
        if (m->status == EVTCHNSTAT_interdomain)
            *peer = (struct model_port){ EVTCHNSTAT_unbound, d, 0, peer->vcpu, peer->pending };
        *m = (struct model_port){ 0 };
        return want != got;
    case 4:
        want = m->status == EVTCHNSTAT_closed ? -EINVAL : 0;
        got = send(d, p);
        if (m->status == EVTCHNSTAT_ipi)
            m->pending = true;
        if (m->status == EVTCHNSTAT_interdomain)
            peer->pending = true;
        return want != got;
    default:
        want = m->status == EVTCHNSTAT_closed || m->status == EVTCHNSTAT_ipi ? -EINVAL : 0;
        got = to_vcpu(d, p, v);
        if (!want)
            m->vcpu = v;
        return want != got;
    }
}

static void test_random(unsigned int seed, unsigned int ops)
{
    unsigned int wrong = 0, n;

    setup(100);
    memset(model, 0, sizeof(model));
    srand(seed);
    for (n = 0; n < ops && !wrong; n++) {
        wrong += random_op();
        if (n % 64 == 0)
            wrong += compare();
        if (n % 5000 == 4999) {
            for (unsigned int p = 1; p <= 110; p++)
                if (model[1][p].status == EVTCHNSTAT_interdomain) {
                    struct model_port *m = &model[1][p], *peer = &model[m->remote][m->remote_port];

                    *peer = (struct model_port){ EVTCHNSTAT_unbound, 1, 0, peer->vcpu, peer->pending };
                    memset(m, 0, sizeof(*m));
                } else {
                    memset(&model[1][p], 0, sizeof(model[1][p]));
                }
            wrong += reset(1, DOMID_SELF) != 0;
            for (unsigned int p = 1; p <= 110; p++)
                if (model[1][p].status == EVTCHNSTAT_unbound)
                    memset(&model[1][p], 0, sizeof(model[1][p]));
        }
    }
    ok(!wrong, "random run, seed %u: %u operations agree with the model", seed, n);
    ok(teardown(), "nothing is left");
}

int main(void)
{
    if (mmap((void *)DIRECT_MAP_START, PAGES * PAGE_SIZE, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
        return 1;
    test_alloc();
    test_interdomain();
    test_virq_ipi();
    test_poll();
    test_limits();
    test_reset();
    test_fifo();
    for (unsigned int seed = 1; seed <= 4; seed++)
        test_fifo_random(seed, 30000, seed % 2 == 0);
    for (unsigned int seed = 1; seed <= 3; seed++)
        test_random(seed, 200000);
    return done_testing();
}
