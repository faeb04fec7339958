/* SPDX-License-Identifier: MIT */
/*
 * Formatted text. Of <stdio.h>'s conversions: d i u x X c s p and %, with the flags - 0 # + and blank, width
 * and precision (also *), and the sizes hh h l ll z t. As in <stdio.h> the result is what would have been
 * written.
 */
#include "lib/log.h"
#include "lib/string.h"

struct out {
    char *buf;
    size_t size, at;
};

struct spec {
    bool left, zero, alternate, upper;
    char sign;              /* '+' or ' ' for positive numbers, or 0 */
    int width, precision;   /* precision: -1 where not given */
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

static void put_string(struct out *o, const struct spec *f, const char *s)
{
    int n;

    if (!s)
        s = "(null)";
    n = strnlen(s, f->precision < 0 ? INT32_MAX : f->precision);
    if (!f->left)
        pad(o, ' ', f->width - n);
    for (int i = 0; i < n; i++)
        put(o, s[i]);
    if (f->left)
        pad(o, ' ', f->width - n);
}

static void put_number(struct out *o, const struct spec *f, u64 value, unsigned int base, char sign)
{
    const char *digits = f->upper ? "0123456789ABCDEF" : "0123456789abcdef";
    bool prefix = f->alternate && base == 16 && value;
    char text[24];
    int n = 0, zeros, total;

    do
        text[n++] = digits[value % base];
    while ((value /= base) != 0);
    zeros = max(f->precision - n, 0);
    total = n + zeros + (sign ? 1 : 0) + (prefix ? 2 : 0);
    if (f->zero && !f->left && f->precision < 0 && f->width > total) {
        zeros += f->width - total;
        total = f->width;
    }
    if (!f->left)
        pad(o, ' ', f->width - total);
    if (sign)
        put(o, sign);
    if (prefix) {
        put(o, '0');
        put(o, f->upper ? 'X' : 'x');
    }
    pad(o, '0', zeros);
    while (n)
        put(o, text[--n]);
    if (f->left)
        pad(o, ' ', f->width - total);
}

/* Width and precision are bounded, so that a large one cannot hold up the CPU. */
#define WIDTH_MAX 1024

/* A number at *s, or an argument where '*' stands there; never more than WIDTH_MAX. */
static int parse_width(const char **s, va_list *ap)
{
    if (**s != '*')
        return min(strtou64(*s, s, 10), (u64)WIDTH_MAX);
    (*s)++;
    return max(min(va_arg(*ap, int), WIDTH_MAX), -WIDTH_MAX);
}

/* Flags, width and precision. */
static const char *parse_spec(const char *s, struct spec *f, va_list *ap)
{
    *f = (struct spec){ .precision = -1 };
    for (;; s++) {
        if (*s == '-')
            f->left = true;
        else if (*s == '0')
            f->zero = true;
        else if (*s == '#')
            f->alternate = true;
        else if (*s == '+' || *s == ' ')
            f->sign = f->sign == '+' ? '+' : *s;
        else
            break;
    }
    f->width = parse_width(&s, ap);
    if (f->width < 0) {
        f->left = true;
        f->width = -f->width;
    }
    if (*s == '.') {
        s++;
        f->precision = max(parse_width(&s, ap), -1);
    }
    return s;
}

/* The size letters as bytes of the argument. */
static const char *parse_size(const char *s, unsigned int *bytes)
{
    *bytes = 4;
    if (s[0] == 'h' && s[1] == 'h') {
        *bytes = 1;
        return s + 2;
    }
    if (s[0] == 'h') {
        *bytes = 2;
        return s + 1;
    }
    while (*s == 'l' || *s == 'z' || *s == 't') {
        *bytes = 8;
        s++;
    }
    return s;
}

static u64 unsigned_arg(va_list *ap, unsigned int bytes)
{
    u64 v = bytes == 8 ? va_arg(*ap, u64) : va_arg(*ap, unsigned int);

    return bytes < 4 ? v & ((1u << bytes * 8) - 1) : v;
}

static s64 signed_arg(va_list *ap, unsigned int bytes)
{
    s64 v = bytes == 8 ? va_arg(*ap, s64) : va_arg(*ap, int);

    return bytes == 1 ? (s8)v : bytes == 2 ? (s16)v : v;
}

static void convert(struct out *o, char c, struct spec *f, unsigned int bytes, va_list *ap)
{
    char one[2] = { 0 };
    s64 v;

    switch (c) {
    case 'd':
    case 'i':
        v = signed_arg(ap, bytes);
        put_number(o, f, v < 0 ? -(u64)v : (u64)v, 10, v < 0 ? '-' : f->sign);
        break;
    case 'u':
        put_number(o, f, unsigned_arg(ap, bytes), 10, 0);
        break;
    case 'X':
        f->upper = true;
        __attribute__((fallthrough));
    case 'x':
        put_number(o, f, unsigned_arg(ap, bytes), 16, 0);
        break;
    case 'p':
        f->zero = true;
        f->width = max(f->width, 16);
        put_number(o, f, va_arg(*ap, u64), 16, 0);
        break;
    case 's':
        put_string(o, f, va_arg(*ap, const char *));
        break;
    case 'c':
        one[0] = va_arg(*ap, int);
        put_string(o, f, one);
        break;
    default:
        put(o, c);
    }
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    struct out o = { buf, size, 0 };
    struct spec f;
    unsigned int bytes;
    va_list ap;

    va_copy(ap, args);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        fmt = parse_spec(fmt + 1, &f, &ap);
        fmt = parse_size(fmt, &bytes);
        if (!*fmt)
            break;
        convert(&o, *fmt, &f, bytes, &ap);
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
