/* SPDX-License-Identifier: MIT */
/*
 * What a guest's kernel tells the hypervisor of itself: its trap table, its entry points and stack, its FPU
 * flag, its debug registers; and its return from a trap.
 */
#include <xen/nmi.h>

#include "domain/domain.h"
#include "mm/guest.h"
#include "mm/mm.h"
#include "pv/hypercall.h"
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
    if (ss & ~3UL)
        ss |= 3;
    pv_set_kernel_stack(current, ss, sp);
    return 0;
}

long do_set_callbacks(unsigned long event, unsigned long failsafe, unsigned long syscall)
{
    struct vcpu *v = current;

    if (!canonical(event) || !canonical(failsafe) || !canonical(syscall))
        return -EINVAL;
    v->pv.callbacks[CALLBACKTYPE_event].address = event;
    v->pv.callbacks[CALLBACKTYPE_failsafe] = (struct pv_callback){ .address = failsafe };
    v->pv.callbacks[CALLBACKTYPE_syscall] = (struct pv_callback){ .address = syscall };
    return 0;
}

/* --- callback_op --- */

static long register_callback(unsigned int type, unsigned int flags, unsigned long address)
{
    struct vcpu *v = current;

    if (!canonical(address))
        return -EINVAL;
    switch (type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_sysenter:
    case CALLBACKTYPE_syscall32:
        v->pv.callbacks[type] = (struct pv_callback){ address, flags & CALLBACKF_mask_events };
        return 0;
    case CALLBACKTYPE_nmi:
        /* Domain-0's first vCPU would get the machine's NMIs; the table entry is where it is found. */
        v->pv.trap_table[TRAP_NMI] = (struct trap_info){ .vector = TRAP_NMI, .cs = FLAT_USER_CS64,
                                                         .address = address };
        return 0;
    default:
        return -ENOSYS;
    }
}

static long unregister_callback(unsigned int type)
{
    switch (type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_sysenter:
    case CALLBACKTYPE_syscall32:
        return -EINVAL;
    case CALLBACKTYPE_nmi:
        return register_callback(type, 0, 0);
    default:
        return -ENOSYS;
    }
}

long do_callback_op(unsigned int cmd, unsigned long arg)
{
    struct callback_register reg;
    struct callback_unregister unreg;

    switch (cmd) {
    case CALLBACKOP_register:
        if (copy_from_guest(&reg, arg, sizeof(reg)))
            return -EFAULT;
        return register_callback(reg.type, reg.flags, reg.address);
    case CALLBACKOP_unregister:
        if (copy_from_guest(&unreg, arg, sizeof(unreg)))
            return -EFAULT;
        return unregister_callback(unreg.type);
    default:
        return -ENOSYS;
    }
}

/* nmi_op: the older way to the same entry; vCPU 0 only. */
long do_nmi_op(unsigned int cmd, unsigned long arg)
{
    struct xennmi_callback cb;

    switch (cmd) {
    case XENNMI_register_callback:
        if (copy_from_guest(&cb, arg, sizeof(cb)))
            return -EFAULT;
        if (current->id)
            return -EINVAL;
        return register_callback(CALLBACKTYPE_nmi, 0, cb.handler_address);
    case XENNMI_unregister_callback:
        return unregister_callback(CALLBACKTYPE_nmi);
    default:
        return -ENOSYS;
    }
}

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
    switch (cmd) {
    case VMASST_CMD_enable:
        __atomic_fetch_or(&d->pv.vm_assist, 1UL << type, __ATOMIC_SEQ_CST);
        break;
    case VMASST_CMD_disable:
        __atomic_fetch_and(&d->pv.vm_assist, ~(1UL << type), __ATOMIC_SEQ_CST);
        break;
    default:
        return -ENOSYS;
    }
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

/* DR7 as it may be loaded; false where a watch is not for guests. */
static bool check_dr7(u64 *value)
{
    if (*value >> 32)
        return false;
    *value &= ~(DR7_RESERVED_ZERO | DR7_GD);
    *value |= DR7_DEFAULT;
    for (unsigned int i = 0; i < 4; i++) {
        unsigned int rw = (*value >> (16 + 4 * i)) & 3;

        if ((*value >> (2 * i)) & 3 && rw == DR7_RW_IO)
            return false;
    }
    return true;
}

long pv_set_debugreg(struct vcpu *v, unsigned int reg, u64 value)
{
    switch (reg) {
    case 0 ... 3:
        if (!guest_range_ok(value, 1))
            return -EPERM;
        break;
    case 4 ... 5:
        if (v->pv.ctrlreg[4] & CR4_DE)
            return -ENODEV;
        return pv_set_debugreg(v, reg + 2, value);
    case 6:
        if (value >> 32)
            return -EPERM;
        value = (value & ~DR6_RESERVED_ZERO) | DR6_DEFAULT;
        break;
    case 7:
        if (!check_dr7(&value))
            return -EPERM;
        break;
    default:
        return -ENODEV;
    }
    v->pv.dr[index_nospec(reg, 8)] = value;
    if (v == current && reg != 6)
        pv_load_debug_registers(v);
    return 0;
}

bool pv_get_debugreg(struct vcpu *v, unsigned int reg, u64 *value)
{
    if (reg == 4 || reg == 5) {
        if (v->pv.ctrlreg[4] & CR4_DE)
            return false;
        reg += 2;
    }
    if (reg > 7)
        return false;
    *value = v->pv.dr[index_nospec(reg, 8)];
    return true;
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
