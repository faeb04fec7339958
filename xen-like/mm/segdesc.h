/* SPDX-License-Identifier: MIT */
/*
 * Which descriptors a guest may have in its GDT and LDT. Pure: used for single updates and when a frame gets
 * the type SEGDESC.
 */
#pragma once

#include "lib/lib.h"

#define DESC_TYPE(d)   ((unsigned int)((d) >> 40) & 0xf)
#define DESC_S         (1UL << 44)
#define DESC_DPL       (3UL << 45)
#define DESC_P         (1UL << 47)
#define DESC_ACCESSED  (1UL << 40)

/*
 * True if *desc is harmless: not present, or a code or data segment, whose privilege level is then made 3.
 * System segments and gates of any kind are refused; in long mode base and limit of code and data need no
 * check.
 */
static inline bool segdesc_check(u64 *desc)
{
    if (!(*desc & DESC_P))
        return true;
    if (!(*desc & DESC_S))
        return DESC_TYPE(*desc) == 0;
    *desc |= DESC_DPL;
    return true;
}
