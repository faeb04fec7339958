/* SPDX-License-Identifier: MIT */
/*
 * Kernels from their files into a domain's memory, over the fake hypervisor: every packing gives the same
 * memory, notes are found wherever they are, and each way to be bad is refused with its own line.
 */
#include "fake.h"
#include "image.h"
#include "samples.h"
#include "tap.h"

#include "../build/kernel.h"
#include "../lib/control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/elfnote.h>

#define MEMORY (16u << 20)
#define YIELD_KB 16u
#define NR_PAGES (MEMORY / PORT_PAGE_SIZE)

static struct guest_memory memory = { .domain = "d" };
static char path[64];

static void make_domain(void)
{
    static const uint8_t handle[16];
    xen_pfn_t *extents = port_buffer(NR_PAGES / FRAME_RUN * sizeof(*extents));

    ctl_create(&memory.domid, 1, handle);
    ctl_max_mem(memory.domid, MEMORY >> 10);
    frame_map_init(&memory.frames, NR_PAGES);
    ctl_populate(memory.domid, extents, NR_PAGES / FRAME_RUN, 9);
    for (unsigned i = 0; i < NR_PAGES / FRAME_RUN; i++)
        frame_map_set(&memory.frames, i * FRAME_RUN, extents[i], FRAME_RUN);
    port_buffer_free(extents, NR_PAGES / FRAME_RUN * sizeof(*extents));
}

static uint8_t *page(uint64_t pfn)
{
    return fake_frame(frame_of(&memory.frames, pfn));
}

/* All memory as it is when nobody wrote to it. */
static void soil(void)
{
    for (unsigned pfn = 0; pfn < NR_PAGES; pfn++)
        memset(page(pfn), 0x5a, PORT_PAGE_SIZE);
}

/* The byte at a guest-physical address. */
static uint8_t at(uint64_t address)
{
    return page(address / PORT_PAGE_SIZE)[address % PORT_PAGE_SIZE];
}

/* All of the memory, in one number. */
static uint64_t digest(void)
{
    uint64_t hash = 0xcbf29ce484222325ull;

    for (unsigned pfn = 0; pfn < NR_PAGES; pfn++)
        for (unsigned i = 0; i < PORT_PAGE_SIZE; i += 8)
            hash = (hash ^ *(uint64_t *)(page(pfn) + i)) * 0x100000001b3ull;
    return hash;
}

/* Open and load into a domain said to have `bytes`; the kernel is closed again, its image stays. */
static int load_into(const char *file, uint64_t bytes, struct elf_image *image, struct tn_error *err)
{
    struct kernel kernel;
    int status;

    tn_clear(err);
    if (kernel_open(&kernel, file, "d", bytes, err) < 0)
        return -1;
    status = kernel_load(&kernel, &memory, err);
    guest_unmap(&memory);
    *image = kernel.image;
    kernel_close(&kernel);
    return status;
}

static int load(const char *file, struct elf_image *image, struct tn_error *err)
{
    return load_into(file, MEMORY, image, err);
}

static void write_file(const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    fwrite(bytes, 1, size, file);
    fclose(file);
}

static int load_bytes(const void *bytes, size_t size, struct elf_image *image, struct tn_error *err)
{
    write_file(bytes, size);
    return load(path, image, err);
}

static void packings(void)
{
    static const char *const formats[] = {
        "gzip", "xz", "lzma", "zstd", "lz4", "bz-gzip", "bz-xz", "bz-lzma", "bz-zstd", "bz-lz4",
        "bz-xz-crc64",
    };
    struct tn_error err = { "" };
    struct elf_image image, first;
    unsigned yields, enough;
    uint64_t wanted;

    soil();
    if (!ok(load(sample("plain"), &first, &err) == 0, "GRUB's image is loaded %s", err.text))
        return;
    wanted = digest();
    enough = first.file_end / (YIELD_KB << 10);
    ok(at(first.virt_end - 1) != 0x5a && at(0x61e000) == 0x5a, "up to its last page and no further");
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        soil();
        yields = fake_yields();
        ok(load(sample(formats[i]), &image, &err) == 0 && digest() == wanted &&
           image.entry == first.entry && image.virt_end == first.virt_end, "%s: the same memory %s",
           formats[i],
           err.text);
        ok(fake_yields() - yields >= enough, "%s: other threads run meanwhile, every %u KB", formats[i],
           YIELD_KB);
    }
}

