/* SPDX-License-Identifier: MIT */
/* What the files of pv/ share among themselves. */
#ifndef PV_INTERNAL_H
#define PV_INTERNAL_H

#include <xen/xen.h>

#include "lib/types.h"

struct vcpu;
struct domain;

/* Exceptions of the architecture (SDM vol. 3A, table 6-1). */
#define TRAP_DIVIDE       0
#define TRAP_DEBUG        1
#define TRAP_NMI          2
#define TRAP_INT3         3
#define TRAP_OVERFLOW     4
#define TRAP_BOUND        5
#define TRAP_INVALID_OP   6
#define TRAP_NO_DEVICE    7
#define TRAP_DOUBLE_FAULT 8
#define TRAP_INVALID_TSS  10
#define TRAP_NO_SEGMENT   11
#define TRAP_STACK        12
#define TRAP_GP_FAULT     13
#define TRAP_PAGE_FAULT   14
#define TRAP_X87          16
#define TRAP_ALIGNMENT    17
#define TRAP_MACHINE      18
#define TRAP_SIMD         19

#define PF_PRESENT 0x1
#define PF_WRITE   0x2
#define PF_USER    0x4
#define PF_RSVD    0x8
#define PF_INSN    0x10

#define RFLAGS_TF         0x100
#define RFLAGS_IF         0x200
#define RFLAGS_DF         0x400
#define RFLAGS_IOPL       0x3000
#define RFLAGS_IOPL_SHIFT 12
#define RFLAGS_NT         0x4000
#define RFLAGS_RF         0x10000
#define RFLAGS_VM         0x20000
#define RFLAGS_AC         0x40000
#define RFLAGS_VIF        0x80000
#define RFLAGS_VIP        0x100000
#define RFLAGS_ALWAYS     0x2

void pv_traps_init(void);
void physdev_init(void);
const char *pv_trap_name(unsigned int vector);

/* Between the guest's kernel and its user mode: kernel_mode, GS base, root. For current. */
void pv_toggle_mode(struct vcpu *v);

/* CR0.TS as the guest has it, put into the processor where v is current. */
void pv_set_ts(struct vcpu *v, bool ts);

/* #GP of the guest's kernel or user: emulates what the ABI promises; true if dealt with (or the guest is crashed). */
bool pv_emulate_privileged(struct vcpu *v, struct cpu_user_regs *regs);
/* #UD: the forced-emulation prefix. */
bool pv_emulate_forced(struct vcpu *v, struct cpu_user_regs *regs);
/* A write fault on a page table of its own. */
bool pv_emulate_pt_write(struct vcpu *v, struct cpu_user_regs *regs, unsigned long cr2);

/* CPUID as this guest may see it. */
struct cpuid_result { u32 a, b, c, d; };
void pv_cpuid(struct vcpu *v, u32 leaf, u32 subleaf, struct cpuid_result *out);

/* RDMSR and WRMSR of a guest; false: #GP. */
bool pv_rdmsr(struct vcpu *v, u32 msr, u64 *value);
bool pv_wrmsr(struct vcpu *v, u32 msr, u64 value);

u64 pv_guest_cr4(const struct vcpu *v);
void pv_set_guest_cr4(struct vcpu *v, u64 value);

/* The guest's debug registers. -EPERM: a bit or address that is not for guests; -ENODEV: DR4, DR5 with CR4.DE; -EINVAL. */
long pv_set_debugreg(struct vcpu *v, unsigned int reg, u64 value);
bool pv_get_debugreg(struct vcpu *v, unsigned int reg, u64 *value);
void pv_apply_debug_registers(struct vcpu *v);

/* Where the guest's kernel has its stack for traps from user mode. */
void pv_set_kernel_stack(struct vcpu *v, unsigned long ss, unsigned long sp);
#define SYSCALL_FRAME_SIZE 56   /* bytes that a system call pushes there (entry.S) */
/* d->pv.vm_assist was changed: brings up to date what its vCPUs keep of it. */
void pv_assists_changed(struct domain *d);

/* Registers as a guest may have them on its way out of ring 0. */
void pv_sanitize_regs(struct cpu_user_regs *regs);
/* The failsafe callback: a selector of the vCPU's could not be loaded. */
void pv_failsafe(struct vcpu *v);

/* --- called by entry.S --- */
void pv_user_syscall(struct vcpu *v);
void pv_user_syscall32(struct vcpu *v);
void pv_user_sysenter(struct vcpu *v);
void pv_no_kernel_stack(struct vcpu *v, unsigned long sp);
bool pv_deliver_event(struct vcpu *v);
void pv_deliver_nmi(struct vcpu *v);
void guest_int80(struct cpu_user_regs *regs);
extern void (*const guest_trap_table[32])(struct cpu_user_regs *regs);

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
void pv_drop_gdt(struct vcpu *v);
void pv_drop_ldt(struct vcpu *v);

#endif
