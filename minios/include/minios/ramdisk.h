/* SPDX-License-Identifier: MIT */
/*
 * The RAM disk that the domain builder loaded beside the kernel: a cpio archive
 * ("newc", as `cpio -o -H newc` writes; not compressed), read in place. open(),
 * read(), stat() and opendir() reach the same files; these functions give the
 * bytes without a copy.
 */
#ifndef MINIOS_RAMDISK_H
#define MINIOS_RAMDISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ramdisk_file {
    const char *path;       /* absolute, normalised: "/guests/hello.cfg"; "/" for the root */
    const void *data;
    size_t size;
    uint32_t mode;          /* as in struct stat */
    int64_t mtime;          /* seconds since 1970 */
};

/* The file or directory at `path` ("a//b/./c" and a missing leading slash are understood), or NULL. */
const struct ramdisk_file *ramdisk_find(const char *path);

/* File number i of the archive in its own order, or NULL past the end: for listings. */
const struct ramdisk_file *ramdisk_file_at(size_t i);

/* True if a directory of that path exists or a file lies below it. */
bool ramdisk_is_dir(const char *path);

/* "a//b/./c/" becomes "/a/b/c", "" becomes "/"; out has room for strlen(path) + 2 bytes. */
void ramdisk_normalise(const char *path, char *out);

#endif
