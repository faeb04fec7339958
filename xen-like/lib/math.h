/* SPDX-License-Identifier: MIT */
/* Arithmetic with intermediate results of 128 bits. */
#pragma once

#include "lib/types.h"

/* a * b / c, rounded down; UINT64_MAX where that is more than 64 bits hold. c is not 0. */
static inline u64 mul_div(u64 a, u64 b, u64 c)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    u64 high = product >> 64, quotient, rest;

    if (high >= c)
        return UINT64_MAX;
    __asm__("divq %4" : "=a"(quotient), "=d"(rest) : "a"((u64)product), "d"(high), "r"(c) : "cc");
    return quotient;
}
