/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: a guest's access to ports (every domain), and the machine's interrupt lines (the hardware
 * domain). Others get what they would on a Xen that has given them no device.
 */
#include <xen/physdev.h>

#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/softirq.h"
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
    for_each_set_bit(gsi, pirqs_pending, MAX_GSI)
        if (test_and_clear_bit(gsi, pirqs_pending))
            send_guest_pirq(hardware_domain, gsi);
}

/* As Domain-0 has said; else ISA lines as the firmware says, all others as PCI has them. */
static struct gsi_mode mode_of(unsigned int gsi)
{
    if (gsi_modes[gsi].set)
        return gsi_modes[gsi];
    for (const struct isa_line *isa = machine.isa; isa < machine.isa + ARRAY_SIZE(machine.isa); isa++)
        if (isa->gsi == gsi)
            return (struct gsi_mode){ .level = isa->level, .active_low = isa->active_low };
    return (struct gsi_mode){ .level = true, .active_low = true };
}

static int bind_pirq(struct domain *d, unsigned int pirq, bool will_share)
{
    if (pirq >= irq_gsi_count())
        return -EINVAL;
    pirq = index_nospec(pirq, MAX_GSI);
    const struct gsi_mode mode = mode_of(pirq);
    return irq_bind(pirq, IRQ_OF_GUEST, pirq_arrived, mode.level, mode.active_low);
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

/* --- operations: each answers 0, ANSWER or an error --- */

#define ANSWER 1    /* success, and the structure goes back to the guest */

/* The structure of each operation, by its name in subops.def. */
union physdev_args {
    struct physdev_set_iopl set_iopl;
    struct physdev_set_iobitmap set_iobitmap;
    struct physdev_eoi eoi;
    struct physdev_irq_status_query irq_status_query;
    struct physdev_setup_gsi setup_gsi;
    struct physdev_map_pirq map_pirq;
    struct physdev_unmap_pirq unmap_pirq;
    struct physdev_irq alloc_irq_vector;
    struct physdev_apic apic_read;
    char pci_device_add[offsetof(struct physdev_pci_device_add, optarr)];
    struct physdev_pci_device pci_device_remove;
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
    return a->irq_status_query.irq < MAX_GSI ? ANSWER : -EINVAL;
}

static long apic_read(union physdev_args *a)
{
    if (!current->domain->hardware)
        return -EPERM;
    return ioapic_read(a->apic_read.apic_physbase, a->apic_read.reg, &a->apic_read.value) ? ANSWER : -EINVAL;
}

/* Trigger and polarity of a line, before it is bound. */
static long setup_gsi(union physdev_args *a)
{
    const unsigned int gsi = a->setup_gsi.gsi;

    if (gsi >= irq_gsi_count())
        return -EINVAL;
    if (!current->domain->hardware)
        return -EPERM;
    if (irq_is_own(gsi))
        return -EEXIST;
    gsi_modes[index_nospec(gsi, MAX_GSI)] =
        (struct gsi_mode){ true, a->setup_gsi.triggering & 1, a->setup_gsi.polarity & 1 };
    return 0;
}

/* The interrupts of other domains are nobody's here: none can have a device. */
static long check_owner(domid_t domid)
{
    struct domain *d held_domain = domain_get(domid);

    return !d ? -ESRCH : d == current->domain && d->hardware ? 0 : -EPERM;
}

/*
 * Lines only (MSI needs the PCI part, which Tenon lacks); the PIRQ asked for must be the line's own number.
 */
static long map_pirq(union physdev_args *a)
{
    struct physdev_map_pirq *op = &a->map_pirq;
    const long ret = check_owner(op->domid);

    if (ret)
        return ret;
    if (op->type == MAP_PIRQ_TYPE_MSI || op->type == MAP_PIRQ_TYPE_MSI_SEG ||
        op->type == MAP_PIRQ_TYPE_MULTI_MSI)
        return -EOPNOTSUPP;
    if (op->type != MAP_PIRQ_TYPE_GSI || (unsigned int)op->index >= irq_gsi_count() ||
        (op->pirq >= 0 && op->pirq != op->index))
        return -EINVAL;
    op->pirq = op->index;
    return ANSWER;
}

static long unmap_pirq(union physdev_args *a)
{
    const bool is_line = (unsigned int)a->unmap_pirq.pirq < irq_gsi_count();

    return check_owner(a->unmap_pirq.domid) ?: is_line ? 0 : -EINVAL;
}

/* An old way to say that a line will be used; vectors mean nothing to a guest. */
static long alloc_irq_vector(union physdev_args *a)
{
    a->alloc_irq_vector.vector = a->alloc_irq_vector.irq;
    return current->domain->hardware ? ANSWER : -EPERM;
}

/* All PCI devices are the hardware domain's, with no word from it; the structure has to be there. */
static long pci_device_add(union physdev_args *a) { return current->domain->hardware ? 0 : -EPERM; }
static long pci_device_remove(union physdev_args *a) { return pci_device_add(a); }

static long nothing_to_do(union physdev_args *a) { return 0; }

static const struct {
    unsigned int size;
    long (*fn)(union physdev_args *a);
} operations[] = {
    [PHYSDEVOP_IRQ_UNMASK_NOTIFY] = { 0, nothing_to_do },
#define SUBOP_OF_physdev_op ~, SUBOP_ROW
#define SUBOP_ROW(call, nr, name) [nr] = { sizeof(((union physdev_args *)0)->name), name },
#include "pv/subops.h"
};

long do_physdev_op(unsigned int cmd, unsigned long arg)
{
    const unsigned int i = index_nospec(cmd, ARRAY_SIZE(operations));
    union physdev_args args;

    if (cmd != i || !operations[i].fn)
        return -ENOSYS;
    if (copy_from_guest(&args, arg, operations[i].size))
        return -EFAULT;
    const long ret = operations[i].fn(&args);
    if (ret == ANSWER)
        return copy_to_guest(arg, &args, operations[i].size) ? -EFAULT : 0;
    return ret;
}
