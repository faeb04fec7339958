/* SPDX-License-Identifier: MIT */
/*
 * Entering the guest's kernel: traps, system calls, event and failsafe callbacks. Each pushes a frame on the
 * guest kernel's stack and makes guest_regs() point at the handler; the return path then leads there.
 *
 * The frame of the x86-64 PV ABI, from the new stack pointer upwards: rcx, r11, [ds, es, fs, gs: failsafe
 * only], [error code: traps that have one], rip, cs with the event mask in bits 32 to 39, rflags, rsp, ss. A
 * frame from the guest's kernel has RPL 0 in cs, one from its user mode RPL 3.
 */
#include "cpu/features.h"
#include "cpu/irq.h"
#include "cpu/traps.h"
#include "pv/internal.h"

/*
 * Where a frame of size bytes may begin: at an address of the guest, whose end is then beside no other's
 * (entry.S).
 */
static inline bool frame_place_ok(unsigned long sp) { return (sp + 0x780000000000) >> 43 < 31; }

/* Stores a word at sp, in an open window of access; jumps to fault where that faults. */
#define PUT_WORD(sp, offset, value, fault)                                                                  \
    __asm__ goto("1: movq %1, %c2(%0)\n\t" EXTABLE(1b, %l[fault])                                           \
                 : : "r"(sp), "r"((u64)(value)), "i"(offset) : "memory" : fault)

/* rflags as the guest believes them: IF is its event mask, IOPL its own. */
static inline u64 guest_rflags(const struct vcpu *v, u64 rflags, u8 upcall_mask)
{
    u64 flags = rflags & ~(u64)(RFLAGS_IF | RFLAGS_IOPL);

    if (likely(!upcall_mask))
        flags |= RFLAGS_IF;
    if (unlikely(v->pv.iopl_in_flags))
        flags |= (u64)v->pv.iopl << RFLAGS_IOPL_SHIFT;
    return flags;
}

/* What a bounce is to do, beside the frame's fixed part. The guest's kernel runs on the flat selectors. */
struct bounce {
    unsigned long rip;
    bool mask_events, has_code, failsafe;
    u32 code;
};

/*
 * False: the guest has crashed. Interrupts may be off until then. These are out of line, so that a bounce
 * saves no registers for them.
 */
static __cold __attribute__((noinline)) bool no_handler(struct vcpu *v, bool failsafe)
{
    irq_enable();
    guest_crash(v, "no handler registered for %s",
                failsafe ? "the failsafe callback (a selector cannot be loaded)" : "a trap or callback");
    return false;
}

static __cold __attribute__((noinline)) bool no_stack(struct vcpu *v, unsigned long sp)
{
    irq_enable();
    guest_crash(v, "cannot push a trap frame at %016lx", sp);
    return false;
}

/*
 * Pushes a frame below sp, with this cs in it, and goes to the handler. The guest is in kernel mode by now.
 * Inlined for each kind of frame, whose size is constant then; no call is made but at its ends, so that
 * nothing need be saved.
 */
static inline __attribute__((always_inline)) bool push_frame(struct vcpu *v, struct bounce b,
                                                             unsigned long sp, u64 cs)
{
    struct cpu_user_regs *regs = guest_regs();
    struct vcpu_info *info = v->info;
    u8 mask = READ_ONCE(info->evtchn_upcall_mask);
    unsigned int extra = (b.failsafe ? 32 : 0) + (b.has_code ? 8 : 0);

    sp = (sp & ~15UL) - extra - 56;
    if (unlikely(!b.rip))
        return no_handler(v, b.failsafe);
    if (unlikely(!frame_place_ok(sp)))
        return no_stack(v, sp);

    smap_open();
    PUT_WORD(sp, 0, regs->rcx, fault);
    PUT_WORD(sp, 8, regs->r11, fault);
    if (b.failsafe) {
        PUT_WORD(sp, 16, read_reg(ds), fault);
        PUT_WORD(sp, 24, read_reg(es), fault);
        PUT_WORD(sp, 32, read_reg(fs), fault);
        PUT_WORD(sp, 40, read_reg(gs), fault);
    }
    if (b.has_code)
        PUT_WORD(sp + extra, 8, b.code, fault);
    PUT_WORD(sp + extra, 16, regs->rip, fault);
    PUT_WORD(sp + extra, 24, cs | (u64)mask << 32, fault);
    PUT_WORD(sp + extra, 32, guest_rflags(v, regs->rflags, mask), fault);
    PUT_WORD(sp + extra, 40, regs->rsp, fault);
    PUT_WORD(sp + extra, 48, regs->ss, fault);
    smap_close();

    if (b.mask_events)
        WRITE_ONCE(info->evtchn_upcall_mask, 1);
    regs->entry_vector &= ~ENTRY_SYSCALL;
    regs->rip = b.rip;
    regs->cs = FLAT_USER_CS64;
    regs->rflags &= ~(u64)(RFLAGS_AC | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT | RFLAGS_TF);
    regs->rsp = sp;
    regs->ss = FLAT_USER_SS;
    return true;

fault:
    smap_close();
    return no_stack(v, sp);
}

