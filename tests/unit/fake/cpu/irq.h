/* SPDX-License-Identifier: MIT */
/* Host tests: there are no interrupts. */
#ifndef CPU_IRQ_H
#define CPU_IRQ_H

#include "lib/types.h"

static inline bool irqs_enabled(void) { return true; }
static inline void irq_disable(void) { }
static inline void irq_enable(void) { }

#endif
