/* SPDX-License-Identifier: MIT */
/*
 * What the firmware's tables say of the machine, as boot/ finds it, for the drivers of cpu/; and the two ways
 * to end it all, which boot/ supplies.
 */
#pragma once

#include "lib/lib.h"
#include "mm/layout.h"

#define MAX_IOAPICS 16

struct ioapic {
    u32 id;
    u64 address;            /* machine address of its registers */
    u32 gsi_base;
    volatile u32 *window;   /* cpu/irq.c's: the registers, [0]: index; [4]: data */
    unsigned int lines;     /* how many it has; 0: it is not used */
};

/* An ISA line: as a rule GSI of the same number, edge, active high. */
struct isa_line {
    u32 gsi;
    bool level, active_low;
};

struct machine {
    bool has_madt;
    unsigned int nr_cpus;               /* entries of apic_id that may run, the boot CPU's among them */
    unsigned int nr_cpus_ignored;       /* beyond MAX_CPUS */
    u32 apic_id[MAX_CPUS], acpi_id[MAX_CPUS];
    u64 lapic_address;                  /* 0: as MSR_APIC_BASE says */
    unsigned int nr_ioapics;
    struct ioapic ioapic[MAX_IOAPICS];
    struct isa_line isa[16];
    u16 pm_timer_port;                  /* 0: none */
    bool pm_timer_32bit;
    u8 rtc_century;                     /* CMOS register, 0: none */
    bool no_cmos_rtc;
};
extern struct machine machine;

/* Software-off by ACPI; returns where that is impossible. */
void machine_poweroff(void);
/* Resets by whatever means work. */
void machine_reset(void) __noreturn;

/*
 * The end as Domain-0 orders it (SHUTDOWN_* of <xen/sched.h>): poweroff, reset, or for anything else what
 * noreboot says. All other CPUs are stopped first.
 */
void machine_shutdown(unsigned int reason) __noreturn;

/* noreboot on the command line: after a panic, or a crash of Domain-0, the machine waits. */
extern bool opt_noreboot;
