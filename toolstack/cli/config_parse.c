/* SPDX-License-Identifier: MIT */
/*
 * Lexer, parser and key table of the configuration syntax. The lexer hands out tokens with their place; the
 * parser makes a small value of them; the key table says what each key takes. Strings are bounded by TEXT_MAX
 * and lists by LIST_MAX, so a configuration cannot take memory beyond one struct value.
 */
#include "config_parse.h"
#include "suggest.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 1100
#define LIST_MAX TN_MAX_VCPUS
#define ITEM_MAX 64

enum token {
    T_END, T_NEWLINE, T_WORD, T_NUMBER, T_STRING, T_EQUALS, T_OPEN, T_CLOSE, T_COMMA, T_BAD,
};

struct place {
    unsigned line, column;
};

struct lexer {
    const char *at, *end, *file;
    struct place here;          /* of *at */
    struct place token_place;
    char text[TEXT_MAX];        /* of the last word, number or string */
    const char *complaint;      /* with T_BAD */
    struct tn_error *err;
};

enum value_kind {
    V_STRING, V_NUMBER, V_LIST,
    V_BARE,             /* from a command line: a string or number as the key wants */
};

struct value {
    enum value_kind kind;
    struct place place;
    char text[TEXT_MAX];
    unsigned nr_items;
    char item[LIST_MAX][ITEM_MAX];
};

static int fail_at(struct lexer *lx, struct place place, const char *what, const char *detail)
{
    return tn_fail(lx->err, "%s:%u:%u: %s%s", lx->file, place.line, place.column, what, detail);
}

/* -- Lexer ----------------------------------------------------------------------------------------------- */

static void step(struct lexer *lx)
{
    if (*lx->at == '\n') {
        lx->here.line++;
        lx->here.column = 1;
    } else {
        lx->here.column++;
    }
    lx->at++;
}

/* Blanks, comments, and line joins (a backslash before the end of the line). */
static void skip_blanks(struct lexer *lx)
{
    while (lx->at < lx->end) {
        if (*lx->at == ' ' || *lx->at == '\t' || *lx->at == '\r') {
            step(lx);
        } else if (*lx->at == '#') {
            while (lx->at < lx->end && *lx->at != '\n')
                step(lx);
        } else if (*lx->at == '\\' && lx->end - lx->at > 1 && lx->at[1] == '\n') {
            step(lx);
            step(lx);
        } else {
            return;
        }
    }
}

static enum token bad(struct lexer *lx, const char *complaint)
{
    lx->complaint = complaint;
    return T_BAD;
}

/* The character that a backslash in a string makes of `c`; others stand for themselves. */
static char escaped(char c)
{
    static const char from[] = "nrt", to[] = "\n\r\t";
    const char *hit = strchr(from, c);

    return hit && c ? to[hit - from] : c;
}

static enum token lex_string(struct lexer *lx)
{
    char quote = *lx->at;
    size_t length = 0;

    step(lx);
    while (lx->at < lx->end && *lx->at != quote) {
        char c = *lx->at;

        if (c == '\n')
            return bad(lx, "string without its closing quote");
        if (c == '\0')
            return bad(lx, "string with a NUL character");
        step(lx);
        if (c == '\\' && lx->at < lx->end) {
            c = escaped(*lx->at);
            step(lx);
        }
        if (length + 1 >= sizeof(lx->text))
            return bad(lx, "string too long");
        lx->text[length++] = c;
    }
    if (lx->at == lx->end)
        return bad(lx, "string without its closing quote");
    step(lx);
    lx->text[length] = '\0';
    return T_STRING;
}

static enum token next_token(struct lexer *lx)
{
    static const struct {
        char c;
        enum token token;
    } single[] = {
        { '\n', T_NEWLINE }, { ';', T_NEWLINE }, { '=', T_EQUALS }, { '[', T_OPEN }, { ']', T_CLOSE },
        { ',', T_COMMA },
    };
    size_t length = 0;
    char first;

    skip_blanks(lx);
    lx->token_place = lx->here;
    if (lx->at == lx->end)
        return T_END;
    first = *lx->at;
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
        if (single[i].c == first) {
            step(lx);
            return single[i].token;
        }
    }
    if (first == '\'' || first == '"')
        return lex_string(lx);
    if (!isalnum((unsigned char)first) && first != '_')
        return bad(lx, "a character that means nothing here");
    while (lx->at < lx->end && (isalnum((unsigned char)*lx->at) || *lx->at == '_')) {
        if (length + 1 >= ITEM_MAX)
            return bad(lx, "word too long");
        lx->text[length++] = *lx->at;
        step(lx);
    }
    lx->text[length] = '\0';
    return isdigit((unsigned char)first) ? T_NUMBER : T_WORD;
}

