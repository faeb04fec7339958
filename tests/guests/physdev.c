/* SPDX-License-Identifier: MIT */
/*
 * physdev_op, hvm_op and xenpmu_op: what the hardware domain and a domain without devices get.  Sources:
 * physdev.h, hvm/hvm_op.h, pmu.h; errors are the oracle's.
 */
#include "child.h"

#include <xen/hvm/hvm_op.h>
#include <xen/pmu.h>

#define IO_APIC 0xfec00000UL    /* QEMU's */
#define SERIAL_LINE 4           /* the hypervisor's console */
#define NO_DOMAIN 77

static void check_lines(void)
{
    struct physdev_irq_status_query query = { .irq = 5 };
    struct physdev_irq vector = { .irq = 5 };
    struct physdev_eoi eoi = { .irq = 5 };
    struct physdev_setup_gsi setup = { .gsi = 5, .triggering = 1, .polarity = 1 };

    check_eq(HC(physdev_op, PHYSDEVOP_irq_status_query, &query), 0, "status of a line");
    check_eq(query.flags, XENIRQSTAT_needs_eoi, "it needs an EOI");
    query.irq = 40;
    check_eq(HC(physdev_op, PHYSDEVOP_irq_status_query, &query), 0, "status of a number beyond the lines");
    query.irq = ~0u;
    check_eq(HC(physdev_op, PHYSDEVOP_irq_status_query, &query), -GE_INVAL, "of the last number: -EINVAL");
    check_eq(HC(physdev_op, PHYSDEVOP_alloc_irq_vector, &vector), 0, "a vector for a line");
    check_eq(vector.vector, 5, "is the line's number");
    check_eq(HC(physdev_op, PHYSDEVOP_eoi, &eoi), -GE_INVAL, "EOI of a line that is not bound: -EINVAL");
    eoi.irq = ~0u;
    check_eq(HC(physdev_op, PHYSDEVOP_eoi, &eoi), -GE_INVAL, "EOI of the last number: -EINVAL");
    check_eq(HC(physdev_op, PHYSDEVOP_setup_gsi, &setup), 0, "a line is set up");
    setup.gsi = SERIAL_LINE;
    check_eq(HC(physdev_op, PHYSDEVOP_setup_gsi, &setup), -GE_EXIST, "the hypervisor's own line: -EEXIST");
    setup.gsi = 24;
    check_eq(HC(physdev_op, PHYSDEVOP_setup_gsi, &setup), -GE_INVAL, "a line that is not there: -EINVAL");
    setup.gsi = -1;
    check_eq(HC(physdev_op, PHYSDEVOP_setup_gsi, &setup), -GE_INVAL, "line -1: -EINVAL");
    check_eq(HC(physdev_op, PHYSDEVOP_IRQ_UNMASK_NOTIFY, BAD_PTR_XEN), 0, "the notice that nobody needs");
}

static long map(domid_t domid, int type, int index, int *pirq)
{
    struct physdev_map_pirq op = { .domid = domid, .type = type, .index = index, .pirq = *pirq };
    long ret = HC(physdev_op, PHYSDEVOP_map_pirq, &op);

    *pirq = op.pirq;
    return ret;
}

static void check_pirqs(void)
{
    struct physdev_unmap_pirq unmap = { .domid = DOMID_SELF, .pirq = 22 };
    int pirq = 22;

    check_eq(map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 22, &pirq), 0, "a line is mapped under its own number");
    pirq = -1;
    check_eq(map(0, MAP_PIRQ_TYPE_GSI, 22, &pirq), 0, "again, under any number");
    check_eq(pirq, 22, "that is the same");
    check_eq(HC(physdev_op, PHYSDEVOP_unmap_pirq, &unmap), 0, "it is unmapped");
    pirq = -1;
    check_eq(map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, 24, &pirq), -GE_INVAL, "a line that is not there: -EINVAL");
    check_eq(map(DOMID_SELF, MAP_PIRQ_TYPE_GSI, -1, &pirq), -GE_INVAL, "line -1: -EINVAL");
    check_eq(map(DOMID_SELF, MAP_PIRQ_TYPE_UNKNOWN, 22, &pirq), -GE_INVAL, "a mapping of no kind: -EINVAL");
    check_eq(map(DOMID_SELF, 5, 22, &pirq), -GE_INVAL, "a mapping of an unknown kind: -EINVAL");
    check_eq(map(NO_DOMAIN, MAP_PIRQ_TYPE_GSI, 22, &pirq), -GE_SRCH,
             "for a domain that is not there: -ESRCH");
    unmap.pirq = 24;
    check_eq(HC(physdev_op, PHYSDEVOP_unmap_pirq, &unmap), -GE_INVAL, "unmap of no PIRQ: -EINVAL");
    unmap.domid = NO_DOMAIN;
    check_eq(HC(physdev_op, PHYSDEVOP_unmap_pirq, &unmap), -GE_SRCH, "unmap in no domain: -ESRCH");
}

