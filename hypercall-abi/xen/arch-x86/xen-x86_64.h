/* SPDX-License-Identifier: MIT */
/*
 * The 64-bit half of the x86 interface: flat selectors, the hypervisor's address range, the register frame,
 * and the calls set_segment_base and iret. Included by arch-x86/xen.h; including it first works too.
 */
#include "../xen.h"

#ifndef __XEN_PUBLIC_ARCH_X86_XEN_X86_64_H__
#define __XEN_PUBLIC_ARCH_X86_XEN_X86_64_H__

/*
 * Selectors that every vCPU may use without a GDT of its own; they lie in the hypervisor's part of the GDT.
 * Guest kernel and guest user code both run in ring 3, so the KERNEL and USER names are the same selectors.
 */
#define FLAT_RING3_CS32 0xe023
#define FLAT_RING3_CS64 0xe033
#define FLAT_RING3_DS32 0xe02b
#define FLAT_RING3_DS64 0x0000 /* long mode needs no data segment */
#define FLAT_RING3_SS32 0xe02b
#define FLAT_RING3_SS64 0xe02b

#define FLAT_KERNEL_DS64 FLAT_RING3_DS64
#define FLAT_KERNEL_DS32 FLAT_RING3_DS32
#define FLAT_KERNEL_DS   FLAT_KERNEL_DS64
#define FLAT_KERNEL_CS64 FLAT_RING3_CS64
#define FLAT_KERNEL_CS32 FLAT_RING3_CS32
#define FLAT_KERNEL_CS   FLAT_KERNEL_CS64
#define FLAT_KERNEL_SS64 FLAT_RING3_SS64
#define FLAT_KERNEL_SS32 FLAT_RING3_SS32
#define FLAT_KERNEL_SS   FLAT_KERNEL_SS64

#define FLAT_USER_DS64 FLAT_RING3_DS64
#define FLAT_USER_DS32 FLAT_RING3_DS32
#define FLAT_USER_DS   FLAT_USER_DS64
#define FLAT_USER_CS64 FLAT_RING3_CS64
#define FLAT_USER_CS32 FLAT_RING3_CS32
#define FLAT_USER_CS   FLAT_USER_CS64
#define FLAT_USER_SS64 FLAT_RING3_SS64
#define FLAT_USER_SS32 FLAT_RING3_SS32
#define FLAT_USER_SS   FLAT_USER_SS64

/*
 * L4 slots 256 to 271 belong to the hypervisor in every address space. Of these only the first 256 GiB, the
 * machine-to-physical table (one 8-byte entry a machine frame), may be read by the guest kernel.
 */
#define __HYPERVISOR_VIRT_START 0xFFFF800000000000
#define __HYPERVISOR_VIRT_END   0xFFFF880000000000
#define __MACH2PHYS_VIRT_START  0xFFFF800000000000
#define __MACH2PHYS_VIRT_END    0xFFFF804000000000

#ifndef HYPERVISOR_VIRT_START
#define HYPERVISOR_VIRT_START xen_mk_ulong(__HYPERVISOR_VIRT_START)
#define HYPERVISOR_VIRT_END   xen_mk_ulong(__HYPERVISOR_VIRT_END)
#endif

#define MACH2PHYS_VIRT_START xen_mk_ulong(__MACH2PHYS_VIRT_START)
#define MACH2PHYS_VIRT_END   xen_mk_ulong(__MACH2PHYS_VIRT_END)
#define MACH2PHYS_NR_ENTRIES ((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3)
#ifndef machine_to_phys_mapping
#define machine_to_phys_mapping ((unsigned long *)HYPERVISOR_VIRT_START)
#endif

/*
 * set_segment_base(unsigned int which, uint64_t base): loads one of the vCPU's segment bases.
 * Returns 0; -EINVAL for a non-canonical base or an unknown selector number.
 */
#define SEGBASE_FS          0
#define SEGBASE_GS_USER     1 /* takes effect when the vCPU next enters user mode */
#define SEGBASE_GS_KERNEL   2
#define SEGBASE_GS_USER_SEL 3 /* base[15:0] is a selector for user mode; a bad one loads the null selector */

/*
 * iret(): leaves a trap handler or callback. The guest kernel's stack pointer points at a struct
 * iret_context; the call does not return. The low two bits of cs choose the mode: 3 enters user mode (user
 * page tables, user GS base), 0 to 2 stay in the kernel. The interrupt flag in rflags becomes the inverse of
 * the upcall mask. With VGCF_in_syscall in flags r11, rcx, cs and ss of the frame are ignored and the vCPU
 * resumes as after SYSRET, with rcx = rip, r11 = rflags. A frame that cannot be read ends the domain as
 * crashed. A kernel that stays in the kernel and need not change the upcall mask may use the iretq
 * instruction instead, with RPL 3 in both selectors.
 */
