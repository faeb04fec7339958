/* SPDX-License-Identifier: MIT */
/*
 * Splitting of a command line into words, as a shell does it: blanks separate, ' and " group, a backslash
 * takes the next character as it is, # begins a comment, and $? (outside of single quotes) is the last exit
 * status. Pure code.
 */
#ifndef DOM0_TOKENS_H
#define DOM0_TOKENS_H

#include <stddef.h>

#define TOKENS_MAX 64

/*
 * Split `line` into argv (ended by NULL) with the text in `room` bytes at `text`. Returns the number of
 * words, or -1 with *complaint set.
 */
int tokens_split(const char *line, int status, char *text, size_t room, char *argv[TOKENS_MAX + 1],
                 const char **complaint);

#endif
