/* SPDX-License-Identifier: MIT */
/* Host tests: the hypervisor's regions, at addresses that a process may have. fake/memory.c maps them. */
#ifndef FAKE_MM_LAYOUT_H
#define FAKE_MM_LAYOUT_H

#include "../../../../xen-like/mm/layout.h"

#undef FRAME_TABLE_START
#undef M2P_RW_START
#undef DIRECT_MAP_START
#define FRAME_TABLE_START   0x100080000000
#define M2P_RW_START        0x110000000000
#define DIRECT_MAP_START    0x200000000000

#endif
