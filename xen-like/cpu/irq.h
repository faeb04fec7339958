/* SPDX-License-Identifier: MIT */
/*
 * Device interrupts: the I/O APICs' lines, as global system interrupts (GSI). The hypervisor handles the
 * serial port's itself; the others can be bound to an event channel of the hardware domain.
 */
#pragma once

#include "lib/lib.h"

/* Vectors. Exceptions 0–31; guests may own none of the rest. Higher vectors have priority in the APIC. */
#define VECTOR_FIRST_DYNAMIC 0x30
#define VECTOR_LAST_DYNAMIC  0xdf
#define VECTOR_CALL          0xfb
#define VECTOR_KICK          0xfc
#define VECTOR_APIC_TIMER    0xfd
#define VECTOR_APIC_ERROR    0xfe
#define VECTOR_SPURIOUS      0xff

#define MAX_GSI 256

/*
 * Gives a line its user and unmasks it: handler(gsi) is called on each interrupt, in interrupt context. A
 * guest's level line is then masked until irq_guest_eoi(). -ENODEV: no such line; -EBUSY: taken; -ENOSPC: no
 * vector left.
 */
enum irq_user { IRQ_OF_HYPERVISOR, IRQ_OF_GUEST };
int irq_bind(unsigned int gsi, enum irq_user user, void (*handler)(unsigned int gsi),
             bool level, bool active_low);
void irq_guest_unbind(unsigned int gsi);
bool irq_guest_eoi(unsigned int gsi);   /* false: it is not bound */

/* Whether the hypervisor itself uses a line. */
bool irq_is_own(unsigned int gsi);

/* A register of the I/O APIC whose registers are at this machine address; false: there is none. */
bool ioapic_read(u64 address, unsigned int reg, u32 *value);
/* Makes gsi, an edge line, an NMI for all CPUs, and unmasks it. */
void ioapic_route_nmi(unsigned int gsi);
/* Number of GSIs that the machine's I/O APICs have, at most MAX_GSI. */
unsigned int irq_gsi_count(void);

/* Silences the 8259s and sets up the I/O APICs, all lines masked. Boot, after mm_init(). */
void irq_init(void);

/* Debug key: the lines in use. */
void irq_dump(void);

/* All interrupts by vector, from the entry code, with interrupts disabled. */
void irq_dispatch(unsigned int vector);

static inline bool irqs_enabled(void)
{
    unsigned long f;

    __asm__ __volatile__("pushfq; pop %0" : "=r"(f));
    return f & 0x200;
}

/* Turns them off; returns the flags, of which bit 9 says whether they were on. */
static inline unsigned long irq_save(void)
{
    unsigned long f;

    __asm__ __volatile__("pushfq; pop %0; cli" : "=r"(f) : : "memory");
    return f;
}

static inline void irq_disable(void) { __asm__ __volatile__("cli" ::: "memory"); }
static inline void irq_enable(void) { __asm__ __volatile__("sti" ::: "memory"); }
