/* SPDX-License-Identifier: MIT */
/*
 * Domain-0's shell. Words are rows of a table; `tenon` is the toolstack's command line. Every word leaves an
 * exit status, which `echo $?` and `status` show, so that a program on the serial line can read it.
 */
#include "shell.h"
#include "lineedit.h"
#include "tokens.h"
#include "usage.h"

#include "../../../toolstack/cli/cli.h"
#include "../../../toolstack/cli/suggest.h"
#include "../../../toolstack/lib/domains.h"
#include "../../../toolstack/lib/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <xen/sched.h>

#define PROMPT "tenon# "
#define NAMES_MAX 64u
#define NOTICES_ROOM 4096u

struct word {
    const char *name;
    const char *args;
    const char *help;
    int (*run)(int argc, char **argv);
};

static struct line_editor editor;
static int last_status;

static int word_help(int argc, char **argv);

/* -- Words ----------------------------------------------------------------------------------------------- */

static int usage(const struct word *w)
{
    fprintf(stderr, "usage: %s %s\n", w->name, w->args);
    return CLI_USAGE;
}

static int word_echo(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        printf("%s%s", i > 1 ? " " : "", argv[i]);
    putchar('\n');
    return CLI_OK;
}

static int word_status(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("%d\n", last_status);
    return last_status;
}

static int word_cat(int argc, char **argv)
{
    int status = CLI_OK;

    for (int i = 1; i < argc; i++) {
        struct tn_error err = { "" };
        struct file file;

        if (file_read_all(&file, argv[i], "file", NULL, &err) < 0) {
            fprintf(stderr, "cat: %s\n", err.text);
            status = CLI_FAILED;
            continue;
        }
        fwrite(file.data, 1, file.size, stdout);
        free(file.data);
    }
    return status;
}

static void ls_row(const char *path, const char *name)
{
    char full[512];
    struct stat st;

    snprintf(full, sizeof(full), "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", name);
    if (stat(full, &st) == 0)
        printf("%10ld  %s%s\n", (long)st.st_size, name, S_ISDIR(st.st_mode) ? "/" : "");
    else
        printf("%10s  %s\n", "?", name);
}

