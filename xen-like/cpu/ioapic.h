/* SPDX-License-Identifier: MIT */
/* The I/O APICs' redirection entries, by GSI. (Intel 82093AA data sheet.) Any context. */
#pragma once

#include "lib/lib.h"

void ioapic_init(void);             /* maps and masks all */
bool ioapic_has(unsigned int gsi);
/* A register of the one whose registers are at this machine address; false: there is none. */
bool ioapic_read(u64 address, unsigned int reg, u32 *value);
/* Routes gsi to vector on the CPU with that local APIC; the line stays masked. */
void ioapic_route(unsigned int gsi, u8 vector, u32 apic_id, bool level, bool active_low);
/* Makes gsi, an edge line, an NMI for all CPUs, and unmasks it. */
void ioapic_route_nmi(unsigned int gsi);
void ioapic_mask(unsigned int gsi, bool masked);
