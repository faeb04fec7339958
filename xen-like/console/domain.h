/* SPDX-License-Identifier: MIT */
/* A domain's part of the hypervisor's console: the line that it is writing. */
#ifndef CONSOLE_DOMAIN_H
#define CONSOLE_DOMAIN_H

#include "lib/types.h"

struct domain_console {         /* under one lock for all, in console/input.c */
    u8 used;
    char line[127];
};

#endif
