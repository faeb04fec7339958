/* SPDX-License-Identifier: MIT */
/*
 * FIFO events: the switch from two-level events with what is pending, control blocks and event words, queues
 * and their links, masks, priorities, ports that move between queues and vCPUs, closed ports that are still
 * linked, words that the guest has spoilt, poll, limits, and reset back to two-level.  Events stay masked:
 * the test takes ports from the queues itself, as event_channel.h says a guest does.
 */
#include "guest.h"

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED  (1u << EVTCHN_FIFO_MASKED)
#define LINKED  (1u << EVTCHN_FIFO_LINKED)
#define BUSY    (1u << EVTCHN_FIFO_BUSY)
#define LINK(w) ((w) & EVTCHN_FIFO_LINK_MASK)

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define MAX_PAGES      (EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE)
#define BLOCK_OFFSET   0x100
#define DEFAULT        EVTCHN_FIFO_PRIORITY_DEFAULT

static volatile event_word_t *words[5];     /* a page each */
static void *control_page[2];
static unsigned local_head[2][EVTCHN_FIFO_MAX_QUEUES];

static volatile event_word_t *word(unsigned port)
{
    return &words[port / WORDS_PER_PAGE][port % WORDS_PER_PAGE];
}

/* Those who tell of a guest's console and store stay silent in this form, too. */
static void silence(void)
{
    if (!is_dom0())
        *word(start_info->console.domU.evtchn) = *word(start_info->store_evtchn) = MASKED;
}

static volatile struct evtchn_fifo_control_block *block(unsigned vcpu)
{
    return (void *)((char *)control_page[vcpu] + BLOCK_OFFSET);
}

static long init_control(unsigned long mfn, unsigned offset, unsigned vcpu, unsigned *link_bits)
{
    struct evtchn_init_control arg = { .control_gfn = mfn, .offset = offset, .vcpu = vcpu };
    long ret = evtchn_op(EVTCHNOP_init_control, &arg);

    *link_bits = arg.link_bits;
    return ret;
}

static long expand(unsigned long mfn)
{
    struct evtchn_expand_array arg = { .array_gfn = mfn };

    return evtchn_op(EVTCHNOP_expand_array, &arg);
}

static long set_priority(unsigned port, unsigned priority)
{
    struct evtchn_set_priority arg = { .port = port, .priority = priority };

    return evtchn_op(EVTCHNOP_set_priority, &arg);
}

static long bind_vcpu(unsigned port, unsigned vcpu)
{
    struct evtchn_bind_vcpu arg = { .port = port, .vcpu = vcpu };

    return evtchn_op(EVTCHNOP_bind_vcpu, &arg);
}

static unsigned ipi_port(void)
{
    struct evtchn_bind_ipi arg = { .vcpu = 0 };

    return evtchn_op(EVTCHNOP_bind_ipi, &arg) ? 0 : arg.port;
}

static unsigned unbound_port(void)
{
    struct evtchn_alloc_unbound arg = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };

    return evtchn_op(EVTCHNOP_alloc_unbound, &arg) ? 0 : arg.port;
}

/* The other end of port, a new one. */
static unsigned connect(unsigned port)
{
    struct evtchn_bind_interdomain arg = { .remote_dom = DOMID_SELF, .remote_port = port };

    return evtchn_op(EVTCHNOP_bind_interdomain, &arg) ? 0 : arg.local_port;
}

static bool upcall_pending(unsigned vcpu)
{
    return vcpu_info(vcpu)->evtchn_upcall_pending;
}

/* Polls a port with a timeout at this time. */
static long poll_port(evtchn_port_t port, uint64_t timeout)
{
    struct sched_poll poll = { .nr_ports = 1, .timeout = timeout };

    set_xen_guest_handle(poll.ports, &port);
    return HC(sched_op, SCHEDOP_poll, &poll);
}

