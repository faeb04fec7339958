/* SPDX-License-Identifier: MIT */
/*
 * The decoder. One table row a known opcode says what follows it; the rest is the same for all.
 */
#include "pv/decode.h"

#define F_KNOWN  0x01
#define F_MODRM  0x02
#define F_BYTE   0x04   /* operand is a byte whatever the prefixes */
#define F_IMM8   0x08
#define F_IMM    0x10   /* 1, 2 or 4 bytes by operand size */
#define F_GROUP3 0x20   /* immediate only for /0 and /1 (f6, f7) */
#define F_LONG   0x40   /* operand is 64 bits whatever the prefixes */
#define F_WORD   0x80   /* no 64-bit form: rex.w is ignored (in, out, ins, outs) */

/* Most come in pairs: of a byte, and of the operand size. */
#define PLAIN(op)           [op] = F_KNOWN
#define PAIR(op, flags)     [op] = F_KNOWN | F_BYTE | (flags), [(op) + 1] = F_KNOWN | (flags)
#define ALU(op)             PAIR(op, F_MODRM), PAIR((op) + 2, F_MODRM)
#define PORT(op, flags)     [op] = F_KNOWN | F_BYTE | (flags), [(op) + 1] = F_KNOWN | F_WORD | (flags)
#define MODRM(op)           [op] = F_KNOWN | F_MODRM
#define REGISTER(op)        [op] = F_KNOWN | F_MODRM | F_LONG

static const u8 opcodes[0x200] = {
    ALU(0x00), ALU(0x08), ALU(0x10), ALU(0x18), ALU(0x20), ALU(0x28), ALU(0x30), ALU(0x38),
    PORT(0x6c, 0), PORT(0x6e, 0),                                               /* ins, outs */
    [0x80] = F_KNOWN | F_MODRM | F_BYTE | F_IMM8, [0x81] = F_KNOWN | F_MODRM | F_IMM,
    [0x83] = F_KNOWN | F_MODRM | F_IMM8,
    PAIR(0x86, F_MODRM), PAIR(0x88, F_MODRM), PAIR(0x8a, F_MODRM),              /* xchg, mov */
    PAIR(0xa4, 0), PAIR(0xaa, 0),                                               /* movs, stos */
    [0xc6] = F_KNOWN | F_MODRM | F_BYTE | F_IMM8, [0xc7] = F_KNOWN | F_MODRM | F_IMM,
    PORT(0xe4, F_IMM8), PORT(0xe6, F_IMM8), PORT(0xec, 0), PORT(0xee, 0),       /* in, out, in, out */
    [0xf6] = F_KNOWN | F_MODRM | F_BYTE | F_IMM8 | F_GROUP3, [0xf7] = F_KNOWN | F_MODRM | F_IMM | F_GROUP3,
    PLAIN(0xf4), PLAIN(0xfa), PLAIN(0xfb),                                      /* hlt, cli, sti */
    PAIR(0xfe, F_MODRM),                                                        /* inc, dec, … */
    MODRM(MAP_0F | 0x01),                                                       /* lmsw, xsetbv, rdtscp, … */
    PLAIN(MAP_0F | 0x06), PLAIN(MAP_0F | 0x08), PLAIN(MAP_0F | 0x09),           /* clts, invd, wbinvd */
    REGISTER(MAP_0F | 0x20), REGISTER(MAP_0F | 0x21), REGISTER(MAP_0F | 0x22), REGISTER(MAP_0F | 0x23),
    PLAIN(MAP_0F | 0x30), PLAIN(MAP_0F | 0x31), PLAIN(MAP_0F | 0x32),           /* wrmsr, rdtsc, rdmsr */
    PLAIN(MAP_0F | 0x33), PLAIN(MAP_0F | 0xa2),                                 /* rdpmc, cpuid */
    MODRM(MAP_0F | 0xab), MODRM(MAP_0F | 0xb3), MODRM(MAP_0F | 0xbb),           /* bts, btr, btc */
    PAIR(MAP_0F | 0xb0, F_MODRM), PAIR(MAP_0F | 0xc0, F_MODRM),                 /* cmpxchg, xadd */
    [MAP_0F | 0xba] = F_KNOWN | F_MODRM | F_IMM8,                               /* bt group */
    MODRM(MAP_0F | 0xc3),                                                       /* movnti */
};

/* The bytes not yet looked at. */
struct cursor {
    const u8 *bytes;
    unsigned int at, count;
    bool overrun;
};

