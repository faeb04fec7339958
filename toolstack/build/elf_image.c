/* SPDX-License-Identifier: MIT */
/*
 * Decoding and checking of kernel images: the ELF header, loadable segments placed by physical address, and
 * Xen's notes. The order is: read raw values with bounds, then derive addresses with overflow checks, then
 * check each against the whole. Sources: the ELF64 specification, <xen/elfnote.h>.
 */
#include "elf_image.h"
#include "elf64.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <xen/elfnote.h>

#define PAGE_SIZE 4096u
/* Guest memory ends far below this; offsets under it can be added without wrapping. */
#define MAX_IMAGE (1ull << 40)
/* The hypervisor's slots of the PV64 address space split. */
#define HYPERVISOR_START 0xffff800000000000ull
#define HYPERVISOR_END   0xffff880000000000ull

struct notes {
    bool any, has_entry, has_virt_base, has_paddr_offset, has_phys32_entry;
    uint64_t entry, virt_base, paddr_offset;
};

bool guest_range_ok(uint64_t start, uint64_t size)
{
    uint64_t last = start + size - 1;

    if (size == 0 || last < start)
        return false;
    if (last < 0x0000800000000000ull)
        return true;
    /* The very last page stays free, so that an end address never wraps to 0. */
    return start >= HYPERVISOR_END && last < UINT64_MAX - PAGE_SIZE;
}

/* Copy out `count` bytes of the file at `offset`; false when they are not all there. */
static bool file_read(const struct elf_image *image, uint64_t offset, void *to, size_t count)
{
    if (offset > image->file_size || image->file_size - offset < count)
        return false;
    memcpy(to, image->file + offset, count);
    return true;
}

static int check_header(const struct elf_image *image, struct elf64_header *eh, const char *name,
                        struct tn_error *err)
{
    if (!file_read(image, 0, eh, sizeof(*eh)) || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
        return tn_fail(err, "kernel %s: not an ELF file: give an ELF64 kernel for Xen PV", name);
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
        eh->e_machine != EM_X86_64)
        return tn_fail(err, "kernel %s: ELF, but not for x86-64: give an ELF64 kernel for Xen PV", name);
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return tn_fail(err, "kernel %s: ELF, but not an executable (type %u): give a linked kernel", name,
                       eh->e_type);
    if (eh->e_phnum == 0 || eh->e_phentsize != sizeof(struct elf64_program_header))
        return tn_fail(err, "kernel %s: ELF without usable program headers: give a linked kernel", name);
    return 0;
}

/* Insert in order of paddr; refuse an overlap with a neighbour. */
static int add_segment(struct elf_image *image, const struct elf_segment *seg, const char *name,
                       struct tn_error *err)
{
    unsigned at = image->nr_segments;

    if (image->nr_segments == ELF_IMAGE_MAX_SEGMENTS)
        return tn_fail(err, "kernel %s: more than %u loadable segments: link it with fewer", name,
                       ELF_IMAGE_MAX_SEGMENTS);
    while (at > 0 && image->segments[at - 1].paddr > seg->paddr)
        at--;
    if ((at > 0 && seg->paddr - image->segments[at - 1].paddr < image->segments[at - 1].memory_size) ||
        (at < image->nr_segments && image->segments[at].paddr - seg->paddr < seg->memory_size))
        return tn_fail(err, "kernel %s: segments overlap at physical address 0x%" PRIx64
                       ": the image is damaged or badly linked", name, seg->paddr);
    memmove(&image->segments[at + 1], &image->segments[at],
            (image->nr_segments - at) * sizeof(image->segments[0]));
    image->segments[at] = *seg;
    image->nr_segments++;
    return 0;
}

static int read_segments(struct elf_image *image, const struct elf64_header *eh, const char *name,
                         struct tn_error *err)
{
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        struct elf_segment seg;
        struct elf64_program_header ph;

