/* SPDX-License-Identifier: MIT */
/*
 * The RAM disk: a cpio archive in the "newc" format, indexed once at boot. Each
 * entry is a header of 110 characters (a magic and thirteen numbers in eight hex digits), the name
 * with its NUL, and the data; name and data are each padded to four bytes. The archive is outside
 * input: sizes are checked against what is left, and a bad entry ends the list with a message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <minios/kernel.h>
#include <minios/ramdisk.h>

#include "internal.h"

#define HEADER_SIZE 110
#define MAGIC "070701"
#define MAGIC_CRC "070702"
#define LAST_NAME "TRAILER!!!"

/* Numbers of the header, by their order behind the magic. */
enum { FIELD_MODE = 1, FIELD_MTIME = 5, FIELD_FILESIZE = 6, FIELD_NAMESIZE = 11 };

static struct {
    struct ramdisk_file *files;
    size_t n, room;
} disk;

static const struct ramdisk_file root = { .path = "/", .data = NULL, .size = 0, .mode = S_IFDIR | 0755 };

/* Eight hex digits; false if they are not. */
static bool header_field(const char *header, unsigned int field, uint32_t *value)
{
    const char *digits = header + sizeof(MAGIC) - 1 + field * 8;

    *value = 0;
    for (unsigned int i = 0; i < 8; i++) {
        char c = digits[i];
        uint32_t digit;

        if (c >= '0' && c <= '9') {
            digit = c - '0';
        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            digit = (c | 0x20) - 'a' + 10;
        } else {
            return false;
        }
        *value = *value << 4 | digit;
    }
    return true;
}

void ramdisk_normalise(const char *path, char *out)
{
    size_t len = 0;

    while (*path) {
        size_t part = strcspn(path, "/");

        if (part && !(part == 1 && path[0] == '.')) {
            out[len++] = '/';
            memcpy(out + len, path, part);
            len += part;
        }
        path += part;
        path += *path == '/';
    }
    if (!len) {
        out[len++] = '/';
    }
    out[len] = '\0';
}

static bool add_file(const char *name, const void *data, size_t size, uint32_t mode, uint32_t mtime)
{
    char *path = malloc(strlen(name) + 2);

    if (disk.n == disk.room) {
        size_t room = disk.room ? disk.room * 2 : 16;
        struct ramdisk_file *files = realloc(disk.files, room * sizeof(*files));

        if (files) {
            disk.files = files;
            disk.room = room;
        }
    }
    if (!path || disk.n == disk.room) {
        free(path);
        printk("minios: RAM disk: no memory to list file '%s' and what follows it\n", name);
        return false;
    }
    ramdisk_normalise(name, path);
    disk.files[disk.n++] = (struct ramdisk_file) {
        .path = path, .data = data, .size = size, .mode = mode, .mtime = mtime,
    };
    return true;
}

static size_t pad4(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

/* One entry at `at`; returns where the next begins, or 0 at the end of the archive or at a bad entry. */
static size_t read_entry(const char *archive, size_t size, size_t at)
{
    const char *header = archive + at, *name = header + HEADER_SIZE;
    uint32_t mode, mtime, file_size, name_size;
    size_t data;

    if (size - at < HEADER_SIZE || (memcmp(header, MAGIC, 6) && memcmp(header, MAGIC_CRC, 6)) ||
        !header_field(header, FIELD_MODE, &mode) || !header_field(header, FIELD_MTIME, &mtime) ||
        !header_field(header, FIELD_FILESIZE, &file_size) ||
        !header_field(header, FIELD_NAMESIZE, &name_size) ||
        !name_size || name_size > size - at - HEADER_SIZE || name[name_size - 1]) {
        printk("minios: RAM disk: no cpio \"newc\" entry at offset %zu of %zu; what follows is ignored\n", at,
               size);
        return 0;
    }
    if (!strcmp(name, LAST_NAME)) {
        return 0;
    }
    data = pad4(at + HEADER_SIZE + name_size);
    if (data > size || file_size > size - data) {
        printk("minios: RAM disk: file '%s' is cut off; it is ignored\n", name);
        return 0;
    }
    if (!add_file(name, archive + data, file_size, mode, mtime)) {
        return 0;
    }
    return pad4(data + file_size) < size ? pad4(data + file_size) : 0;
}

void ramdisk_init(const void *archive, size_t size)
{
    size_t at = 0;

    do {
        at = read_entry(archive, size, at);
    } while (at);
}

const struct ramdisk_file *ramdisk_file_at(size_t i)
{
    return i < disk.n ? &disk.files[i] : NULL;
}

const struct ramdisk_file *ramdisk_find(const char *path)
{
    char *wanted = malloc(strlen(path) + 2);
    const struct ramdisk_file *found = NULL;

    if (!wanted) {
        return NULL;
    }
    ramdisk_normalise(path, wanted);
    for (size_t i = 0; i < disk.n && !found; i++) {
        found = strcmp(disk.files[i].path, wanted) ? NULL : &disk.files[i];
    }
    if (!found && !strcmp(wanted, "/")) {
        found = &root;
    }
    free(wanted);
    return found;
}

bool ramdisk_is_dir(const char *path)
{
    const struct ramdisk_file *file = ramdisk_find(path);
    char *wanted;
    size_t len;
    bool found = false;

    if (file) {
        return S_ISDIR(file->mode);
    }
    wanted = malloc(strlen(path) + 2);
    if (!wanted) {
        return false;
    }
    ramdisk_normalise(path, wanted);
    len = strlen(wanted);
    for (size_t i = 0; i < disk.n && !found; i++) {
        found = !strncmp(disk.files[i].path, wanted, len) && disk.files[i].path[len] == '/';
    }
    free(wanted);
    return found;
}
