/* SPDX-License-Identifier: MIT */
/* The two multiboot formats (Multiboot Specification 0.6.96 and 2.0), as far as they are read here. */
#pragma once

#include "lib/lib.h"

#define MB1_LOADER_MAGIC    0x2badb002
#define MB2_LOADER_MAGIC    0x36d76289

/* --- 1 --- */
#define MB1_HAS_CMDLINE     (1u << 2)
#define MB1_HAS_MODULES     (1u << 3)
#define MB1_HAS_MAP         (1u << 6)
#define MB1_HAS_LOADER_NAME (1u << 9)
#define MB1_HAS_FRAMEBUFFER (1u << 12)

struct mb1_info {
    u32 flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4];
    u32 mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name, apm_table, vbe[4];
    u64 framebuffer_addr;
    u32 framebuffer_pitch, framebuffer_width, framebuffer_height;
    u8 framebuffer_bpp, framebuffer_type;
} __packed;

struct mb1_module {
    u32 start, end, cmdline, reserved;
};

struct mb1_map_entry {
    u32 size;               /* of what follows */
    u64 addr, len;
    u32 type;
} __packed;

/* --- 2 --- */
struct mb2_info {
    u32 total_size, reserved;
};

struct mb2_tag {
    u32 type, size;
};

enum mb2_tag_type {
    MB2_TAG_END = 0, MB2_TAG_CMDLINE = 1, MB2_TAG_LOADER_NAME = 2, MB2_TAG_MODULE = 3, MB2_TAG_MAP = 6,
    MB2_TAG_FRAMEBUFFER = 8, MB2_TAG_EFI64 = 12, MB2_TAG_ACPI_OLD = 14, MB2_TAG_ACPI_NEW = 15, MB2_TAG_EFI_MAP = 17,
};

struct mb2_tag_module {
    struct mb2_tag tag;
    u32 start, end;
    char cmdline[];
};

/* Of the firmware's map and of EFI's alike; entries of entry_size bytes follow. */
struct mb2_tag_map {
    struct mb2_tag tag;
    u32 entry_size, entry_version;
};

struct mb2_map_entry {
    u64 addr, len;
    u32 type, reserved;
};

struct mb2_tag_framebuffer {
    struct mb2_tag tag;
    u64 addr;
    u32 pitch, width, height;
    u8 bpp, type;
} __packed;

struct mb2_tag_efi64 {
    struct mb2_tag tag;
    u64 system_table;
};

struct efi_memory_descriptor {
    u32 type, pad;
    u64 start, virtual_start, pages, attributes;
};

#define FRAMEBUFFER_TEXT 2
