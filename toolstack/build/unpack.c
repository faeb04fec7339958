/* SPDX-License-Identifier: MIT */
/*
 * The unpacker: reads packed bytes from the file, drives a decoder in small steps, and keeps count.
 */
#include "unpack.h"

#include "../lib/port.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * Plain bytes made, or copied, between two offers to let other threads run: 5 ms of the slowest decoder on a
 * slow processor.
 */
#define STEP (16u << 10)

static const struct decoder *const decoders[] = {
    &decoder_gzip, &decoder_xz, &decoder_lzma, &decoder_zstd, &decoder_lz4,
};

/* What else Linux, or a user, may have packed with. */
static const struct {
    const char *name;
    uint8_t magic[UNPACK_MAGIC_MAX], size;
} foreign[] = {
    { "bzip2", { 'B', 'Z', 'h' }, 3 },
    { "LZO", { 0x89, 'L', 'Z', 'O' }, 4 },
    { "LZ4 in the frame format", { 0x04, 0x22, 0x4d, 0x18 }, 4 },
};

static bool begins(const uint8_t *head, size_t size, const uint8_t *magic, size_t magic_size)
{
    return size >= magic_size && memcmp(head, magic, magic_size) == 0;
}

const struct decoder *unpack_find(const uint8_t *head, size_t size)
{
    for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]); i++)
        if (begins(head, size, decoders[i]->magic, decoders[i]->magic_size))
            return decoders[i];
    return NULL;
}

const char *unpack_foreign(const uint8_t *head, size_t size)
{
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        if (begins(head, size, foreign[i].magic, foreign[i].size))
            return foreign[i].name;
    return NULL;
}

static int no_memory(const struct unpacker *u, struct tn_error *err)
{
    return tn_fail(err, "kernel %s: no memory left in Domain-0 to unpack it (%s): boot with a larger"
                        " dom0_mem=", u->file->path, u->decoder->name);
}

/* At the beginning of the stream, with a fresh decoder. */
static int begin(struct unpacker *u, struct tn_error *err)
{
    if (u->state)
        u->decoder->close(u->state);
    u->state = NULL;
    u->taken = u->at = 0;
    u->ended = false;
    memset(&u->io, 0, sizeof(u->io));
    if (!u->decoder)
        return 0;
    u->state = u->decoder->open();
    return u->state ? 0 : no_memory(u, err);
}

int unpack_open(struct unpacker *u, const struct open_file *file, uint64_t start, uint64_t size,
                const struct decoder *decoder, struct tn_error *err)
{
    *u = (struct unpacker){
        .file = file, .start = start, .size = size, .decoder = decoder, .limit = UINT64_MAX,
    };
    if (decoder) {
        u->input = malloc(UNPACK_INPUT);
        if (!u->input)
            return no_memory(u, err);
    }
    if (begin(u, err) == 0)
        return 0;
    free(u->input);
    return -1;
}

void unpack_close(struct unpacker *u)
{
    if (u->state)
        u->decoder->close(u->state);
    free(u->input);
    u->state = u->input = NULL;
}

static int64_t read_stored(struct unpacker *u, void *to, size_t count, struct tn_error *err)
{
    if (count > u->size - u->at)
        count = u->size - u->at;
    if (count && file_read_at(u->file, u->start + u->at, to, count, err) < 0)
        return -1;
    u->at += count;
    return count;
}

static int more_input(struct unpacker *u, struct tn_error *err)
{
    size_t now = u->size - u->taken < UNPACK_INPUT ? u->size - u->taken : UNPACK_INPUT;

    if (now && file_read_at(u->file, u->start + u->taken, u->input, now, err) < 0)
        return -1;
    u->taken += now;
    u->io.in = u->input;
    u->io.in_left = now;
    return 0;
}

static int failed(const struct unpacker *u, enum decode_status status, struct tn_error *err)
{
    const char *path = u->file->path, *name = u->decoder->name;

    switch (status) {
    case DECODE_NO_MEMORY:
        return no_memory(u, err);
    case DECODE_TOO_LARGE:
        return tn_fail(err, "kernel %s: its %s data asks for a dictionary of more than %u MB: pack it with a"
                            " smaller one", path, name, DECODER_MAX_MB);
    case DECODE_FOREIGN:
        return tn_fail(err, "kernel %s: its %s data has a filter or a check value of a kind that is not"
                            " understood: pack it as Linux does", path, name);
    default:
        return tn_fail(err, "kernel %s: its %s data is %s: the file is damaged", path, name,
                       status == DECODE_MORE ? "truncated" : "not valid");
    }
}

/* One step of the decoder, at most `room` bytes. */
static int step(struct unpacker *u, void *to, size_t room, struct tn_error *err)
{
    bool starved = u->io.in_left == 0 && u->taken == u->size;
    enum decode_status status;
    size_t in_before, made;

    if (u->io.in_left == 0 && more_input(u, err) < 0)
        return -1;
    in_before = u->io.in_left;
    u->io.out = to;
    u->io.out_left = room;
    status = u->decoder->step(u->state, &u->io);
    made = room - u->io.out_left;
    if (u->at + made > u->limit)
        return tn_fail(err, "kernel %s: unpacks to more than %" PRIu64 " KB, %s", u->file->path,
                       u->limit >> 10, u->limit_means);
    u->at += made;
    u->ended = status == DECODE_END;
    if (status > DECODE_END || (status == DECODE_MORE && starved && made == 0))
        return failed(u, status, err);
    if (status == DECODE_MORE && made == 0 && u->io.in_left == in_before && in_before)
        return failed(u, DECODE_DAMAGED, err);      /* it can neither go on nor says why */
    port_yield();
    return 0;
}

int64_t unpack_read(struct unpacker *u, void *to, size_t count, struct tn_error *err)
{
    uint64_t first = u->at;

    while (u->at - first < count && !u->ended) {
        size_t got = u->at - first, now = count - got < STEP ? count - got : STEP;

        if (u->decoder) {
            if (step(u, (uint8_t *)to + got, now, err) < 0)
                return -1;
        } else {
            int64_t read = read_stored(u, (uint8_t *)to + got, now, err);

            if (read < 0)
                return -1;
            u->ended = read < (int64_t)now;
            port_yield();
        }
    }
    return u->at - first;
}

int unpack_seek(struct unpacker *u, uint64_t offset, struct tn_error *err)
{
    uint8_t *scrap;
    int64_t got = 0;

    if (!u->decoder) {
        u->at = offset < u->size ? offset : u->size;
        u->ended = false;
        return 0;
    }
    if (offset < u->at && begin(u, err) < 0)
        return -1;
    scrap = offset > u->at ? malloc(STEP) : NULL;
    if (offset > u->at && !scrap)
        return no_memory(u, err);
    while (got >= 0 && u->at < offset && !u->ended)
        got = unpack_read(u, scrap, offset - u->at < STEP ? offset - u->at : STEP, err);
    free(scrap);
    return got < 0 ? -1 : 0;
}

int unpack_read_at(struct unpacker *u, uint64_t offset, void *to, size_t count, struct tn_error *err)
{
    int64_t got;

    if (unpack_seek(u, offset, err) < 0)
        return -1;
    got = u->at == offset ? unpack_read(u, to, count, err) : 0;
    if (got < 0)
        return -1;
    if ((uint64_t)got < count)
        return tn_fail(err, "kernel %s: truncated: it ends at byte %" PRIu64 ", and refers to %zu bytes at %"
                            PRIu64, u->file->path, u->at, count, offset);
    return 0;
}
