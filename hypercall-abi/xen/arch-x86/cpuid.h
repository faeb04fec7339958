/* SPDX-License-Identifier: MIT */
/*
 * CPUID leaves of the hypervisor. They begin at 0x40000000, or at the next multiple of 0x100 at which the
 * signature stands. A PV kernel asks by XEN_CPUID, since the bare instruction may not trap.
 *
 * leaf +0  eax: last leaf; ebx, ecx, edx: signature
 * leaf +1  eax: version, major << 16 | minor
 * leaf +2  eax: number of hypercall pages; ebx: MSR that places one (HVM); ecx: XEN_CPUID_FEAT1_*
 * leaf +3  time-stamp counter. Sub-leaf 0: eax bit 0 emulated, 1 host's is reliable, 2 RDTSCP; ebx: mode;
 * ecx: kHz; edx: incarnation. Sub-leaf 1: eax, ebx: offset; ecx: multiplier to ns; edx: shift. Sub-leaf
 * 2: eax: host kHz
 * leaf +4  HVM only: eax XEN_HVM_CPUID_*; ebx: vCPU; ecx: domain
 * leaf +5  PV only: ebx bits 0-7: width of machine addresses
 */
#ifndef __XEN_PUBLIC_ARCH_X86_CPUID_H__
#define __XEN_PUBLIC_ARCH_X86_CPUID_H__

#define XEN_CPUID_FIRST_LEAF 0x40000000
#define XEN_CPUID_LEAF(i)    (XEN_CPUID_FIRST_LEAF + (i))

#define XEN_CPUID_SIGNATURE_EBX 0x566e6558 /* "XenV" */
#define XEN_CPUID_SIGNATURE_ECX 0x65584d4d /* "MMXe" */
#define XEN_CPUID_SIGNATURE_EDX 0x4d4d566e /* "nVMM" */

/* Leaf +2, ecx: MMU_PT_UPDATE_PRESERVE_AD exists. */
#define _XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD 0
#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD  (1u<<0)

/*
 * Leaf +4, eax: APIC accesses are virtualized by the CPU; foreign pages are in the IOMMU; ids are given;
 * wide destination ids; upcalls by vector work with devices.
 */
#define XEN_HVM_CPUID_APIC_ACCESS_VIRT (1u << 0)
#define XEN_HVM_CPUID_X2APIC_VIRT      (1u << 1)

#define XEN_HVM_CPUID_IOMMU_MAPPINGS  (1u << 2)
#define XEN_HVM_CPUID_VCPU_ID_PRESENT (1u << 3)
#define XEN_HVM_CPUID_DOMID_PRESENT   (1u << 4)

#define XEN_HVM_CPUID_EXT_DEST_ID (1u << 5)

#define XEN_HVM_CPUID_UPCALL_VECTOR (1u << 6)

/* Leaf +5, ebx. */
#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK (0xffu << 0)

/* Highest leaf, counted from the first. */
#define XEN_CPUID_MAX_NUM_LEAVES 5

#endif /* __XEN_PUBLIC_ARCH_X86_CPUID_H__ */