#define _VGCF_in_syscall 8
#define VGCF_in_syscall  (1 << _VGCF_in_syscall)
#define VGCF_IN_SYSCALL  VGCF_in_syscall

#ifndef __ASSEMBLY__

struct iret_context {
    uint64_t rax, r11, rcx, flags, rip, cs, rflags, rsp, ss; /* from the stack pointer upwards */
};

/*
 * Register slots. Control tools and the hypervisor may use every width by name (rax, eax, ax, al, ah; r8,
 * r8d, r8w, r8b). A guest compiled by GNU C may say rax or eax for the 64 bits, _eax for the low 32; a strict
 * ISO compiler has no anonymous unions and sees rax only.
 */
#if defined(__XEN__) || defined(__XEN_TOOLS__)
#define __DECL_REG_LOHI(reg)              \
    union {                               \
        uint64_t r##reg##x;               \
        uint32_t e##reg##x;               \
        uint16_t reg##x;                  \
        struct {                          \
            uint8_t reg##l, reg##h;       \
        };                                \
    }
#define __DECL_REG_LO8(reg)               \
    union {                               \
        uint64_t r##reg;                  \
        uint32_t e##reg;                  \
        uint16_t reg;                     \
        uint8_t reg##l;                   \
    }
#define __DECL_REG_LO16(reg)              \
    union {                               \
        uint64_t r##reg;                  \
        uint32_t e##reg;                  \
        uint16_t reg;                     \
    }
#define __DECL_REG_HI(nr)                 \
    union {                               \
        uint64_t r##nr;                   \
        uint32_t r##nr##d;                \
        uint16_t r##nr##w;                \
        uint8_t r##nr##b;                 \
    }
#else
#if defined(__GNUC__) && !defined(__STRICT_ANSI__)
#define __DECL_REG(reg)                   \
    union {                               \
        uint64_t r##reg, e##reg;          \
        uint32_t _e##reg;                 \
    }
#else
#define __DECL_REG(reg) uint64_t r##reg
#endif
#define __DECL_REG_LOHI(reg) __DECL_REG(reg##x)
#define __DECL_REG_LO8       __DECL_REG
#define __DECL_REG_LO16      __DECL_REG
#define __DECL_REG_HI(nr)    uint64_t r##nr
#endif

/* The registers of a vCPU, in the order in which they lie on the hypervisor's entry stack. */
struct cpu_user_regs {
    __DECL_REG_HI(15);
    __DECL_REG_HI(14);
    __DECL_REG_HI(13);
    __DECL_REG_HI(12);
    __DECL_REG_LO8(bp);
    __DECL_REG_LOHI(b);
    __DECL_REG_HI(11);
    __DECL_REG_HI(10);
    __DECL_REG_HI(9);
    __DECL_REG_HI(8);
    __DECL_REG_LOHI(a);
    __DECL_REG_LOHI(c);
    __DECL_REG_LOHI(d);
    __DECL_REG_LO8(si);
    __DECL_REG_LO8(di);
    uint32_t error_code;    /* hypervisor's own */
    uint32_t entry_vector;  /* hypervisor's own */
    __DECL_REG_LO16(ip);
    uint16_t cs, _pad0[1];
    uint8_t saved_upcall_mask; /* the inverse of the interrupt flag that the guest sees in rflags */
    uint8_t _pad1[3];
    __DECL_REG_LO16(flags);
    __DECL_REG_LO8(sp);
    uint16_t ss, _pad2[3];
    uint16_t es, _pad3[3];
    uint16_t ds, _pad4[3];
    uint16_t fs, _pad5[3];
    uint16_t gs, _pad6[3];
};
typedef struct cpu_user_regs cpu_user_regs_t;
DEFINE_XEN_GUEST_HANDLE(cpu_user_regs_t);

#undef __DECL_REG
#undef __DECL_REG_LOHI
#undef __DECL_REG_LO8
#undef __DECL_REG_LO16
#undef __DECL_REG_HI

#define xen_pfn_to_cr3(pfn) ((unsigned long)(pfn) << 12)
#define xen_cr3_to_pfn(cr3) ((unsigned long)(cr3) >> 12)

struct arch_vcpu_info {
    unsigned long cr2; /* fault address of the last page fault that was bounced to this vCPU */
    unsigned long pad; /* brings struct vcpu_info to 64 bytes */
};
typedef struct arch_vcpu_info arch_vcpu_info_t;

typedef unsigned long xen_callback_t; /* address of an entry point in the guest kernel */

#endif /* !__ASSEMBLY__ */

#endif /* __XEN_PUBLIC_ARCH_X86_XEN_X86_64_H__ */