static __attribute__((noinline)) bool bounce_from_user(struct vcpu *v, struct bounce b)
{
    if (unlikely(!b.rip))
        return no_handler(v, b.failsafe);
    pv_toggle_mode(v);
    return push_frame(v, b, v->pv.kernel_sp, guest_regs()->cs);
}

static inline __attribute__((always_inline)) bool bounce(struct vcpu *v, struct bounce b)
{
    if (!v->pv.kernel_mode)
        return bounce_from_user(v, b);
    return push_frame(v, b, guest_regs()->rsp, guest_regs()->cs & ~3UL);
}

static bool bounce_plain(struct vcpu *v, unsigned long rip, bool mask_events)
{
    return bounce(v, (struct bounce){ rip, mask_events, .has_code = false });
}

static __cold __attribute__((noinline)) void unhandled(struct vcpu *v, unsigned int vector, u32 code)
{
    guest_crash(v, "unhandled %s (vector %u, error code %#x) at rip %016lx", trap_name(vector), vector, code,
                guest_regs()->rip);
}

void pv_inject_trap(struct vcpu *v, unsigned int vector, bool has_code, u32 code)
{
    const struct trap_info *ti = &v->pv.trap_table[vector];

    if (unlikely(!ti->address))
        unhandled(v, vector, code);
    else if (has_code)
        bounce(v, (struct bounce){ ti->address, TI_GET_IF(ti), .has_code = true, .code = code });
    else
        bounce_plain(v, ti->address, TI_GET_IF(ti));
}

void pv_inject_page_fault(struct vcpu *v, unsigned long cr2, u32 code)
{
    v->pv.cr2_ctrl = cr2;
    WRITE_ONCE(v->info->arch.cr2, cr2);
    /* The processor only knows ring 3: the guest's idea of user and supervisor goes by its mode. */
    code = v->pv.kernel_mode ? code & ~PF_USER : code | PF_USER;
    pv_inject_trap(v, TRAP_PAGE_FAULT, true, code);
}

/* --- called by entry.S --- */

/*
 * SYSCALL in the guest's user mode; without a callback an instruction, of two bytes, that the processor has
 * not. Whether events are masked says the 64-bit callback for both.
 */
static void user_syscall(struct vcpu *v, unsigned int type)
{
    const struct pv_callback *c = v->pv.callbacks;

    if (likely(c[type].address && !v->pv.kernel_mode)) {
        bounce_plain(v, c[type].address, c[CALLBACKTYPE_syscall].mask_events);
    } else {
        guest_regs()->rip -= 2;
        pv_inject_trap(v, TRAP_INVALID_OP, false, 0);
    }
}

void pv_user_syscall(struct vcpu *v)
{
    if (unlikely(v->pv.kernel_mode))    /* the short way has changed to it, then found no memory to push on */
        no_stack(v, v->pv.bounce_sp - SYSCALL_FRAME_SIZE);
    else
        user_syscall(v, CALLBACKTYPE_syscall);
}

/* SYSCALL in compatibility mode. */
void pv_user_syscall32(struct vcpu *v) { user_syscall(v, CALLBACKTYPE_syscall32); }

/*
 * SYSENTER: where it stood is lost; without a callback it is the fault of a processor whose SYSENTER_CS is 0.
 */
void pv_user_sysenter(struct vcpu *v)
{
    const struct pv_callback *c = &v->pv.callbacks[CALLBACKTYPE_sysenter];
    struct cpu_user_regs *regs = guest_regs();

    regs->rflags = (regs->rflags & ~(u64)(RFLAGS_NT | RFLAGS_TF | RFLAGS_AC)) | RFLAGS_IF;
    regs->cs = 3;
    if (!c->address || v->pv.kernel_mode)
        pv_inject_trap(v, TRAP_GP_FAULT, true, 0);
    else
        bounce_plain(v, c->address, c->mask_events);
}

/* Interrupts are off, and on again where it returns false: the guest has crashed. */
bool pv_deliver_event(struct vcpu *v)
{
    return bounce_plain(v, v->pv.callbacks[CALLBACKTYPE_event].address, true);
}

void pv_deliver_nmi(struct vcpu *v)
{
    v->pv.nmi_pending = false;
    if (!v->pv.trap_table[TRAP_NMI].address)
        return;
    v->pv.nmi_masked = true;
    pv_inject_trap(v, TRAP_NMI, false, 0);
}

/* A selector that the guest had loaded cannot be loaded any more. */
void pv_failsafe(struct vcpu *v)
{
    const struct pv_callback *c = &v->pv.callbacks[CALLBACKTYPE_failsafe];

    bounce(v, (struct bounce){ c->address, c->mask_events, .failsafe = true });
}
