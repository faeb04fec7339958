/* SPDX-License-Identifier: MIT */
/* What the emulators share: an instruction with the state that it works on. */
#pragma once

#include "pv/decode.h"
#include "pv/internal.h"

/* What became of an instruction; the first two are what a bool says, where nothing else can be. */
enum emulated {
    EMUL_FAULT = false,     /* the guest gets the fault that it raised */
    EMUL_DONE = true,       /* rip moves on by the instruction's length */
    EMUL_STAYS,             /* rip stays: more iterations, another try, or another fault, which is injected */
};

struct emulation {
    struct vcpu *v;
    struct cpu_user_regs *regs;
    struct insn insn;
    bool code32;
};

/* Reads and decodes the instruction at rip; false where it cannot be read, or is unknown. */
bool emulation_start(struct emulation *e, struct vcpu *v, struct cpu_user_regs *regs);
/* To the next instruction. */
void emulation_end(struct emulation *e);

/* The register of that number (0: rax … 15: r15). */
u64 *emul_register(struct cpu_user_regs *regs, unsigned int nr);
/* Value of a register operand of size bytes, with ah to bh where the encoding means them. */
u64 emul_read_register(const struct emulation *e, unsigned int nr, unsigned int size);
void emul_write_register(const struct emulation *e, unsigned int nr, unsigned int size, u64 value);
u64 emul_edx_eax(const struct emulation *e);
void emul_set_edx_eax(struct emulation *e, u64 value);
unsigned long emul_effective_address(const struct emulation *e);

/* Instructions with a file of their own. */
enum emulated emul_io(struct emulation *e); /* in, out, ins, outs */
enum emulated emul_rdmsr(struct emulation *e);
enum emulated emul_wrmsr(struct emulation *e);
