/* SPDX-License-Identifier: MIT */
/*
 * The configuration syntax: what is accepted and what it means, and where each mistake is reported.
 */
#include "tap.h"

#include "../cli/config_parse.h"

#include <stdlib.h>
#include <string.h>

static struct tn_config config;
static struct tn_error err;

static int parse(const char *text)
{
    size_t length = strlen(text);
    char *copy = malloc(length ? length : 1);   /* no NUL behind it */
    int status;

    memcpy(copy, text, length);
    tn_clear(&err);
    config_init(&config);
    status = config_parse(&config, copy, length, "f", &err);
    free(copy);
    return status;
}

#define LEAST "name='n'\nkernel='k'\nmemory=1"

static void good(void)
{
    char uuid[TN_UUID_TEXT];

    ok(parse("# comment\nname='a.b'  # more\nkernel = \"/k\" ; memory=64\nvcpus=2\ncpus = \"0-3,^2\"\n"
             "on_crash=\"preserve\"\nextra='x \"y\"'\nramdisk=\"/r\"") == 0, "a usual file is read %s",
             err.text);
    ok(strcmp(config.name, "a.b") == 0 && strcmp(config.kernel, "/k") == 0 && config.memory_mb == 64 &&
       config.vcpus == 2 && strcmp(config.extra, "x \"y\"") == 0 && strcmp(config.ramdisk, "/r") == 0,
       "its values are right");
    ok(config.on_crash == TN_PRESERVE && config.on_poweroff == TN_DESTROY && config.on_reboot == TN_RESTART,
       "actions and their defaults are right");
    ok(config.nr_cpu_sets == 1 && tn_cpu_in(&config.cpus[0], 1) && !tn_cpu_in(&config.cpus[0], 2) &&
       tn_cpu_in(&config.cpus[0], 3) && !tn_cpu_in(&config.cpus[0], 4), "CPU list is right");
    ok(config_finish(&config, "f", &err) == 0 && config.maxmem_mb == 64 && config.maxvcpus == 2,
       "limits follow from the values");
    ok(parse("cpus = [ \"1\", '2-3' ,\n 4, ]\nmemory = 0x10\nname = \\\n \"x\"\r\n") == 0 &&
       config.nr_cpu_sets == 3 && tn_cpu_in(&config.cpus[2], 4) && config.memory_mb == 16,
       "lists over lines, joined lines, hexadecimal %s", err.text);
    ok(parse("extra = \"a\"\ncmdline = \"b\"\n" LEAST) == 0 && config_finish(&config, "f", &err) == 0 &&
       strcmp(config.cmdline, "b") == 0 && parse("cmdline = \"b\"\nroot = \"a\"\n" LEAST) == 0 &&
       config_finish(&config, "f", &err) == 0 && strcmp(config.cmdline, "b") == 0,
       "cmdline wins over root and extra");
    ok(parse("extra = \"a b\"\nroot=\"/dev/x\"\n" LEAST) == 0 && config_finish(&config, "f", &err) == 0 &&
       strcmp(config.cmdline, "root=/dev/x a b") == 0, "root and extra make a command line together");
    ok(parse("uuid = \"01234567-89AB-cdef-0123-456789abcdef\"") == 0 && config.uuid[0] == 0x01 &&
       config.uuid[5] == 0xab && config.uuid[15] == 0xef, "a UUID");
    tn_format_uuid(config.uuid, uuid);
    ok(strcmp(uuid, "01234567-89ab-cdef-0123-456789abcdef") == 0, "and back: %s", uuid);
    ok(parse("rtc_timeoffset = \"-3600\"\nlocaltime=1") == 0 && config.rtc_timeoffset == -3600 &&
       config.localtime, "the guest's clock");
    ok(parse("on_watchdog='rename-restart'") == 0 && config.on_watchdog == TN_RENAME_RESTART,
       "rename-restart");
    ok(parse("name = \"a\\\"b\\\\\"") == 0 && strcmp(config.name, "a\"b\\") == 0, "escapes in strings");
    ok(parse("cpus_soft = [ \"1\", 2 ]\ncpu_weight = 512\ncap = 150") == 0 && config.nr_soft_sets == 2 &&
       tn_cpu_in(&config.cpus_soft[1], 2) && !config.nr_cpu_sets && config.cpu_weight == 512 && config.cap == 150,
       "soft affinity, weight and cap %s", err.text);
    ok(parse("type = \"pv\"") == 0 && parse("") == 0 && parse("\n\n# only\n") == 0, "type, and empty files");
}

