/* SPDX-License-Identifier: MIT */
/*
 * The command line: words separated by blanks, each NAME or NAME=VALUE or no-NAME. Parsed before the console
 * works, so what is wrong with it is kept and reported later.
 */
#include "boot/info.h"
#include "lib/option.h"

extern const struct option options_start[], options_end[];

#define WORD_MAX    256
#define PROBLEMS    8

static struct {
    const char *what;
    char word[64];
} problems[PROBLEMS];
static unsigned int nr_problems;

static void problem(const char *what, const char *word)
{
    if (nr_problems < PROBLEMS) {
        problems[nr_problems].what = what;
        strlcpy(problems[nr_problems].word, word, sizeof(problems[0].word));
    }
    nr_problems++;
}

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
        problem("unknown option, ignored", word);
    else if (!o->parse(o, value))
        problem("this option does not take this value; its default stays", word);
}

const char *command_line = "";

void cmdline_parse(const char *line)
{
    char word[WORD_MAX];

    command_line = line;
    while (*line) {
        size_t n = 0;

        while (*line == ' ')
            line++;
        for (; *line && *line != ' '; line++)
            if (n < sizeof(word) - 1)
                word[n++] = *line;
        word[n] = '\0';
        if (!strcmp(word, "--"))    /* what follows is Domain-0's */
            return;
        if (n == sizeof(word) - 1)
            problem("too long, ignored", word);
        else if (n)
            parse_word(word);
    }
}

void cmdline_report(void)
{
    for (unsigned int i = 0; i < min(nr_problems, (unsigned int)PROBLEMS); i++)
        log_warn("Command line: %s: %s\n", problems[i].word, problems[i].what);
    if (nr_problems > PROBLEMS)
        log_warn("Command line: %u more such words\n", nr_problems - PROBLEMS);
}
