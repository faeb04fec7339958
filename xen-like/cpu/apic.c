/* SPDX-License-Identifier: MIT */
/* The local APIC: finds its mode, sets it up on each CPU, sends inter-processor interrupts. */
#include "cpu/apic.h"

#include "cpu/features.h"
#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/regs.h"
#include "lib/option.h"
#include "mm/alloc.h"
#include "mm/mm.h"

#define APIC_BASE_ENABLE    (1u << 11)
#define APIC_BASE_X2APIC    (1u << 10)
#define APIC_SVR_ENABLE     0x100
#define APIC_ICR_BUSY       0x1000

static bool x2apic_wanted = true;
OPTION_BOOL("x2apic", x2apic_wanted);

static bool x2apic;
static volatile char *registers;    /* of the xAPIC; NULL before apic_init() */

u32 apic_read(unsigned int reg)
{
    return x2apic ? rdmsr(MSR_X2APIC_BASE + (reg >> 4)) : *(volatile u32 *)(registers + reg);
}

void apic_write(unsigned int reg, u32 value)
{
    if (x2apic)
        wrmsr(MSR_X2APIC_BASE + (reg >> 4), value);
    else
        *(volatile u32 *)(registers + reg) = value;
}

bool apic_is_up(void) { return x2apic || registers; }

u32 apic_id(void) { return apic_read(APIC_ID) >> (x2apic ? 0 : 24); }

void apic_send(u32 id, u32 command)
{
    if (x2apic) {
        /* WRMSR to the x2APIC orders nothing: what the interrupt is about must be visible first. */
        __asm__ __volatile__("mfence" ::: "memory");
        wrmsr(MSR_X2APIC_BASE + (APIC_ICR >> 4), (u64)id << 32 | command);
        return;
    }
    /* An interrupt between the two halves might send one of its own. */
    const unsigned long flags = irq_save();

    for (unsigned int i = 0; (apic_read(APIC_ICR) & APIC_ICR_BUSY) && i < 1000000; i++)
        cpu_relax();
    apic_write(APIC_ICR + 0x10, id << 24);
    apic_write(APIC_ICR, command);
    if (flags & RFLAGS_IF)
        irq_enable();
}

void apic_init(void)
{
    u64 base = rdmsr(MSR_APIC_BASE);

    /* Once on, x2APIC mode cannot be left without a reset. */
    x2apic = cpu.x2apic && (x2apic_wanted || (base & APIC_BASE_X2APIC));
    if (machine.lapic_address)
        base = machine.lapic_address;
    base &= 0x000ffffffffff000;
    mm_close_mmio(base, base + PAGE_SIZE, false);
    if (x2apic)
        return;
    registers = ioremap(MADDR(base), PAGE_SIZE, false);
    if (!registers)
        panic("no memory to map the local APIC at %#lx", base);
}

void apic_init_cpu(void)
{
    u64 base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    wrmsr(MSR_APIC_BASE, base);
    if (x2apic)
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
    apic_write(APIC_TPR, 0);
    apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_APIC_TIMER);
    apic_write(APIC_TIMER_DIVIDE, APIC_DIVIDE_BY_1);
    apic_write(APIC_LVT_LINT0, APIC_LVT_MASKED);
    apic_write(APIC_LVT_LINT1, APIC_LVT_NMI);
    apic_write(APIC_LVT_ERROR, VECTOR_APIC_ERROR);
    apic_write(APIC_SVR, APIC_SVR_ENABLE | VECTOR_SPURIOUS);
    apic_write(APIC_ESR, 0);
    /* Nothing that the firmware left in service may hold up ours. */
    for (unsigned int i = 0; i < 8; i++)
        apic_eoi();
}
