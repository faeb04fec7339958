/* SPDX-License-Identifier: MIT */
/*
 * Directory reading, which newlib's <dirent.h> leaves to the system: over the RAM
 * disk (dirent.c).
 */
#ifndef MINIOS_SYS_DIRENT_H
#define MINIOS_SYS_DIRENT_H

#include <sys/types.h>

#define DT_UNKNOWN 0
#define DT_DIR 4
#define DT_REG 8

struct dirent {
    ino_t d_ino;
    unsigned char d_type;
    char d_name[256];
};

typedef struct minios_dir DIR;

/* Names in a directory, each once; "." and ".." are not among them. */
DIR *opendir(const char *path);
struct dirent *readdir(DIR *dir);
void rewinddir(DIR *dir);
int closedir(DIR *dir);

#endif
