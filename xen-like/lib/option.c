/* SPDX-License-Identifier: MIT */
/* The common kinds of command-line options. */
#include "lib/option.h"

#include "lib/string.h"

int option_word_to_bool(const char *value)
{
    /* By turns. */
    static const char *const no_yes[] = { "no", "yes", "off", "on", "false", "true", "0", "1", "disable", "enable" };

    for (unsigned int i = 0; i < ARRAY_SIZE(no_yes); i++)
        if (!strcmp(value, no_yes[i]))
            return i % 2;
    return *value ? -1 : 1;
}

u64 option_size(const char *value, const char **end)
{
    static const char units[] = "bkmgt";
    u64 v = strtou64(value, end, 0);
    const char *unit = *end != value && **end ? strchr(units, **end | 0x20) : NULL;
    unsigned int shift = 10;

    if (unit) {
        shift = (unit - units) * 10;
        (*end)++;
    }
    return v > UINT64_MAX >> shift ? UINT64_MAX : v << shift;
}

bool option_parse_bool(const struct option *o, const char *value)
{
    int v = option_word_to_bool(value);

    if (v >= 0)
        *(bool *)o->target = v;
    return v >= 0;
}

bool option_parse_uint(const struct option *o, const char *value)
{
    const char *end;
    u64 v = strtou64(value, &end, 0);

    if (end == value || *end || v > UINT32_MAX)
        return false;
    *(unsigned int *)o->target = v;
    return true;
}

bool option_parse_size(const struct option *o, const char *value)
{
    const char *end;
    u64 v = option_size(value, &end);

    if (end == value || *end)
        return false;
    *(u64 *)o->target = v;
    return true;
}

bool option_parse_text(const struct option *o, const char *value)
{
    return *value && strlcpy(o->target, value, o->size) < o->size;
}