static void unpackable(void)
{
    static const struct {
        const char *name, *line;
        uint64_t memory;
    } refused[] = {
        { "bz-bzip2", "payload is bzip2", MEMORY },
        { "lz4-frame", "LZ4 in the frame format", MEMORY },
        { "xz-dictionary", "a dictionary of more than 128 MB", MEMORY },
        { "bz-xz-dictionary", "a dictionary of more than 128 MB", MEMORY },
        { "lzma-dictionary", "a dictionary of more than 128 MB", MEMORY },
        { "zstd-dictionary", "a dictionary of more than 128 MB", MEMORY },
        { "gzip-bomb", "more than the domain's memory", MEMORY },
        { "gzip-bomb", "more than its ELF headers describe", 64 * MEMORY },
        { "bz-gzip-bomb", "the size that its bzImage states", 64 * MEMORY },
    };

    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct tn_error err = { "" };
        struct elf_image image;

        load_into(sample(refused[i].name), refused[i].memory, &image, &err);
        failed_with(err.text, refused[i].line, refused[i].name);
    }
}

static void placement(void)
{
    static struct test_image file;
    struct tn_error err = { "" };
    struct elf_image image;

    image_make(&file);
    soil();
    ok(load_bytes(file.bytes, file.size, &image, &err) == 0, "two segments %s", err.text);
    ok(at(IMAGE_BASE) == 0xaa && at(IMAGE_BASE + 0x1fff) == 0xaa && at(IMAGE_BASE + 0x2000) == 0 &&
       at(IMAGE_BASE + 0x30ff) == 0, "a gap between segments is zero");
    ok(at(IMAGE_BASE + 0x3100) == 0xbb && at(IMAGE_BASE + 0x48ff) == 0xbb && at(IMAGE_BASE + 0x4900) == 0 &&
       at(IMAGE_BASE + 0x5fff) == 0, "zeroes follow where the file's part ends, to the end of the page");
    ok(at(IMAGE_BASE - 1) == 0x5a && at(IMAGE_BASE + 0x6000) == 0x5a, "pages around it are untouched");

    image_segment(&file, 1)->p_offset = 0x2800;
    ok(load_bytes(file.bytes, file.size, &image, &err) == 0 && at(IMAGE_BASE + 0x3100) == 0xaa &&
       at(IMAGE_BASE + 0x1fff) == 0xaa && at(IMAGE_BASE + 0x3100 + 0x800) == 0xbb,
       "two segments may share bytes of the file %s", err.text);

    image_make(&file);
    image_segment(&file, 0)->p_paddr = 0xffffffff80400000;
    image_segment(&file, 1)->p_paddr = 0xffffffff80403100;
    image_add_number(&file, XEN_ELFNOTE_VIRT_BASE, 0xffffffff80000000);
    image_add_number(&file, XEN_ELFNOTE_PADDR_OFFSET, 0xffffffff80000000);
    image_add_number(&file, XEN_ELFNOTE_ENTRY, 0xffffffff80400000);
    image_add_number(&file, XEN_ELFNOTE_HYPERCALL_PAGE, 0xffffffff80401000);
    soil();
    ok(load_bytes(file.bytes, file.size, &image, &err) == 0 && at(IMAGE_BASE) == 0xaa &&
       at(IMAGE_BASE + 0x3100) == 0xbb, "physical addresses beyond memory, less PADDR_OFFSET %s", err.text);

    image_make(&file);
    image_add_number(&file, XEN_ELFNOTE_PADDR_OFFSET, 0x200000);
    image_add_number(&file, XEN_ELFNOTE_ENTRY, 0x200010);
    image_add_number(&file, XEN_ELFNOTE_HYPERCALL_PAGE, 0x201000);
    soil();
    ok(load_bytes(file.bytes, file.size, &image, &err) == 0 && at(0x200000) == 0xaa && at(0x203100) == 0xbb,
       "a PADDR_OFFSET that moves it within memory %s", err.text);
}

/* Section headers behind the image: names, then the one section. */
static void add_section(struct test_image *file, const char *name, uint32_t type, uint64_t offset,
                        uint64_t size)
{
    struct elf64_section_header *sh = (void *)(file->bytes + 0x5000);
    struct elf64_header *eh = image_header(file);

    eh->e_shoff = 0x5000;
    eh->e_shentsize = sizeof(*sh);
    eh->e_shnum = 3;
    eh->e_shstrndx = 1;
    memset(sh, 0, 3 * sizeof(*sh));
    snprintf((char *)file->bytes + 0x5800, 64, "?%s", name);
    sh[1] = (struct elf64_section_header){ .sh_type = 3, .sh_offset = 0x5800, .sh_size = 64 };
    sh[2] = (struct elf64_section_header){ .sh_name = 1, .sh_type = type, .sh_offset = offset,
    .sh_size = size };
}

