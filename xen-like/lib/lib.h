/* SPDX-License-Identifier: MIT */
/* What nearly every file uses of this folder; the rest is included by name. */
#pragma once

#include "lib/atomic.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "lib/string.h"
