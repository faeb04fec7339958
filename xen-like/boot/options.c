/* SPDX-License-Identifier: MIT */
/* Options that belong to no one subsystem: Domain-0's size. */
#include "boot/options.h"

#include "lib/math.h"
#include "lib/option.h"

struct dom0_memory dom0_memory = { .max = { .bytes = UINT64_MAX } };
struct dom0_vcpus dom0_vcpus = { .max = ~0u };
char opt_scheduler[32];

/* One size: BYTES, -BYTES (all but), or PERCENT% of the machine, with +BYTES after it. *text moves behind it. */
static bool parse_amount(const char **text, struct memory_amount *out)
{
    const char *s = *text;
    u64 number = strtou64(s, text, 10);

    *out = (struct memory_amount){ .set = true };
    if (*text != s && **text == '%') {
        if (number > 100)
            return false;
        out->percent = number;
        if (*++*text != '+')
            return true;
        s = *text + 1;
    }
    out->all_but = *s == '-';
    s += out->all_but;
    out->bytes = option_size(s, text);
    return *text != s;
}

/* dom0_mem=[min:A,][max:A,]A in any order. */
static bool parse_dom0_mem(const struct option *o, const char *value)
{
    struct dom0_memory parsed = dom0_memory;

    if (!*value)
        return false;
    while (*value) {
        bool is_min = !strncmp(value, "min:", 4), is_max = !strncmp(value, "max:", 4);

        value += is_min || is_max ? 4 : 0;
        if (!parse_amount(&value, is_min ? &parsed.min : is_max ? &parsed.max : &parsed.mem))
            return false;
        if (*value && *value++ != ',')
            return false;
    }
    dom0_memory = parsed;
    return true;
}
OPTION_CUSTOM("dom0_mem", parse_dom0_mem, dom0_memory);

/* dom0_max_vcpus=MAX, MIN-MAX, MIN- or -MAX */
static bool parse_dom0_max_vcpus(const struct option *o, const char *value)
{
    const char *end = value;
    u64 low = *value == '-' ? 1 : strtou64(value, &end, 10), high = low;

    if (*end == '-') {
        const char *most = end + 1;

        high = strtou64(most, &end, 10);
        if (!*most && *value != '-')
            high = ~0u;
    }
    if (*end || !low || low > high)
        return false;
    dom0_vcpus = (struct dom0_vcpus){ low, min(high, (u64)~0u) };
    return true;
}
OPTION_CUSTOM("dom0_max_vcpus", parse_dom0_max_vcpus, dom0_vcpus);

OPTION_TEXT("sched", opt_scheduler);

u64 memory_amount_bytes(const struct memory_amount *a, u64 available)
{
    if (a->all_but)
        return available - min(a->bytes, available);
    return mul_div(available, a->percent, 100) + a->bytes;
}
