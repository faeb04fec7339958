/* SPDX-License-Identifier: MIT */
/*
 * Kernel images: a good one is decoded as it should, and each way to be bad is refused with its own line.
 */
#include "image.h"
#include "tap.h"

#include "../build/elf_image.h"

#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

static void no_elf(struct test_image *i)            { i->bytes[0] = 'X'; }
static void empty(struct test_image *i)             { i->size = 0; }
static void cut_header(struct test_image *i)        { i->size = 63; }
static void cut_program_headers(struct test_image *i) { i->size = 100; }
static void cut_segment(struct test_image *i)       { i->size = 0x3100; }
static void elf32(struct test_image *i)             { i->bytes[EI_CLASS] = 1; }
static void other_machine(struct test_image *i)     { image_header(i)->e_machine = 183; }
static void object_file(struct test_image *i)       { image_header(i)->e_type = 1; }
static void no_headers(struct test_image *i)        { image_header(i)->e_phnum = 0; }
static void odd_headers(struct test_image *i)       { image_header(i)->e_phentsize = 8; }
static void far_headers(struct test_image *i)       { image_header(i)->e_phoff = UINT64_MAX - 20; }
static void no_segments(struct test_image *i)
{
    image_segment(i, 0)->p_type = image_segment(i, 1)->p_type = 0;
}

static void overlap(struct test_image *i)           { image_segment(i, 1)->p_paddr = IMAGE_BASE + 0x1fff; }
static void overlap_below(struct test_image *i)     { image_segment(i, 1)->p_paddr = IMAGE_BASE - 0x28ff; }
static void overlap_same(struct test_image *i)      { image_segment(i, 1)->p_paddr = IMAGE_BASE; }
static void file_larger(struct test_image *i)       { image_segment(i, 0)->p_memsz = 0x1fff; }
static void offset_wraps(struct test_image *i)      { image_segment(i, 0)->p_offset = UINT64_MAX - 0x100; }
static void paddr_wraps(struct test_image *i)       { image_segment(i, 1)->p_paddr = UINT64_MAX - 0x100; }
static void memory_huge(struct test_image *i)       { image_segment(i, 1)->p_memsz = UINT64_MAX - 0x403100; }
static void far_apart(struct test_image *i)         { image_segment(i, 1)->p_paddr = 1ull << 50; }
static void no_notes(struct test_image *i)          { image_clear_notes(i); }
static void notes_outside(struct test_image *i)     { image_segment(i, 2)->p_offset = IMAGE_SIZE; }
static void notes_wrap(struct test_image *i)        { image_segment(i, 2)->p_filesz = UINT64_MAX; }

static void note_too_long(struct test_image *i)
{
    ((struct elf64_note *)(i->bytes + IMAGE_NOTES))->n_descsz = 0xfffffff0;
}

static void note_name_too_long(struct test_image *i)
{
    ((struct elf64_note *)(i->bytes + IMAGE_NOTES))->n_namesz = 0xffffffff;
}

static void number(struct test_image *i, uint32_t type, uint64_t value)
{
    image_add_number(i, type, value);
}

static void entry_outside(struct test_image *i)     { number(i, XEN_ELFNOTE_ENTRY, IMAGE_BASE + 0x10000); }
static void entry_below(struct test_image *i)       { number(i, XEN_ELFNOTE_ENTRY, 0); }
static void base_unaligned(struct test_image *i)    { number(i, XEN_ELFNOTE_VIRT_BASE, 0x123); }
static void base_in_hypervisor(struct test_image *i) { number(i, XEN_ELFNOTE_VIRT_BASE, 0xffff800000000000); }
static void base_not_canonical(struct test_image *i) { number(i, XEN_ELFNOTE_VIRT_BASE, 0x0000900000000000); }
static void base_wraps(struct test_image *i)        { number(i, XEN_ELFNOTE_VIRT_BASE, 0xffffffffffc00000); }
static void offset_too_high(struct test_image *i)   { number(i, XEN_ELFNOTE_PADDR_OFFSET, IMAGE_BASE + 1); }
static void offset_nonsense(struct test_image *i)   { number(i, XEN_ELFNOTE_PADDR_OFFSET, UINT64_MAX); }
static void page_outside(struct test_image *i)      { number(i, XEN_ELFNOTE_HYPERCALL_PAGE, 0x800000); }
static void page_unaligned(struct test_image *i)    { number(i, XEN_ELFNOTE_HYPERCALL_PAGE, IMAGE_BASE + 8); }
static void p2m_bad(struct test_image *i)           { number(i, XEN_ELFNOTE_INIT_P2M, 0xffff800000000000); }
static void number_odd(struct test_image *i)        { image_add_note(i, XEN_ELFNOTE_ENTRY, "abc", 3); }
static void other_version(struct test_image *i)
{
    image_add_note(i, XEN_ELFNOTE_XEN_VERSION, "xen-2.0", 8);
}

