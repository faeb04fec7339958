/* SPDX-License-Identifier: MIT */
/*
 * The line editor. Keys are rows of two tables: control characters, and the ends of escape sequences. On the
 * screen the cursor moves left by backspaces and right by writing again what is there.
 */
#include "lineedit.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ESC_NONE, ESC_SEEN, ESC_BRACKET };

static void put(struct line_editor *ed, const char *bytes, size_t count)
{
    if (count)
        ed->write(bytes, count);
}

static void put_text(struct line_editor *ed, const char *text)
{
    put(ed, text, strlen(text));
}

/* `count` times the same character. */
static void put_many(struct line_editor *ed, char c, size_t count)
{
    char run[64];

    memset(run, c, sizeof(run));
    for (; count > sizeof(run); count -= sizeof(run))
        put(ed, run, sizeof(run));
    put(ed, run, count);
}

/* Show prompt and line on a fresh row. */
static void show(struct line_editor *ed)
{
    put_text(ed, ed->prompt);
    put(ed, ed->line, ed->length);
    put_many(ed, '\b', ed->length - ed->cursor);
}

/* -- Changing the line ----------------------------------------------------------------------------------- */

static void move_to(struct line_editor *ed, size_t place)
{
    if (place < ed->cursor)
        put_many(ed, '\b', ed->cursor - place);
    else
        put(ed, ed->line + ed->cursor, place - ed->cursor);
    ed->cursor = place;
}

static void insert(struct line_editor *ed, const char *bytes, size_t count)
{
    size_t tail = ed->length - ed->cursor;

    if (ed->length + count >= LINE_ROOM) {
        put_text(ed, "\a");
        return;
    }
    memmove(ed->line + ed->cursor + count, ed->line + ed->cursor, tail + 1);
    memcpy(ed->line + ed->cursor, bytes, count);
    ed->length += count;
    put(ed, ed->line + ed->cursor, count + tail);
    ed->cursor += count;
    put_many(ed, '\b', tail);
}

/* Remove [from, upto), which the cursor is at one end of. */
static void cut(struct line_editor *ed, size_t from, size_t upto)
{
    size_t tail = ed->length - upto, gone = upto - from;

    move_to(ed, from);
    memmove(ed->line + from, ed->line + upto, tail + 1);
    ed->length -= gone;
    put(ed, ed->line + from, tail);
    put_many(ed, ' ', gone);
    put_many(ed, '\b', tail + gone);
}

static void replace(struct line_editor *ed, const char *text)
{
    move_to(ed, ed->length);
    cut(ed, 0, ed->length);
    insert(ed, text, strlen(text));
}

/* -- History --------------------------------------------------------------------------------------------- */

static char *history_line(struct line_editor *ed, unsigned back)
{
    return ed->history[(ed->history_count - back) % HISTORY_ROOM];
}

static void history_keep(struct line_editor *ed)
{
    if (ed->length == 0 || (ed->history_count && strcmp(history_line(ed, 1), ed->line) == 0))
        return;
    strcpy(ed->history[ed->history_count++ % HISTORY_ROOM], ed->line);
}

static void history_go(struct line_editor *ed, unsigned back)
{
    unsigned most = ed->history_count < HISTORY_ROOM ? ed->history_count : HISTORY_ROOM;

    if (back > most) {
        put_text(ed, "\a");
        return;
    }
    if (ed->history_back == 0)
        strcpy(ed->unfinished, ed->line);
    ed->history_back = back;
    replace(ed, back ? history_line(ed, back) : ed->unfinished);
}

/* -- Completion ------------------------------------------------------------------------------------------ */

void edit_offer(struct line_editor *ed, const char *candidate)
{
    size_t same = 0;

    if (strncmp(candidate, ed->word, ed->word_length) != 0)
        return;
    if (ed->listing) {
        put_text(ed, candidate);
        put_text(ed, "  ");
        return;
    }
    if (ed->candidates++ == 0) {
        snprintf(ed->common, sizeof(ed->common), "%s", candidate);
        return;
    }
    while (ed->common[same] && ed->common[same] == candidate[same])
        same++;
    ed->common[same] = '\0';
}

static void complete(struct line_editor *ed, bool again)
{
    char word[LINE_ROOM];
    size_t start = ed->cursor;

    if (!ed->complete)
        return;
    while (start > 0 && ed->line[start - 1] != ' ')
        start--;
    ed->word_length = ed->cursor - start;
    memcpy(word, ed->line + start, ed->word_length);
    word[ed->word_length] = '\0';
    ed->word = word;
    ed->candidates = 0;
    ed->common[0] = '\0';
    ed->listing = false;
    ed->complete(ed, ed->line, ed->cursor);
    if (ed->candidates && strlen(ed->common) > ed->word_length) {
        insert(ed, ed->common + ed->word_length, strlen(ed->common) - ed->word_length);
        if (ed->candidates == 1 && ed->common[strlen(ed->common) - 1] != '/')
            insert(ed, " ", 1);
    } else if (ed->candidates == 1) {
        insert(ed, " ", 1);
    } else if (ed->candidates > 1 && again) {
        ed->listing = true;
        put_text(ed, "\r\n");
        ed->complete(ed, ed->line, ed->cursor);
        put_text(ed, "\r\n");
        show(ed);
    } else {
        put_text(ed, "\a");
        ed->tabbed = ed->candidates > 1;
    }
}

/* -- Keys ------------------------------------------------------------------------------------------------ */

