/* SPDX-License-Identifier: MIT */
/* Host tests: there are no interrupts, but a flag that says whether they are on. */
#ifndef CPU_IRQ_H
#define CPU_IRQ_H

#include "lib/types.h"

extern bool fake_irqs_off;

static inline bool irqs_enabled(void) { return !fake_irqs_off; }
static inline void irq_disable(void) { fake_irqs_off = true; }
static inline void irq_enable(void) { fake_irqs_off = false; }

static inline unsigned long irq_save(void)
{
    unsigned long flags = fake_irqs_off ? 0 : 0x200;

    fake_irqs_off = true;
    return flags;
}

#endif
