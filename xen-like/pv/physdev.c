/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: a guest's access to ports (every domain), and the machine's interrupt lines (the hardware domain).
 */
#include <xen/physdev.h>

#include "cpu/irq.h"
#include "cpu/softirq.h"
#include "domain/domain.h"
#include "lib/atomic.h"
#include "mm/guest.h"
#include "pv/handlers.h"
#include "pv/hypercall.h"
#include "pv/internal.h"

/* --- from a line to the hardware domain's event channel; a PIRQ's number is its GSI --- */

static unsigned long pirqs_pending[BITS_TO_LONGS(MAX_GSI)];

/* How a line is triggered, where Domain-0 has said it (setup_gsi); ISA lines are known from the firmware. */
static struct gsi_mode { bool set, level, active_low; } gsi_modes[MAX_GSI];

/* Interrupt context. */
static void pirq_arrived(unsigned int gsi)
{
    set_bit(gsi, pirqs_pending);
    softirq_raise(SOFTIRQ_PIRQ);
}

static void deliver_pirqs(void)
{
    unsigned long gsi;

    for_each_set_bit(gsi, pirqs_pending, MAX_GSI) {
        if (test_and_clear_bit(gsi, pirqs_pending))
            send_guest_pirq(hardware_domain, gsi);
    }
}

/* ISA lines as the firmware says, all others as PCI has them. */
static struct gsi_mode default_mode(unsigned int gsi)
{
    struct gsi_mode mode = { .level = true, .active_low = true };

    for (unsigned int irq = 0; irq < 16; irq++) {
        struct gsi_mode isa = {};

        if (isa_irq_to_gsi(irq, &isa.level, &isa.active_low) == gsi)
            return isa;
    }
    return mode;
}

static int bind_pirq(struct domain *d, unsigned int pirq, bool will_share)
{
    struct gsi_mode mode;
    if (pirq >= min(irq_gsi_count(), (unsigned int)MAX_GSI))
        return -EINVAL;
    pirq = index_nospec(pirq, MAX_GSI);
    mode = gsi_modes[pirq];
    if (!mode.set)
        mode = default_mode(pirq);
    return irq_guest_bind(pirq, pirq_arrived, mode.level, mode.active_low);
}

static void unbind_pirq(struct domain *d, unsigned int pirq)
{
    irq_guest_unbind(pirq);
    clear_bit(pirq, pirqs_pending);
}

void physdev_init(void)
{
    softirq_register(SOFTIRQ_PIRQ, deliver_pirqs);
    pirq_hooks = (struct pirq_hooks){ .bind = bind_pirq, .unbind = unbind_pirq };
}

/* --- operations --- */

static long set_iopl(unsigned long arg)
{
    struct physdev_set_iopl op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.iopl > 3)
        return -EINVAL;
    current->pv.iopl = op.iopl;
    return 0;
}

static long set_iobitmap(unsigned long arg)
{
    struct physdev_set_iobitmap op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.nr_ports > 65536)
        return -EINVAL;
    current->pv.iobmp = guest_addr(op.bitmap);
    current->pv.iobmp_limit = op.nr_ports;
    return 0;
}

/* A line's interrupt reaches the guest as an event; it says with this that the next may come. */
static long eoi(unsigned long arg)
{
    struct physdev_eoi op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.irq >= irq_gsi_count())
        return -EINVAL;
    irq_guest_eoi(op.irq);
    return 0;
}

static long irq_status_query(unsigned long arg)
{
    struct physdev_irq_status_query op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.irq >= irq_gsi_count())
        return -EINVAL;
    op.flags = XENIRQSTAT_needs_eoi;
    return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/* Trigger and polarity of a line, before it is bound. */
static long setup_gsi(unsigned long arg)
{
    struct physdev_setup_gsi op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.gsi < 0 || (unsigned int)op.gsi >= min(irq_gsi_count(), (unsigned int)MAX_GSI))
        return -EINVAL;
    gsi_modes[index_nospec(op.gsi, MAX_GSI)] = (struct gsi_mode){ true, op.triggering & 1, op.polarity & 1 };
    return 0;
}

/* Lines only (MSI needs the PCI part, which Tenon lacks); the PIRQ asked for must be the line's own number. */
static long map_pirq(unsigned long arg)
{
    struct physdev_map_pirq op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.domid != DOMID_SELF && op.domid != current->domain->id)
        return -EPERM;
    if (op.type != MAP_PIRQ_TYPE_GSI)
        return -EOPNOTSUPP;
    if (op.index < 0 || (unsigned int)op.index >= irq_gsi_count() || (op.pirq >= 0 && op.pirq != op.index))
        return -EINVAL;
    op.pirq = op.index;
    return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

static long unmap_pirq(unsigned long arg)
{
    struct physdev_unmap_pirq op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.domid != DOMID_SELF && op.domid != current->domain->id)
        return -EPERM;
    return op.pirq >= 0 && (unsigned int)op.pirq < irq_gsi_count() ? 0 : -EINVAL;
}

/* An old way to say that a line will be used; the number that it gives means nothing to a guest. */
static long alloc_irq_vector(unsigned long arg)
{
    struct physdev_irq op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.irq >= irq_gsi_count())
        return -EINVAL;
    op.vector = VECTOR_FIRST_DYNAMIC + op.irq;
    return copy_to_guest(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/* All PCI devices are the hardware domain's, with no word from it; what the call says is checked for being there. */
static long pci_device_add(unsigned long arg)
{
    struct physdev_pci_device_add op;

    return copy_from_guest(&op, arg, offsetof(struct physdev_pci_device_add, optarr)) ? -EFAULT : 0;
}

static long pci_device_remove(unsigned long arg)
{
    struct physdev_pci_device op;

    return copy_from_guest(&op, arg, sizeof(op)) ? -EFAULT : 0;
}

struct physdev_row {
    int cmd;
    bool hardware_only;     /* -EPERM for others */
    long (*fn)(unsigned long arg);
};

static const struct physdev_row rows[] = {
    { PHYSDEVOP_set_iopl, false, set_iopl },
    { PHYSDEVOP_set_iobitmap, false, set_iobitmap },
    { PHYSDEVOP_eoi, true, eoi },
    { PHYSDEVOP_irq_status_query, true, irq_status_query },
    { PHYSDEVOP_setup_gsi, true, setup_gsi },
    { PHYSDEVOP_map_pirq, true, map_pirq },
    { PHYSDEVOP_unmap_pirq, true, unmap_pirq },
    { PHYSDEVOP_alloc_irq_vector, true, alloc_irq_vector },
    { PHYSDEVOP_pci_device_add, true, pci_device_add },
    { PHYSDEVOP_pci_device_remove, true, pci_device_remove },
};

long do_physdev_op(int cmd, unsigned long arg)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].cmd != cmd)
            continue;
        if (rows[i].hardware_only && !current->domain->hardware)
            return -EPERM;
        return rows[i].fn(arg);
    }
    return -ENOSYS;
}
