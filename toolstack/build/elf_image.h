/* SPDX-License-Identifier: MIT */
/*
 * A PV kernel image as the domain builder sees it: an ELF64 file with Xen's notes (<xen/elfnote.h>), decoded
 * and checked. Images are hostile input: nothing here trusts a number from the file before it is bounded, and
 * what elf_image_parse() accepts needs no further check of the image by itself. Pure code, no allocation.
 */
#ifndef TOOLSTACK_ELF_IMAGE_H
#define TOOLSTACK_ELF_IMAGE_H

#include "../lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_IMAGE_MAX_SEGMENTS 32

/*
 * One loadable piece. Its place is its physical address: virtual ones may be anything (per-CPU data has 0).
 */
struct elf_segment {
    uint64_t paddr;
    uint64_t memory_size;
    uint64_t file_offset;
    uint64_t file_size;     /* <= memory_size; the rest is zero */
};

struct elf_image {
    const uint8_t *file;
    size_t file_size;
    unsigned nr_segments;
    struct elf_segment segments[ELF_IMAGE_MAX_SEGMENTS];    /* ascending by paddr, no two overlap */

    uint64_t virt_base;     /* virtual address of pfn 0, page-aligned */
    uint64_t virt_start;    /* first and last+1 virtual address of the segments together */
    uint64_t virt_end;
    uint64_t image_offset;  /* virt_start - virt_base: where the image begins in guest memory */
    uint64_t entry;         /* within virt_start..virt_end */
    bool has_hypercall_page;
    uint64_t hypercall_page;/* page-aligned, within virt_start..virt_end */
    bool has_init_p2m;
    uint64_t init_p2m;      /* where the kernel wants its P2M list mapped, page-aligned */
    bool mod_start_pfn;     /* the RAM disk need not be mapped */
};

/*
 * Decode and check `file`. `name` stands in the failure line. On success `image` refers into `file`, which
 * must outlive it. Returns 0 or -1.
 */
int elf_image_parse(struct elf_image *image, const void *file, size_t size, const char *name,
                    struct tn_error *err);

/*
 * Bytes [offset, offset+count) of guest memory, counted from virt_base, as the image wants them: segment
 * contents, and zeroes elsewhere.
 */
void elf_image_copy(const struct elf_image *image, uint64_t offset, void *to, size_t count);

/*
 * True when [start, start+size) is plain guest address space: canonical, not the hypervisor's, not wrapping.
 */
bool guest_range_ok(uint64_t start, uint64_t size);

#endif
