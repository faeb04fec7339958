/* SPDX-License-Identifier: MIT */
/*
 * Interrupts by vector: the hypervisor's own (timer, calls, kicks), and one vector for each line (GSI) of the
 * I/O APICs that is in use (Intel 82093AA data sheet). All device interrupts go to the boot CPU. A line has
 * one user: a handler of the hypervisor, or the hardware domain.
 */
#include "cpu/irq.h"

#include "cpu/apic.h"
#include "cpu/machine.h"
#include "cpu/regs.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "lib/symbols.h"
#include "mm/alloc.h"
#include "mm/mm.h"
#include "pv/hypercall.h"

/* --- the I/O APICs: registers and redirection entries --- */

#define REG_VERSION     0x01
#define REG_ENTRY(n)    (0x10 + 2 * (n))

#define ENTRY_NMI       0x00400
#define ENTRY_LOW       0x02000 /* active low */
#define ENTRY_LEVEL     0x08000
#define ENTRY_MASKED    0x10000

static unsigned int gsi_count;
static struct spinlock ioapic_lock = SPINLOCK_INIT(LOCK_IRQ_LEAF);

static u32 get(const struct ioapic *a, unsigned int reg)
{
    a->window[0] = reg;
    return a->window[4];
}

static void put(const struct ioapic *a, unsigned int reg, u32 value)
{
    a->window[0] = reg;
    a->window[4] = value;
}

/* The one that gsi belongs to, or NULL. */
static const struct ioapic *find(unsigned int gsi)
{
    for (const struct ioapic *a = machine.ioapic; a < machine.ioapic + machine.nr_ioapics; a++)
        if (gsi >= a->gsi_base && gsi - a->gsi_base < a->lines)
            return a;
    return NULL;
}

static void ioapic_init(void)
{
    for (struct ioapic *a = machine.ioapic; a < machine.ioapic + machine.nr_ioapics; a++) {
        mm_close_mmio(a->address, a->address + PAGE_SIZE, true);
        a->window = ioremap(MADDR(a->address), 0x20, false);
        if (!a->window || a->gsi_base >= MAX_GSI) {
            log_warn("I/O APIC %u at %#lx cannot be used: %s\n", a->id, a->address,
                     a->window ? "its interrupt numbers are above 255" : "no memory to map it");
            continue;
        }
        a->lines = min((get(a, REG_VERSION) >> 16 & 0xff) + 1, MAX_GSI - a->gsi_base);
        for (unsigned int n = 0; n < a->lines; n++)
            put(a, REG_ENTRY(n), ENTRY_MASKED);
        gsi_count = max(gsi_count, a->gsi_base + a->lines);
    }
}

unsigned int irq_gsi_count(void) { return gsi_count; }

bool ioapic_read(u64 address, unsigned int reg, u32 *value)
{
    for (const struct ioapic *a = machine.ioapic; a < machine.ioapic + machine.nr_ioapics; a++)
        if (a->lines && a->address == address) {
            irq_guard(&ioapic_lock);
            *value = get(a, reg & 0xff);
            return true;
        }
    return false;
}

/* What the line raises from now on, and on which local APIC; masked while it is changed. */
static void write_entry(unsigned int gsi, u32 low, u32 high)
{
    const struct ioapic *a = find(gsi);
    const unsigned int reg = REG_ENTRY(gsi - a->gsi_base);

    irq_guard(&ioapic_lock);
    put(a, reg, ENTRY_MASKED | low);
    put(a, reg + 1, high);
    put(a, reg, low);
}

void ioapic_route_nmi(unsigned int gsi) { write_entry(gsi, ENTRY_NMI, 0xffu << 24); }

static void ioapic_mask(unsigned int gsi, bool masked)
{
    const struct ioapic *a = find(gsi);
    const unsigned int reg = REG_ENTRY(gsi - a->gsi_base);

    irq_guard(&ioapic_lock);
    u32 entry = get(a, reg);
    put(a, reg, masked ? entry | ENTRY_MASKED : entry & ~ENTRY_MASKED);
}

/* --- lines and vectors --- */

struct line {
    u8 vector;                              /* 0: not in use */
    bool level, guest;                      /* guest: the hardware domain's */
    u32 count;                              /* interrupts so far */
    void (*handler)(unsigned int gsi);
};

static struct line lines[MAX_GSI];
static u16 gsi_of_vector[256];          /* GSI + 1 */
static struct spinlock lock = SPINLOCK_INIT(LOCK_IRQ_LEAF);

