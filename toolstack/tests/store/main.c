/* SPDX-License-Identifier: MIT */
/* The store's tests on the host, under sanitizers. */
#include "client.h"

int main(void)
{
    test_nodes();
    return tap_done();
}