static int ls_one(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    struct stat st;

    if (!dir) {
        if (errno == ENOTDIR && stat(path, &st) == 0) {
            printf("%10ld  %s\n", (long)st.st_size, path);
            return CLI_OK;
        }
        fprintf(stderr, "ls: %s: %s: check the path\n", path, strerror(errno));
        return CLI_FAILED;
    }
    while ((entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ls_row(path, entry->d_name);
    closedir(dir);
    return CLI_OK;
}

static int word_ls(int argc, char **argv)
{
    int status = CLI_OK;

    if (argc == 1)
        return ls_one("/");
    for (int i = 1; i < argc; i++)
        if (ls_one(argv[i]) != CLI_OK)
            status = CLI_FAILED;
    return status;
}

static int end_machine(const char *word, unsigned reason)
{
    fflush(stdout);
    ctl_shutdown_self(reason);
    fprintf(stderr, "%s: the hypervisor did not end the machine\n", word);
    return CLI_FAILED;
}

static int word_poweroff(int argc, char **argv)
{
    (void)argc;
    return end_machine(argv[0], SHUTDOWN_poweroff);
}

static int word_reboot(int argc, char **argv)
{
    (void)argc;
    return end_machine(argv[0], SHUTDOWN_reboot);
}

static const struct word words[] = {
    { "tenon", "WORD [ARGUMENTS]", "manage domains: see tenon help", cli_main },
    { "help", "", "list the words of this shell", word_help },
    { "ls", "[PATH...]", "list files of the RAM disk", word_ls },
    { "cat", "FILE...", "print files", word_cat },
    { "echo", "[TEXT...]", "print text; $? is the last exit status", word_echo },
    { "status", "", "print the last exit status", word_status },
    { "usage", "", "show what Domain-0 itself has in use", word_usage },
    { "poweroff", "", "end all guests and switch the machine off", word_poweroff },
    { "exit", "", "the same as poweroff", word_poweroff },
    { "reboot", "", "end all guests and restart the machine", word_reboot },
};

#define NR_WORDS (sizeof(words) / sizeof(words[0]))

static int word_help(int argc, char **argv)
{
    (void)argv;
    if (argc > 1)
        return usage(&words[1]);
    for (size_t i = 0; i < NR_WORDS; i++)
        printf("  %-8s %-18s %s\n", words[i].name, words[i].args, words[i].help);
    return CLI_OK;
}

/* -- Running --------------------------------------------------------------------------------------------- */

/* The nearest word of the shell or of `tenon`. */
static int unknown(const char *typed)
{
    struct suggestion near = { 0 }, tenon = { 0 };
    const struct cli_word *w;

    for (size_t i = 0; i < NR_WORDS; i++)
        suggest_offer(&near, typed, words[i].name);
    for (unsigned i = 0; (w = cli_word_at(i)); i++)
        suggest_offer(&tenon, typed, w->name);
    if (tenon.word && (!near.word || tenon.distance < near.distance))
        fprintf(stderr, "%s: unknown word: did you mean tenon %s?\n", typed, tenon.word);
    else if (near.word)
        fprintf(stderr, "%s: unknown word: did you mean %s?\n", typed, near.word);
    else
        fprintf(stderr, "%s: unknown word: see help\n", typed);
    return CLI_USAGE;
}

static int run_words(int argc, char **argv)
{
    for (size_t i = 0; i < NR_WORDS; i++)
        if (strcmp(words[i].name, argv[0]) == 0)
            return words[i].run(argc, argv);
    return unknown(argv[0]);
}

static void run_line(const char *line)
{
    static char text[LINE_ROOM + 256];
    char *argv[TOKENS_MAX + 1];
    const char *complaint;
    int argc = tokens_split(line, last_status, text, sizeof(text), argv, &complaint);

    if (argc < 0) {
        fprintf(stderr, "shell: %s\n", complaint);
        last_status = CLI_USAGE;
    } else if (argc > 0) {
        last_status = run_words(argc, argv);
    }
    fflush(stdout);
    fflush(stderr);
}

/* -- Completion ------------------------------------------------------------------------------------------ */

/* Files below the directory that the word names so far. */
static void offer_files(struct line_editor *ed, const char *word)
{
    const char *slash = strrchr(word, '/');
    char directory[LINE_ROOM], full[LINE_ROOM + 256];
    struct dirent *entry;
    struct stat st;
    DIR *dir;

    snprintf(directory, sizeof(directory), "%.*s", (int)(slash - word + 1), word);
    dir = opendir(directory);
    while (dir && (entry = readdir(dir))) {
        bool is_dir;

        snprintf(full, sizeof(full) - 1, "%s%s", directory, entry->d_name);
        is_dir = stat(full, &st) == 0 && S_ISDIR(st.st_mode);
        if (is_dir)
            strcat(full, "/");
        if (entry->d_name[0] != '.')
            edit_offer(ed, full);
    }
    if (dir)
        closedir(dir);
}

static void complete(struct line_editor *ed, const char *line, size_t cursor)
{
    const char *names[NAMES_MAX];
    const struct cli_word *w;
    size_t start = cursor, before;
    bool first, tenon, second;

    while (start > 0 && line[start - 1] != ' ')
        start--;
    before = strspn(line, " ");
    first = before >= start;
    tenon = strncmp(line + before, "tenon ", 6) == 0;
    second = tenon && strspn(line + before + 6, " ") + before + 6 >= start;
    if (line[start] == '/' && start < cursor)
        return offer_files(ed, ed->word);
    if (first)
        for (size_t i = 0; i < NR_WORDS; i++)
            edit_offer(ed, words[i].name);
    else if (second)
        for (unsigned i = 0; (w = cli_word_at(i)); i++)
            edit_offer(ed, w->name);
    else if (tenon)
        for (unsigned i = 0, count = domain_names(names, NAMES_MAX); i < count; i++)
            edit_offer(ed, names[i]);
}

/* -- The loop -------------------------------------------------------------------------------------------- */

static void write_terminal(const char *bytes, size_t count)
{
    port_print(bytes, count);
}

/*
 * Messages wait here until the next prompt is due, so that a person's line is not disturbed and a program on
 * the serial line sees exactly one prompt a command.
 */
static char notices[NOTICES_ROOM];
static size_t notices_used;
static unsigned notices_lost;

void shell_notice(const char *line)
{
    size_t length = strlen(line);

    if (notices_used + length + 1 > sizeof(notices)) {
        notices_lost++;
        return;
    }
    memcpy(notices + notices_used, line, length);
    notices[notices_used + length] = '\n';
    notices_used += length + 1;
}

static void print_notices(void)
{
    size_t end;

    for (size_t at = 0; at < notices_used; at = end + 1) {
        for (end = at; notices[end] != '\n'; end++)
            ;
        printf("tenon: %.*s\n", (int)(end - at), notices + at);
    }
    if (notices_lost)
        printf("tenon: %u more messages of this kind were dropped\n", notices_lost);
    notices_used = notices_lost = 0;
    fflush(stdout);
}

void shell_run(void)
{
    editor.prompt = PROMPT;
    editor.write = write_terminal;
    editor.complete = complete;
    for (;;) {
        enum edit_result result = EDIT_MORE;

        print_notices();
        edit_begin(&editor);
        while (result == EDIT_MORE) {
            int key = port_key(PORT_FOREVER);

            if (key >= 0)
                result = edit_key(&editor, key);
        }
        if (result == EDIT_LINE)
            run_line(editor.line);
        else if (result == EDIT_CANCEL)
            last_status = 130;
    }
}
