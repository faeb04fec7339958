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

extern const u64 symbol_count;
extern const struct symbol symbol_table[];
extern const char symbol_names[];

const char *symbol_find(unsigned long address, unsigned long *offset)
{
    unsigned long where = address - (unsigned long)image_start;
    u64 low = 0, high = symbol_count;

    if (where >= (unsigned long)(image_text_end - image_start))
        return NULL;
    /* The last symbol at or below where: all before low are, none from high on is. */
    while (low < high) {
        u64 middle = low + (high - low) / 2;

        if (symbol_table[middle].offset <= where)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    *offset = where - symbol_table[low - 1].offset;
    return symbol_names + symbol_table[low - 1].name;
}
