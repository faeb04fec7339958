/* SPDX-License-Identifier: MIT */
/*
 * The few routines of <string.h> that the hypervisor uses, with their standard meanings; as <string.h> it
 * serves what is shared with the toolstack, and so includes nothing of ours.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *p, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *p, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *s, const char *sub);
/* Copies at most size - 1 characters and always ends to[] with a zero; returns strlen(from). */
size_t strlcpy(char *to, const char *from, size_t size);
/* Base 0, 8, 10 or 16; *end is the first character not used. Saturates at UINT64_MAX. */
uint64_t strtou64(const char *s, const char **end, unsigned base);

/* Lets the compiler expand small copies in place. */
#ifndef LIB_STRING_IMPLEMENTATION
#define memcpy(to, from, n) __builtin_memcpy(to, from, n)
#define memset(p, c, n)     __builtin_memset(p, c, n)
#define memcmp(a, b, n)     __builtin_memcmp(a, b, n)
#define strlen(s)           __builtin_strlen(s)
#endif

/* A page at a page-aligned address, by 8-byte stores. */
void clear_page(void *page);
void copy_page(void *to, const void *from);
