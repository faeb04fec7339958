/* SPDX-License-Identifier: MIT */
/*
 * The console as descriptors 0, 1 and 2: text out, edited lines in.
 */
#include <string.h>
#include <sys/stat.h>

#include <minios/console.h>
#include <minios/thread.h>

#include "glue.h"

/* A line that was read and not yet handed out, with its newline. */
static struct {
    char text[1024];
    size_t at, len;
} pending;

static ssize_t console_fd_read(struct fd_file *f, void *buf, size_t len)
{
    size_t n;

    (void)f;
    if (pending.at == pending.len) {
        int got = console_read_line(pending.text, sizeof(pending.text) - 1, WAIT_FOREVER);

        if (got < 0) {
            return 0;
        }
        pending.text[got] = '\n';
        pending.at = 0;
        pending.len = (size_t)got + 1;
    }
    n = pending.len - pending.at < len ? pending.len - pending.at : len;
    memcpy(buf, pending.text + pending.at, n);
    pending.at += n;
    return (ssize_t)n;
}

static ssize_t console_fd_write(struct fd_file *f, const void *buf, size_t len)
{
    (void)f;
    console_write(buf, len);
    return (ssize_t)len;
}

static int console_fd_fstat(struct fd_file *f, struct stat *st)
{
    (void)f;
    st->st_mode = S_IFCHR | 0620;
    st->st_blksize = 1024;
    return 0;
}

static int console_fd_isatty(struct fd_file *f)
{
    (void)f;
    return 1;
}

const struct fd_ops console_fd_ops = {
    .kind = "console",
    .read = console_fd_read,
    .write = console_fd_write,
    .fstat = console_fd_fstat,
    .isatty = console_fd_isatty,
};
