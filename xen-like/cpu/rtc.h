/* SPDX-License-Identifier: MIT */
/* The CMOS clock. */
#ifndef CPU_RTC_H
#define CPU_RTC_H

#include "lib/types.h"

/* Seconds since 1970 (UTC), as the clock tells it; 0 where there is none. Takes up to a second; boot only. */
u64 rtc_read(void);

#endif
