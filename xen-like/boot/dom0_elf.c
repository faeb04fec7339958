/* SPDX-License-Identifier: MIT */
/*
 * Reads Domain-0's kernel. A whole image is at hand here, so that its parts are fed to the reader one after
 * the other.
 */
#include "boot/dom0_elf.h"

int tn_fail(struct tn_error *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -1;
}

int dom0_elf_read(struct elf_image *image, const u8 *bytes, u64 size, struct tn_error *err)
{
    struct elf_range range;
    unsigned int section = 0;
    bool strings;

    if (elf_image_parse(image, bytes, size, size, "of Domain-0 (the first module)", err) < 0)
        return -1;
    for (unsigned int i = 0; i < image->nr_note_ranges; i++)
        if (elf_image_notes(image, bytes + image->note_ranges[i].offset, image->note_ranges[i].size, err) < 0)
            return -1;
    /* Without them, notes in sections; what is odd about those is no error. Names of sections serve nothing here. */
    while (!image->notes.any && elf_image_next_section(image, bytes + image->sections.offset, NULL, 0, &section,
                                                       &range, &strings))
        if (range.offset <= size && range.size <= size - range.offset &&
            elf_image_notes(image, bytes + range.offset, range.size, err) < 0)
            return -1;
    return elf_image_finish(image, err);
}
