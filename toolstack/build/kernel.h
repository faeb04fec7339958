/* SPDX-License-Identifier: MIT */
/*
 * A kernel's file on its way into guest memory: an ELF image as it is, packed (gzip, xz, LZMA, zstd, LZ4), or
 * packed within Linux's bzImage. It is read, unpacked and placed in one pass, in pieces of KERNEL_CHUNK
 * bytes.
 *
 * Where the notes are decides little about that pass: a piece's place in guest memory is its physical address
 * less PADDR_OFFSET, and only a note can say that this is not 0. In Debian's kernel the notes lie in the
 * middle of the image, so they are kept as they go by and decoded at the end. A kernel whose notes then ask
 * for another offset is read a second time, and so is one that has its notes in sections, whose table comes
 * last in the file.
 */
#ifndef TOOLSTACK_KERNEL_H
#define TOOLSTACK_KERNEL_H

#include "elf_image.h"
#include "guest_memory.h"
#include "unpack.h"

#define KERNEL_CHUNK ELF_IMAGE_HEAD
/* What may follow in the file behind everything that the headers name: symbols, relocations. */
#define KERNEL_TAIL (64ull << 20)

struct kernel {
    struct open_file file;
    struct unpacker stream;
    struct elf_image image;
    uint64_t stated_size;   /* of the unpacked image, from a bzImage; UINT64_MAX: not stated */
    uint8_t *chunk;         /* KERNEL_CHUNK bytes of the image; */
    size_t head_size;       /* at first so many from its beginning, then 0 */
};

/*
 * Open the kernel at `path` for `domain`, which has `memory` bytes, and check all that its headers tell. Both
 * names must last as long. 0 or -1; kernel_close() only after success. [waits]
 */
int kernel_open(struct kernel *kernel, const char *path, const char *domain, uint64_t memory,
                struct tn_error *err);
void kernel_close(struct kernel *kernel);

/*
 * Put the kernel into memory, with zeroes around its segments up to the end of its last page, and complete
 * kernel->image. 0 or -1. [waits]
 */
int kernel_load(struct kernel *kernel, struct guest_memory *memory, struct tn_error *err);

#endif