/* -- Keys ------------------------------------------------------------------------------------------------ */

struct key {
    const char *name;
    int (*set)(struct tn_config *config, const struct key *key, const struct value *value, struct lexer *lx);
    size_t offset;              /* into struct tn_config */
    unsigned long min, max;     /* numbers: bounds; strings: max is the room with NUL */
};

static int set_string(struct tn_config *config, const struct key *key, const struct value *value,
                      struct lexer *lx)
{
    if (value->kind != V_STRING && value->kind != V_BARE)
        return fail_at(lx, value->place, key->name, " takes a string: put it in quotes");
    if (strlen(value->text) >= key->max)
        return fail_at(lx, value->place, key->name, ": the string is too long");
    strcpy((char *)config + key->offset, value->text);
    return 0;
}

static int set_number(struct tn_config *config, const struct key *key, const struct value *value,
                      struct lexer *lx)
{
    char range[80], *end;
    unsigned long number;

    if (value->kind == V_LIST || !isdigit((unsigned char)value->text[0]))
        return fail_at(lx, value->place, key->name, " takes a number");
    number = strtoul(value->text, &end, 0);
    if (*end)
        return fail_at(lx, value->place, "not a number: ", value->text);
    if (number < key->min || number > key->max) {
        snprintf(range, sizeof(range), " must be between %lu and %lu, and is %.24s", key->min, key->max,
                 value->text);
        return fail_at(lx, value->place, key->name, range);
    }
    *(uint32_t *)((char *)config + key->offset) = number;
    return 0;
}

static int set_offset(struct tn_config *config, const struct key *key, const struct value *value,
                      struct lexer *lx)
{
    char *end;
    long seconds = value->kind == V_LIST ? 0 : strtol(value->text, &end, 0);

    if (value->kind == V_LIST || !value->text[0] || *end)
        return fail_at(lx, value->place, key->name, " takes a number of seconds (a negative one in quotes)");
    if (seconds < -(long)TN_MAX_TIME_OFFSET || seconds > (long)TN_MAX_TIME_OFFSET)
        return fail_at(lx, value->place, key->name, " is more than a year");
    config->rtc_timeoffset = seconds;
    return 0;
}

static int set_uuid(struct tn_config *config, const struct key *key, const struct value *value,
                    struct lexer *lx)
{
    struct tn_error err = { "" };

    if (value->kind == V_LIST || tn_parse_uuid(config->uuid, value->text, &err) < 0)
        return fail_at(lx, value->place, key->name, " must have the form"
                       " \"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx\", hexadecimal");
    return 0;
}

static int set_action(struct tn_config *config, const struct key *key, const struct value *value,
                      struct lexer *lx)
{
    static const struct {
        const char *word;
        enum tn_action action;
    } actions[] = {
        { "destroy", TN_DESTROY }, { "restart", TN_RESTART }, { "rename-restart", TN_RENAME_RESTART },
        { "preserve", TN_PRESERVE },
    };

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
        if (value->kind != V_LIST && strcmp(value->text, actions[i].word) == 0) {
            *(enum tn_action *)((char *)config + key->offset) = actions[i].action;
            return 0;
        }
    }
    return fail_at(lx, value->place, key->name,
                   " must be \"destroy\", \"restart\", \"rename-restart\" or \"preserve\"");
}

/* One list for all vCPUs, or a list with an entry a vCPU; returns how many entries, or -1. */
static int read_cpu_sets(struct tn_cpu_set *sets, const struct value *value, struct lexer *lx)
{
    struct tn_error err = { "" };
    unsigned count = value->kind == V_LIST ? value->nr_items : 1;

    for (unsigned i = 0; i < count; i++) {
        const char *text = value->kind == V_LIST ? value->item[i] : value->text;

        if (tn_parse_cpus(&sets[i], text, &err) < 0)
            return fail_at(lx, value->place, err.text, "");
    }
    return count;
}

static int set_cpus(struct tn_config *config, const struct key *key, const struct value *value,
                    struct lexer *lx)
{
    int count = read_cpu_sets(config->cpus, value, lx);

    (void)key;
    config->nr_cpu_sets = count < 0 ? 0 : count;
    return count < 0 ? -1 : 0;
}

static int set_cpus_soft(struct tn_config *config, const struct key *key, const struct value *value,
                         struct lexer *lx)
{
    int count = read_cpu_sets(config->cpus_soft, value, lx);

    (void)key;
    config->nr_soft_sets = count < 0 ? 0 : count;
    return count < 0 ? -1 : 0;
}

static int set_type(struct tn_config *config, const struct key *key, const struct value *value,
                    struct lexer *lx)
{
    (void)config;
    if (value->kind == V_LIST || strcmp(value->text, "pv") != 0)
        return fail_at(lx, value->place, key->name, " must be \"pv\": only paravirtualized guests run here");
    return 0;
}

