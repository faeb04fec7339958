/* SPDX-License-Identifier: MIT */
/*
 * The only way to guest memory by its virtual address: through the page table that the CPU runs on (current's
 * kernel table), checked for range, safe against faults, each byte accessed once. Copy a structure in, then
 * look at it. All return the number of bytes NOT copied: 0 is success.
 */
#pragma once

#include "lib/lib.h"
#include "mm/layout.h"

#define GUEST_LOWER_HALF_END 0x0000800000000000UL

/* True where no byte of [addr, addr + size) is the hypervisor's or beyond the canonical range's ends. */
static inline bool guest_range_ok(unsigned long addr, unsigned long size)
{
    unsigned long last = addr + size - !!size;

    return (addr >= HV_VIRT_END || last < GUEST_LOWER_HALF_END) && last >= addr;
}

static inline bool canonical(unsigned long va) { return (unsigned long)((long)va << 16 >> 16) == va; }

unsigned long __must_check copy_from_guest(void *to, unsigned long from, unsigned long size);
unsigned long __must_check copy_to_guest(unsigned long to, const void *from, unsigned long size);
unsigned long __must_check clear_guest(unsigned long to, unsigned long size);

/* One aligned or unaligned word, or two or three in a row, faster. False on a fault. */
bool __must_check get_guest_u64(u64 *to, unsigned long from);
bool __must_check get_guest_2_u64(u64 to[2], unsigned long from);
bool __must_check get_guest_3_u64(u64 to[3], unsigned long from);
bool __must_check put_guest_u64(unsigned long to, u64 value);

/* For handles of the ABI: element i of an array at handle h. */
#define guest_addr(h)                  ((unsigned long)(h).p)
#define copy_from_guest_at(to, addr, i) copy_from_guest(to, (addr) + (i) * sizeof(*(to)), sizeof(*(to)))
#define copy_to_guest_at(addr, i, from) copy_to_guest((addr) + (i) * sizeof(*(from)), from, sizeof(*(from)))
