/* SPDX-License-Identifier: MIT */
/*
 * The line editor of Domain-0's shell: a state machine that takes one byte at a time and writes what the
 * terminal should show. It uses only printable characters, backspace, carriage return, newline and bell, so
 * it works on any terminal; typing and pasting at the end of the line is plain echo. Pure code.
 */
#ifndef DOM0_LINEEDIT_H
#define DOM0_LINEEDIT_H

#include <stdbool.h>
#include <stddef.h>

#define LINE_ROOM    1024u      /* of a line, with its NUL */
#define HISTORY_ROOM 32u

enum edit_result {
    EDIT_MORE,          /* go on */
    EDIT_LINE,          /* line is complete in ->line */
    EDIT_CANCEL,        /* Ctrl-C: line given up */
    EDIT_EOF,           /* Ctrl-D on an empty line */
};

struct line_editor;

/*
 * Offers completions of the word that ends at `cursor` by calling edit_offer(editor, candidate) for each word
 * that could stand there; those that do not begin with what was typed are ignored.
 */
typedef void edit_complete_fn(struct line_editor *editor, const char *line, size_t cursor);

struct line_editor {
    /* Set by the user of the editor: */
    const char *prompt;
    void (*write)(const char *bytes, size_t count);
    edit_complete_fn *complete;

    char line[LINE_ROOM];
    size_t length, cursor;
    bool active;                /* between edit_begin and the end of the line */

    unsigned escape;            /* state within an escape sequence */
    unsigned escape_number;
    bool after_return;          /* a newline after a carriage return is part of it */

    char history[HISTORY_ROOM][LINE_ROOM];
    unsigned history_count;     /* lines ever kept */
    unsigned history_back;      /* how far back the shown line is; 0: not from history */
    char unfinished[LINE_ROOM]; /* what was typed before going back */

    const char *word;           /* completion under way: what was typed */
    size_t word_length;
    bool listing;               /* show candidates rather than compare them */
    unsigned candidates;
    char common[LINE_ROOM];     /* what all candidates begin with */
    bool tabbed;                /* the last key was Tab and could not add anything */
};

/* Show the prompt and start a fresh line. */
void edit_begin(struct line_editor *editor);

/* Take one typed byte. */
enum edit_result edit_key(struct line_editor *editor, unsigned char key);

/* For edit_complete_fn. */
void edit_offer(struct line_editor *editor, const char *candidate);

#endif
