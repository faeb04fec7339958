/* SPDX-License-Identifier: MIT */
/*
 * Gzip by zlib.
 */
#include "decoder.h"

#include <stdlib.h>
#include <zlib.h>

#define GZIP_WINDOW (16 + MAX_WBITS)    /* zlib's way to ask for a gzip header and its check value */

static void *gzip_open(void)
{
    z_stream *z = calloc(1, sizeof(*z));

    if (z && inflateInit2(z, GZIP_WINDOW) != Z_OK) {
        free(z);
        return NULL;
    }
    return z;
}

static enum decode_status gzip_step(void *state, struct decode_io *io)
{
    z_stream *z = state;
    int rc;

    z->next_in = (Bytef *)(uintptr_t)io->in;
    z->avail_in = io->in_left;
    z->next_out = io->out;
    z->avail_out = io->out_left;
    rc = inflate(z, Z_NO_FLUSH);
    io->in = z->next_in;
    io->in_left = z->avail_in;
    io->out = z->next_out;
    io->out_left = z->avail_out;
    switch (rc) {
    case Z_OK:
    case Z_BUF_ERROR:       /* no input, or no room: the caller sees that nothing moved */
        return DECODE_MORE;
    case Z_STREAM_END:
        return DECODE_END;
    case Z_MEM_ERROR:
        return DECODE_NO_MEMORY;
    default:
        return DECODE_DAMAGED;
    }
}

static void gzip_close(void *state)
{
    inflateEnd(state);
    free(state);
}

const struct decoder decoder_gzip = {
    "gzip", { 0x1f, 0x8b, 8 }, 3, gzip_open, gzip_step, gzip_close,
};
