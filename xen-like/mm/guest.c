/* SPDX-License-Identifier: MIT */
/*
 * Copies to and from the memory that the current guest table maps. A fault on the guest's side ends the copy;
 * the range check before it keeps guests from naming the hypervisor's own addresses. (A guest's pages are
 * user pages, so SMAP is opened for just the copy.)
 */
#include "mm/guest.h"

#include "cpu/asm.h"
#include "cpu/features.h"

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

    if (unlikely(!guest_range_ok(from, sizeof(value))))
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

bool get_guest_2_u64(u64 to[2], unsigned long from)
{
    u64 a, b;

    if (unlikely(!guest_range_ok(from, 16)))
        return false;
    smap_open();
    __asm__ goto("1: mov (%[from]), %[a]\n"
                 "2: mov 8(%[from]), %[b]\n\t" EXTABLE(1b, %l[fault]) EXTABLE(2b, %l[fault])
                 : [a] "=&r"(a), [b] "=r"(b) : [from] "r"(from) : "memory" : fault);
    smap_close();
    to[0] = a;
    to[1] = b;
    return true;

fault:
    smap_close();
    return false;
}

bool get_guest_3_u64(u64 to[3], unsigned long from)
{
    u64 a, b, c;

    if (unlikely(!guest_range_ok(from, 24)))
        return false;
    smap_open();
    __asm__ goto("1: mov (%[from]), %[a]\n"
                 "2: mov 8(%[from]), %[b]\n"
                 "3: mov 16(%[from]), %[c]\n\t"
                 EXTABLE(1b, %l[fault]) EXTABLE(2b, %l[fault]) EXTABLE(3b, %l[fault])
                 : [a] "=&r"(a), [b] "=&r"(b), [c] "=r"(c) : [from] "r"(from) : "memory" : fault);
    smap_close();
    to[0] = a;
    to[1] = b;
    to[2] = c;
    return true;

fault:
    smap_close();
    return false;
}

#define PUT_GUEST(to, value)                                                                        \
    if (unlikely(!guest_range_ok(to, sizeof(value))))                                               \
        return false;                                                                               \
    smap_open();                                                                                    \
    __asm__ goto("1: mov %[value], %[to]\n\t" EXTABLE(1b, %l[fault])                                \
                 : : [value] "r"(value), [to] "m"(*(__typeof__(value) *)(to)) : "memory" : fault);  \
    smap_close();                                                                                   \
    return true;                                                                                    \
fault:                                                                                              \
    smap_close();                                                                                   \
    return false

bool put_guest_u64(unsigned long to, u64 value) { PUT_GUEST(to, value); }

bool put_guest_u32(unsigned long to, u32 value) { PUT_GUEST(to, value); }
