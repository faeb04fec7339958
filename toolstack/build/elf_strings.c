/* SPDX-License-Identifier: MIT */
/*
 * What old kernels say to their builder: strings KEY=value, which mean the same as notes do.
 */
#include "elf_image.h"

#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>

static const struct {
    const char *key;
    uint32_t type;
    bool text;
} keys[] = {
    { "VIRT_ENTRY", XEN_ELFNOTE_ENTRY, false },
    { "VIRT_BASE", XEN_ELFNOTE_VIRT_BASE, false },
    { "ELF_PADDR_OFFSET", XEN_ELFNOTE_PADDR_OFFSET, false },
    { "HYPERCALL_PAGE", XEN_ELFNOTE_HYPERCALL_PAGE, false },
    { "INIT_P2M", XEN_ELFNOTE_INIT_P2M, false },
    { "FEATURES", XEN_ELFNOTE_FEATURES, true },
    { "XEN_VER", XEN_ELFNOTE_XEN_VERSION, true },
};

static int take_number(struct elf_image *image, uint32_t type, const char *key, const char *text, size_t size,
                       struct tn_error *err)
{
    char digits[24], *end;
    uint64_t value;

    if (size == 0 || size >= sizeof(digits))
        return tn_fail(err, "kernel %s: %s in its section " ELF_IMAGE_STRINGS " is no number: the image is"
                            " damaged", image->name, key);
    memcpy(digits, text, size);
    digits[size] = '\0';
    value = strtoull(digits, &end, 0);
    if (*end)
        return tn_fail(err, "kernel %s: %s=%s in its section " ELF_IMAGE_STRINGS " is no number: the image is"
                            " damaged", image->name, key, digits);
    if (type == XEN_ELFNOTE_HYPERCALL_PAGE)
        image->notes.hypercall_page_is_pfn = true;
    return elf_image_note(image, type, (const uint8_t *)&value, sizeof(value), err);
}

static int take_string(struct elf_image *image, const char *key, size_t length, const char *value, size_t size,
                       struct tn_error *err)
{
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strlen(keys[i].key) != length || memcmp(keys[i].key, key, length) != 0)
            continue;
        return keys[i].text ? elf_image_note(image, keys[i].type, (const uint8_t *)value, size, err)
                            : take_number(image, keys[i].type, keys[i].key, value, size, err);
    }
    return 0;
}

int elf_image_strings(struct elf_image *image, const char *text, size_t size, struct tn_error *err)
{
    const char *end = text + strnlen(text, size);

    image->notes.any = image->notes.paddr_is_virtual = true;
    while (text < end) {
        const char *comma = memchr(text, ',', end - text), *stop = comma ? comma : end;
        const char *equals = memchr(text, '=', stop - text);

        if (equals && take_string(image, text, equals - text, equals + 1, stop - equals - 1, err) < 0)
            return -1;
        text = stop + 1;
    }
    return 0;
}
