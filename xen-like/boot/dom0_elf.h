/* SPDX-License-Identifier: MIT */
/* The kernel image of Domain-0: an ELF64 executable with Xen's notes (xen/elfnote.h). */
#pragma once

#include "lib/lib.h"

#define ELF_MAX_SEGMENTS 16

struct elf_segment {
    u64 offset, file_size;  /* in the image */
    u64 address, size;      /* virtual, where the notes place it */
};

struct elf_kernel {
    u64 virt_base, paddr_offset, entry;
    u64 hypercall_page;     /* virtual; 0: none */
    u64 init_p2m;           /* virtual; 0: below virt_base with the rest */
    u64 start, end;         /* virtual extent of all segments */
    bool mod_start_pfn;     /* the RAM disk need not be mapped */
    char guest_os[17];
    unsigned int nr_segments;
    struct elf_segment segment[ELF_MAX_SEGMENTS];
};

/* NULL, or what is wrong with the image, as the end of a sentence. */
const char *elf_kernel_parse(const u8 *image, u64 size, struct elf_kernel *out);
