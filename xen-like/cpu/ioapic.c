/* SPDX-License-Identifier: MIT */
/* The I/O APICs: maps those that the MADT lists, and writes their redirection entries. */
#include "cpu/ioapic.h"

#include "cpu/irq.h"
#include "cpu/machine.h"
#include "mm/alloc.h"
#include "mm/mm.h"

#define REG_VERSION     0x01
#define REG_ENTRY(n)    (0x10 + 2 * (n))

#define ENTRY_NMI       0x00400
#define ENTRY_LOW       0x02000 /* active low */
#define ENTRY_LEVEL     0x08000
#define ENTRY_MASKED    0x10000

static unsigned int gsi_count;
static struct spinlock lock = SPINLOCK_INIT(LOCK_IRQ_LEAF);

static u32 read_reg(const struct ioapic *a, unsigned int reg)
{
    a->window[0] = reg;
    return a->window[4];
}

static void write_reg(const struct ioapic *a, unsigned int reg, u32 value)
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

void ioapic_init(void)
{
    for (struct ioapic *a = machine.ioapic; a < machine.ioapic + machine.nr_ioapics; a++) {
        mm_readonly_mmio(a->address, a->address + PAGE_SIZE);
        a->window = ioremap(MADDR(a->address), 0x20, false);
        if (!a->window || a->gsi_base >= MAX_GSI) {
            log_warn("I/O APIC %u at %#lx cannot be used: %s\n", a->id, a->address,
                     a->window ? "its interrupt numbers are above 255" : "no memory to map it");
            continue;
        }
        a->lines = min((read_reg(a, REG_VERSION) >> 16 & 0xff) + 1, MAX_GSI - a->gsi_base);
        for (unsigned int n = 0; n < a->lines; n++)
            write_reg(a, REG_ENTRY(n), ENTRY_MASKED);
        gsi_count = max(gsi_count, a->gsi_base + a->lines);
    }
}

unsigned int irq_gsi_count(void) { return gsi_count; }

bool ioapic_read(u64 address, unsigned int reg, u32 *value)
{
    for (const struct ioapic *a = machine.ioapic; a < machine.ioapic + machine.nr_ioapics; a++)
        if (a->lines && a->address == address) {
            irq_guard(&lock);
            *value = read_reg(a, reg & 0xff);
            return true;
        }
    return false;
}

bool ioapic_has(unsigned int gsi) { return find(gsi); }

/* Masked while it is changed. */
static void write_entry(unsigned int gsi, u32 low, u32 high)
{
    const struct ioapic *a = find(gsi);
    const unsigned int reg = REG_ENTRY(gsi - a->gsi_base);

    irq_guard(&lock);
    write_reg(a, reg, ENTRY_MASKED | low);
    write_reg(a, reg + 1, high);
    write_reg(a, reg, low);
}

void ioapic_route(unsigned int gsi, u8 vector, u32 apic_id, bool level, bool active_low)
{
    write_entry(gsi, ENTRY_MASKED | vector | (level ? ENTRY_LEVEL : 0) | (active_low ? ENTRY_LOW : 0),
                apic_id << 24);
}

void ioapic_route_nmi(unsigned int gsi) { write_entry(gsi, ENTRY_NMI, 0xffu << 24); }

void ioapic_mask(unsigned int gsi, bool masked)
{
    const struct ioapic *a = find(gsi);
    const unsigned int reg = REG_ENTRY(gsi - a->gsi_base);

    irq_guard(&lock);
    u32 entry = read_reg(a, reg);
    write_reg(a, reg, masked ? entry | ENTRY_MASKED : entry & ~ENTRY_MASKED);
}