static void cpu_lists(void)
{
    static const struct {
        const char *list;
        unsigned nr_cpus;
        const char *shown;
    } rows[] = {
        { "all", 4, "all" }, { "0-3", 4, "all" }, { "0-3", 5, "0-3" }, { "0-3,^2", 4, "0-1,3" },
        { "7", 4, "none" }, { "1,3,5", 8, "1,3,5" }, { "200-255", 256, "200-255" },
    };
    struct tn_cpu_set set;
    char text[16];

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tn_parse_cpus(&set, rows[i].list, &err);
        tn_format_cpus(&set, rows[i].nr_cpus, text, sizeof(text));
        ok(strcmp(text, rows[i].shown) == 0, "CPUs %s of %u are shown as %s", rows[i].list, rows[i].nr_cpus, text);
    }
    tn_parse_cpus(&set, "0,2,4,6,8,10,12,14,16", &err);
    tn_format_cpus(&set, 32, text, sizeof(text));
    ok(strlen(text) == sizeof(text) - 1, "a long list is cut to its room");
}

static const struct {
    const char *text, *line;
} bad[] = {
    { "nam = \"x\"", "f:1:1: unknown key nam (did you mean name?)" },
    { "\n  memry = 3", "f:2:3: unknown key memry (did you mean memory?)" },
    { "zzzzzzzz = 3", "f:1:1: unknown key zzzzzzzz (remove it)" },
    { "name = \"x", "f:1:8: string without its closing quote" },
    { "name = \"x\ny\"", "f:1:8: string without its closing quote" },
    { "name = x", "f:1:8: a string needs quotes: x" },
    { "name \"x\"", "f:1:6: expected = after name" },
    { "name =", "f:1:7: expected a value" },
    { "name = \n\"x\"", "f:1:8: expected a value" },
    { "name = \"x\" memory = 3", "f:1:12: expected the end of the line after the value of name" },
    { "name = 3", "f:1:8: name takes a string" },
    { "= 3", "f:1:1: expected a line of the form key = value" },
    { "\"name\" = 3", "f:1:1: expected a line of the form" },
    { "memory = \"much\"", "f:1:10: memory takes a number" },
    { "memory = 12MB", "f:1:10: not a number: 12MB" },
    { "memory = 0", "f:1:10: memory must be between 1 and" },
    { "memory = 99999999999999999999999999", "f:1:10: memory must be between" },
    { "vcpus = 65", "f:1:9: vcpus must be between 1 and 64" },
    { "memory = [ 1 ]", "f:1:10: memory takes a number" },
    { "cpu_weight = 0", "f:1:14: cpu_weight must be between 1 and 65535" },
    { "cap = 6401", "f:1:7: cap must be between 0 and 6400" },
    { "cpus_soft = \"x\"", "f:1:13: CPU list" },
    { "cpus = \"3-1\"", "f:1:8: CPU list \"3-1\" has a mistake" },
    { "cpus = \"\"", "f:1:8: CPU list" },
    { "cpus = \"1,^1\"", "names no CPU" },
    { "cpus = [ 1 2 ]", "f:1:12: expected , or ] in this list" },
    { "cpus = [ 1", "f:1:11: expected , or ] in this list" },
    { "cpus = [ =", "f:1:10: expected a string, a number or ]" },
    { "on_crash = \"explode\"", "f:1:12: on_crash must be" },
    { "type = \"hvm\"", "f:1:8: type must be \"pv\"" },
    { "kernel = \"/k\" @", "f:1:15: expected the end of the line" },
    { "uuid = \"0123\"", "f:1:8: uuid must have the form" },
    { "uuid = \"01234567-89ab-cdef-0123-456789abcdeg\"", "f:1:8: uuid must have the form" },
    { "uuid = \"01234567-89ab-cdef-0123-456789abcdef0\"", "f:1:8: uuid must have the form" },
    { "rtc_timeoffset = \"1h\"", "f:1:18: rtc_timeoffset takes a number of seconds" },
    { "rtc_timeoffset = 99999999", "f:1:18: rtc_timeoffset is more than a year" },
    { "localtime = 2", "f:1:13: localtime must be between 0 and 1" },
    { "@", "f:1:1: a character that means nothing here" },
};

