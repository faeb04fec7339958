/* SPDX-License-Identifier: MIT */
/*
 * Formatted text. Of <stdio.h>'s conversions: d u x c s p and %, with the flags - 0 # +, a width, a precision
 * of strings (also *), and the sizes l ll z. As in <stdio.h> the result is what would have been written.
 */
#include "lib/log.h"
#include "lib/string.h"

/* Width is bounded, so that a large one cannot hold up the CPU. */
#define WIDTH_MAX 1024

struct out {
    char *buf;
    size_t size, at;
};

enum { LEFT = 1, ZERO = 2, ALTERNATE = 4, PLUS = 8 };
static const char flag_letters[] = "-0#+";

struct spec {
    unsigned int flags;
    bool wide;              /* the argument has 64 bits */
    int width;
    unsigned int precision;
};

static void put(struct out *o, char c)
{
    if (o->at + 1 < o->size)
        o->buf[o->at] = c;
    o->at++;
}

static void pad(struct out *o, char c, int n)
{
    while (n-- > 0)
        put(o, c);
}

/* A field: the prefix, then n characters of text, up to the width with zeros between or blanks on one side. */
static void put_field(struct out *o, const struct spec *f, const char *prefix, const char *text, int n)
{
    int fill = f->width - (int)strlen(prefix) - n;

    if (!(f->flags & (LEFT | ZERO)))
        pad(o, ' ', fill);
    while (*prefix)
        put(o, *prefix++);
    if ((f->flags & (LEFT | ZERO)) == ZERO)
        pad(o, '0', fill);
    while (n-- > 0)
        put(o, *text++);
    if (f->flags & LEFT)
        pad(o, ' ', fill);
}

static void put_number(struct out *o, const struct spec *f, u64 value, unsigned int base, const char *prefix)
{
    char text[24], *end = text + sizeof(text), *p = end;

    do
        *--p = "0123456789abcdef"[value % base];
    while ((value /= base) != 0);
    put_field(o, f, prefix, p, end - p);
}

static const char *parse_spec(const char *s, struct spec *f, va_list *ap)
{
    *f = (struct spec){ .precision = UINT32_MAX };
    for (const char *flag; *s && (flag = strchr(flag_letters, *s)); s++)
        f->flags |= 1u << (flag - flag_letters);
    f->width = min(strtou64(s, &s, 10), (u64)WIDTH_MAX);
    if (s[0] == '.' && s[1] == '*') {
        f->precision = va_arg(*ap, int);    /* negative: none, as it is large then */
        s += 2;
    } else if (s[0] == '.') {
        f->precision = strtou64(s + 1, &s, 10);
    }
    for (; *s == 'l' || *s == 'z'; s++)
        f->wide = true;
    return s;
}

static void convert(struct out *o, char c, struct spec *f, va_list *ap)
{
    const char *text;
    u64 number;
    char one;

    switch (c) {
    case 'd':
        number = f->wide ? va_arg(*ap, s64) : va_arg(*ap, int);
        text = (s64)number < 0 ? "-" : f->flags & PLUS ? "+" : "";
        put_number(o, f, (s64)number < 0 ? -number : number, 10, text);
        break;
    case 'u':
    case 'x':
        number = f->wide ? va_arg(*ap, u64) : va_arg(*ap, unsigned int);
        put_number(o, f, number, c == 'u' ? 10 : 16, (f->flags & ALTERNATE) && number && c == 'x' ? "0x" : "");
        break;
    case 'p':
        f->flags |= ZERO;
        f->width = max(f->width, 16);
        put_number(o, f, va_arg(*ap, u64), 16, "");
        break;
    case 's':
        text = va_arg(*ap, const char *) ?: "(null)";
        put_field(o, f, "", text, strnlen(text, f->precision));
        break;
    case 'c':
        one = va_arg(*ap, int);
        put_field(o, f, "", &one, 1);
        break;
    default:
        put(o, c);
    }
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    struct out o = { buf, size, 0 };
    struct spec f;
    va_list ap;

    va_copy(ap, args);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        fmt = parse_spec(fmt + 1, &f, &ap);
        if (!*fmt)
            break;
        convert(&o, *fmt, &f, &ap);
    }
    va_end(ap);
    if (size)
        buf[min(o.at, size - 1)] = '\0';
    return o.at;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(buf, size, fmt, ap);
    va_end(ap);
    return n;
}
