/* SPDX-License-Identifier: MIT */
/*
 * LZ4 in the legacy format, which `lz4 -l` and Linux's build make: a magic number, then blocks of 8 MiB (the
 * last one shorter), each a 32-bit size and that many packed bytes. There is no mark at the end and no check
 * value.
 *
 * This is a decoder of our own, for the library's takes a whole block at a time: 16 MiB of buffers, and tens
 * of milliseconds without a pause on a slow processor. This one stops at any byte and needs the 64 KiB that a
 * match may reach back. The tests compare it with the library.
 *
 * A block is a row of sequences: a token (high half: number of literals, low half: length of the match less
 * 4; 15 means that bytes follow to be added, up to one that is not 255), the literals, two bytes of distance,
 * the match. The last sequence ends behind its literals.
 */
#include "decoder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LZ4_MAGIC  0x184c2102u
#define BLOCK_MAX  (8u << 20)                           /* plain bytes of a block */
#define PACKED_MAX (BLOCK_MAX + BLOCK_MAX / 255 + 16)   /* packed ones, when nothing could be packed */
#define MATCH_MIN  4u
#define REACH      (64u << 10)                          /* distances are below this */
#define ROOM       (64u << 10)

enum state { AT_SIZE, AT_TOKEN, AT_LITERAL_LENGTH, AT_LITERALS, AT_DISTANCE, AT_MATCH_LENGTH, AT_MATCH };

struct lz4 {
    enum state state;
    uint32_t number;            /* little-endian, being read; */
    unsigned number_bytes;      /* bytes of it that were */
    uint32_t packed_left;       /* of the block */
    uint32_t made;              /* plain bytes of the block so far */
    uint32_t literals, match;   /* lengths, then what is left of them */
    uint32_t distance;
    size_t at, given;           /* window[given..at) was made and not yet given */
    uint8_t window[REACH + ROOM];
};

static void *lz4_open(void)
{
    return calloc(1, sizeof(struct lz4));
}

/* One more byte of the number; true when it has all `bytes`, and then the next one starts anew. */
static bool number_complete(struct lz4 *z, uint8_t byte, unsigned bytes, uint32_t *number)
{
    z->number |= (uint32_t)byte << 8 * z->number_bytes++;
    if (z->number_bytes < bytes)
        return false;
    *number = z->number;
    z->number = z->number_bytes = 0;
    return true;
}

/* What follows the literals: the end of the block, where its packed bytes are used up. */
static enum state after_literals(struct lz4 *z)
{
    if (z->packed_left)
        return AT_DISTANCE;
    z->made = 0;
    return AT_SIZE;
}

static bool length_fits(const struct lz4 *z, uint32_t length)
{
    return length <= BLOCK_MAX - z->made;
}

/* One byte in one of the states that take bytes one by one; false when it cannot stand there. */
static bool take_byte(struct lz4 *z, uint8_t byte)
{
    uint32_t size;

    switch (z->state) {
    case AT_SIZE:
        /* Files may be joined: another magic number begins, like a size. */
        if (!number_complete(z, byte, 4, &size) || size == LZ4_MAGIC)
            return true;
        z->packed_left = size;
        z->state = AT_TOKEN;
        return size != 0 && size <= PACKED_MAX;
    case AT_TOKEN:
        z->literals = byte >> 4;
        z->match = MATCH_MIN + (byte & 15);
        z->state = z->literals == 15 ? AT_LITERAL_LENGTH : z->literals ? AT_LITERALS : after_literals(z);
        return true;
    case AT_LITERAL_LENGTH:
        z->literals += byte;
        if (byte != 255)
            z->state = AT_LITERALS;
        return length_fits(z, z->literals);
    case AT_DISTANCE:
        if (!number_complete(z, byte, 2, &z->distance))
            return true;
        z->state = z->match == MATCH_MIN + 15 ? AT_MATCH_LENGTH : AT_MATCH;
        return z->distance != 0 && z->distance <= z->made;
    case AT_MATCH_LENGTH:
        z->match += byte;
        if (byte != 255)
            z->state = AT_MATCH;
        return length_fits(z, z->match);
    default:
        return false;
    }
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;

    return least < c ? least : c;
}

/* `count` bytes were added to the window. */
static void added(struct lz4 *z, uint32_t *length, size_t count)
{
    z->at += count;
    z->made += count;
    *length -= count;
}

static bool copy_literals(struct lz4 *z, struct decode_io *io)
{
    size_t count = min3(z->literals, io->in_left, sizeof(z->window) - z->at);

    if (!length_fits(z, z->literals) || count > z->packed_left)
        return false;
    memcpy(z->window + z->at, io->in, count);
    io->in += count;
    io->in_left -= count;
    z->packed_left -= count;
    added(z, &z->literals, count);
    if (z->literals == 0)
        z->state = after_literals(z);
    return true;
}

static bool copy_match(struct lz4 *z)
{
    size_t room = sizeof(z->window) - z->at, count = z->match < room ? z->match : room;
    uint8_t *to = z->window + z->at;
    const uint8_t *from = to - z->distance;

    if (!length_fits(z, z->match))
        return false;
    if (z->distance >= count)
        memcpy(to, from, count);
    else
        for (size_t i = 0; i < count; i++)
            to[i] = from[i];        /* the match may reach into what it makes itself */
    added(z, &z->match, count);
    if (z->match == 0)
        z->state = AT_TOKEN;
    return true;
}

/* Fill the window as far as input and room go; false at damage. */
static bool fill_window(struct lz4 *z, struct decode_io *io)
{
    while (z->at < sizeof(z->window)) {
        bool good;

        if (z->state == AT_MATCH) {
            good = copy_match(z);
        } else if (z->state != AT_SIZE && z->packed_left == 0) {
            return false;           /* the block ends within a sequence */
        } else if (io->in_left == 0) {
            return true;
        } else if (z->state == AT_LITERALS) {
            good = copy_literals(z, io);
        } else {
            z->packed_left -= z->state != AT_SIZE;
            io->in_left--;
            good = take_byte(z, *io->in++);
        }
        if (!good)
            return false;
    }
    return true;
}

static void give(struct lz4 *z, struct decode_io *io)
{
    size_t count = z->at - z->given < io->out_left ? z->at - z->given : io->out_left;

    memcpy(io->out, z->window + z->given, count);
    io->out += count;
    io->out_left -= count;
    z->given += count;
    if (z->given == z->at && z->at == sizeof(z->window)) {
        memmove(z->window, z->window + ROOM, REACH);
        z->at = z->given = REACH;
    }
}

static enum decode_status lz4_step(void *state, struct decode_io *io)
{
    struct lz4 *z = state;
    bool over = io->in_left == 0;

    do {
        if (!fill_window(z, io))
            return DECODE_DAMAGED;
        give(z, io);
    } while (io->out_left && z->at > z->given);
    return over && z->state == AT_SIZE && !z->number_bytes && z->given == z->at ? DECODE_END : DECODE_MORE;
}

static void lz4_close(void *state)
{
    free(state);
}

const struct decoder decoder_lz4 = {
    "LZ4", { 0x02, 0x21, 0x4c, 0x18 }, 4, lz4_open, lz4_step, lz4_close,
};
