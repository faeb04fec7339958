/* SPDX-License-Identifier: MIT */
/*
 * Atomic operations and memory barriers, as thin names over the compiler's own. All read-modify-write
 * operations are full barriers. Bit operations take a bit number of any size relative to an array of unsigned
 * longs.
 */
#pragma once

#include "lib/types.h"

#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)

#define load_acquire(p)     __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

#define atomic_add(p, v)       __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST) /* returns the new value */
#define atomic_sub(p, v)       __atomic_sub_fetch(p, v, __ATOMIC_SEQ_CST) /* returns the new value */
#define atomic_inc(p)          atomic_add(p, 1)
#define atomic_dec(p)          atomic_sub(p, 1)
#define atomic_xchg(p, v)      __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define atomic_or(p, v)        __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST)  /* returns the old value */
#define atomic_and(p, v)       __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST) /* returns the old value */

/* True if *p was *old and is now v; else *old is what was found. */
#define atomic_cmpxchg(p, old, v) \
    __atomic_compare_exchange_n(p, old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#define BITS_PER_LONG 64
#define BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool test_bit(unsigned long n, const volatile unsigned long *map)
{
    return (READ_ONCE(map[n / BITS_PER_LONG]) >> (n % BITS_PER_LONG)) & 1;
}

static inline void set_bit(unsigned long n, volatile unsigned long *map)
{
    __atomic_fetch_or(&map[n / BITS_PER_LONG], 1UL << (n % BITS_PER_LONG), __ATOMIC_SEQ_CST);
}

static inline void clear_bit(unsigned long n, volatile unsigned long *map)
{
    __atomic_fetch_and(&map[n / BITS_PER_LONG], ~(1UL << (n % BITS_PER_LONG)), __ATOMIC_SEQ_CST);
}

static inline bool test_and_set_bit(unsigned long n, volatile unsigned long *map)
{
    unsigned long bit = 1UL << (n % BITS_PER_LONG);

    return __atomic_fetch_or(&map[n / BITS_PER_LONG], bit, __ATOMIC_SEQ_CST) & bit;
}

static inline bool test_and_clear_bit(unsigned long n, volatile unsigned long *map)
{
    unsigned long bit = 1UL << (n % BITS_PER_LONG);

    return __atomic_fetch_and(&map[n / BITS_PER_LONG], ~bit, __ATOMIC_SEQ_CST) & bit;
}

/* The first bit at or after from that is set (or clear), or size where there is none. Not atomic. */
#define find_next_bit(map, size, from)      find_bit(map, size, from, 0)
#define find_next_zero_bit(map, size, from) find_bit(map, size, from, ~0UL)
/* The first bit that is set in the map with each word combined with flip. */
unsigned long find_bit(const unsigned long *map, unsigned long size, unsigned long from, unsigned long flip);
#define for_each_set_bit(n, map, size) \
    for (unsigned int n = find_next_bit(map, size, 0); n < (size); n = find_next_bit(map, size, n + 1))
