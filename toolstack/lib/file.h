/* SPDX-License-Identifier: MIT */
/*
 * Whole files in memory.
 */
#ifndef TOOLSTACK_FILE_H
#define TOOLSTACK_FILE_H

#include "error.h"

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
