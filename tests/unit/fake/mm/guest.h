/* SPDX-License-Identifier: MIT */
/* Host tests: guest memory is the test's own, and the test says which of it is bad (machine.h). */
#ifndef MM_GUEST_H
#define MM_GUEST_H

#include "lib/types.h"
#include "mm/layout.h"

bool guest_range_ok(unsigned long addr, unsigned long size);
unsigned long __must_check copy_from_guest(void *to, unsigned long from, unsigned long size);
unsigned long __must_check copy_to_guest(unsigned long to, const void *from, unsigned long size);
unsigned long __must_check clear_guest(unsigned long to, unsigned long size);
bool __must_check get_guest_u64(u64 *to, unsigned long from);
bool __must_check get_guest_2_u64(u64 to[2], unsigned long from);
bool __must_check get_guest_3_u64(u64 to[3], unsigned long from);
bool __must_check put_guest_u64(unsigned long to, u64 value);

#define guest_addr(h)                  ((unsigned long)(h).p)
#define copy_from_guest_at(to, addr, i) copy_from_guest(to, (addr) + (i) * sizeof(*(to)), sizeof(*(to)))
#define copy_to_guest_at(addr, i, from) copy_to_guest((addr) + (i) * sizeof(*(from)), from, sizeof(*(from)))

#endif
