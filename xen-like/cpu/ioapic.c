/* SPDX-License-Identifier: MIT */
/* The I/O APICs: maps those that the MADT lists, and writes their redirection entries. */
#include "cpu/ioapic.h"

#include "cpu/asm.h"
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

struct ioapic {
    volatile u32 *window;   /* [0]: index; [4]: data */
    unsigned int gsi_base, lines;
    u64 address;
};

static struct ioapic ioapics[MAX_IOAPICS];
static unsigned int nr_ioapics, gsi_count;
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

static const struct ioapic *find(unsigned int gsi, unsigned int *line)
{
    for (const struct ioapic *a = ioapics; a < ioapics + nr_ioapics; a++)
        if (gsi >= a->gsi_base && gsi - a->gsi_base < a->lines) {
            *line = gsi - a->gsi_base;
            return a;
        }
    return NULL;
}

void ioapic_init(void)
{
    for (unsigned int i = 0; i < machine.nr_ioapics; i++) {
        const struct ioapic_info *info = &machine.ioapic[i];
        struct ioapic *a = &ioapics[nr_ioapics];

        mm_readonly_mmio(info->address, info->address + PAGE_SIZE);
        a->window = ioremap(MADDR(info->address), 0x20, false);
        if (!a->window || info->gsi_base >= MAX_GSI) {
            log_warn("I/O APIC %u at %#lx cannot be used: %s\n", info->id, info->address,
                     a->window ? "its interrupt numbers are above 255" : "no memory to map it");
            continue;
        }
        a->gsi_base = info->gsi_base;
        a->address = info->address;
        a->lines = min((read_reg(a, REG_VERSION) >> 16 & 0xff) + 1, MAX_GSI - a->gsi_base);
        for (unsigned int n = 0; n < a->lines; n++)
            write_reg(a, REG_ENTRY(n), ENTRY_MASKED);
        gsi_count = max(gsi_count, a->gsi_base + a->lines);
        nr_ioapics++;
    }
}

unsigned int irq_gsi_count(void) { return gsi_count; }

bool ioapic_read(u64 address, unsigned int reg, u32 *value)
{
    for (const struct ioapic *a = ioapics; a < ioapics + nr_ioapics; a++) {
        unsigned long flags;

        if (a->address != address)
            continue;
        flags = spin_lock_irqsave(&lock);
        *value = read_reg(a, reg & 0xff);
        spin_unlock_irqrestore(&lock, flags);
        return true;
    }
    return false;
}

bool ioapic_has(unsigned int gsi)
{
    unsigned int line;

    return find(gsi, &line) != NULL;
}

/* Masked while it is changed. */
static void write_entry(unsigned int gsi, u32 low, u32 high)
{
    unsigned int line;
    const struct ioapic *a = find(gsi, &line);
    unsigned long flags = spin_lock_irqsave(&lock);

    write_reg(a, REG_ENTRY(line), ENTRY_MASKED | low);
    write_reg(a, REG_ENTRY(line) + 1, high);
    write_reg(a, REG_ENTRY(line), low);
    spin_unlock_irqrestore(&lock, flags);
}

void ioapic_route(unsigned int gsi, u8 vector, u32 apic_id, bool level, bool active_low)
{
    write_entry(gsi, ENTRY_MASKED | vector | (level ? ENTRY_LEVEL : 0) | (active_low ? ENTRY_LOW : 0), apic_id << 24);
}

void ioapic_route_nmi(unsigned int gsi) { write_entry(gsi, ENTRY_NMI, 0xffu << 24); }

void ioapic_mask(unsigned int gsi, bool masked)
{
    unsigned int line;
    const struct ioapic *a = find(gsi, &line);
    unsigned long flags = spin_lock_irqsave(&lock);
    u32 entry = read_reg(a, REG_ENTRY(line));

    write_reg(a, REG_ENTRY(line), masked ? entry | ENTRY_MASKED : entry & ~ENTRY_MASKED);
    spin_unlock_irqrestore(&lock, flags);
}
