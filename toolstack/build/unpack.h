/* SPDX-License-Identifier: MIT */
/*
 * A stretch of a file as a stream of plain bytes, unpacked on the way where it is packed. It moves forward;
 * to go back is to begin again, which costs little where nothing is packed. Memory: the decoder's dictionary
 * and UNPACK_INPUT bytes.
 */
#ifndef TOOLSTACK_UNPACK_H
#define TOOLSTACK_UNPACK_H

#include "decoder.h"

#include "../lib/file.h"

#include <stdbool.h>

#define UNPACK_INPUT (64u << 10)
/* Longest beginning that unpack_find() looks at. */
#define UNPACK_MAGIC_MAX 6u

struct unpacker {
    const struct open_file *file;
    uint64_t start, size;               /* the packed bytes within the file */
    const struct decoder *decoder;      /* NULL: stored as they are */
    void *state;                        /* of the decoder */
    uint8_t *input;
    struct decode_io io;
    uint64_t taken;                     /* packed bytes read so far */
    uint64_t at;                        /* plain bytes given so far: the place in the stream */
    uint64_t limit;                     /* plain bytes there may be; UINT64_MAX at first */
    const char *limit_means;            /* stands in the failure line, may be NULL */
    bool ended;
};

/* The decoder for data that begins so, or NULL. */
const struct decoder *unpack_find(const uint8_t *head, size_t size);
/* The name of a format that is known and for which there is no decoder, or NULL. */
const char *unpack_foreign(const uint8_t *head, size_t size);

/* `file` must outlive the stream. 0 or -1; unpack_close() only after success. */
int unpack_open(struct unpacker *u, const struct open_file *file, uint64_t start, uint64_t size,
                const struct decoder *decoder, struct tn_error *err);
void unpack_close(struct unpacker *u);

/*
 * The next `count` bytes, or as many as there are: fewer only at the end of the stream. Fails with a line
 * when the packed data is damaged, or is more than the limit. [waits]
 */
int64_t unpack_read(struct unpacker *u, void *to, size_t count, struct tn_error *err);

/* `count` bytes at `offset`, wherever the stream is now. They must all be there. [waits] */
int unpack_read_at(struct unpacker *u, uint64_t offset, void *to, size_t count, struct tn_error *err);

/* Begin again, or move forward; short of `offset` only where the stream ends before. [waits] */
int unpack_seek(struct unpacker *u, uint64_t offset, struct tn_error *err);

#endif
