/* SPDX-License-Identifier: MIT */
/*
 * Unpacking of gzip'd images, with limits: the packed data is hostile input, and its own statement of its
 * size is not believed.
 */
#ifndef TOOLSTACK_INFLATE_H
#define TOOLSTACK_INFLATE_H

#include "../lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool is_gzip(const void *data, size_t size);

/*
 * Unpack a gzip file into fresh memory of at most `limit` bytes; *out is freed with free(). `name` stands in
 * the failure line. `relax` is called every 64 KiB. Returns 0 or -1.
 */
int gunzip(const void *data, size_t size, size_t limit, void **out, size_t *out_size, void (*relax)(void),
           const char *name, struct tn_error *err);

#endif
