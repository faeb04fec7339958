/* SPDX-License-Identifier: MIT */
/*
 * Control and debug registers, flags, exceptions, segment selectors: numbers, and single instructions under
 * their names.
 */
#pragma once

#define CR0_PE 0x1
#define CR0_MP 0x2
#define CR0_TS 0x8
#define CR0_ET 0x10
#define CR0_NE 0x20
#define CR0_WP 0x10000
#define CR0_AM 0x40000
#define CR0_PG 0x80000000

#define CR4_TSD        (1u << 2)
#define CR4_DE         (1u << 3)
#define CR4_PAE        (1u << 5)
#define CR4_MCE        (1u << 6)
#define CR4_PGE        (1u << 7)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

#define DR6_STATUS  0xe00fUL        /* B0 to B3, BD, BS, BT */
#define DR6_DEFAULT 0xffff0ff0UL
#define DR7_DEFAULT 0x400UL

/* Exceptions of the architecture (SDM vol. 3A, table 6-1). */
#define TRAP_DEBUG        1
#define TRAP_NMI          2
#define TRAP_INVALID_OP   6
#define TRAP_NO_DEVICE    7
#define TRAP_DOUBLE_FAULT 8
#define TRAP_GP_FAULT     13
#define TRAP_PAGE_FAULT   14
#define TRAP_MACHINE      18
#define TRAP_INT80        0x80    /* not an exception: `int $0x80`, which has a gate for guests */

/* Those for which the processor pushes an error code: #DF; #TS, #NP, #SS, #GP, #PF; #AC; #CP. */
#define TRAPS_WITH_CODE (1 << 8 | 0x1f << 10 | 1 << 17 | 1 << 21)

#define PF_PRESENT 0x1
#define PF_WRITE   0x2
#define PF_USER    0x4
#define PF_RSVD    0x8

#define RFLAGS_CF         0x1
#define RFLAGS_ALWAYS     0x2
#define RFLAGS_ZF         0x40
#define RFLAGS_TF         0x100
#define RFLAGS_IF         0x200
#define RFLAGS_DF         0x400
#define RFLAGS_IOPL       0x3000
#define RFLAGS_IOPL_SHIFT 12
#define RFLAGS_NT         0x4000
#define RFLAGS_RF         0x10000
#define RFLAGS_VM         0x20000
#define RFLAGS_AC         0x40000
#define RFLAGS_VIF        0x80000
#define RFLAGS_VIP        0x100000

#ifndef __ASSEMBLY__

#include "cpu/asm.h"

/* A control, debug or segment register: read_reg(cr2), write_reg(dr7, value). */
#define read_reg(reg)                                                                               \
    ({ unsigned long value_; __asm__ __volatile__("mov %%" #reg ", %0" : "=r"(value_)); value_; })
#define write_reg(reg, value)                                                                       \
    __asm__ __volatile__("mov %0, %%" #reg : : "r"((unsigned long)(value)) : "memory")

static inline void clts(void) { __asm__ __volatile__("clts" ::: "memory"); }

static inline void swapgs(void) { __asm__ __volatile__("swapgs" ::: "memory"); }

/* load_ds() and its like: false where the descriptor is not there or not fit; the register is then null. */
#define SELECTOR_LOADER(seg)                                                                        \
    static inline bool load_##seg(u16 selector)                                                     \
    {                                                                                               \
        __asm__ goto("1: mov %0, %%" #seg "\n\t" EXTABLE(1b, %l[unfit])                             \
                     : : "r"((u32)selector) : "memory" : unfit);                                    \
        return true;                                                                                \
    unfit:                                                                                          \
        write_reg(seg, 0);                                                                          \
        return false;                                                                               \
    }

SELECTOR_LOADER(ds)
SELECTOR_LOADER(es)
SELECTOR_LOADER(fs)
SELECTOR_LOADER(gs)

#endif
