/* SPDX-License-Identifier: MIT */
/*
 * What each CPU runs on, and what its TLB may still know.
 *
 * All flushes of all CPUs are numbered by one clock. Whoever drops a mapping notes the clock; whoever needs
 * that no CPU remembers it flushes those whose last flush is not younger. A CPU is in its domain's dirty
 * mask, and in guest_cpus, while it runs on one of the domain's tables: before it loads one, until it has
 * loaded another.
 *
 * Guests' user pages are global (mm/pagetable.c), so that they survive a change between user and kernel mode;
 * every other change of the table drops global entries as well.
 */
#include "cpu/smp.h"
#include "mm/arch.h"
#include "mm/internal.h"
#include "mm/isolation.h"

u64 tlb_clock;

static struct cpumask guest_cpus;

static DEFINE_PER_CPU(u64, tlb_flushed);                    /* the clock at this CPU's last full flush */
static DEFINE_PER_CPU(struct domain *, loaded_domain);      /* whose table CR3 holds, NULL: hv_root */
static DEFINE_PER_CPU(const struct vcpu *, loaded_vcpu);    /* for which of its vCPUs */
static DEFINE_PER_CPU(mfn_t, loaded_kernel_root);           /* and that vCPU's kernel root at that time */

/* Taken before the flush that it numbers. */
static u64 flush_number(void) { return atomic_inc(&tlb_clock); }

/* Tells entry.S what v's two modes run on, and what the hypervisor runs on meanwhile. */
static void choose_roots(const struct vcpu *v)
{
    struct cpu_info *info = cpu_info();
    mfn_t kernel = v->pv.kernel_root, user = v->pv.user_root;

    memset(info->guest_cr3, 0, sizeof(info->guest_cr3));
    memset(info->full_cr3, 0, sizeof(info->full_cr3));
    if (is_idle(v))
        return;
    if (!v->domain->pv.isolated) {
        info->guest_cr3[0] = mfn_to_maddr(user).v;
        info->guest_cr3[1] = mfn_to_maddr(kernel).v;
        return;
    }
    isolation_roots(kernel, INVALID_MFN, &info->guest_cr3[1], &info->full_cr3[1]);
    if (user.v)
        isolation_roots(user, kernel, &info->guest_cr3[0], &info->full_cr3[0]);
}

/* What the hypervisor runs on for v, which choose_roots() has seen. */
static u64 root_for_hv(const struct vcpu *v)
{
    const struct cpu_info *info = cpu_info();

    if (is_idle(v))
        return mfn_to_maddr(hv_root).v;
    return info->full_cr3[v->pv.kernel_mode] ?: info->guest_cr3[v->pv.kernel_mode];
}

void root_load(const struct vcpu *v)
{
    struct domain *d = is_idle(v) ? NULL : v->domain, *old = this_cpu(loaded_domain);
    unsigned int cpu = this_cpu_nr();

    /*
     * A change of mode alone (as in pv/entry.S). Not so for another vCPU of the domain: flushes meant for it
     * may have passed it by.
     */
    if (d && v == this_cpu(loaded_vcpu) && mfn_eq(this_cpu(loaded_kernel_root), v->pv.kernel_root)) {
        load_cr3(root_for_hv(v));
        return;
    }
    if (d && d != old) {
        set_bit(cpu, d->mm.dirty.bits);
        set_bit(cpu, guest_cpus.bits);
    }
    this_cpu(loaded_domain) = d;
    WRITE_ONCE(this_cpu(loaded_vcpu), d ? v : NULL);
    this_cpu(loaded_kernel_root) = d ? v->pv.kernel_root : INVALID_MFN;
    choose_roots(v);
    u64 number = flush_number();
    load_cr3_flush_global(root_for_hv(v));
    this_cpu(tlb_flushed) = number;
    if (old && d != old)
        clear_bit(cpu, old->mm.dirty.bits);
    if (!d)
        clear_bit(cpu, guest_cpus.bits);
}

void root_reload(const struct vcpu *v)
{
    this_cpu(loaded_kernel_root) = INVALID_MFN;
    root_load(v);
}

void root_changed(void)
{
    this_cpu(loaded_kernel_root) = INVALID_MFN;
    cpu_info()->guest_cr3[0] = 0;
}

int guest_vcpumask(const struct domain *d, unsigned long bitmap, struct cpumask *mask)
{
    for (unsigned int first = 0; first < d->max_vcpus; first += BITS_PER_LONG, bitmap += sizeof(u64)) {
        u64 bits;

        if (!get_guest_u64(&bits, bitmap))
            return -EFAULT;
        for (; bits; bits &= bits - 1) {
            unsigned int id = first + __builtin_ctzl(bits);

            if (id >= d->max_vcpus)
                return 0;
            const struct vcpu *v = d->vcpu[index_nospec(id, d->max_vcpus)];
            unsigned int cpu = v ? v->sched.cpu : cpu_count;
            if (cpu < cpu_count && READ_ONCE(per_cpu(loaded_vcpu, cpu)) == v)
                set_bit(cpu, mask->bits);
        }
    }
    return 0;
}

void tlb_flush_page_local(unsigned long va)
{
    /* INVLPG does nothing with an address that is not canonical; INVVPID and INVPCID would fault. */
    invlpg(va);
}

void tlb_flush_local(unsigned long va)
{
    if (va != TLB_ALL) {
        tlb_flush_page_local(va);
        return;
    }
    u64 number = flush_number();
    load_cr3_flush_global(loaded_cr3());
    this_cpu(tlb_flushed) = number;
}

static void flush_here(void *va) { tlb_flush_local((unsigned long)va); }

void tlb_flush_mask(const struct cpumask *mask, unsigned long va)
{
    unsigned int cpu = this_cpu_nr();
    struct cpumask others = *mask;
    unsigned long any = 0;

    clear_bit(cpu, others.bits);
    for (unsigned int i = 0; i < ARRAY_SIZE(others.bits); i++)
        any |= others.bits[i];
    if (any)
        smp_call(mask, flush_here, (void *)va, true);
    else if (test_bit(cpu, mask->bits))
        tlb_flush_local(va);
}

/* Flushes each CPU of mask that has not flushed everything since stamp was taken. */
static void tlb_flush_since(const struct cpumask *mask, u32 stamp)
{
    u64 clock = READ_ONCE(tlb_clock), since = (clock & ~0xffffffffUL) | stamp;
    struct cpumask late = { { 0 } };
    bool any = false;

    /* The stamp has the clock's low bits only; the youngest time that they can mean is the safe one. */
    if (since > clock)
        since -= 1UL << 32;
    for_each_set_bit(cpu, mask->bits, cpu_count)
        if (READ_ONCE(per_cpu(tlb_flushed, cpu)) <= since) {
            set_bit(cpu, late.bits);
            any = true;
        }
    if (any)
        tlb_flush_mask(&late, TLB_ALL);
}

void tlb_flush_domain_since(const struct domain *d, u32 stamp)
{
    struct cpumask mask = d->mm.dirty;

    /* Domain-0 maps frames of others directly, and need not have flushed since. */
    if (hardware_domain && d != hardware_domain)
        for (unsigned int i = 0; i < ARRAY_SIZE(mask.bits); i++)
            mask.bits[i] |= hardware_domain->mm.dirty.bits[i];
    tlb_flush_since(&mask, stamp);
}

void tlb_flush_guests_since(u32 stamp) { tlb_flush_since(&guest_cpus, stamp); }
