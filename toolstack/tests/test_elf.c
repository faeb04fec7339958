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
    { "not ELF", no_elf, "not an ELF file" },
    { "empty", empty, "not an ELF file" },
    { "header cut off", cut_header, "not an ELF file" },
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

/* Parse from a heap copy of the exact size, so that the sanitizer sees each byte read beyond it. */
static int parse(struct elf_image *image, const struct test_image *from, uint8_t **copy, struct tn_error *err)
{
    *copy = malloc(from->size ? from->size : 1);
    memcpy(*copy, from->bytes, from->size);
    return elf_image_parse(image, *copy, from->size, "k", err);
}

static void good_image(void)
{
    static struct test_image file;
    struct tn_error err = { "" };
    struct elf_image image;
    uint8_t page[4096], *copy;

    image_make(&file);
    ok(parse(&image, &file, &copy, &err) == 0, "a good image is accepted %s", err.text);
    ok(image.nr_segments == 2 && image.segments[0].paddr == IMAGE_BASE, "its segments are in order");
    ok(image.virt_start == IMAGE_BASE &&
       image.virt_end == IMAGE_BASE + 0x3100 + 0x2900, "its extent is right");
    ok(image.entry == IMAGE_ENTRY && image.has_hypercall_page, "its notes are taken");
    elf_image_copy(&image, IMAGE_BASE + 0x3000, page, sizeof(page));
    ok(page[0xff] == 0 && page[0x100] == 0xbb && page[0xfff] == 0xbb, "a segment starts within a page");
    elf_image_copy(&image, IMAGE_BASE + 0x4000, page, sizeof(page));
    ok(page[0x8ff] == 0xbb && page[0x900] == 0, "zeroes follow where the file's part ends");
    elf_image_copy(&image, IMAGE_BASE + 0x2000, page, sizeof(page));
    ok(page[0] == 0 && page[0xfff] == 0, "a gap between segments is zero");
    free(copy);

    image_add_number(&file, XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000);
    image_add_number(&file, XEN_ELFNOTE_ENTRY, 0xffffffff80400010);
    image_add_number(&file, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff80401000);
    image_add_number(&file, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
    image_add_number(&file, XEN_ELFNOTE_MOD_START_PFN, 1);
    ok(parse(&image, &file, &copy, &err) == 0 && image.has_init_p2m && image.mod_start_pfn,
       "an image at Linux's addresses is accepted %s", err.text);
    free(copy);
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
        uint8_t *copy;

        image_make(&file);
        for (int n = rand() % 6; n >= 0; n--)
            file.bytes[rand() % (rand() % 2 ? 0x100 : 0x500)] = rand() % 3 ? rand() : 0xff;
        if (rand() % 4 == 0)
            file.size = rand() % IMAGE_SIZE;
        if (parse(&image, &file, &copy, &err) == 0) {
            uint8_t page[4096];

            accepted++;
            elf_image_copy(&image, image.image_offset, page, sizeof(page));
            elf_image_copy(&image, image.virt_end - image.virt_base - 100, page, sizeof(page));
        }
        free(copy);
    }
    ok(accepted > 0 && accepted < rounds, "random damage is survived (%u of %u images still good)", accepted,
       rounds);
}

void test_elf(void)
{
    static struct test_image file;

    good_image();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tn_error err = { "" };
        struct elf_image image;
        uint8_t *copy;

        image_make(&file);
        bad[i].spoil(&file);
        parse(&image, &file, &copy, &err);
        failed_with(err.text, bad[i].line, bad[i].what);
        free(copy);
    }
    random_damage();
}