/* Takes the first port off a queue, as a guest does; the pending bit stays. 0: the queue is empty. */
static unsigned take(unsigned vcpu, unsigned priority)
{
    unsigned port = local_head[vcpu][priority];
    event_word_t old;

    if (!port)
        port = block(vcpu)->head[priority];
    if (!port || port >= ARRAY_SIZE(words) * WORDS_PER_PAGE)
        return 0;
    old = *word(port);
    while (!__atomic_compare_exchange_n(word(port), &old, old & ~(LINKED | EVTCHN_FIFO_LINK_MASK), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    local_head[vcpu][priority] = LINK(old);
    return port;
}

/* Takes and clears all events of a vCPU in the order of priorities; how many, and which. */
static unsigned drain(unsigned vcpu, unsigned *ports, unsigned max)
{
    unsigned n = 0, ready, priority;

    vcpu_info(vcpu)->evtchn_upcall_pending = 0;
    while ((ready = __atomic_exchange_n(&block(vcpu)->ready, 0, __ATOMIC_SEQ_CST)) != 0)
        for (priority = 0; priority < EVTCHN_FIFO_MAX_QUEUES; priority++)
            if (ready >> priority & 1)
                do {
                    unsigned port = take(vcpu, priority);

                    if (!port)
                        break;
                    __atomic_fetch_and(word(port), ~PENDING, __ATOMIC_SEQ_CST);
                    if (n < max)
                        ports[n] = port;
                    n++;
                } while (local_head[vcpu][priority]);
    return n;
}

static bool drains(unsigned vcpu, unsigned count, unsigned a, unsigned b, unsigned c)
{
    unsigned ports[3] = { 0 }, n = drain(vcpu, ports, 3);

    if (n != count || ports[0] != a || ports[1] != b || ports[2] != c)
        note("vCPU %u: %u events, on ports %u %u %u", vcpu, n, ports[0], ports[1], ports[2]);
    return n == count && ports[0] == a && ports[1] == b && ports[2] == c;
}

/* Ends that are connected while events are two-level. */
static unsigned left, right, masked_left, masked_right;

static void check_before(void)
{
    unsigned bits;
    unsigned long mfn = va_to_mfn(control_page[0]);
    void *table = table_alloc();

    left = unbound_port();
    right = connect(left);
    masked_left = unbound_port();
    masked_right = connect(masked_left);
    port_clear(right);
    port_clear(masked_right);
    port_mask(masked_right);
    evtchn_send(left);
    evtchn_send(masked_left);
    check(port_pending(right) && port_pending(masked_right), "two ports are pending in the two-level form");
    check_eq(set_priority(left, 3), -GE_NOSYS, "set_priority with two-level events: -ENOSYS");
    check_eq(set_priority(left, 16), -GE_NOSYS, "and with a priority that does not exist: -ENOSYS");
    check_eq(poll_port(4000, 1), -GE_INVAL, "poll of a two-level port that is not there: -EINVAL");
    check_eq(set_priority(4000, 3), -GE_INVAL, "and of a port that does not exist: -EINVAL");
    check_eq(expand(va_to_mfn((void *)words[0])), -GE_OPNOTSUPP,
             "expand_array with two-level events: -EOPNOTSUPP");

    check_eq(init_control(mfn, 0, 99, &bits), -GE_NOENT,
             "init_control of a vCPU that does not exist: -ENOENT");
    check_eq(init_control(mfn, 4, 0, &bits), -GE_INVAL, "init_control at an odd offset: -EINVAL");
    check_eq(init_control(mfn, PAGE_SIZE - 64, 0, &bits), -GE_INVAL,
             "init_control across the page's end: -EINVAL");
    check_eq(init_control(mfn, PAGE_SIZE, 0, &bits), -GE_INVAL, "init_control behind the page: -EINVAL");
    check_eq(init_control(mfn, ~7u, 0, &bits), -GE_INVAL, "init_control at offset ~7: -EINVAL");
    check_eq(init_control(~0UL, 0, 0, &bits), -GE_INVAL, "init_control of frame ~0: -EINVAL");
    check_eq(init_control(root_mfn(), 0, 0, &bits), -GE_INVAL, "init_control of a page table: -EINVAL");
    check_eq(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(table)), 0, "an empty table is pinned");
    check_eq(init_control(va_to_mfn(table), 0, 0, &bits), -GE_INVAL,
             "init_control of a pinned table: -EINVAL");
    mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(table));
    table_free(table);
    check_eq(HC(event_channel_op, EVTCHNOP_init_control, BAD_PTR_XEN), -GE_FAULT,
             "init_control, bad pointer: -EFAULT");
    check_eq(set_priority(left, 3), -GE_NOSYS, "events are still two-level");
}

