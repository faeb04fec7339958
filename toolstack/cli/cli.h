/* SPDX-License-Identifier: MIT */
/*
 * `tenon`: the command line. Its words are rows of one table; each is a function from arguments to an exit
 * status.
 */
#ifndef TOOLSTACK_CLI_H
#define TOOLSTACK_CLI_H

#include "../lib/error.h"
#include "../lib/port.h"

enum {
    CLI_OK = 0,
    CLI_FAILED = 1,         /* one line on stderr says why */
    CLI_USAGE = 2,
};

struct cli_word {
    const char *name;
    const char *args;
    const char *help;       /* one line */
    int (*run)(int argc, char **argv);      /* argv[0] is the word */
};

/* Run `tenon` with these arguments; argv[0] is the program's name. Returns the exit status. */
int cli_main(int argc, char **argv);

/* Row n of the table, or NULL behind the last one. */
const struct cli_word *cli_word_at(unsigned n);

/* The rows' functions. */
int cli_help(int argc, char **argv);
int cli_info(int argc, char **argv);
int cli_dmesg(int argc, char **argv);
int cli_create(int argc, char **argv);
int cli_list(int argc, char **argv);
int cli_console(int argc, char **argv);
int cli_pause(int argc, char **argv);
int cli_unpause(int argc, char **argv);
int cli_destroy(int argc, char **argv);
int cli_shutdown(int argc, char **argv);
int cli_reboot(int argc, char **argv);
int cli_sysrq(int argc, char **argv);
int cli_mem_set(int argc, char **argv);
int cli_mem_max(int argc, char **argv);
int cli_vcpu_set(int argc, char **argv);
int cli_xenstore(int argc, char **argv);
int cli_rename(int argc, char **argv);
int cli_domid(int argc, char **argv);
int cli_domname(int argc, char **argv);
int cli_uptime(int argc, char **argv);
int cli_vcpu_list(int argc, char **argv);
int cli_vcpu_pin(int argc, char **argv);
int cli_sched_credit(int argc, char **argv);
int cli_top(int argc, char **argv);
int cli_debug_keys(int argc, char **argv);

/* Print the failure line of a word and return CLI_FAILED. */
int cli_failed(const char *word, const struct tn_error *err);
/* Print how the word wants to be called and return CLI_USAGE. */
int cli_usage(const char *word);
/* A domain by the name or id that the user gave; prints the line when there is none. */
int cli_find(const char *word, const char *text, domid_t *domid);
/* The letters of xl's State column; the last is NUL. */
struct xen_domctl_getdomaininfo;
void cli_state_letters(const struct xen_domctl_getdomaininfo *info, char letters[7]);
/* Let the user talk to a guest's console until Ctrl-] or its end (console_session.c). */
int cli_console_session(const char *word, const char *name);

#endif
