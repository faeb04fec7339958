/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the toolstack on the host: the toolstack's own files under sanitizers, with a fake hypervisor
 * below the port layer.
 */
#include "tap.h"

int main(void)
{
    test_elf();
    test_layout();
    test_inflate();
    test_config();
    test_console();
    test_text();
    test_shell();
    test_domains();
    test_lifecycle();
    return tap_done();
}
