/* SPDX-License-Identifier: MIT */
/*
 * Writes of a guest's kernel to its own page tables, which are mapped read-only. The faulting instruction is
 * carried out here: its result is computed from the entry as it is, and mm/ stores it where the new entry is
 * allowed.
 */
#include "domain/domain.h"
#include "mm/guest.h"
#include "mm/mm.h"
#include "pv/emulate.h"

/* How an instruction makes the new value of its memory operand; which one it is says the table below. */
enum pt_op { PT_NONE, PT_MOV_REG, PT_MOV_IMM, PT_XCHG, PT_CMPXCHG, PT_XADD, PT_ALU_REG, PT_ALU_IMM, PT_BT_REG,
             PT_BT_IMM, PT_UNARY, PT_INCDEC, PT_STOS };

static enum pt_op classify(const struct insn *i)
{
    switch (i->opcode) {
    case 0x88: case 0x89: case MAP_0F | 0xc3:   return PT_MOV_REG;
    case 0xc6: case 0xc7:                       return PT_MOV_IMM;
    case 0x86: case 0x87:                       return PT_XCHG;
    case MAP_0F | 0xb0: case MAP_0F | 0xb1:     return PT_CMPXCHG;
    case MAP_0F | 0xc0: case MAP_0F | 0xc1:     return PT_XADD;
    case 0x80: case 0x81: case 0x83:            return PT_ALU_IMM;
    case MAP_0F | 0xab: case MAP_0F | 0xb3: case MAP_0F | 0xbb: return PT_BT_REG;
    case MAP_0F | 0xba:                         return PT_BT_IMM;
    case 0xf6: case 0xf7:                       return PT_UNARY;
    case 0xfe: case 0xff:                       return PT_INCDEC;
    case 0xaa: case 0xab:                       return PT_STOS;
    default:
        return i->opcode < 0x40 && (i->opcode & 7) < 2 ? PT_ALU_REG : PT_NONE;
    }
}

/* --- arithmetic with flags: done by the processor itself --- */

#define ARITHMETIC_FLAGS 0x8d5u /* OF SF ZF AF PF CF */

