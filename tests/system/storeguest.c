/* SPDX-License-Identifier: MIT */
/*
 * The guest of tests/system/store.t: a client of xenstore that speaks the protocol over its own ring. The word
 * on its command line says what it does:
 *
 *     cases     the protocol as an unprivileged guest meets it, and its quotas; then it ends
 *     client    say how long a request takes, and end
 *     silent    send requests and never take an answer, with a watch on what it writes; then stay
 *     garbage   fill the ring page with random bytes and notify, again and again
 *
 * As in the host tests, "|" in a payload stands for a zero byte, and an error's answer reads "ERROR name|".
 */
#include "guest.h"

#include <xen/io/xs_wire.h>

#define POLL_NS   100000000ull
#define ROUNDS    20u
#define READS     50u           /* requests in a round */

static struct xenstore_domain_interface *ring;
static char answer[XENSTORE_PAYLOAD_MAX + 16], event[256];
static uint32_t answer_bytes;
static unsigned events;

/* -- The ring -------------------------------------------------------------------------------------------- */

#define barrier() asm volatile("" ::: "memory")

static void wait_for_event(uint64_t ns)
{
    evtchn_port_t port = start_info->store_evtchn;
    struct sched_poll poll = { .nr_ports = 1, .timeout = now() + ns };

    set_xen_guest_handle(poll.ports, &port);
    HC(sched_op, SCHEDOP_poll, &poll);
    port_clear(port);
}

static void send_bytes(const char *bytes, uint32_t count)
{
    while (count) {
        XENSTORE_RING_IDX prod = ring->req_prod;
        uint32_t room = XENSTORE_RING_SIZE - (prod - *(volatile uint32_t *)&ring->req_cons);

        for (; count && room; count--, room--)
            ring->req[MASK_XENSTORE_IDX(prod++)] = *bytes++;
        barrier();
        ring->req_prod = prod;
        evtchn_send(start_info->store_evtchn);
        if (count)
            wait_for_event(POLL_NS);
    }
}

static void take_bytes(char *bytes, uint32_t count)
{
    while (count) {
        XENSTORE_RING_IDX cons = ring->rsp_cons, prod = *(volatile uint32_t *)&ring->rsp_prod;
        bool was_full = prod - cons == XENSTORE_RING_SIZE;

        barrier();
        for (; count && cons != prod; count--)
            *bytes++ = ring->rsp[MASK_XENSTORE_IDX(cons++)];
        barrier();
        ring->rsp_cons = cons;
        if (was_full)
            evtchn_send(start_info->store_evtchn);
        if (count)
            wait_for_event(POLL_NS);
    }
}

/* -- Requests -------------------------------------------------------------------------------------------- */

static void request(uint32_t type, uint32_t tx, const char *payload)
{
    static char bytes[XENSTORE_PAYLOAD_MAX];
    struct xsd_sockmsg header = { type, 1, tx, strlen(payload) };

    for (uint32_t i = 0; i < header.len; i++)
        bytes[i] = payload[i] == '|' ? 0 : payload[i];
    send_bytes((char *)&header, sizeof(header));
    send_bytes(bytes, header.len);
}

/* The next message becomes `answer`, or if it is an event, `event`; its type. */
static uint32_t take_message(void)
{
    static char bytes[XENSTORE_PAYLOAD_MAX];
    struct xsd_sockmsg header;
    char *to = answer;

    take_bytes((char *)&header, sizeof(header));
    if (header.len > sizeof(bytes))
        bail_out("a message of %u bytes", header.len);
    take_bytes(bytes, header.len);
    if (header.type == XS_WATCH_EVENT) {
        events++;
        to = event;
        if (header.len >= sizeof(event))
            bail_out("an event of %u bytes", header.len);
    } else {
        answer_bytes = header.len;
        if (header.type == XS_ERROR) {
            memcpy(to, "ERROR ", 6);
            to += 6;
        }
    }
    for (uint32_t i = 0; i < header.len; i++)
        *to++ = bytes[i] ? bytes[i] : '|';
    *to = '\0';
    return header.type;
}

static const char *ask(uint32_t type, uint32_t tx, const char *payload)
{
    request(type, tx, payload);
    while (take_message() == XS_WATCH_EVENT)
        ;
    return answer;
}