static void check_apic(void)
{
    struct physdev_apic op = { .apic_physbase = IO_APIC, .reg = 1 };

    check_eq(HC(physdev_op, PHYSDEVOP_apic_read, &op), 0, "the I/O APIC's version is read");
    check_eq(op.value >> 16, 23, "it has 24 lines");
    op.apic_physbase = IO_APIC + 0x1000;
    check_eq(HC(physdev_op, PHYSDEVOP_apic_read, &op), -GE_INVAL, "an I/O APIC that is not there: -EINVAL");
}

/* Every command with a bad pointer: the order of pointer and permission shows. */
static void check_pointers(void)
{
    static const struct {
        int cmd;
        const char *name;
    } rows[] = {
        { PHYSDEVOP_eoi, "eoi" }, { PHYSDEVOP_irq_status_query, "irq_status_query" },
        { PHYSDEVOP_set_iopl, "set_iopl" }, { PHYSDEVOP_set_iobitmap, "set_iobitmap" },
        { PHYSDEVOP_apic_read, "apic_read" }, { PHYSDEVOP_alloc_irq_vector, "alloc_irq_vector" },
        { PHYSDEVOP_map_pirq, "map_pirq" }, { PHYSDEVOP_unmap_pirq, "unmap_pirq" },
        { PHYSDEVOP_setup_gsi, "setup_gsi" }, { PHYSDEVOP_pci_device_add, "pci_device_add" },
        { PHYSDEVOP_pci_device_remove, "pci_device_remove" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        check_eq(HC(physdev_op, rows[i].cmd, BAD_PTR_XEN), -GE_FAULT, "%s, bad pointer: -EFAULT",
                 rows[i].name);
        check_eq(child_ask(__HYPERVISOR_physdev_op, rows[i].cmd, BAD_PTR_XEN, 0, 0), -GE_FAULT,
                 "%s of a domain without devices, bad pointer: -EFAULT", rows[i].name);
    }
}

static long child_physdev(int cmd)
{
    return child_ask(__HYPERVISOR_physdev_op, cmd, CHILD_ARG, 0, 0);
}

static void check_child(void)
{
    static const struct {
        int cmd;
        long zero, ones;
        const char *name;
    } rows[] = {
        { PHYSDEVOP_IRQ_UNMASK_NOTIFY, 0, 0, "IRQ_UNMASK_NOTIFY" },
        { PHYSDEVOP_irq_status_query, 0, -GE_INVAL, "irq_status_query" },
        { PHYSDEVOP_set_iopl, 0, -GE_INVAL, "set_iopl" },
        { PHYSDEVOP_set_iobitmap, 0, -GE_INVAL, "set_iobitmap" },
        { PHYSDEVOP_apic_read, -GE_PERM, -GE_PERM, "apic_read" },
        { PHYSDEVOP_alloc_irq_vector, -GE_PERM, -GE_PERM, "alloc_irq_vector" },
        { PHYSDEVOP_eoi, -GE_INVAL, -GE_INVAL, "eoi" },
        { PHYSDEVOP_map_pirq, -GE_PERM, -GE_SRCH, "map_pirq" },
        { PHYSDEVOP_unmap_pirq, -GE_PERM, -GE_SRCH, "unmap_pirq" },
        { PHYSDEVOP_setup_gsi, -GE_PERM, -GE_INVAL, "setup_gsi" },
        { PHYSDEVOP_pci_device_add, -GE_PERM, -GE_PERM, "pci_device_add" },
        { PHYSDEVOP_pci_device_remove, -GE_PERM, -GE_PERM, "pci_device_remove" },
        { 999, -GE_NOSYS, -GE_NOSYS, "an unknown command" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        memset(OUR_ARG, 0, 128);
        check_eq(child_physdev(rows[i].cmd), rows[i].zero, "without devices: %s with zeroes", rows[i].name);
        memset(OUR_ARG, 0xff, 128);
        check_eq(child_physdev(rows[i].cmd), rows[i].ones, "without devices: %s with ones", rows[i].name);
    }
    *(struct physdev_map_pirq *)OUR_ARG =
        (struct physdev_map_pirq){ .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 5, .pirq = -1 };
    check_eq(child_physdev(PHYSDEVOP_map_pirq), -GE_PERM, "without devices: map_pirq for itself");
}

static void check_hvm(void)
{
    struct xen_hvm_param param = { .domid = DOMID_SELF };
    struct xen_hvm_get_time time = { 0 };
    uint64_t before = now(), after;

    check_eq(HC(hvm_op, HVMOP_get_param, &param), -GE_INVAL, "a parameter of a PV domain: -EINVAL");
    check_eq(HC(hvm_op, HVMOP_set_param, &param), -GE_INVAL, "cannot be set: -EINVAL");
    param.domid = child;
    check_eq(HC(hvm_op, HVMOP_get_param, &param), -GE_INVAL, "of another PV domain: -EINVAL");
    param.domid = NO_DOMAIN;
    check_eq(HC(hvm_op, HVMOP_get_param, &param), -GE_SRCH, "of a domain that is not there: -ESRCH");
    check_eq(HC(hvm_op, HVMOP_get_param, BAD_PTR_XEN), -GE_FAULT, "bad pointer: -EFAULT");
    check_eq(HC(hvm_op, HVMOP_flush_tlbs, 0), -GE_INVAL, "flush_tlbs: -EINVAL");
    check_eq(HC(hvm_op, HVMOP_set_evtchn_upcall_vector, &param), -GE_INVAL, "an upcall's vector: -EINVAL");
    check_eq(HC(hvm_op, HVMOP_guest_request_vm_event, 0), 0, "a call of a monitor that is not there");
    check_eq(HC(hvm_op, HVMOP_guest_request_vm_event, &param), -GE_INVAL, "with an argument: -EINVAL");
    check_eq(HC(hvm_op, HVMOP_get_time, &time), 0, "the time");
    after = now();
    check(time.now >= before && time.now <= after + 1000000, "is system time");
    check_eq(HC(hvm_op, HVMOP_get_time, BAD_PTR_XEN), -GE_FAULT, "the time, bad pointer: -EFAULT");
    check_eq(HC(hvm_op, 99, &param), -GE_NOSYS, "hvm_op, an unknown command: -ENOSYS");
    ((struct xen_hvm_param *)OUR_ARG)->domid = 0;
    check_eq(child_ask(__HYPERVISOR_hvm_op, HVMOP_get_param, CHILD_ARG, 0, 0), -GE_INVAL,
             "a domain asks for a parameter of Domain-0: -EINVAL");
}

static void check_pmu(void)
{
    struct xen_pmu_params params = { .version = { .maj = XENPMU_VER_MAJ, .min = XENPMU_VER_MIN } };

    check_eq(HC(xenpmu_op, XENPMU_mode_get, &params), -GE_OPNOTSUPP,
             "performance counters: not without vpmu=");
    check_eq(HC(xenpmu_op, XENPMU_init, &params), -GE_OPNOTSUPP, "a page for them: -EOPNOTSUPP");
    check_eq(HC(xenpmu_op, 99, BAD_PTR_XEN), -GE_OPNOTSUPP, "an unknown command: -EOPNOTSUPP");
    check_eq(child_ask(__HYPERVISOR_xenpmu_op, XENPMU_mode_get, CHILD_ARG, 0, 0), -GE_OPNOTSUPP,
             "a domain without privilege: -EOPNOTSUPP");
}

TEST_MAIN("physdev")
{
    child_start();
    check_lines();
    check_pirqs();
    check_apic();
    check_pointers();
    check_child();
    check_hvm();
    check_pmu();
    check(child_destroy(), "the child is gone");
}