static void wants_hvm(struct test_image *i)
{
    image_add_note(i, XEN_ELFNOTE_FEATURES, "writable_page_tables|!auto_translated_physmap", 46);
}

static void pvh_only(struct test_image *i)
{
    image_clear_notes(i);
    number(i, XEN_ELFNOTE_PHYS32_ENTRY, 0x100000);
}

static const struct {
    const char *what;
    void (*spoil)(struct test_image *image);
    const char *line;
} bad[] = {
    { "not ELF", no_elf, "not an ELF image" },
    { "empty", empty, "not an ELF image" },
    { "header cut off", cut_header, "not an ELF image" },
    { "program headers cut off", cut_program_headers, "truncated" },
    { "segment cut off", cut_segment, "truncated" },
    { "ELF32", elf32, "not for x86-64" },
    { "another machine", other_machine, "not for x86-64" },
    { "object file", object_file, "not an executable" },
    { "no program headers", no_headers, "program headers" },
    { "program headers of odd size", odd_headers, "program headers" },
    { "program headers at a wrapping offset", far_headers, "truncated" },
    { "no loadable segment", no_segments, "no loadable segment" },
    { "segments overlap", overlap, "overlap" },
    { "segments overlap from below", overlap_below, "overlap" },
    { "segments at one place", overlap_same, "overlap" },
    { "segment larger in the file", file_larger, "larger in the file" },
    { "file offset wraps", offset_wraps, "truncated" },
    { "physical address wraps", paddr_wraps, "wraps" },
    { "segment of almost all memory", memory_huge, "wraps" },
    { "segments a petabyte apart", far_apart, "PADDR_OFFSET" },
    { "no notes", no_notes, "without Xen notes" },
    { "notes beyond the file", notes_outside, "truncated" },
    { "notes of wrapping size", notes_wrap, "truncated" },
    { "note with a huge value", note_too_long, "longer than its table" },
    { "note with a huge name", note_name_too_long, "longer than its table" },
    { "entry above the image", entry_outside, "entry" },
    { "entry below the image", entry_below, "entry" },
    { "VIRT_BASE not aligned", base_unaligned, "VIRT_BASE" },
    { "VIRT_BASE in the hypervisor", base_in_hypervisor, "VIRT_BASE" },
    { "VIRT_BASE not canonical", base_not_canonical, "VIRT_BASE" },
    { "VIRT_BASE that wraps", base_wraps, "VIRT_BASE" },
    { "PADDR_OFFSET above the image", offset_too_high, "PADDR_OFFSET" },
    { "PADDR_OFFSET nonsense", offset_nonsense, "PADDR_OFFSET" },
    { "hypercall page outside", page_outside, "hypercall page" },
    { "hypercall page not aligned", page_unaligned, "hypercall page" },
    { "INIT_P2M in the hypervisor", p2m_bad, "INIT_P2M" },
    { "number of 3 bytes", number_odd, "4 or 8 bytes" },
    { "another interface version", other_version, "xen-3.0" },
    { "requires what PV has not", wants_hvm, "auto_translated_physmap" },
    { "PVH kernel", pvh_only, "PVH" },
};

/* An exact heap copy, so that the sanitizer sees each byte read beyond it. */
static uint8_t *exact(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    memcpy(copy, bytes, size);
    return copy;
}

/* Headers, then the notes that they name, then addresses, as a stream has them. */
static int parse(struct elf_image *image, const struct test_image *from, struct tn_error *err)
{
    uint8_t *head = exact(from->bytes, from->size);
    int status = elf_image_parse(image, head, from->size, from->size, "k", err);

    for (unsigned i = 0; status == 0 && i < image->nr_note_ranges; i++) {
        const struct elf_range *range = &image->note_ranges[i];
        uint8_t *notes = exact(from->bytes + range->offset, range->size);

        status = elf_image_notes(image, notes, range->size, err);
        free(notes);
    }
    free(head);
    return status < 0 ? -1 : elf_image_finish(image, err);
}

