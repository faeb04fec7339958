/* SPDX-License-Identifier: MIT */
/*
 * The kernel image of Domain-0: an ELF64 executable with Xen's notes (xen/elfnote.h), read by the file that
 * the toolstack reads other domains' kernels by.
 */
#pragma once

#include "elf_image.h"
#include "lib/lib.h"

/* All of an image of that size: headers, notes, addresses. 0, or -1 with a line in err that says what is wrong. */
int dom0_elf_read(struct elf_image *image, const u8 *bytes, u64 size, struct tn_error *err);
