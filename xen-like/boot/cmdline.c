/* SPDX-License-Identifier: MIT */
/*
 * The command line: words separated by blanks, each NAME or NAME=VALUE or no-NAME. It says which console there
 * is, so what is wrong with it is logged before there is one, and shown once there is.
 */
#include "boot/info.h"
#include "lib/option.h"

extern const struct option options_start[], options_end[];

const char *command_line = "";

static const struct option *find_option(const char *name, size_t n)
{
    for (const struct option *o = options_start; o < options_end; o++)
        if (strlen(o->name) == n && !strncmp(o->name, name, n))
            return o;
    return NULL;
}

static void parse_word(const char *word)
{
    const char *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    const char *value = equals ? equals + 1 : "";
    const struct option *o = find_option(word, n);

    if (!o && !equals && !strncmp(word, "no-", 3)) {
        o = find_option(word + 3, n - 3);
        value = "no";
    }
    if (!o)
        log_warn("Command line: %.63s: unknown option, ignored\n", word);
    else if (!o->parse(o, value))
        log_warn("Command line: %.63s: this option does not take this value; its default stays\n", word);
}

void cmdline_parse(const char *line)
{
    char words[sizeof(boot_info.cmdline)], *next;

    command_line = line;
    strlcpy(words, line, sizeof(words));
    for (char *word = words; word; word = next) {
        next = strchr(word, ' ');
        if (next)
            *next++ = '\0';
        if (!strcmp(word, "--"))    /* what follows is Domain-0's */
            return;
        if (*word)
            parse_word(word);
    }
}