static void good_image(void)
{
    static struct test_image file;
    struct tn_error err = { "" };
    struct elf_image image;

    image_make(&file);
    ok(parse(&image, &file, &err) == 0, "a good image is accepted %s", err.text);
    ok(image.nr_segments == 2 && image.segments[0].paddr == IMAGE_BASE, "its segments are in order");
    ok(image.virt_start == IMAGE_BASE &&
       image.virt_end == IMAGE_BASE + 0x3100 + 0x2900, "its extent is right");
    ok(image.file_end == 0x4800, "and how much of the file it needs");
    ok(image.entry == IMAGE_ENTRY && image.has_hypercall_page, "its notes are taken");

    image_add_number(&file, XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000);
    image_add_number(&file, XEN_ELFNOTE_ENTRY, 0xffffffff80400010);
    image_add_number(&file, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff80401000);
    image_add_number(&file, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    image_add_number(&file, XEN_ELFNOTE_MOD_START_PFN, 1);
    image_add_number(&file, XEN_ELFNOTE_HV_START_LOW, 0xffff800000000000);
    image_add_number(&file, XEN_ELFNOTE_SUSPEND_CANCEL, 1);
    image_add_number(&file, XEN_ELFNOTE_SUPPORTED_FEATURES, 0x8801);
    image_add_note(&file, XEN_ELFNOTE_PAE_MODE, "yes", 4);
    image_add_note(&file, XEN_ELFNOTE_GUEST_OS, "a name of twenty-one", 20);
    ok(parse(&image, &file, &err) == 0 && image.has_init_p2m && image.mod_start_pfn,
       "an image at Linux's addresses is accepted %s", err.text);
    ok(strcmp(image.notes.guest_os, "a name of twenty") == 0, "as much of its system's name as there is room for");
    image_add_number(&file, XEN_ELFNOTE_PADDR_OFFSET, 0x300000);
    image_add_number(&file, XEN_ELFNOTE_ENTRY, 0xffffffff80100010);
    image_add_number(&file, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff80101000);
    ok(parse(&image, &file, &err) == 0 && image.image_offset == 0x100000 &&
       image.virt_start == 0xffffffff80100000, "PADDR_OFFSET is taken off %s", err.text);
}

/* -- Old kernels ----------------------------------------------------------------------------------------- */

static int parse_strings(struct elf_image *image, const char *text, struct tn_error *err)
{
    static struct test_image file;
    uint8_t *copy = exact((const uint8_t *)text, strlen(text));
    int status;

    image_make(&file);
    image_clear_notes(&file);
    tn_clear(err);
    status = elf_image_parse(image, file.bytes, file.size, file.size, "k", err);
    if (status == 0)
        status = elf_image_strings(image, (const char *)copy, strlen(text), err);
    free(copy);
    return status < 0 ? -1 : elf_image_finish(image, err);
}

static void strings(void)
{
    struct tn_error err = { "" };
    struct elf_image image;

    ok(parse_strings(&image, "GUEST_OS=linux,XEN_VER=xen-3.0,VIRT_BASE=0x300000,VIRT_ENTRY=0x400020,"
                     "HYPERCALL_PAGE=0x101,LOADER=generic,PAE=yes,BSD_SYMTAB", &err) == 0,
       "an old kernel's strings are taken %s", err.text);
    ok(image.entry == 0x400020 && image.virt_start == IMAGE_BASE && image.image_offset == 0x100000,
       "its physical addresses are virtual ones");
    ok(image.hypercall_page == 0x300000 + 0x101000, "its hypercall page is a page number");
    ok(parse_strings(&image, "VIRT_BASE=0,ELF_PADDR_OFFSET=0x100000,VIRT_ENTRY=0x300010", &err) == 0 &&
       image.image_offset == 0x300000, "unless ELF_PADDR_OFFSET says so %s", err.text);
    parse_strings(&image, "VIRT_BASE=12x", &err);
    failed_with(err.text, "VIRT_BASE=12x", "a number that is none");
    parse_strings(&image, "VIRT_BASE=", &err);
    failed_with(err.text, "is no number", "a number that is empty");
    parse_strings(&image, "FEATURES=!auto_translated_physmap|pae_pgdir_above_4gb", &err);
    failed_with(err.text, "auto_translated_physmap", "a feature that is demanded in vain");
    parse_strings(&image, "XEN_VER=xen-2.0", &err);
    failed_with(err.text, "xen-3.0", "another interface version");
    parse_strings(&image, "VIRT_BASE=0xffff800000000000", &err);
    failed_with(err.text, "0xffff800000000000", "addresses are checked as with notes");
}

/* Random damage: any verdict will do, but no sanitizer report. */
static void random_damage(void)
{
    static struct test_image file;
    unsigned accepted = 0, rounds = 20000;

    srand(1);
    for (unsigned round = 0; round < rounds; round++) {
        struct tn_error err = { "" };
        struct elf_image image;

        image_make(&file);
        for (int n = rand() % 6; n >= 0; n--)
            file.bytes[rand() % (rand() % 2 ? 0x100 : 0x500)] = rand() % 3 ? rand() : 0xff;
        if (rand() % 4 == 0)
            file.size = rand() % IMAGE_SIZE;
        accepted += parse(&image, &file, &err) == 0;
    }
    ok(accepted > 0 && accepted < rounds, "random damage is survived (%u of %u images still good)", accepted,
       rounds);
}

void test_elf(void)
{
    static struct test_image file;

    good_image();
    strings();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tn_error err = { "" };
        struct elf_image image;

        image_make(&file);
        bad[i].spoil(&file);
        parse(&image, &file, &err);
        failed_with(err.text, bad[i].line, bad[i].what);
    }
    random_damage();
}
