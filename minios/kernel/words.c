/* SPDX-License-Identifier: MIT */
/*
 * The command line as words.
 */
#include "internal.h"

/*
 * Words are separated by blanks; double quotes keep blanks inside a word and vanish. The line is cut in
 * place; words beyond max - 1 are dropped, argv ends with NULL.
 */
int split_words(char *line, char **argv, int max)
{
    int argc = 0;

    while (argc < max - 1) {
        char *out;
        bool quoted = false;

        while (*line == ' ' || *line == '\t') {
            line++;
        }
        if (!*line) {
            break;
        }
        argv[argc++] = out = line;
        while (*line && (quoted || (*line != ' ' && *line != '\t'))) {
            if (*line == '"') {
                quoted = !quoted;
            } else {
                *out++ = *line;
            }
            line++;
        }
        if (*line) {
            line++;
        }
        *out = '\0';
    }
    argv[argc] = NULL;
    return argc;
}
