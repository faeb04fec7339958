/* SPDX-License-Identifier: MIT */
/*
 * What a guest's kernel tells the hypervisor of itself: its trap table, its entry points and stack, its FPU
 * flag, its debug registers; and its return from a trap.
 */
#include <xen/nmi.h>

#include "pv/internal.h"

/* Code selectors of a guest: RPL 3, and null becomes the flat one. */
static u16 code_selector(u16 cs) { return cs & ~3 ? cs | 3 : FLAT_USER_CS64; }

/*
 * set_trap_table: entries up to one with address 0 replace those of their vectors; a null pointer clears all.
 * -EFAULT; -EINVAL: an address that is not canonical, with the entries before it in force.
 */
long do_set_trap_table(unsigned long table)
{
    struct trap_info *traps = current->pv.trap_table;
    struct trap_info ti;

    if (!table) {
        memset(traps, 0, 256 * sizeof(*traps));
        return 0;
    }
    for (unsigned long at = table;; at += sizeof(ti)) {
        if (at != table && hypercall_preempt_check())
            return HYPERCALL_RESTART(at);
        if (copy_from_guest(&ti, at, sizeof(ti)))
            return -EFAULT;
        if (!ti.address)
            return 0;
        if (!canonical(ti.address))
            return -EINVAL;
        ti.cs = code_selector(ti.cs);
        traps[ti.vector] = ti;
    }
}

void pv_set_kernel_stack(struct vcpu *v, unsigned long ss, unsigned long sp)
{
    unsigned long top = sp & ~15UL;

    v->pv.kernel_ss = ss;
    v->pv.kernel_sp = sp;
    v->pv.bounce_sp = guest_range_ok(top - SYSCALL_FRAME_SIZE, SYSCALL_FRAME_SIZE) ? top : 0;
}

/* stack_switch: where a trap from user mode finds its stack. */
long do_stack_switch(unsigned long ss, unsigned long sp)
{
    pv_set_kernel_stack(current, ss & ~3UL ? ss | 3 : ss, sp);
    return 0;
}

/* --- entry points --- */

#define ENTRY_POINTS                                                                                        \
    (1u << CALLBACKTYPE_event | 1u << CALLBACKTYPE_failsafe | 1u << CALLBACKTYPE_syscall |                  \
     1u << CALLBACKTYPE_sysenter | 1u << CALLBACKTYPE_syscall32)
static bool is_entry_point(u16 type) { return type < NR_CALLBACKS && ENTRY_POINTS >> type & 1; }

static long register_callback(u16 type, bool mask_events, unsigned long address)
{
    struct pv_vcpu *pv = &current->pv;

    if (!canonical(address))
        return -EINVAL;
    /* Domain-0's first vCPU would get the machine's NMIs; the table entry is where it is found. */
    if (type == CALLBACKTYPE_nmi)
        pv->trap_table[TRAP_NMI] = (struct trap_info){ TRAP_NMI, 0, FLAT_USER_CS64, address };
    else if (is_entry_point(type))
        pv->callbacks[index_nospec(type, NR_CALLBACKS)] = (struct pv_callback){ address, mask_events };
    else
        return -ENOSYS;
    return 0;
}

long do_callback_op(unsigned int cmd, unsigned long arg)
{
    struct callback_register op = {};   /* begins as struct callback_unregister */

    if (cmd != CALLBACKOP_register && cmd != CALLBACKOP_unregister)
        return -ENOSYS;
    const bool takes_back = cmd == CALLBACKOP_unregister;
    if (copy_from_guest(&op, arg, takes_back ? sizeof(struct callback_unregister) : sizeof(op)))
        return -EFAULT;
    /* Only the NMI's can be taken back: its address is 0 then. */
    if (takes_back && is_entry_point(op.type))
        return -EINVAL;
    return register_callback(op.type, op.flags & CALLBACKF_mask_events, op.address);
}

/* The older way to the same; the event callback's own mask stays as it is. */
long do_set_callbacks(unsigned long event, unsigned long failsafe, unsigned long syscall)
{
    if (!canonical(event) || !canonical(failsafe) || !canonical(syscall))
        return -EINVAL;
    current->pv.callbacks[CALLBACKTYPE_event].address = event;
    current->pv.callbacks[CALLBACKTYPE_failsafe] = (struct pv_callback){ failsafe, false };
    current->pv.callbacks[CALLBACKTYPE_syscall] = (struct pv_callback){ syscall, false };
    return 0;
}

/* nmi_op: the older way to the NMI's entry point; vCPU 0 only. */
long do_nmi_op(unsigned int cmd, unsigned long arg)
{
    struct xennmi_callback cb = {};

    if (cmd != XENNMI_register_callback && cmd != XENNMI_unregister_callback)
        return -ENOSYS;
    const bool registers = cmd == XENNMI_register_callback;
    if (registers && copy_from_guest(&cb, arg, sizeof(cb)))
        return -EFAULT;
    if (registers && current->id)
        return -EINVAL;
    return register_callback(CALLBACKTYPE_nmi, false, cb.handler_address);
}

/* --- the rest of its state --- */

