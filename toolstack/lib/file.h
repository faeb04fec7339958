/* SPDX-License-Identifier: MIT */
/*
 * Files by their paths: read in pieces, or whole into memory.
 */
#ifndef TOOLSTACK_FILE_H
#define TOOLSTACK_FILE_H

#include "error.h"

#include <stdint.h>

/*
 * A regular file, open for reading. `path`, `what` it is and, unless NULL, the `domain` that it is for stand
 * in failure lines, and must last as long.
 */
struct open_file {
    int fd;
    uint64_t size;
    const char *path, *what, *domain;
};

/* 0, or -1 with the line; file_close() after success only. [waits] */
int file_open(struct open_file *file, const char *path, const char *what, const char *domain,
              struct tn_error *err);
/* `count` bytes from `offset` on; all of them must be there. [waits] */
int file_read_at(const struct open_file *file, uint64_t offset, void *to, size_t count, struct tn_error *err);
void file_close(const struct open_file *file);

struct file {
    void *data;         /* of malloc */
    size_t size;
};

/*
 * Read the file at `path`, letting other threads run in between. `what` it is and, unless NULL, the domain
 * that it is for stand in the failure line. Nothing is held after a failure. [waits]
 */
int file_read_all(struct file *file, const char *path, const char *what, const char *domain,
                  struct tn_error *err);

#endif
