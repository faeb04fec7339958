/* SPDX-License-Identifier: MIT */
/*
 * Entering the guest's kernel: traps, system calls, event and failsafe callbacks. Each pushes a frame on the guest
 * kernel's stack and makes guest_regs() point at the handler; the return path then leads there.
 *
 * The frame of the x86-64 PV ABI, from the new stack pointer upwards: rcx, r11, [ds, es, fs, gs: failsafe only],
 * [error code: traps that have one], rip, cs with the event mask in bits 32 to 39, rflags, rsp, ss. A frame from the
 * guest's kernel has RPL 0 in cs, one from its user mode RPL 3.
 */
#include "cpu/extable.h"
#include "cpu/features.h"
#include "cpu/regs.h"
#include "domain/domain.h"
#include "lib/log.h"
#include "mm/guest.h"
#include "mm/mm.h"
#include "pv/hypercall.h"
#include "pv/internal.h"
#include "pv/pv.h"

#define FRAME_WORDS_MAX 12

/* Stores n words upwards from guest address sp, in one window of access; false where one faulted. */
static bool store_words(unsigned long sp, const u64 *words, unsigned int n)
{
    unsigned long fault = 1;

    if (!guest_range_ok(sp, n * 8UL))
        return false;
    smap_open();
    __asm__ __volatile__("1: mov (%1), %%rax\n\t"
                         "2: mov %%rax, (%2)\n\t"
                         "add $8, %1\n\t"
                         "add $8, %2\n\t"
                         "dec %3\n\t"
                         "jnz 1b\n\t"
                         "xor %k0, %k0\n"
                         "3:\n\t" EXTABLE(2b, 3b)
                         : "+r"(fault), "+r"(words), "+r"(sp), "+r"(n)
                         :
                         : "rax", "memory", "cc");
    smap_close();
    return fault == 0;
}

/* What a bounce is to do, beside the frame's fixed part. The guest's kernel always runs on the flat selectors. */
struct bounce {
    unsigned long rip;
    bool mask_events;
    bool has_code, failsafe;
    u32 code;
};

/* rflags as the guest believes them: IF is its event mask, IOPL its own. */
static u64 guest_rflags(const struct vcpu *v, const struct cpu_user_regs *regs, u8 upcall_mask)
{
    u64 flags = regs->rflags & ~(u64)(RFLAGS_IF | RFLAGS_IOPL);

    if (!upcall_mask)
        flags |= RFLAGS_IF;
    if (vm_assist(v->domain, architectural_iopl))
        flags |= (u64)v->pv.iopl << RFLAGS_IOPL_SHIFT;
    return flags;
}

static void bounce_to_kernel(struct vcpu *v, const struct bounce *b)
{
    struct cpu_user_regs *regs = guest_regs();
    u8 mask = READ_ONCE(v->info->evtchn_upcall_mask);
    u64 words[FRAME_WORDS_MAX], cs = regs->cs;
    unsigned long sp = regs->rsp;
    unsigned int n = 0;

    if (unlikely(!b->rip)) {
        guest_crash(v, "no handler registered for %s", b->failsafe ? "failsafe callback" : "a trap or callback");
        return;
    }
    if (v->pv.kernel_mode) {
        cs &= ~3UL;
    } else {
        pv_toggle_mode(v);
        sp = v->pv.kernel_sp;
    }

    words[n++] = regs->rcx;
    words[n++] = regs->r11;
    if (b->failsafe) {
        words[n++] = read_ds();
        words[n++] = read_es();
        words[n++] = read_fs();
        words[n++] = read_gs();
    }
    if (b->has_code)
        words[n++] = b->code;
    words[n++] = regs->rip;
    words[n++] = cs | (u64)mask << 32;
    words[n++] = guest_rflags(v, regs, mask);
    words[n++] = regs->rsp;
    words[n++] = regs->ss;

    sp = (sp & ~15UL) - n * 8;
    if (unlikely(!store_words(sp, words, n))) {
        guest_crash(v, "cannot push a trap frame at %016lx", sp);
        return;
    }

    if (b->mask_events)
        WRITE_ONCE(v->info->evtchn_upcall_mask, 1);
    regs->entry_vector &= ~ENTRY_SYSCALL;
    regs->rip = b->rip;
    regs->cs = FLAT_USER_CS64;
    regs->rflags &= ~(u64)(RFLAGS_AC | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT | RFLAGS_TF);
    regs->rsp = sp;
    regs->ss = FLAT_USER_SS;
}

