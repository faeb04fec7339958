/* SPDX-License-Identifier: MIT */
/*
 * Files of the RAM disk by all interfaces. The test's image holds "/dir/hello.txt" with the text
 * "hello, file\n"; without an image the checks are skipped.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <minios/ramdisk.h>

#include "check.h"

static bool listed(const char *path, const char *name)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    unsigned int found = 0;

    while (dir && (entry = readdir(dir))) {
        found += !strcmp(entry->d_name, name);
    }
    if (dir) {
        closedir(dir);
    }
    return found == 1;
}

void test_ramdisk(void)
{
    const char *text = "hello, file\n";
    char buf[32] = "";
    struct stat st;
    FILE *file;
    int fd;

    if (!ramdisk_file_at(0)) {
        check(true, "RAM disk # SKIP there is none");
        return;
    }
    check(ramdisk_find("/dir/hello.txt") && ramdisk_find("dir//./hello.txt"),
          "the file is found by any spelling");
    check(!stat("/dir/hello.txt", &st) && S_ISREG(st.st_mode) && st.st_size == (off_t)strlen(text), "stat");
    fd = open("/dir/hello.txt", O_RDONLY);
    check(fd > 2 && read(fd, buf, sizeof(buf)) == (int)strlen(text) && !strcmp(buf, text), "open and read");
    check(read(fd, buf, sizeof(buf)) == 0 && lseek(fd, 7, SEEK_SET) == 7 && read(fd, buf, 4) == 4 &&
          !memcmp(buf, "file", 4), "end of file, lseek, read again");
    check(lseek(fd, -1, SEEK_SET) == -1 && errno == EINVAL, "no seeking before the start");
    check(!close(fd) && close(fd) == -1 && errno == EBADF, "close, once");
    file = fopen("/dir/hello.txt", "r");
    check(file && fgets(buf, sizeof(buf), file) && !strcmp(buf, text) && !fgets(buf, sizeof(buf), file),
          "stdio");
    if (file) {
        fclose(file);
    }
    check(open("/dir/hello.txt", O_RDWR) == -1 && errno == EROFS, "files are read-only");
    check(open("/dir", O_RDONLY) == -1 && errno == EISDIR, "a directory is no file");
    check(listed("/", "dir") && listed("/dir", "hello.txt") && !listed("/dir", "dir"), "directories list");
    check(!opendir("/nowhere") && errno == ENOENT && !opendir("/dir/hello.txt") && errno == ENOTDIR,
          "or say why not");
}
