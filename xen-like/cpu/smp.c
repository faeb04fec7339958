/* SPDX-License-Identifier: MIT */
/*
 * Calls between CPUs. Each CPU has one slot for the call that it makes, and a set of the CPUs whose slots it
 * has to look at; a slot is free again when the last target has run its call. No lock: targets only read the
 * slot and count down.
 */
#include "cpu/smp.h"

#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/irq.h"
#include "cpu/time.h"

struct call_slot {
    void (*fn)(void *arg);
    void *arg;
    unsigned int left;      /* targets that have not finished */
};

static DEFINE_PER_CPU(struct call_slot, call_slot);
static DEFINE_PER_CPU(struct cpumask, call_from);

u32 cpu_apic_id[MAX_CPUS];
static int stopping_cpu = -1;       /* the CPU that stops all others, or -1 */
static unsigned int stopped;

static void wait_for_slot(struct call_slot *slot)
{
    while (load_acquire(&slot->left) != 0)
        cpu_relax();
}

void smp_call(const struct cpumask *mask, void (*fn)(void *arg), void *arg, bool wait)
{
    const unsigned int self = this_cpu_nr();
    struct call_slot *slot = &this_cpu(call_slot);
    struct cpumask others = *mask;      /* the caller's may change meanwhile */
    unsigned int targets = 0;

    spin_check_may_wait();
    const bool here = test_and_clear_bit(self, others.bits);

    for_each_set_bit(n, others.bits, cpu_count)
        targets++;
    if (targets) {
        wait_for_slot(slot);
        slot->fn = fn;
        slot->arg = arg;
        store_release(&slot->left, targets);
        for_each_set_bit(n, others.bits, cpu_count) {
            set_bit(self, per_cpu(call_from, n).bits);
            apic_send(cpu_apic_id[n], VECTOR_CALL);
        }
    }
    if (here) {
        irq_disable();
        fn(arg);
        irq_enable();
    }
    if (targets && wait)
        wait_for_slot(slot);
}

void smp_handle_calls(void)
{
    struct cpumask *from = &this_cpu(call_from);

    for_each_set_bit(n, from->bits, MAX_CPUS) {
        struct call_slot *slot = &per_cpu(call_slot, n);

        clear_bit(n, from->bits);
        slot->fn(slot->arg);
        atomic_dec(&slot->left);
    }
}

void smp_kick(unsigned int cpu) { apic_send(cpu_apic_id[cpu], VECTOR_KICK); }

bool smp_stop_requested(void)
{
    int who = READ_ONCE(stopping_cpu);

    return who >= 0 && who != (int)this_cpu_nr();
}

void smp_stop_self(void)
{
    irq_disable();
    atomic_inc(&stopped);
    for (;;)
        __asm__ __volatile__("hlt");
}

void smp_stop_others(void)
{
    unsigned int self = this_cpu_nr();
    int nobody = -1;

    if (!apic_is_up() || !atomic_cmpxchg(&stopping_cpu, &nobody, (int)self))
        return;
    for_each_set_bit(n, cpu_online.bits, MAX_CPUS)
        if (n != self)
            apic_send(cpu_apic_id[n], APIC_ICR_NMI | APIC_ICR_ASSERT);
    for (unsigned int ms = 0; ms < 100 && READ_ONCE(stopped) + 1 < cpu_count; ms++)
        udelay(1000);
}
