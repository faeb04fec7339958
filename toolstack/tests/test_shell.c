/* SPDX-License-Identifier: MIT */
/*
 * The shell's line editor and word splitter. The editor's output goes to a small terminal model, and what
 * that shows must always be what the editor means.
 */
#include "tap.h"

#include "../../minios/apps/dom0/lineedit.h"
#include "../../minios/apps/dom0/tokens.h"

#include <stdlib.h>
#include <string.h>

#define COLUMNS 4096

/* One row of a terminal: the current one. */
static struct {
    char cell[COLUMNS + 1];
    size_t column;
    bool broken;
} screen;

static struct line_editor *ed;

static void terminal(const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\r') {
            screen.column = 0;
        } else if (bytes[i] == '\n') {
            memset(screen.cell, ' ', COLUMNS);
        } else if (bytes[i] == '\b') {
            screen.broken |= screen.column == 0;
            screen.column -= screen.column > 0;
        } else if (bytes[i] >= ' ' || (unsigned char)bytes[i] >= 0x80) {
            screen.broken |= screen.column >= COLUMNS;
            screen.cell[screen.column++] = bytes[i];
        } else {
            screen.broken |= bytes[i] != '\a';
        }
    }
}

static void offer_words(struct line_editor *editor, const char *line, size_t cursor)
{
    (void)line;
    (void)cursor;
    edit_offer(editor, "create");
    edit_offer(editor, "console");
    edit_offer(editor, "destroy");
    edit_offer(editor, "/guests/");
}

static enum edit_result type(const char *keys)
{
    enum edit_result result = EDIT_MORE;

    for (; *keys; keys++)
        result = edit_key(ed, *keys);
    return result;
}

/* The screen shows prompt and line, blanks behind, and the cursor where it should be. */
static bool shows(const char *line)
{
    size_t prompt = strlen(ed->prompt), length = strlen(line);

    for (size_t i = prompt + length; i < COLUMNS; i++)
        if (screen.cell[i] != ' ')
            return false;
    return !screen.broken && strcmp(ed->line, line) == 0 && memcmp(screen.cell, ed->prompt, prompt) == 0 &&
           memcmp(screen.cell + prompt, line, length) == 0 && screen.column == prompt + ed->cursor;
}

static void fresh(void)
{
    memset(screen.cell, ' ', COLUMNS);
    screen.column = 0;
    edit_begin(ed);
}

static const struct {
    const char *keys, *line;
} edits[] = {
    { "abc", "abc" }, { "abc\x7f", "ab" }, { "abc\b\b\b\b", "" }, { "ac\x1b[Db", "abc" },
    { "bc\x01" "a", "abc" },
    { "bc\x01" "a\x05" "d", "abcd" }, { "one two\x17", "one " }, { "one two  \x17\x17", "" },
    { "abcd\x02\x02\x0b", "ab" },
    { "abcd\x02\x02\x15", "cd" }, { "abc\x1b[D\x1b[D\x1b[3~", "ac" }, { "abc\x1b[H\x1b[Cx\x1b[Fy", "axbcy" },
    { "abc\x1bOD\x04", "ab" }, { "\x1b[99~x", "x" }, { "cr\t", "create " }, { "c\t", "c" },
    { "d\tx", "destroy x" },
    { "x /g\t", "x /guests/" }, { "zz\t", "zz" }, { "ab\x0c", "ab" }, { "c\t\t", "c" },
};

static void editing(void)
{
    for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
        fresh();
        type(edits[i].keys);
        ok(shows(edits[i].line), "keys %zu give \"%s\"", i, edits[i].line);
    }
    fresh();
    ok(type("abc\x03") == EDIT_CANCEL, "Ctrl-C gives the line up");
    fresh();
    ok(type("\x04") == EDIT_EOF, "Ctrl-D on an empty line");
    fresh();
    ok(type("ab\x1b[D\r") == EDIT_LINE && strcmp(ed->line, "ab") == 0, "return ends a line from within");
    fresh();
    ok(edit_key(ed, '\n') == EDIT_MORE, "a newline after the return belongs to it");
    edit_begin(ed);
    type("second\r");
    fresh();
    type("new\x1b[A");
    ok(shows("second"), "up: the last line");
    type("\x1b[A");
    ok(shows("ab"), "up again: the one before");
    type("\x1b[A\x1b[B\x1b[B");
    ok(shows("new"), "and down to what was being typed");
}

static void long_lines(void)
{
    bool whole = true;

    fresh();
    for (size_t i = 0; i < LINE_ROOM + 100; i++)
        edit_key(ed, 'x');
    ok(ed->length == LINE_ROOM - 1 && !screen.broken, "a pasted line is bounded");
    type("\x01" "y");
    ok(ed->length == LINE_ROOM - 1, "in the middle too");
    type("\r");
    srand(4);
    for (int i = 0; i < 50000; i++) {
        static const char keys[] = "abc \x01\x02\x05\x06\x0b\x15\x17\x7f\t\x1b[ABCD3~\x0e\x10\x04\xff";

        if (!ed->active)
            fresh();
        edit_key(ed, keys[rand() % (sizeof(keys) - 1)]);
        whole &= ed->cursor <= ed->length && strlen(ed->line) == ed->length;
        if (ed->length > 60)
            type("\r");
    }
    ok(whole && !screen.broken, "random keys keep the editor whole");
}

static const struct {
    const char *line;
    int count;
    const char *words;      /* joined by | */
} splits[] = {
    { "", 0, "" }, { "  # only a comment", 0, "" }, { "a b\tc", 3, "a|b|c" },
    { "a 'b c' \"d e\"", 3, "a|b c|d e" },
    { "a\\ b", 1, "a b" }, { "echo $? '$?' \"$?\"", 4, "echo|7|$?|7" }, { "x=''", 1, "x=" },
    { "'' b", 2, "|b" },
    { "a'b'\"c\"", 1, "abc" }, { "cpus=[1,2]", 1, "cpus=[1,2]" }, { "a 'b", -1, "a quote is not closed" },
    { "a \\", -1, "nothing follows the backslash" },
};

static void splitting(void)
{
    char text[64], joined[200], *argv[TOKENS_MAX + 1], many[300] = "";
    const char *complaint = "";

    for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
        int count = tokens_split(splits[i].line, 7, text, sizeof(text), argv, &complaint);

        joined[0] = '\0';
        for (int n = 0; n < count; n++) {
            strcat(joined, n ? "|" : "");
            strcat(joined, argv[n]);
        }
        ok(count == splits[i].count &&
           strcmp(count < 0 ? complaint : joined, splits[i].words) == 0, "words of: %s", splits[i].line);
    }
    memset(many, 'x', 100);
    ok(tokens_split(many, 0, text, sizeof(text), argv, &complaint) == -1,
       "a word longer than the room is refused");
    for (int i = 0; i < 100; i++)
        memcpy(many + 2 * i, "x ", 3);
    ok(tokens_split(many, 0, joined, sizeof(joined), argv, &complaint) == -1, "too many words are refused");
}

void test_shell(void)
{
    ed = calloc(1, sizeof(*ed));
    ed->prompt = "tenon# ";
    ed->write = terminal;
    ed->complete = offer_words;
    editing();
    long_lines();
    splitting();
    free(ed);
}
