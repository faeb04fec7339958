/* SPDX-License-Identifier: MIT */
/* Searches in arrays of bits, a word at a time. */
#include "lib/atomic.h"

unsigned long find_bit(const unsigned long *map, unsigned long size, unsigned long from, unsigned long flip)
{
    unsigned long wanted = ~0UL << (from % BITS_PER_LONG);

    for (unsigned long at = ALIGN_DOWN(from, (unsigned long)BITS_PER_LONG); at < size; at += BITS_PER_LONG) {
        unsigned long word = (READ_ONCE(map[at / BITS_PER_LONG]) ^ flip) & wanted;

        if (word)
            return min(at + __builtin_ctzl(word), size);
        wanted = ~0UL;
    }
    return size;
}
