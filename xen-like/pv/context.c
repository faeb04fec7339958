/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's state: putting it into a CPU and taking it out again, its two modes, and its creation and end.
 *
 * A CPU holds the state of `current`: general registers in guest_regs(), the rest in the processor.
 * context_switch() takes all of it out and puts the next one's in, so that nothing of one vCPU is there for
 * another to see.
 */
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/irq.h"
#include "cpu/spec.h"
#include "mm/isolation.h"
#include "mm/pte.h"
#include "pv/internal.h"

/* Bits of CR4 that the processor has as the guest wants them. */
#define CR4_GUEST_OWNED  (CR4_TSD | CR4_DE | CR4_FSGSBASE)
/* Those that a guest chooses for itself; OSXSAVE stays on for the hypervisor. */
#define CR4_GUEST_CHOICE (CR4_GUEST_OWNED | CR4_OSXSAVE)

static DEFINE_PER_CPU(unsigned long, cr4_now);
static DEFINE_PER_CPU(bool, dr_in_use);

static void load_cr4(const struct vcpu *v)
{
    unsigned long now = this_cpu(cr4_now) ?: read_reg(cr4);
    unsigned long cr4 = (now & ~(unsigned long)CR4_GUEST_OWNED) | (v->pv.ctrlreg[4] & CR4_GUEST_OWNED);

    if (cr4 != now)
        write_reg(cr4, cr4);
    this_cpu(cr4_now) = cr4;
}

void pv_set_ts(struct vcpu *v, bool ts)
{
    v->pv.ts = ts;
    if (ts)
        write_reg(cr0, read_reg(cr0) | CR0_TS);
    else
        clts();
}

/*
 * CR4 as the guest reads it: the machine's, without what concerns only the hypervisor, and with its own
 * choice.
 */
u64 pv_guest_cr4(const struct vcpu *v)
{
    return (read_reg(cr4) & (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT)) |
           (v->pv.ctrlreg[4] & CR4_GUEST_CHOICE);
}

/* Bits that are not the guest's to choose are ignored. v is current. */
void pv_set_guest_cr4(struct vcpu *v, u64 value)
{
    const u64 absent = (cpu.fsgsbase ? 0 : CR4_FSGSBASE) | (cpu.xsave ? 0 : CR4_OSXSAVE);

    v->pv.ctrlreg[4] = value & CR4_GUEST_CHOICE & ~absent;
    load_cr4(v);
}

void pv_toggle_mode(struct vcpu *v)
{
    v->pv.kernel_mode = !v->pv.kernel_mode;
    swapgs();
    root_load(v);
}

/* --- segments --- */

static void save_segments(struct vcpu *v, struct cpu_user_regs *regs)
{
    regs->ds = read_reg(ds);
    regs->es = read_reg(es);
    regs->fs = read_reg(fs);
    regs->gs = read_reg(gs);
    v->pv.fs_base = rdmsr(MSR_FS_BASE);
    v->pv.gs_base[v->pv.kernel_mode] = rdmsr(MSR_GS_BASE);
    v->pv.gs_base[!v->pv.kernel_mode] = rdmsr(MSR_KERNEL_GS_BASE);
}

/* A null selector over a null one is not loaded: there is nothing to change. */
#define LOAD_SELECTOR(seg) (!(regs->seg | read_reg(seg)) || load_##seg(regs->seg))

/*
 * Selectors first, since loading one replaces the base. One that cannot be loaded any more (its descriptor
 * went away) becomes null, and the guest is told by its failsafe callback.
 */
static bool load_segments(struct vcpu *v, const struct cpu_user_regs *regs)
{
    bool ok = LOAD_SELECTOR(ds);

    ok &= LOAD_SELECTOR(es);
    ok &= LOAD_SELECTOR(fs);
    ok &= LOAD_SELECTOR(gs);
    wrmsr(MSR_FS_BASE, v->pv.fs_base);
    wrmsr(MSR_GS_BASE, v->pv.gs_base[v->pv.kernel_mode]);
    wrmsr(MSR_KERNEL_GS_BASE, v->pv.gs_base[!v->pv.kernel_mode]);
    return ok;
}

/* --- debug registers --- */

#define DR7_ENABLES 0xffUL