void pv_inject_trap(struct vcpu *v, unsigned int vector, bool has_code, u32 code)
{
    const struct trap_info *ti = &v->pv.trap_table[vector];

    if (unlikely(!ti->address)) {
        guest_crash(v, "unhandled %s (vector %u, error code %#x) at rip %016lx", pv_trap_name(vector), vector, code,
                    guest_regs()->rip);
        return;
    }
    bounce_to_kernel(v, &(struct bounce){ .rip = ti->address, .mask_events = TI_GET_IF(ti),
                                          .has_code = has_code, .code = code });
}

void pv_inject_page_fault(struct vcpu *v, unsigned long cr2, u32 code)
{
    v->pv.cr2_ctrl = cr2;
    WRITE_ONCE(v->info->arch.cr2, cr2);
    /* The processor only knows ring 3: the guest's idea of user and supervisor goes by its mode. */
    code = v->pv.kernel_mode ? code & ~PF_USER : code | PF_USER;
    pv_inject_trap(v, TRAP_PAGE_FAULT, true, code);
}

/* --- called by entry.S --------------------------------------------------------------------------------------- */

/* SYSCALL in the guest's user mode. */
void pv_user_syscall(struct vcpu *v)
{
    struct cpu_user_regs *regs = guest_regs();

    if (unlikely(!v->pv.syscall_callback)) {
        regs->rip -= 2;
        pv_inject_trap(v, TRAP_INVALID_OP, false, 0);
        return;
    }
    bounce_to_kernel(v, &(struct bounce){ .rip = v->pv.syscall_callback, .mask_events = v->pv.syscall_disables_events });
}

/* SYSCALL in compatibility mode. */
void pv_user_syscall32(struct vcpu *v)
{
    struct cpu_user_regs *regs = guest_regs();

    if (!v->pv.syscall32_callback || v->pv.kernel_mode) {
        regs->rip -= 2;
        pv_inject_trap(v, TRAP_INVALID_OP, false, 0);
        return;
    }
    bounce_to_kernel(v, &(struct bounce){ .rip = v->pv.syscall32_callback, .mask_events = v->pv.syscall32_disables_events });
}

/* SYSENTER: where it stood is lost; without a callback it is the fault of a processor whose SYSENTER_CS is 0. */
void pv_user_sysenter(struct vcpu *v)
{
    struct cpu_user_regs *regs = guest_regs();

    regs->rflags = (regs->rflags & ~(u64)(RFLAGS_NT | RFLAGS_TF | RFLAGS_AC)) | RFLAGS_IF;
    regs->cs = 3;
    if (!v->pv.sysenter_callback || v->pv.kernel_mode) {
        pv_inject_trap(v, TRAP_GP_FAULT, true, 0);
        return;
    }
    bounce_to_kernel(v, &(struct bounce){ .rip = v->pv.sysenter_callback, .mask_events = v->pv.sysenter_disables_events });
}

void pv_deliver_event(struct vcpu *v)
{
    bounce_to_kernel(v, &(struct bounce){ .rip = v->pv.event_callback, .mask_events = true });
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
    if (!v->pv.failsafe_callback) {
        guest_crash(v, "a segment register cannot be loaded, and there is no failsafe callback");
        return;
    }
    bounce_to_kernel(v, &(struct bounce){ .rip = v->pv.failsafe_callback, .failsafe = true,
                                          .mask_events = v->pv.failsafe_disables_events });
}
