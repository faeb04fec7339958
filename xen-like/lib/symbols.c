/* SPDX-License-Identifier: MIT */
/*
 * Looks an address up in the table that gen-symbols.py makes; while the table is not linked yet its count is
 * 0.
 */
#include "lib/symbols.h"

#include "lib/image.h"

struct symbol {
    u32 offset;     /* of the function from image_start, ascending */
    u32 name;       /* place in symbol_names */
};

extern const u32 symbol_count;
extern const struct symbol symbol_table[];
extern const char symbol_names[];

const char *symbol_find(unsigned long address, unsigned long *offset)
{
    unsigned long where = address - (unsigned long)image_start;
    u32 behind = 0;

    if (where >= (unsigned long)(image_text_end - image_start))
        return NULL;
    /* The last symbol at or below where. Backtraces are rare: no search is too slow for them. */
    while (behind < symbol_count && symbol_table[behind].offset <= where)
        behind++;
    if (!behind)
        return NULL;
    *offset = where - symbol_table[behind - 1].offset;
    return symbol_names + symbol_table[behind - 1].name;
}
