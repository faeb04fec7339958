/* SPDX-License-Identifier: MIT */
/*
 * JSON output and suggestions.
 */
#include "tap.h"

#include "../cli/json.h"
#include "../cli/suggest.h"

#include <stdlib.h>
#include <string.h>

static void json(void)
{
    char *text = NULL;
    size_t size;
    struct json j = { .out = open_memstream(&text, &size) };

    json_open(&j, NULL, '[');
    json_open(&j, NULL, '{');
    json_string(&j, "a", "q\"b\\s\nc\x01\xe4");
    json_number(&j, "n", 18446744073709551615u);
    json_milli(&j, "t", 12005);
    json_open(&j, "empty", '[');
    json_close(&j, ']');
    json_close(&j, '}');
    json_open(&j, NULL, '{');
    json_close(&j, '}');
    json_close(&j, ']');
    fclose(j.out);
    ok(strcmp(text, "[\n    {\n        \"a\": \"q\\\"b\\\\s\\nc\\u0001\\u00e4\",\n        \"n\":"
                    " 18446744073709551615,\n"
              "        \"t\": 12.005,\n        \"empty\": []\n    },\n    {}\n]\n") == 0,
              "JSON is valid and escaped");
    free(text);
}

static const char *nearest(const char *typed)
{
    static const char *const words[] = { "list", "create", "console", "pause", "unpause", "destroy",
                                         "domid" };
    struct suggestion best = { 0 };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        suggest_offer(&best, typed, words[i]);
    return best.word ? best.word : "";
}

void test_text(void)
{
    json();
    ok(strcmp(nearest("lsit"), "list") == 0 && strcmp(nearest("destory"), "destroy") == 0 &&
       strcmp(nearest("pase"), "pause") == 0 &&
       strcmp(nearest("cons"), "console") == 0, "slips are understood");
    ok(!*nearest("xyzzy") && !*nearest("") && !*nearest("q") &&
       !*nearest("averyveryverylongwordthatnobodyknows"), "nonsense is not");
}
