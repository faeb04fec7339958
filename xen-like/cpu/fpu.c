/* SPDX-License-Identifier: MIT */
/* Saves and restores the floating-point and vector registers (SDM vol. 1, chapters 10.5 and 13). */
#include "cpu/fpu.h"

#include "cpu/asm.h"
#include "cpu/features.h"

/* Where things lie in an area; FXSAVE uses it up to the end of XMM15. */
enum { FCW_AT = 0, MXCSR_AT = 24, ST0_AT = 32, XMM0_AT = 160, FXSAVE_USED = 416, XSTATE_BV_AT = 512 };

/* Of the instructions on an area: RDX and RAX choose the components for those that ask. */
#define OPERANDS "r"(area), "a"((u32)cpu.xcr0), "d"((u32)(cpu.xcr0 >> 32))

static void set_xcr0(u64 value)
{
    if (cpu.xsave)
        xsetbv(value);
}

void fpu_save(void *area)
{
    set_xcr0(cpu.xcr0);
    if (!cpu.xsave)
        __asm__ __volatile__("fxsave64 (%0)" : : OPERANDS : "memory");
    else if (cpu.xsaveopt)
        __asm__ __volatile__("xsaveopt64 (%0)" : : OPERANDS : "memory");
    else
        __asm__ __volatile__("xsave64 (%0)" : : OPERANDS : "memory");
}

/* False where the processor refuses the state. */
static bool load(const void *area)
{
    if (cpu.xsave)
        __asm__ goto("1: xrstor64 (%0)\n\t" EXTABLE(1b, %l[refused]) : : OPERANDS : "memory" : refused);
    else
        __asm__ goto("1: fxrstor64 (%0)\n\t" EXTABLE(1b, %l[refused]) : : OPERANDS : "memory" : refused);
    return true;
refused:
    return false;
}

void fpu_restore(void *area, u64 xcr0)
{
    static const u32 zero;

    set_xcr0(cpu.xcr0);
    /*
     * AMD's loads keep the last instruction's addresses unless an exception is pending: put ours there first.
     */
    if (cpu.amd)
        __asm__ __volatile__("fnclex; ffree %%st(7); fildl %0" : : "m"(zero));
    if (!load(area)) {
        fpu_init_state(area);
        load(area);
    }
    if (xcr0 && xcr0 != cpu.xcr0)
        set_xcr0(xcr0);
}

void fpu_init_state(void *area)
{
    memset(area, 0, cpu.xsave_size);
    *(u16 *)((char *)area + FCW_AT) = 0x37f;
    *(u32 *)((char *)area + MXCSR_AT) = 0x1f80;
    if (cpu.xsave)
        *(u64 *)((char *)area + XSTATE_BV_AT) = 3;
}

void fpu_import_fxsave(void *area, const void *fxsave)
{
    fpu_init_state(area);
    memcpy(area, fxsave, FXSAVE_USED);
    *(u32 *)((char *)area + MXCSR_AT) &= cpu.mxcsr_mask;
}

void fpu_export_fxsave(const void *area, void *fxsave)
{
    u64 present = cpu.xsave ? *(const u64 *)((const char *)area + XSTATE_BV_AT) : 3;
    char *to = fxsave;

    memset(to, 0, 512);
    memcpy(to, area, FXSAVE_USED);
    /* XSAVEOPT leaves out what is in its initial state. */
    if (!(present & 1)) {
        memset(to, 0, MXCSR_AT);
        *(u16 *)(to + FCW_AT) = 0x37f;
        memset(to + ST0_AT, 0, XMM0_AT - ST0_AT);
    }
    if (!(present & 2))
        memset(to + XMM0_AT, 0, FXSAVE_USED - XMM0_AT);
}
