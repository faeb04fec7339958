/* SPDX-License-Identifier: MIT */
/*
 * The JSON writer.
 */
#include "json.h"

#include <inttypes.h>
#include <string.h>

static void quote(struct json *j, const char *text)
{
    static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf";

    fputc('"', j->out);
    for (; *text; text++) {
        unsigned char c = *text;
        const char *hit = strchr(from, c);

        if (hit)
            fprintf(j->out, "\\%c", to[hit - from]);
        else if (c < 0x20 || c > 0x7e)
            fprintf(j->out, "\\u%04x", c);
        else
            fputc(c, j->out);
    }
    fputc('"', j->out);
}

/* What stands before every member: a comma, a new line, the key. */
static void lead(struct json *j, const char *key)
{
    if (j->count[j->depth]++)
        fputc(',', j->out);
    if (j->depth)
        fprintf(j->out, "\n%*s", (int)j->depth * 4, "");
    if (key) {
        quote(j, key);
        fputs(": ", j->out);
    }
}

void json_open(struct json *j, const char *key, char bracket)
{
    lead(j, key);
    fputc(bracket, j->out);
    if (j->depth < JSON_DEPTH)
        j->depth++;
    j->count[j->depth] = 0;
}

void json_close(struct json *j, char bracket)
{
    unsigned members = j->count[j->depth];

    j->depth--;
    if (members)
        fprintf(j->out, "\n%*s", (int)j->depth * 4, "");
    fputc(bracket, j->out);
    if (j->depth == 0)
        fputc('\n', j->out);
}

void json_string(struct json *j, const char *key, const char *value)
{
    lead(j, key);
    quote(j, value);
}

void json_number(struct json *j, const char *key, uint64_t value)
{
    lead(j, key);
    fprintf(j->out, "%" PRIu64, value);
}

void json_milli(struct json *j, const char *key, uint64_t thousandths)
{
    lead(j, key);
    fprintf(j->out, "%" PRIu64 ".%03u", thousandths / 1000, (unsigned)(thousandths % 1000));
}
