/* SPDX-License-Identifier: MIT */
/*
 * Names of functions for backtraces, from a table that the build makes out of a
 * first link and adds in the second (gen-symbols.py), and the walk up the frame pointers.
 */
#include <minios/kernel.h>

#include "internal.h"

/* Functions by their offset from image_start, ascending, each with the place of its name in symbol_names. */
extern const uint32_t symbol_count;
extern const struct {
    uint32_t offset, name;
} symbol_table[];
extern const char symbol_names[];

#define BACKTRACE_DEPTH 32

const char *kernel_symbol(uintptr_t addr, size_t *offset)
{
    uint32_t low = 0, high = symbol_count;

    if (addr < (uintptr_t)image_start || addr >= (uintptr_t)text_end) {
        return NULL;
    }
    /* The last symbol that starts at or below addr. */
    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (symbol_table[mid].offset <= addr - (uintptr_t)image_start) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    if (!low) {
        return NULL;
    }
    if (offset) {
        *offset = addr - (uintptr_t)image_start - symbol_table[low - 1].offset;
    }
    return symbol_names + symbol_table[low - 1].name;
}

static void print_address(uint64_t rip)
{
    size_t offset = 0;
    const char *name = kernel_symbol(rip, &offset);

    printk("  %016lx  %s+0x%zx\n", rip, name ? name : "?", offset);
}

void backtrace_from(uint64_t rip, uint64_t rbp)
{
    printk("call chain:\n");
    print_address(rip);
    for (unsigned int depth = 0; rbp && depth < BACKTRACE_DEPTH; depth++) {
        uint64_t caller, up;

        if ((rbp & 7) || !probe_read((const uint64_t *)rbp + 1, &caller) ||
            !probe_read((const uint64_t *)rbp, &up) || !kernel_symbol(caller, NULL)) {
            break;
        }
        /* The call is before the return address, perhaps at the very end of its function. */
        print_address(caller - 1);
        if (up <= rbp) {
            break;
        }
        rbp = up;
    }
}

void kernel_backtrace(void)
{
    const uint64_t *frame = __builtin_frame_address(0);

    backtrace_from(frame[1], frame[0]);
}