/* Switches to FIFO events. */
static void check_switch(void)
{
    unsigned bits, fresh;

    block(0)->ready = 0x5a5a0000;
    block(0)->head[3] = 77;
    check_eq(init_control(va_to_mfn(control_page[0]), BLOCK_OFFSET, 0, &bits), 0, "init_control");
    check_eq(bits, EVTCHN_FIFO_LINK_BITS, "it tells how wide a link is");
    check(block(0)->ready == 0x5a5a0000 && block(0)->head[3] == 77, "the block is left as it is");
    block(0)->ready = 0;
    block(0)->head[3] = 0;
    check_eq(init_control(va_to_mfn(control_page[0]), BLOCK_OFFSET, 0, &bits), -GE_INVAL, "twice: -EINVAL");
    check(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn(control_page[0])) != 0, "a control block is no page table");

    vcpu_info(0)->evtchn_upcall_pending = 0;
    fresh = unbound_port();
    check(fresh != 0, "a port without a word can be allocated");
    check_eq(evtchn_send(masked_left), 0, "and one be sent to");
    check_eq(upcall_pending(0), 0, "no event comes without words");
    check_eq(port_unmask(masked_right), 0, "a port without a word is unmasked");
    evtchn_close(fresh);

    check_eq(expand(~0UL), -GE_INVAL, "expand_array by frame ~0: -EINVAL");
    check_eq(expand(root_mfn()), -GE_INVAL, "expand_array by a page table: -EINVAL");
    check_eq(HC(event_channel_op, EVTCHNOP_expand_array, BAD_PTR_XEN), -GE_FAULT,
             "expand_array, bad pointer: -EFAULT");
    *word(masked_right) = MASKED;
    check_eq(expand(va_to_mfn((void *)words[0])), 0, "expand_array");
    check_eq(*word(masked_right), MASKED | PENDING, "what was pending on a masked port is pending there");
    check_eq(*word(right), PENDING | LINKED, "what was pending before is linked");
    check_eq(*word(left), 0, "what was not, is not");
    check_eq(upcall_pending(0), 1, "and the upcall is due");
    check_eq(block(0)->ready, 1u << DEFAULT, "the default queue is ready");
    check_eq(block(0)->head[DEFAULT], right, "and begins with the port");
    check(drains(0, 1, right, 0, 0), "it is taken");
    check_eq(port_unmask(masked_right), 0, "the masked one is unmasked");
    check_eq(*word(masked_right), PENDING | LINKED, "and so linked");
    check(drains(0, 1, masked_right, 0, 0), "and taken");
}

static void check_queue(void)
{
    unsigned a = ipi_port(), b = ipi_port(), c = ipi_port();

    check(a && b && c, "three IPI ports");
    check_eq(evtchn_send(a), 0, "send");
    check_eq(*word(a), PENDING | LINKED, "the port is pending and linked");
    check_eq(upcall_pending(0), 1, "the upcall is due");
    vcpu_info(0)->evtchn_upcall_pending = 0;
    evtchn_send(a);
    check_eq(*word(a), PENDING | LINKED, "sending again changes nothing");
    check_eq(upcall_pending(0), 0, "not even the upcall");
    evtchn_send(b);
    evtchn_send(c);
    check_eq(*word(a), PENDING | LINKED | b, "the second is linked behind the first");
    check_eq(*word(b), PENDING | LINKED | c, "the third behind the second");
    check_eq(upcall_pending(0), 0, "a queue that is not empty makes no upcall");
    check(drains(0, 3, a, b, c), "they are taken in order");
    check(!*word(a) && !*word(b) && !*word(c), "their words are empty then");

    *word(b) = MASKED;
    evtchn_send(b);
    check_eq(*word(b), MASKED | PENDING, "a masked port is pending but not linked");
    evtchn_send(c);
    check(drains(0, 1, c, 0, 0), "others go past it");
    check_eq(port_unmask(b), 0, "unmask");
    check_eq(*word(b), PENDING | LINKED, "links it");
    check(drains(0, 1, b, 0, 0), "so that it is taken");
    *word(b) = MASKED;
    port_unmask(b);
    check_eq(*word(b), 0, "unmasking one that is not pending only clears the mask");

    evtchn_send(a);
    evtchn_send(b);
    check_eq(take(0, DEFAULT), a, "the first is taken");
    evtchn_send(a);
    check_eq(*word(b), PENDING | LINKED | a, "and is linked again, at the end, though it was not cleared");
    check(drains(0, 2, b, a, 0), "and so taken");
    evtchn_close(a);
    evtchn_close(b);
    evtchn_close(c);
}

