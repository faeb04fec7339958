/* SPDX-License-Identifier: MIT */
/*
 * FIFO events, from the hypervisor's own files: queues and links, priorities, masks, moves between vCPUs,
 * pages; then random operations by a guest that is honest, and by one that spoils its words.
 */
#include <stdlib.h>
#include <string.h>

#include "event/private.h"
#include "fake/event.h"
#include "fake/machine.h"
#include "pv/hypercall.h"
#include "tap.h"

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
    b = bind_inter(2, 1, (u32)a);
    ok(priority(2, b, 1) == -ENOSYS && expand(2, 20) == -EOPNOTSUPP, "FIFO operations before their time");
    ok(init_control(2, 2, 6, 0) == -ENOENT && init_control(2, 0, 6, 4) == -EINVAL && pages_in_use == 0 &&
           init_control(2, 0, 6, PAGE_SIZE - 64) == -EINVAL && init_control(2, 0, PAGES, 0) == -EINVAL &&
           !dom[2]->event.fifo, "wrong control blocks change nothing");
    fifo(2, 0);
    ok(pages_in_use == VCPUS && init_control(2, 0, 6, 0) == -EINVAL, "one each is taken");
    c = alloc(1, DOMID_SELF, 2);
    clear_pending(2);
    ok(bind_inter(2, 1, (u32)c) == b + 1 && !unblocked[2][0], "an event without a word waits");
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
        bind_inter(0, 0, (u32)alloc(0, DOMID_SELF, 0));
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
int main(void)
{
    if (!event_pages())
        return 1;
    test_fifo();
    for (unsigned int seed = 1; seed <= 4; seed++)
        test_fifo_random(seed, 30000, seed % 2 == 0);
    return done_testing();
}
