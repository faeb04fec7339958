/* SPDX-License-Identifier: MIT */
/* The other processors: how they are brought up, called, and stopped. */
#include "cpu/smp.h"

#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/spec.h"
#include "cpu/time.h"
#include "lib/image.h"
#include "lib/option.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "pv/pv.h"
#include "sched/sched.h"

u32 cpu_apic_id[MAX_CPUS];

/*
 * --- start ---
 * All get INIT at once, then one after the other its STARTUP (SDM vol. 3A, 8.4), so that each finds its stack
 * in the one place that the trampoline reads.
 */

#define START_WAIT_MS 1000

static unsigned int opt_maxcpus = MAX_CPUS;
OPTION_UINT("maxcpus", opt_maxcpus);

extern char trampoline_start[], trampoline_end[], trampoline_data[];
extern char boot_l4[];

struct trampoline_data { u32 l4, efer; };

void *secondary_stack;                  /* for trampoline.S: of the CPU that starts now */

u64 trampoline_page;                    /* machine address below 1 MiB, chosen and reserved by boot/ */
static volatile unsigned int started;   /* number of the CPU that has last come up */

void smp_secondary_main(void);

/* Everything that a CPU sets up for itself. Interrupts are off on entry and on when its idle vCPU is made. */
static void init_this_cpu(unsigned int nr)
{
    features_apply();
    desc_load();
    spec_init_cpu();
    apic_init_cpu();
    time_init_cpu();
    pv_cpu_init(nr);
    timers_init_cpu(nr);
    irq_enable();
    sched_init_cpu(nr);
}

void smp_init_boot_cpu(void)
{
    cpu_apic_id[0] = apic_id();
    set_bit(0, cpu_online.bits);
    cpu_count = 1;
    init_this_cpu(0);
}

void smp_secondary_main(void)
{
    unsigned int nr = this_cpu_nr();

    init_this_cpu(nr);
    set_bit(nr, cpu_online.bits);
    store_release(&started, nr);
    continue_running(current);
}

static void copy_trampoline(void)
{
    char *page = maddr_to_virt(MADDR(trampoline_page));
    struct trampoline_data *data = (struct trampoline_data *)(page + (trampoline_data - trampoline_start));

    memcpy(page, trampoline_start, trampoline_end - trampoline_start);
    data->l4 = image_virt_to_phys(boot_l4);
    data->efer = EFER_SCE | EFER_LME | (cpu.nx ? EFER_NXE : 0);
}

/* True when CPU nr, with that local APIC, runs. */
static bool start_cpu(unsigned int nr, u32 apic)
{
    secondary_stack = (void *)(CPU_STACK(nr) + STACK_SIZE);
    if (mm_init_cpu_window(nr) || !percpu_prepare(nr) || !desc_prepare(nr, secondary_stack)) {
        log_err("No memory to start CPU %u; going on with %u\n", nr, cpu_count);
        return false;
    }
    cpu_apic_id[nr] = apic;
    smp_mb();
    for (unsigned int us = 0; us < START_WAIT_MS * 1000; us += 10) {
        /* The second STARTUP is for processors that lose the first; a CPU that runs already ignores it. */
        if (us == 0 || us == 10000)
            apic_send(apic, APIC_ICR_STARTUP | (u32)(trampoline_page >> PAGE_SHIFT));
        if (load_acquire(&started) == nr) {
            cpu_count = nr + 1;
            return true;
        }
        udelay(10);
    }
    log_err("CPU %u (local APIC %u) did not start within %u ms; going on without it\n", nr, apic,
            START_WAIT_MS);
    return false;
}

void smp_boot(void)
{
    u32 self = apic_id();
    unsigned int limit = min(opt_maxcpus, (unsigned int)MAX_CPUS);

    if (machine.nr_cpus_ignored)
        log_warn("%u CPUs ignored: at most %u are supported\n", machine.nr_cpus_ignored, MAX_CPUS);
    if (machine.nr_cpus < 2 || limit < 2)
        return;
    if (!trampoline_page) {
        log_warn("No free page below 1 MiB: the other %u CPUs cannot be started\n", machine.nr_cpus - 1);
        return;
    }
    copy_trampoline();
    for (unsigned int i = 0; i < machine.nr_cpus; i++)
        if (machine.apic_id[i] != self)
            apic_send(machine.apic_id[i], APIC_ICR_INIT);
    udelay(10000);
    for (unsigned int i = 0; i < machine.nr_cpus && cpu_count < limit; i++)
        if (machine.apic_id[i] != self && !start_cpu(cpu_count, machine.apic_id[i]))
            break;
}

/*
 * --- calls ---
 * Each CPU has one slot for the call that it makes, and a set of the CPUs whose slots it has to look at; a
 * slot is free again when the last target has run its call. No lock: targets only read the slot and count
 * down.
 */

struct call_slot {
    void (*fn)(void *arg);
    void *arg;
    unsigned int left;      /* targets that have not finished */
};

static DEFINE_PER_CPU(struct call_slot, call_slot);
static DEFINE_PER_CPU(struct cpumask, call_from);

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
            apic_send(cpu_apic_id[n], APIC_ICR_NMI);
    for (unsigned int ms = 0; ms < 100 && READ_ONCE(stopped) + 1 < cpu_count; ms++)
        udelay(1000);
}
