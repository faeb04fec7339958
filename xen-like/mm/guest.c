/* SPDX-License-Identifier: MIT */
/*
 * Copies to and from the memory that the current guest table maps. A fault on the guest's side ends the copy; the
 * range check before it keeps guests from naming the hypervisor's own addresses. (A guest's pages are user pages, so
 * SMAP is opened for just the copy.)
 */
#include "mm/guest.h"

#include "cpu/extable.h"
#include "cpu/features.h"
#include "mm/layout.h"

#define LOWER_HALF_END 0x0000800000000000UL

bool guest_range_ok(unsigned long addr, unsigned long size)
{
    unsigned long end = addr + size;

    if (end < addr)
        return !end && addr >= HV_VIRT_END;
    return end <= LOWER_HALF_END || addr >= HV_VIRT_END;
}

/* Bytes not copied. */
static unsigned long copy_faulting(void *to, const void *from, unsigned long size)
{
    unsigned long words = size / 8, tail = size % 8;

    smap_open();
    __asm__ __volatile__("1: rep movsq\n\t"
                         "mov %[tail], %[left]\n"
                         "2: rep movsb\n"
                         "3:\n\t"
                         ".subsection 1\n"
                         "4: lea (%[tail], %[left], 8), %[left]\n\t"
                         "jmp 3b\n\t"
                         ".previous\n\t"
                         EXTABLE(1b, 4b)
                         EXTABLE(2b, 3b)
                         : "+D"(to), "+S"(from), [left] "+c"(words) : [tail] "r"(tail) : "memory");
    smap_close();
    return words;
}

unsigned long copy_from_guest(void *to, unsigned long from, unsigned long size)
{
    if (!guest_range_ok(from, size))
        return size;
    return copy_faulting(to, (const void *)from, size);
}

unsigned long copy_to_guest(unsigned long to, const void *from, unsigned long size)
{
    if (!guest_range_ok(to, size))
        return size;
    return copy_faulting((void *)to, from, size);
}

unsigned long clear_guest(unsigned long to, unsigned long size)
{
    unsigned long words = size / 8, tail = size % 8;

    if (!guest_range_ok(to, size))
        return size;
    smap_open();
    __asm__ __volatile__("1: rep stosq\n\t"
                         "mov %[tail], %[left]\n"
                         "2: rep stosb\n"
                         "3:\n\t"
                         ".subsection 1\n"
                         "4: lea (%[tail], %[left], 8), %[left]\n\t"
                         "jmp 3b\n\t"
                         ".previous\n\t"
                         EXTABLE(1b, 4b)
                         EXTABLE(2b, 3b)
                         : "+D"(to), [left] "+c"(words) : [tail] "r"(tail), "a"(0UL) : "memory");
    smap_close();
    return words;
}

bool get_guest_u64(u64 *to, unsigned long from)
{
    u64 value;

    if (!guest_range_ok(from, sizeof(value)))
        return false;
    smap_open();
    __asm__ goto("1: mov %[from], %[value]\n\t" EXTABLE(1b, %l[fault])
                 : [value] "=r"(value) : [from] "m"(*(const u64 *)from) : : fault);
    smap_close();
    *to = value;
    return true;

fault:
    smap_close();
    return false;
}

bool put_guest_u64(unsigned long to, u64 value)
{
    if (!guest_range_ok(to, sizeof(value)))
        return false;
    smap_open();
    __asm__ goto("1: mov %[value], %[to]\n\t" EXTABLE(1b, %l[fault])
                 : : [value] "r"(value), [to] "m"(*(u64 *)to) : "memory" : fault);
    smap_close();
    return true;

fault:
    smap_close();
    return false;
}