static void check_priority(void)
{
    unsigned a = ipi_port(), b = ipi_port();

    check_eq(set_priority(a, 16), -GE_INVAL, "priority 16: -EINVAL");
    check_eq(set_priority(a, ~0u), -GE_INVAL, "priority ~0: -EINVAL");
    check_eq(set_priority(~0u, 1), -GE_INVAL, "the priority of port ~0: -EINVAL");
    check_eq(set_priority(4000, 1), -GE_INVAL, "of a port that does not exist: -EINVAL");
    check_eq(HC(event_channel_op, EVTCHNOP_set_priority, BAD_PTR_XEN), -GE_FAULT,
             "set_priority, bad pointer: -EFAULT");
    check_eq(set_priority(a, EVTCHN_FIFO_PRIORITY_MIN), 0, "the lowest priority");
    check_eq(set_priority(b, EVTCHN_FIFO_PRIORITY_MAX), 0, "the highest priority");
    evtchn_send(a);
    evtchn_send(left);
    evtchn_send(b);
    check_eq(block(0)->ready, 1u << 15 | 1u << DEFAULT | 1, "three queues are ready");
    check(drains(0, 3, b, right, a), "the highest priority is served first");

    /* a is the last of queue 15 and goes to queue 2; queue 15 is then found empty by the next port. */
    evtchn_send(a);
    check_eq(set_priority(a, 2), 0, "the priority of a linked port is changed");
    check_eq(block(0)->ready, 1u << 15, "its event stays where it is");
    drain(0, NULL, 0);
    evtchn_send(a);
    check_eq(block(0)->ready, 1u << 2, "the next one goes to the new queue");
    set_priority(b, 15);
    evtchn_send(b);
    check_eq(*word(a), PENDING | LINKED, "another port in the old queue is not linked behind it");
    check_eq(block(0)->head[15], b, "but is the head there");
    check(drains(0, 2, a, b, 0), "both are taken");

    evtchn_close(a);
    a = ipi_port();
    evtchn_send(a);
    check_eq(block(0)->ready, 1u << DEFAULT, "a new port has the default priority");
    drain(0, NULL, 0);
    evtchn_close(a);
    evtchn_close(b);
}

static void check_close(void)
{
    unsigned a = ipi_port(), b;

    evtchn_send(a);
    check_eq(evtchn_close(a), 0, "a pending port is closed");
    check_eq(*word(a), LINKED, "it is not pending any more, but linked");
    b = ipi_port();
    check(b && b != a, "a port that is still linked is not given out");
    evtchn_send(b);
    check_eq(*word(a), LINKED | b, "but may be linked to");
    check(drains(0, 2, a, b, 0), "the queue is whole");
    evtchn_close(b);
    b = ipi_port();
    check_eq(b, a, "a port that is not linked any more is given out again");
    evtchn_close(b);
    check_eq(port_unmask(b), 0, "a closed port is unmasked");
    *word(b) = MASKED | PENDING;
    check_eq(port_unmask(b), 0, "and again with a pending bit that the guest has set");
    check_eq(*word(b), MASKED | PENDING, "without effect");
    *word(b) = 0;
}

