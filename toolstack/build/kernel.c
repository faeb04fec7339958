/* SPDX-License-Identifier: MIT */
/*
 * From a kernel's file to guest memory.
 */
#include "kernel.h"
#include "bzimage.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* -- Opening --------------------------------------------------------------------------------------------- */

static int no_memory(const struct kernel *k, struct tn_error *err)
{
    return tn_fail(err, "kernel %s: no memory left in Domain-0 to read it: boot with a larger dom0_mem=",
                   k->file.path);
}

/* The last four bytes of a bzImage's payload are the unpacked size; gzip has it as part of its own format. */
static int open_bzimage(struct kernel *k, const uint8_t *head, size_t size, struct tn_error *err)
{
    uint8_t magic[UNPACK_MAGIC_MAX], tail[4];
    const struct decoder *decoder;
    uint64_t start, payload;
    const char *foreign;
    uint32_t stated;

    if (bzimage_payload(head, size, k->file.size, k->file.path, &start, &payload, err) < 0 ||
        file_read_at(&k->file, start, magic, sizeof(magic), err) < 0 ||
        file_read_at(&k->file, start + payload - sizeof(tail), tail, sizeof(tail), err) < 0)
        return -1;
    decoder = unpack_find(magic, sizeof(magic));
    if (!decoder) {
        foreign = unpack_foreign(magic, sizeof(magic));
        return tn_fail(err, "kernel %s: its payload is %s%s: give one packed with gzip, xz, LZMA, zstd or"
                            " LZ4", k->file.path,
                       foreign ? foreign : "of no format that is known here, or damaged",
                       foreign ? ", which is not understood" : "");
    }
    memcpy(&stated, tail, sizeof(stated));
    k->stated_size = stated;
    if (decoder != &decoder_gzip)
        payload -= sizeof(tail);
    return unpack_open(&k->stream, &k->file, start, payload, decoder, err);
}

static int open_stream(struct kernel *k, struct tn_error *err)
{
    uint8_t head[BZIMAGE_HEADER];
    size_t size = k->file.size < sizeof(head) ? k->file.size : sizeof(head);
    const char *foreign;

    k->stated_size = UINT64_MAX;
    if (file_read_at(&k->file, 0, head, size, err) < 0)
        return -1;
    if (is_bzimage(head, size))
        return open_bzimage(k, head, size, err);
    foreign = unpack_foreign(head, size);
    if (foreign)
        return tn_fail(err, "kernel %s: packed as %s, which is not understood: pack it with gzip, xz or zstd",
                       k->file.path, foreign);
    return unpack_open(&k->stream, &k->file, 0, k->file.size, unpack_find(head, size), err);
}

/*
 * Limits against files that unpack without end: the stated size; else what the headers describe and a tail;
 * and the domain's memory in any case.
 */
static void set_limit(struct kernel *k, uint64_t memory)
{
    struct unpacker *u = &k->stream;

    if (k->stated_size != UINT64_MAX) {
        u->limit = k->stated_size;
        u->limit_means = "the size that its bzImage states: the file is damaged";
    } else if (k->image.file_end < memory && memory - k->image.file_end > KERNEL_TAIL) {
        u->limit = k->image.file_end + KERNEL_TAIL;
        u->limit_means = "more than its ELF headers describe: the file is damaged";
    } else {
        u->limit = memory;
        u->limit_means = "more than the domain's memory: raise memory=, or give a smaller image";
    }
}

static int read_headers(struct kernel *k, uint64_t memory, struct tn_error *err)
{
    uint64_t size = k->stream.decoder ? k->stated_size : k->file.size;
    int64_t got = unpack_read(&k->stream, k->chunk, KERNEL_CHUNK, err);

    if (got < 0)
        return -1;
    k->head_size = got;
    if (k->stream.ended)
        size = got;
    if (elf_image_parse(&k->image, k->chunk, got, size, k->file.path, err) < 0)
        return -1;
    set_limit(k, memory);
    return 0;
}

int kernel_open(struct kernel *k, const char *path, const char *domain, uint64_t memory, struct tn_error *err)
{
    if (file_open(&k->file, path, "kernel", domain, err) < 0)
        return -1;
    k->chunk = malloc(KERNEL_CHUNK);
    if (!k->chunk) {
        no_memory(k, err);
    } else if (open_stream(k, err) == 0) {
        if (k->stated_size != UINT64_MAX && k->stated_size > memory)
            tn_fail(err, "kernel %s: unpacks to %" PRIu64 " MB, more than the %" PRIu64 " MB of domain %s:"
                         " raise memory=", path, k->stated_size >> 20, memory >> 20, domain);
        else if (read_headers(k, memory, err) == 0)
            return 0;
        unpack_close(&k->stream);
    }
    free(k->chunk);
    file_close(&k->file);
    return -1;
}

