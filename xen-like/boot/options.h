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

struct dom0_options {
    struct memory_amount mem, mem_min, mem_max;         /* dom0_mem= */
    unsigned int max_vcpus_min, max_vcpus_max;          /* dom0_max_vcpus=; min 0: not given */
};
extern struct dom0_options dom0_options;

/* What an amount comes to on a machine with that many bytes available. */
u64 memory_amount_bytes(const struct memory_amount *a, u64 available);

extern char opt_scheduler[];                            /* sched=; "" where not given */
