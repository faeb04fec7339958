/* SPDX-License-Identifier: MIT */
/*
 * Makes kernel images for tests: a good one that a test then spoils.
 */
#ifndef TOOLSTACK_TESTS_IMAGE_H
#define TOOLSTACK_TESTS_IMAGE_H

#include "../build/elf64.h"

#include <stddef.h>

#define IMAGE_SIZE     0x6000u
#define IMAGE_NOTES    0x400u       /* file offset of the notes */
#define IMAGE_BASE     0x400000u    /* physical address of the first segment */
#define IMAGE_ENTRY    0x400010u

/*
 * File layout: header, program headers, notes, segment A at 0x1000 (2 pages), segment B at 0x3000 (1.5
 * pages).
 */
struct test_image {
    uint8_t bytes[IMAGE_SIZE];
    size_t size;
};

struct elf64_header *image_header(struct test_image *image);
/* 0: A, 1: B, 2: the notes */
struct elf64_program_header *image_segment(struct test_image *image, unsigned n);

/*
 * A good image: segments A (paddr 0x400000, 0x2000) and B (paddr 0x403100, 0x1800 in the file, 0x2900 in
 * memory).
 */
void image_make(struct test_image *image);
void image_clear_notes(struct test_image *image);
void image_add_note(struct test_image *image, uint32_t type, const void *desc, uint32_t size);
void image_add_number(struct test_image *image, uint32_t type, uint64_t value);

#endif