void pv_load_debug_registers(const struct vcpu *v)
{
    const bool use = v->pv.dr[7] & DR7_ENABLES;

    if (use) {
        write_reg(dr0, v->pv.dr[0]);
        write_reg(dr1, v->pv.dr[1]);
        write_reg(dr2, v->pv.dr[2]);
        write_reg(dr3, v->pv.dr[3]);
        write_reg(dr6, DR6_DEFAULT);
    }
    if (use || this_cpu(dr_in_use))
        write_reg(dr7, use ? v->pv.dr[7] : DR7_DEFAULT);
    this_cpu(dr_in_use) = use;
}

/* --- what entry.S uses while the guest's root is loaded --- */

static void *map_for_entry(unsigned int page, const void *what)
{
    const u64 pte = make_pte(virt_to_mfn(what), cpu.nx ? PTE_HV_RW : PTE_HV_RW & ~PTE_NX);

    WRITE_ONCE(*cpu_window_pte(this_cpu_nr(), page), pte);
    return (char *)CPU_WINDOW(this_cpu_nr()) + page * PAGE_SIZE + ((unsigned long)what & ~PAGE_MASK);
}

/* v becomes current; the change of root that follows flushes the window's old content. */
static void load_for_entry(struct vcpu *v)
{
    const bool isolated = v->domain->pv.isolated;

    cpu_info()->guest_vcpu = isolated ? map_for_entry(WINDOW_PAGE_VCPU, v) : v;
    cpu_info()->guest_info = isolated ? map_for_entry(WINDOW_PAGE_INFO, v->info) : v->info;
}

void pv_info_moved(struct vcpu *v)
{
    if (v != current)
        return;
    load_for_entry(v);
    if (v->domain->pv.isolated)
        tlb_flush_page_local((unsigned long)cpu_info()->guest_info);
}

/* --- the switch --- */

static void save_state(struct vcpu *v)
{
    save_segments(v, guest_regs());
    v->pv.regs = *guest_regs();
    if (v->pv.ts)
        clts();
    fpu_save(v->pv.fpu);
}

/* False: the guest has to hear, by its failsafe callback, that a selector could not be loaded. */
static bool load_state(struct vcpu *v)
{
    *guest_regs() = v->pv.regs;
    load_cr4(v);
    pv_load_descriptor_tables(v);
    load_for_entry(v);
    root_load(v);
    irq_enable(); /* a selector of the LDT may need a page validated, and other CPUs flushed for it */
    const bool segments_ok = load_segments(v, guest_regs());
    pv_load_debug_registers(v);
    fpu_restore(v->pv.fpu, v->pv.xcr0);
    if (cpu.rdtscp)
        wrmsr(MSR_TSC_AUX, v->pv.tsc_aux);
    if (v->pv.ts)
        write_reg(cr0, read_reg(cr0) | CR0_TS);
    vcpu_update_time(v);
    return segments_ok;
}

void context_switch(struct vcpu *prev, struct vcpu *next)
{
    if (!is_idle(prev))
        save_state(prev);
    current = next;
    spec_switch(next);
    if (is_idle(next))
        root_load(next);
    const bool segments_ok = is_idle(next) || load_state(next);
    sched_context_saved(prev);
    irq_enable();
    if (unlikely(!segments_ok))
        pv_failsafe(next);
    continue_running(next);
}

/* --- life --- */

/* Pages of an FPU area, as a power of two: it has to be aligned to 64. */
static unsigned int fpu_order(void)
{
    unsigned int order = 0;

    while ((PAGE_SIZE << order) < cpu.xsave_size)
        order++;
    return order;
}

/* FPU and debug registers as after a reset. */
static void reset_registers(struct pv_vcpu *pv)
{
    fpu_init_state(pv->fpu);
    memset(pv->dr, 0, sizeof(pv->dr));
    pv->dr[6] = DR6_DEFAULT;
    pv->dr[7] = DR7_DEFAULT;
}

void pv_init_domain(struct domain *d)
{
    d->pv.ioports_all = d->hardware;
    d->pv.isolated = d->hardware ? isolate_dom0 : isolate_domu;
}

