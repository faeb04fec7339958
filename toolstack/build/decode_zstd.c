/* SPDX-License-Identifier: MIT */
/*
 * Zstandard by libzstd.
 */
#include "decoder.h"

#define ZSTD_STATIC_LINKING_ONLY        /* ZSTD_WINDOWLOG_LIMIT_DEFAULT, ZSTD_getErrorCode() */
#include <zstd.h>
#include <zstd_errors.h>

_Static_assert(1u << ZSTD_WINDOWLOG_LIMIT_DEFAULT == DECODER_MAX_MB << 20, "the library's own limit is ours");

static void *zstd_open(void)
{
    return ZSTD_createDCtx();
}

static enum decode_status zstd_step(void *state, struct decode_io *io)
{
    ZSTD_inBuffer in = { io->in, io->in_left, 0 };
    ZSTD_outBuffer out = { io->out, io->out_left, 0 };
    size_t rc = ZSTD_decompressStream(state, &out, &in);

    io->in += in.pos;
    io->in_left -= in.pos;
    io->out += out.pos;
    io->out_left -= out.pos;
    if (!ZSTD_isError(rc))
        return rc == 0 ? DECODE_END : DECODE_MORE;
    switch (ZSTD_getErrorCode(rc)) {
    case ZSTD_error_memory_allocation:
        return DECODE_NO_MEMORY;
    case ZSTD_error_frameParameter_windowTooLarge:
        return DECODE_TOO_LARGE;
    case ZSTD_error_version_unsupported:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_dictionary_wrong:
        return DECODE_FOREIGN;
    case ZSTD_error_noForwardProgress_destFull:
    case ZSTD_error_noForwardProgress_inputEmpty:
        return DECODE_MORE;
    default:
        return DECODE_DAMAGED;
    }
}

static void zstd_close(void *state)
{
    ZSTD_freeDCtx(state);
}

const struct decoder decoder_zstd = {
    "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, zstd_open, zstd_step, zstd_close,
};
