/* SPDX-License-Identifier: MIT */
/* Softirqs: a word of pending bits a CPU, and a function a bit. */
#include "cpu/softirq.h"

#include "cpu/irq.h"
#include "cpu/report.h"
#include "cpu/smp.h"

DEFINE_PER_CPU(unsigned long, softirq_pending);

static void (*handlers[NR_SOFTIRQS])(void);

void softirq_register(enum softirq nr, void (*fn)(void)) { handlers[nr] = fn; }

void softirq_raise(enum softirq nr) { set_bit(nr, &this_cpu(softirq_pending)); }

void softirq_raise_on(unsigned int cpu, enum softirq nr)
{
    if (!test_and_set_bit(nr, &per_cpu(softirq_pending, cpu)) && cpu != this_cpu_nr())
        smp_kick(cpu);
}

void softirq_run(void)
{
    unsigned long pending;

    ASSERT(irqs_enabled());
    while ((pending = READ_ONCE(this_cpu(softirq_pending))) != 0) {
        unsigned long others = pending & ~(1UL << SOFTIRQ_SCHEDULE);
        unsigned int nr = others ? (unsigned int)__builtin_ctzl(others) : SOFTIRQ_SCHEDULE;

        clear_bit(nr, &this_cpu(softirq_pending));
        spin_check_none_held();
        stack_check();
        if (handlers[nr])
            handlers[nr]();
        ASSERT(irqs_enabled());
    }
}
