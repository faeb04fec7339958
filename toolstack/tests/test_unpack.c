/* SPDX-License-Identifier: MIT */
/*
 * The unpacker: each format gives back what was packed, in whatever pieces it is asked for, damage is told
 * from data, and our LZ4 decoder agrees with the library's. The samples are tests/samples.py's.
 */
#include "samples.h"
#include "tap.h"

#include "../build/unpack.h"

#include <lz4.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *test_samples;

static struct file plain;

/* The path of a sample, in one buffer. */
const char *sample(const char *name)
{
    static char path[256];

    snprintf(path, sizeof(path), "%s/%s", test_samples, name);
    return path;
}

/* A file of these bytes; the caller removes it. */
static const char *make_file(const void *bytes, size_t size)
{
    static char path[64];
    FILE *file;

    snprintf(path, sizeof(path), "/tmp/tenon-unpack-%ld", (long)getpid());
    file = fopen(path, "w");
    fwrite(bytes, 1, size, file);
    fclose(file);
    return path;
}

/* Unpack the whole file in pieces of `piece`; the number of bytes, or -1 also when they are more than fit. */
static int64_t unpack(const char *path, size_t piece, uint64_t limit, uint8_t *out, size_t room,
                      struct tn_error *err)
{
    struct open_file file;
    struct unpacker u;
    uint8_t head[UNPACK_MAGIC_MAX];
    size_t used = 0;
    int64_t got;

    tn_clear(err);
    if (file_open(&file, path, "kernel", NULL, err) < 0 || file_read_at(&file, 0, head, sizeof(head),
                                                                        err) < 0)
        return -1;
    if (unpack_open(&u, &file, 0, file.size, unpack_find(head, sizeof(head)), err) < 0)
        return -1;
    u.limit = limit;
    u.limit_means = "the limit";
    do {
        size_t now = piece < room - used ? piece : room - used;

        got = unpack_read(&u, out + used, now, err);
        if (got > 0)
            used += got;
    } while (got > 0);
    unpack_close(&u);
    file_close(&file);
    return got < 0 || used == room ? -1 : (int64_t)used;
}

static void formats(void)
{
    static const char *const good[] = { "plain", "gzip", "xz", "lzma", "zstd", "lz4", "xz-crc64" };
    static const size_t pieces[] = { 1 << 30, 65536, 4097, 333 };
    uint8_t *out = malloc(plain.size + 1);
    struct tn_error err = { "" };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        bool same = true;

        for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++)
            same &= unpack(sample(good[i]), pieces[p], UINT64_MAX, out, plain.size + 1, &err) ==
                    (int64_t)plain.size && memcmp(out, plain.data, plain.size) == 0;
        ok(same, "%s: unpacked to what it was, in pieces of any size %s", good[i], err.text);
        unpack(sample(good[i]), 65536, plain.size - 1, out, plain.size + 1, &err);
        if (i > 0)
            failed_with(err.text, "unpacks to more than", "and never to more than the limit");
    }
    unpack(sample("xz-sha256"), 65536, UINT64_MAX, out, plain.size + 1, &err);
    failed_with(err.text, "not understood", "data whose check value cannot be verified is refused");
    ok(!unpack_find((const uint8_t *)"BZh91AY", 7) && unpack_foreign((const uint8_t *)"BZh91AY", 7),
       "bzip2 is known by name");
    free(out);
}

static void places(void)
{
    static const char *const samples[] = { "plain", "xz", "lz4" };
    struct tn_error err = { "" };
    const uint8_t *bytes = plain.data;
    struct open_file file;
    struct unpacker u;
    uint8_t out[1000];

    for (int i = 0; i < 3; i++) {
        bool right;

        file_open(&file, sample(samples[i]), "kernel", NULL, &err);
        file_read_at(&file, 0, out, 6, &err);
        unpack_open(&u, &file, 0, file.size, unpack_find(out, 6), &err);
        right = unpack_read_at(&u, 100000, out, 1000, &err) == 0 && memcmp(out, bytes + 100000, 1000) == 0;
        right &= unpack_read_at(&u, 50000, out, 1000, &err) == 0 && memcmp(out, bytes + 50000, 1000) == 0;
        right &= unpack_read_at(&u, 51000, out, 1000, &err) == 0 && memcmp(out, bytes + 51000, 1000) == 0;
        ok(right, "%s: read at any place, forward and back %s", samples[i], err.text);
        unpack_read_at(&u, plain.size - 10, out, 11, &err);
        failed_with(err.text, "truncated", "and not beyond the end");
        unpack_close(&u);
        file_close(&file);
        tn_clear(&err);
    }
}

