/* SPDX-License-Identifier: MIT */
/*
 * A PV kernel image as the domain builder sees it: an ELF64 file with Xen's notes (<xen/elfnote.h>), decoded
 * and checked. It comes as a stream, so it is decoded in the order in which its parts are at hand:
 *     elf_image_parse()     the beginning: headers, hence segments and where notes are
 *     elf_image_notes()     each table of notes, or
 *     elf_image_strings()   the section that old kernels have instead
 *     elf_image_finish()    addresses, when all is known
 * Images are hostile input: nothing here trusts a number before it is bounded, and what elf_image_finish()
 * accepts needs no further check of the image by itself. Pure code, no allocation: the hypervisor compiles
 * elf_image.c and elf_notes.c too, and reads Domain-0's kernel by them.
 */
#ifndef TOOLSTACK_ELF_IMAGE_H
#define TOOLSTACK_ELF_IMAGE_H

#include "../lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_IMAGE_MAX_SEGMENTS 32
#define ELF_IMAGE_MAX_NOTES    8        /* tables of notes */
/* The headers lie within so many bytes from the beginning. */
#define ELF_IMAGE_HEAD         (64u << 10)
/* All tables of notes together, the section headers, a section of strings: each at most this. */
#define ELF_IMAGE_TABLE_MAX    (64u << 10)

/*
 * One loadable piece. Its place is its physical address: virtual ones may be anything (per-CPU data has 0).
 */
struct elf_segment {
    uint64_t paddr;
    uint64_t memory_size;
    uint64_t file_offset;
    uint64_t file_size;     /* <= memory_size; the rest is zero */
};

/* Bytes of the file. */
struct elf_range {
    uint64_t offset, size;
};

/* The section of strings that old kernels have instead of notes. */
#define ELF_IMAGE_STRINGS      "__xen_guest"
/* Letters of a system's name that are kept. */
#define ELF_IMAGE_OS_MAX       16

/* A number that the image may state. */
struct elf_number {
    bool present;
    uint64_t value;
};

/* What the notes say, as they say it. */
struct elf_notes {
    bool any, phys32_entry;
    struct elf_number entry, virt_base, paddr_offset, hypercall_page, init_p2m, mod_start_pfn;
    bool hypercall_page_is_pfn, paddr_is_virtual;       /* as old kernels have it */
    char guest_os[ELF_IMAGE_OS_MAX + 1];                /* what the system calls itself; "" where it does not */
};

struct elf_image {
    const char *name;       /* of the file, in failure lines */
    unsigned nr_segments;
    struct elf_segment segments[ELF_IMAGE_MAX_SEGMENTS];    /* ascending by paddr, no two overlap */
    unsigned nr_note_ranges;
    struct elf_range note_ranges[ELF_IMAGE_MAX_NOTES];      /* of PT_NOTE segments */
    struct elf_range sections;          /* the section headers; size 0: none that can be used */
    unsigned section_names;             /* index of the section that holds their names */
    uint64_t header_entry;
    uint64_t file_end;      /* the headers refer to nothing in the file from here on */
    struct elf_notes notes;

    uint64_t paddr_offset;  /* paddr less this is the place in guest memory */
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
 * Decode the headers from the first `size` bytes of an image of `file_size` bytes (UINT64_MAX: not known
 * yet). `name` must last as long as the image. 0 or -1.
 */
int elf_image_parse(struct elf_image *image, const void *head, size_t size, uint64_t file_size,
                    const char *name,
                    struct tn_error *err);

/* Take in one note of Xen's. 0 or -1. */
int elf_image_note(struct elf_image *image, uint32_t type, const uint8_t *desc, uint32_t size,
                   struct tn_error *err);

/* Take in a table of notes; names other than "Xen" are skipped. 0 or -1. */
int elf_image_notes(struct elf_image *image, const uint8_t *table, size_t size, struct tn_error *err);

/* Take in the contents of a section __xen_guest: "KEY=value,KEY=value", ended by a zero. 0 or -1. */
int elf_image_strings(struct elf_image *image, const char *text, size_t size, struct tn_error *err);

/*
 * For an image without notes in PT_NOTE segments: the next range at or after section *index of the section
 * headers that has notes, or that is __xen_guest (`names`: the section of names). False when there is none.
 * *index moves behind it.
 */
bool elf_image_next_section(const struct elf_image *image, const uint8_t *headers, const char *names,
                            size_t names_size, unsigned *index, struct elf_range *range, bool *strings);
/* Where the names of sections are; size 0: nowhere. */
struct elf_range elf_image_section_names(const struct elf_image *image, const uint8_t *headers);

/* From segments and notes to addresses. 0 or -1. */
int elf_image_finish(struct elf_image *image, struct tn_error *err);

/*
 * First and last+1 byte of guest memory that the segments take, were `paddr_offset` taken off; false: it is
 * not.
 */
bool elf_image_extent(const struct elf_image *image, uint64_t paddr_offset, uint64_t *start, uint64_t *end);

/*
 * True when [start, start+size) is plain guest address space: canonical, not the hypervisor's, not wrapping.
 */
bool guest_addresses_ok(uint64_t start, uint64_t size);

#endif
