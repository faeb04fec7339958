/* SPDX-License-Identifier: MIT */
/*
 * What makes a domain paravirtual: the guest's own trap table and callbacks, its descriptor tables, its two
 * modes, and the state of a vCPU that a CPU does not hold. Everything here belongs to the x86-64 PV ABI
 * (xen/arch-x86/).
 */
#pragma once

#include <xen/callback.h>
#include <xen/xen.h>

#include "mm/addr.h"

struct domain;
struct vcpu;

#define GDT_GUEST_FRAMES 14 /* FIRST_RESERVED_GDT_PAGE of the ABI */
#define NR_CALLBACKS     (CALLBACKTYPE_syscall32 + 1)

/*
 * Bit in guest_regs()->entry_vector: the guest came by SYSCALL, and may be left by SYSRET (rcx, r11 are
 * lost).
 */
#define ENTRY_SYSCALL 0x100

/* Bytes of a CPU's SYSCALL stub in entry.S; a power of two. */
#define SYSCALL_STUB_SIZE 32

struct pv_vcpu {
    struct cpu_user_regs regs;      /* while the CPU does not hold the state */
    struct trap_info *trap_table;   /* 256 entries, by vector */
    unsigned long kernel_sp, kernel_ss;
    unsigned long bounce_sp;        /* kernel_sp aligned; 0 where it is not the guest's (entry.S) */
    struct pv_callback {
        unsigned long address;      /* 0: none */
        bool mask_events;
    } callbacks[NR_CALLBACKS];      /* by CALLBACKTYPE_*; NMI's is in the trap table */
    bool kernel_mode;               /* the guest's kernel runs (entry.S) */
    /* Any of these four keeps entry.S from its short ways; it looks at them as one word. */
    bool nmi_pending __aligned(4), nmi_masked;
    bool iopl_in_flags;             /* the assist architectural_iopl is on */
    bool slow_pad;
    bool ts;                        /* CR0.TS as the guest sees it (entry.S knows it not: #NM is the way) */
    u8 iopl;                        /* the guest's I/O privilege level, shifted down */
    unsigned long fs_base, gs_base[2];  /* GS: of user mode, of the kernel */
    unsigned long cr2_ctrl, ctrlreg[8]; /* CR4 and CR0 bits that the guest asked for */
    unsigned long dr[8];
    mfn_t kernel_root, user_root;   /* L4 frames, each with a reference held (mm/) */
    mfn_t gdt_frames[GDT_GUEST_FRAMES];
    unsigned int gdt_ents;
    unsigned long ldt_base;
    unsigned int ldt_ents;
    mfn_t ldt_frames[16];           /* those that were put into a window, 0: not yet */
    void *fpu;                      /* XSAVE area */
    u64 xcr0;
    u32 tsc_aux;
    unsigned long iobmp;            /* guest address of its I/O bitmap, 0: none */
    unsigned int iobmp_limit;
};

struct pv_domain {
    u64 vm_assist;                  /* VMASST_TYPE_* bits */
    bool ioports_all;               /* Domain-0: all ports but the hypervisor's own */
    bool isolated;                  /* runs on isolated roots (mm/isolation.h) */
    u32 tsc_mode;
};

void pv_init_domain(struct domain *d);
int pv_init_vcpu(struct vcpu *v);
void pv_destroy_vcpu(struct vcpu *v);   /* frees; roots and descriptor frames were dropped before */
int pv_relinquish_vcpu(struct vcpu *v); /* drops roots, GDT and LDT frames; preemptible: -ERESTART */

/* VCPUOP_initialise, XEN_DOMCTL_setvcpucontext: checks and installs all of ctx. Preemptible. */
int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx);
void pv_get_context(struct vcpu *v, struct vcpu_guest_context *ctx); /* v is paused */

/* --- giving a trap to the guest: fills the frame and sets guest_regs to its handler --- */
void pv_inject_trap(struct vcpu *v, unsigned int vector, bool has_code, u32 code);
void pv_inject_page_fault(struct vcpu *v, unsigned long cr2, u32 code);
/* Kills the guest for a reason that is named in its shutdown and log line. */
void guest_crash(struct vcpu *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Boot, before the first guest. */
void pv_init(void);

/* Each CPU, once its descriptor tables stand: the MSRs of SYSCALL and SYSENTER. */
void pv_cpu_init(unsigned int cpu);

/* v->info is elsewhere now. v is current, or does not run. */
void pv_info_moved(struct vcpu *v);

/* MMUEXT_SET_LDT for the current vCPU: ents of 8 bytes at the page-aligned base; 0 ents: none. */
int pv_set_ldt(struct vcpu *v, unsigned long base, unsigned int ents);

/* Fills a frame of a domain with the hypercall page of the PV64 ABI. */
void hypercall_page_fill(void *page);

/* boot/: makes Domain-0 from its modules; panics with a clear message where that is impossible. */
struct boot_module {
    u64 start, end;         /* bytes */
    const char *cmdline;
};
void dom0_build(const struct boot_module *kernel, const struct boot_module *ramdisk);
