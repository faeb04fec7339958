/* SPDX-License-Identifier: MIT */
/* Helpers that the compiler calls on its own account, for what the base instruction set lacks. */
#include "lib/types.h"

int __popcountdi2(s64 value);
int __popcountdi2(s64 value)
{
    u64 v = value;

    /* Sums of 2, of 4, of 8 bits, then all bytes at once. */
    v -= v >> 1 & 0x5555555555555555;
    v = (v & 0x3333333333333333) + (v >> 2 & 0x3333333333333333);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0f;
    return v * 0x0101010101010101 >> 56;
}