        if (eh->e_phoff > image->file_size ||
            !file_read(image, eh->e_phoff + i * sizeof(ph), &ph, sizeof(ph)))
            return tn_fail(err, "kernel %s: truncated: its program headers lie beyond the end of the file",
                           name);
        if (ph.p_type != PT_LOAD || ph.p_memsz == 0)
            continue;
        if (ph.p_offset > image->file_size || image->file_size - ph.p_offset < ph.p_filesz)
            return tn_fail(err, "kernel %s: truncated: segment %u lies beyond the end of the file (%zu"
                                " bytes)", name, i, image->file_size);
        if (ph.p_filesz > ph.p_memsz)
            return tn_fail(err, "kernel %s: segment %u is larger in the file than in memory: the image is"
                                " damaged", name, i);
        if (ph.p_memsz > MAX_IMAGE || ph.p_paddr + ph.p_memsz < ph.p_paddr)
            return tn_fail(err, "kernel %s: segment %u wraps around the address space: the image is damaged",
                           name, i);
        seg = (struct elf_segment){ ph.p_paddr, ph.p_memsz, ph.p_offset, ph.p_filesz };
        if (add_segment(image, &seg, name, err) < 0)
            return -1;
    }
    if (image->nr_segments == 0)
        return tn_fail(err, "kernel %s: no loadable segment: give a linked kernel", name);
    return 0;
}

/* A numeric note is stored as 4 or 8 bytes. */
static bool note_number(const uint8_t *desc, uint32_t size, uint64_t *value)
{
    uint32_t narrow;

    if (size == sizeof(*value)) {
        memcpy(value, desc, sizeof(*value));
    } else if (size == sizeof(narrow)) {
        memcpy(&narrow, desc, sizeof(narrow));
        *value = narrow;
    } else {
        return false;
    }
    return true;
}

/* Features that a kernel may require ("!name"), and whether a PV domain has them here. */
static const struct {
    const char *name;
    bool offered;
} feature_names[] = {
    { "writable_page_tables", true },
    { "writable_descriptor_tables", true },
    { "pae_pgdir_above_4gb", true },
    { "dom0", true },
    { "auto_translated_physmap", false },
    { "supervisor_mode_kernel", false },
};

static bool feature_offered(const char *feature, size_t length)
{
    for (size_t i = 0; i < sizeof(feature_names) / sizeof(feature_names[0]); i++)
        if (strlen(feature_names[i].name) == length && memcmp(feature, feature_names[i].name, length) == 0)
            return feature_names[i].offered;
    return false;
}

/* Features are separated by '|'; one that begins with '!' is required. */
static int check_features(const char *text, uint32_t size, const char *name, struct tn_error *err)
{
    const char *end = text + strnlen(text, size);

    while (text < end) {
        const char *bar = memchr(text, '|', end - text);
        const char *stop = bar ? bar : end;

        if (*text == '!' && !feature_offered(text + 1, stop - text - 1))
            return tn_fail(err, "kernel %s: requires the feature %.*s, which PV domains do not have here",
                           name, (int)(stop - text - 1 < 60 ? stop - text - 1 : 60), text + 1);
        text = stop + 1;
    }
    return 0;
}

