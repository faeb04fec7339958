/* SPDX-License-Identifier: MIT */
/*
 * The x86 part of the interface: guest handles, trap table, the whole context of a vCPU, the x86 fields of
 * the shared page, and the calls on descriptors, stacks and debug registers. Included by xen.h; including it
 * first works too.
 */
#include "../xen.h"

#ifndef __XEN_PUBLIC_ARCH_X86_XEN_H__
#define __XEN_PUBLIC_ARCH_X86_XEN_H__

/*
 * A guest handle is a guest virtual address with the type of what it points to. Since interface 0x00030201 it
 * is a structure, so that a handle cannot be followed by mistake; before that it is the bare pointer. The
 * _PARAM form, for call arguments, is the same on x86. Each handle type has a const_ twin.
 */
#if __XEN_INTERFACE_VERSION__ >= 0x00030201
#define ___DEFINE_XEN_GUEST_HANDLE(name, type) \
    typedef struct {                           \
        type *p;                               \
    } __guest_handle_##name
#else
#define ___DEFINE_XEN_GUEST_HANDLE(name, type) typedef type *__guest_handle_##name
#endif

#define __DEFINE_XEN_GUEST_HANDLE(name, type) \
    ___DEFINE_XEN_GUEST_HANDLE(name, type);   \
    ___DEFINE_XEN_GUEST_HANDLE(const_##name, const type)
#define DEFINE_XEN_GUEST_HANDLE(name) __DEFINE_XEN_GUEST_HANDLE(name, name)
#define __XEN_GUEST_HANDLE(name)      __guest_handle_##name
#define XEN_GUEST_HANDLE(name)        __XEN_GUEST_HANDLE(name)
#define XEN_GUEST_HANDLE_PARAM(name)  XEN_GUEST_HANDLE(name)

#define set_xen_guest_handle_raw(hnd, val) \
    do {                                   \
        (hnd).p = val;                     \
    } while (0)
#define set_xen_guest_handle(hnd, val) set_xen_guest_handle_raw(hnd, val)

#if defined(__x86_64__)
#include "xen-x86_64.h"
#else
#error "these headers describe the x86-64 interface only: compile with -m64"
#endif

#ifndef __ASSEMBLY__
typedef unsigned long xen_pfn_t; /* a frame number: machine or pseudo-physical, as the field says */
#define PRI_xen_pfn  "lx"
#define PRIu_xen_pfn "lu"
#endif

#define XEN_HAVE_PV_GUEST_ENTRY 1
#define XEN_HAVE_PV_UPCALL_MASK 1

/*
 * set_gdt(const xen_pfn_t frames[], unsigned int entries): installs the GDT of the calling vCPU. entries
 * counts descriptors, at most FIRST_RESERVED_GDT_ENTRY; frames holds (entries + 511) / 512 machine frames,
 * which become typed as descriptor tables: no writable mapping of them may exist and every descriptor must
 * pass the check below. Returns 0; -EINVAL (too many entries, a frame or descriptor refused), -EFAULT. On
 * failure the old GDT stays.
 *
 * update_descriptor(uint64_t maddr, uint64_t desc): writes one descriptor at a machine address that is a
 * multiple of 8, in a frame of the caller that is a descriptor table or could be one. Returns 0; -EINVAL.
 *
 * Acceptable are: descriptors that are not present, data segments, and code segments of ring 3 (a lower DPL
 * is raised to 3); call gates to the guest's own kernel are turned into emulated ones. System segments are
 * refused.
 */
#define FIRST_RESERVED_GDT_PAGE  14
#define FIRST_RESERVED_GDT_BYTE  (FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY (FIRST_RESERVED_GDT_BYTE / 8)

/* vCPUs that have their vcpu_info in the shared page; others register one with VCPUOP_register_vcpu_info. */
#define XEN_LEGACY_MAX_VCPUS 32

#ifndef __ASSEMBLY__

typedef unsigned long xen_ulong_t;
#define PRI_xen_ulong "lx"

/*
 * stack_switch(unsigned long ss, unsigned long sp): the stack on which the guest kernel is entered when a
 * trap, event or system call comes in user mode. Nothing is checked until it is used; the selector's RPL is
 * forced to 3. Returns 0.
 *
 * set_trap_table(const trap_info_t traps[]): each entry replaces the handler of its vector; the list ends at
 * the first entry with address 0. A null pointer clears every handler. Returns 0; -EFAULT; -EINVAL for an
 * address that is not canonical (entries before it are in effect).
 *
 * The privilege in flags says who may raise the vector by INT n: 0 nobody, 1 and 2 the guest kernel, 3
 * everybody. An exception without a handler ends the domain as crashed.
 *
 * A handler finds at its stack pointer: rcx, r11, the error code (vectors 8, 10 to 14 and 17 only), rip, cs,
 * rflags, rsp, ss. The low two bits of cs are 0 if the kernel was interrupted, 3 if user mode was; bits 32 to
 * 39 hold the upcall mask of before, and the interrupt flag in rflags is its inverse.
 */
struct trap_info {
    uint8_t vector;
    uint8_t flags;   /* bits 0-1: privilege as above; bit 2: mask event upcalls on entry */
    uint16_t cs;     /* RPL is forced to 3 */
    unsigned long address;
};
typedef struct trap_info trap_info_t;
DEFINE_XEN_GUEST_HANDLE(trap_info_t);

#define TI_GET_DPL(_ti)       ((_ti)->flags & 3)
#define TI_GET_IF(_ti)        ((_ti)->flags & 4)
#define TI_SET_DPL(_ti, _dpl) ((_ti)->flags |= (_dpl))
#define TI_SET_IF(_ti, _if)   ((_ti)->flags |= (!!(_if) << 2))

typedef uint64_t tsc_timestamp_t;

/* Bits of vcpu_guest_context.flags; the upper-case names are older spellings. */
#define VGCF_I387_VALID                (1 << 0)
#define VGCF_IN_KERNEL                 (1 << 2)
#define _VGCF_i387_valid               0
#define VGCF_i387_valid                (1 << _VGCF_i387_valid) /* fpu_ctxt holds a state */
#define _VGCF_in_kernel                2
#define VGCF_in_kernel                 (1 << _VGCF_in_kernel) /* start in kernel mode; else in user mode */
#define _VGCF_failsafe_disables_events 3
#define VGCF_failsafe_disables_events  (1 << _VGCF_failsafe_disables_events)
#define _VGCF_syscall_disables_events  4
#define VGCF_syscall_disables_events   (1 << _VGCF_syscall_disables_events)
#define _VGCF_online                   5
#define VGCF_online                    (1 << _VGCF_online) /* is up; shown by getvcpucontext */

/*
 * The whole context of a vCPU: argument of VCPUOP_initialise and of XEN_DOMCTL_setvcpucontext and
 * getvcpucontext. Every address must be canonical and outside the hypervisor's range, every selector is
 * forced to ring 3, control and debug registers are checked as single writes are. Anything else is -EINVAL,
 * and the vCPU is as before.
 */
struct vcpu_guest_context {
    struct {
        char x[512];
    } fpu_ctxt;                             /* FXSAVE image */
    unsigned long flags;                    /* VGCF_* */
    struct cpu_user_regs user_regs;
    struct trap_info trap_ctxt[256];        /* indexed by vector */
    unsigned long ldt_base, ldt_ents;       /* page-aligned virtual address; number of descriptors */
    unsigned long gdt_frames[16], gdt_ents; /* machine frames; number of descriptors */
    unsigned long kernel_ss, kernel_sp;     /* as by stack_switch */
    unsigned long ctrlreg[8];               /* [0] CR0, [1] user CR3 or 0, [3] CR3, [4] CR4 */
    unsigned long debugreg[8];
    unsigned long event_callback_eip;
    unsigned long failsafe_callback_eip;
    unsigned long syscall_callback_eip;
    unsigned long vm_assist;                /* bitmap of 1 << VMASST_TYPE_*; used for vCPU 0 */
    uint64_t fs_base;
    uint64_t gs_base_kernel;
    uint64_t gs_base_user;
};
typedef struct vcpu_guest_context vcpu_guest_context_t;
DEFINE_XEN_GUEST_HANDLE(vcpu_guest_context_t);

/*
 * The x86 part of the shared page. The guest publishes its pseudo-physical to machine table here for tools
 * that save or look into it: a tree of frames (list_list), or a linear table at p2m_vaddr in the address
 * space of p2m_cr3.
 */
struct arch_shared_info {
    unsigned long max_pfn;                /* entries that are valid in the table */
    xen_pfn_t pfn_to_mfn_frame_list_list; /* machine frame of the tree's root; 0 not yet set, ~0 no tree */
    unsigned long nmi_reason;             /* XEN_NMIREASON_* bits, set by the hypervisor */
    unsigned long p2m_cr3;                /* 0: no linear table; else folded like a CR3 value */
    unsigned long p2m_vaddr;
    unsigned long p2m_generation;         /* odd while the guest changes the table's mapping */
};
typedef struct arch_shared_info arch_shared_info_t;

#if defined(__XEN__) || defined(__XEN_TOOLS__)

/* Devices that a hardware-virtualized domain may have emulated; a PV domain is created with none (0). */
#define _XEN_X86_EMU_LAPIC    0
#define XEN_X86_EMU_LAPIC     (1U << _XEN_X86_EMU_LAPIC)
#define _XEN_X86_EMU_HPET     1
#define XEN_X86_EMU_HPET      (1U << _XEN_X86_EMU_HPET)
#define _XEN_X86_EMU_PM       2
#define XEN_X86_EMU_PM        (1U << _XEN_X86_EMU_PM)
#define _XEN_X86_EMU_RTC      3
#define XEN_X86_EMU_RTC       (1U << _XEN_X86_EMU_RTC)
#define _XEN_X86_EMU_IOAPIC   4
#define XEN_X86_EMU_IOAPIC    (1U << _XEN_X86_EMU_IOAPIC)
#define _XEN_X86_EMU_PIC      5
#define XEN_X86_EMU_PIC       (1U << _XEN_X86_EMU_PIC)
#define _XEN_X86_EMU_VGA      6
#define XEN_X86_EMU_VGA       (1U << _XEN_X86_EMU_VGA)
#define _XEN_X86_EMU_IOMMU    7
#define XEN_X86_EMU_IOMMU     (1U << _XEN_X86_EMU_IOMMU)
#define _XEN_X86_EMU_PIT      8
#define XEN_X86_EMU_PIT       (1U << _XEN_X86_EMU_PIT)
#define _XEN_X86_EMU_USE_PIRQ 9
#define XEN_X86_EMU_USE_PIRQ  (1U << _XEN_X86_EMU_USE_PIRQ)
#define _XEN_X86_EMU_VPCI     10
#define XEN_X86_EMU_VPCI      (1U << _XEN_X86_EMU_VPCI)
#define XEN_X86_EMU_ALL       ((1U << (_XEN_X86_EMU_VPCI + 1)) - 1)

/* MSRs that the hypervisor does not handle read as zero and drop writes, where they would raise #GP. */
#define XEN_X86_MSR_RELAXED       (1u << 0)
#define XEN_X86_MISC_FLAGS_MAX    XEN_X86_MSR_RELAXED /* highest bit that XEN_DOMCTL_createdomain accepts */

/* The x86 part of XEN_DOMCTL_createdomain's argument. */
struct xen_arch_domainconfig {
    uint32_t emulation_flags; /* XEN_X86_EMU_* */
    uint32_t misc_flags;      /* XEN_X86_MSR_RELAXED */
};

#endif /* __XEN__ || __XEN_TOOLS__ */

/* One CPUID leaf and one MSR, as the policy calls of domctl and sysctl list them. */
#define XEN_CPUID_NO_SUBLEAF 0xffffffffu
typedef struct xen_cpuid_leaf {
    uint32_t leaf, subleaf; /* subleaf is XEN_CPUID_NO_SUBLEAF where the leaf has none */
    uint32_t a, b, c, d;
} xen_cpuid_leaf_t;
DEFINE_XEN_GUEST_HANDLE(xen_cpuid_leaf_t);

typedef struct xen_msr_entry {
    uint32_t idx;
    uint32_t flags; /* must be zero */
    uint64_t val;
} xen_msr_entry_t;
DEFINE_XEN_GUEST_HANDLE(xen_msr_entry_t);

#endif /* !__ASSEMBLY__ */

/*
 * fpu_taskswitch(int set): sets or clears CR0.TS of the vCPU; a set flag makes the next FPU instruction raise
 * #NM, which also clears it. Returns 0.
 *
 * set_debugreg(int reg, unsigned long value): registers 0 to 3 take addresses outside the hypervisor's range,
 * 6 and 7 take 32 bits. Returns 0; -EPERM (value refused), -ENODEV (no such register; 4 and 5 while CR4.DE is
 * set).
 *
 * get_debugreg(int reg): returns the value itself, so an error (-ENODEV, no such register) looks like a
 * value.
 */

/* Bytes that make the hypervisor emulate the instruction behind them; CPUID is the only one it takes. */
#ifdef __ASSEMBLY__
#define XEN_EMULATE_PREFIX .byte 0x0f,0x0b,0x78,0x65,0x6e ;
#define XEN_CPUID          XEN_EMULATE_PREFIX cpuid
#else
#define XEN_EMULATE_PREFIX ".byte 0x0f,0x0b,0x78,0x65,0x6e ; "
#define XEN_CPUID          XEN_EMULATE_PREFIX "cpuid"
#endif

/* Port whose bytes a hardware-virtualized guest may print on the hypervisor's console. */
#define XEN_HVM_DEBUGCONS_IOPORT 0xe9

#endif /* __XEN_PUBLIC_ARCH_X86_XEN_H__ */