#define FIELD(name) offsetof(struct tn_config, name)
#define ROOM(name)  sizeof(((struct tn_config *)0)->name)

static const struct key keys[] = {
    { "name",        set_string, FIELD(name), 0, ROOM(name) },
    { "type",        set_type, 0, 0, 0 },
    { "kernel",      set_string, FIELD(kernel), 0, ROOM(kernel) },
    { "ramdisk",     set_string, FIELD(ramdisk), 0, ROOM(ramdisk) },
    { "cmdline",     set_string, FIELD(cmdline), 0, ROOM(cmdline) },
    { "root",        set_string, FIELD(root), 0, ROOM(root) },
    { "extra",       set_string, FIELD(extra), 0, ROOM(extra) },
    { "uuid",        set_uuid, 0, 0, 0 },
    { "memory",      set_number, FIELD(memory_mb), TN_MIN_MEMORY_MB, TN_MAX_MEMORY_MB },
    { "maxmem",      set_number, FIELD(maxmem_mb), TN_MIN_MEMORY_MB, TN_MAX_MEMORY_MB },
    { "vcpus",       set_number, FIELD(vcpus), 1, TN_MAX_VCPUS },
    { "maxvcpus",    set_number, FIELD(maxvcpus), 1, TN_MAX_VCPUS },
    { "cpus",        set_cpus, 0, 0, 0 },
    { "cpus_soft",   set_cpus_soft, 0, 0, 0 },
    { "cpu_weight",  set_number, FIELD(cpu_weight), 1, TN_MAX_WEIGHT },
    { "cap",         set_number, FIELD(cap), 0, TN_MAX_CAP },
    { "on_poweroff", set_action, FIELD(on_poweroff), 0, 0 },
    { "on_reboot",   set_action, FIELD(on_reboot), 0, 0 },
    { "on_crash",    set_action, FIELD(on_crash), 0, 0 },
    { "on_watchdog", set_action, FIELD(on_watchdog), 0, 0 },
    { "rtc_timeoffset", set_offset, 0, 0, 0 },
    { "localtime",   set_number, FIELD(localtime), 0, 1 },
};

static const struct key *find_key(struct lexer *lx, const char *word, struct place place)
{
    struct suggestion near = { 0 };
    char hint[ITEM_MAX + 60];

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i].name, word) == 0)
            return &keys[i];
        suggest_offer(&near, word, keys[i].name);
    }
    if (near.word)
        snprintf(hint, sizeof(hint), "%s (did you mean %s?)", word, near.word);
    else
        snprintf(hint, sizeof(hint), "%s (remove it)", word);
    fail_at(lx, place, "unknown key ", hint);
    return NULL;
}

/* -- Parser ---------------------------------------------------------------------------------------------- */

static int parse_list(struct lexer *lx, struct value *value)
{
    enum token token;

    value->kind = V_LIST;
    value->nr_items = 0;
    for (;;) {
        while ((token = next_token(lx)) == T_NEWLINE)
            ;
        if (token == T_CLOSE)
            return 0;
        if (token == T_BAD)
            return fail_at(lx, lx->token_place, lx->complaint, "");
        if (token != T_STRING && token != T_NUMBER)
            return fail_at(lx, lx->token_place, "expected a string, a number or ] in this list", "");
        if (value->nr_items == LIST_MAX || strlen(lx->text) >= ITEM_MAX)
            return fail_at(lx, lx->token_place, "this list is too long", "");
        strcpy(value->item[value->nr_items++], lx->text);
        while ((token = next_token(lx)) == T_NEWLINE)
            ;
        if (token == T_CLOSE)
            return 0;
        if (token != T_COMMA)
            return fail_at(lx, lx->token_place, "expected , or ] in this list", "");
    }
}

static int parse_value(struct lexer *lx, struct value *value)
{
    enum token token = next_token(lx);

    value->place = lx->token_place;
    if (token == T_OPEN)
        return parse_list(lx, value);
    if (token == T_BAD)
        return fail_at(lx, lx->token_place, lx->complaint, "");
    if (token == T_WORD)
        return fail_at(lx, lx->token_place, "a string needs quotes: ", lx->text);
    if (token != T_STRING && token != T_NUMBER)
        return fail_at(lx, lx->token_place, "expected a value: a string in quotes, a number or a list", "");
    value->kind = token == T_STRING ? V_STRING : V_NUMBER;
    strcpy(value->text, lx->text);
    return 0;
}