static bool same(const char *a, const char *b)
{
    return strlen(a) == strlen(b) && memcmp(a, b, strlen(a)) == 0;
}

static void says(uint32_t type, uint32_t tx, const char *payload, const char *wanted)
{
    if (!check(same(ask(type, tx, payload), wanted), "request %u, %s: %s", type, payload, wanted))
        note("answered %s", answer);
}

/* How many of `tries` requests succeed, with a number that counts up where the payload has "%u". */
static unsigned count_ok(uint32_t type, const char *form, unsigned tries)
{
    char payload[64];
    unsigned done = 0;

    for (unsigned i = 0; i < tries; i++) {
        const char *from = form;
        char *to = payload;

        for (; *from; from++) {
            if (*from != '#') {
                *to++ = *from;
                continue;
            }
            *to++ = '0' + i / 1000;
            *to++ = '0' + i / 100 % 10;
            *to++ = '0' + i / 10 % 10;
            *to++ = '0' + i % 10;
        }
        *to = '\0';
        done += strncmp(ask(type, 0, payload), "ERROR", 5) != 0;
    }
    return done;
}

static uint32_t begin(void)
{
    uint32_t id = 0;

    ask(XS_TRANSACTION_START, 0, "|");
    for (const char *digit = answer; *digit >= '0' && *digit <= '9'; digit++)
        id = 10 * id + *digit - '0';
    return id;
}

/* -- What it is for -------------------------------------------------------------------------------------- */

static void nodes(void)
{
    says(XS_WRITE, 0, "data/a|1", "OK|");
    says(XS_READ, 0, "data/a|", "1");
    says(XS_DIRECTORY, 0, "data|", "a|");
    says(XS_DIRECTORY_PART, 0, "data|x|", "ERROR EINVAL|");
    says(XS_MKDIR, 0, "data/b/c|", "OK|");
    says(XS_RM, 0, "data/b|", "OK|");
    says(XS_READ, 0, "data/b/c|", "ERROR ENOENT|");
    says(XS_READ, 0, "/local/domain/0/name|", "ERROR EACCES|");
    says(XS_WRITE, 0, "name|x", "ERROR EACCES|");
    says(XS_SET_PERMS, 0, "data/a|n0|", "ERROR EPERM|");
    says(XS_SET_PERMS, 0, "name|n0|", "ERROR EACCES|");
    says(XS_WRITE, 0, "data//a|x", "ERROR EINVAL|");
    says(XS_INTRODUCE, 0, "9|1|1|", "ERROR EACCES|");
    says(XS_RELEASE, 0, "0|", "ERROR EACCES|");
    says(XS_CONTROL, 0, "check|", "ERROR EACCES|");
    says(XS_IS_DOMAIN_INTRODUCED, 0, "0|", "ERROR EACCES|");
    says(XS_GET_DOMAIN_PATH, 0, "7|", "/local/domain/7|");
    says(99, 0, "|", "ERROR ENOSYS|");
}

static void event_is(const char *wanted)
{
    unsigned before = events;

    while (events == before)
        take_message();
    if (!check(same(event, wanted), "event %s", wanted))
        note("it was %s", event);
}

static void watches(void)
{
    says(XS_WATCH, 0, "data|t|", "OK|");
    event_is("data|t|");
    says(XS_WATCH, 0, "data|t|", "ERROR EEXIST|");
    request(XS_WRITE, 0, "data/x|");
    request(XS_WRITE, 0, "data/y|");
    request(XS_RM, 0, "data/x|");
    for (unsigned answers = 0, seen = events; answers < 3 || events - seen < 3;) {
        static const char *const order[] = { "data/x|t|", "data/y|t|", "data/x|t|" };

        if (take_message() != XS_WATCH_EVENT)
            answers++;
        else if (events - seen <= 3)
            check(same(event, order[events - seen - 1]), "event %u of three changes, in order", events - seen);
    }
    says(XS_UNWATCH, 0, "data|t|", "OK|");
    events = 0;
    says(XS_WRITE, 0, "data/x|", "OK|");
    check(events == 0, "no event without a watch");
}

