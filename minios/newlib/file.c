/* SPDX-License-Identifier: MIT */
/*
 * Files of the RAM disk as descriptors, and directories by opendir(): read-only.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <minios/ramdisk.h>

#include "glue.h"

static ssize_t file_read(struct fd_file *f, void *buf, size_t len)
{
    const struct ramdisk_file *file = f->priv;
    size_t left = (size_t)f->pos < file->size ? file->size - (size_t)f->pos : 0;
    size_t n = len < left ? len : left;

    memcpy(buf, (const char *)file->data + f->pos, n);
    f->pos += (off_t)n;
    return (ssize_t)n;
}

static off_t file_lseek(struct fd_file *f, off_t offset, int whence)
{
    const struct ramdisk_file *file = f->priv;
    off_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? f->pos : (off_t)file->size;
    off_t pos;

    if ((whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END) ||
        __builtin_add_overflow(base, offset, &pos) || pos < 0) {
        errno = EINVAL;
        return -1;
    }
    f->pos = pos;
    return pos;
}

static void fill_stat(const struct ramdisk_file *file, struct stat *st)
{
    *st = (struct stat) { 0 };
    st->st_mode = file->mode;
    st->st_nlink = 1;
    st->st_size = (off_t)file->size;
    st->st_mtime = (time_t)file->mtime;
    st->st_blksize = 4096;
    st->st_blocks = (blkcnt_t)((file->size + 511) / 512);
}

static int file_fstat(struct fd_file *f, struct stat *st)
{
    fill_stat(f->priv, st);
    return 0;
}

static const struct fd_ops file_ops = {
    .kind = "file",
    .read = file_read,
    .lseek = file_lseek,
    .fstat = file_fstat,
};

static int refuse(int error)
{
    errno = error;
    return -1;
}

int open(const char *path, int flags, ...)
{
    const struct ramdisk_file *file = ramdisk_find(path);

    if (!file) {
        return refuse(flags & O_CREAT ? EROFS : ramdisk_is_dir(path) ? EISDIR : ENOENT);
    }
    if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC)) {
        return refuse(EROFS);
    }
    if (S_ISDIR(file->mode)) {
        return refuse(EISDIR);
    }
    return fd_install(&file_ops, (void *)file, flags);
}

int stat(const char *path, struct stat *st)
{
    static const struct ramdisk_file implied = { .mode = S_IFDIR | 0755 };
    const struct ramdisk_file *file = ramdisk_find(path);

    if (!file && ramdisk_is_dir(path)) {
        file = &implied;
    }
    if (!file) {
        return refuse(ENOENT);
    }
    fill_stat(file, st);
    return 0;
}

int access(const char *path, int mode)
{
    if (!ramdisk_find(path) && !ramdisk_is_dir(path)) {
        return refuse(ENOENT);
    }
    return mode & W_OK ? refuse(EROFS) : 0;
}

int unlink(const char *path)
{
    return refuse(ramdisk_find(path) ? EROFS : ENOENT);
}

struct minios_dir {
    size_t next;            /* number of the archive's file to look at next */
    struct dirent entry;
    size_t prefix_len;
    char prefix[];          /* "/guests/", "/" for the root */
};

DIR *opendir(const char *path)
{
    size_t len = strlen(path);
    DIR *dir;
    const struct ramdisk_file *file = ramdisk_find(path);

    if (!ramdisk_is_dir(path)) {
        errno = file ? ENOTDIR : ENOENT;
        return NULL;
    }
    dir = calloc(1, sizeof(*dir) + len + 3);
    if (!dir) {
        return NULL;
    }
    ramdisk_normalise(path, dir->prefix);
    dir->prefix_len = strlen(dir->prefix);
    if (dir->prefix_len > 1) {
        dir->prefix[dir->prefix_len++] = '/';
    }
    return dir;
}

/* The first part of file i's path below the directory: its length, or 0 if there is none. */
static size_t child_name(const DIR *dir, size_t i, const char **name)
{
    const struct ramdisk_file *file = ramdisk_file_at(i);

    if (strncmp(file->path, dir->prefix, dir->prefix_len)) {
        return 0;
    }
    *name = file->path + dir->prefix_len;
    return strcspn(*name, "/");
}

/* A directory shows up once for itself and once for each file in it: the first one counts. */
static bool seen_before(const DIR *dir, size_t i, const char *name, size_t len)
{
    for (size_t j = 0; j < i; j++) {
        const char *other;
        size_t other_len = child_name(dir, j, &other);

        if (other_len == len && !memcmp(other, name, len)) {
            return true;
        }
    }
    return false;
}

struct dirent *readdir(DIR *dir)
{
    const struct ramdisk_file *file;

    while ((file = ramdisk_file_at(dir->next))) {
        size_t i = dir->next++;
        const char *name;
        size_t len = child_name(dir, i, &name);

        if (!len || len >= sizeof(dir->entry.d_name) || seen_before(dir, i, name, len)) {
            continue;
        }
        memcpy(dir->entry.d_name, name, len);
        dir->entry.d_name[len] = '\0';
        dir->entry.d_type = name[len] == '/' || S_ISDIR(file->mode) ? DT_DIR : DT_REG;
        dir->entry.d_ino = (ino_t)(i + 1);
        return &dir->entry;
    }
    return NULL;
}

void rewinddir(DIR *dir)
{
    dir->next = 0;
}

int closedir(DIR *dir)
{
    free(dir);
    return 0;
}
