/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: a guest's access to ports (every domain), and the machine's interrupt lines (the hardware
 * domain). Others get what they would on a Xen that has given them no device.
 */
#include <xen/physdev.h>

#include "cpu/ioapic.h"
#include "cpu/irq.h"
#include "cpu/softirq.h"
#include "domain/domain.h"
#include "mm/guest.h"
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

    if (pirq >= irq_gsi_count())
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

union physdev_args {
    struct physdev_set_iopl set_iopl;
    struct physdev_set_iobitmap set_iobitmap;
    struct physdev_eoi eoi;
    struct physdev_irq_status_query irq_status_query;
    struct physdev_setup_gsi setup_gsi;
    struct physdev_map_pirq map_pirq;
    struct physdev_unmap_pirq unmap_pirq;
    struct physdev_irq irq;
    struct physdev_apic apic;
    char pci_device_add[offsetof(struct physdev_pci_device_add, optarr)];
    struct physdev_pci_device pci_device;
};

static long set_iopl(union physdev_args *a)
{
    if (a->set_iopl.iopl > 3)
        return -EINVAL;
    current->pv.iopl = a->set_iopl.iopl;
    return 0;
}

static long set_iobitmap(union physdev_args *a)
{
    if (a->set_iobitmap.nr_ports > 65536)
        return -EINVAL;
    current->pv.iobmp = guest_addr(a->set_iobitmap.bitmap);
    current->pv.iobmp_limit = a->set_iobitmap.nr_ports;
    return 0;
}

/* A line's interrupt reaches the guest as an event; it says with this that the next may come. */
static long eoi(union physdev_args *a)
{
    return current->domain->hardware && irq_guest_eoi(a->eoi.irq) ? 0 : -EINVAL;
}

/* Of any number that a PIRQ may have, bound or not. */
static long irq_status_query(union physdev_args *a)
{
    a->irq_status_query.flags = XENIRQSTAT_needs_eoi;
    return a->irq_status_query.irq < MAX_GSI ? 0 : -EINVAL;
}

static long apic_read(union physdev_args *a)
{
    return ioapic_read(a->apic.apic_physbase, a->apic.reg, &a->apic.value) ? 0 : -EINVAL;
}

/* Trigger and polarity of a line, before it is bound. */
static long setup_gsi(union physdev_args *a)
{
    const struct physdev_setup_gsi *op = &a->setup_gsi;

    if ((unsigned int)op->gsi >= irq_gsi_count())
        return -EINVAL;
    if (!current->domain->hardware)
        return -EPERM;
    if (irq_is_own(op->gsi))
        return -EEXIST;
    gsi_modes[index_nospec(op->gsi, MAX_GSI)] = (struct gsi_mode){ true, op->triggering & 1,
                                                                   op->polarity & 1 };
    return 0;
}

/* The interrupts of other domains are nobody's here: none can have a device. */
static long check_owner(domid_t domid)
{
    struct domain *d = domain_get(domid);
    long ret = !d ? -ESRCH : d == current->domain && d->hardware ? 0 : -EPERM;

    if (d)
        domain_put(d);
    return ret;
}

/*
 * Lines only (MSI needs the PCI part, which Tenon lacks); the PIRQ asked for must be the line's own number.
 */
static long map_pirq(union physdev_args *a)
{
    struct physdev_map_pirq *op = &a->map_pirq;
    long ret = check_owner(op->domid);

    if (ret)
        return ret;
    if (op->type == MAP_PIRQ_TYPE_MSI || op->type == MAP_PIRQ_TYPE_MSI_SEG ||
        op->type == MAP_PIRQ_TYPE_MULTI_MSI)
        return -EOPNOTSUPP;
    if (op->type != MAP_PIRQ_TYPE_GSI || (unsigned int)op->index >= irq_gsi_count() ||
        (op->pirq >= 0 && op->pirq != op->index))
        return -EINVAL;
    op->pirq = op->index;
    return 0;
}

static long unmap_pirq(union physdev_args *a)
{
    long ret = check_owner(a->unmap_pirq.domid);

    return ret ? ret : (unsigned int)a->unmap_pirq.pirq < irq_gsi_count() ? 0 : -EINVAL;
}

/* An old way to say that a line will be used; vectors mean nothing to a guest. */
static long alloc_irq_vector(union physdev_args *a)
{
    a->irq.vector = a->irq.irq;
    return 0;
}

/*
 * All PCI devices are the hardware domain's, with no word from it; what the call says is checked for being
 * there.
 */
static long nothing_to_do(union physdev_args *a) { return 0; }

static const struct physdev_row {
    unsigned int cmd;
    enum { ANYBODY, HARDWARE_DOMAIN } who;      /* -EPERM for others; or the function says it, in its order */
    enum { TAKES, ANSWERS } way;                /* whether the structure goes back to the guest */
    unsigned int size;
    long (*fn)(union physdev_args *a);
} rows[] = {
#define SIZE(member) sizeof(((union physdev_args *)0)->member)
    { PHYSDEVOP_IRQ_UNMASK_NOTIFY, ANYBODY, TAKES, 0, nothing_to_do },
    { PHYSDEVOP_set_iopl, ANYBODY, TAKES, SIZE(set_iopl), set_iopl },
    { PHYSDEVOP_set_iobitmap, ANYBODY, TAKES, SIZE(set_iobitmap), set_iobitmap },
    { PHYSDEVOP_eoi, ANYBODY, TAKES, SIZE(eoi), eoi },
    { PHYSDEVOP_irq_status_query, ANYBODY, ANSWERS, SIZE(irq_status_query), irq_status_query },
    { PHYSDEVOP_apic_read, HARDWARE_DOMAIN, ANSWERS, SIZE(apic), apic_read },
    { PHYSDEVOP_setup_gsi, ANYBODY, TAKES, SIZE(setup_gsi), setup_gsi },
    { PHYSDEVOP_map_pirq, ANYBODY, ANSWERS, SIZE(map_pirq), map_pirq },
    { PHYSDEVOP_unmap_pirq, ANYBODY, TAKES, SIZE(unmap_pirq), unmap_pirq },
    { PHYSDEVOP_alloc_irq_vector, HARDWARE_DOMAIN, ANSWERS, SIZE(irq), alloc_irq_vector },
    { PHYSDEVOP_pci_device_add, HARDWARE_DOMAIN, TAKES, SIZE(pci_device_add), nothing_to_do },
    { PHYSDEVOP_pci_device_remove, HARDWARE_DOMAIN, TAKES, SIZE(pci_device), nothing_to_do },
};

long do_physdev_op(unsigned int cmd, unsigned long arg)
{
    union physdev_args args;

    for (const struct physdev_row *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
        long ret;

        if (r->cmd != cmd)
            continue;
        if (copy_from_guest(&args, arg, r->size))
            return -EFAULT;
        if (r->who == HARDWARE_DOMAIN && !current->domain->hardware)
            return -EPERM;
        ret = r->fn(&args);
        return !ret && r->way == ANSWERS && copy_to_guest(arg, &args, r->size) ? -EFAULT : ret;
    }
    return -ENOSYS;
}
