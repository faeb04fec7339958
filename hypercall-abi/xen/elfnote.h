/* SPDX-License-Identifier: MIT */
/*
 * ELF notes of a PV kernel, by which it tells the domain builder how to load it. Notes have the name
 * "Xen"; a number is 4 or 8 bytes, a text ends with zero. Older kernels have a section __xen_guest with
 * "KEY=value,..." instead. Also the notes of crash dumps.
 */
#ifndef __XEN_PUBLIC_ELFNOTE_H__
#define __XEN_PUBLIC_ELFNOTE_H__

/* Free text. */
#define XEN_ELFNOTE_INFO 0

/* Virtual address of the entry point; default the ELF header's. */
#define XEN_ELFNOTE_ENTRY 1

/* Virtual address of a page of the kernel that the builder fills with call stubs, 32 bytes a number. */
#define XEN_ELFNOTE_HYPERCALL_PAGE 2

/* Virtual address at which the initial mapping begins; the default is 0. */
#define XEN_ELFNOTE_VIRT_BASE 3

/*
 * What is taken off an ELF physical address to get the distance from VIRT_BASE; default VIRT_BASE for old
 * kernels, else 0.
 */
#define XEN_ELFNOTE_PADDR_OFFSET 4

/* Text "xen-3.0": the interface. */
#define XEN_ELFNOTE_XEN_VERSION 5

/* Name of the system. */
#define XEN_ELFNOTE_GUEST_OS 6

/* Its version. */
#define XEN_ELFNOTE_GUEST_VERSION 7

/* Loader to use; "generic". */
#define XEN_ELFNOTE_LOADER 8

/* 32-bit kernels: "yes", "no", "bimodal". */
#define XEN_ELFNOTE_PAE_MODE 9

/* Text, names of features.h with | in between; a leading ! marks one that is demanded. */
#define XEN_ELFNOTE_FEATURES 10

/* "yes": load the symbol table behind the kernel. */
#define XEN_ELFNOTE_BSD_SYMTAB 11

/* Lowest address that the hypervisor may use; 32-bit kernels. */
#define XEN_ELFNOTE_HV_START_LOW 12

/* Pairs of mask and value that tell a valid entry from a free one. */
#define XEN_ELFNOTE_L1_MFN_VALID 13

/* Non-zero: the kernel understands a cancelled suspend (SCHEDOP_shutdown returns 1). */
#define XEN_ELFNOTE_SUSPEND_CANCEL 14

/* Virtual address, outside the initial mapping, where the frame list is to be mapped. */
#define XEN_ELFNOTE_INIT_P2M 15

/* Non-zero: the RAM disk need not be mapped; start_info.mod_start is a pfn. */
#define XEN_ELFNOTE_MOD_START_PFN 16

/* Feature bits that the kernel can use, as a number. */
#define XEN_ELFNOTE_SUPPORTED_FEATURES 17

/* PVH: physical address of a 32-bit entry point. */
#define XEN_ELFNOTE_PHYS32_ENTRY 18

#define XEN_ELFNOTE_MAX XEN_ELFNOTE_PHYS32_ENTRY

/* Crash note of the hypervisor: version, build, addresses. */
#define XEN_ELFNOTE_CRASH_INFO 0x1000001

/* Crash note of a CPU: control registers. */
#define XEN_ELFNOTE_CRASH_REGS 0x1000002

/* Dump of a domain: no data, header, hypervisor version, format version. */
#define XEN_ELFNOTE_DUMPCORE_NONE 0x2000000

#define XEN_ELFNOTE_DUMPCORE_HEADER 0x2000001

#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION 0x2000002

#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION 0x2000003

#endif /* __XEN_PUBLIC_ELFNOTE_H__ */
