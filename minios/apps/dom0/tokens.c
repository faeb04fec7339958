/* SPDX-License-Identifier: MIT */
/*
 * The word splitter.
 */
#include "tokens.h"

#include <stdio.h>
#include <string.h>

struct splitter {
    const char *at;
    char *out, *end;
    int status;
    const char *complaint;
};

static int add(struct splitter *s, char c)
{
    if (s->end - s->out < 2) {
        s->complaint = "the line is too long";
        return -1;
    }
    *s->out++ = c;
    return 0;
}

static int add_status(struct splitter *s)
{
    char digits[16];

    snprintf(digits, sizeof(digits), "%d", s->status);
    for (const char *d = digits; *d; d++)
        if (add(s, *d) < 0)
            return -1;
    s->at += 2;
    return 0;
}

/* One character of a word, or what stands for it; `quote` is the quote that is open, or NUL. */
static int take(struct splitter *s, char quote)
{
    if (s->at[0] == '\\' && quote != '\'') {
        if (!s->at[1]) {
            s->complaint = "nothing follows the backslash";
            return -1;
        }
        s->at += 2;
        return add(s, s->at[-1]);
    }
    if (s->at[0] == '$' && s->at[1] == '?' && quote != '\'')
        return add_status(s);
    return add(s, *s->at++);
}

/* A word from s->at up to the next blank. */
static int word(struct splitter *s)
{
    char quote = '\0';

    while (*s->at && (quote || !strchr(" \t", *s->at))) {
        if (quote ? *s->at == quote : *s->at == '\'' || *s->at == '"') {
            quote = quote ? '\0' : *s->at;
            s->at++;
        } else if (take(s, quote) < 0) {
            return -1;
        }
    }
    if (quote) {
        s->complaint = "a quote is not closed";
        return -1;
    }
    *s->out++ = '\0';
    return 0;
}

int tokens_split(const char *line, int status, char *text, size_t room, char *argv[TOKENS_MAX + 1],
                 const char **complaint)
{
    struct splitter s = { .at = line, .out = text, .end = text + room, .status = status };
    int count = 0;

    for (;;) {
        s.at += strspn(s.at, " \t");
        if (!*s.at || *s.at == '#')
            break;
        if (count == TOKENS_MAX || s.out == s.end) {
            *complaint = "too many words";
            return -1;
        }
        argv[count++] = s.out;
        if (word(&s) < 0) {
            *complaint = s.complaint;
            return -1;
        }
    }
    argv[count] = NULL;
    return count;
}
