/* SPDX-License-Identifier: MIT */
/*
 * The headers of a kernel image, and the addresses that follow from them and from the notes. The order of
 * checks is: is it ELF for this machine, are its tables where it says, do its segments fit together, do its
 * notes make a PV kernel whose addresses can be laid out. Sources: the ELF64 specification, <xen/elfnote.h>.
 */
#include "elf_image.h"
#include "elf64.h"

#include <inttypes.h>
#include <string.h>

#define PAGE_SIZE 4096u
/* Guest memory ends far below this; offsets under it can be added without wrapping. */
#define MAX_IMAGE (1ull << 40)
/* The hypervisor's slots of the PV64 address space split. */
#define HYPERVISOR_START 0xffff800000000000ull
#define HYPERVISOR_END   0xffff880000000000ull

bool guest_addresses_ok(uint64_t start, uint64_t size)
{
    uint64_t last = start + size - 1;

    if (size == 0 || last < start)
        return false;
    if (last < 0x0000800000000000ull)
        return true;
    /* The very last page stays free, so that an end address never wraps to 0. */
    return start >= HYPERVISOR_END && last < UINT64_MAX - PAGE_SIZE;
}

/* The beginning of the image. */
struct head {
    const uint8_t *bytes;
    size_t size;
};

/* Copy out `count` bytes at `offset`; false when they are not all there. */
static bool head_read(const struct head *head, uint64_t offset, void *to, size_t count)
{
    if (offset > head->size || head->size - offset < count)
        return false;
    memcpy(to, head->bytes + offset, count);
    return true;
}

/* The program header of that number, which check_header() found to be at hand. */
static struct elf64_program_header program_header(const struct head *head, const struct elf64_header *eh,
                                                  unsigned i)
{
    struct elf64_program_header ph = { 0 };

    head_read(head, eh->e_phoff + i * sizeof(ph), &ph, sizeof(ph));
    return ph;
}

static int check_header(const struct elf_image *image, const struct head *head, struct elf64_header *eh,
                        struct tn_error *err)
{
    const char *name = image->name;
    uint64_t table;

    if (!head_read(head, 0, eh, sizeof(*eh)) || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0)
        return tn_fail(err, "kernel %s: not an ELF image: give an ELF64 kernel for Xen PV", name);
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB ||
        eh->e_machine != EM_X86_64)
        return tn_fail(err, "kernel %s: ELF, but not for x86-64: give an ELF64 kernel for Xen PV", name);
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return tn_fail(err, "kernel %s: ELF, but not an executable (type %u): give a linked kernel", name,
                       eh->e_type);
    if (eh->e_phnum == 0 || eh->e_phentsize != sizeof(struct elf64_program_header))
        return tn_fail(err, "kernel %s: ELF without usable program headers: give a linked kernel", name);
    table = (uint64_t)eh->e_phnum * sizeof(struct elf64_program_header);
    if (eh->e_phoff <= head->size && head->size - eh->e_phoff >= table)
        return 0;
    if (head->size < ELF_IMAGE_HEAD)
        return tn_fail(err, "kernel %s: truncated: its program headers lie beyond the end of the file", name);
    return tn_fail(err, "kernel %s: its program headers lie beyond the first %u KB: link it with fewer"
                        " segments, headers first", name, ELF_IMAGE_HEAD >> 10);
}

/* Insert in order of paddr; refuse an overlap with a neighbour. */
static int add_segment(struct elf_image *image, const struct elf_segment *seg, struct tn_error *err)
{
    unsigned at = image->nr_segments;

    if (image->nr_segments == ELF_IMAGE_MAX_SEGMENTS)
        return tn_fail(err, "kernel %s: more than %u loadable segments: link it with fewer", image->name,
                       ELF_IMAGE_MAX_SEGMENTS);
    while (at > 0 && image->segments[at - 1].paddr > seg->paddr)
        at--;
    if ((at > 0 && seg->paddr - image->segments[at - 1].paddr < image->segments[at - 1].memory_size) ||
        (at < image->nr_segments && image->segments[at].paddr - seg->paddr < seg->memory_size))
        return tn_fail(err, "kernel %s: segments overlap at physical address 0x%" PRIx64 ": the image is"
                            " damaged or badly linked", image->name, seg->paddr);
    memmove(&image->segments[at + 1], &image->segments[at],
            (image->nr_segments - at) * sizeof(image->segments[0]));
    image->segments[at] = *seg;
    image->nr_segments++;
    return 0;
}

