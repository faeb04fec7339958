/* SPDX-License-Identifier: MIT */
/*
 * TAP output and the verdict, which can only get worse.  The last line is "# end NAME pass|fail"; whoever
 * drives the test takes its absence for a failure.
 */
#include "guest.h"

static unsigned checks, failures;
static bool ended;

static void line(const char *status, const char *directive, const char *name, va_list args)
{
    char text[160];

    format_text(text, sizeof(text), name, args);
    print("%s %u - %s%s\n", status, ++checks, text, directive);
}

bool check(bool ok, const char *name, ...)
{
    va_list args;

    va_start(args, name);
    line(ok ? "ok" : "not ok", "", name, args);
    va_end(args);
    failures += !ok;
    return ok;
}

bool check_eq(long got, long want, const char *name, ...)
{
    va_list args;

    va_start(args, name);
    line(got == want ? "ok" : "not ok", "", name, args);
    va_end(args);
    if (got != want) {
        failures++;
        print("#   got %ld (0x%lx), want %ld (0x%lx)\n", got, got, want, want);
    }
    return got == want;
}

bool check_hw(bool ok, const char *name, ...)
{
    va_list args;

    va_start(args, name);
    if (under_tcg())
        line("ok", " # SKIP TCG cannot show it", name, args);
    else
        line(ok ? "ok" : "not ok", "", name, args);
    va_end(args);
    if (under_tcg())
        return true;
    failures += !ok;
    return ok;
}

void skip(const char *reason, const char *name, ...)
{
    char text[160];
    va_list args;

    va_start(args, name);
    format_text(text, sizeof(text), name, args);
    va_end(args);
    print("ok %u - %s # SKIP %s\n", ++checks, text, reason);
}

void note(const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    format_text(text, sizeof(text), format, args);
    va_end(args);
    print("# %s\n", text);
}

static void power_off(void) __attribute__((noreturn));
static void power_off(void)
{
    struct sched_shutdown arg = { .reason = SHUTDOWN_poweroff };

    for (;;)
        HC(sched_op, SCHEDOP_shutdown, &arg);
}

void bail_out(const char *format, ...)
{
    char text[200];
    va_list args;

    va_start(args, format);
    format_text(text, sizeof(text), format, args);
    va_end(args);
    print("Bail out! %s\n", text);
    failures++;
    report_end();
}

void report_end(void)
{
    if (!ended) {
        ended = true;
        print("1..%u\n# end %s %s\n", checks, test_name, failures || !checks ? "fail" : "pass");
    }
    power_off();
}