/* key = value, up to the end of the line. */
static int parse_assignment(struct lexer *lx, struct tn_config *config, struct value *value)
{
    const struct key *key = find_key(lx, lx->text, lx->token_place);
    enum token token;

    if (!key)
        return -1;
    if (next_token(lx) != T_EQUALS)
        return fail_at(lx, lx->token_place, "expected = after ", key->name);
    if (parse_value(lx, value) < 0 || key->set(config, key, value, lx) < 0)
        return -1;
    token = next_token(lx);
    if (token != T_NEWLINE && token != T_END)
        return fail_at(lx, lx->token_place, "expected the end of the line after the value of ", key->name);
    return 0;
}

void config_init(struct tn_config *config)
{
    memset(config, 0, sizeof(*config));
    config->vcpus = 1;
    config->on_poweroff = TN_DESTROY;
    config->on_reboot = TN_RESTART;
    config->on_crash = TN_DESTROY;
    config->on_watchdog = TN_DESTROY;
}

int config_parse(struct tn_config *config, const char *text, size_t length, const char *file,
                 struct tn_error *err)
{
    struct lexer *lx = calloc(1, sizeof(*lx));
    struct value *value = calloc(1, sizeof(*value));
    int status = lx && value ? 0 : tn_fail(err, "%s: no memory left to read it", file);

    if (status == 0)
        *lx = (struct lexer){ .at = text, .end = text + length, .file = file, .here = { 1, 1 }, .err = err };
    while (status == 0) {
        enum token token = next_token(lx);

        if (token == T_END)
            break;
        if (token == T_WORD)
            status = parse_assignment(lx, config, value);
        else if (token == T_BAD)
            status = fail_at(lx, lx->token_place, lx->complaint, "");
        else if (token != T_NEWLINE)
            status = fail_at(lx, lx->token_place, "expected a line of the form key = value", "");
    }
    free(value);
    free(lx);
    return status;
}

int config_assign(struct tn_config *config, const char *argument, struct tn_error *err)
{
    const char *equals = strchr(argument, '=');
    struct lexer *lx;
    struct value *value;
    const struct key *key;
    int status = -1;

    if (!equals)
        return tn_fail(err, "argument %s: expected key=value", argument);
    /* A quoted string or a list has the file's syntax. */
    if (strchr("'\"[", equals[1]) && equals[1])
        return config_parse(config, argument, strlen(argument), "argument", err);
    lx = calloc(1, sizeof(*lx));
    value = calloc(1, sizeof(*value));
    if (lx && value && equals - argument < ITEM_MAX && strlen(equals + 1) < TEXT_MAX) {
        *lx = (struct lexer){ .file = "argument", .err = err };
        memcpy(lx->text, argument, equals - argument);
        value->kind = V_BARE;
        value->place = (struct place){ 1, equals - argument + 2 };
        strcpy(value->text, equals + 1);
        key = find_key(lx, lx->text, (struct place){ 1, 1 });
        if (key)
            status = key->set(config, key, value, lx);
    } else {
        tn_fail(err, "argument %.40s...: too long", argument);
    }
    free(value);
    free(lx);
    return status;
}

/* root= and extra= make a command line together where there is none, as xl has it. */
static int join_cmdline(struct tn_config *config, const char *file, struct tn_error *err)
{
    int length;

    if (config->cmdline[0])
        return 0;
    length = snprintf(config->cmdline, sizeof(config->cmdline), "%s%s%s%s", config->root[0] ? "root=" : "",
                      config->root, config->root[0] && config->extra[0] ? " " : "", config->extra);
    if (length < (int)sizeof(config->cmdline))
        return 0;
    return tn_fail(err, "%s: domain %s: root= and extra= together are longer than %zu characters: shorten"
                        " them", file, config->name, sizeof(config->cmdline) - 1);
}

int config_finish(struct tn_config *config, const char *file, struct tn_error *err)
{
    if (tn_check_name(config->name, err) < 0)
        return tn_fail_prefix(err, "%s", file);
    if (!config->kernel[0])
        return tn_fail(err, "%s: domain %s has no kernel: give kernel = \"PATH\"", file, config->name);
    if (!config->memory_mb)
        return tn_fail(err, "%s: domain %s has no memory: give memory = MEGABYTES", file, config->name);
    if (!config->maxmem_mb)
        config->maxmem_mb = config->memory_mb;
    if (config->maxmem_mb < config->memory_mb)
        return tn_fail(err, "%s: domain %s: maxmem (%u) is less than memory (%u): raise maxmem or remove it",
                       file, config->name, config->maxmem_mb, config->memory_mb);
    if (!config->maxvcpus)
        config->maxvcpus = config->vcpus;
    if (config->maxvcpus < config->vcpus)
        return tn_fail(err, "%s: domain %s: maxvcpus (%u) is less than vcpus (%u): raise maxvcpus or remove"
                            " it", file, config->name, config->maxvcpus, config->vcpus);
    return join_cmdline(config, file, err);
}
