/* SPDX-License-Identifier: MIT */
/*
 * The processor instructions that memory management uses; unit tests put a header of their own in this one's
 * place.
 */
#pragma once

#include "lib/lib.h"

static inline void load_cr3(u64 value) { __asm__ __volatile__("mov %0, %%cr3" : : "r"(value) : "memory"); }

static inline u64 loaded_cr3(void)
{
    u64 value;

    __asm__ __volatile__("mov %%cr3, %0" : "=r"(value));
    return value;
}

static inline void invlpg(unsigned long va) { __asm__ __volatile__("invlpg (%0)" : : "r"(va) : "memory"); }

/*
 * Loads CR3 and drops global entries too, by taking CR4.PGE away meanwhile (SDM vol. 3A, section 4.10.4.1).
 */
static inline void load_cr3_flush_global(u64 value)
{
    unsigned long cr4, no_pge;

    __asm__ __volatile__("mov %%cr4, %0" : "=r"(cr4));
    no_pge = cr4 & ~(1UL << 7);
    if (no_pge != cr4)
        __asm__ __volatile__("mov %0, %%cr4" : : "r"(no_pge) : "memory");
    load_cr3(value);
    if (no_pge != cr4)
        __asm__ __volatile__("mov %0, %%cr4" : : "r"(cr4) : "memory");
}

static inline void flush_caches(void) { __asm__ __volatile__("wbinvd" ::: "memory"); }

static inline void spin_pause(void) { __asm__ __volatile__("pause" ::: "memory"); }
