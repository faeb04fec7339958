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
    return guest_range_ok(from, size) ? copy_faulting(to, (const void *)from, size) : size;
}

unsigned long copy_to_guest(unsigned long to, const void *from, unsigned long size)
{
    return guest_range_ok(to, size) ? copy_faulting((void *)to, from, size) : size;
}

unsigned long clear_guest(unsigned long to, unsigned long size)
{
    static const u64 zeros[64];

    if (!guest_range_ok(to, size))
        return size;
    for (unsigned long n, left; size; to += n, size -= n) {
        n = min(size, sizeof(zeros));
        left = copy_faulting((void *)to, zeros, n);
        if (left)
            return size - n + left;
    }
    return 0;
}

/* Reads a word, or goes to the label. */
#define LOAD(word, from, fault) \
    __asm__ goto("1: mov %[at], %[to]\n\t" EXTABLE(1b, %l[fault]) \
                 : [to] "=r"(word) : [at] "m"(*(const u64 *)(from)) : : fault)

/* n: 1 to 3, a constant. */
static inline __attribute__((always_inline)) bool get_words(u64 *to, unsigned long from, unsigned int n)
{
    u64 a, b, c;

    if (unlikely(!guest_range_ok(from, n * sizeof(*to))))
        return false;
    smap_open();
    LOAD(a, from, fault);
    if (n > 1)
        LOAD(b, from + 8, fault);
    if (n > 2)
        LOAD(c, from + 16, fault);
    smap_close();
    to[0] = a;
    if (n > 1)
        to[1] = b;
    if (n > 2)
        to[2] = c;
    return true;

fault:
    smap_close();
    return false;
}

bool get_guest_u64(u64 *to, unsigned long from) { return get_words(to, from, 1); }
bool get_guest_2_u64(u64 to[2], unsigned long from) { return get_words(to, from, 2); }
bool get_guest_3_u64(u64 to[3], unsigned long from) { return get_words(to, from, 3); }

bool put_guest_u64(unsigned long to, u64 value)
{
    if (unlikely(!guest_range_ok(to, sizeof(value))))
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
