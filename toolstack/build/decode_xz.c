/* SPDX-License-Identifier: MIT */
/*
 * Xz and its ancestor, the bare LZMA file, by liblzma.
 */
#include "decoder.h"

#include <lzma.h>
#include <stdlib.h>

#define MEMORY_LIMIT ((uint64_t)DECODER_MAX_MB << 20)

static void *open_by(lzma_ret (*start)(lzma_stream *))
{
    lzma_stream *lzma = malloc(sizeof(*lzma));

    if (!lzma)
        return NULL;
    *lzma = (lzma_stream)LZMA_STREAM_INIT;
    if (start(lzma) != LZMA_OK) {
        free(lzma);
        return NULL;
    }
    return lzma;
}

/* A check value that cannot be verified is refused: it is all that tells damage from data. */
static lzma_ret start_xz(lzma_stream *lzma)
{
    return lzma_stream_decoder(lzma, MEMORY_LIMIT, LZMA_TELL_UNSUPPORTED_CHECK);
}

static lzma_ret start_lzma(lzma_stream *lzma)
{
    return lzma_alone_decoder(lzma, MEMORY_LIMIT);
}

static void *xz_open(void)
{
    return open_by(start_xz);
}

static void *lzma_open(void)
{
    return open_by(start_lzma);
}

static enum decode_status xz_step(void *state, struct decode_io *io)
{
    lzma_stream *lzma = state;
    lzma_ret rc;

    lzma->next_in = io->in;
    lzma->avail_in = io->in_left;
    lzma->next_out = io->out;
    lzma->avail_out = io->out_left;
    rc = lzma_code(lzma, LZMA_RUN);
    io->in = lzma->next_in;
    io->in_left = lzma->avail_in;
    io->out = lzma->next_out;
    io->out_left = lzma->avail_out;
    switch (rc) {
    case LZMA_OK:
    case LZMA_BUF_ERROR:
        return DECODE_MORE;
    case LZMA_STREAM_END:
        return DECODE_END;
    case LZMA_MEMLIMIT_ERROR:
        return DECODE_TOO_LARGE;
    case LZMA_MEM_ERROR:
        return DECODE_NO_MEMORY;
    case LZMA_OPTIONS_ERROR:
    case LZMA_UNSUPPORTED_CHECK:
        return DECODE_FOREIGN;
    default:
        return DECODE_DAMAGED;
    }
}

static void xz_close(void *state)
{
    lzma_end(state);
    free(state);
}

const struct decoder decoder_xz = {
    "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, xz_open, xz_step, xz_close,
};

/* The properties byte of nearly every file, and the low half of a dictionary size that is a power of two. */
const struct decoder decoder_lzma = {
    "LZMA", { 0x5d, 0, 0 }, 3, lzma_open, xz_step, xz_close,
};
