/* SPDX-License-Identifier: MIT */
/* Options for who builds Domain-0. */
#pragma once

#include "lib/lib.h"

struct memory_amount {
    bool set;
    bool all_but;           /* all that is available but bytes */
    u8 percent;             /* of what is available, in addition to bytes */
    u64 bytes;
};

/* dom0_mem=; without it mem is not set, and the limits leave it alone. */
extern struct dom0_memory { struct memory_amount mem, min, max; } dom0_memory;
/* dom0_max_vcpus=; min 0: not given */
extern struct dom0_vcpus { unsigned int min, max; } dom0_vcpus;

/* What an amount comes to on a machine with that many bytes available. */
u64 memory_amount_bytes(const struct memory_amount *a, u64 available);

extern char opt_scheduler[];                            /* sched=; "" where not given */
