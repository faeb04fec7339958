/* SPDX-License-Identifier: MIT */
/*
 * `tenon xenstore`: the tree looked at and changed by hand, with the words and options of the xenstore-*
 * tools.
 */
#include "cli.h"
#include "suggest.h"

#include "../lib/xenstore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BREAK  3            /* Ctrl-c */
#define POLL_NS    50000000ull
#define PERMS_MAX  64u
#define EVENTS_MAX 256u         /* of a watch that wait to be printed */

struct options {
    bool full, perms, prefix, recurse, upwards, tidy;
    unsigned long number;       /* -n, 0: none */
};

static int failed(const char *path, int rc)
{
    struct tn_error err = { "" };

    tn_fail(&err, "%.200s: %s", path, xenstore_error(rc));
    return cli_failed("xenstore", &err);
}

static int no_memory(void)
{
    return failed("no room for the answer", -ENOMEM);
}

/* As the tools print it: what is not plain text becomes \xHH, \n, \t or \\. */
static void print_value(const char *value, int length)
{
    static const char special[] = "\n\r\t\\", letters[] = "nrt\\";

    for (int i = 0; i < length; i++) {
        unsigned char c = value[i];
        const char *hit = c ? strchr(special, c) : NULL;

        if (hit)
            printf("\\%c", letters[hit - special]);
        else if (c >= ' ' && c < 0x7f)
            putchar(c);
        else
            printf("\\x%02x", c);
    }
}

/* "   (n0,r1)" */
static void print_perms(const char *path)
{
    struct store_perm perms[PERMS_MAX];
    int count = store_get_perms(xenstore_conn(), 0, path, perms, PERMS_MAX);

    printf("   (");
    for (int i = 0; i < count && i < (int)PERMS_MAX; i++)
        printf("%s%c%u", i ? "," : "", perms[i].access, perms[i].domid);
    putchar(')');
}

/* -- Walking the tree below a path ----------------------------------------------------------------------- */

/* A directory on the way down: its children's names, and the one that comes next. */
struct level {
    char *names;
    unsigned count, next;
    size_t at;                  /* of that one, in names */
    size_t length;              /* of the directory's path */
};

struct walk {
    char path[XENSTORE_ABS_PATH_MAX + 1];
    struct level *levels;
    unsigned depth, room;       /* of levels: in use, and allocated */
};

static struct walk *walk_begin(const char *path)
{
    struct walk *w = calloc(1, sizeof(*w));

    if (w)
        snprintf(w->path, sizeof(w->path), "%s", path);
    return w;
}

static void leave(struct walk *w)
{
    free(w->levels[--w->depth].names);
}

static void walk_end(struct walk *w)
{
    while (w && w->depth)
        leave(w);
    if (w)
        free(w->levels);
    free(w);
}

/* Go into the directory at w->path. 0 or a negative error. */
static int enter(struct walk *w)
{
    char *names;
    int count = store_list(xenstore_conn(), 0, w->path, &names);

    if (count < 0)
        return count;
    if (w->depth == w->room) {
        unsigned room = w->room ? 2 * w->room : 16;
        struct level *levels = realloc(w->levels, room * sizeof(*levels));

        if (!levels) {
            free(names);
            return -ENOMEM;
        }
        w->levels = levels;
        w->room = room;
    }
    w->levels[w->depth++] = (struct level){ .names = names, .count = count, .length = strlen(w->path) };
    return 0;
}

/*
 * Go on to the next node, parents before children: its path is then in w->path, its last part in *name.
 * Returns 1, 0 behind the last one, or a negative error. Nodes that go meanwhile are passed over.
 */
static int walk_next(struct walk *w, const char **name)
{
    int rc = enter(w);

    if (rc < 0 && (rc != -ENOENT || !w->depth))
        return rc;
    port_yield();
    while (w->depth) {
        struct level *l = &w->levels[w->depth - 1];

        if (l->next++ == l->count) {
            leave(w);
            continue;
        }
        *name = l->names + l->at;
        l->at += strlen(*name) + 1;
        if (l->length + 1 + strlen(*name) >= sizeof(w->path))
            continue;
        sprintf(w->path + l->length, "%s%s", l->length == 1 ? "" : "/", *name);
        return 1;
    }
    return 0;
}

static void show_node(const struct walk *w, const char *name, const struct options *options)
{
    static char value[XENSTORE_PAYLOAD_MAX + 1];
    int length = store_read(xenstore_conn(), 0, w->path, value, sizeof(value));

    if (options->full)
        printf("%s", w->path);
    else
        printf("%*s%s", (int)w->depth - 1, "", name);
    printf(" = \"");
    print_value(value, length);
    putchar('"');
    if (options->perms)
        print_perms(w->path);
    putchar('\n');
}

