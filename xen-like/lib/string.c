/* SPDX-License-Identifier: MIT */
/* The few routines of <string.h>; sizes here are small, so plain loops and the string instructions do. */
#define LIB_STRING_IMPLEMENTATION
#include "lib/string.h"

#include "lib/types.h"

void *memcpy(void *to, const void *from, size_t n)
{
    void *d = to;
    size_t words = n / 8, rest = n % 8;

    __asm__ __volatile__("rep movsq\n\tmov %3, %2\n\trep movsb"
                         : "+D"(d), "+S"(from), "+c"(words) : "r"(rest) : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    u8 *d = to;
    const u8 *s = from;

    if (d <= s || d >= s + n)
        return memcpy(to, from, n);
    while (n--)
        d[n] = s[n];
    return to;
}

void *memset(void *p, int c, size_t n)
{
    void *d = p;
    size_t words = n / 8, rest = n % 8;

    __asm__ __volatile__("rep stosq\n\tmov %2, %1\n\trep stosb"
                         : "+D"(d), "+c"(words) : "r"(rest), "a"((u8)c * 0x0101010101010101UL) : "memory");
    return p;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;

    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *p, int c, size_t n)
{
    const u8 *s = p;

    for (; n; n--, s++)
        if (*s == (u8)c)
            return (void *)s;
    return NULL;
}

size_t strlen(const char *s) { return strnlen(s, SIZE_MAX); }

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX); }

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    while (*s && *s != (char)c)
        s++;
    return *s == (char)c ? (char *)s : NULL;
}

char *strstr(const char *s, const char *sub)
{
    size_t n = strlen(sub);

    while (*s && strncmp(s, sub, n))
        s++;
    return *s || !n ? (char *)s : NULL;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    size_t n = strlen(from);

    if (size) {
        size_t copied = min(n, size - 1);

        memcpy(to, from, copied);
        to[copied] = '\0';
    }
    return n;
}

/* 36: none. */
static unsigned int digit_value(char c)
{
    unsigned int letter = (unsigned int)(c | 0x20) - 'a';

    return c >= '0' && c <= '9' ? (unsigned int)(c - '0') : letter < 26 ? letter + 10 : 36;
}

u64 strtou64(const char *s, const char **end, unsigned base)
{
    bool hexadecimal = s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16;
    u64 value = 0;

    if (hexadecimal && (base == 0 || base == 16)) {
        s += 2;
        base = 16;
    } else if (base == 0) {
        base = s[0] == '0' ? 8 : 10;
    }
    for (; digit_value(*s) < base; s++)
        if (__builtin_mul_overflow(value, (u64)base, &value) ||
            __builtin_add_overflow(value, (u64)digit_value(*s), &value))
            value = UINT64_MAX;
    *end = s;
    return value;
}

/* The compiler makes "rep stosq" and "rep movsq" of these. */
void clear_page(void *page) { __builtin_memset(__builtin_assume_aligned(page, PAGE_SIZE), 0, PAGE_SIZE); }

void copy_page(void *to, const void *from)
{
    __builtin_memcpy(__builtin_assume_aligned(to, PAGE_SIZE), __builtin_assume_aligned(from, PAGE_SIZE), PAGE_SIZE);
}
