/* SPDX-License-Identifier: MIT */
/* <inttypes.h> for what is shared with the toolstack. */
#pragma once

#include <stdint.h>

#define PRIu32 "u"
#define PRIu64 "lu"
#define PRIx64 "lx"