static int take_note(struct elf_image *image, struct notes *notes, uint32_t type, const uint8_t *desc,
                     uint32_t size, const char *name, struct tn_error *err)
{
    struct {
        uint32_t type;
        bool *present;
        uint64_t *value;
    } const numbers[] = {
        { XEN_ELFNOTE_ENTRY, &notes->has_entry, &notes->entry },
        { XEN_ELFNOTE_VIRT_BASE, &notes->has_virt_base, &notes->virt_base },
        { XEN_ELFNOTE_PADDR_OFFSET, &notes->has_paddr_offset, &notes->paddr_offset },
        { XEN_ELFNOTE_HYPERCALL_PAGE, &image->has_hypercall_page, &image->hypercall_page },
        { XEN_ELFNOTE_INIT_P2M, &image->has_init_p2m, &image->init_p2m },
    };
    uint64_t number;

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (numbers[i].type != type)
            continue;
        if (!note_number(desc, size, numbers[i].value))
            return tn_fail(err, "kernel %s: Xen note %" PRIu32
                           " is not a number of 4 or 8 bytes: the image is damaged", name, type);
        *numbers[i].present = true;
    }
    notes->any = true;
    if (type == XEN_ELFNOTE_MOD_START_PFN)
        image->mod_start_pfn = note_number(desc, size, &number) && number != 0;
    if (type == XEN_ELFNOTE_PHYS32_ENTRY)
        notes->has_phys32_entry = true;
    if (type == XEN_ELFNOTE_FEATURES)
        return check_features((const char *)desc, size, name, err);
    if (type == XEN_ELFNOTE_XEN_VERSION && (size < 7 || memcmp(desc, "xen-3.0", 7) != 0))
        return tn_fail(err, "kernel %s: made for another hypervisor interface than xen-3.0", name);
    return 0;
}

/* Walk a table of notes; names other than "Xen" are skipped. */
static int read_notes(struct elf_image *image, struct notes *notes, uint64_t offset, uint64_t size,
                      const char *name, struct tn_error *err)
{
    const uint8_t *at, *end;

    if (offset > image->file_size || image->file_size - offset < size)
        return tn_fail(err, "kernel %s: truncated: its notes lie beyond the end of the file", name);
    at = image->file + offset;
    end = at + size;
    while ((size_t)(end - at) >= sizeof(struct elf64_note)) {
        struct elf64_note nh;
        uint64_t name_space, desc_space;

        memcpy(&nh, at, sizeof(nh));
        at += sizeof(nh);
        name_space = ((uint64_t)nh.n_namesz + 3) & ~3ull;
        desc_space = ((uint64_t)nh.n_descsz + 3) & ~3ull;
        /* The padding of the last note may be cut off. */
        if ((uint64_t)(end - at) < name_space || (uint64_t)(end - at) - name_space < nh.n_descsz)
            return tn_fail(err, "kernel %s: a note is longer than its table: the image is damaged", name);
        if (nh.n_namesz == 4 && memcmp(at, "Xen", 4) == 0 &&
            take_note(image, notes, nh.n_type, at + name_space, nh.n_descsz, name, err) < 0)
            return -1;
        at += name_space;
        at += desc_space < (uint64_t)(end - at) ? desc_space : (uint64_t)(end - at);
    }
    return 0;
}

/* Notes stand in PT_NOTE segments; an image without those may have them in SHT_NOTE sections. */
static int find_notes(struct elf_image *image, struct notes *notes, const struct elf64_header *eh,
                      const char *name, struct tn_error *err)
{
    for (unsigned i = 0; i < eh->e_phnum; i++) {
        struct elf64_program_header ph;

        if (file_read(image, eh->e_phoff + i * sizeof(ph), &ph, sizeof(ph)) && ph.p_type == PT_NOTE &&
            read_notes(image, notes, ph.p_offset, ph.p_filesz, name, err) < 0)
            return -1;
    }
    if (notes->any || eh->e_shentsize != sizeof(struct elf64_section_header) ||
        eh->e_shoff > image->file_size)
        return 0;
    for (unsigned i = 0; i < eh->e_shnum; i++) {
        struct elf64_section_header sh;

        if (file_read(image, eh->e_shoff + i * sizeof(sh), &sh, sizeof(sh)) && sh.sh_type == SHT_NOTE &&
            read_notes(image, notes, sh.sh_offset, sh.sh_size, name, err) < 0)
            return -1;
    }
    return 0;
}

static bool within(const struct elf_image *image, uint64_t address, uint64_t size)
{
    return address >= image->virt_start && address < image->virt_end && image->virt_end - address >= size;
}

/*
 * From segments and notes to addresses. Guest memory begins with pfn 0 at virt_base; physical addresses of
 * the file are relative to paddr_offset. Both default to 0.
 */
