/* SPDX-License-Identifier: MIT */
/*
 * The store's tests on the host, under sanitizers.
 *     store-test                      all cases, and a short run against the model
 *     store-test <requests> [<seed>]  random requests against the model alone
 */
#include "client.h"

#include <stdlib.h>
#include <time.h>

#define SHORT_RUN 20000

int main(int argc, char **argv)
{
    unsigned long seed = argc > 2 ? strtoul(argv[2], NULL, 10) : (unsigned long)time(NULL);

    if (argc > 1) {
        test_model(seed, strtoul(argv[1], NULL, 10));
        return tap_done();
    }
    test_nodes();
    test_perms();
    test_transactions();
    test_watches();
    test_quotas();
    test_domains();
    test_rings();
    test_turns();
    test_large();
    test_memory();
    test_mirror(seed);
    test_model(seed, SHORT_RUN);
    return tap_done();
}
