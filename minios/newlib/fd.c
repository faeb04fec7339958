/* SPDX-License-Identifier: MIT */
/*
 * The descriptor table and the POSIX calls on it. What a descriptor is, its own
 * table of functions knows (console_fd.c, file.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <minios/fd.h>

#include "glue.h"

static struct fd_file console_files[3] = {
    { .ops = &console_fd_ops, .flags = O_RDONLY },
    { .ops = &console_fd_ops, .flags = O_WRONLY },
    { .ops = &console_fd_ops, .flags = O_WRONLY },
};

static struct fd_file *table[FD_MAX] = { &console_files[0], &console_files[1], &console_files[2] };

struct fd_file *fd_get(int fd)
{
    if (fd < 0 || fd >= FD_MAX || !table[fd]) {
        errno = EBADF;
        return NULL;
    }
    return table[fd];
}

int fd_install(const struct fd_ops *ops, void *priv, int flags)
{
    for (int fd = 0; fd < FD_MAX; fd++) {
        if (!table[fd]) {
            struct fd_file *file = calloc(1, sizeof(*file));

            if (!file) {
                errno = ENOMEM;
                return -1;
            }
            *file = (struct fd_file) { .ops = ops, .priv = priv, .flags = flags };
            table[fd] = file;
            return fd;
        }
    }
    errno = EMFILE;
    return -1;
}

static int refuse(int error)
{
    errno = error;
    return -1;
}

int read(int fd, void *buf, size_t len)
{
    struct fd_file *f = fd_get(fd);

    if (!f) {
        return -1;
    }
    if (!f->ops->read || (f->flags & O_ACCMODE) == O_WRONLY) {
        return refuse(EBADF);
    }
    return (int)f->ops->read(f, buf, len);
}

int write(int fd, const void *buf, size_t len)
{
    struct fd_file *f = fd_get(fd);

    if (!f) {
        return -1;
    }
    if (!f->ops->write || (f->flags & O_ACCMODE) == O_RDONLY) {
        return refuse(EBADF);
    }
    return (int)f->ops->write(f, buf, len);
}

off_t lseek(int fd, off_t offset, int whence)
{
    struct fd_file *f = fd_get(fd);

    if (!f) {
        return -1;
    }
    return f->ops->lseek ? f->ops->lseek(f, offset, whence) : refuse(ESPIPE);
}

int fstat(int fd, struct stat *st)
{
    struct fd_file *f = fd_get(fd);

    if (!f) {
        return -1;
    }
    *st = (struct stat) { 0 };
    return f->ops->fstat ? f->ops->fstat(f, st) : 0;
}

int isatty(int fd)
{
    struct fd_file *f = fd_get(fd);

    if (!f) {
        return 0;
    }
    if (f->ops->isatty && f->ops->isatty(f)) {
        return 1;
    }
    errno = ENOTTY;
    return 0;
}

int close(int fd)
{
    struct fd_file *f = fd_get(fd);
    int ret;

    if (!f) {
        return -1;
    }
    table[fd] = NULL;
    ret = f->ops->close ? f->ops->close(f) : 0;
    if (f < console_files || f >= console_files + 3) {
        free(f);
    }
    return ret;
}