void kernel_close(struct kernel *k)
{
    unpack_close(&k->stream);
    free(k->chunk);
    file_close(&k->file);
}

/* -- The pass -------------------------------------------------------------------------------------------- */

/* What a pass over the stream has to do. */
struct pass {
    struct kernel *kernel;
    struct guest_memory *memory;        /* NULL: place nothing */
    uint64_t paddr_offset;
    uint8_t *notes;                     /* room for all note ranges one after the other */
    struct tn_error *err;
};

/* The bytes that a range and the chunk have in common: true when there are any. */
static bool common(uint64_t offset, uint64_t size, uint64_t at, uint64_t count, uint64_t *from,
                   uint64_t *upto)
{
    *from = offset > at ? offset : at;
    *upto = offset + size < at + count ? offset + size : at + count;
    return *from < *upto;
}

static void keep_notes(struct pass *p, uint64_t at, uint64_t count)
{
    const struct elf_image *image = &p->kernel->image;
    uint8_t *to = p->notes;
    uint64_t from, upto;

    for (unsigned i = 0; i < image->nr_note_ranges; i++) {
        const struct elf_range *range = &image->note_ranges[i];

        if (common(range->offset, range->size, at, count, &from, &upto))
            memcpy(to + (from - range->offset), p->kernel->chunk + (from - at), upto - from);
        to += range->size;
    }
}

static int place_segments(struct pass *p, uint64_t at, uint64_t count)
{
    const struct elf_image *image = &p->kernel->image;
    uint64_t from, upto;

    for (unsigned i = 0; i < image->nr_segments; i++) {
        const struct elf_segment *seg = &image->segments[i];
        uint64_t address = seg->paddr - p->paddr_offset;

        if (common(seg->file_offset, seg->file_size, at, count, &from, &upto) &&
            guest_write(p->memory, address + (from - seg->file_offset), p->kernel->chunk + (from - at),
                        upto - from,
                        p->err) < 0)
            return -1;
    }
    return 0;
}

static int take_chunk(struct pass *p, uint64_t at, uint64_t count)
{
    if (p->notes)
        keep_notes(p, at, count);
    return p->memory ? place_segments(p, at, count) : 0;
}

/* The beginning of the stream: at hand still, or read again. */
static int begin_pass(struct pass *p)
{
    size_t head_size = p->kernel->head_size;

    p->kernel->head_size = 0;
    return head_size ? take_chunk(p, 0, head_size) : unpack_seek(&p->kernel->stream, 0, p->err);
}

/*
 * A stored image is read as far as its headers refer; a packed one to its end, for only there it is known to
 * be sound.
 */
static int run_pass(struct pass *p)
{
    struct unpacker *u = &p->kernel->stream;
    uint64_t end = p->kernel->image.file_end, stated = p->kernel->stated_size;

    if (begin_pass(p) < 0)
        return -1;
    while (u->decoder ? !u->ended : u->at < end) {
        uint64_t at = u->at;
        int64_t got = unpack_read(u, p->kernel->chunk, KERNEL_CHUNK, p->err);

        if (got < 0 || take_chunk(p, at, got) < 0)
            return -1;
    }
    if (u->at < end || (stated != UINT64_MAX && u->at != stated))
        return tn_fail(p->err, "kernel %s: truncated: it unpacks to %" PRIu64 " bytes, not to %" PRIu64,
                       u->file->path, u->at, stated != UINT64_MAX ? stated : end);
    return 0;
}

/* Zeroes wherever no segment has bytes of the file, from the image's first page to its last. */
static int zero_gaps(struct pass *p)
{
    const struct elf_image *image = &p->kernel->image;
    uint64_t at = (image->segments[0].paddr - p->paddr_offset) & ~(uint64_t)(PORT_PAGE_SIZE - 1), end = at;

    for (unsigned i = 0; i < image->nr_segments; i++) {
        const struct elf_segment *seg = &image->segments[i];
        uint64_t address = seg->paddr - p->paddr_offset;

        if (guest_zero(p->memory, at, address - at, p->err) < 0)
            return -1;
        at = address + seg->file_size;
        end = address + seg->memory_size;
    }
    end = (end + PORT_PAGE_SIZE - 1) & ~(uint64_t)(PORT_PAGE_SIZE - 1);
    return guest_zero(p->memory, at, end - at, p->err);
}