/* The file reaches at least to the end of this range. */
static void extend_file(struct elf_image *image, uint64_t offset, uint64_t size)
{
    if (offset + size > image->file_end)
        image->file_end = offset + size;
}

static bool in_file(uint64_t file_size, uint64_t offset, uint64_t size)
{
    return offset <= file_size && file_size - offset >= size && offset + size >= offset;
}

static int read_segment(struct elf_image *image, const struct elf64_program_header *ph, unsigned i,
                        uint64_t file_size, struct tn_error *err)
{
    const struct elf_segment seg = { ph->p_paddr, ph->p_memsz, ph->p_offset, ph->p_filesz };

    if (!in_file(file_size, ph->p_offset, ph->p_filesz))
        return tn_fail(err, "kernel %s: truncated: segment %u lies beyond the end of the image (%" PRIu64
                            " bytes)", image->name, i, file_size);
    if (ph->p_filesz > ph->p_memsz)
        return tn_fail(err, "kernel %s: segment %u is larger in the file than in memory: the image is"
                            " damaged", image->name, i);
    if (ph->p_memsz > MAX_IMAGE || ph->p_paddr + ph->p_memsz < ph->p_paddr)
        return tn_fail(err, "kernel %s: segment %u wraps around the address space: the image is damaged",
                       image->name, i);
    if (ph->p_filesz)
        extend_file(image, ph->p_offset, ph->p_filesz);
    return add_segment(image, &seg, err);
}

static int read_note_range(struct elf_image *image, const struct elf64_program_header *ph, uint64_t file_size,
                           struct tn_error *err)
{
    uint64_t total = ph->p_filesz;

    for (unsigned i = 0; i < image->nr_note_ranges; i++)
        total += image->note_ranges[i].size;
    if (!in_file(file_size, ph->p_offset, ph->p_filesz))
        return tn_fail(err, "kernel %s: truncated: its notes lie beyond the end of the image", image->name);
    if (image->nr_note_ranges == ELF_IMAGE_MAX_NOTES || ph->p_filesz > ELF_IMAGE_TABLE_MAX ||
        total > ELF_IMAGE_TABLE_MAX)
        return tn_fail(err, "kernel %s: more than %u KB of notes, or more than %u tables of them: the image"
                            " is damaged, or link it with fewer", image->name, ELF_IMAGE_TABLE_MAX >> 10,
                       ELF_IMAGE_MAX_NOTES);
    image->note_ranges[image->nr_note_ranges++] = (struct elf_range){ ph->p_offset, ph->p_filesz };
    extend_file(image, ph->p_offset, ph->p_filesz);
    return 0;
}

/* Only images without notes in segments need their sections, so what is odd about those is no error. */
static void note_sections(struct elf_image *image, const struct elf64_header *eh, uint64_t file_size)
{
    uint64_t size = (uint64_t)eh->e_shnum * sizeof(struct elf64_section_header);

    if (!size || eh->e_shentsize != sizeof(struct elf64_section_header) || size > ELF_IMAGE_TABLE_MAX ||
        !in_file(file_size, eh->e_shoff, size))
        return;
    image->sections = (struct elf_range){ eh->e_shoff, size };
    image->section_names = eh->e_shstrndx;
    extend_file(image, eh->e_shoff, size);
}

int elf_image_parse(struct elf_image *image, const void *bytes, size_t size, uint64_t file_size,
                    const char *name,
                    struct tn_error *err)
{
    const struct head head = { bytes, size };
    struct elf64_header eh;

    memset(image, 0, sizeof(*image));
    image->name = name;
    if (check_header(image, &head, &eh, err) < 0)
        return -1;
    image->header_entry = eh.e_entry;
    for (unsigned i = 0; i < eh.e_phnum; i++) {
        struct elf64_program_header ph = program_header(&head, &eh, i);

        if (ph.p_type == PT_LOAD && ph.p_memsz && read_segment(image, &ph, i, file_size, err) < 0)
            return -1;
        if (ph.p_type == PT_NOTE && ph.p_filesz && read_note_range(image, &ph, file_size, err) < 0)
            return -1;
    }
    if (image->nr_segments == 0)
        return tn_fail(err, "kernel %s: no loadable segment: give a linked kernel", name);
    note_sections(image, &eh, file_size);
    return 0;
}

