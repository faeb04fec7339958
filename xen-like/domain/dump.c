/* SPDX-License-Identifier: MIT */
/*
 * Debug keys about domains: all of them with their vCPUs, and the registers of Domain-0. Nothing is stopped
 * for it, so that a CPU that is stuck holds nothing up: what is printed of a domain that runs may be a moment
 * old.
 */
#include "cpu/report.h"
#include "domain/domain.h"

static const char *const state_names[] = { "alive", "dying", "dead" };

/* Of the CPUs that run, in hexadecimal. */
static void print_mask(const char *name, const struct cpumask *m)
{
    printk(", %s ", name);
    for (unsigned int i = DIV_ROUND_UP(cpu_count, 64); i-- > 0;)
        printk("%lx%s", m->bits[i] & cpu_online.bits[i], i ? "_" : "");
}

static void dump_vcpu(const struct vcpu *v)
{
    static const char *const runstates[] = { "running", "runnable", "blocked", "offline" };
    const struct vcpu_sched *s = &v->sched;
    const struct vcpu_info *info = v->info;

    printk("    vCPU %u: %s on CPU %u%s%s%s%s, pauses %d", v->id, runstates[s->runstate.state & 3], s->cpu,
           s->running ? ", has it" : "", s->queued ? ", queued" : "",
           s->blocked & VCPU_POLLING ? ", polls" : "", s->blocked & VCPU_DOWN ? ", down" : "", s->pause_count);
    print_mask("affinity", &s->hard_affinity);
    print_mask("soft", &s->soft_affinity);
    printk("\n        %s mode, upcall %s%s, selector %016lx, roots %lx and %lx\n",
           v->pv.kernel_mode ? "kernel" : "user", info->evtchn_upcall_pending ? "pending" : "not pending",
           info->evtchn_upcall_mask ? ", masked" : "", (unsigned long)info->evtchn_pending_sel,
           (unsigned long)v->pv.kernel_root.v, (unsigned long)v->pv.user_root.v);
}

static void dump_domain(const struct domain *d)
{
    printk("Domain %u: %s%s%s, references %u, pauses %d (%d by control tools), assists %#lx\n", d->id,
           state_names[d->state], d->privileged ? ", privileged" : "", d->hardware ? ", hardware" : "",
           d->refs, d->pause_count, d->controller_pauses, (unsigned long)d->pv.vm_assist);
    if (d->shutdown_code != SHUTDOWN_CODE_NONE)
        printk("    shut down, reason %u (%s)\n", d->shutdown_code, d->crash_reason);
    printk("    frames %u of %u, shared %u, claimed %lu; hypervisor's memory %lu KiB (limit %lu, 0: none)\n",
           d->mm.tot_pages, d->mm.max_pages, d->mm.shared_pages, (unsigned long)d->mm.claim,
           (unsigned long)d->mm.hv_bytes >> 10, (unsigned long)d->mm.hv_limit >> 10);
    for_each_vcpu(d, v)
        dump_vcpu(v);
}

void domain_dump_all(void)
{
    for_each_domain(d)
        dump_domain(d);
}

/* --- Domain-0's registers --- */

static void dump_registers(const struct vcpu *v)
{
    static struct cpu_report report;
    const struct cpu_user_regs *r = &v->pv.regs;

    if (v == current) {
        r = guest_regs();
    } else if (v->sched.running) {
        if (!report_take(v->sched.cpu, &report))
            printk("CPU %u does not answer; what follows is old\n", v->sched.cpu);
        else if (report.vcpu == v)
            r = &report.guest;
    }
    printk("Domain-0, vCPU %u, %s mode: rip %04x:%016lx  rsp %04x:%016lx  rflags %08lx\n", v->id,
           v->pv.kernel_mode ? "kernel" : "user", r->cs, r->rip, r->ss, r->rsp, r->rflags);
    printk("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
    printk("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
    printk("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
    printk("r13 %016lx  r14 %016lx  r15 %016lx  cr2 %016lx\n", r->r13, r->r14, r->r15,
           (unsigned long)v->info->arch.cr2);
}

void domain_dump_hardware(void)
{
    if (!hardware_domain)
        return;
    for_each_vcpu(hardware_domain, v)
        dump_registers(v);
}
