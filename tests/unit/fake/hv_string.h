/* SPDX-License-Identifier: MIT */
/*
 * lib/string.c for host tests: what the C library has too goes by hv_NAME, so that both are there; strlcpy()
 * and strtou64() keep their names. To be included by one file of a program, before <string.h>.
 */
#ifndef FAKE_HV_STRING_H
#define FAKE_HV_STRING_H

#define memcpy  hv_memcpy
#define memmove hv_memmove
#define memset  hv_memset
#define memcmp  hv_memcmp
#define memchr  hv_memchr
#define strlen  hv_strlen
#define strnlen hv_strnlen
#define strcmp  hv_strcmp
#define strncmp hv_strncmp
#define strchr  hv_strchr
#define strstr  hv_strstr
#include "lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strstr

#endif
