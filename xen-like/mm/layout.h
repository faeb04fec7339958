/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's address map. L4 slots 256 to 271 are ours in every table that a CPU runs on; all other
 * slots are the guest's. Each of our slots in use has one L3 table, made at boot and never changed or freed,
 * so that a guest's L4 is complete once these 16 entries are written into it. docs/address-map.md shows the
 * same as a table.
 *
 *  slot      from                  what
 *  256       0xffff8000_00000000   M2P, read-only, visible to guests (8 bytes a frame)
 *  257       0xffff8080_00000000   frame table (24 bytes a frame), backed only where there is RAM
 *  258       0xffff8100_00000000   per-CPU windows, CPU_WINDOW_SIZE each: the GDT and LDT that the CPU uses
 *  259       0xffff8180_00000000   image (first GiB)
 *            0xffff8180_40000000   I/O and other dynamic mappings (1 GiB less 16 MiB)
 *            0xffff8180_7f000000   stacks of the CPUs, 64 KiB each, with a hole in the middle
 *            0xffff8190_00000000   M2P, writable
 *  260–263                         free
 *  264–271   0xffff8400_00000000   all RAM, one to one (4 TiB)
 */
#pragma once

#define L4_SLOT_SHIFT       39
#define HV_L4_FIRST         256
#define HV_L4_LAST          271

#define HV_VIRT_START       0xffff800000000000
#define HV_VIRT_END         0xffff880000000000

#define M2P_RO_START        0xffff800000000000
#define FRAME_TABLE_START   0xffff808000000000
#define CPU_WINDOW_START    0xffff810000000000
#define IMAGE_START         0xffff818000000000
#define IMAGE_SIZE_MAX      0x0000000040000000
#define VMAP_START          0xffff818040000000
#define VMAP_END            0xffff81807f000000
#define CPU_STACK_START     0xffff81807f000000
#define M2P_RW_START        0xffff819000000000
#define M2P_SIZE_MAX        0x0000000200000000 /* 4 TiB of RAM */
#define DIRECT_MAP_START    0xffff840000000000
#define DIRECT_MAP_END      0xffff880000000000
#define MAX_RAM             0x0000040000000000

/*
 * A CPU's window: 16 pages of GDT (14 that the guest supplies, then the two of ours that hold the descriptors
 * of the ABI's fixed selectors and the TSS), then 16 pages of LDT, then, for the entry code of a CPU whose
 * guest runs on an isolated root (mm/isolation.h), the current vCPU and its vcpu_info. One L2 table serves
 * all windows of a GiB.
 */
#define CPU_WINDOW_SHIFT    21
#define CPU_WINDOW(cpu)     (CPU_WINDOW_START + ((unsigned long)(cpu) << CPU_WINDOW_SHIFT))
#define CPU_GDT_WINDOW(cpu) CPU_WINDOW(cpu)
#define CPU_LDT_WINDOW(cpu) (CPU_WINDOW(cpu) + 0x10000)
#define LDT_WINDOW_SIZE     0x10000
#define WINDOW_PAGE_VCPU    32
#define WINDOW_PAGE_INFO    33
#define CPU_WINDOW_PAGES    34

/*
 * A CPU's stack: 16 pages of addresses, aligned to their size, so that the stack pointer leads to struct
 * cpu_info, the last page. The first STACK_LOW_PAGES and the last STACK_HIGH_PAGES are mapped (cpu/percpu.h
 * says what they are for). Between them is nothing, so that a stack that is full ends in a double fault. The
 * entry code finds a stack by a constant distance from the image, which is why all lie within 2 GiB of it.
 */
#define STACK_SIZE          0x10000
#define STACK_LOW_PAGES     4
#define STACK_HIGH_PAGES    4
#define STACK_HOLE          0x4000  /* from there to STACK_BOTTOM */
#define STACK_BOTTOM        0xc000  /* the lowest byte of the stack of C code, and what follows to the end */
#define STACK_ORDER         3       /* pages of memory */

#define CPU_STACK_SHIFT     16
#define CPU_STACK(cpu)      (CPU_STACK_START + ((unsigned long)(cpu) << CPU_STACK_SHIFT))

#define MAX_CPUS            256
