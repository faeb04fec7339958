/* SPDX-License-Identifier: MIT */
/*
 * The library routines, from the hypervisor's own files: strings and numbers, formatted text against the C
 * library's, searches in bitmaps against plain loops, the parsers of options.
 */
#include "fake/hv_string.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define snprintf  hv_snprintf
#define vsnprintf hv_vsnprintf
#include "lib/printf.c"
#undef snprintf
#undef vsnprintf

#include "lib/atomic.h"
#include "lib/math.h"
#include "lib/option.h"
#include "tap.h"

static u64 random_state = 1;

static u64 random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* --- strings --- */

static bool copies_agree(void)
{
    for (size_t n = 0; n < 40; n++) {
        char *from = malloc(n + 1), *to = malloc(n + 1), both[80];

        for (size_t i = 0; i < n; i++)
            from[i] = (char)random64();
        if (hv_memcpy(to, from, n) != to || (memcmp)(to, from, n) || hv_memcmp(to, from, n))
            return false;
        if (n && (from[n - 1]++, hv_memcmp(to, from, n) == 0))
            return false;
        if (hv_memset(to, 0xa5, n) != to)
            return false;
        for (size_t i = 0; i < n; i++)
            if ((u8)to[i] != 0xa5)
                return false;
        /* Overlapping both ways. */
        for (size_t shift = 0; shift < 40; shift += 7) {
            char expected[80];

            for (size_t i = 0; i < sizeof(both); i++)
                both[i] = expected[i] = (char)i;
            hv_memmove(both + shift, both + 20, n);
            (memmove)(expected + shift, expected + 20, n);
            if ((memcmp)(both, expected, sizeof(both)))
                return false;
        }
        free(from);
        free(to);
    }
    return true;
}

static void test_strings(void)
{
    char small[4], page[2][4096] __aligned(4096);

    ok(copies_agree(), "memcpy, memset, memcmp, memmove: all lengths to 40, overlaps");
    ok(hv_memcmp("\xff", "\1", 1) > 0, "memcmp compares unsigned bytes");
    ok(hv_memchr("abc", 'c', 3) && !hv_memchr("abc", 'c', 2), "memchr stops at its length");
    ok(hv_strlen("") == 0 && hv_strlen("four") == 4 && hv_strnlen("four", 2) == 2, "strlen, strnlen");
    ok(!hv_strcmp("a", "a") && hv_strcmp("a", "b") < 0 && hv_strcmp("ab", "a") > 0 && hv_strcmp("\xff", "a") > 0,
       "strcmp");
    ok(!hv_strncmp("abc", "abd", 2) && hv_strncmp("abc", "abd", 3) < 0 && !hv_strncmp("a", "b", 0), "strncmp");
    ok(hv_strchr("abc", 'b')[0] == 'b' && !hv_strchr("abc", 'd') && !*hv_strchr("abc", 0), "strchr, also of the end");
    ok(!hv_strcmp(hv_strstr("abcabd", "abd"), "abd") && !hv_strstr("abc", "abcd") && !*hv_strstr("", ""), "strstr");
    ok(strlcpy(small, "abcdef", sizeof(small)) == 6 && !hv_strcmp(small, "abc"), "strlcpy cuts and ends");
    ok(strlcpy(NULL, "abc", 0) == 3, "strlcpy into nothing");
    (memset)(page, 1, sizeof(page));
    copy_page(page[0], page[1]);
    ok(!(memcmp)(page[0], page[1], 4096), "copy_page");
    clear_page(page[0]);
    ok(!page[0][0] && !page[0][4095] && page[1][0] == 1, "clear_page clears one page");
}

static void test_numbers(void)
{
    static const struct { const char *text; unsigned int base; u64 value; unsigned int used; } cases[] = {
        { "0", 0, 0, 1 }, { "17", 0, 17, 2 }, { "017", 0, 15, 3 }, { "0x1F", 0, 31, 4 }, { "0x", 0, 0, 1 },
        { "0xg", 16, 0, 1 }, { "ff", 16, 255, 2 }, { "12a", 10, 12, 2 }, { "", 0, 0, 0 }, { "-1", 0, 0, 0 },
        { "18446744073709551615", 10, UINT64_MAX, 20 }, { "18446744073709551616", 10, UINT64_MAX, 20 },
        { "99999999999999999999999", 10, UINT64_MAX, 23 }, { "08", 0, 0, 1 },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *end;
        u64 value = strtou64(cases[i].text, &end, cases[i].base);

        ok(value == cases[i].value && end == cases[i].text + cases[i].used, "strtou64(\"%s\", %u)", cases[i].text,
           cases[i].base);
    }
    ok(mul_div(1000, 1000, 7) == 142857 && mul_div(UINT64_MAX, UINT64_MAX, UINT64_MAX) == UINT64_MAX &&
       mul_div(UINT64_MAX, 2, 1) == UINT64_MAX, "mul_div, with results that do not fit");
}

/* --- formatted text: a conversion at a time, against the C library --- */

