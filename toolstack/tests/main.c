/* SPDX-License-Identifier: MIT */
/*
 * Unit tests of the toolstack on the host: the toolstack's own files under sanitizers, with a fake hypervisor
 * below the port layer.
 */
#include "samples.h"
#include "tap.h"

/* The argument is the folder of samples. */
int main(int argc, char **argv)
{
    test_samples = argc > 1 ? argv[1] : ".";
    test_elf();
    test_layout();
    test_unpack();
    test_kernel();
    test_config();
    test_console();
    test_text();
    test_shell();
    test_domains();
    test_lifecycle();
    return tap_done();
}
