/* SPDX-License-Identifier: MIT */
/* The CMOS clock. */
#pragma once

#include "lib/lib.h"

/* Seconds since 1970 (UTC), as the clock tells it; 0 where there is none. Takes up to a second; boot only. */
u64 rtc_read(void);
