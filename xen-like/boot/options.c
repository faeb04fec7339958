/* SPDX-License-Identifier: MIT */
/* Options that belong to no one subsystem: Domain-0's size. */
#include "boot/options.h"

#include "lib/math.h"
#include "lib/option.h"

struct dom0_options dom0_options = { .max_vcpus_max = ~0u };

/* One size: BYTES, -BYTES (all but), or PERCENT% of the machine, with +BYTES after it. */
static bool parse_amount(const char *text, struct memory_amount *out)
{
    const char *end;

    *out = (struct memory_amount){ .set = true };
    if (*text >= '0' && *text <= '9') {
        u64 number = strtou64(text, &end, 10);

        if (*end == '%') {
            if (number > 100)
                return false;
            out->percent = number;
            text = end + 1;
            if (!*text)
                return true;
            if (*text++ != '+')
                return false;
        }
    }
    if (*text == '-') {
        out->all_but = true;
        text++;
    }
    out->bytes = option_size(text, &end);
    return end != text && !*end;
}

/* dom0_mem=[min:A,][max:A,]A in any order. */
static bool parse_dom0_mem(const struct option *o, const char *value)
{
    struct dom0_options parsed = dom0_options;

    while (*value) {
        struct memory_amount *target = &parsed.mem;
        char part[64];
        size_t n = 0;

        if (!strncmp(value, "min:", 4)) {
            target = &parsed.mem_min;
            value += 4;
        } else if (!strncmp(value, "max:", 4)) {
            target = &parsed.mem_max;
            value += 4;
        }
        for (; *value && *value != ','; value++)
            if (n < sizeof(part) - 1)
                part[n++] = *value;
        part[n] = '\0';
        if (*value == ',')
            value++;
        if (!parse_amount(part, target))
            return false;
    }
    *(struct dom0_options *)o->target = parsed;
    return parsed.mem.set || parsed.mem_min.set || parsed.mem_max.set;
}
OPTION_CUSTOM("dom0_mem", parse_dom0_mem, dom0_options);

/* dom0_max_vcpus=MAX, MIN-MAX, MIN- or -MAX */
static bool parse_dom0_max_vcpus(const struct option *o, const char *value)
{
    const char *end = value;
    u64 low = 1, high;

    if (*value == '-') {
        high = strtou64(value + 1, &end, 10);
    } else {
        low = strtou64(value, &end, 10);
        if (end == value)
            return false;
        high = low;
        if (*end == '-')
            high = end[1] ? strtou64(end + 1, &end, 10) : (end++, ~0u);
    }
    if (*end || !low || low > high)
        return false;
    dom0_options.max_vcpus_min = low;
    dom0_options.max_vcpus_max = min(high, (u64)~0u);
    return true;
}
static char dom0_max_vcpus_target;
OPTION_CUSTOM("dom0_max_vcpus", parse_dom0_max_vcpus, dom0_max_vcpus_target);

u64 memory_amount_bytes(const struct memory_amount *a, u64 available)
{
    u64 share = mul_div(available, a->percent, 100);

    if (a->all_but)
        return a->bytes < available ? available - a->bytes : 0;
    return share + a->bytes;
}

char opt_scheduler[32];
OPTION_TEXT("sched", opt_scheduler);
