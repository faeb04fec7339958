/* SPDX-License-Identifier: MIT */
/*
 * The bounded console log: a ring addressed by the low bits of a 64-bit count.
 */
#include "log.h"

#include <stdlib.h>
#include <string.h>

int log_init(struct console_log *log)
{
    *log = (struct console_log){ .room = LOG_SIZE, .data = malloc(LOG_SIZE) };
    return log->data ? 0 : -1;
}

void log_free(struct console_log *log)
{
    free(log->data);
    *log = (struct console_log){ 0 };
}

void log_append(struct console_log *log, const char *bytes, size_t count)
{
    while (count && log->data) {
        size_t at = log->written & (log->room - 1), now = log->room - at;

        if (now > count)
            now = count;
        memcpy(log->data + at, bytes, now);
        log->written += now;
        bytes += now;
        count -= now;
    }
}

void log_trim(struct console_log *log)
{
    size_t room = log->room;
    char *smaller;

    if (log->written >= room || !log->data)
        return;
    while (room > 1 && room / 2 >= log->written)
        room /= 2;
    smaller = realloc(log->data, room);
    if (!smaller)
        return;
    log->data = smaller;
    log->room = room;
}

size_t log_read(const struct console_log *log, uint64_t *place, char *to, size_t count, uint64_t *missed)
{
    uint64_t oldest = log->written > log->room ? log->written - log->room : 0;
    size_t got = 0;

    if (missed)
        *missed = *place < oldest ? oldest - *place : 0;
    if (*place < oldest)
        *place = oldest;
    while (got < count && *place < log->written) {
        size_t at = *place & (log->room - 1), now = log->room - at;

        if (now > log->written - *place)
            now = log->written - *place;
        if (now > count - got)
            now = count - got;
        memcpy(to + got, log->data + at, now);
        *place += now;
        got += now;
    }
    return got;
}