/* Half a file, and single flipped bits behind the magic: never other data than what was packed. */
static void damage(void)
{
    static const char *const checked[] = { "gzip", "xz", "xz-crc64", "zstd" };
    uint8_t *out = malloc(plain.size + 1);
    struct tn_error err = { "" };

    srand(2);
    for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]); i++) {
        struct file file;
        bool sound = true;

        file_read_all(&file, sample(checked[i]), "kernel", NULL, &err);
        unpack(make_file(file.data, file.size / 2), 65536, UINT64_MAX, out, plain.size + 1, &err);
        failed_with(err.text, "truncated", checked[i]);
        for (int round = 0; round < 40; round++) {
            uint8_t *byte = (uint8_t *)file.data + 6 + rand() % (file.size - 6), old = *byte;

            *byte ^= 1 << rand() % 8;
            if (unpack(make_file(file.data, file.size), 65536, UINT64_MAX, out, plain.size + 1, &err) >= 0)
                sound &= memcmp(out, plain.data, plain.size) == 0;     /* a field that carries no data */
            *byte = old;
        }
        ok(sound, "%s: no flipped bit makes other data", checked[i]);
        free(file.data);
    }
    unlink(make_file("", 0));
    free(out);
}

/* -- LZ4 against the library ----------------------------------------------------------------------------- */

#define LZ4_BLOCK (8u << 20)

/* Data with runs, words that come again far apart, and noise. */
static void make_data(uint8_t *data, size_t size)
{
    size_t at = 0;

    while (at < size) {
        size_t length = 1 + rand() % (rand() % 50 ? 60 : 200000), kind = rand() % 4;
        size_t from = at ? (size_t)rand() % at : 0;

        for (size_t i = 0; i < length && at < size; i++, at++)
            data[at] = kind == 0 ? 0 : kind == 1 ? rand() : data[(from + i) % (at ? at : 1)];
    }
}

/* Run the decoder by pieces of random size in and out; the bytes made, or -1. */
static int64_t decode_in_pieces(const uint8_t *packed, size_t size, uint8_t *out, size_t room, unsigned piece)
{
    void *state = decoder_lz4.open();
    enum decode_status status = DECODE_MORE;
    size_t used = 0, made = 0;
    bool stuck = false;

    while (status == DECODE_MORE && !stuck) {
        size_t in = rand() % piece + 1, give = rand() % piece + 1;
        struct decode_io io = { packed + used, 0, out + made, give < room - made ? give : room - made };

        io.in_left = in < size - used ? in : size - used;
        stuck = io.in_left == 0;
        status = decoder_lz4.step(state, &io);
        stuck = stuck && io.out == out + made && status == DECODE_MORE;
        used = io.in - packed;
        made = io.out - out;
    }
    decoder_lz4.close(state);
    return status == DECODE_END ? (int64_t)made : -1;
}

static size_t pack_lz4(const uint8_t *data, size_t size, uint8_t *packed)
{
    static const uint8_t magic[] = { 0x02, 0x21, 0x4c, 0x18 };
    size_t used = sizeof(magic);

    memcpy(packed, magic, sizeof(magic));
    for (size_t at = 0; at < size; at += LZ4_BLOCK) {
        uint32_t plain_size = size - at < LZ4_BLOCK ? size - at : LZ4_BLOCK;
        uint32_t count = LZ4_compress_default((const char *)data + at, (char *)packed + used + 4, plain_size,
                                              LZ4_compressBound(plain_size));

        memcpy(packed + used, &count, 4);
        used += 4 + count;
    }
    return used;
}

static void lz4_agrees(void)
{
    size_t size = 2 * LZ4_BLOCK + 12345, packed_size;
    uint8_t *data = malloc(size), *packed = malloc(size + size / 200 + 1000), *out = malloc(size + 1);
    unsigned disagreed = 0, lost = 0, both = 0;

    srand(3);
    make_data(data, size);
    packed_size = pack_lz4(data, size, packed);
    ok(decode_in_pieces(packed, packed_size, out, size + 1, 200000) == (int64_t)size &&
       memcmp(out, data, size) == 0, "LZ4: three blocks, in pieces of any size");
    /*
     * One small block, perhaps damaged: what both accept is the same. (The library lets a distance of 0 pass,
     * and is stricter about how a block ends.)
     */
    for (int round = 0; round < 3000; round++) {
        size_t count = 200 + rand() % 3000;
        int theirs, damaged;
        int64_t ours;

        packed_size = pack_lz4(data + rand() % (size - count), count, packed);
        damaged = rand() % 3;
        for (int n = 0; n < damaged; n++)
            packed[8 + rand() % (packed_size - 8)] = rand();
        ours = decode_in_pieces(packed, packed_size, out, size + 1, 500);
        theirs = LZ4_decompress_safe((const char *)packed + 8, (char *)data, packed_size - 8, LZ4_BLOCK);
        both += ours >= 0 && theirs >= 0;
        disagreed += ours >= 0 && theirs >= 0 && (ours != theirs || memcmp(out, data, theirs) != 0);
        lost += damaged == 0 && ours < 0;
        make_data(data, 4000);
    }
    ok(!disagreed && !lost && both > 1000, "LZ4: our decoder and the library make the same of %u blocks of"
       " 3000",
       both);
    free(data);
    free(packed);
    free(out);
}

void test_unpack(void)
{
    struct tn_error err = { "" };

    if (!ok(file_read_all(&plain, sample("plain"), "sample", NULL, &err) == 0, "the samples are there %s",
            err.text))
        return;
    formats();
    places();
    damage();
    lz4_agrees();
    free(plain.data);
}