static void transactions(void)
{
    uint32_t t = begin();

    says(XS_WRITE, t, "data/t|in", "OK|");
    says(XS_READ, 0, "data/t|", "ERROR ENOENT|");
    says(XS_WRITE, 0, "data/beside|", "OK|");
    says(XS_TRANSACTION_END, t, "T|", "OK|");
    says(XS_READ, 0, "data/t|", "in");
    t = begin();
    says(XS_READ, t, "data/t|", "in");
    says(XS_WRITE, 0, "data/t|out", "OK|");
    says(XS_TRANSACTION_END, t, "T|", "ERROR EAGAIN|");
    says(XS_TRANSACTION_END, t, "T|", "ERROR ENOENT|");
}

static void quotas(void)
{
    static char large[2060];
    unsigned done;

    memset(large, 'v', sizeof(large) - 1);
    memcpy(large, "data/l|", 7);
    large[7 + 2048] = '\0';
    check(same(ask(XS_WRITE, 0, large), "OK|"), "a value of 2048 bytes");
    large[7 + 2048] = 'v';
    check(same(ask(XS_WRITE, 0, large), "ERROR ENOSPC|"), "a value of more than 2048 bytes");
    done = count_ok(XS_MKDIR, "data/n#|", 1100);
    check(done > 900 && done < 1000 && same(answer, "ERROR ENOSPC|"), "a guest has less than 1000 nodes");
    says(XS_RM, 0, "data|", "OK|");
    says(XS_MKDIR, 0, "attr/again|", "OK|");
    check(count_ok(XS_WATCH, "data|#|", 200) == 128 && same(answer, "ERROR E2BIG|"), "128 watches");
    check(count_ok(XS_TRANSACTION_START, "|", 20) == 10 && same(answer, "ERROR ENOSPC|"), "10 transactions");
    says(XS_RESET_WATCHES, 0, "|", "OK|");
    check(count_ok(XS_WATCH, "data|#|", 200) == 128, "128 watches after a reset");
}

static void client(void)
{
    uint64_t round[ROUNDS];

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start = now();

        for (unsigned j = 0; j < READS; j++)
            if (strncmp(ask(XS_READ, 0, "domid|"), "ERROR", 5) == 0)
                bail_out("READ: %s", answer);
        round[i] = (now() - start) / READS;
        wait_for_event(1000000);
    }
    for (unsigned i = 1; i < ROUNDS; i++) {
        for (unsigned j = i; j && round[j] < round[j - 1]; j--) {
            uint64_t t = round[j];

            round[j] = round[j - 1];
            round[j - 1] = t;
        }
    }
    check(true, "requests are answered");
    print("# latency %lu ns\n", round[ROUNDS / 2]);
}

static void silent(void)
{
    ask(XS_WATCH, 0, "data|t|");
    for (;;) {
        XENSTORE_RING_IDX before = ring->req_prod;

        request(XS_WRITE, 0, "data/x|");
        if (before == ring->req_prod)
            break;
        if (ring->req_prod - *(volatile uint32_t *)&ring->req_cons > XENSTORE_RING_SIZE - 32)
            break;      /* the store waits until an answer is taken, and that will never be */
    }
    print("# silent now\n");
    for (;;)
        HC(sched_op, SCHEDOP_block, 0);
}

static void garbage(void)
{
    uint64_t random = rdtsc();

    print("# garbage from now on\n");
    for (unsigned i = 0;; i++) {
        for (uint32_t j = 0; j < sizeof(*ring); j++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            ((volatile uint8_t *)ring)[j] = random >> 56;
        }
        if (i % 2) {    /* bytes that are taken as messages */
            ring->connection = XENSTORE_RECONNECT;
            evtchn_send(start_info->store_evtchn);
            wait_for_event(1000000);
            ring->req_prod = ring->req_cons + (uint8_t)random * 4;
        }
        evtchn_send(start_info->store_evtchn);
        wait_for_event(1000000);
    }
}

TEST_MAIN("store")
{
    static const struct {
        const char *word;
        void (*run)(void);
    } roles[] = { { "client", client }, { "silent", silent }, { "garbage", garbage } };
    const char *word = (const char *)start_info->cmd_line;

    ring = mfn_to_va(start_info->store_mfn);
    events_mask();
    for (unsigned i = 0; i < ARRAY_SIZE(roles); i++) {
        if (strncmp(word, roles[i].word, strlen(roles[i].word)) == 0) {
            roles[i].run();
            return;
        }
    }
    nodes();
    watches();
    transactions();
    quotas();
}
