/* SPDX-License-Identifier: MIT */
/*
 * Kernels to alter, and the altering.
 */
#ifndef TESTS_FUZZ_BUILDER_FUZZ_H
#define TESTS_FUZZ_BUILDER_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct input {
    const char *path;
    uint8_t *bytes;
    size_t size;
};

struct image {
    uint8_t *bytes;     /* of malloc */
    size_t size;
};

/* One of the inputs that have more than `limit` bytes (`above`) or not more; there must be one. */
const struct input *pick_input(const struct input *inputs, unsigned count, size_t limit, bool above);

/* A copy of the input, altered in one way or several; by random() alone. */
struct image altered(const struct input *input);

#endif