static bool same(const char *fmt, ...) __printf(1, 2);
static bool same(const char *fmt, ...)
{
    static unsigned int shown;
    char ours[200], theirs[200];
    va_list a, b;
    int n, m;

    va_start(a, fmt);
    va_copy(b, a);
    n = hv_vsnprintf(ours, sizeof(ours), fmt, a);
    m = vsnprintf(theirs, sizeof(theirs), fmt, b);
    va_end(a);
    va_end(b);
    if (n == m && !strcmp(ours, theirs))
        return true;
    if (shown++ < 5)
        printf("# \"%s\": \"%s\" (%d) instead of \"%s\" (%d)\n", fmt, ours, n, theirs, m);
    return false;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat"

static const char *random_format(char *fmt, const char *conversions)
{
    static const char *const sizes[] = { "", "l", "ll", "z" };
    char *p = fmt;

    *p++ = '<';
    *p++ = '%';
    for (const char *flag = "-0#+"; *flag; flag++)
        if (random64() % 4 == 0)
            *p++ = *flag;
    if (random64() % 2)
        p += sprintf(p, "%u", (unsigned int)(1 + random64() % 30));
    p += sprintf(p, "%s", sizes[random64() % ARRAY_SIZE(sizes)]);
    *p++ = conversions[random64() % strlen(conversions)];
    strcpy(p, ">");
    return fmt;
}

static void test_random_formats(void)
{
    char fmt[64];
    unsigned int wrong = 0;

    for (unsigned int i = 0; i < 200000; i++) {
        u64 value = random64() >> random64() % 64;

        random_format(fmt, "dux");
        /* The C library leaves open what '+' does with unsigned conversions, and '#' with decimal ones. */
        wrong += !same(fmt, value);
    }
    ok(!wrong, "200000 random conversions of numbers are the C library's (%u are not)", wrong);
}

static void test_formats(void)
{
    char text[8], *volatile null = NULL;

    ok(same("%s|%10s|%-10s|%.2s|%c|%%", "abc", "abc", "abc", "abc", 'x'), "strings and characters");
    ok(same("%.*s|%8.*s|%-8.0s|%.*s", 3, "abcdef", 0, "abcdef", "abcdef", -1, "abcdef"), "precisions of strings");
    ok(same("%d %d %ld %ld", INT_MIN, INT_MAX, LONG_MIN, LONG_MAX), "the ends of the ranges");
    ok(hv_snprintf(text, sizeof(text), "%s", null) == 6 && !strcmp(text, "(null)"), "a null string");
    ok(hv_snprintf(text, sizeof(text), "%p", (void *)0x1234) == 16 && !strcmp(text, "0000000"), "a pointer has 16 digits");
    ok(hv_snprintf(text, sizeof(text), "0123456789") == 10 && !strcmp(text, "0123456"), "cut at the end of the buffer");
    ok(hv_snprintf(NULL, 0, "%d", 12345) == 5, "without a buffer: the length alone");
    ok(hv_snprintf(text, sizeof(text), "%") == 0 && !*text, "a conversion that is cut off ends it");
    ok(hv_snprintf(NULL, 0, "%999999999d", 1) == 1024, "width is bounded");
}
#pragma GCC diagnostic pop

/* --- bitmaps --- */

static unsigned long slow_next(const unsigned long *map, unsigned long size, unsigned long from, bool set)
{
    while (from < size && test_bit(from, map) != set)
        from++;
    return min(from, size);
}

static void test_bitmaps(void)
{
    unsigned int wrong = 0, n = 0;

    for (unsigned int round = 0; round < 2000; round++) {
        unsigned long size = 1 + random64() % 300, *map = calloc(BITS_TO_LONGS(size), 8);
        unsigned int density = random64() % 3;

        for (unsigned long i = 0; i < size; i++)
            if (density == 0 ? random64() % 64 == 0 : density == 1 ? random64() % 64 : random64() % 2)
                set_bit(i, map);
        for (unsigned long from = 0; from <= size + 1; from++) {
            wrong += find_next_bit(map, size, from) != max(slow_next(map, size, from, true), min(from, size));
            wrong += find_next_zero_bit(map, size, from) != max(slow_next(map, size, from, false), min(from, size));
            n += 2;
        }
        free(map);
    }
    ok(!wrong, "%u searches in random bitmaps agree with plain loops", n);
}

/* --- options --- */

static void test_options(void)
{
    static const struct { const char *text; u64 value; const char *rest; } sizes[] = {
        { "64M", MB(64), "" }, { "1g", GB(1), "" }, { "512", KB(512), "" }, { "4096B", 4096, "" }, { "2T,x", 2 * GB(1024), ",x" },
        { "99999999999T", UINT64_MAX, "" }, { "0x10k", KB(16), "" }, { "5q", KB(5), "q" },
    };
    bool flag = false;
    unsigned int number = 7;
    u64 size = 7;
    char text[5] = "old";
    struct option o = { "x", NULL, &flag, 0 };

    ok(option_word_to_bool("") == 1 && option_word_to_bool("on") == 1 && option_word_to_bool("disable") == 0 &&
       option_word_to_bool("maybe") == -1, "words for yes and no");
    ok(option_parse_bool(&o, "yes") && flag && option_parse_bool(&o, "0") && !flag && !option_parse_bool(&o, "2"), "a switch");
    o.target = &number;
    ok(option_parse_uint(&o, "0x20") && number == 32 && !option_parse_uint(&o, "") && !option_parse_uint(&o, "5x") &&
       !option_parse_uint(&o, "4294967296") && number == 32, "a number; what is none changes nothing");
    o.target = &size;
    ok(option_parse_size(&o, "3M") && size == MB(3) && !option_parse_size(&o, "M") && !option_parse_size(&o, "3MM"), "a size");
    o.target = text, o.size = sizeof(text);
    ok(option_parse_text(&o, "four") && !strcmp(text, "four") && !option_parse_text(&o, "fives") &&
       !option_parse_text(&o, ""), "a text, no longer than there is room");
    for (unsigned int i = 0; i < ARRAY_SIZE(sizes); i++) {
        const char *end;
        u64 value = option_size(sizes[i].text, &end);

        ok(value == sizes[i].value && !strcmp(end, sizes[i].rest), "option_size(\"%s\")", sizes[i].text);
    }
}

int main(void)
{
    test_strings();
    test_numbers();
    test_formats();
    test_random_formats();
    test_bitmaps();
    test_options();
    return done_testing();
}
