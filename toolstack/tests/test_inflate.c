/* SPDX-License-Identifier: MIT */
/*
 * Gzip'd images: unpacked whole, or refused with a line and nothing held.
 */
#include "tap.h"

#include "../build/inflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static void no_relax(void)
{
}

/* Pack `size` bytes as gzip does; the caller frees. */
static uint8_t *pack(const void *data, size_t size, size_t *packed)
{
    size_t room = size + 1000;
    uint8_t *out = malloc(room);
    z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = size, .next_out = out,
                   .avail_out = room };

    deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    deflate(&z, Z_FINISH);
    *packed = room - z.avail_out;
    deflateEnd(&z);
    return out;
}

/* An exact heap copy of the first `size` bytes, for the sanitizer, unpacked. */
static int unpack(const uint8_t *packed, size_t size, size_t limit, void **out, size_t *out_size,
                  struct tn_error *err)
{
    uint8_t *copy = malloc(size ? size : 1);
    int status;

    memcpy(copy, packed, size);
    tn_clear(err);
    status = gunzip(copy, size, limit, out, out_size, no_relax, "k", err);
    free(copy);
    return status;
}

void test_inflate(void)
{
    size_t size = 3000000, packed_size, got;
    uint8_t *data = malloc(size), *packed;
    struct tn_error err = { "" };
    bool all_refused = true;
    void *out;

    for (size_t i = 0; i < size; i++)
        data[i] = i * i >> 7;
    packed = pack(data, size, &packed_size);
    ok(is_gzip(packed, packed_size) && !is_gzip(data, size) && !is_gzip(packed, 5), "gzip is recognized");
    if (ok(unpack(packed, packed_size, 4 << 20, &out, &got, &err) == 0, "an image is unpacked %s",
           err.text)) {
        ok(got == size && memcmp(out, data, size) == 0, "to what it was");
        free(out);
    }
    ok(unpack(packed, packed_size, size, &out, &got, &err) == 0, "a limit that just fits does");
    free(out);
    unpack(packed, packed_size, size - 1, &out, &got, &err);
    failed_with(err.text, "unpacks to more", "a limit that does not fit refuses");
    unpack(packed, packed_size / 2, 4 << 20, &out, &got, &err);
    failed_with(err.text, "truncated", "half a file is truncated");
    packed[packed_size - 6] ^= 1;
    unpack(packed, packed_size, 4 << 20, &out, &got, &err);
    failed_with(err.text, "not valid", "a wrong check value is damage");
    packed[packed_size - 6] ^= 1;
    srand(2);
    for (int i = 0; i < 200; i++) {
        size_t at = rand() % packed_size;
        uint8_t old = packed[at];

        packed[at] ^= 1 << rand() % 8;
        if (unpack(packed, packed_size, 4 << 20, &out, &got, &err) == 0) {
            all_refused &= memcmp(out, data, size) == 0;    /* header fields that carry no data */
            free(out);
        }
        packed[at] = old;
    }
    ok(all_refused, "no flipped bit unpacks to something else");
    free(packed);
    free(data);
}
