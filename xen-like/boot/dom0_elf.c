/* SPDX-License-Identifier: MIT */
/*
 * Reads the header, segments and notes of Domain-0's kernel. Everything is checked against the image's size,
 * since a damaged file must end in a message.
 */
#include "boot/dom0_elf.h"

#include <xen/elfnote.h>

#include "mm/layout.h"

struct elf_header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, phoff, shoff;
    u32 flags;
    u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_program_header {
    u32 type, flags;
    u64 offset, vaddr, paddr, filesz, memsz, align;
};

struct elf_section_header {
    u32 name, type;
    u64 flags, addr, offset, size;
    u32 link, info;
    u64 addralign, entsize;
};

struct elf_note {
    u32 namesz, descsz, type;
};

#define PT_LOAD     1
#define PT_NOTE     4
#define SHT_NOTE    7
#define EM_X86_64   62
#define UNSET       (~0UL)

static bool range_ok(u64 offset, u64 length, u64 size) { return offset <= size && length <= size - offset; }

/* A note's number, in four or eight bytes. */
static u64 note_number(const u8 *desc, u32 size)
{
    u64 value = 0;

    memcpy(&value, desc, min(size, 8u));
    return value;
}

static void take_note(u32 type, const u8 *desc, u32 size, struct elf_kernel *out)
{
    switch (type) {
    case XEN_ELFNOTE_ENTRY:          out->entry = note_number(desc, size); break;
    case XEN_ELFNOTE_HYPERCALL_PAGE: out->hypercall_page = note_number(desc, size); break;
    case XEN_ELFNOTE_VIRT_BASE:      out->virt_base = note_number(desc, size); break;
    case XEN_ELFNOTE_PADDR_OFFSET:   out->paddr_offset = note_number(desc, size); break;
    case XEN_ELFNOTE_INIT_P2M:       out->init_p2m = note_number(desc, size); break;
    case XEN_ELFNOTE_MOD_START_PFN:  out->mod_start_pfn = note_number(desc, size) != 0; break;
    case XEN_ELFNOTE_GUEST_OS:
        memcpy(out->guest_os, desc, min(size, (u32)sizeof(out->guest_os) - 1));
        break;
    default:
        break;
    }
}

/* The notes in one segment or section; true if one of them was Xen's. */
static bool take_notes(const u8 *p, u64 size, struct elf_kernel *out)
{
    bool found = false;

    while (size >= sizeof(struct elf_note)) {
        struct elf_note note;
        u64 name_size, desc_size, whole;

        memcpy(&note, p, sizeof(note));
        name_size = ALIGN_UP((u64)note.namesz, 4UL);
        desc_size = ALIGN_UP((u64)note.descsz, 4UL);
        whole = sizeof(note) + name_size + desc_size;
        if (whole > size)
            break;
        if (note.namesz == 4 && !memcmp(p + sizeof(note), "Xen", 4)) {
            take_note(note.type, p + sizeof(note) + name_size, note.descsz, out);
            found = true;
        }
        p += whole;
        size -= whole;
    }
    return found;
}

static bool find_notes(const u8 *image, u64 size, const struct elf_header *h, struct elf_kernel *out)
{
    bool found = false;

    for (unsigned int i = 0; i < h->phnum; i++) {
        struct elf_program_header ph;

        memcpy(&ph, image + h->phoff + i * sizeof(ph), sizeof(ph));
        if (ph.type == PT_NOTE && range_ok(ph.offset, ph.filesz, size))
            found |= take_notes(image + ph.offset, ph.filesz, out);
    }
    if (found || h->shentsize != sizeof(struct elf_section_header) ||
        !range_ok(h->shoff, (u64)h->shnum * sizeof(struct elf_section_header), size))
        return found;
    for (unsigned int i = 0; i < h->shnum; i++) {
        struct elf_section_header sh;

        memcpy(&sh, image + h->shoff + i * sizeof(sh), sizeof(sh));
        if (sh.type == SHT_NOTE && range_ok(sh.offset, sh.size, size))
            found |= take_notes(image + sh.offset, sh.size, out);
    }
    return found;
}

static const char *take_segments(const u8 *image, u64 size, const struct elf_header *h,
                                 struct elf_kernel *out)
{
    out->start = UNSET;
    for (unsigned int i = 0; i < h->phnum; i++) {
        struct elf_program_header ph;
        struct elf_segment *s = &out->segment[out->nr_segments];

        memcpy(&ph, image + h->phoff + i * sizeof(ph), sizeof(ph));
        if (ph.type != PT_LOAD || !ph.memsz)
            continue;
        if (out->nr_segments == ELF_MAX_SEGMENTS)
            return "has too many segments";
        if (ph.filesz > ph.memsz || !range_ok(ph.offset, ph.filesz, size))
            return "has a segment beyond the end of the file";
        if (ph.paddr < out->paddr_offset || ph.paddr - out->paddr_offset > GB(512) || ph.memsz > GB(512))
            return "has a segment outside of any memory";
        *s = (struct elf_segment){ ph.offset, ph.filesz, ph.paddr - out->paddr_offset + out->virt_base,
                                   ph.memsz };
        if (s->address < out->virt_base || s->address + s->size < s->address)
            return "has a segment that wraps around";
        if (s->address < HV_VIRT_END && s->address + s->size > HV_VIRT_START)
            return "has a segment where the hypervisor is";
        out->start = min(out->start, s->address);
        out->end = max(out->end, s->address + s->size);
        out->nr_segments++;
    }
    return out->nr_segments ? NULL : "has nothing to load";
}

const char *elf_kernel_parse(const u8 *image, u64 size, struct elf_kernel *out)
{
    static const u8 magic[6] = { 0x7f, 'E', 'L', 'F', 2 /* 64 bits */, 1 /* little-endian */ };
    struct elf_header h;

    *out = (struct elf_kernel){ .virt_base = UNSET, .paddr_offset = UNSET, .entry = UNSET };
    if (size < sizeof(h))
        return "is too small for an ELF image";
    memcpy(&h, image, sizeof(h));
    if (memcmp(h.ident, magic, sizeof(magic)) || h.machine != EM_X86_64)
        return "is not an ELF image for x86-64";
    if (h.phentsize != sizeof(struct elf_program_header) ||
        !range_ok(h.phoff, (u64)h.phnum * sizeof(struct elf_program_header), size))
        return "is truncated in its program headers";
    if (!find_notes(image, size, &h, out))
        return "has no Xen notes: it is not a paravirtual kernel";
    if (out->virt_base == UNSET)
        out->virt_base = 0;
    if (out->paddr_offset == UNSET)
        out->paddr_offset = 0;
    if (out->entry == UNSET)
        out->entry = h.entry;
    return take_segments(image, size, &h, out);
}
