/* SPDX-License-Identifier: MIT */
/*
 * The basic types and helpers that every file of the hypervisor may use. Pure C: this header also serves the
 * host unit tests unedited.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t  u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t   s8;
typedef int16_t  s16;
typedef int32_t  s32;
typedef int64_t  s64;

/* System time: nanoseconds since the hypervisor started. */
typedef s64 stime_t;
#define STIME_NEVER   INT64_MAX
#define MILLISECS(ms) ((stime_t)(ms) * 1000000)
#define MICROSECS(us) ((stime_t)(us) * 1000)
#define SECONDS(s)    ((stime_t)(s) * 1000000000)

#define KB(n) ((u64)(n) << 10)
#define MB(n) ((u64)(n) << 20)
#define GB(n) ((u64)(n) << 30)

#define PAGE_SHIFT 12
#define PAGE_SIZE  4096UL
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define ARRAY_SIZE(a)        (sizeof(a) / sizeof((a)[0]))
#define container_of(p, t, m) ((t *)((char *)(p) - offsetof(t, m)))
#define ALIGN_UP(x, a)       (((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a)     ((x) & ~((__typeof__(x))(a) - 1))
#define DIV_ROUND_UP(n, d)   (((n) + (d) - 1) / (d))

#define min(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a < _b ? _a : _b; })
#define max(a, b) ({ __typeof__(a) _a = (a); __typeof__(b) _b = (b); _a > _b ? _a : _b; })

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __packed        __attribute__((packed))
#define __aligned(n)    __attribute__((aligned(n)))
#define __section(s)    __attribute__((section(s)))
#define __printf(f, a)  __attribute__((format(printf, f, a)))
#define __must_check    __attribute__((warn_unused_result))
#define __weak          __attribute__((weak))
#define __noreturn      __attribute__((noreturn))
#define __cold          __attribute__((cold))
/* A variable's end: fn(&variable) when its block is left, in whatever way; a returned value is made before. */
#define __cleanup(fn)   __attribute__((cleanup(fn)))

/* One access, of exactly this width, that the compiler neither repeats nor tears. */
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define barrier() __asm__ __volatile__("" ::: "memory")

/*
 * index, or 0 where index >= limit, computed without a branch that a processor could predict past. To be used
 * on every array index that a guest chooses, after the architectural check.
 */
static inline unsigned long index_nospec(unsigned long index, unsigned long limit)
{
    unsigned long mask;

    __asm__ __volatile__("cmp %2, %1; sbb %0, %0" : "=r"(mask) : "r"(index), "r"(limit) : "cc");
    return index & mask;
}
