/* SPDX-License-Identifier: MIT */
/*
 * Freed memory of the hypervisor in debug builds: filled with a pattern, which must still be there when it is
 * handed out again. Who uses what it has freed reads nonsense; who writes to it is found out.
 */
#pragma once

#include "lib/lib.h"

#define POISON_BYTE 0xdb

#ifdef DEBUG
static inline void poison(void *p, size_t size) { memset(p, POISON_BYTE, size); }

static inline void poison_check(const void *p, size_t size)
{
    const unsigned char *b = p;

    for (size_t i = 0; i < size; i++)
        if (b[i] != POISON_BYTE)
            panic("freed memory at %p was written to: %#x at offset %#lx", p, b[i], (unsigned long)i);
}
#else
static inline void poison(void *p, size_t size) { }
static inline void poison_check(const void *p, size_t size) { }
#endif
