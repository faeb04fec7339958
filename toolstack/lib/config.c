/* SPDX-License-Identifier: MIT */
/*
 * Rules for domain names, CPU lists and UUIDs.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int tn_check_name(const char *name, struct tn_error *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+:@-";

    if (!*name)
        return tn_fail(err, "a domain needs a name: give name = \"...\"");
    if (strlen(name) > TN_NAME_MAX)
        return tn_fail(err, "name %.40s...: longer than %d characters: shorten it", name, TN_NAME_MAX);
    if (name[strspn(name, letters)])
        return tn_fail(err, "name %s: use letters, digits and _ . + : @ - only", name);
    if (!name[strspn(name, "0123456789")])
        return tn_fail(err, "name %s: digits alone are a domain id: add a letter", name);
    return 0;
}

/* A CPU number at *at, which moves behind it. */
static int cpu_number(const char **at, unsigned long *cpu)
{
    char *end;

    if (!isdigit((unsigned char)**at))
        return -1;
    *cpu = strtoul(*at, &end, 10);
    *at = end;
    return *cpu < TN_MAX_CPUS ? 0 : -1;
}

int tn_parse_cpus(struct tn_cpu_set *set, const char *text, struct tn_error *err)
{
    const char *at = text;
    bool any = false;

    memset(set, 0, sizeof(*set));
    for (;;) {
        unsigned long first = 0, last = TN_MAX_CPUS - 1;
        bool exclude;

        at += strspn(at, " \t");
        exclude = *at == '^';
        at += exclude;
        if (strncmp(at, "all", 3) == 0 && !isalnum((unsigned char)at[3])) {
            at += 3;
        } else {
            if (cpu_number(&at, &first) < 0)
                goto bad;
            last = first;
            if (*at == '-') {
                at++;
                if (cpu_number(&at, &last) < 0 || last < first)
                    goto bad;
            }
        }
        for (unsigned long cpu = first; cpu <= last; cpu++) {
            if (exclude)
                set->bits[cpu / 8] &= ~(1u << (cpu % 8));
            else
                set->bits[cpu / 8] |= 1u << (cpu % 8);
        }
        at += strspn(at, " \t");
        if (!*at)
            break;
        if (*at++ != ',')
            goto bad;
    }
    for (size_t i = 0; i < sizeof(set->bits); i++)
        any |= set->bits[i] != 0;
    if (!any)
        return tn_fail(err, "CPU list \"%s\" names no CPU: write for example \"0-3,^2\" or \"all\"", text);
    return 0;

bad:
    return tn_fail(err, "CPU list \"%s\" has a mistake at \"%s\": write for example \"0-3,^2\" or \"all\""
                        " (CPUs below %d)", text, at, TN_MAX_CPUS);
}

void tn_format_cpus(const struct tn_cpu_set *set, unsigned nr_cpus, char *text, size_t room)
{
    unsigned cpu = 0, end, found = 0;
    size_t used = 0;

    snprintf(text, room, "none");
    for (; cpu < nr_cpus && used < room; cpu = end + 1) {
        for (end = cpu; end < nr_cpus && tn_cpu_in(set, end); end++)
            found++;
        if (end == cpu)
            continue;
        used += snprintf(text + used, room - used, "%s%u", used ? "," : "", cpu);
        if (end - cpu > 1 && used < room)
            used += snprintf(text + used, room - used, "-%u", end - 1);
    }
    if (found == nr_cpus)
        snprintf(text, room, "all");
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *hit = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

    return hit ? hit - digits : -1;
}

int tn_parse_uuid(uint8_t uuid[16], const char *text, struct tn_error *err)
{
    const char *at = text;
    uint8_t bytes[16];

    for (unsigned i = 0; i < 16; i++) {
        int high, low;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && *at == '-')
            at++;
        high = hex_digit(at[0]);
        low = high < 0 ? -1 : hex_digit(at[1]);
        if (low < 0)
            return tn_fail(err, "UUID %.40s: wants 32 hexadecimal digits", text);
        bytes[i] = high << 4 | low;
        at += 2;
    }
    if (*at)
        return tn_fail(err, "UUID %.40s: wants 32 hexadecimal digits", text);
    memcpy(uuid, bytes, sizeof(bytes));
    return 0;
}

void tn_format_uuid(const uint8_t uuid[16], char text[TN_UUID_TEXT])
{
    for (unsigned i = 0; i < 16; i++)
        text += sprintf(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
}
