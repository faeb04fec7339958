/* SPDX-License-Identifier: MIT */
/*
 * Kernel images for tests.
 */
#include "image.h"

#include <string.h>
#include <xen/elfnote.h>

struct elf64_header *image_header(struct test_image *image)
{
    return (void *)image->bytes;
}

struct elf64_program_header *image_segment(struct test_image *image, unsigned n)
{
    return (struct elf64_program_header *)(image->bytes + sizeof(struct elf64_header)) + n;
}

void image_clear_notes(struct test_image *image)
{
    image_segment(image, 2)->p_filesz = 0;
}

void image_add_note(struct test_image *image, uint32_t type, const void *desc, uint32_t size)
{
    struct elf64_program_header *notes = image_segment(image, 2);
    struct elf64_note nh = { 4, size, type };
    uint8_t *at = image->bytes + IMAGE_NOTES + notes->p_filesz;

    memcpy(at, &nh, sizeof(nh));
    memcpy(at + sizeof(nh), "Xen", 4);
    memcpy(at + sizeof(nh) + 4, desc, size);
    notes->p_filesz += sizeof(nh) + 4 + ((size + 3) & ~3u);
}

void image_add_number(struct test_image *image, uint32_t type, uint64_t value)
{
    image_add_note(image, type, &value, sizeof(value));
}

void image_make(struct test_image *image)
{
    struct elf64_header *eh = image_header(image);

    memset(image, 0, sizeof(*image));
    image->size = IMAGE_SIZE;
    memcpy(eh->e_ident, ELFMAG, SELFMAG);
    eh->e_ident[EI_CLASS] = ELFCLASS64;
    eh->e_ident[EI_DATA] = ELFDATA2LSB;
    eh->e_type = ET_EXEC;
    eh->e_machine = EM_X86_64;
    eh->e_entry = 0xdead;
    eh->e_phoff = sizeof(*eh);
    eh->e_phentsize = sizeof(struct elf64_program_header);
    eh->e_phnum = 3;
    *image_segment(image, 0) = (struct elf64_program_header){
        .p_type = PT_LOAD, .p_offset = 0x1000, .p_paddr = IMAGE_BASE, .p_filesz = 0x2000, .p_memsz = 0x2000,
    };
    /* As a per-CPU segment has it: a virtual address that has nothing to do with its place. */
    *image_segment(image, 1) = (struct elf64_program_header){
        .p_type = PT_LOAD, .p_offset = 0x3000, .p_vaddr = 0, .p_paddr = IMAGE_BASE + 0x3100,
            .p_filesz = 0x1800, .p_memsz = 0x2900,
    };
    *image_segment(image, 2) = (struct elf64_program_header){ .p_type = PT_NOTE, .p_offset = IMAGE_NOTES };
    memset(image->bytes + 0x1000, 0xaa, 0x2000);
    memset(image->bytes + 0x3000, 0xbb, 0x1800);
    image_add_note(image, XEN_ELFNOTE_GUEST_OS, "test", 5);
    image_add_note(image, XEN_ELFNOTE_XEN_VERSION, "xen-3.0", 8);
    image_add_number(image, XEN_ELFNOTE_ENTRY, IMAGE_ENTRY);
    image_add_number(image, XEN_ELFNOTE_HYPERCALL_PAGE, IMAGE_BASE + 0x1000);
    image_add_number(image, XEN_ELFNOTE_VIRT_BASE, 0);
}