int pv_init_vcpu(struct vcpu *v)
{
    v->pv.trap_table = domain_xzalloc_array(v->domain, struct trap_info, 256);
    v->pv.fpu = domain_alloc_pages(v->domain, fpu_order());
    if (!v->pv.trap_table || !v->pv.fpu) {
        pv_destroy_vcpu(v);
        return -ENOMEM;
    }
    reset_registers(&v->pv);
    v->pv.kernel_mode = true;
    v->pv.xcr0 = cpu.xcr0 & 3; /* x87 and SSE */
    v->pv.iopl_in_flags = vm_assist(v->domain, architectural_iopl);
    v->pv.ctrlreg[0] = CR0_PG | CR0_AM | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE;
    return 0;
}

void pv_destroy_vcpu(struct vcpu *v)
{
    domain_xfree(v->domain, v->pv.trap_table);
    v->pv.trap_table = NULL;
    if (v->pv.fpu)
        domain_free_pages(v->domain, v->pv.fpu, fpu_order());
    v->pv.fpu = NULL;
}

int pv_relinquish_vcpu(struct vcpu *v)
{
    (void)pv_set_gdt_frames(v, NULL, 0); /* none: that cannot fail */
    pv_drop_ldt(v);
    return vcpu_drop_roots(v);
}

/* --- whole contexts --- */

/* Addresses that a context and a vCPU both have, as the guest gave them: PAIR(the context's, the vCPU's). */
#define ADDRESS_PAIRS(PAIR)                                                 \
    PAIR(event_callback_eip, callbacks[CALLBACKTYPE_event].address)         \
    PAIR(failsafe_callback_eip, callbacks[CALLBACKTYPE_failsafe].address)   \
    PAIR(syscall_callback_eip, callbacks[CALLBACKTYPE_syscall].address)     \
    PAIR(fs_base, fs_base)                                                  \
    PAIR(gs_base_kernel, gs_base[1])                                        \
    PAIR(gs_base_user, gs_base[0])

/* Selectors of a guest have RPL 3; a null selector stays as it is. */
static u16 guest_selector(u16 selector) { return selector & ~3 ? selector | 3 : selector; }

/* Registers as a guest may have them on its way out of ring 0. */
static void sanitize_regs(struct cpu_user_regs *regs)
{
    regs->cs = guest_selector(regs->cs);
    regs->ss = guest_selector(regs->ss);
    regs->rflags &= ~(u64)(RFLAGS_IOPL | RFLAGS_VM | RFLAGS_NT | RFLAGS_RF | RFLAGS_VIF | RFLAGS_VIP);
    regs->rflags |= RFLAGS_IF | RFLAGS_ALWAYS;
    regs->entry_vector = 0;
}

static bool context_ok(const struct vcpu_guest_context *ctx)
{
#define ADDRESS_OF(theirs, ours) ctx->theirs,
    const unsigned long addresses[] = { ctx->user_regs.rip, ADDRESS_PAIRS(ADDRESS_OF) };

    for (unsigned int i = 0; i < ARRAY_SIZE(addresses); i++)
        if (!guest_range_ok(addresses[i], 1))
            return false;
    for (unsigned int i = 0; i < ARRAY_SIZE(ctx->trap_ctxt); i++)
        if (!guest_range_ok(ctx->trap_ctxt[i].address, 1))
            return false;
    /* User mode has a table of its own; without one it cannot run. */
    return (ctx->flags & VGCF_in_kernel || ctx->ctrlreg[1] >> PAGE_SHIFT) && ctx->ldt_ents <= 8192 &&
           ctx->ldt_base % PAGE_SIZE == 0 && ctx->gdt_ents <= FIRST_RESERVED_GDT_ENTRY;
}

