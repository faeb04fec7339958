/* SPDX-License-Identifier: MIT */
/*
 * The watchdog. Two look after a CPU: the timers of the other CPUs, and an NMI about 18 times a second from
 * the interval timer (PIT), which reaches a CPU even where it is alone and has its interrupts off. A machine
 * without that timer's line does with the first.
 */
#include "trace/trace.h"

#include "cpu/asm.h"
#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/report.h"
#include "cpu/time.h"
#include "cpu/traps.h"
#include "lib/option.h"
#include "sched/sched.h"

#define BEAT_PERIOD SECONDS(1)

struct heart {
    struct timer timer;
    stime_t last;
};
static DEFINE_PER_CPU(struct heart, heart);

static bool wanted;
static unsigned int timeout_s = 5;
static unsigned int pauses;         /* above 0: paused */
static bool nmi_ticks;              /* the PIT's NMIs come */

static bool parse_watchdog(const struct option *o, const char *value)
{
    return !strcmp(value, "force") ? (wanted = true) : option_parse_bool(o, value);
}
OPTION_CUSTOM("watchdog", parse_watchdog, wanted);
OPTION_UINT("watchdog_timeout", timeout_s);

/* True where cpu has not shown itself for too long. */
static bool stuck(unsigned int cpu)
{
    return !READ_ONCE(pauses) && now() - READ_ONCE(per_cpu(heart, cpu).last) > SECONDS(timeout_s);
}

void watchdog_pause(void) { atomic_inc(&pauses); }

void watchdog_resume(void)
{
    for_each_online_cpu(cpu)
        WRITE_ONCE(per_cpu(heart, cpu).last, now());
    atomic_dec(&pauses);
}

/* --- by timers --- */

static struct cpu_report report;    /* of the CPU that is stuck */

static void bite(unsigned int cpu, bool reported)
{
    if (!reported)
        panic("watchdog: CPU %u has run no timers for %u seconds, and does not answer an NMI", cpu, timeout_s);
    panic_about(&report, "watchdog: CPU %u has run no timers for %u seconds; it was here:", cpu, timeout_s);
}

static void beat(void *data)
{
    struct heart *h = &this_cpu(heart);
    unsigned int self = this_cpu_nr();

    WRITE_ONCE(h->last, now());
    timer_set(&h->timer, h->last + BEAT_PERIOD);
    for_each_online_cpu(cpu)
        if (cpu != self && stuck(cpu))
            bite(cpu, report_take(cpu, &report));
}

/* --- by NMI --- */

static bool tick(const struct cpu_user_regs *regs)
{
    if (nmi_ticks && stuck(this_cpu_nr())) {
        report_fill(&report, regs);
        bite(report.cpu, true);
    }
    return nmi_ticks;
}

/* The interval timer's line belongs to nobody: guests may not have its ports, and it serves no clock. */
static void no_interrupt(unsigned int gsi) { }

static unsigned int interval_count(void)
{
    unsigned int low;

    outb(0x43, 0);          /* holds channel 0's count */
    low = inb(0x40);
    return low | (unsigned int)inb(0x40) << 8;
}

/* False where there is no interval timer, or no line from it. */
static bool start_nmi(void)
{
    const unsigned int gsi = machine.isa[0].gsi;

    outb(0x43, 0x34);       /* channel 0: rate generator, both bytes of the count, which is 65536 */
    outb(0x40, 0);
    outb(0x40, 0);
    unsigned int count = interval_count();
    udelay(1000);
    if (interval_count() == count || irq_bind(gsi, IRQ_OF_HYPERVISOR, no_interrupt, false, false))
        return false;
    nmi_hook = tick;
    nmi_ticks = true;
    ioapic_route_nmi(gsi);
    return true;
}

/* --- start --- */

void watchdog_init(void)
{
    if (!wanted || !timeout_s)
        return;
    for_each_online_cpu(cpu) {
        struct heart *h = &per_cpu(heart, cpu);

        h->last = now();
        timer_init(&h->timer, beat, NULL, cpu);
        timer_set(&h->timer, h->last + BEAT_PERIOD);
    }
    const char *by = start_nmi() ? "NMI" : cpu_count > 1 ? "the other CPUs" : "nobody: no interval timer, no other CPU";
    log_info("Watchdog: a CPU that runs no timers for %u seconds stops the machine; looked after by %s\n",
             timeout_s, by);
}
