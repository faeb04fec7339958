/* SPDX-License-Identifier: MIT */
/* The local APIC, as xAPIC (registers in memory) or x2APIC (registers as MSRs). SDM vol. 3A, chapter 11. */
#pragma once

#include "lib/lib.h"

#define APIC_ID             0x020
#define APIC_TPR            0x080
#define APIC_EOI            0x0b0
#define APIC_SVR            0x0f0
#define APIC_ESR            0x280
#define APIC_ICR            0x300
#define APIC_LVT_TIMER      0x320
#define APIC_LVT_LINT0      0x350
#define APIC_LVT_LINT1      0x360
#define APIC_LVT_ERROR      0x370
#define APIC_TIMER_INITIAL  0x380
#define APIC_TIMER_CURRENT  0x390
#define APIC_TIMER_DIVIDE   0x3e0

#define APIC_LVT_MASKED     0x10000
#define APIC_LVT_NMI        0x400
#define APIC_LVT_DEADLINE   0x40000
#define APIC_DIVIDE_BY_1    0xb

#define APIC_ICR_NMI        0x4400  /* with "assert", as all three want it */
#define APIC_ICR_INIT       0x4500
#define APIC_ICR_STARTUP    0x4600

void apic_init(void);           /* boot CPU, after mm_init(): mode and mapping */
void apic_init_cpu(void);       /* each CPU */
u32 apic_read(unsigned int reg);
void apic_write(unsigned int reg, u32 value);
static inline void apic_eoi(void) { apic_write(APIC_EOI, 0); }
u32 apic_id(void);              /* of this CPU */
/* command: delivery mode, level and vector. Any context. */
void apic_send(u32 id, u32 command);
bool apic_is_up(void);
