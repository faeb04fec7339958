/* SPDX-License-Identifier: MIT */
/* What the files of pv/ share among themselves, and what nearly each of them uses. */
#pragma once

#include "cpu/regs.h"
#include "domain/domain.h"
#include "mm/guest.h"
#include "mm/mm.h"
#include "pv/hypercall.h"

void pv_traps_init(void);
void physdev_init(void);

/* Between the guest's kernel and its user mode: kernel_mode, GS base, root. For current. */
void pv_toggle_mode(struct vcpu *v);

/* CR0.TS as the guest has it, put into the processor where v is current. */
void pv_set_ts(struct vcpu *v, bool ts);

/*
 * #GP of the guest's kernel or user: emulates what the ABI promises; true if dealt with (or the guest is
 * crashed).
 */
bool pv_emulate_privileged(struct vcpu *v, struct cpu_user_regs *regs);
/* #UD: the forced-emulation prefix. */
bool pv_emulate_forced(struct vcpu *v, struct cpu_user_regs *regs);
/* A write fault on a page table of its own. */
bool pv_emulate_pt_write(struct vcpu *v, struct cpu_user_regs *regs, unsigned long cr2);

u64 pv_guest_cr4(const struct vcpu *v);
void pv_set_guest_cr4(struct vcpu *v, u64 value);

/*
 * The guest's debug registers. -EPERM: a bit or address that is not for guests; -ENODEV: DR4, DR5 with
 * CR4.DE; -EINVAL.
 */
long pv_set_debugreg(struct vcpu *v, unsigned int reg, u64 value);
bool pv_get_debugreg(struct vcpu *v, unsigned int reg, u64 *value);
void pv_load_debug_registers(const struct vcpu *v);

/* Where the guest's kernel has its stack for traps from user mode. */
void pv_set_kernel_stack(struct vcpu *v, unsigned long ss, unsigned long sp);
#define SYSCALL_FRAME_SIZE 56   /* bytes that a system call pushes there (entry.S) */
/* d->pv.vm_assist was changed: brings up to date what its vCPUs keep of it. */
void pv_assists_changed(struct domain *d);

/* The failsafe callback: a selector of the vCPU's could not be loaded. */
void pv_failsafe(struct vcpu *v);

/* --- called by entry.S --- */
void pv_user_syscall(struct vcpu *v);
void pv_user_syscall32(struct vcpu *v);
void pv_user_sysenter(struct vcpu *v);
bool pv_deliver_event(struct vcpu *v);
void pv_deliver_nmi(struct vcpu *v);
extern void (*const guest_trap_table[TRAP_INT80 + 1])(struct cpu_user_regs *regs);

/* VMASST_TYPE_* bits that a PV64 guest may set. */
#define VM_ASSIST_VALID                                                                             \
    (1UL << VMASST_TYPE_4gb_segments | 1UL << VMASST_TYPE_4gb_segments_notify |                     \
     1UL << VMASST_TYPE_writable_pagetables | 1UL << VMASST_TYPE_pae_extended_cr3 |                  \
     1UL << VMASST_TYPE_architectural_iopl | 1UL << VMASST_TYPE_runstate_update_flag |               \
     1UL << VMASST_TYPE_m2p_strict)
#define vm_assist(d, type) (((d)->pv.vm_assist >> VMASST_TYPE_##type) & 1)

/* Whether the vCPU in its present mode may use ports, cli and sti by its I/O privilege level. */
bool pv_iopl_allows(const struct vcpu *v);

/* Descriptor tables of the vCPU whose state the CPU takes over: windows and LDTR; descriptors.c. */
void pv_load_descriptor_tables(struct vcpu *v);
/* A fault in the LDT window: maps the guest's page there. True if the access may be tried again. */
bool pv_map_ldt_page(struct vcpu *v, unsigned long offset);
int pv_set_gdt_frames(struct vcpu *v, const u64 *mfns, unsigned int entries);
void pv_drop_ldt(struct vcpu *v);