static void finishing(void)
{
    parse("kernel='k'\nmemory=1");
    config_finish(&config, "f", &err);
    failed_with(err.text, "needs a name", "no name");
    parse("name='n'\nmemory=1");
    config_finish(&config, "f", &err);
    failed_with(err.text, "has no kernel", "no kernel");
    parse("name='n'\nkernel='k'");
    config_finish(&config, "f", &err);
    failed_with(err.text, "has no memory", "no memory");
    parse("name='12'\nkernel='k'\nmemory=1");
    config_finish(&config, "f", &err);
    failed_with(err.text, "digits alone", "a name of digits");
    parse("name='a b'\nkernel='k'\nmemory=1");
    config_finish(&config, "f", &err);
    failed_with(err.text, "letters, digits", "a name with a blank");
    parse("name='n'\nkernel='k'\nmemory=8\nmaxmem=4");
    config_finish(&config, "f", &err);
    failed_with(err.text, "maxmem (4)", "maxmem below memory");
    parse("name='n'\nkernel='k'\nmemory=8\nvcpus=4\nmaxvcpus=2");
    config_finish(&config, "f", &err);
    failed_with(err.text, "maxvcpus (2)", "maxvcpus below vcpus");
    parse(LEAST);
    memset(config.extra, 'e', sizeof(config.extra) - 1);
    strcpy(config.root, "r");
    config_finish(&config, "f", &err);
    failed_with(err.text, "root= and extra= together", "a command line that is too long");
}

static void arguments(void)
{
    tn_clear(&err);
    config_init(&config);
    ok(config_assign(&config, "memory=32", &err) == 0 && config.memory_mb == 32 &&
       config_assign(&config, "name=foo", &err) == 0 && strcmp(config.name, "foo") == 0 &&
       config_assign(&config, "name='bar'", &err) == 0 && strcmp(config.name, "bar") == 0 &&
       config_assign(&config, "cpus=[1,2]", &err) == 0 && config.nr_cpu_sets == 2 &&
       config_assign(&config, "extra=", &err) == 0, "key=value arguments %s", err.text);
    config_assign(&config, "memory", &err);
    failed_with(err.text, "expected key=value", "an argument without =");
    tn_clear(&err);
    config_assign(&config, "memroy=1", &err);
    failed_with(err.text, "did you mean memory?", "an argument with an unknown key");
}

/* Random text made of the language's own pieces: any verdict, no sanitizer report. */
static void random_text(void)
{
    static const char *const pieces[] = {
        "name", "memory", "cpus", "=", "=", "\"", "'", "[", "]", ",", "\n", "\\", "\\\n", "#", " ", "1", "0x",
        "all", "^", "-", "\"x\"", ";", "\xff", "on_crash", "\"destroy\"", "kernel",
    };
    unsigned accepted = 0;

    srand(3);
    for (int round = 0; round < 20000; round++) {
        char text[200] = "";

        for (int n = rand() % 20; n > 0; n--)
            strcat(text, pieces[rand() % (sizeof(pieces) / sizeof(pieces[0]))]);
        accepted += parse(text) == 0;
        if (accepted && err.text[0] && strchr(err.text, '\n'))
            break;
    }
    ok(accepted > 0, "random text is survived (%u of 20000 accepted)", accepted);
}

void test_config(void)
{
    good();
    cpu_lists();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        parse(bad[i].text);
        failed_with(err.text, bad[i].line, bad[i].line);
    }
    finishing();
    arguments();
    random_text();
}