/* The 8259s, moved off the exceptions' vectors and silent. */
void irq_init(void)
{
    static const struct { u16 port; u8 value; } steps[] = {
        { 0x20, 0x11 }, { 0xa0, 0x11 },     /* start: edge, cascade, four words */
        { 0x21, 0x20 }, { 0xa1, 0x28 },     /* vectors */
        { 0x21, 0x04 }, { 0xa1, 0x02 },     /* who hangs where */
        { 0x21, 0x01 }, { 0xa1, 0x01 },     /* 8086 mode */
        { 0x21, 0xff }, { 0xa1, 0xff },     /* all masked */
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(steps); i++)
        outb(steps[i].port, steps[i].value);
    ioapic_init();
}

int irq_bind(unsigned int gsi, enum irq_user user, void (*handler)(unsigned int gsi),
             bool level, bool active_low)
{
    unsigned int vector = VECTOR_FIRST_DYNAMIC;

    if (!find(gsi))
        return -ENODEV;
    {
        irq_guard(&lock);
        if (lines[gsi].vector)
            return -EBUSY;
        while (vector <= VECTOR_LAST_DYNAMIC && (vector == TRAP_INT80 || gsi_of_vector[vector]))
            vector++;
        if (vector > VECTOR_LAST_DYNAMIC)
            return -ENOSPC;
        gsi_of_vector[vector] = gsi + 1;
        lines[gsi] = (struct line){ vector, level, user == IRQ_OF_GUEST, 0, handler };
    }
    write_entry(gsi, vector | (level ? ENTRY_LEVEL : 0) | (active_low ? ENTRY_LOW : 0), cpu_apic_id[0] << 24);
    return 0;
}

void irq_guest_unbind(unsigned int gsi)
{
    if (gsi >= MAX_GSI || !lines[gsi].guest)
        return;
    ioapic_mask(gsi, true);
    irq_guard(&lock);
    gsi_of_vector[lines[gsi].vector] = 0;
    lines[gsi] = (struct line){ 0 };
}

bool irq_guest_eoi(unsigned int gsi)
{
    const struct line *l = &lines[index_nospec(gsi, MAX_GSI)];

    if (gsi >= MAX_GSI || !l->guest)
        return false;
    if (l->level)
        ioapic_mask(gsi, false);
    return true;
}

bool irq_is_own(unsigned int gsi) { return lines[gsi].handler && !lines[gsi].guest; }

/*
 * The end-of-interrupt comes after the handler for a level line of ours, else the line would fire again at
 * once; a guest's level line is masked instead until the guest has dealt with its device.
 */
static void device_interrupt(unsigned int vector)
{
    unsigned int gsi = READ_ONCE(gsi_of_vector[vector]);

    if (!gsi--) {
        apic_eoi();
        return;
    }
    lines[gsi].count++;
    const struct line l = lines[gsi];
    const bool eoi_late = l.level && !l.guest;

    if (l.level && l.guest)
        ioapic_mask(gsi, true);
    if (!eoi_late)
        apic_eoi();
    if (l.handler)
        l.handler(gsi);
    if (eoi_late)
        apic_eoi();
}

/* A copy, so that nothing is printed under the lock. */
static struct line line_now(unsigned int gsi)
{
    irq_guard(&lock);
    return lines[gsi];
}

void irq_dump(void)
{
    for (unsigned int gsi = 0; gsi < MAX_GSI; gsi++) {
        const struct line l = line_now(gsi);
        unsigned long offset;

        if (!l.vector)
            continue;
        const char *name = l.guest ? "Domain-0" : symbol_find((unsigned long)l.handler, &offset);
        printk("    GSI %3u: vector %#04x, %s, %u interrupts, for %s\n", gsi, l.vector,
               l.level ? "level" : "edge", l.count, name ?: "?");
    }
}

void irq_dispatch(unsigned int vector)
{
    spin_irq_enter();
    if (vector >= VECTOR_CALL && vector != VECTOR_SPURIOUS)
        apic_eoi();
    switch (vector) {
    case VECTOR_FIRST_DYNAMIC ... VECTOR_LAST_DYNAMIC:
        device_interrupt(vector);
        break;
    case VECTOR_APIC_TIMER:
        softirq_raise(SOFTIRQ_TIMER);
        break;
    case VECTOR_CALL:
        smp_handle_calls();
        break;
    case VECTOR_APIC_ERROR:
        apic_write(APIC_ESR, 0);
        log_err("CPU %u: local APIC error %#x\n", this_cpu_nr(), apic_read(APIC_ESR));
        break;
    }
    /* Nothing more for VECTOR_KICK: the softirq word says the rest. */
    spin_irq_leave();
}