static int derive(struct elf_image *image, const struct notes *notes, const char *name, struct tn_error *err)
{
    const struct elf_segment *last = &image->segments[image->nr_segments - 1];
    uint64_t first_paddr = image->segments[0].paddr, size = last->paddr + last->memory_size - first_paddr;

    image->virt_base = notes->virt_base;
    if (image->virt_base % PAGE_SIZE)
        return tn_fail(err, "kernel %s: VIRT_BASE 0x%" PRIx64
                       " is not page-aligned: the image is badly linked", name, image->virt_base);
    if (first_paddr < notes->paddr_offset || first_paddr - notes->paddr_offset > MAX_IMAGE ||
        size > MAX_IMAGE)
        return tn_fail(err, "kernel %s: physical address 0x%" PRIx64 " does not fit PADDR_OFFSET 0x%" PRIx64
                       ": the image is badly linked", name, first_paddr, notes->paddr_offset);
    image->image_offset = first_paddr - notes->paddr_offset;
    if (!guest_range_ok(image->virt_base, image->image_offset + size))
        return tn_fail(err, "kernel %s: VIRT_BASE 0x%" PRIx64 " puts it outside the guest's address space",
                       name, image->virt_base);
    image->virt_start = image->virt_base + image->image_offset;
    image->virt_end = image->virt_start + size;
    if (!within(image, image->entry, 1))
        return tn_fail(err, "kernel %s: entry 0x%" PRIx64 " lies outside of it (0x%" PRIx64 "-0x%" PRIx64 ")",
                       name, image->entry, image->virt_start, image->virt_end);
    if (image->has_hypercall_page && (image->hypercall_page % PAGE_SIZE ||
                                      !within(image, image->hypercall_page, PAGE_SIZE)))
        return tn_fail(err, "kernel %s: its hypercall page 0x%" PRIx64 " is not a page within it", name,
                       image->hypercall_page);
    if (image->has_init_p2m && (image->init_p2m % PAGE_SIZE || !guest_range_ok(image->init_p2m, PAGE_SIZE)))
        return tn_fail(err, "kernel %s: INIT_P2M 0x%" PRIx64 " is not a page of the guest's address space",
                       name, image->init_p2m);
    return 0;
}

int elf_image_parse(struct elf_image *image, const void *file, size_t size, const char *name,
                    struct tn_error *err)
{
    struct notes notes = { 0 };
    struct elf64_header eh;

    memset(image, 0, sizeof(*image));
    image->file = file;
    image->file_size = size;
    if (check_header(image, &eh, name, err) < 0 || read_segments(image, &eh, name, err) < 0 ||
        find_notes(image, &notes, &eh, name, err) < 0)
        return -1;
    if (!notes.any)
        return tn_fail(err, "kernel %s: ELF without Xen notes, so not a Xen PV kernel: give one built for Xen"
                            " PV", name);
    if (notes.has_phys32_entry && !notes.has_entry && !notes.has_virt_base)
        return tn_fail(err, "kernel %s: a PVH kernel (PHYS32_ENTRY alone): give one built for Xen PV", name);
    image->entry = notes.has_entry ? notes.entry : eh.e_entry;
    return derive(image, &notes, name, err);
}

void elf_image_copy(const struct elf_image *image, uint64_t offset, void *to, size_t count)
{
    uint64_t base = image->segments[0].paddr - image->image_offset; /* file paddr of guest offset 0 */

    memset(to, 0, count);
    for (unsigned i = 0; i < image->nr_segments; i++) {
        const struct elf_segment *seg = &image->segments[i];
        uint64_t start = seg->paddr - base, end = start + seg->file_size;
        uint64_t from = start > offset ? start : offset, upto = end < offset + count ? end : offset + count;

        if (from < upto)
            memcpy((uint8_t *)to + (from - offset), image->file + seg->file_offset + (from - start),
                   upto - from);
    }
}
