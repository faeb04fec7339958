/* SPDX-License-Identifier: MIT */
/* Searches in arrays of bits, a word at a time. */
#include "lib/atomic.h"

/* The first bit at or after from that is set in the map with every word combined with flip. */
static unsigned long find(const unsigned long *map, unsigned long size, unsigned long from, unsigned long flip)
{
    unsigned long word, at = ALIGN_DOWN(from, (unsigned long)BITS_PER_LONG);

    if (from >= size)
        return size;
    word = (READ_ONCE(map[at / BITS_PER_LONG]) ^ flip) & (~0UL << (from % BITS_PER_LONG));
    while (!word) {
        at += BITS_PER_LONG;
        if (at >= size)
            return size;
        word = READ_ONCE(map[at / BITS_PER_LONG]) ^ flip;
    }
    at += __builtin_ctzl(word);
    return min(at, size);
}

unsigned long find_next_bit(const unsigned long *map, unsigned long size, unsigned long from)
{
    return find(map, size, from, 0);
}

unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size, unsigned long from)
{
    return find(map, size, from, ~0UL);
}
