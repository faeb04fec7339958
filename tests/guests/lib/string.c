/* SPDX-License-Identifier: MIT */
/*
 * The few memory and string functions that gcc expects of a freestanding program and the tests use.
 */
#include "guest.h"

void *memcpy(void *to, const void *from, size_t n)
{
    void *result = to;

    asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) :: "memory");
    return result;
}

void *memset(void *to, int value, size_t n)
{
    void *result = to;

    asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
    return result;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return (unsigned char)*a - (unsigned char)*b;
    return 0;
}
