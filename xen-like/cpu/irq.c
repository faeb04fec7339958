/* SPDX-License-Identifier: MIT */
/*
 * Interrupts by vector: the hypervisor's own (timer, calls, kicks), and one vector for each GSI in use. All
 * device interrupts go to the boot CPU. A line has one user: a handler of the hypervisor, or the hardware
 * domain.
 */
#include "cpu/irq.h"

#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/ioapic.h"
#include "cpu/machine.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "lib/symbols.h"
#include "pv/hypercall.h"

struct line {
    u8 vector;                          /* 0: not in use */
    bool level;
    u32 count;                          /* interrupts so far */
    void (*handler)(void *arg);         /* ours */
    void *arg;
    void (*deliver)(unsigned int gsi);  /* the hardware domain's */
};

static struct line lines[MAX_GSI];
static u16 gsi_of_vector[256];          /* GSI + 1 */
static struct spinlock lock = SPINLOCK_INIT(LOCK_IRQ_LEAF);

unsigned int isa_irq_to_gsi(unsigned int irq, bool *level, bool *active_low)
{
    const struct isa_override *o = &machine.isa[irq & 15];

    *level = o->set && o->level;
    *active_low = o->set && o->active_low;
    return o->set ? o->gsi : irq;
}

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

/* A free vector for gsi, or 0. */
static unsigned int allocate_vector(unsigned int gsi)
{
    for (unsigned int v = VECTOR_FIRST_DYNAMIC; v <= VECTOR_LAST_DYNAMIC; v++)
        if (v != 0x80 && !gsi_of_vector[v]) {
            gsi_of_vector[v] = gsi + 1;
            return v;
        }
    return 0;
}

/* Takes gsi with a line of these functions, and unmasks it. */
static int take(unsigned int gsi, const struct line *wanted, bool active_low)
{
    unsigned long flags;
    int rc = 0;

    if (gsi >= MAX_GSI || !ioapic_has(gsi))
        return -ENODEV;
    flags = spin_lock_irqsave(&lock);
    if (lines[gsi].vector) {
        rc = -EBUSY;
    } else {
        struct line l = *wanted;

        l.vector = allocate_vector(gsi);
        if (!l.vector)
            rc = -ENOSPC;
        else
            lines[gsi] = l;
    }
    spin_unlock_irqrestore(&lock, flags);
    if (rc)
        return rc;
    ioapic_route(gsi, lines[gsi].vector, cpu_apic_id[0], wanted->level, active_low);
    ioapic_mask(gsi, false);
    return 0;
}

int irq_request(unsigned int gsi, void (*handler)(void *arg), void *arg, bool level, bool active_low)
{
    return take(gsi, &(struct line){ .level = level, .handler = handler, .arg = arg }, active_low);
}

int irq_guest_bind(unsigned int gsi, void (*deliver)(unsigned int gsi), bool level, bool active_low)
{
    return take(gsi, &(struct line){ .level = level, .deliver = deliver }, active_low);
}

void irq_guest_unbind(unsigned int gsi)
{
    unsigned long flags;

    if (gsi >= MAX_GSI || !lines[gsi].deliver)
        return;
    ioapic_mask(gsi, true);
    flags = spin_lock_irqsave(&lock);
    gsi_of_vector[lines[gsi].vector] = 0;
    lines[gsi] = (struct line){ 0 };
    spin_unlock_irqrestore(&lock, flags);
}

bool irq_guest_eoi(unsigned int gsi)
{
    const struct line *l = &lines[index_nospec(gsi, MAX_GSI)];

    if (gsi >= MAX_GSI || !l->deliver)
        return false;
    if (l->level)
        ioapic_mask(gsi, false);
    return true;
}

bool irq_is_own(unsigned int gsi) { return lines[gsi].handler; }

/*
 * The end-of-interrupt comes after the handler for a level line of ours, else the line would fire again at
 * once; a guest's level line is masked instead until the guest has dealt with its device.
 */
static void device_interrupt(unsigned int vector)
{
    unsigned int gsi = READ_ONCE(gsi_of_vector[vector]);
    struct line l;

    if (!gsi--) {
        apic_eoi();
        return;
    }
    lines[gsi].count++;
    l = lines[gsi];
    if (l.deliver && l.level)
        ioapic_mask(gsi, true);
    if (!l.level || l.deliver)
        apic_eoi();
    if (l.handler)
        l.handler(l.arg);
    else if (l.deliver)
        l.deliver(gsi);
    if (l.level && !l.deliver)
        apic_eoi();
}

void irq_dump(void)
{
    for (unsigned int gsi = 0; gsi < MAX_GSI; gsi++) {
        unsigned long flags = spin_lock_irqsave(&lock);
        struct line l = lines[gsi];
        unsigned long offset;
        const char *name;

        spin_unlock_irqrestore(&lock, flags);
        if (!l.vector)
            continue;
        name = l.handler ? symbol_find((unsigned long)l.handler, &offset) : "Domain-0";
        printk("    GSI %3u: vector %#04x, %s, %u interrupts, for %s\n", gsi, l.vector,
               l.level ? "level" : "edge", l.count, name ? name : "?");
    }
}

void irq_dispatch(unsigned int vector)
{
    spin_irq_enter();
    switch (vector) {
    case VECTOR_APIC_TIMER:
        apic_eoi();
        softirq_raise(SOFTIRQ_TIMER);
        break;
    case VECTOR_KICK:       /* the softirq word says the rest */
        apic_eoi();
        break;
    case VECTOR_CALL:
        apic_eoi();
        smp_handle_calls();
        break;
    case VECTOR_APIC_ERROR:
        apic_write(APIC_ESR, 0);
        log_err("CPU %u: local APIC error %#x\n", this_cpu_nr(), apic_read(APIC_ESR));
        apic_eoi();
        break;
    case VECTOR_SPURIOUS:
        break;
    default:
        if (vector >= VECTOR_FIRST_DYNAMIC)
            device_interrupt(vector);
    }
    spin_irq_leave();
}
