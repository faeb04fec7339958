/* SPDX-License-Identifier: MIT */
/*
 * One packing format, as the unpacker sees it: an object that takes packed bytes and gives plain ones, as
 * many at a time as there is room for. Packed data is hostile: a decoder bounds the memory that it takes by
 * itself, and each step ends for want of input or of room.
 */
#ifndef TOOLSTACK_DECODER_H
#define TOOLSTACK_DECODER_H

#include <stddef.h>
#include <stdint.h>

/* The most that a decoder may ask for as its dictionary: what `xz -9` and the largest zstd level use. */
#define DECODER_MAX_MB 128u

enum decode_status {
    DECODE_MORE,        /* all is well so far */
    DECODE_END,         /* the packed data is complete, and its check value, where it has one, is right */
    DECODE_DAMAGED,
    DECODE_FOREIGN,     /* sound perhaps, but of a kind that is not built in */
    DECODE_TOO_LARGE,   /* wants a dictionary of more than DECODER_MAX_MB */
    DECODE_NO_MEMORY,
};

/* Both moved by a step. */
struct decode_io {
    const uint8_t *in;
    size_t in_left;
    uint8_t *out;
    size_t out_left;
};

struct decoder {
    const char *name;
    uint8_t magic[6];           /* the packed data begins with these */
    uint8_t magic_size;
    void *(*open)(void);        /* NULL: no memory left */
    /*
     * Take what is at hand, give what there is room for. With no input left (in_left 0 at the start) the
     * packed data is over: DECODE_END if it may end there, else DECODE_MORE without output.
     */
    enum decode_status (*step)(void *state, struct decode_io *io);
    void (*close)(void *state);
};

extern const struct decoder decoder_gzip, decoder_xz, decoder_lzma, decoder_zstd, decoder_lz4;

#endif