static int do_ls(const struct options *options, int argc, char **argv)
{
    const char *path = argc ? argv[0] : "/", *name;
    struct walk *w = walk_begin(path);
    int rc = -ENOMEM;

    while (w && (rc = walk_next(w, &name)) > 0)
        show_node(w, name, options);
    walk_end(w);
    return rc < 0 ? failed(path, rc) : CLI_OK;
}

static int do_list(const struct options *options, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        size_t length = strlen(argv[i]);
        char *names, *name;
        int count = store_list(xenstore_conn(), 0, argv[i], &names);

        if (count < 0)
            return failed(argv[i], count);
        name = names;
        for (int n = 0; n < count; n++, name += strlen(name) + 1)
            printf("%s%s%s\n", options->prefix ? argv[i] : "",
                   options->prefix && length && argv[i][length - 1] != '/' ? "/" : "", name);
        free(names);
    }
    return CLI_OK;
}

/* -- One node -------------------------------------------------------------------------------------------- */

static int do_read(const struct options *options, int argc, char **argv)
{
    char *value = malloc(XENSTORE_PAYLOAD_MAX + 1);
    int status = value ? CLI_OK : no_memory();

    for (int i = 0; status == CLI_OK && i < argc; i++) {
        int length = store_read(xenstore_conn(), 0, argv[i], value, XENSTORE_PAYLOAD_MAX + 1);

        if (length < 0) {
            status = failed(argv[i], length);
            break;
        }
        if (options->prefix)
            printf("%s: ", argv[i]);
        print_value(value, length);
        putchar('\n');
    }
    free(value);
    return status;
}

static int do_write(const struct options *options, int argc, char **argv)
{
    if (argc % 2)
        return CLI_USAGE;
    for (int i = 0; i < argc; i += 2) {
        int rc = store_write(xenstore_conn(), 0, argv[i], argv[i + 1], strlen(argv[i + 1]));

        if (rc < 0)
            return failed(argv[i], rc);
    }
    return CLI_OK;
}

static int do_exists(const struct options *options, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        struct store_perm perm;

        if (store_get_perms(xenstore_conn(), 0, argv[i], &perm, 1) < 0)
            return CLI_FAILED;
    }
    return CLI_OK;
}

/* Remove directories that are empty and have no value, from `path` upwards. */
static void tidy(char *path)
{
    char value[2], *names, *slash;

    while ((slash = strrchr(path, '/')) && slash != path) {
        int count;

        *slash = '\0';
        count = store_list(xenstore_conn(), 0, path, &names);
        if (count < 0)
            return;
        free(names);
        if (count || store_read(xenstore_conn(), 0, path, value, sizeof(value)) != 0 ||
            store_rm(xenstore_conn(), 0, path) < 0)
            return;
    }
}

static int do_rm(const struct options *options, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        struct store_perm perm;
        int rc = store_get_perms(xenstore_conn(), 0, argv[i], &perm, 1);

        if (rc >= 0)
            rc = store_rm(xenstore_conn(), 0, argv[i]);
        if (rc < 0)
            return failed(argv[i], rc);
        if (options->tidy)
            tidy(argv[i]);
    }
    return CLI_OK;
}

/* -- Permissions ----------------------------------------------------------------------------------------- */

/* "r3" and the like. */
static bool parse_perm(const char *text, struct store_perm *perm)
{
    char *end;
    unsigned long id;

    if (!*text || !strchr("nrwb", *text) || text[1] < '0' || text[1] > '9')
        return false;
    id = strtoul(text + 1, &end, 10);
    *perm = (struct store_perm){ id, *text };
    return !*end && id < DOMID_FIRST_RESERVED;
}

static int chmod_below(const char *path, const struct store_perm *perms, unsigned count)
{
    struct walk *w = walk_begin(path);
    int rc = -ENOMEM;
    const char *name;

    while (w && (rc = walk_next(w, &name)) > 0) {
        rc = store_set_perms(xenstore_conn(), 0, w->path, perms, count);
        if (rc < 0 && rc != -ENOENT)
            break;
    }
    walk_end(w);
    return rc;
}

static int do_chmod(const struct options *options, int argc, char **argv)
{
    struct store_perm perms[PERMS_MAX];
    char *slash;
    int rc;

    if (argc < 2 || argc - 1 > (int)PERMS_MAX)
        return CLI_USAGE;
    for (int i = 1; i < argc; i++)
        if (!parse_perm(argv[i], &perms[i - 1]))
            return CLI_USAGE;
    rc = store_set_perms(xenstore_conn(), 0, argv[0], perms, argc - 1);
    if (rc >= 0 && options->recurse)
        rc = chmod_below(argv[0], perms, argc - 1);
    while (rc >= 0 && options->upwards && (slash = strrchr(argv[0], '/')) && slash != argv[0]) {
        *slash = '\0';
        rc = store_set_perms(xenstore_conn(), 0, argv[0], perms, argc - 1);
    }
    return rc < 0 ? failed(argv[0], rc) : CLI_OK;
}

