/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables. Page 14 of each CPU's GDT holds our descriptors, at the selectors that the PV ABI fixes
 * for guests (xen/arch-x86/xen-x86_64.h) and around them:
 *
 *   0xe000  none                       0xe020 | 3  ring 3 code, 32 bits (FLAT_RING3_CS32)
 *   0xe008  ring 0 code, 64 bits       0xe028 | 3  ring 3 data          (FLAT_RING3_DS32, SS)
 *   0xe010  ring 0 data                0xe030 | 3  ring 3 code, 64 bits (FLAT_RING3_CS64)
 *   0xe018  ring 1 code, 32 bits       0xe040      TSS (16 bytes)
 *   0xe038  none                       0xe050      LDT (16 bytes)
 *
 * The order suits SYSCALL (0xe008: code, then stack) and SYSRET (0xe023: 32-bit code, stack, 64-bit code).
 * Pages 0 to 13 are the guest's frames. The limit of the table is the end of page 14.
 */
#pragma once

#define HV_CS               0xe008
#define HV_DS               0xe010
#define TSS_SELECTOR        0xe040
#define LDT_SELECTOR        0xe050
#define GDT_OWN_FIRST       0xe000
#define GDT_LIMIT           0xefff
#define SYSRET_BASE         0xe023

#define GDT_CODE64_RING0    0x00af9b000000ffff

#define L4_SLOT(va)         (((va) >> L4_SLOT_SHIFT) & 511)

#ifndef __ASSEMBLY__

#include "lib/lib.h"

/* Slots of the TSS's interrupt stack table, and the pages, less one, of a CPU's stack block that they use. */
enum { IST_MC = 1, IST_NMI, IST_DF, IST_DB, IST_COUNT = IST_DB };

struct cpu_tss {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3, iobmp;
} __packed;
_Static_assert(sizeof(struct cpu_tss) == 104, "the processor's TSS");

struct idt_gate {
    u16 offset0, selector;
    u8 ist, attributes;
    u16 offset1;
    u32 offset2, reserved;
};
_Static_assert(sizeof(struct idt_gate) == 16, "a gate has 16 bytes");

/* The bytes at lgdt's and lidt's operand. */
struct table_register {
    u16 limit;
    u64 base;
} __packed;

/* Addresses of the entry stubs by vector: pv/entry.S. */
extern const u64 entry_vectors[256];

/* Makes the IDT. Boot CPU, once, before desc_load_boot(). */
void idt_init(void);
/* Gives cpu its own page of the GDT and its TSS, for a stack that ends at stack_end. False: no memory. */
bool desc_prepare(unsigned int cpu, void *stack_end);
/* Loads GDT, TSS and IDT on this CPU: from where they are before there is a window, */
void desc_load_boot(void);
/* and, after mm_init_cpu_window(), from the CPU's window, in which it maps the GDT's page. */
void desc_load(void);
/* Loads the null LDT, or the window's LDT with ents entries. */
void desc_load_ldt(unsigned int ents);

/* Vectors 0 to 31 that stay where they are when the CPU stops for good. */
extern struct idt_gate idt[256];

#endif
