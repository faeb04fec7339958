/* SPDX-License-Identifier: MIT */
/*
 * The table of words, and what all of them share.
 */
#include "cli.h"
#include "suggest.h"

#include "../lib/domains.h"

#include <stdio.h>
#include <string.h>

static const struct cli_word words[] = {
    { "help", "[WORD]", "list the words, or say how one is used", cli_help },
    { "info", "", "show the machine, its memory and the hypervisor", cli_info },
    { "list", "[-l|--json] [DOMAIN...]", "list domains", cli_list },
    { "create", "[-p] [-c] FILE [KEY=VALUE...]",
      "start a guest; -p leaves it paused, -c attaches its console", cli_create },
    { "console", "DOMAIN", "talk to a guest's console, or read that of one that ended; Ctrl-] leaves",
      cli_console },
    { "pause", "DOMAIN", "stop a guest's vCPUs", cli_pause },
    { "unpause", "DOMAIN", "let a paused guest run", cli_unpause },
    { "shutdown", "[-w] -a|DOMAIN", "ask a guest, or all, to shut down; -w waits until it has", cli_shutdown },
    { "reboot", "[-w] -a|DOMAIN", "ask a guest, or all, to reboot; -w waits until it has ended",
      cli_reboot },
    { "destroy", "DOMAIN", "end a guest at once", cli_destroy },
    { "sysrq", "DOMAIN KEY", "send a Linux guest a SysRq key; h makes it list them", cli_sysrq },
    { "rename", "DOMAIN NAME", "give a guest another name", cli_rename },
    { "domid", "NAME", "print the id of a domain", cli_domid },
    { "domname", "ID", "print the name of a domain", cli_domname },
    { "uptime", "[DOMAIN...]", "say how long domains have existed", cli_uptime },
    { "mem-set", "DOMAIN SIZE", "ask a guest to use so much memory: MiB, or with k, m, g", cli_mem_set },
    { "mem-max", "DOMAIN SIZE", "set the most memory that mem-set may give a guest", cli_mem_max },
    { "vcpu-set", "DOMAIN COUNT", "ask a guest to use so many of its vCPUs", cli_vcpu_set },
    { "vcpu-list", "[DOMAIN...]", "list vCPUs: where they are, and where they may run", cli_vcpu_list },
    { "vcpu-pin", "DOMAIN VCPU|all HARD|- [SOFT|-]", "say which CPUs a vCPU may use, and rather uses",
      cli_vcpu_pin },
    { "sched-credit", "[-d DOMAIN [-w WEIGHT] [-c CAP]] | -s [-t MS] [-r US]",
      "show or set shares of CPU time", cli_sched_credit },
    { "top", "[-b] [-d SECONDS] [-i TIMES]", "show what domains use, again and again; q leaves", cli_top },
    { "xenstore", "ls|list|read|write|exists|rm|chmod|watch [ARGUMENTS]",
      "look at the store, or change it", cli_xenstore },
    { "debug-keys", "KEYS", "as if KEYS were typed on the hypervisor's own console", cli_debug_keys },
    { "dmesg", "", "print the hypervisor's messages", cli_dmesg },
};

const struct cli_word *cli_word_at(unsigned n)
{
    return n < sizeof(words) / sizeof(words[0]) ? &words[n] : NULL;
}

static const struct cli_word *find_word(const char *name)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    return NULL;
}

int cli_failed(const char *word, const struct tn_error *err)
{
    fprintf(stderr, "tenon %s: %s\n", word, err->text);
    return CLI_FAILED;
}

int cli_usage(const char *word)
{
    const struct cli_word *w = find_word(word);

    fprintf(stderr, "usage: tenon %s %s\n", w->name, w->args);
    return CLI_USAGE;
}

int cli_find(const char *word, const char *text, domid_t *domid)
{
    struct tn_error err = { "" };

    return domain_find(text, domid, &err) == 0 ? CLI_OK : cli_failed(word, &err);
}

static int unknown_word(const char *typed)
{
    struct suggestion near = { 0 };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        suggest_offer(&near, typed, words[i].name);
    if (near.word)
        fprintf(stderr, "tenon: unknown word %s: did you mean tenon %s?\n", typed, near.word);
    else
        fprintf(stderr, "tenon: unknown word %s: see tenon help\n", typed);
    return CLI_USAGE;
}

int cli_help(int argc, char **argv)
{
    const struct cli_word *w;

    if (argc > 2)
        return cli_usage(argv[0]);
    if (argc == 2) {
        w = find_word(argv[1]);
        if (!w)
            return unknown_word(argv[1]);
        printf("tenon %s %s\n    %s\n", w->name, w->args, w->help);
        return CLI_OK;
    }
    printf("usage: tenon WORD [ARGUMENTS]\n");
    for (unsigned i = 0; (w = cli_word_at(i)); i++)
        printf("  %-12s %-30s %s\n", w->name, w->args, w->help);
    return CLI_OK;
}

int cli_main(int argc, char **argv)
{
    const struct cli_word *w;

    if (argc < 2) {
        fprintf(stderr, "usage: tenon WORD [ARGUMENTS]: see tenon help\n");
        return CLI_USAGE;
    }
    w = find_word(argv[1]);
    return w ? w->run(argc - 1, argv + 1) : unknown_word(argv[1]);
}