static void sections(void)
{
    static const char text[] = "XEN_VER=xen-3.0,VIRT_BASE=0,VIRT_ENTRY=0x400010";
    static struct test_image file;
    struct tn_error err = { "" };
    struct elf_image image;
    uint64_t notes_size;

    image_make(&file);
    notes_size = image_segment(&file, 2)->p_filesz;
    image_clear_notes(&file);
    add_section(&file, ".notes", SHT_NOTE, IMAGE_NOTES, notes_size);
    ok(load_bytes(file.bytes, file.size, &image, &err) == 0 && image.entry == IMAGE_ENTRY &&
       image.has_hypercall_page, "notes in a section %s", err.text);

    image_make(&file);
    image_clear_notes(&file);
    strcpy((char *)file.bytes + 0x5c00, text);
    add_section(&file, "__xen_guest", 1, 0x5c00, sizeof(text));
    soil();
    ok(load_bytes(file.bytes, file.size, &image, &err) == 0 && image.entry == IMAGE_ENTRY &&
       !image.has_hypercall_page && at(IMAGE_BASE) == 0xaa, "the strings of an old kernel %s", err.text);
    add_section(&file, "__xen_guests", 1, 0x5c00, sizeof(text));
    load_bytes(file.bytes, file.size, &image, &err);
    failed_with(err.text, "without Xen notes", "a section of another name is none");
    add_section(&file, "__xen_guest", 1, IMAGE_SIZE - 10, 11);
    load_bytes(file.bytes, file.size, &image, &err);
    failed_with(err.text, "truncated", "a section that passes the end of the file");
    add_section(&file, "__xen_guest", 1, UINT64_MAX - 10, 50);
    load_bytes(file.bytes, file.size, &image, &err);
    failed_with(err.text, "truncated", "a section whose offset wraps");
}

/* -- bzImages that are bad ------------------------------------------------------------------------------- */

static void no_magic(struct file *f)        { ((uint8_t *)f->data)[0x202] = 'X'; }
static void no_boot_flag(struct file *f)    { ((uint8_t *)f->data)[0x1fe] = 0; }
static void old(struct file *f)             { ((uint8_t *)f->data)[0x206] = 7; }
static void no_payload(struct file *f)      { memset((uint8_t *)f->data + 0x24c, 0, 4); }
static void far_payload(struct file *f)     { memset((uint8_t *)f->data + 0x248, 0xff, 4); }
static void long_payload(struct file *f)    { memset((uint8_t *)f->data + 0x24c, 0xff, 4); }
static void other_sectors(struct file *f)   { ((uint8_t *)f->data)[0x1f1] = 1; }
static void cut(struct file *f)             { f->size /= 2; }

/* The payload ends 512 bytes before the file does. */
static uint32_t *stated(struct file *f)
{
    return (uint32_t *)((uint8_t *)f->data + f->size - 516);
}

static void states_more(struct file *f)     { *stated(f) += 1; }
static void states_less(struct file *f)     { *stated(f) -= 1; }
static void states_little(struct file *f)   { *stated(f) = 100; }
static void states_much(struct file *f)     { *stated(f) = 0xffffffff; }

static const struct {
    const char *what;
    void (*spoil)(struct file *file);
    const char *line;
} bad[] = {
    { "no magic", no_magic, "not an ELF image" },
    { "no boot flag", no_boot_flag, "not an ELF image" },
    { "protocol 2.07", old, "boot protocol 2.07" },
    { "an empty payload", no_payload, "without a payload" },
    { "a payload that begins beyond the file", far_payload, "truncated" },
    { "a payload that ends beyond the file", long_payload, "truncated" },
    { "a payload somewhere else", other_sectors, "of no format" },
    { "half the file", cut, "truncated" },
    { "one byte fewer than stated", states_more, "truncated" },
    { "one byte more than stated", states_less, "truncated" },
    { "far more than stated", states_little, "truncated" },
    { "a statement of 4 GB", states_much, "more than the 16 MB of domain d" },
};

static void bad_bzimages(void)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tn_error err = { "" };
        struct elf_image image;
        struct file file;

        file_read_all(&file, sample("bz-xz"), "sample", NULL, &err);
        bad[i].spoil(&file);
        load_bytes(file.data, file.size, &image, &err);
        failed_with(err.text, bad[i].line, bad[i].what);
        free(file.data);
    }
}

static void too_small(void)
{
    struct tn_error err = { "" };
    static struct test_image file;
    struct elf_image image;

    image_make(&file);
    image_segment(&file, 1)->p_memsz = MEMORY;
    load_bytes(file.bytes, file.size, &image, &err);
    failed_with(err.text, "raise memory=", "a kernel that reaches beyond the memory");
    image_make(&file);
    image_segment(&file, 2)->p_filesz = 0x10001;
    load_bytes(file.bytes, file.size, &image, &err);
    failed_with(err.text, "notes", "notes beyond all measure");
}

void test_kernel(void)
{
    struct fake_usage before = fake_usage(), after;

    snprintf(path, sizeof(path), "/tmp/tenon-kernel-%ld", (long)getpid());
    make_domain();
    packings();
    unpackable();
    placement();
    sections();
    bad_bzimages();
    too_small();
    frame_map_free(&memory.frames);
    ctl_destroy(memory.domid);
    after = fake_usage();
    ok(memcmp(&before, &after, sizeof(before)) == 0, "nothing is left of any of them");
    unlink(path);
}
