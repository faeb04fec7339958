/* SPDX-License-Identifier: MIT */
/*
 * Writes of a guest's kernel to its own page tables, which are mapped read-only. The faulting instruction is
 * carried out here: its result is computed from the entry as it is, and mm/ stores it where the new entry is
 * allowed.
 */
#include "pv/emulate.h"

/* --- arithmetic with flags: done by the processor itself --- */

#define ARITHMETIC_FLAGS 0x8d5u /* OF SF ZF AF PF CF */

#define ALU_INSN(insn_and_operands)                                                                        \
    __asm__("push %3; popfq; " insn_and_operands "; pushfq; pop %1"                                        \
            : "+r"(a), "=&r"(after) : "r"(b), "r"(before) : "cc", "memory")
#define ALU_CASE(nr, insn)                                                                                 \
    case nr:                                                                                               \
        switch (size) {                                                                                    \
        case 1:  ALU_INSN(insn "b %b2, %b0"); break;                                                       \
        case 2:  ALU_INSN(insn "w %w2, %w0"); break;                                                       \
        case 4:  ALU_INSN(insn "l %k2, %k0"); break;                                                       \
        default: ALU_INSN(insn "q %2, %0"); break;                                                         \
        }                                                                                                  \
        break

/* nr: as in the opcode and in group 1: add or adc sbb and sub xor cmp. Returns a op b. */
static u64 alu(unsigned int nr, unsigned int size, u64 a, u64 b, u64 *rflags)
{
    u64 before = (*rflags & ARITHMETIC_FLAGS) | RFLAGS_IF | RFLAGS_ALWAYS, after = 0;

    switch (nr & 7) {
    ALU_CASE(0, "add");
    ALU_CASE(1, "or");
    ALU_CASE(2, "adc");
    ALU_CASE(3, "sbb");
    ALU_CASE(4, "and");
    ALU_CASE(5, "sub");
    ALU_CASE(6, "xor");
    ALU_CASE(7, "cmp");
    }
    *rflags = (*rflags & ~(u64)ARITHMETIC_FLAGS) | (after & ARITHMETIC_FLAGS);
    return a;
}

/* nr: as in the opcode and in group 8: 5 bts, 6 btr, 7 btc. */
static u64 bit_op(unsigned int nr, u64 old, unsigned int bit, u64 *rflags)
{
    const u64 mask = 1UL << bit;

    *rflags = (*rflags & ~(u64)RFLAGS_CF) | (old & mask ? RFLAGS_CF : 0);
    return nr == 5 ? old | mask : nr == 6 ? old & ~mask : old ^ mask;
}

/* --- one instruction --- */

struct pt_write {
    u64 old, new_value, rflags;
    bool writes;        /* false: a comparison that fails leaves memory alone */
    bool atomic;        /* stored only if the entry still is old */
    int loads;          /* number of the register that gets old, -1: none does */
};

static void arithmetic(struct pt_write *w, unsigned int nr, unsigned int size, u64 operand)
{
    w->writes = nr != 7;
    w->new_value = alu(nr, size, w->old, operand, &w->rflags);
}

