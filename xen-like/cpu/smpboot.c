/* SPDX-License-Identifier: MIT */
/*
 * Brings up the other processors (SDM vol. 3A, 8.4): all get INIT at once, then one after the other its
 * STARTUP, so that each finds its stack in the one place that the trampoline reads.
 */
#include "cpu/smp.h"

#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/spec.h"
#include "cpu/time.h"
#include "lib/option.h"
#include "mm/frame.h"
#include "mm/mm.h"
#include "pv/pv.h"
#include "sched/sched.h"

#define START_WAIT_MS 1000

static unsigned int opt_maxcpus = MAX_CPUS;
OPTION_UINT("maxcpus", opt_maxcpus);

extern char trampoline_start[], trampoline_end[], trampoline_data[];
extern u64 boot_l4_phys;

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
    data->l4 = boot_l4_phys;
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
            apic_send(apic, APIC_ICR_STARTUP | APIC_ICR_ASSERT | (u32)(trampoline_page >> PAGE_SHIFT));
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
            apic_send(machine.apic_id[i], APIC_ICR_INIT | APIC_ICR_ASSERT);
    udelay(10000);
    for (unsigned int i = 0; i < machine.nr_cpus && cpu_count < limit; i++)
        if (machine.apic_id[i] != self && !start_cpu(cpu_count, machine.apic_id[i]))
            break;
}
