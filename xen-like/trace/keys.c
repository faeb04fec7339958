/* SPDX-License-Identifier: MIT */
/* The table of debug keys. What a key shows is printed by the subsystem that it is about. */
#include "trace/trace.h"

#include "console/console.h"
#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/report.h"
#include "cpu/traps.h"
#include "domain/domain.h"

static void dump_cpus(void)
{
    static struct cpu_report report;

    for_each_online_cpu(cpu) {
        if (!report_take(cpu, &report)) {
            printk("CPU %u does not answer an NMI\n", cpu);
            continue;
        }
        const struct vcpu *v = report.vcpu;
        if (!v || is_idle(v))
            printk("CPU %u has no guest:\n", cpu);
        else
            printk("CPU %u has d%uv%u, in %s mode:\n", cpu, v->domain->id, v->id,
                   v->pv.kernel_mode ? "kernel" : "user");
        report_print(&report);
    }
}

static void dump_nmis(void)
{
    for_each_online_cpu(cpu)
        printk("CPU %u: %lu NMIs, %lu of unknown cause\n", cpu, per_cpu(nmi_counts, cpu).all,
               per_cpu(nmi_counts, cpu).unknown);
}

static void reboot(void)
{
    console_flush();
    machine_reset();
}

static void dump_all(void);

static const struct {
    char key;
    bool in_all;        /* one of those that '*' shows */
    void (*fn)(void);
    const char *help;
} keys[] = {
    { '*', false, dump_all, "show all of what follows that only looks" },
    { '0', true, domain_dump_hardware, "Domain-0's registers" },
    { 'a', true, timers_dump, "timers" },
    { 'd', true, dump_cpus, "registers and backtraces of all CPUs" },
    { 'e', true, event_dump_all, "event channels" },
    { 'g', true, grant_dump_all, "grants in use" },
    { 'i', true, irq_dump, "interrupt lines" },
    { 'l', true, locks_dump, "locks held" },
    { 'm', true, mm_dump, "memory" },
    { 'n', true, dump_nmis, "NMI counts" },
    { 'q', true, domain_dump_all, "domains and vCPUs" },
    { 'r', true, sched_dump, "run queues" },
    { 'R', false, reboot, "reset the machine" },
    { 'w', false, console_dump_ring, "write the console ring to the console" },
};

static void dump_all(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].in_all) {
            printk("--- %s\n", keys[i].help);
            keys[i].fn();
        }
}

void __weak fault_keys_init(void) { }

void debug_keys_init(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
        console_register_key(keys[i].key, keys[i].fn, keys[i].help);
    fault_keys_init();
}
