/* SPDX-License-Identifier: MIT */
/*
 * Port input and output of guests. Two questions: does the guest itself allow it (IOPL, or the bitmap that
 * its kernel registered), and does the domain have the port? The first answered with no is #GP; the second
 * reads all ones and ignores writes, like a port with nothing behind it.
 */
#include "cpu/asm.h"
#include "console/console.h"
#include "pv/emulate.h"

/* Ports that the hypervisor drives itself, first and last. */
static const struct port_range { u16 first, last; } own_ports[] = {
    { 0x20, 0x21 }, { 0xa0, 0xa1 }, /* interrupt controllers */
    { 0x40, 0x43 },                 /* interval timer */
};

static bool guest_allows(const struct vcpu *v, u16 port, unsigned int size)
{
    u16 bits = 0;

    if (pv_iopl_allows(v))
        return true;
    /* A port beyond the bitmap is not allowed; where the access straddles two bytes, both are read. */
    if (!v->pv.iobmp || port + size > v->pv.iobmp_limit ||
        copy_from_guest(&bits, v->pv.iobmp + port / 8, port % 8 + size > 8 ? 2 : 1))
        return false;
    return !(bits >> port % 8 & ((1u << size) - 1));
}

static bool domain_has(const struct domain *d, u16 port, unsigned int size)
{
    unsigned int last = port + size - 1;

    if (!d->pv.ioports_all || last > 0xffff || console_owns_ports(port, last))
        return false;
    for (unsigned int i = 0; i < ARRAY_SIZE(own_ports); i++)
        if (port <= own_ports[i].last && last >= own_ports[i].first)
            return false;
    return true;
}

static u32 port_read(const struct domain *d, u16 port, unsigned int size)
{
    if (!domain_has(d, port, size))
        return ~0u;
    return size == 1 ? inb(port) : size == 2 ? inw(port) : inl(port);
}

static void port_write(const struct domain *d, u16 port, unsigned int size, u32 value)
{
    if (!domain_has(d, port, size))
        return;
    switch (size) {
    case 1:  outb(port, value); break;
    case 2:  outw(port, value); break;
    default: outl(port, value); break;
    }
}

/* One iteration of INS or OUTS. EMUL_DONE: done, registers moved on. */
static enum emulated string_io_once(struct emulation *e, u16 port, bool out)
{
    const unsigned int size = e->insn.operand_size;
    const u64 step = e->regs->rflags & RFLAGS_DF ? -(u64)size : size;
    u64 *pointer = out ? &e->regs->rsi : &e->regs->rdi;
    const unsigned long address = e->insn.address32 ? (u32)*pointer : *pointer;
    u32 value = 0;

    /* Reading a port cannot be undone: the destination must be there first. */
    bool ok = !(out ? copy_from_guest(&value, address, size) : copy_to_guest(address, &value, size));
    if (ok && out) {
        port_write(e->v->domain, port, size, value);
    } else if (ok) {
        value = port_read(e->v->domain, port, size);
        ok = !copy_to_guest(address, &value, size);
    }
    if (!ok) {
        pv_inject_page_fault(e->v, address, out ? 0 : PF_WRITE);
        return EMUL_STAYS;
    }
    *pointer = e->insn.address32 ? (u32)(*pointer + step) : *pointer + step;
    return EMUL_DONE;
}

#define STRING_IO_BATCH 64 /* iterations before softirqs and events get their turn */

static enum emulated string_io(struct emulation *e, u16 port, bool out)
{
    if (!e->insn.rep && !e->insn.repne)
        return string_io_once(e, port, out);
    for (unsigned int i = 0; e->regs->rcx; i++) {
        if (i == STRING_IO_BATCH || string_io_once(e, port, out) != EMUL_DONE)
            return EMUL_STAYS;
        e->regs->rcx--;
    }
    return EMUL_DONE;
}

enum emulated emul_io(struct emulation *e)
{
    const u8 opcode = e->insn.opcode;
    const bool string = opcode < 0x70, immediate = !string && opcode < 0xe8, out = opcode & 2;
    const u16 port = immediate ? (u8)e->insn.immediate : (u16)e->regs->rdx;
    const unsigned int size = e->insn.operand_size;

    /* String forms of 32-bit code may have segments with bases: they are not carried out. */
    if (!guest_allows(e->v, port, size) || (string && e->code32))
        return EMUL_FAULT;
    if (string)
        return string_io(e, port, out);
    if (out)
        port_write(e->v->domain, port, size, *emul_register(e->regs, 0));
    else
        emul_write_register(e, 0, size, port_read(e->v->domain, port, size));
    return EMUL_DONE;
}
