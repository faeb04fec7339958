/* SPDX-License-Identifier: MIT */
/*
 * Feature bits: what the hypervisor offers (XENVER_get_features) and what a kernel demands or can use
 * (its ELF notes FEATURES and SUPPORTED_FEATURES). A kernel that demands a bit that a 64-bit PV domain
 * does not get is refused.
 */
#ifndef __XEN_PUBLIC_FEATURES_H__
#define __XEN_PUBLIC_FEATURES_H__

/* Guest may write page tables directly. Not for PV. */
#define XENFEAT_writable_page_tables 0

/* Guest may write descriptor tables directly. Not for PV. */
#define XENFEAT_writable_descriptor_tables 1

/* Frame numbers are translated. Not for PV. */
#define XENFEAT_auto_translated_physmap 2

/* Guest kernel runs in ring 0. Not for PV. */
#define XENFEAT_supervisor_mode_kernel 3

/* 32-bit guest tables may lie anywhere. Set while the VM assist pae_extended_cr3 is: always for Domain-0. */
#define XENFEAT_pae_pgdir_above_4gb 4

/* MMU_PT_UPDATE_PRESERVE_AD exists. Always set. */
#define XENFEAT_mmu_pt_update_preserve_ad 5

/* clear-page and copy-page operations for 32-bit guests exist. */
#define XENFEAT_highmem_assist 6

/* Grant maps carry software bits. Always set for PV. */
#define XENFEAT_gnttab_map_avail_bits 7

/*
 * The next three are of hardware-virtualized domains: event upcall by vector, safe time info, interrupts
 * as events.
 */
#define XENFEAT_hvm_callback_vector 8

/* Time info page is safe to use. */
#define XENFEAT_hvm_safe_pvclock 9

/* Interrupts of emulated devices as events. */
#define XENFEAT_hvm_pirqs 10

/* A kernel may demand to be, or say that it can be, the first domain; the bit is set for Domain-0. */
#define XENFEAT_dom0 11

/* XENMEMF_vnode is understood. */
#define XENFEAT_memory_op_vnode_supported 13

/* ARM only. */
#define XENFEAT_ARM_SMCCC_supported 14

/* A PVH kernel takes the ACPI root pointer at any address. */
#define XENFEAT_linux_rsdp_unrestricted 15

/* The domain's frame numbers differ from, or equal, machine frame numbers. Equal for PV. */
#define XENFEAT_not_direct_mapped 16
#define XENFEAT_direct_mapped     17

/* 32-bit parts in use. */
#define XENFEAT_NR_SUBMAPS 1

#endif /* __XEN_PUBLIC_FEATURES_H__ */
