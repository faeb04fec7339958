/* SPDX-License-Identifier: MIT */
/*
 * A decoder for 64-bit code, and for what has no ModRM byte of 32-bit code: from bytes to prefixes, opcode,
 * operands and length. Pure: it touches neither guest nor processor, and the host tests use it unedited. (SDM
 * vol. 2, chapter 2 and appendix A)
 */
#pragma once

#include "lib/lib.h"

#define INSN_MAX 15

/* In struct insn's opcode: the byte is the second of two, 0f xx. */
#define MAP_0F 0x100

struct insn {
    u16 opcode;             /* the byte, or MAP_0F | byte */
    u8 length;
    u8 operand_size;        /* 1, 2, 4 or 8: of the operand that the opcode names */
    bool lock, rep, repne;
    bool address32;         /* 67 in 64-bit code: effective addresses wrap at 32 bits */
    bool has_modrm, is_memory;
    u8 rex;                 /* 0: none */
    u8 segment;             /* 0, or the prefix byte: 64 fs, 65 gs, … */
    u8 mod, reg, rm;        /* reg and rm with their REX bits; rm: register number where !is_memory */
    /*
     * Effective address, where is_memory: base + (index << scale) + disp; 0xff: none; rip: after this
     * instruction.
     */
    u8 base, index, scale;
    bool rip_relative;
    s64 displacement;
    u64 immediate;          /* sign-extended to 64 bits */
};

/*
 * Decodes the instruction at bytes[0 … count). True where it is one that this decoder knows and that lies
 * within count bytes; the set is what the emulators of pv/ may meet, no more.
 */
bool insn_decode(const u8 *bytes, unsigned int count, bool code32, struct insn *out);
