/* SPDX-License-Identifier: MIT */
/*
 * The parts of the ELF64 format that a kernel image needs: headers and note layout, with the names of the ELF
 * specification. A C library for freestanding targets does not bring <elf.h>.
 */
#ifndef TOOLSTACK_ELF64_H
#define TOOLSTACK_ELF64_H

#include <stdint.h>

#define ELFMAG      "\177ELF"
#define SELFMAG     4
#define EI_CLASS    4
#define EI_DATA     5
#define ELFCLASS64  2
#define ELFDATA2LSB 1
#define ET_EXEC     2
#define ET_DYN      3
#define EM_X86_64   62
#define PT_LOAD     1
#define PT_NOTE     4
#define SHT_NOTE    7

struct elf64_header {
    uint8_t  e_ident[16];
    uint16_t e_type, e_machine;
    uint32_t e_version;
    uint64_t e_entry, e_phoff, e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};

struct elf64_program_header {
    uint32_t p_type, p_flags;
    uint64_t p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};

struct elf64_section_header {
    uint32_t sh_name, sh_type;
    uint64_t sh_flags, sh_addr, sh_offset, sh_size;
    uint32_t sh_link, sh_info;
    uint64_t sh_addralign, sh_entsize;
};

struct elf64_note {
    uint32_t n_namesz, n_descsz, n_type;
};

_Static_assert(sizeof(struct elf64_header) == 64, "ELF64 header");
_Static_assert(sizeof(struct elf64_program_header) == 56, "ELF64 program header");
_Static_assert(sizeof(struct elf64_section_header) == 64, "ELF64 section header");

#endif
