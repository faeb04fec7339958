/* SPDX-License-Identifier: MIT */
/*
 * Console rings, with hostile indices too, and the bounded log.
 */
#include "tap.h"

#include "../console/log.h"
#include "../console/ring.h"

#include <stdlib.h>
#include <string.h>

static void rings(void)
{
    struct xencons_interface *page = calloc(1, sizeof(*page));
    char bytes[sizeof(page->out)];
    struct console_ring ring;
    bool broken;

    page->out_cons = page->out_prod = UINT32_MAX - 2;      /* about to wrap */
    ring_init(&ring, page);
    for (int i = 0; i < 5; i++)
        page->out[MASK_XENCONS_IDX(page->out_prod + i, page->out)] = 'a' + i;
    page->out_prod += 5;
    ok(ring_take(&ring, bytes, sizeof(bytes), &broken) == 5 && !broken && memcmp(bytes, "abcde", 5) == 0 &&
       page->out_cons == 2, "output is taken across the wrap of the indices");
    ok(ring_take(&ring, bytes, sizeof(bytes), &broken) == 0 && !broken, "an empty ring gives nothing");
    page->out_prod += sizeof(page->out);
    ok(ring_take(&ring, bytes, 100, &broken) == 100 && !broken, "no more is taken than there is room for");
    ok(ring_take(&ring, bytes, sizeof(bytes), &broken) == sizeof(page->out) - 100, "and the rest next time");
    page->out_prod += sizeof(page->out) + 1;
    ok(ring_take(&ring, bytes, sizeof(bytes), &broken) == 0 && broken, "an index beyond the ring is noticed");
    ok(ring_take(&ring, bytes, sizeof(bytes), &broken) == 0 && !broken, "once");
    page->out_cons = 12345;
    page->out_prod += 3;
    ok(ring_take(&ring, bytes, sizeof(bytes), &broken) == 3 && page->out_cons == page->out_prod,
       "our own index is not believed when read back");
    ok(ring_give(&ring, "hello", 5) == 5 && page->in_prod == 5 &&
       memcmp(page->in, "hello", 5) == 0, "input is given");
    page->in_cons = 4;
    ok(ring_give(&ring, bytes, sizeof(page->in) + 10) == sizeof(page->in) - 1,
       "as much as there is room for");
    page->in_cons = 0x80000000;
    ok(ring_give(&ring, "x", 1) == 0, "none to a guest whose index makes no sense");
    free(page);
}

static void logs(void)
{
    struct console_log log;
    static struct console_log many[LOG_POOL / LOG_MAX + 2];
    static char bytes[LOG_MAX], out[LOG_MAX];
    struct console_log *last = &many[LOG_POOL / LOG_MAX + 1];
    uint64_t place = 0, missed;
    size_t all = 0;

    ok(log_init(&log) == 0, "a log");
    log_append(&log, "hello", 5);
    ok(log_read(&log, &place, out, 3, &missed) == 3 && log_read(&log, &place, out + 3, 10, &missed) == 2 &&
       missed == 0 && memcmp(out, "hello", 5) == 0, "is read in pieces");
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i;
    log_append(&log, bytes, sizeof(bytes));
    log_append(&log, "end", 3);
    ok(log_read(&log, &place, out, sizeof(out), &missed) == LOG_MAX && missed == 3 &&
       memcmp(out + LOG_MAX - 3, "end", 3) == 0 &&
       out[0] == bytes[3], "keeps the newest bytes and tells what is gone");
    log_free(&log);
    log_init(&log);
    log_append(&log, bytes, 100);
    log_trim(&log);
    place = 0;
    ok(log.room == 128 && log_read(&log, &place, out, sizeof(out), NULL) == 100 &&
       memcmp(out, bytes, 100) == 0, "gives back what it does not fill");
    log_free(&log);
    log_init(&log);
    log_trim(&log);
    place = 0;
    ok(log_read(&log, &place, out, sizeof(out), NULL) == 0, "may be empty");
    log_free(&log);
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
        log_init(&many[i]);
        log_append(&many[i], bytes, sizeof(bytes));
        log_append(&many[i], "end", 3);
        all += many[i].room;
    }
    place = 0;
    ok(all <= LOG_POOL + 2 * LOG_MIN && many[0].room == LOG_MAX && last->room < LOG_MAX &&
       log_read(last, &place, out, sizeof(out), NULL) == last->room &&
       memcmp(out + last->room - 3, "end", 3) == 0, "all of them together stay within their bound, and work");
    for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
        log_free(&many[i]);
}

void test_console(void)
{
    rings();
    logs();
}
