/* SPDX-License-Identifier: MIT */
/*
 * JSON written as it goes, indented, with commas and escapes taken care of. Strings may be any bytes: what is
 * not printable ASCII is escaped, so the output is always valid.
 */
#ifndef TOOLSTACK_JSON_H
#define TOOLSTACK_JSON_H

#include <stdint.h>
#include <stdio.h>

#define JSON_DEPTH 8

struct json {
    FILE *out;
    unsigned depth;
    unsigned count[JSON_DEPTH + 1];     /* members so far, by depth */
};

/* `key` is NULL within arrays and at the top. */
void json_open(struct json *j, const char *key, char bracket);     /* '{' or '[' */
void json_close(struct json *j, char bracket);                      /* '}' or ']' */
void json_string(struct json *j, const char *key, const char *value);
void json_number(struct json *j, const char *key, uint64_t value);
/* Thousandths, written as a decimal fraction. */
void json_milli(struct json *j, const char *key, uint64_t thousandths);

#endif