static u64 take(struct cursor *c, unsigned int size)
{
    u64 value = 0;

    if (c->at + size > c->count) {
        c->overrun = true;
        return 0;
    }
    for (unsigned int i = 0; i < size; i++)
        value |= (u64)c->bytes[c->at++] << (8 * i);
    return value;
}

static s64 take_signed(struct cursor *c, unsigned int size)
{
    unsigned int shift = 64 - 8 * size;

    return (s64)(take(c, size) << shift) >> shift;
}

static bool is_prefix(u8 byte)
{
    return byte == 0x66 || byte == 0x67 || byte == 0xf0 || byte == 0xf2 || byte == 0xf3 || byte == 0x26 ||
           byte == 0x2e || byte == 0x36 || byte == 0x3e || byte == 0x64 || byte == 0x65;
}

/*
 * Legacy prefixes in any order, then, in 64-bit code, at most one REX right before the opcode. Returns true
 * for an operand size of 16.
 */
static bool take_prefixes(struct cursor *c, bool code32, struct insn *out)
{
    bool size16 = false;

    while (c->at < c->count && is_prefix(c->bytes[c->at])) {
        u8 prefix = c->bytes[c->at++];

        switch (prefix) {
        case 0x66: size16 = true; break;
        case 0x67: out->address32 = true; break;
        case 0xf0: out->lock = true; break;
        case 0xf2: out->repne = true; break;
        case 0xf3: out->rep = true; break;
        default:   out->segment = prefix; break;
        }
    }
    if (!code32 && c->at < c->count && (c->bytes[c->at] & 0xf0) == 0x40)
        out->rex = c->bytes[c->at++];
    return size16;
}

static void take_modrm(struct cursor *c, struct insn *out)
{
    u8 modrm = take(c, 1), rm = modrm & 7;

    out->has_modrm = true;
    out->mod = modrm >> 6;
    out->reg = ((modrm >> 3) & 7) | (out->rex & 4 ? 8 : 0);
    out->rm = rm | (out->rex & 1 ? 8 : 0);
    out->base = out->index = 0xff;
    /* MOV to and from control and debug registers treats mod as 3 whatever it says. */
    if (out->mod == 3 || (out->opcode & ~3) == (MAP_0F | 0x20))
        return;

    out->is_memory = true;
    out->base = out->rm;
    if (rm == 4) {
        u8 sib = take(c, 1);

        out->scale = sib >> 6;
        out->index = ((sib >> 3) & 7) | (out->rex & 2 ? 8 : 0);
        if (out->index == 4)
            out->index = 0xff;
        out->base = (sib & 7) | (out->rex & 1 ? 8 : 0);
        if ((sib & 7) == 5 && out->mod == 0) {
            out->base = 0xff;
            out->displacement = take_signed(c, 4);
        }
    } else if (rm == 5 && out->mod == 0) {
        out->base = 0xff;
        out->rip_relative = true;
        out->displacement = take_signed(c, 4);
    }
    if (out->mod == 1)
        out->displacement = take_signed(c, 1);
    else if (out->mod == 2)
        out->displacement = take_signed(c, 4);
}

static u8 operand_size(u8 flags, bool size16, u8 rex)
{
    if (flags & F_BYTE)
        return 1;
    if (flags & F_LONG)
        return 8;
    if ((rex & 8) && !(flags & F_WORD))
        return 8;
    return size16 ? 2 : 4;
}

bool insn_decode(const u8 *bytes, unsigned int count, bool code32, struct insn *out)
{
    struct cursor c = { .bytes = bytes, .count = min(count, (unsigned int)INSN_MAX) };
    bool size16, wants_immediate;
    u8 flags;

    *out = (struct insn){ .base = 0xff, .index = 0xff };
    size16 = take_prefixes(&c, code32, out);
    out->opcode = take(&c, 1);
    if (out->opcode == 0x0f)
        out->opcode = MAP_0F | take(&c, 1);
    flags = c.overrun ? 0 : opcodes[out->opcode];
    if (!(flags & F_KNOWN) || (code32 && (flags & F_MODRM)))
        return false;

    out->operand_size = operand_size(flags, size16, out->rex);
    if (flags & F_MODRM)
        take_modrm(&c, out);
    wants_immediate = !(flags & F_GROUP3) || (out->reg & 7) < 2;
    if (wants_immediate && (flags & F_IMM8))
        out->immediate_size = 1;
    else if (wants_immediate && (flags & F_IMM))
        out->immediate_size = min(out->operand_size, (u8)4);
    if (out->immediate_size)
        out->immediate = (u64)take_signed(&c, out->immediate_size);
    out->length = c.at;
    return !c.overrun;
}
