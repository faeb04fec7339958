/* SPDX-License-Identifier: MIT */
/*
 * Text output.  Domain-0 writes through CONSOLEIO_write; a guest through the PV console ring whose page and
 * event channel its start_info names.  print() understands %s %c %d %u %x %p, with l, a width and 0.
 */
#include "guest.h"

#include <xen/io/console.h>

static void ring_write(const char *text, size_t length)
{
    struct xencons_interface *ring = mfn_to_va(start_info->console.domU.mfn);
    XENCONS_RING_IDX prod = ring->out_prod;

    while (length) {
        while (prod - *(volatile XENCONS_RING_IDX *)&ring->out_cons >= sizeof(ring->out))
            HC(sched_op, SCHEDOP_yield, 0);
        ring->out[MASK_XENCONS_IDX(prod++, ring->out)] = *text++;
        length--;
        if (length == 0 || prod - ring->out_cons >= sizeof(ring->out)) {
            asm volatile("" ::: "memory");
            ring->out_prod = prod;
            evtchn_send(start_info->console.domU.evtchn);
        }
    }
}

void console_write(const char *text, size_t length)
{
    if (is_dom0())
        HC(console_io, CONSOLEIO_write, length, text);
    else
        ring_write(text, length);
}

struct output {
    char *text;
    size_t size, used;
};

static void put(struct output *out, char c)
{
    if (out->used + 1 < out->size)
        out->text[out->used++] = c;
}

static void put_number(struct output *out, unsigned long value, unsigned base, unsigned width, char pad)
{
    char digits[24];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (width > n) {
        put(out, pad);
        width--;
    }
    while (n)
        put(out, digits[--n]);
}

int format_text(char *buffer, size_t size, const char *format, va_list args)
{
    struct output out = { buffer, size, 0 };

    for (; *format; format++) {
        bool is_long = false;
        unsigned width = 0;
        char pad = ' ';

        if (*format != '%') {
            put(&out, *format);
            continue;
        }
        format++;
        if (*format == '0')
            pad = '0';
        while (*format >= '0' && *format <= '9')
            width = width * 10 + *format++ - '0';
        while (*format == 'l' || *format == 'z') {
            is_long = true;
            format++;
        }
        switch (*format) {
        case 's':
            for (const char *s = va_arg(args, const char *); *s; s++)
                put(&out, *s);
            break;
        case 'c':
            put(&out, va_arg(args, int));
            break;
        case 'd': {
            long value = is_long ? va_arg(args, long) : va_arg(args, int);

            if (value < 0)
                put(&out, '-');
            put_number(&out, value < 0 ? -(unsigned long)value : (unsigned long)value, 10, width, pad);
            break;
        }
        case 'u':
            put_number(&out, is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned), 10, width, pad);
            break;
        case 'x':
            put_number(&out, is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned), 16, width, pad);
            break;
        case 'p':
            put_number(&out, va_arg(args, unsigned long), 16, 16, '0');
            break;
        default:
            put(&out, *format);
        }
    }
    out.text[out.used] = 0;
    return out.used;
}

void print(const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    console_write(line, format_text(line, sizeof(line), format, args));
    va_end(args);
}