/* Computes what the instruction would store over w->old. False: not an instruction for page tables. */
static bool compute(const struct emulation *e, struct pt_write *w)
{
    const struct insn *i = &e->insn;
    const unsigned int size = i->operand_size, group = i->reg & 7;
    const u64 reg = emul_read_register(e, i->reg, size);    /* rax where there is no ModRM byte */

    switch (i->opcode) {
    case 0x88: case 0x89: case MAP_0F | 0xc3:                   /* mov, movnti */
    case 0xaa: case 0xab:                                       /* stos */
        w->atomic = false;
        w->new_value = reg;
        return true;
    case 0xc6: case 0xc7:                                       /* mov */
        w->atomic = false;
        w->new_value = i->immediate;
        return group == 0;
    case 0x86: case 0x87:                                       /* xchg */
        w->loads = i->reg;
        w->new_value = reg;
        return true;
    case MAP_0F | 0xb0: case MAP_0F | 0xb1:                     /* cmpxchg */
        alu(7, size, emul_read_register(e, 0, size), w->old, &w->rflags);
        w->writes = w->rflags & RFLAGS_ZF;
        w->loads = w->writes ? -1 : 0;
        w->new_value = reg;
        return true;
    case MAP_0F | 0xc0: case MAP_0F | 0xc1:                     /* xadd */
        w->loads = i->reg;
        arithmetic(w, 0, size, reg);
        return true;
    case 0x80: case 0x81: case 0x83:                            /* add, or, … with an immediate */
        arithmetic(w, group, size, i->immediate);
        return true;
    case MAP_0F | 0xab: case MAP_0F | 0xb3: case MAP_0F | 0xbb: /* bts, btr, btc */
        w->new_value = bit_op((i->opcode >> 3) & 7, w->old, reg % (size * 8), &w->rflags);
        return true;
    case MAP_0F | 0xba:                                         /* the same with an immediate */
        w->new_value = bit_op(group, w->old, i->immediate % (size * 8), &w->rflags);
        return group >= 5;
    case 0xf6: case 0xf7:                                       /* not, neg */
        w->new_value = group == 2 ? ~w->old : alu(5, size, 0, w->old, &w->rflags);
        return group == 2 || group == 3;
    case 0xfe: case 0xff: {                                     /* inc, dec: CF stays */
        const u64 carry = w->rflags & RFLAGS_CF;

        arithmetic(w, group ? 5 : 0, size, 1);
        w->rflags = (w->rflags & ~(u64)RFLAGS_CF) | carry;
        return group < 2;
    }
    default:                                                    /* add, or, … with a register */
        arithmetic(w, (i->opcode >> 3) & 7, size, reg);
        return i->opcode < 0x40 && (i->opcode & 7) < 2;
    }
}

/* The instruction at regs->rip, which faulted when it wrote to cr2 in the L1 table f. */
static bool emulate_write(struct vcpu *v, struct cpu_user_regs *regs, unsigned long cr2, struct frame *f)
{
    struct pt_write w = { .rflags = regs->rflags, .writes = true, .atomic = true, .loads = -1 };
    struct emulation e;

    if (!emulation_start(&e, v, regs) || e.code32)
        return false;
    const unsigned int size = e.insn.operand_size;
    const bool stos = e.insn.opcode == 0xaa || e.insn.opcode == 0xab;
    const unsigned long address = stos ? regs->rdi : emul_effective_address(&e);
    /* A bit string's bit may lie beyond the operand; then the address is not the one that faulted. */
    if ((!stos && !e.insn.is_memory) || address != cr2 || cr2 % size)
        return false;
    w.old = ptwr_load(f, cr2, size);
    if (!compute(&e, &w))
        return false;
    if (w.writes) {
        u64 found;

        if (!ptwr_store(f, v->domain, cr2, w.old, w.new_value, size, w.atomic, &found))
            return false;
        if (w.atomic && found != w.old)
            return true; /* somebody else was faster: the instruction is run again */
    }

    regs->rflags = w.rflags;
    if (w.loads >= 0)
        emul_write_register(&e, w.loads, size, w.old);
    if (stos) {
        regs->rdi += regs->rflags & RFLAGS_DF ? -(u64)size : size;
        if (e.insn.rep && --regs->rcx)
            return true; /* the next iteration faults again */
    }
    emulation_end(&e);
    return true;
}

bool pv_emulate_pt_write(struct vcpu *v, struct cpu_user_regs *regs, unsigned long cr2)
{
    struct frame *f = ptwr_get(v, cr2);

    if (!f)
        return false;
    const bool done = emulate_write(v, regs, cr2, f);
    frame_put(f);
    return done;
}
