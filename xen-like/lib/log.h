/* SPDX-License-Identifier: MIT */
/*
 * Messages and the end of the world. log_*() is for what the hypervisor has to say (filtered by loglvl=),
 * guest_log() for what a guest provokes (filtered by guest_loglvl=, and limited in rate, so that no guest can
 * flood the console). A guest must not be able to reach BUG() or panic().
 */
#pragma once

#include <stdarg.h>

#include "lib/types.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/*
 * A whole line: its end is added where fmt does not have it. Any context, any lock held (the console's own
 * excepted), before and after the console is up.
 */
void log_at(enum log_level level, const char *fmt, ...) __printf(2, 3);
#define log_err(...)   log_at(LOG_ERR, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)

/* Prefixed with "dN: "; domid is the domain that provoked it. */
void guest_log(unsigned domid, enum log_level level, const char *fmt, ...) __printf(3, 4);

/* Unfiltered, unprefixed: reports, panics. */
void printk(const char *fmt, ...) __printf(1, 2);

/*
 * Prints the message, registers and a symbolized backtrace, stops all CPUs, then resets or waits (noreboot).
 */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn __cold;

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

#define BUG()       panic("BUG at %s:%d", __FILE__, __LINE__)
#define BUG_ON(x)   do { if (unlikely(x)) panic("BUG: %s at %s:%d", #x, __FILE__, __LINE__); } while (0)
#ifdef DEBUG
#define ASSERT(x)   do { if (unlikely(!(x))) panic("assertion failed: %s at %s:%d", #x, __FILE__, __LINE__); } while (0)
#else
#define ASSERT(x)   do { if (0) (void)(x); } while (0)
#endif
