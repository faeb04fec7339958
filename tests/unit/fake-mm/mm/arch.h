/* SPDX-License-Identifier: MIT */
/* Host tests: no CR3, no TLB; loads and flushes are counted. */
#ifndef MM_ARCH_H
#define MM_ARCH_H

#include "lib/types.h"

extern u64 fake_cr3;
extern unsigned long fake_tlb_flushes;

static inline void load_cr3(u64 value) { fake_cr3 = value; }
static inline u64 loaded_cr3(void) { return fake_cr3; }
static inline void invlpg(unsigned long va) { (void)va; }
static inline void flush_caches(void) { }
static inline void spin_pause(void) { __builtin_trap(); }   /* one thread: nobody to wait for */

static inline void load_cr3_flush_global(u64 value)
{
    fake_cr3 = value;
    fake_tlb_flushes++;
}

#endif
