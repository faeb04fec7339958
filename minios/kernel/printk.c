/* SPDX-License-Identifier: MIT */
/*
 * Printing without libc, for boot, handlers and faults: a small formatter that
 * needs no memory, no locks and no FPU.
 */
#include <minios/console.h>
#include <minios/kernel.h>

#include "internal.h"

struct output {
    char *buf;
    size_t size, len;
};

static void put(struct output *out, char c)
{
    if (out->len + 1 < out->size) {
        out->buf[out->len] = c;
    }
    out->len++;
}

static void put_field(struct output *out, const char *text, size_t len, unsigned int width, char fill)
{
    while (width-- > len) {
        put(out, fill);
    }
    for (size_t i = 0; i < len; i++) {
        put(out, text[i]);
    }
}

static void put_number(struct output *out, uint64_t value, bool negative, unsigned int base,
                       unsigned int width, char fill)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (negative) {
        if (fill == '0') {
            put(out, '-');
            width -= width > 0;
        } else {
            digits[--at] = '-';
        }
    }
    put_field(out, digits + at, sizeof(digits) - at, width, fill);
}

static void put_string(struct output *out, const char *text, unsigned int width)
{
    size_t len = 0;

    if (!text) {
        text = "(null)";
    }
    while (text[len]) {
        len++;
    }
    put_field(out, text, len, width, ' ');
}

int kvsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
    struct output out = { .buf = buf, .size = size };

    for (; *fmt; fmt++) {
        unsigned int width = 0;
        bool is_long = false;
        char fill = ' ';
        uint64_t number;
        int64_t value;

        if (*fmt != '%') {
            put(&out, *fmt);
            continue;
        }
        fmt++;
        if (*fmt == '0') {
            fill = '0';
            fmt++;
        }
        for (; *fmt >= '0' && *fmt <= '9'; fmt++) {
            width = width * 10 + (*fmt - '0');
        }
        for (; *fmt == 'l' || *fmt == 'z'; fmt++) {
            is_long = true;
        }
        switch (*fmt) {
        case 'd':
        case 'i':
            value = is_long ? va_arg(args, int64_t) : va_arg(args, int);
            put_number(&out, value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, 10, width, fill);
            break;
        case 'u':
        case 'x':
            number = is_long ? va_arg(args, uint64_t) : va_arg(args, unsigned int);
            put_number(&out, number, false, *fmt == 'u' ? 10 : 16, width, fill);
            break;
        case 'p':
            put(&out, '0');
            put(&out, 'x');
            put_number(&out, va_arg(args, uint64_t), false, 16, width, fill);
            break;
        case 's':
            put_string(&out, va_arg(args, const char *), width);
            break;
        case 'c':
            put(&out, (char)va_arg(args, int));
            break;
        case '\0':
            fmt--;
            break;
        default:
            put(&out, *fmt);
        }
    }
    if (size) {
        buf[out.len < size ? out.len : size - 1] = '\0';
    }
    return (int)out.len;
}

int ksnprintf(char *buf, size_t size, const char *fmt, ...)
{
    va_list args;
    int len;

    va_start(args, fmt);
    len = kvsnprintf(buf, size, fmt, args);
    va_end(args);
    return len;
}

void vprintk(const char *fmt, va_list args)
{
    char line[512];
    int len = kvsnprintf(line, sizeof(line), fmt, args);

    console_write_poll(line, len < (int)sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

void printk(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vprintk(fmt, args);
    va_end(args);
}