/* -- Addresses ------------------------------------------------------------------------------------------- */

bool elf_image_extent(const struct elf_image *image, uint64_t paddr_offset, uint64_t *start, uint64_t *end)
{
    const struct elf_segment *first = &image->segments[0], *last = &image->segments[image->nr_segments - 1];
    uint64_t size = last->paddr + last->memory_size - first->paddr;

    *start = first->paddr - paddr_offset;
    *end = *start + size;
    return first->paddr >= paddr_offset && *start <= MAX_IMAGE && size <= MAX_IMAGE;
}

static bool within(const struct elf_image *image, uint64_t address, uint64_t size)
{
    return address >= image->virt_start && address < image->virt_end && image->virt_end - address >= size;
}

/*
 * Guest memory begins with pfn 0 at virt_base; physical addresses of the file are relative to paddr_offset.
 * Both default to 0, but old kernels state their virtual addresses as physical ones.
 */
static int place(struct elf_image *image, struct tn_error *err)
{
    const struct elf_notes *notes = &image->notes;
    uint64_t end;

    image->virt_base = notes->virt_base.value;
    image->paddr_offset = notes->paddr_offset.value;
    if (!notes->paddr_offset.present && notes->paddr_is_virtual)
        image->paddr_offset = image->virt_base;
    if (image->virt_base % PAGE_SIZE)
        return tn_fail(err, "kernel %s: VIRT_BASE 0x%" PRIx64 " is not page-aligned: the image is badly"
                            " linked", image->name, image->virt_base);
    if (!elf_image_extent(image, image->paddr_offset, &image->image_offset, &end))
        return tn_fail(err, "kernel %s: physical address 0x%" PRIx64 " does not fit PADDR_OFFSET 0x%" PRIx64
                            ": the image is badly linked", image->name, image->segments[0].paddr,
                       image->paddr_offset);
    if (!guest_addresses_ok(image->virt_base, end))
        return tn_fail(err, "kernel %s: VIRT_BASE 0x%" PRIx64 " puts it outside the guest's address space",
                       image->name, image->virt_base);
    image->virt_start = image->virt_base + image->image_offset;
    image->virt_end = image->virt_base + end;
    return 0;
}

int elf_image_finish(struct elf_image *image, struct tn_error *err)
{
    const struct elf_notes *notes = &image->notes;
    const char *name = image->name;

    if (!notes->any)
        return tn_fail(err, "kernel %s: ELF without Xen notes, so not a Xen PV kernel: give one built for"
                            " Xen PV", name);
    if (notes->phys32_entry && !notes->entry.present && !notes->virt_base.present)
        return tn_fail(err, "kernel %s: a PVH kernel (PHYS32_ENTRY alone): give one built for Xen PV", name);
    if (place(image, err) < 0)
        return -1;
    image->entry = notes->entry.present ? notes->entry.value : image->header_entry;
    image->has_hypercall_page = notes->hypercall_page.present;
    image->hypercall_page = notes->hypercall_page.value;
    if (notes->hypercall_page_is_pfn)
        image->hypercall_page = image->virt_base + image->hypercall_page * PAGE_SIZE;
    image->has_init_p2m = notes->init_p2m.present;
    image->init_p2m = notes->init_p2m.value;
    image->mod_start_pfn = notes->mod_start_pfn.value != 0;
    if (!within(image, image->entry, 1))
        return tn_fail(err, "kernel %s: entry 0x%" PRIx64 " lies outside of it (0x%" PRIx64 "-0x%" PRIx64
                            "): the image is badly linked", name, image->entry, image->virt_start,
                       image->virt_end);
    if (image->has_hypercall_page && (image->hypercall_page % PAGE_SIZE ||
                                      !within(image, image->hypercall_page, PAGE_SIZE)))
        return tn_fail(err, "kernel %s: its hypercall page 0x%" PRIx64 " is not a page within it: the image"
                            " is badly linked", name, image->hypercall_page);
    if (image->has_init_p2m && (image->init_p2m % PAGE_SIZE || !guest_addresses_ok(image->init_p2m, PAGE_SIZE)))
        return tn_fail(err, "kernel %s: INIT_P2M 0x%" PRIx64 " is not a page of the guest's address space:"
                            " the image is badly linked", name, image->init_p2m);
    return 0;
}
