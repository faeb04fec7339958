/* SPDX-License-Identifier: MIT */
/*
 * What a kernel says to its builder in notes. Where a note is found is the matter of elf_image.c and of
 * whoever reads the file.
 */
#include "elf_image.h"
#include "elf64.h"

#include <inttypes.h>
#include <string.h>
#include <xen/elfnote.h>

#define INTERFACE "xen-3.0"
#define FEATURE_SHOWN 60     /* of a name, in a failure line */

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
static int check_features(const struct elf_image *image, const char *text, size_t size, struct tn_error *err)
{
    const char *end = text + strnlen(text, size);

    while (text < end) {
        const char *bar = memchr(text, '|', end - text);
        const char *stop = bar ? bar : end;

        if (*text == '!' && !feature_offered(text + 1, stop - text - 1)) {
            int length = stop - text - 1 < FEATURE_SHOWN ? stop - text - 1 : FEATURE_SHOWN;

            return tn_fail(err, "kernel %s: requires the feature %.*s, which PV domains do not have here: give"
                                " one built for Xen PV", image->name, length, text + 1);
        }
        text = stop + 1;
    }
    return 0;
}

static int check_interface(const struct elf_image *image, const char *text, size_t size, struct tn_error *err)
{
    if (size < strlen(INTERFACE) || memcmp(text, INTERFACE, strlen(INTERFACE)) != 0)
        return tn_fail(err, "kernel %s: made for another hypervisor interface than " INTERFACE ": give a"
                            " later one", image->name);
    return 0;
}

/*
 * The notes that are numbers. Numbers that change nothing here are looked at all the same: HV_START_LOW
 * (32-bit kernels), SUSPEND_CANCEL (the guest's matter), SUPPORTED_FEATURES (what it can do without, as well
 * as what it can use).
 */
static struct elf_number *number_of(struct elf_image *image, uint32_t type, struct elf_number *unused)
{
    struct elf_notes *notes = &image->notes;

    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        return &notes->entry;
    case XEN_ELFNOTE_VIRT_BASE:
        return &notes->virt_base;
    case XEN_ELFNOTE_PADDR_OFFSET:
        return &notes->paddr_offset;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        return &notes->hypercall_page;
    case XEN_ELFNOTE_INIT_P2M:
        return &notes->init_p2m;
    case XEN_ELFNOTE_MOD_START_PFN:
        return &notes->mod_start_pfn;
    case XEN_ELFNOTE_HV_START_LOW:
    case XEN_ELFNOTE_SUSPEND_CANCEL:
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        return unused;
    default:
        return NULL;
    }
}

int elf_image_note(struct elf_image *image, uint32_t type, const uint8_t *desc, uint32_t size,
                   struct tn_error *err)
{
    struct elf_number unused, *number = number_of(image, type, &unused);

    image->notes.any = true;
    if (number) {
        number->present = true;
        if (!note_number(desc, size, &number->value))
            return tn_fail(err, "kernel %s: Xen note %" PRIu32 " is not a number of 4 or 8 bytes: the image"
                                " is damaged", image->name, type);
    }
    if (type == XEN_ELFNOTE_PHYS32_ENTRY)
        image->notes.phys32_entry = true;
    if (type == XEN_ELFNOTE_GUEST_OS)
        memcpy(image->notes.guest_os, desc, size < ELF_IMAGE_OS_MAX ? size : ELF_IMAGE_OS_MAX);
    if (type == XEN_ELFNOTE_FEATURES)
        return check_features(image, (const char *)desc, size, err);
    if (type == XEN_ELFNOTE_XEN_VERSION)
        return check_interface(image, (const char *)desc, size, err);
    return 0;
}

int elf_image_notes(struct elf_image *image, const uint8_t *table, size_t size, struct tn_error *err)
{
    const uint8_t *at = table, *end = table + size;

    while ((size_t)(end - at) >= sizeof(struct elf64_note)) {
        struct elf64_note nh;
        uint64_t name_space, desc_space;

        memcpy(&nh, at, sizeof(nh));
        at += sizeof(nh);
        name_space = ((uint64_t)nh.n_namesz + 3) & ~3ull;
        desc_space = ((uint64_t)nh.n_descsz + 3) & ~3ull;
        /* The padding of the last note may be cut off. */
        if ((uint64_t)(end - at) < name_space || (uint64_t)(end - at) - name_space < nh.n_descsz)
            return tn_fail(err, "kernel %s: a note is longer than its table: the image is damaged",
                           image->name);
        if (nh.n_namesz == 4 && memcmp(at, "Xen", 4) == 0 &&
            elf_image_note(image, nh.n_type, at + name_space, nh.n_descsz, err) < 0)
            return -1;
        at += name_space;
        at += desc_space < (uint64_t)(end - at) ? desc_space : (uint64_t)(end - at);
    }
    return 0;
}

/* -- Sections -------------------------------------------------------------------------------------------- */

static struct elf64_section_header section(const uint8_t *headers, unsigned i)
{
    struct elf64_section_header sh;

    memcpy(&sh, headers + i * sizeof(sh), sizeof(sh));
    return sh;
}

struct elf_range elf_image_section_names(const struct elf_image *image, const uint8_t *headers)
{
    struct elf64_section_header sh;

    if (image->section_names >= image->sections.size / sizeof(sh))
        return (struct elf_range){ 0 };
    sh = section(headers, image->section_names);
    return (struct elf_range){ sh.sh_offset, sh.sh_size <= ELF_IMAGE_TABLE_MAX ? sh.sh_size : 0 };
}

static bool is_named(const struct elf64_section_header *sh, const char *names, size_t names_size,
                     const char *name)
{
    size_t size = strlen(name) + 1;

    return sh->sh_name < names_size && names_size - sh->sh_name >= size &&
           memcmp(names + sh->sh_name, name, size) == 0;
}

bool elf_image_next_section(const struct elf_image *image, const uint8_t *headers, const char *names,
                            size_t names_size, unsigned *index, struct elf_range *range, bool *strings)
{
    unsigned count = image->sections.size / sizeof(struct elf64_section_header);

    while (*index < count) {
        struct elf64_section_header sh = section(headers, (*index)++);

        *strings = is_named(&sh, names, names_size, ELF_IMAGE_STRINGS);
        if (sh.sh_size == 0 || sh.sh_size > ELF_IMAGE_TABLE_MAX || !(*strings || sh.sh_type == SHT_NOTE))
            continue;
        *range = (struct elf_range){ sh.sh_offset, sh.sh_size };
        return true;
    }
    return false;
}