static void key_home(struct line_editor *ed)
{
    move_to(ed, 0);
}

static void key_end(struct line_editor *ed)
{
    move_to(ed, ed->length);
}

static void key_left(struct line_editor *ed)
{
    if (ed->cursor > 0)
        move_to(ed, ed->cursor - 1);
}

static void key_right(struct line_editor *ed)
{
    if (ed->cursor < ed->length)
        move_to(ed, ed->cursor + 1);
}

static void key_backspace(struct line_editor *ed)
{
    if (ed->cursor > 0)
        cut(ed, ed->cursor - 1, ed->cursor);
}

static void key_delete(struct line_editor *ed)
{
    if (ed->cursor < ed->length)
        cut(ed, ed->cursor, ed->cursor + 1);
}

static void key_kill_start(struct line_editor *ed)
{
    cut(ed, 0, ed->cursor);
}

static void key_kill_end(struct line_editor *ed)
{
    cut(ed, ed->cursor, ed->length);
}

static void key_kill_word(struct line_editor *ed)
{
    size_t from = ed->cursor;

    while (from > 0 && ed->line[from - 1] == ' ')
        from--;
    while (from > 0 && ed->line[from - 1] != ' ')
        from--;
    cut(ed, from, ed->cursor);
}

static void key_up(struct line_editor *ed)
{
    history_go(ed, ed->history_back + 1);
}

static void key_down(struct line_editor *ed)
{
    if (ed->history_back)
        history_go(ed, ed->history_back - 1);
}

static void key_redraw(struct line_editor *ed)
{
    put_text(ed, "\r\n");
    show(ed);
}

#define CTRL(letter) ((letter) & 0x1f)

static const struct {
    unsigned char key;
    void (*act)(struct line_editor *ed);
} control_keys[] = {
    { CTRL('A'), key_home }, { CTRL('B'), key_left }, { CTRL('D'), key_delete }, { CTRL('E'), key_end },
    { CTRL('F'), key_right }, { CTRL('H'), key_backspace }, { CTRL('K'), key_kill_end },
    { CTRL('L'), key_redraw },
    { CTRL('N'), key_down }, { CTRL('P'), key_up }, { CTRL('U'), key_kill_start },
    { CTRL('W'), key_kill_word },
    { 0x7f, key_backspace },
};

/* What ends an escape sequence: a letter, or ~ after a number. */
static const struct {
    char letter;
    unsigned number;
    void (*act)(struct line_editor *ed);
} escape_keys[] = {
    { 'A', 0, key_up }, { 'B', 0, key_down }, { 'C', 0, key_right }, { 'D', 0, key_left },
    { 'H', 0, key_home },
    { 'F', 0, key_end }, { '~', 1, key_home }, { '~', 3, key_delete }, { '~', 4, key_end },
    { '~', 7, key_home },
    { '~', 8, key_end },
};

/* ESC [ number letter, or ESC O letter; anything else is dropped. */
static void escape(struct line_editor *ed, unsigned char key)
{
    if (ed->escape == ESC_SEEN) {
        ed->escape = key == '[' || key == 'O' ? ESC_BRACKET : ESC_NONE;
        ed->escape_number = 0;
        return;
    }
    if (isdigit(key)) {
        ed->escape_number = (ed->escape_number * 10 + key - '0') % 1000;
        return;
    }
    if (key == ';')
        return;
    ed->escape = ESC_NONE;
    for (size_t i = 0; i < sizeof(escape_keys) / sizeof(escape_keys[0]); i++)
        if (escape_keys[i].letter == key && (key != '~' || escape_keys[i].number == ed->escape_number))
            escape_keys[i].act(ed);
}

static enum edit_result finish(struct line_editor *ed, enum edit_result result, const char *shown)
{
    move_to(ed, ed->length);
    put_text(ed, shown);
    if (result == EDIT_LINE)
        history_keep(ed);
    ed->active = false;
    return result;
}

enum edit_result edit_key(struct line_editor *ed, unsigned char key)
{
    bool after_return = ed->after_return, tabbed = ed->tabbed;
    char byte = key;

    ed->after_return = key == '\r';
    ed->tabbed = false;
    if (ed->escape != ESC_NONE) {
        escape(ed, key);
        return EDIT_MORE;
    }
    if (key == '\n' && after_return)
        return EDIT_MORE;
    if (key == '\r' || key == '\n')
        return finish(ed, EDIT_LINE, "\r\n");
    if (key == CTRL('C'))
        return finish(ed, EDIT_CANCEL, "^C\r\n");
    if (key == CTRL('D') && ed->length == 0)
        return finish(ed, EDIT_EOF, "\r\n");
    if (key == '\t') {
        complete(ed, tabbed);
        return EDIT_MORE;
    }
    if (key == 0x1b) {
        ed->escape = ESC_SEEN;
        return EDIT_MORE;
    }
    for (size_t i = 0; i < sizeof(control_keys) / sizeof(control_keys[0]); i++) {
        if (control_keys[i].key == key) {
            control_keys[i].act(ed);
            return EDIT_MORE;
        }
    }
    if (key >= ' ')
        insert(ed, &byte, 1);
    return EDIT_MORE;
}

void edit_begin(struct line_editor *ed)
{
    ed->line[0] = '\0';
    ed->length = ed->cursor = 0;
    ed->history_back = 0;
    ed->active = true;
    put_text(ed, ed->prompt);
}