int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *ctx)
{
    const mfn_t user_root = MFN(ctx->ctrlreg[1] >> PAGE_SHIFT);
    struct pv_vcpu *pv = &v->pv;

    if (!context_ok(ctx))
        return -EINVAL;
    pv->regs = ctx->user_regs;
    sanitize_regs(&pv->regs);
    pv->iopl = (ctx->user_regs.rflags & RFLAGS_IOPL) >> RFLAGS_IOPL_SHIFT;
    memcpy(pv->trap_table, ctx->trap_ctxt, sizeof(ctx->trap_ctxt));
    for (unsigned int i = 0; i < ARRAY_SIZE(ctx->trap_ctxt); i++)
        pv->trap_table[i].cs = guest_selector(pv->trap_table[i].cs);
    pv_set_kernel_stack(v, guest_selector(ctx->kernel_ss), ctx->kernel_sp);
#define TAKE_ADDRESS(theirs, ours) pv->ours = ctx->theirs;
    ADDRESS_PAIRS(TAKE_ADDRESS)
    pv->callbacks[CALLBACKTYPE_failsafe].mask_events = ctx->flags & VGCF_failsafe_disables_events;
    pv->callbacks[CALLBACKTYPE_syscall].mask_events = ctx->flags & VGCF_syscall_disables_events;
    pv->kernel_mode = ctx->flags & VGCF_in_kernel;
    pv->ctrlreg[4] = ctx->ctrlreg[4] & CR4_GUEST_CHOICE;
    v->domain->pv.vm_assist |= ctx->vm_assist & VM_ASSIST_VALID;
    pv_assists_changed(v->domain);

    reset_registers(pv);
    for (unsigned int i = 0; i < 8; i++)
        if (i != 4 && i != 5)
            (void)pv_set_debugreg(v, i, ctx->debugreg[i]); /* one that is not allowed stays at its default */
    if (ctx->flags & VGCF_i387_valid)
        fpu_import_fxsave(pv->fpu, &ctx->fpu_ctxt);

    const int ret = pv_set_gdt_frames(v, ctx->gdt_frames, ctx->gdt_ents) ?:
                    pv_set_ldt(v, ctx->ldt_base, ctx->ldt_ents) ?:
                    vcpu_set_kernel_root(v, MFN(ctx->ctrlreg[3] >> PAGE_SHIFT)) ?:
                    (user_root.v ? vcpu_set_user_root(v, user_root) : 0);
    if (ret)
        pv->kernel_mode |= !pv->user_root.v;
    else
        v->initialised = true;
    return ret;
}

void pv_get_context(struct vcpu *v, struct vcpu_guest_context *ctx)
{
    const struct pv_vcpu *pv = &v->pv;

    memset(ctx, 0, sizeof(*ctx));
    fpu_export_fxsave(pv->fpu, &ctx->fpu_ctxt);
    ctx->flags = VGCF_i387_valid | (pv->kernel_mode ? VGCF_in_kernel : 0) |
                 (pv->callbacks[CALLBACKTYPE_failsafe].mask_events ? VGCF_failsafe_disables_events : 0) |
                 (pv->callbacks[CALLBACKTYPE_syscall].mask_events ? VGCF_syscall_disables_events : 0) |
                 (v->sched.blocked & VCPU_DOWN ? 0 : VGCF_online);
#define GIVE_ADDRESS(theirs, ours) ctx->theirs = pv->ours;
    ADDRESS_PAIRS(GIVE_ADDRESS)
    ctx->user_regs = pv->regs;
    ctx->user_regs.error_code = ctx->user_regs.entry_vector = 0;
    ctx->user_regs.rflags |= (u64)pv->iopl << RFLAGS_IOPL_SHIFT;
    memcpy(ctx->trap_ctxt, pv->trap_table, sizeof(ctx->trap_ctxt));
    ctx->ldt_base = pv->ldt_base;
    ctx->ldt_ents = pv->ldt_ents;
    for (unsigned int i = 0; i < GDT_GUEST_FRAMES; i++)
        ctx->gdt_frames[i] = pv->gdt_frames[i].v;
    ctx->gdt_ents = pv->gdt_ents;
    ctx->kernel_ss = pv->kernel_ss;
    ctx->kernel_sp = pv->kernel_sp;
    memcpy(ctx->ctrlreg, pv->ctrlreg, sizeof(ctx->ctrlreg));
    ctx->ctrlreg[3] = xen_pfn_to_cr3(pv->kernel_root.v);
    ctx->ctrlreg[1] = pv->user_root.v ? xen_pfn_to_cr3(pv->user_root.v) : 0;
    memcpy(ctx->debugreg, pv->dr, sizeof(ctx->debugreg));
    ctx->vm_assist = v->domain->pv.vm_assist;
}
