/* SPDX-License-Identifier: MIT */
/*
 * Gzip by way of zlib. The output grows as data really comes, so a small file cannot claim much memory that
 * it does not fill, and never beyond the caller's limit.
 */
#include "inflate.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define STEP (64u << 10)
#define GZIP_WINDOW (16 + MAX_WBITS)    /* zlib's way to ask for a gzip header and its check value */

bool is_gzip(const void *data, size_t size)
{
    const uint8_t *bytes = data;

    return size > 18 && bytes[0] == 0x1f && bytes[1] == 0x8b && bytes[2] == 8;
}

/* Make room for at least one more byte, up to the limit. */
static bool grow(uint8_t **buffer, size_t *room, size_t limit)
{
    size_t more = *room < STEP ? STEP : *room;
    uint8_t *bigger;

    if (*room >= limit)
        return false;
    if (more > limit - *room)
        more = limit - *room;
    bigger = realloc(*buffer, *room + more);
    if (!bigger)
        return false;
    *buffer = bigger;
    *room += more;
    return true;
}

int gunzip(const void *data, size_t size, size_t limit, void **out, size_t *out_size, void (*relax)(void),
           const char *name, struct tn_error *err)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = size };
    uint8_t *buffer = NULL;
    size_t room = 0, used = 0;
    int status = Z_OK;

    if (size > UINT32_MAX || inflateInit2(&z, GZIP_WINDOW) != Z_OK)
        return tn_fail(err, "kernel %s: no memory left to unpack it", name);
    while (status == Z_OK) {
        size_t step;

        if (used == room && !grow(&buffer, &room, limit)) {
            tn_fail(err, "kernel %s: unpacks to more than %zu MB, or than memory is left: give a smaller"
                         " image", name, limit >> 20);
            goto fail;
        }
        step = room - used < STEP ? room - used : STEP;
        z.next_out = buffer + used;
        z.avail_out = step;
        status = inflate(&z, Z_NO_FLUSH);
        used += step - z.avail_out;
        relax();
    }
    if (status != Z_STREAM_END) {
        tn_fail(err, "kernel %s: its gzip data is %s: the file is damaged", name,
                status == Z_BUF_ERROR ? "truncated" : "not valid");
        goto fail;
    }
    inflateEnd(&z);
    *out = buffer;
    *out_size = used;
    return 0;

fail:
    inflateEnd(&z);
    free(buffer);
    return -1;
}
