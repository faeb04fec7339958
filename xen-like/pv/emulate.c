/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions that a PV guest's kernel may use all the same, and the forced-emulation prefix. The
 * fault (#GP, or #UD for the prefix) leads here; what is not in the table below goes back to the guest as the
 * fault it is.
 */
#include "pv/emulate.h"

#include "cpu/asm.h"
#include "cpu/features.h"
#include "pv/cpuid.h"

/* --- operands --- */

#define AT(name) offsetof(struct cpu_user_regs, name)
static const u8 register_offsets[16] = {
    AT(rax), AT(rcx), AT(rdx), AT(rbx), AT(rsp), AT(rbp), AT(rsi), AT(rdi),
    AT(r8), AT(r9), AT(r10), AT(r11), AT(r12), AT(r13), AT(r14), AT(r15),
};

u64 *emul_register(struct cpu_user_regs *regs, unsigned int nr)
{
    return (u64 *)((char *)regs + register_offsets[nr & 15]);
}

/* Where an operand of that size lies: without a REX prefix byte registers 4 to 7 are ah, ch, dh, bh. */
static void *operand(const struct emulation *e, unsigned int nr, unsigned int size)
{
    const bool high = size == 1 && !e->insn.rex && nr >= 4 && nr < 8;

    return high ? (u8 *)emul_register(e->regs, nr - 4) + 1 : (u8 *)emul_register(e->regs, nr);
}

u64 emul_read_register(const struct emulation *e, unsigned int nr, unsigned int size)
{
    const void *from = operand(e, nr, size);

    switch (size) {
    case 1:  return *(const u8 *)from;
    case 2:  return *(const u16 *)from;
    case 4:  return *(const u32 *)from;
    default: return *(const u64 *)from;
    }
}

void emul_write_register(const struct emulation *e, unsigned int nr, unsigned int size, u64 value)
{
    void *to = operand(e, nr, size);

    switch (size) {
    case 1:  *(u8 *)to = value; break;
    case 2:  *(u16 *)to = value; break;
    case 4:  *(u64 *)to = (u32)value; break;    /* the upper half becomes zero (SDM vol. 1, 3.4.1.1) */
    default: *(u64 *)to = value; break;
    }
}

/* The register operand of an instruction that has no memory form, by its ModRM byte. */
static u64 *rm_register(const struct emulation *e) { return emul_register(e->regs, e->insn.rm); }

u64 emul_edx_eax(const struct emulation *e) { return e->regs->rdx << 32 | (u32)e->regs->rax; }

void emul_set_edx_eax(struct emulation *e, u64 value)
{
    e->regs->rax = (u32)value;
    e->regs->rdx = value >> 32;
}

unsigned long emul_effective_address(const struct emulation *e)
{
    const struct insn *i = &e->insn;
    const u64 base = i->base == 0xff ? 0 : *emul_register(e->regs, i->base);
    const u64 index = i->index == 0xff ? 0 : *emul_register(e->regs, i->index) << i->scale;
    const u64 rip = i->rip_relative ? e->regs->rip + i->length : 0;
    const u64 offset = base + index + rip + i->displacement;
    const u64 segment = i->segment == 0x64 ? rdmsr(MSR_FS_BASE) : i->segment == 0x65 ? rdmsr(MSR_GS_BASE) : 0;

    return segment + (i->address32 ? (u32)offset : offset);
}

/* --- the instruction --- */

#define DESC_LONG       (1UL << 53)     /* of code: 64 bits */
#define DESC_BIG        (1UL << 54)     /* of other code: 32 bits, not 16 */

/*
 * What a selector that is loaded names, in the tables that the processor uses; 0 where it is not there any
 * more. Of the LDT an access may have to map a page first, or find that there is none.
 */
static u64 descriptor(u16 selector)
{
    unsigned long window = selector & 4 ? CPU_LDT_WINDOW(this_cpu_nr()) : CPU_GDT_WINDOW(this_cpu_nr());
    u64 value = 0;

    __asm__ __volatile__("1: lar %k1, %%eax\n\t"
                         "jnz 3f\n"
                         "2: mov (%2), %0\n"
                         "3:\n\t" EXTABLE(1b, 3b) EXTABLE(2b, 3b)
                         : "+r"(value) : "r"((u64)selector), "r"(window + (selector & ~7u))
                         : "rax", "cc", "memory");
    return value;
}

bool emulation_start(struct emulation *e, struct vcpu *v, struct cpu_user_regs *regs)
{
    const u64 code = regs->cs == FLAT_USER_CS64 ? DESC_LONG : descriptor(regs->cs);
    unsigned long at = regs->rip;
    u8 bytes[INSN_MAX];

    e->v = v;
    e->regs = regs;
    e->code32 = !(code & DESC_LONG);
    if (e->code32) {
        if (!(code & DESC_BIG))
            return false;
        at = (u32)(regs->rip + (code >> 16 & 0xffffff) + (code >> 56 << 24));
    }
    /* It may end before an unmapped page: what cannot be read is not needed, or the decoder says so. */
    const unsigned int count = INSN_MAX - copy_from_guest(bytes, at, INSN_MAX);
    return insn_decode(bytes, count, e->code32, &e->insn);
}

void emulation_end(struct emulation *e)
{
    const u64 next = e->regs->rip + e->insn.length;

    e->regs->rip = e->code32 ? (u32)next : next;
    e->regs->rflags &= ~(u64)RFLAGS_RF;
}

/* --- privileged instructions, each with the guest's kernel running --- */

bool pv_iopl_allows(const struct vcpu *v)
{
    unsigned int cpl = !v->pv.kernel_mode ? 3 : vm_assist(v->domain, architectural_iopl) ? 0 : 1;

    return v->pv.iopl >= cpl;
}

/* The event mask is the guest's interrupt flag; the instructions do nothing where its IOPL allows them. */
static enum emulated emul_cli_sti(struct emulation *e) { return pv_iopl_allows(e->v); }

static enum emulated emul_clts(struct emulation *e)
{
    pv_set_ts(e->v, false);
    return EMUL_DONE;
}

/* Guests' memory is always write-back here, so there is nothing to write back for them. */
static enum emulated emul_wbinvd(struct emulation *e) { return EMUL_DONE; }

static u64 read_guest_cr0(const struct vcpu *v)
{
    return (v->pv.ctrlreg[0] & ~(u64)CR0_TS) | (v->pv.ts ? CR0_TS : 0);
}

/* Only TS can be changed. */
static enum emulated write_guest_cr0(struct vcpu *v, u64 value)
{
    if ((value ^ read_guest_cr0(v)) & ~(u64)CR0_TS)
        return EMUL_FAULT;
    pv_set_ts(v, value & CR0_TS);
    return EMUL_DONE;
}

static enum emulated emul_read_cr(struct emulation *e)
{
    const struct vcpu *v = e->v;
    u64 *to = rm_register(e);

    switch (e->insn.reg) {
    case 0:  *to = read_guest_cr0(v); break;
    case 2:  *to = READ_ONCE(v->info->arch.cr2); break;
    case 3:  *to = xen_pfn_to_cr3(v->pv.kernel_root.v); break;
    case 4:  *to = pv_guest_cr4(v); break;
    default: return EMUL_FAULT;
    }
    return EMUL_DONE;
}

static enum emulated write_guest_cr3(struct vcpu *v, u64 value)
{
    const int ret = vcpu_set_kernel_root(v, MFN(xen_cr3_to_pfn(value)));

    return ret == -ERESTART ? EMUL_STAYS : ret == 0;
}

static enum emulated emul_write_cr(struct emulation *e)
{
    const u64 value = *rm_register(e);

    switch (e->insn.reg) {
    case 0:  return write_guest_cr0(e->v, value);
    case 2:  WRITE_ONCE(e->v->info->arch.cr2, value); break;
    case 3:  return write_guest_cr3(e->v, value);
    case 4:  pv_set_guest_cr4(e->v, value); break;
    default: return EMUL_FAULT;
    }
    return EMUL_DONE;
}

static enum emulated emul_read_dr(struct emulation *e)
{
    return pv_get_debugreg(e->v, e->insn.reg, rm_register(e));
}

static enum emulated emul_write_dr(struct emulation *e)
{
    return pv_set_debugreg(e->v, e->insn.reg, *rm_register(e)) == 0;
}

static enum emulated emul_cpuid(struct emulation *e)
{
    struct cpuid_result r = pv_cpuid(e->v, (u32)e->regs->rax, (u32)e->regs->rcx);

    e->regs->rax = r.a;
    e->regs->rbx = r.b;
    e->regs->rcx = r.c;
    e->regs->rdx = r.d;
    return EMUL_DONE;
}

static enum emulated emul_rdtsc(struct emulation *e)
{
    emul_set_edx_eax(e, rdtsc());
    return EMUL_DONE;
}

/* As the processor checks it (SDM vol. 1, 13.3), within what the hypervisor switches. */
static bool xcr0_valid(u64 value)
{
    const u64 sse = 2, avx = 4, avx512 = 0xe0;

    return (value & 1) && !(value & ~cpu.xcr0) && (!(value & avx) || (value & sse)) &&
           (!(value & avx512) || ((value & avx512) == avx512 && (value & avx)));
}

static enum emulated emul_xsetbv(struct emulation *e)
{
    const u64 value = emul_edx_eax(e);

    if (!(e->v->pv.ctrlreg[4] & CR4_OSXSAVE)) {
        pv_inject_trap(e->v, TRAP_INVALID_OP, false, 0);
        return EMUL_STAYS;
    }
    if ((u32)e->regs->rcx != 0 || !xcr0_valid(value))
        return EMUL_FAULT;
    e->v->pv.xcr0 = value;
    xsetbv(value);
    return EMUL_DONE;
}

/* 0f 01: by the whole ModRM byte where mod is 3. */
static enum emulated emul_group_0f01(struct emulation *e)
{
    const u8 modrm = e->insn.mod << 6 | (e->insn.reg & 7) << 3 | (e->insn.rm & 7);

    if (modrm == 0xd1)
        return emul_xsetbv(e);
    if (modrm == 0xf9) {
        e->regs->rcx = e->v->pv.tsc_aux;
        return emul_rdtsc(e);
    }
    if ((e->insn.reg & 7) == 6 && !e->insn.is_memory) /* lmsw: PE, MP, EM, TS */
        return write_guest_cr0(e->v, (read_guest_cr0(e->v) & ~0xfUL) | (*rm_register(e) & 0xf));
    return EMUL_FAULT;
}

/* Those of one byte may be the guest's user mode's, too, and 32-bit code's; the others its kernel's alone. */
static enum emulated (*const privileged[0x200])(struct emulation *e) = {
    [0x6c ... 0x6f] = emul_io,
    [0xe4 ... 0xe7] = emul_io,
    [0xec ... 0xef] = emul_io,
    [0xfa ... 0xfb] = emul_cli_sti,
    [MAP_0F | 0x01] = emul_group_0f01,
    [MAP_0F | 0x06] = emul_clts,
    [MAP_0F | 0x09] = emul_wbinvd,
    [MAP_0F | 0x20] = emul_read_cr,
    [MAP_0F | 0x21] = emul_read_dr,
    [MAP_0F | 0x22] = emul_write_cr,
    [MAP_0F | 0x23] = emul_write_dr,
    [MAP_0F | 0x30] = emul_wrmsr,
    [MAP_0F | 0x31] = emul_rdtsc,
    [MAP_0F | 0x32] = emul_rdmsr,
    [MAP_0F | 0xa2] = emul_cpuid,
};

bool pv_emulate_privileged(struct vcpu *v, struct cpu_user_regs *regs)
{
    struct emulation e;

    if (!emulation_start(&e, v, regs) || !privileged[e.insn.opcode] || e.insn.lock ||
        (e.insn.opcode & MAP_0F && (!v->pv.kernel_mode || e.code32)))
        return false;
    const enum emulated result = privileged[e.insn.opcode](&e);
    if (result == EMUL_DONE) {
        emulation_end(&e);
        if (regs->rflags & RFLAGS_TF) {
            v->pv.dr[6] |= 1UL << 14; /* BS: a single step ends after the emulated instruction too */
            pv_inject_trap(v, TRAP_DEBUG, false, 0);
        }
    }
    return result != EMUL_FAULT;
}

/* ud2; "xen"; cpuid: the prefix of XEN_EMULATE_PREFIX, for guest kernel and user alike. */
bool pv_emulate_forced(struct vcpu *v, struct cpu_user_regs *regs)
{
    static const u8 cpuid_with_prefix[] = { 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2 };
    u8 bytes[sizeof(cpuid_with_prefix)];

    if (copy_from_guest(bytes, regs->rip, sizeof(bytes)) || memcmp(bytes, cpuid_with_prefix, sizeof(bytes)))
        return false;
    struct emulation e = { .v = v, .regs = regs, .insn.length = sizeof(bytes) };
    emul_cpuid(&e);
    emulation_end(&e);
    return true;
}