/* Words and blocks that the guest has changed as it may not: the guest's own loss alone. */
static void check_spoilt(void)
{
    unsigned a = ipi_port(), b = ipi_port();

    evtchn_send(a);
    *word(a) |= EVTCHN_FIFO_LINK_MASK;
    check_eq(evtchn_send(b), 0, "send behind a port whose link is spoilt");
    check_eq(*word(a), PENDING | LINKED | b, "puts it right");
    *word(b) |= BUSY;
    check_eq(evtchn_send(left), 0, "send behind one that the guest marked busy");
    check_eq(*word(b), PENDING | LINKED | right, "links and clears that");
    *word(right) = 0;
    evtchn_send(a);
    check_eq(evtchn_send(b), 0, "send with the tail's word cleared by the guest");
    check_eq(evtchn_send(left), 0, "and to the tail itself");
    drain(0, NULL, 0);
    check_eq(evtchn_send(left), 0, "afterwards");
    check(drains(0, 1, right, 0, 0), "events go on, without those that were linked before it");
    *word(a) = *word(b) = 0;

    block(0)->head[DEFAULT] = ~0u;
    block(0)->ready = ~0u;
    check_eq(evtchn_send(a), 0, "send with a spoilt control block");
    check_eq(block(0)->head[DEFAULT], a, "the head is written, never read");
    check_eq(upcall_pending(0), 0, "a queue that is said to be ready makes no upcall");
    block(0)->ready = 1u << DEFAULT;
    check(drains(0, 1, a, 0, 0), "and events go on");

    /* All flags on all words of the page: whatever is sent, nothing is linked. */
    for (unsigned i = 0; i < WORDS_PER_PAGE; i++)
        words[0][i] = ~0u;
    check(evtchn_send(a) == 0 && evtchn_send(b) == 0 && port_unmask(a) == 0 && port_unmask(4) == 0,
          "send and unmask with all words spoilt");
    memset((void *)words[0], 0, PAGE_SIZE);
    silence();
    memset(local_head, 0, sizeof(local_head));
    block(0)->ready = 0;
    evtchn_send(a);
    check(drains(0, 1, a, 0, 0), "events go on when they are put right");
    evtchn_close(a);
    evtchn_close(b);
}

static void check_poll(void)
{
    unsigned port = ipi_port();
    uint64_t start;

    *word(port) = MASKED;
    evtchn_send(port);
    start = now();
    check_eq(poll_port(port, start + 2000000000UL), 0, "poll of a pending port");
    check(now() - start < 1000000000UL, "returns at once");
    *word(port) = MASKED;
    start = now();
    check_eq(poll_port(port, start + 20000000UL), 0, "poll of a port that is not pending");
    check(now() - start >= 20000000UL, "waits for the timeout");
    *word(port) = 0;
    evtchn_close(port);
    check_eq(poll_port(130000, 1), -GE_INVAL, "poll of a port that is not there: -EINVAL");
}

/* With one vCPU the moves are not seen, and their checks are left out. */
static void check_vcpus(void)
{
    unsigned a, b, bits;

    if (vcpu_total() < 2) {
        check_eq(init_control(va_to_mfn(control_page[1]), BLOCK_OFFSET, 1, &bits), -GE_NOENT,
                 "init_control of a second vCPU where there is none: -ENOENT");
        return;
    }
    a = unbound_port();
    b = connect(a);
    drain(0, NULL, 0);
    check_eq(bind_vcpu(b, 1), 0, "a port is moved to a vCPU without a control block");
    check_eq(evtchn_send(a), 0, "and sent to");
    check_eq(*word(b), 0, "the event is lost");
    *word(b) = MASKED;
    evtchn_send(a);
    check_eq(*word(b), MASKED, "as it is when the port is masked");
    *word(b) = 0;
    check_eq(init_control(va_to_mfn(control_page[1]), PAGE_SIZE, 1, &bits), -GE_INVAL,
             "a wrong second block: -EINVAL");
    check_eq(init_control(va_to_mfn(control_page[1]), BLOCK_OFFSET, 1, &bits), 0, "the second vCPU's block");
    evtchn_send(a);
    check(block(0)->ready == 0 && block(1)->ready == 1u << DEFAULT, "the event is the second vCPU's");
    check_eq(upcall_pending(1), 1, "so is the upcall");
    bind_vcpu(b, 0);
    check_eq(block(1)->head[DEFAULT], b, "an event that is linked stays where it is");
    check_eq(take(1, DEFAULT), b, "it is taken there");
    block(1)->ready = 0;
    *word(b) = 0;
    evtchn_send(a);
    check_eq(block(0)->head[DEFAULT], b, "the next is the first vCPU's");
    bind_vcpu(right, 1);
    evtchn_send(left);
    check_eq(*word(b), PENDING | LINKED, "a port in the queue that it left is not linked behind it");
    check(drains(0, 1, b, 0, 0) && drains(1, 1, right, 0, 0), "each vCPU has one event");
    bind_vcpu(right, 0);
    evtchn_close(a);
    evtchn_close(b);
}

