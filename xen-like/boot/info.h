/* SPDX-License-Identifier: MIT */
/* What the boot loader told, in one form for both kinds of loader, and copied out of the loader's memory. */
#pragma once

#include "mm/mm.h"
#include "pv/pv.h"

#define MODULES_MAX 8

struct boot_info {
    char loader_name[64];
    char cmdline[2048];                     /* without the image's own name */
    unsigned int nr_modules, nr_modules_ignored;
    struct boot_module module[MODULES_MAX]; /* cmdline: without the module's own name */
    bool text_screen;
    u64 rsdp_copy;                          /* machine address of a copy of the RSDP, 0: none */
    u64 efi_system_table;                   /* 0: not started by EFI */
    struct mem_range loader_info;           /* where the loader's information lies */
    bool map_overflow;                      /* more memory ranges than MEM_RANGES_MAX */
};
extern struct boot_info boot_info;

/*
 * Fills boot_info, and boot_memory.map as the firmware has it: neither sorted nor free of overlaps. Panics on
 * nonsense.
 */
void boot_info_parse(u32 magic, u32 info_address);

/* The firmware's types of memory (ACPI 6.4, 15.4); there are others. */
enum { MEM_RAM = 1, MEM_RESERVED, MEM_ACPI_DATA, MEM_ACPI_NVS, MEM_UNUSABLE };

/* One more range of the firmware's map. */
void memory_map_add(u64 start, u64 size, u32 type);
/* Sorts boot_memory.map and resolves overlaps: what any range calls unusable is unusable. */
void memory_map_sanitize(void);
/* RAM that is in use: for the image, modules, …; page-aligned outwards. */
void memory_reserve(u64 start, u64 end);
/* A page of free RAM below 1 MiB, reserved; 0: none. */
u64 memory_take_low_page(void);
/* Bytes of RAM in the map. */
u64 memory_total(void);

/* Parses the command line against the rows of lib/option.h. What it cannot use is logged. */
void cmdline_parse(const char *line);

/* Finds the tables and fills `machine`. Before mm_init(): the tables lie below 4 GiB, or are ignored. */
void acpi_init(void);

/* start32's continuation in C. */
void start_hypervisor(u32 magic, u32 info_address) __noreturn;
