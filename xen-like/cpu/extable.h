/* SPDX-License-Identifier: MIT */
/*
 * Instructions of the hypervisor that may fault on purpose: on what a guest supplied (addresses, selectors,
 * MSR values). Each has a row in .ex_table with the address to go on at; the hypervisor's own exception
 * handler looks it up, and panics where there is none.
 */
#pragma once

#include "lib/lib.h"

struct extable_entry {
    s32 at, fixup;      /* each relative to its own address */
};

/* For use inside asm templates and in .S files (with the operands' addresses as labels). */
#define EXTABLE(at, fixup)                      \
    ".pushsection .ex_table, \"a\"\n\t"         \
    ".balign 4\n\t"                             \
    ".long " #at " - ., " #fixup " - .\n\t"     \
    ".popsection\n\t"