/* Can it be placed with this offset? The page that holds its end must be there too. */
static bool fits(const struct kernel *k, const struct guest_memory *memory, uint64_t paddr_offset)
{
    uint64_t start, end, room = memory->frames.nr_pages * PORT_PAGE_SIZE;

    return elf_image_extent(&k->image, paddr_offset, &start, &end) && end <= room;
}

/* -- Notes ----------------------------------------------------------------------------------------------- */

static uint64_t notes_size(const struct elf_image *image)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < image->nr_note_ranges; i++)
        size += image->note_ranges[i].size;
    return size;
}

static int take_segment_notes(struct kernel *k, const uint8_t *notes, struct tn_error *err)
{
    for (unsigned i = 0; i < k->image.nr_note_ranges; i++) {
        if (elf_image_notes(&k->image, notes, k->image.note_ranges[i].size, err) < 0)
            return -1;
        notes += k->image.note_ranges[i].size;
    }
    return 0;
}

/* A range of the image in memory of its own; NULL with the line, or without one where the range is empty. */
static void *read_range(struct kernel *k, struct elf_range range, struct tn_error *err)
{
    void *bytes = range.size ? malloc(range.size) : NULL;

    if (range.size && !bytes)
        no_memory(k, err);
    if (bytes && unpack_read_at(&k->stream, range.offset, bytes, range.size, err) < 0) {
        free(bytes);
        bytes = NULL;
    }
    return bytes;
}

static int take_section(struct kernel *k, struct elf_range range, bool strings, struct tn_error *err)
{
    void *bytes = read_range(k, range, err);
    int status = -1;

    if (bytes)
        status = strings ? elf_image_strings(&k->image, bytes, range.size, err)
                         : elf_image_notes(&k->image, bytes, range.size, err);
    free(bytes);
    return status;
}

/* An image without notes in segments has them in sections, or the strings of old. */
static int take_section_notes(struct kernel *k, struct tn_error *err)
{
    uint8_t *headers = read_range(k, k->image.sections, err);
    struct elf_range where = { 0 }, range;
    char *names = NULL;
    unsigned index = 0;
    bool strings;
    int status = k->image.sections.size && !headers ? -1 : 0;

    if (headers) {
        where = elf_image_section_names(&k->image, headers);
        names = read_range(k, where, err);
        if (where.size && !names)
            status = -1;
    }
    while (status == 0 && headers &&
           elf_image_next_section(&k->image, headers, names, where.size, &index, &range, &strings))
        status = take_section(k, range, strings, err);
    free(names);
    free(headers);
    return status;
}

/* -- Loading --------------------------------------------------------------------------------------------- */

static int too_large(const struct kernel *k, const struct guest_memory *memory, struct tn_error *err)
{
    uint64_t start, end;

    elf_image_extent(&k->image, k->image.paddr_offset, &start, &end);
    return tn_fail(err, "domain %s: its kernel %s reaches to %" PRIu64 " MB, its memory is %" PRIu64 " MB:"
                        " raise memory=", memory->domain, k->file.path, (end >> 20) + 1,
                   memory->frames.nr_pages >> 8);
}

static int load(struct pass *p)
{
    struct kernel *k = p->kernel;
    struct guest_memory *memory = p->memory;
    bool placed = fits(k, memory, 0);

    p->memory = placed ? memory : NULL;
    if (run_pass(p) < 0 || take_segment_notes(k, p->notes, p->err) < 0 ||
        (!k->image.notes.any && take_section_notes(k, p->err) < 0) || elf_image_finish(&k->image, p->err) < 0)
        return -1;
    if (!fits(k, memory, k->image.paddr_offset))
        return too_large(k, memory, p->err);
    p->memory = memory;
    if (!placed || k->image.paddr_offset != p->paddr_offset) {
        p->paddr_offset = k->image.paddr_offset;
        if (run_pass(p) < 0)
            return -1;
    }
    return zero_gaps(p);
}

int kernel_load(struct kernel *k, struct guest_memory *memory, struct tn_error *err)
{
    uint64_t notes = notes_size(&k->image);
    struct pass pass = { .kernel = k, .memory = memory, .notes = malloc(notes ? notes : 1), .err = err };
    int status = pass.notes ? load(&pass) : no_memory(k, err);

    free(pass.notes);
    return status;
}
