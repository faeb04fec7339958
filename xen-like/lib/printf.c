/* SPDX-License-Identifier: MIT */
/*
 * Formatted text. Of <stdio.h>'s conversions: d i u x X c s p and %, with the flags - 0 # + and blank, width
 * and precision (also *), and the sizes hh h l ll z t. As in <stdio.h> the result is what would have been
 * written.
 */
#include "lib/log.h"
#include "lib/string.h"

/* Width and precision are bounded, so that a large one cannot hold up the CPU. */
#define WIDTH_MAX 1024

struct out {
    char *buf;
    size_t size, at;
    va_list args;
};

/* A conversion. The first five flags are those of its text. */
enum { LEFT = 1, ZERO = 2, ALTERNATE = 4, PLUS = 8, BLANK = 16, UPPER = 32 };
static const char flag_letters[] = "-0#+ ";

struct spec {
    unsigned int flags, bytes;  /* of the argument, where it is a number */
    int width, precision;       /* precision: -1 where not given */
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

/* A field: prefix, zeros and n characters of text, with blanks on one side up to its width. */
static void put_field(struct out *o, const struct spec *f, const char *prefix, int zeros, const char *text, int n)
{
    int blanks = f->width - (int)strlen(prefix) - zeros - n;

    if (!(f->flags & LEFT))
        pad(o, ' ', blanks);
    while (*prefix)
        put(o, *prefix++);
    pad(o, '0', zeros);
    while (n-- > 0)
        put(o, *text++);
    if (f->flags & LEFT)
        pad(o, ' ', blanks);
}

static void put_string(struct out *o, const struct spec *f, const char *s)
{
    s = s ?: "(null)";
    put_field(o, f, "", 0, s, strnlen(s, f->precision < 0 ? INT32_MAX : f->precision));
}

static void put_number(struct out *o, const struct spec *f, u64 value, unsigned int base, const char *prefix)
{
    const char *digits = f->flags & UPPER ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[24], *end = text + sizeof(text), *p = end;

    if ((f->flags & ALTERNATE) && base == 16 && value)
        prefix = f->flags & UPPER ? "0X" : "0x";
    do
        *--p = digits[value % base];
    while ((value /= base) != 0);
    int n = end - p, zeros = max(f->precision - n, 0);
    if ((f->flags & (ZERO | LEFT)) == ZERO && f->precision < 0)
        zeros = max(f->width - (int)strlen(prefix) - n, 0);
    put_field(o, f, prefix, zeros, p, n);
}

/* A number at *s, or an argument where '*' stands there; never more than WIDTH_MAX. */
static int parse_width(struct out *o, const char **s)
{
    if (**s != '*')
        return min(strtou64(*s, s, 10), (u64)WIDTH_MAX);
    (*s)++;
    return max(min(va_arg(o->args, int), WIDTH_MAX), -WIDTH_MAX);
}

/* Flags, width, precision and the size of the argument; what stands behind them. */
static const char *parse_spec(struct out *o, const char *s, struct spec *f)
{
    *f = (struct spec){ .bytes = 4, .precision = -1 };
    for (const char *flag; *s && (flag = strchr(flag_letters, *s)); s++)
        f->flags |= 1u << (flag - flag_letters);
    f->width = parse_width(o, &s);
    if (f->width < 0) {
        f->flags |= LEFT;
        f->width = -f->width;
    }
    if (*s == '.') {
        s++;
        f->precision = max(parse_width(o, &s), -1);
    }
    for (; *s == 'h'; s++)
        f->bytes = max(f->bytes / 2, 1u);
    for (; *s == 'l' || *s == 'z' || *s == 't'; s++)
        f->bytes = 8;
    return s;
}

/* The next argument, from its size to 64 bits. */
static u64 number_arg(struct out *o, const struct spec *f, bool is_signed)
{
    u64 v = f->bytes == 8 ? va_arg(o->args, u64) : va_arg(o->args, unsigned int);
    unsigned int unused = 64 - 8 * f->bytes;

    return is_signed ? (u64)((s64)(v << unused) >> unused) : v << unused >> unused;
}

static void convert(struct out *o, char c, struct spec *f)
{
    const char *sign = f->flags & PLUS ? "+" : f->flags & BLANK ? " " : "";
    char one[2] = { 0 };
    s64 v;

    switch (c) {
    case 'd':
    case 'i':
        v = number_arg(o, f, true);
        put_number(o, f, v < 0 ? -(u64)v : (u64)v, 10, v < 0 ? "-" : sign);
        break;
    case 'u':
        put_number(o, f, number_arg(o, f, false), 10, "");
        break;
    case 'x':
    case 'X':
        f->flags |= c == 'X' ? UPPER : 0;
        put_number(o, f, number_arg(o, f, false), 16, "");
        break;
    case 'p':
        f->flags |= ZERO;
        f->width = max(f->width, 16);
        put_number(o, f, va_arg(o->args, u64), 16, "");
        break;
    case 's':
        put_string(o, f, va_arg(o->args, const char *));
        break;
    case 'c':
        one[0] = va_arg(o->args, int);
        put_string(o, f, one);
        break;
    default:
        put(o, c);
    }
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    struct out o = { .buf = buf, .size = size };
    struct spec f;

    va_copy(o.args, args);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        fmt = parse_spec(&o, fmt + 1, &f);
        if (!*fmt)
            break;
        convert(&o, *fmt, &f);
    }
    va_end(o.args);
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
