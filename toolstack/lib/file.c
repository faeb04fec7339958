/* SPDX-License-Identifier: MIT */
/*
 * Reading of files by POSIX calls, which each home of the toolstack has.
 */
#include "file.h"
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STEP (128u << 10)

static int failed(const struct open_file *file, const char *why, struct tn_error *err)
{
    const char *domain = file->domain;

    return tn_fail(err, "%s%s%s%s %s: %s: check the path", domain ? "domain " : "", domain ? domain : "",
                   domain ? ": " : "", file->what, file->path, why);
}

int file_open(struct open_file *file, const char *path, const char *what, const char *domain,
              struct tn_error *err)
{
    struct stat st;

    *file = (struct open_file){ .fd = open(path, O_RDONLY), .path = path, .what = what, .domain = domain };
    if (file->fd < 0)
        return failed(file, strerror(errno), err);
    if (fstat(file->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(file->fd);
        return failed(file, "not a regular file", err);
    }
    file->size = st.st_size;
    return 0;
}

void file_close(const struct open_file *file)
{
    close(file->fd);
}

int file_read_at(const struct open_file *file, uint64_t offset, void *to, size_t count, struct tn_error *err)
{
    size_t got = 0;

    if (lseek(file->fd, offset, SEEK_SET) < 0)
        return failed(file, strerror(errno), err);
    while (got < count) {
        ssize_t now = read(file->fd, (char *)to + got, count - got < STEP ? count - got : STEP);

        if (now <= 0)
            return failed(file, now < 0 ? strerror(errno) : "ends too early", err);
        got += now;
        port_yield();
    }
    return 0;
}

int file_read_all(struct file *file, const char *path, const char *what, const char *domain,
                  struct tn_error *err)
{
    struct open_file from;
    int status = -1;

    *file = (struct file){ 0 };
    if (file_open(&from, path, what, domain, err) < 0)
        return -1;
    file->size = from.size;
    file->data = malloc(file->size ? file->size : 1);
    if (file->data)
        status = file_read_at(&from, 0, file->data, file->size, err);
    else
        tn_fail(err, "%s %s: no memory left in this domain to read its %zu KB", what, path, file->size >> 10);
    file_close(&from);
    if (status == 0)
        return 0;
    free(file->data);
    *file = (struct file){ 0 };
    return -1;
}
