/* SPDX-License-Identifier: MIT */
/*
 * A bounded log of one guest's console output: its last bytes, and a count of all that ever came, so that
 * readers keep their own place and learn how much they missed. A log grows with what is written, from LOG_MIN
 * up to LOG_MAX, as far as LOG_POOL allows for all logs together. Pure code.
 */
#ifndef TOOLSTACK_CONSOLE_LOG_H
#define TOOLSTACK_CONSOLE_LOG_H

#include <stddef.h>
#include <stdint.h>

#define LOG_MIN  (4u << 10)
#define LOG_MAX  (128u << 10)       /* what a Linux kernel says while it boots, twice */
#define LOG_POOL (4u << 20)

struct console_log {
    uint64_t written;       /* bytes ever appended */
    size_t room;            /* of data[]: a power of two */
    char *data;
};

/* 0, or -1 without memory. */
int log_init(struct console_log *log);
void log_free(struct console_log *log);
void log_append(struct console_log *log, const char *bytes, size_t count);
/* Give back the memory that the log does not fill; nothing can be appended afterwards. */
void log_trim(struct console_log *log);

/*
 * Up to `count` bytes from *place on, into `to`; moves *place. When bytes at *place were overwritten already,
 * *missed (may be NULL) receives how many, and reading goes on with the oldest that is left. Returns the
 * bytes got.
 */
size_t log_read(const struct console_log *log, uint64_t *place, char *to, size_t count, uint64_t *missed);

#endif