#define ALU_CASE(nr, insn)                                                                                 \
    case nr:                                                                                               \
        switch (size) {                                                                                    \
        case 1: __asm__("push %3; popfq; " insn "b %b2, %b0; pushfq; pop %1"                               \
                        : "+q"(a), "=&r"(after) : "q"(b), "r"(before) : "cc", "memory"); break;           \
        case 2: __asm__("push %3; popfq; " insn "w %w2, %w0; pushfq; pop %1"                               \
                        : "+r"(a), "=&r"(after) : "r"(b), "r"(before) : "cc", "memory"); break;           \
        case 4: __asm__("push %3; popfq; " insn "l %k2, %k0; pushfq; pop %1"                               \
                        : "+r"(a), "=&r"(after) : "r"(b), "r"(before) : "cc", "memory"); break;           \
        default: __asm__("push %3; popfq; " insn "q %2, %0; pushfq; pop %1"                                \
                         : "+r"(a), "=&r"(after) : "r"(b), "r"(before) : "cc", "memory"); break;          \
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

static u64 bit_op(unsigned int nr, u64 old, unsigned int bit, u64 *rflags)
{
    u64 mask = 1UL << bit;

    *rflags = (*rflags & ~1UL) | (old & mask ? 1 : 0);
    switch (nr) {
    case 5:  return old | mask;     /* bts */
    case 6:  return old & ~mask;    /* btr */
    default: return old ^ mask;     /* btc */
    }
}

/* --- one instruction --- */

struct pt_write {
    u64 old, new_value;
    u64 rflags;
    bool writes;        /* false: a comparison that fails leaves memory alone */
    bool atomic;        /* stored only if the entry still is old */
};

/* Computes what the instruction would store over w->old. False: not an instruction for page tables. */
static bool compute(const struct emulation *e, enum pt_op op, struct pt_write *w)
{
    const struct insn *i = &e->insn;
    unsigned int size = i->operand_size, group = i->reg & 7;
    u64 reg = i->has_modrm ? emul_read_register(e, i->reg, size) : 0;

    w->writes = w->atomic = true;
    switch (op) {
    case PT_MOV_REG:
        w->atomic = false;
        w->new_value = reg;
        return true;
    case PT_MOV_IMM:
        w->atomic = false;
        w->new_value = i->immediate;
        return group == 0;
    case PT_STOS:
        w->atomic = false;
        w->new_value = emul_read_register(e, 0, size);
        return true;
    case PT_XCHG:
        w->new_value = reg;
        return true;
    case PT_CMPXCHG:
        alu(7, size, emul_read_register(e, 0, size), w->old, &w->rflags);
        w->writes = w->rflags & 0x40;
        w->new_value = reg;
        return true;
    case PT_XADD:
        w->new_value = alu(0, size, w->old, reg, &w->rflags);
        return true;
    case PT_ALU_REG:
        w->writes = (i->opcode >> 3) != 7;
        w->new_value = alu(i->opcode >> 3, size, w->old, reg, &w->rflags);
        return true;
    case PT_ALU_IMM:
        w->writes = group != 7;
        w->new_value = alu(group, size, w->old, i->immediate, &w->rflags);
        return true;
    case PT_BT_REG:
        w->new_value = bit_op((i->opcode >> 3) & 7, w->old, reg % (size * 8), &w->rflags);
        return true;
    case PT_BT_IMM:
        w->new_value = bit_op(group, w->old, i->immediate % (size * 8), &w->rflags);
        return group >= 5;
    case PT_UNARY:
        if (group == 2)
            w->new_value = ~w->old;
        else if (group == 3)
            w->new_value = alu(5, size, 0, w->old, &w->rflags);
        return group == 2 || group == 3;
    case PT_INCDEC: {
        u64 carry = w->rflags & 1;

        w->new_value = alu(group ? 5 : 0, size, w->old, 1, &w->rflags);
        w->rflags = (w->rflags & ~1UL) | carry;
        return group < 2;
    }
    default:
        return false;
    }
}

/* What the instruction does beside its store. */
static void finish(struct emulation *e, enum pt_op op, const struct pt_write *w)
{
    struct cpu_user_regs *regs = e->regs;
    unsigned int size = e->insn.operand_size;

    regs->rflags = w->rflags;
    if (op == PT_XCHG || op == PT_XADD) {
        emul_write_register(e, e->insn.reg, size, w->old);
    } else if (op == PT_CMPXCHG && !w->writes) {
        emul_write_register(e, 0, size, w->old);
    } else if (op == PT_STOS) {
        regs->rdi += regs->rflags & RFLAGS_DF ? -(u64)size : size;
        if (e->insn.rep && --regs->rcx)
            return; /* the next iteration faults again */
    }
    emulation_end(e);
}

/* The instruction at regs->rip, which faulted when it wrote to cr2 in the L1 table f. */
static bool emulate_write(struct vcpu *v, struct cpu_user_regs *regs, unsigned long cr2, struct frame *f)
{
    struct emulation e;
    struct pt_write w = { .rflags = regs->rflags };
    enum pt_op op;
    unsigned long address;
    u64 found;

    if (!emulation_start(&e, v, regs) || e.code32)
        return false;
    op = classify(&e.insn);
    address = op == PT_STOS ? regs->rdi : emul_effective_address(&e);
    /* A bit string's bit may lie beyond the operand; then the address is not the one that faulted. */
    if (op == PT_NONE || (op != PT_STOS && !e.insn.is_memory) || address != cr2 || cr2 % e.insn.operand_size)
        return false;
    w.old = ptwr_load(f, cr2, e.insn.operand_size);
    if (!compute(&e, op, &w))
        return false;
    if (w.writes && !ptwr_store(f, v->domain, cr2, w.old, w.new_value, e.insn.operand_size, w.atomic, &found))
        return false;
    if (w.writes && w.atomic && found != w.old)
        return true; /* somebody else was faster: the instruction is run again */
    finish(&e, op, &w);
    return true;
}

bool pv_emulate_pt_write(struct vcpu *v, struct cpu_user_regs *regs, unsigned long cr2)
{
    struct frame *f = ptwr_get(v, cr2);
    bool done;

    if (!f)
        return false;
    done = emulate_write(v, regs, cr2, f);
    ptwr_put(f);
    return done;
}