void pv_assists_changed(struct domain *d)
{
    for_each_vcpu(d, v)
        v->pv.iopl_in_flags = vm_assist(d, architectural_iopl);
}

long do_vm_assist(unsigned int cmd, unsigned int type)
{
    struct domain *d = current->domain;

    if (type >= 64 || !(VM_ASSIST_VALID & (1UL << type)))
        return -EINVAL;
    if (cmd == VMASST_CMD_enable)
        __atomic_fetch_or(&d->pv.vm_assist, 1UL << type, __ATOMIC_SEQ_CST);
    else if (cmd == VMASST_CMD_disable)
        __atomic_fetch_and(&d->pv.vm_assist, ~(1UL << type), __ATOMIC_SEQ_CST);
    else
        return -ENOSYS;
    pv_assists_changed(d);
    return 0;
}

long do_fpu_taskswitch(unsigned int set)
{
    pv_set_ts(current, set != 0);
    return 0;
}

/* --- debug registers (SDM vol. 3B, 17.2) --- */

#define DR6_RESERVED_ZERO 0x1000UL
#define DR7_RESERVED_ZERO 0xd800UL       /* bits 11, 12, 14, 15; RTM is not offered */
#define DR7_GD            (1UL << 13)
#define DR7_RW_IO         2UL

/* Whether DR7 watches a port with an enabled breakpoint, which is not for guests. */
static bool watches_ports(u64 dr7)
{
    for (unsigned int i = 0; i < 4; i++)
        if ((dr7 >> (2 * i)) & 3 && ((dr7 >> (16 + 4 * i)) & 3) == DR7_RW_IO)
            return true;
    return false;
}

/* Index of a register in pv.dr, -1: there is none. 4 and 5 are 6 and 7, unless CR4.DE is set. */
static int dr_index(const struct vcpu *v, unsigned int reg)
{
    if (reg > 7 || ((reg == 4 || reg == 5) && v->pv.ctrlreg[4] & CR4_DE))
        return -1;
    return index_nospec(reg & 4 ? reg | 2 : reg, ARRAY_SIZE(v->pv.dr));
}

long pv_set_debugreg(struct vcpu *v, unsigned int reg, u64 value)
{
    const int i = dr_index(v, reg);

    if (i < 0)
        return -ENODEV;
    if (i < 6 ? !guest_range_ok(value, 1) : value >> 32 || (i == 7 && watches_ports(value)))
        return -EPERM;
    if (i == 6)
        value = (value & ~DR6_RESERVED_ZERO) | DR6_DEFAULT;
    else if (i == 7)
        value = (value & ~(DR7_RESERVED_ZERO | DR7_GD)) | DR7_DEFAULT;
    v->pv.dr[i] = value;
    if (v == current && i != 6)
        pv_load_debug_registers(v);
    return 0;
}

bool pv_get_debugreg(struct vcpu *v, unsigned int reg, u64 *value)
{
    const int i = dr_index(v, reg);

    if (i >= 0)
        *value = v->pv.dr[i];
    return i >= 0;
}

long do_set_debugreg(unsigned int reg, u64 value) { return pv_set_debugreg(current, reg, value); }

long do_get_debugreg(unsigned int reg)
{
    u64 value;

    return pv_get_debugreg(current, reg, &value) ? (long)value : -ENODEV;
}

/* --- iret --- */

/*
 * The frame lies at the guest kernel's stack pointer (struct iret_context). RPL 3 in its cs means user mode.
 * Returns what the guest will have in rax.
 */
long do_iret(void)
{
    struct vcpu *v = current;
    struct cpu_user_regs *regs = guest_regs();
    struct iret_context frame;

    if (unlikely(copy_from_guest(&frame, regs->rsp, sizeof(frame)))) {
        guest_crash(v, "iret: cannot read the frame at %016lx", regs->rsp);
        return 0;
    }
    if ((frame.cs & 3) == 3) {
        if (unlikely(!v->pv.user_root.v)) {
            guest_crash(v, "iret to user mode without a user page table");
            return 0;
        }
        pv_toggle_mode(v);
    }
    if (vm_assist(v->domain, architectural_iopl))
        v->pv.iopl = (frame.rflags & RFLAGS_IOPL) >> RFLAGS_IOPL_SHIFT;

    regs->rip = frame.rip;
    regs->cs = frame.cs | 3;
    regs->rflags = (frame.rflags & ~(u64)(RFLAGS_IOPL | RFLAGS_VM | RFLAGS_VIF | RFLAGS_VIP | RFLAGS_NT)) |
                   RFLAGS_IF | RFLAGS_ALWAYS;
    regs->rsp = frame.rsp;
    regs->ss = frame.ss | 3;
    if (frame.flags & VGCF_in_syscall) {
        regs->cs = FLAT_USER_CS64;
        regs->ss = FLAT_USER_SS;
        regs->entry_vector |= ENTRY_SYSCALL;
    } else {
        regs->entry_vector &= ~ENTRY_SYSCALL;
        regs->r11 = frame.r11;
        regs->rcx = frame.rcx;
    }

    v->pv.nmi_masked = false;
    WRITE_ONCE(v->info->evtchn_upcall_mask, !(frame.rflags & RFLAGS_IF));
    return (long)frame.rax;
}
