/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that happen while a guest runs, in its kernel or its user mode. Each is dealt with on the
 * guest's behalf (an emulated instruction, a page-table write, an LDT page not mapped yet) or given to the
 * guest's own handler.
 *
 * entry.S calls guest_trap_table[vector] with interrupts off; a handler first reads what a later exception
 * would overwrite (CR2, DR6), then turns them on.
 */
#include "cpu/irq.h"
#include "cpu/traps.h"
#include "pv/internal.h"

/* Those that a guest gets as they are. */
static void plain_trap(struct cpu_user_regs *regs)
{
    irq_enable();
    pv_inject_trap(current, regs->entry_vector, TRAPS_WITH_CODE >> regs->entry_vector & 1, regs->error_code);
}

static void debug_trap(struct cpu_user_regs *regs)
{
    u64 *dr6 = &current->pv.dr[6];
    const u64 now = read_reg(dr6);

    write_reg(dr6, DR6_DEFAULT); /* sticky: the next one must start from nothing */
    irq_enable();
    *dr6 = (*dr6 & ~DR6_STATUS) | (now & DR6_STATUS) | DR6_DEFAULT;
    pv_inject_trap(current, regs->entry_vector, false, 0);
}

static void invalid_opcode(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    irq_enable();
    if (!pv_emulate_forced(v, regs))
        pv_inject_trap(v, TRAP_INVALID_OP, false, 0);
}

static void device_not_available(struct cpu_user_regs *regs)
{
    irq_enable();
    /* TS is only ever set in the processor because the guest asked for it; taking the fault clears it. */
    pv_set_ts(current, false);
    pv_inject_trap(current, TRAP_NO_DEVICE, false, 0);
}

/*
 * `int n`, at rip, which the interrupt gate refused: for the guest's own gate to decide, whose DPL has to be
 * 3 for user mode, at least 1 for its kernel.
 */
static void software_interrupt(struct vcpu *v, struct cpu_user_regs *regs, u8 vector)
{
    const struct trap_info *ti = &v->pv.trap_table[index_nospec(vector, 256)];

    if (ti->address && TI_GET_DPL(ti) >= (v->pv.kernel_mode ? 1 : 3)) {
        regs->rip += 2;
        pv_inject_trap(v, vector, false, 0);
    } else {
        pv_inject_trap(v, TRAP_GP_FAULT, true, vector << 3 | 2);
    }
}

static void general_protection(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;
    const u32 code = regs->error_code;

    irq_enable();
    if ((code & 3) == 2) {
        u8 insn[2];

        /* Some machines report the vector wrongly: it is the instruction's, where that can be read. */
        const bool readable = !copy_from_guest(insn, regs->rip, sizeof(insn)) && insn[0] == 0xcd;
        software_interrupt(v, regs, readable ? insn[1] : code >> 3);
    } else if (code != 0 || !pv_emulate_privileged(v, regs)) {
        pv_inject_trap(v, TRAP_GP_FAULT, true, code);
    }
}

/* A gate of its own in the IDT, since old system calls come here often. */
static void int80(struct cpu_user_regs *regs)
{
    irq_enable();
    regs->rip -= 2; /* as the gate's refusal would have left it */
    software_interrupt(current, regs, TRAP_INT80);
}

static void page_fault(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;
    unsigned long cr2 = read_reg(cr2);
    const unsigned long in_ldt = cr2 - CPU_LDT_WINDOW(this_cpu_nr());
    const u32 code = regs->error_code;

    irq_enable();
    if (unlikely(cr2 >= HV_VIRT_START && cr2 < HV_VIRT_END)) {
        /* The processor looked for a descriptor in the LDT (such accesses carry no user bit). */
        if (!(code & PF_USER) && in_ldt < LDT_WINDOW_SIZE) {
            if (pv_map_ldt_page(v, in_ldt))
                return;
            cr2 = v->pv.ldt_base + in_ldt;
        }
    } else if ((code & (PF_PRESENT | PF_WRITE | PF_RSVD)) == (PF_PRESENT | PF_WRITE) && v->pv.kernel_mode &&
               (vm_assist(v->domain, writable_pagetables) || v->domain->hardware) &&
               pv_emulate_pt_write(v, regs, cr2)) {
        return;
    }
    pv_inject_page_fault(v, cr2, code);
}

/* The hypervisor loads a guest's selector for it, and the descriptor's page is not in the LDT window yet. */
static bool ldt_fault_in_hypervisor(unsigned long cr2, u32 code)
{
    return pv_map_ldt_page(current, cr2 - CPU_LDT_WINDOW(this_cpu_nr()));
}

void pv_traps_init(void) { hv_page_fault_hook = ldt_fault_in_hypervisor; }

void (*const guest_trap_table[TRAP_INT80 + 1])(struct cpu_user_regs *) = {
    [0] = plain_trap, [3 ... 5] = plain_trap, [9 ... 12] = plain_trap, [15 ... 17] = plain_trap,
    [19 ... 31] = plain_trap,
    [TRAP_DEBUG] = debug_trap,
    [TRAP_NMI] = hv_exception,
    [TRAP_INVALID_OP] = invalid_opcode,
    [TRAP_NO_DEVICE] = device_not_available,
    [TRAP_DOUBLE_FAULT] = hv_exception,
    [TRAP_GP_FAULT] = general_protection,
    [TRAP_PAGE_FAULT] = page_fault,
    [TRAP_MACHINE] = hv_exception,
    [TRAP_INT80] = int80,
};

void guest_crash(struct vcpu *v, const char *fmt, ...)
{
    struct domain *d = v->domain;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(d->crash_reason, sizeof(d->crash_reason), fmt, ap);
    va_end(ap);
    guest_log(d->id, LOG_ERR, "vCPU %u crashed: %s", v->id, d->crash_reason);
    domain_crash(d);
}
