/* SPDX-License-Identifier: MIT */
/*
 * The domain's console: the hypervisor's own for Domain-0, the shared ring with
 * its back end for a guest. One interface for both. Line functions echo and edit; the
 * character functions do neither. For threads, but for console_write_poll.
 */
#ifndef MINIOS_CONSOLE_H
#define MINIOS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Results of the reading functions below zero. */
#define CONSOLE_TIMEOUT (-1)
#define CONSOLE_EOF (-2)

/* Write bytes as they are. Blocks while the back end is slow; drops output if it is dead. */
void console_write_raw(const void *data, size_t len);

/* Write text: a newline also returns the carriage where the console does not do so by itself. */
void console_write(const char *data, size_t len);

/* Write text without blocking for long, from any context. */
void console_write_poll(const char *data, size_t len);

/* Next character (0..255), or CONSOLE_TIMEOUT. Blocking: other threads run. */
int console_getc(int64_t timeout_ms);

/* True if console_getc would return at once. */
bool console_input_ready(void);

/*
 * One line, echoed, with backspace, Ctrl-u (empty the line), Ctrl-w (delete a word) and Ctrl-c (give up the
 * line); without its end, terminated by NUL. Length, CONSOLE_TIMEOUT (what was typed so far is kept for the
 * next call), or CONSOLE_EOF for Ctrl-d on an empty line. What does not fit is refused with a bell.
 */
int console_read_line(char *buf, size_t size, int64_t timeout_ms);

#endif
