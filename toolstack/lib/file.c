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

static int failed(const char *path, const char *what, const char *domain, const char *why,
                  struct tn_error *err)
{
    return tn_fail(err, "%s%s%s%s %s: %s: check the path", domain ? "domain " : "", domain ? domain : "",
                   domain ? ": " : "", what, path, why);
}

int file_read_all(struct file *file, const char *path, const char *what, const char *domain,
                  struct tn_error *err)
{
    int fd = open(path, O_RDONLY);
    struct stat st;
    size_t got = 0;

    *file = (struct file){ 0 };
    if (fd < 0)
        return failed(path, what, domain, strerror(errno), err);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return failed(path, what, domain, "not a regular file", err);
    }
    file->size = st.st_size;
    file->data = malloc(file->size ? file->size : 1);
    while (file->data && got < file->size) {
        ssize_t now = read(fd, (char *)file->data + got, file->size - got < STEP ? file->size - got : STEP);

        if (now <= 0) {
            failed(path, what, domain, now < 0 ? strerror(errno) : "ends too early", err);
            break;
        }
        got += now;
        port_yield();
    }
    close(fd);
    if (!file->data)
        return tn_fail(err, "%s %s: no memory left in this domain to read its %zu KB", what, path,
                       file->size >> 10);
    if (got == file->size)
        return 0;
    free(file->data);
    *file = (struct file){ 0 };
    return -1;
}
