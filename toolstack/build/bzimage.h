/* SPDX-License-Identifier: MIT */
/*
 * Linux's bzImage (vmlinuz) as a container: boot code, and the packed ELF image in it. The setup header,
 * whose fields Linux's Documentation/x86/boot.rst describes, says where that lies from version 2.08 on.
 */
#ifndef TOOLSTACK_BZIMAGE_H
#define TOOLSTACK_BZIMAGE_H

#include "../lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the file's beginning that hold the fields that are read here. */
#define BZIMAGE_HEADER 0x250u

bool is_bzimage(const uint8_t *head, size_t size);

/*
 * Where the payload lies in a file of `file_size` bytes that begins with `head`. All of it is within the
 * file. `path` stands in the failure line. 0 or -1.
 */
int bzimage_payload(const uint8_t *head, size_t size, uint64_t file_size, const char *path, uint64_t *start,
                    uint64_t *payload_size, struct tn_error *err);

#endif
