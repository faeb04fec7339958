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
    PAIR(0x80, F_MODRM | F_IMM), [0x83] = F_KNOWN | F_MODRM | F_IMM8,           /* the same, immediate */
    PAIR(0x86, F_MODRM), PAIR(0x88, F_MODRM), PAIR(0x8a, F_MODRM),              /* xchg, mov */
    PAIR(0xa4, 0), PAIR(0xaa, 0),                                               /* movs, stos */
    PAIR(0xc6, F_MODRM | F_IMM),                                                /* mov */
    PORT(0xe4, F_IMM8), PORT(0xe6, F_IMM8), PORT(0xec, 0), PORT(0xee, 0),       /* in, out, in, out */
    PAIR(0xf6, F_MODRM | F_IMM | F_GROUP3),                                     /* test, not, neg, … */
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
    unsigned int at, count;     /* at > count: there were too few */
};

static u64 take(struct cursor *c, unsigned int size)
{
    u64 value = 0;

    for (unsigned int i = 0; i < size && c->at + i < c->count; i++)
        value |= (u64)c->bytes[c->at + i] << (8 * i);
    c->at += size;
    return value;
}

static s64 take_signed(struct cursor *c, unsigned int size)
{
    const unsigned int shift = 64 - 8 * size;

    return size ? (s64)(take(c, size) << shift) >> shift : 0;
}

/*
 * Legacy prefixes in any order, then, in 64-bit code, at most one REX right before the opcode. Returns true
 * for an operand size of 16.
 */
static bool take_prefixes(struct cursor *c, bool code32, struct insn *out)
{
    bool size16 = false;

    for (; c->at < c->count; c->at++) {
        const u8 byte = c->bytes[c->at];

        switch (byte) {
        case 0x66: size16 = true; break;
        case 0x67: out->address32 = true; break;
        case 0xf0: out->lock = true; break;
        case 0xf2: out->repne = true; break;
        case 0xf3: out->rep = true; break;
        case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65: out->segment = byte; break;
        default:
            if (!code32 && (byte & 0xf0) == 0x40)
                out->rex = c->bytes[c->at++];
            return size16;
        }
    }
    return size16;
}

static void take_modrm(struct cursor *c, struct insn *out)
{
    const u8 modrm = take(c, 1), rm = modrm & 7;

    out->has_modrm = true;
    out->mod = modrm >> 6;
    out->reg = ((modrm >> 3) & 7) | (out->rex & 4 ? 8 : 0);
    out->rm = rm | (out->rex & 1 ? 8 : 0);
    /* MOV to and from control and debug registers treats mod as 3 whatever it says. */
    if (out->mod == 3 || (out->opcode & ~3) == (MAP_0F | 0x20))
        return;

    unsigned int displacement_size = out->mod == 2 ? 4 : out->mod;
    out->is_memory = true;
    out->base = out->rm;
    if (rm == 4) {
        const u8 sib = take(c, 1);

        out->scale = sib >> 6;
        out->index = ((sib >> 3) & 7) | (out->rex & 2 ? 8 : 0);
        if (out->index == 4)
            out->index = 0xff;
        out->base = (sib & 7) | (out->rex & 1 ? 8 : 0);
    }
    if ((out->base & 7) == 5 && out->mod == 0) { /* no base, or rip where no SIB byte says it */
        out->base = 0xff;
        out->rip_relative = rm == 5;
        displacement_size = 4;
    }
    out->displacement = take_signed(c, displacement_size);
}

bool insn_decode(const u8 *bytes, unsigned int count, bool code32, struct insn *out)
{
    struct cursor c = { .bytes = bytes, .count = min(count, (unsigned int)INSN_MAX) };

    *out = (struct insn){ .base = 0xff, .index = 0xff };
    const bool size16 = take_prefixes(&c, code32, out);
    out->opcode = take(&c, 1);
    if (out->opcode == 0x0f)
        out->opcode = MAP_0F | take(&c, 1);
    u8 flags = opcodes[out->opcode];
    if (!(flags & F_KNOWN) || (code32 && flags & F_MODRM))
        return false;

    const bool size64 = flags & F_LONG || (out->rex & 8 && !(flags & F_WORD));
    out->operand_size = flags & F_BYTE ? 1 : size64 ? 8 : size16 ? 2 : 4;
    if (flags & F_MODRM)
        take_modrm(&c, out);
    if (flags & F_GROUP3 && (out->reg & 7) > 1)
        flags &= ~F_IMM;
    out->immediate = take_signed(&c, flags & F_IMM8 ? 1 : flags & F_IMM ? min(out->operand_size, (u8)4) : 0);
    out->length = c.at;
    return c.at <= c.count;
}
