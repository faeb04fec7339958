/* SPDX-License-Identifier: MIT */
/* The common kinds of command-line options. */
#include "lib/option.h"

#include "lib/string.h"

int option_word_to_bool(const char *value)
{
    static const char *const yes[] = { "", "yes", "on", "true", "1", "enable" };
    static const char *const no[] = { "no", "off", "false", "0", "disable" };

    for (unsigned int i = 0; i < ARRAY_SIZE(yes); i++)
        if (!strcmp(value, yes[i]))
            return 1;
    for (unsigned int i = 0; i < ARRAY_SIZE(no); i++)
        if (!strcmp(value, no[i]))
            return 0;
    return -1;
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

    if (v < 0)
        return false;
    *(bool *)o->target = v;
    return true;
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