/* -- watch ----------------------------------------------------------------------------------------------- */

struct watch_events {
    char *paths[EVENTS_MAX];
    unsigned count, lost;
};

/* On the daemon's thread. */
static void on_event(void *arg, const char *path, const char *token)
{
    struct watch_events *events = arg;
    char *copy = events->count < EVENTS_MAX ? strdup(path) : NULL;

    if (copy)
        events->paths[events->count++] = copy;
    else
        events->lost++;
}

/*
 * Print what came, `most` events at most unless that is 0; returns how many. Printing lets other threads run,
 * so the events are taken out first.
 */
static unsigned long print_events(struct watch_events *events, unsigned long most)
{
    struct watch_events now = *events;

    events->count = events->lost = 0;
    for (unsigned i = 0; i < now.count; i++) {
        if (!most || i < most)
            puts(now.paths[i]);
        free(now.paths[i]);
    }
    if (now.lost)
        printf("(%u more events)\n", now.lost);
    fflush(stdout);
    return now.count + now.lost;
}

static int do_watch(const struct options *options, int argc, char **argv)
{
    struct watch_events *events = calloc(1, sizeof(*events));
    struct store_conn *conn = events ? xenstore_open(on_event, events) : NULL;
    unsigned long seen = 0;
    int rc = 0, i;

    if (!conn) {
        free(events);
        return no_memory();
    }
    for (i = 0; rc >= 0 && i < argc; i++)
        rc = store_watch(conn, argv[i], argv[i], -1);
    while (rc >= 0 && (!options->number || seen < options->number)) {
        if (port_key(POLL_NS) == KEY_BREAK)
            break;
        seen += print_events(events, options->number ? options->number - seen : 0);
    }
    store_disconnect(conn);
    for (unsigned left = 0; left < events->count; left++)
        free(events->paths[left]);
    free(events);
    return rc < 0 ? failed(argv[i - 1], rc) : CLI_OK;
}

/* -- The words ------------------------------------------------------------------------------------------- */

static const struct {
    const char *name, *letters, *args;
    int least;
    int (*run)(const struct options *options, int argc, char **argv);
} actions[] = {
    { "ls", "fp", "[-f] [-p] [PATH]", 0, do_ls },
    { "list", "p", "[-p] PATH...", 1, do_list },
    { "read", "p", "[-p] PATH...", 1, do_read },
    { "write", "", "PATH VALUE [PATH VALUE...]", 2, do_write },
    { "exists", "", "PATH...", 1, do_exists },
    { "rm", "t", "[-t] PATH...", 1, do_rm },
    { "chmod", "ru", "[-r] [-u] PATH PERMISSION...", 2, do_chmod },
    { "watch", "n", "[-n COUNT] PATH...", 1, do_watch },
};

#define NR_ACTIONS (sizeof(actions) / sizeof(actions[0]))

/* Options up to the first argument that is none; returns its place, or -1. */
static int parse_options(struct options *o, const char *letters, int argc, char **argv)
{
    int i = 2;

    for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
        char letter = argv[i][1], *end;

        if (argv[i][2] || !strchr(letters, letter))
            return -1;
        o->full |= letter == 'f';
        o->perms |= letter == 'p';
        o->prefix |= letter == 'p';
        o->recurse |= letter == 'r';
        o->upwards |= letter == 'u';
        o->tidy |= letter == 't';
        if (letter != 'n')
            continue;
        if (++i == argc)
            return -1;
        o->number = strtoul(argv[i], &end, 10);
        if (*end || !o->number)
            return -1;
    }
    return i;
}

static int action_usage(size_t n)
{
    fprintf(stderr, "usage: tenon xenstore %s %s\n", actions[n].name, actions[n].args);
    return CLI_USAGE;
}

int cli_xenstore(int argc, char **argv)
{
    struct options options = { 0 };
    struct suggestion near = { 0 };
    int first, status;

    if (argc < 2)
        return cli_usage(argv[0]);
    for (size_t n = 0; n < NR_ACTIONS; n++) {
        suggest_offer(&near, argv[1], actions[n].name);
        if (strcmp(argv[1], actions[n].name) != 0)
            continue;
        first = parse_options(&options, actions[n].letters, argc, argv);
        if (first < 0 || argc - first < actions[n].least)
            return action_usage(n);
        status = actions[n].run(&options, argc - first, argv + first);
        return status == CLI_USAGE ? action_usage(n) : status;
    }
    fprintf(stderr, "tenon xenstore: unknown word %s: %s%s\n", argv[1],
            near.word ? "did you mean " : "see tenon help ", near.word ? near.word : "xenstore");
    return CLI_USAGE;
}
