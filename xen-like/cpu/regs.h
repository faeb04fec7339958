/* SPDX-License-Identifier: MIT */
/* Control and debug registers, segment selectors: single instructions under their names. */
#ifndef CPU_REGS_H
#define CPU_REGS_H

#include "cpu/extable.h"
#include "lib/types.h"

#define CR0_PE 0x1
#define CR0_MP 0x2
#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR0_ET 0x10
#define CR0_NE 0x20
#define CR0_WP 0x10000
#define CR0_AM 0x40000
#define CR0_NW 0x20000000
#define CR0_CD 0x40000000
#define CR0_PG 0x80000000

#define CR4_TSD        (1u << 2)
#define CR4_DE         (1u << 3)
#define CR4_PSE        (1u << 4)
#define CR4_PAE        (1u << 5)
#define CR4_MCE        (1u << 6)
#define CR4_PGE        (1u << 7)
#define CR4_PCE        (1u << 8)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

#define DR6_STATUS  0xe00fUL        /* B0 to B3, BD, BS, BT */
#define DR6_DEFAULT 0xffff0ff0UL
#define DR7_DEFAULT 0x400UL

#define REG_ACCESSORS(reg)                                                                          \
    static inline unsigned long read_##reg(void)                                                    \
    {                                                                                               \
        unsigned long value;                                                                        \
        __asm__ __volatile__("mov %%" #reg ", %0" : "=r"(value));                                   \
        return value;                                                                               \
    }                                                                                               \
    static inline void write_##reg(unsigned long value)                                             \
    {                                                                                               \
        __asm__ __volatile__("mov %0, %%" #reg : : "r"(value) : "memory");                          \
    }

REG_ACCESSORS(cr0)
REG_ACCESSORS(cr2)
REG_ACCESSORS(cr3)
REG_ACCESSORS(cr4)
REG_ACCESSORS(dr0)
REG_ACCESSORS(dr1)
REG_ACCESSORS(dr2)
REG_ACCESSORS(dr3)
REG_ACCESSORS(dr6)
REG_ACCESSORS(dr7)

static inline void clts(void)
{
    __asm__ __volatile__("clts" ::: "memory");
}

static inline void swapgs(void)
{
    __asm__ __volatile__("swapgs" ::: "memory");
}

#define SELECTOR_ACCESSORS(seg)                                                                     \
    static inline u16 read_##seg(void)                                                              \
    {                                                                                               \
        u16 selector;                                                                               \
        __asm__ __volatile__("mov %%" #seg ", %0" : "=r"(selector));                                \
        return selector;                                                                            \
    }                                                                                               \
    /* False where the descriptor is not there or not fit; the register is then null. */            \
    static inline bool load_##seg(u16 selector)                                                     \
    {                                                                                               \
        u32 ok = 0;                                                                                 \
        __asm__ __volatile__("1: mov %1, %%" #seg "\n\t"                                            \
                             "movl $1, %0\n\t"                                                      \
                             "jmp 3f\n"                                                             \
                             "2: mov %0, %%" #seg "\n"                                              \
                             "3:\n\t" EXTABLE(1b, 2b)                                               \
                             : "+r"(ok) : "r"((u32)selector) : "memory");                           \
        return ok;                                                                                  \
    }

SELECTOR_ACCESSORS(ds)
SELECTOR_ACCESSORS(es)
SELECTOR_ACCESSORS(fs)
SELECTOR_ACCESSORS(gs)

#endif
