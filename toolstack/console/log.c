/* SPDX-License-Identifier: MIT */
/*
 * The bounded console log: a ring addressed by the low bits of a 64-bit count.
 */
#include "log.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static size_t all_rooms;

int log_init(struct console_log *log)
{
    *log = (struct console_log){ .room = LOG_MIN, .data = malloc(LOG_MIN) };
    if (!log->data)
        return -1;
    all_rooms += LOG_MIN;
    return 0;
}

/* Another room for the same bytes, none of which was overwritten so far. */
static bool change_room(struct console_log *log, size_t room)
{
    char *data = realloc(log->data, room);

    if (!data)
        return false;
    all_rooms += room - log->room;
    log->data = data;
    log->room = room;
    return true;
}

void log_free(struct console_log *log)
{
    if (log->data)
        all_rooms -= log->room;
    free(log->data);
    *log = (struct console_log){ 0 };
}

void log_append(struct console_log *log, const char *bytes, size_t count)
{
    while (log->written <= log->room && log->written + count > log->room && log->room < LOG_MAX &&
           all_rooms + log->room <= LOG_POOL && change_room(log, 2 * log->room))
        ;
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

    if (log->written >= room || !log->data)
        return;
    while (room > 1 && room / 2 >= log->written)
        room /= 2;
    change_room(log, room);
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
