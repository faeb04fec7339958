/* SPDX-License-Identifier: MIT */
/*
 * Command-line options. Each row stands beside what it sets, in any file; the linker collects the rows and
 * boot/cmdline.c parses the line against them. Names are Xen's where Xen has the option.
 *
 * A row's parser gets the text after '=' ("" where there is none) and returns false where it makes no sense
 * of it, which is reported. "no-NAME" calls the parser with "no"; that only makes sense for a switch.
 */
#pragma once

#include "lib/types.h"

struct option {
    const char *name;
    bool (*parse)(const struct option *o, const char *value);
    void *target;
    size_t size;        /* of a text */
};

#define OPTION(name_, parse_, target_, size_)                                                      \
    static const struct option __section(".options") __attribute__((used, aligned(8)))              \
        option_##target_ = { name_, parse_, &target_, size_ }

/* bool: yes, on, true, 1, enable or nothing; no, off, false, 0, disable. */
#define OPTION_BOOL(name, var)   OPTION(name, option_parse_bool, var, 0)
/* unsigned int */
#define OPTION_UINT(name, var)   OPTION(name, option_parse_uint, var, 0)
/* u64 bytes: a number with K, M, G or T; K where there is no letter, as Xen has it. */
#define OPTION_SIZE(name, var)   OPTION(name, option_parse_size, var, 0)
/* char[]; a longer text is refused. */
#define OPTION_TEXT(name, var)   OPTION(name, option_parse_text, var, sizeof(var))
/* A parser of its own that gets &var as its target. */
#define OPTION_CUSTOM(name, fn, var) OPTION(name, fn, var, 0)

/* The whole line, as the boot loader gave it; boot/cmdline.c sets it. */
extern const char *command_line;

bool option_parse_bool(const struct option *o, const char *value);
bool option_parse_uint(const struct option *o, const char *value);
bool option_parse_size(const struct option *o, const char *value);
bool option_parse_text(const struct option *o, const char *value);

/* 1 or 0 for the words of OPTION_BOOL, -1 for any other. */
int option_word_to_bool(const char *value);
/* A size as of OPTION_SIZE; *end is what follows. */
u64 option_size(const char *value, const char **end);
