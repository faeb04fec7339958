/* SPDX-License-Identifier: MIT */
/*
 * The descriptor layer below newlib's read(), write() and friends. Each kind of
 * descriptor is a table of functions; a NULL entry answers with the error that
 * POSIX has for it. Descriptors 0, 1 and 2 are the console.
 */
#ifndef MINIOS_FD_H
#define MINIOS_FD_H

#include <stddef.h>
#include <sys/types.h>

struct stat;
struct fd_file;

/* All return a count or 0, or -1 with errno set. `f->priv` is the kind's own. */
struct fd_ops {
    const char *kind;
    ssize_t (*read)(struct fd_file *f, void *buf, size_t len);
    ssize_t (*write)(struct fd_file *f, const void *buf, size_t len);
    off_t (*lseek)(struct fd_file *f, off_t offset, int whence);
    int (*fstat)(struct fd_file *f, struct stat *st);
    int (*close)(struct fd_file *f);
    int (*isatty)(struct fd_file *f);
};

struct fd_file {
    const struct fd_ops *ops;
    void *priv;
    off_t pos;
    int flags;          /* as given to open() */
};

#define FD_MAX 128

/* A new descriptor of the given kind: its number, or -1 with errno EMFILE. */
int fd_install(const struct fd_ops *ops, void *priv, int flags);

/* The open file behind a descriptor, or NULL with errno EBADF. */
struct fd_file *fd_get(int fd);

#endif