/* Ports beyond the two-level limit, and words for all that the form allows, in the end all in one page. */
static void check_many(void)
{
    unsigned last = 0, pages = 1, port, limit = is_dom0() ? 4200 : 1023;    /* a guest has no more by default */
    long ret = 0;

    while (pages < ARRAY_SIZE(words) && (ret = expand(va_to_mfn((void *)words[pages]))) == 0)
        pages++;
    check_eq(ret, 0, "words for 5120 ports");
    while (last < limit && (port = ipi_port()) != 0)
        last = port;
    check_eq(last, limit, "more than 4096 ports are allocated, or as many as a guest may have");
    check_eq(evtchn_send(last), 0, "the last of them is sent to");
    check_eq(*word(last), PENDING | LINKED, "and linked");
    check(drains(0, 1, last, 0, 0), "and taken");
    while (pages < MAX_PAGES && (ret = expand(va_to_mfn((void *)words[4]))) == 0)
        pages++;
    check_eq(pages, MAX_PAGES, "words for all ports of the form");
    check_eq(expand(va_to_mfn((void *)words[4])), -GE_NOSPC, "and one page more: -ENOSPC");
    check(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn((void *)words[4])) != 0, "a page of words is no page table");
}

static void check_reset(void)
{
    struct evtchn_reset reset = { .dom = DOMID_SELF };
    unsigned bits, port;

    check_eq(evtchn_op(EVTCHNOP_reset, &reset), 0, "reset");
    check_eq(expand(va_to_mfn((void *)words[0])), -GE_OPNOTSUPP, "events are two-level again");
    check_eq(page_readonly(control_page[0]), 0, "the control page is the guest's");
    memset((void *)words[1], 0, PAGE_SIZE);
    check_eq(page_readonly((void *)words[1]), 0, "so is a page of words");
    check_eq(mmuext(MMUEXT_PIN_L1_TABLE, va_to_mfn((void *)words[1])), 0, "it may be a page table");
    mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn((void *)words[1]));
    page_writable(control_page[0]);
    memset(shared_info->evtchn_pending, 0, sizeof(shared_info->evtchn_pending));
    memset(shared_info->evtchn_mask, 0, sizeof(shared_info->evtchn_mask));
    vcpu_info(0)->evtchn_pending_sel = 0;
    port = ipi_port();
    check_eq(port, 1, "ports begin at 1");
    check_eq(evtchn_send(port), 0, "send");
    check_eq(port_pending(port), 1, "in the two-level form");

    memset(control_page[0], 0, PAGE_SIZE);
    memset((void *)words[0], 0, PAGE_SIZE);
    check_eq(init_control(va_to_mfn(control_page[0]), BLOCK_OFFSET, 0, &bits), 0, "init_control once more");
    check_eq(expand(va_to_mfn((void *)words[0])), 0, "with its words");
    check_eq(block(0)->head[DEFAULT], port, "the pending port is carried over once more");
    check_eq(evtchn_op(EVTCHNOP_reset, &reset), 0, "reset, and the end");
}

TEST_MAIN("fifo")
{
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++)
        words[i] = page_alloc();
    for (unsigned i = 0; i < ARRAY_SIZE(control_page); i++)
        control_page[i] = page_alloc();
    events_mask();
    silence();
    check_before();
    check_switch();
    check_queue();
    check_priority();
    check_close();
    check_spoilt();
    check_poll();
    check_vcpus();
    check_many();
    /* A reset would take a guest's console from it. */
    if (is_dom0())
        check_reset();
}
