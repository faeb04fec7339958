/* SPDX-License-Identifier: MIT */
/*
 * Ways to alter a kernel: cut it, flip bits, overwrite or move runs of bytes, and put numbers that programs
 * trip over where headers and notes have theirs. An ELF image is often altered first and packed then, so that
 * what is wrong lies behind a decoder that finds nothing wrong.
 */
#define _GNU_SOURCE
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* Setup header of a bzImage, ELF header and program headers lie below these offsets. */
#define BZIMAGE_HEADER 0x250u
#define ELF_HEADERS    0x200u

static size_t below(size_t limit)
{
    return limit ? ((size_t)random() << 16 ^ random()) % limit : 0;
}

const struct input *pick_input(const struct input *inputs, unsigned count, size_t limit, bool above)
{
    const struct input *input;

    do
        input = &inputs[below(count)];
    while ((input->size > limit) != above);
    return input;
}

static void flip_bits(struct image *image)
{
    for (size_t n = 1 + below(8); n; n--)
        image->bytes[below(image->size)] ^= 1 << below(8);
}

static void overwrite(struct image *image)
{
    size_t at = below(image->size), count = 1 + below(64);
    unsigned kind = below(3);

    for (size_t i = at; i < image->size && i < at + count; i++)
        image->bytes[i] = kind == 0 ? 0 : kind == 1 ? 0xff : random();
}

static void copy_run(struct image *image)
{
    size_t from = below(image->size), to = below(image->size), count = 1 + below(4096);

    if (count > image->size - (from > to ? from : to))
        count = image->size - (from > to ? from : to);
    memmove(image->bytes + to, image->bytes + from, count);
}

static void cut(struct image *image)
{
    image->size = below(3) ? below(image->size) : below(image->size < 4096 ? image->size : 4096);
}

static void remove_run(struct image *image)
{
    size_t at = below(image->size), count = 1 + below(64);

    if (count > image->size - at)
        count = image->size - at;
    memmove(image->bytes + at, image->bytes + at + count, image->size - at - count);
    image->size -= count;
}

static uint64_t odd_number(const struct image *image)
{
    const uint64_t numbers[] = {
        0, 1, 2, 0x7f, 0x80, 0xff, 0xfff, 0x1000, 0x1001, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
        0xffffffff,
        0x100000000, 1ull << 40, 0x7fffffffffff, 0x800000000000, 0xffff7fffffffffff, 0xffff800000000000,
        0xffff880000000000, 0xffffffff80000000, 0xfffffffffffff000, UINT64_MAX, image->size, image->size - 1,
        image->size + 1, -image->size,
    };

    return numbers[below(sizeof(numbers) / sizeof(numbers[0]))];
}

/* Numbers in headers are aligned to their size, as good as always. */
static void set_numbers(struct image *image, size_t from, size_t upto)
{
    for (size_t n = 1 + below(3); n; n--) {
        size_t bytes = 1 << below(4), at = (from + below(upto - from)) & ~(bytes - 1);
        uint64_t number = below(4) ? odd_number(image) : (uint64_t)random() << 32 ^ random();

        if (at + bytes <= image->size)
            memcpy(image->bytes + at, &number, bytes);
    }
}

static void set_header(struct image *image)
{
    bool is_elf = image->size > 4 && memcmp(image->bytes, "\177ELF", 4) == 0;

    if (is_elf)
        set_numbers(image, 16, ELF_HEADERS);
    else
        set_numbers(image, 0x1e0, BZIMAGE_HEADER);
}

/* Somewhere behind the name of a note. */
static void set_note(struct image *image)
{
    const uint8_t *at = image->bytes + below(image->size), *end = image->bytes + image->size;
    size_t found;

    at = memmem(at, end - at, "\4\0\0\0", 4);
    while (at && end - at > 16 && memcmp(at + 12, "Xen", 4) != 0)
        at = memmem(at + 1, end - at - 1, "\4\0\0\0", 4);
    if (!at || end - at <= 64)
        return;
    found = at - image->bytes;
    set_numbers(image, found, found + 64);
}

static void alter_once(struct image *image)
{
    static void (*const ways[])(struct image *) = {
        flip_bits, overwrite, copy_run, cut, remove_run, set_header, set_header, set_header, set_note,
        set_note,
    };

    if (image->size > 64)
        ways[below(sizeof(ways) / sizeof(ways[0]))](image);
}

/* -- Packing again --------------------------------------------------------------------------------------- */

static struct image gzipped(const struct image *plain)
{
    z_stream z = { .next_in = plain->bytes, .avail_in = plain->size };
    struct image packed;

    deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    packed.size = deflateBound(&z, plain->size);
    packed.bytes = malloc(packed.size);
    z.next_out = packed.bytes;
    z.avail_out = packed.size;
    deflate(&z, Z_FINISH);
    packed.size = z.total_out;
    deflateEnd(&z);
    return packed;
}

/* A bzImage with one setup sector and nothing before its payload. */
static struct image bzimage(const struct image *payload)
{
    const size_t start = 1024;
    struct image image = { calloc(1, start + payload->size), start + payload->size };
    uint32_t length = payload->size;

    image.bytes[0x1f1] = 1;
    memcpy(image.bytes + 0x1fe, "\x55\xaaxxHdrS\x0f\x02", 10);
    memcpy(image.bytes + 0x24c, &length, sizeof(length));
    memcpy(image.bytes + start, payload->bytes, payload->size);
    return image;
}

static void replace(struct image *image, struct image by)
{
    free(image->bytes);
    *image = by;
}

struct image altered(const struct input *input)
{
    struct image image = { malloc(input->size), input->size };
    bool is_elf = input->size > 4 && memcmp(input->bytes, "\177ELF", 4) == 0;
    unsigned times = below(10) ? 1 + below(3) : 0;      /* some stay as they are */

    memcpy(image.bytes, input->bytes, input->size);
    while (times--)
        alter_once(&image);
    if (is_elf && below(2)) {
        replace(&image, gzipped(&image));
        if (below(2))
            replace(&image, bzimage(&image));
        if (below(4) == 0)
            alter_once(&image);
    }
    return image;
}
