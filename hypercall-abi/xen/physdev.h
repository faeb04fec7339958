/* SPDX-License-Identifier: MIT */
/*
 * physdev_op(unsigned int cmd, void *arg): physical interrupts, port permissions, PCI devices. What
 * concerns real hardware needs a domain that owns it (-EPERM). Common errors: -EINVAL, -EFAULT, -ENOSYS
 * (other cmd), -ENODEV.
 */
#ifndef __XEN_PUBLIC_PHYSDEV_H__
#define __XEN_PUBLIC_PHYSDEV_H__

#include "xen.h"

/* Tells that the interrupt of a PIRQ has been served. -EINVAL if it is not bound. */
#define PHYSDEVOP_eoi 12
struct physdev_eoi {
    uint32_t irq;
};
typedef struct physdev_eoi physdev_eoi_t;
DEFINE_XEN_GUEST_HANDLE(physdev_eoi_t);

/*
 * Registers a page of bits, one a PIRQ, in which the hypervisor shows who needs an EOI. With v1 an EOI
 * also unmasks the event port; with v2 it does not. Once a domain (-EBUSY).
 */
#define PHYSDEVOP_pirq_eoi_gmfn_v1 17

#define PHYSDEVOP_pirq_eoi_gmfn_v2 28
struct physdev_pirq_eoi_gmfn {
    xen_pfn_t gmfn;
};
typedef struct physdev_pirq_eoi_gmfn physdev_pirq_eoi_gmfn_t;
DEFINE_XEN_GUEST_HANDLE(physdev_pirq_eoi_gmfn_t);

/* How a PIRQ is to be handled. */
#define PHYSDEVOP_irq_status_query 5
struct physdev_irq_status_query {
    uint32_t irq;   /* in */
    uint32_t flags; /* out: XENIRQSTAT_* */
};
typedef struct physdev_irq_status_query physdev_irq_status_query_t;
DEFINE_XEN_GUEST_HANDLE(physdev_irq_status_query_t);

/* The interrupt line stays masked until PHYSDEVOP_eoi. */
#define _XENIRQSTAT_needs_eoi (0)
#define XENIRQSTAT_needs_eoi  (1U<<_XENIRQSTAT_needs_eoi)

/* Other domains use it too. */
#define _XENIRQSTAT_shared (1)
#define XENIRQSTAT_shared  (1U<<_XENIRQSTAT_shared)

/*
 * I/O privilege level of the vCPU, 0 to 3 (-EINVAL above): at 1 the kernel, at 3 user mode too may use
 * ports that the domain owns.
 */
#define PHYSDEVOP_set_iopl 6
struct physdev_set_iopl {
    uint32_t iopl;
};
typedef struct physdev_set_iopl physdev_set_iopl_t;
DEFINE_XEN_GUEST_HANDLE(physdev_set_iopl_t);

/*
 * Ports that user mode may use below that level: a bit that is clear permits one. nr_ports at most 65536
 * (-EINVAL).
 */
#define PHYSDEVOP_set_iobitmap 7
struct physdev_set_iobitmap {
#if __XEN_INTERFACE_VERSION__ >= 0x00030205
    XEN_GUEST_HANDLE(uint8) bitmap;
#else
    uint8_t *bitmap;
#endif
    uint32_t nr_ports;
};
typedef struct physdev_set_iobitmap physdev_set_iobitmap_t;
DEFINE_XEN_GUEST_HANDLE(physdev_set_iobitmap_t);

/* Registers of an I/O APIC, by its physical address; -EPERM for who is not the hardware domain. */
#define PHYSDEVOP_apic_read  8
#define PHYSDEVOP_apic_write 9
struct physdev_apic {
    unsigned long apic_physbase; /* in */
    uint32_t reg;                /* in */
    uint32_t value;              /* in or out */
};
typedef struct physdev_apic physdev_apic_t;
DEFINE_XEN_GUEST_HANDLE(physdev_apic_t);

/* A vector for an interrupt; today only a check that the number is sensible. */
#define PHYSDEVOP_alloc_irq_vector 10
#define PHYSDEVOP_free_irq_vector  11
struct physdev_irq {
    uint32_t irq;    /* in */
    uint32_t vector; /* out */
};
typedef struct physdev_irq physdev_irq_t;
DEFINE_XEN_GUEST_HANDLE(physdev_irq_t);

/* Gives a domain a physical interrupt as a PIRQ: an I/O APIC line, or MSIs of a PCI device. */
#define MAP_PIRQ_TYPE_MSI       0x0 /* index is unused; by bus and devfn in segment 0 */
#define MAP_PIRQ_TYPE_GSI       0x1 /* index is the line */
#define MAP_PIRQ_TYPE_UNKNOWN   0x2
#define MAP_PIRQ_TYPE_MSI_SEG   0x3 /* as MSI, segment in bus[31:16] */
#define MAP_PIRQ_TYPE_MULTI_MSI 0x4 /* entry_nr vectors at once */

#define PHYSDEVOP_map_pirq 13
struct physdev_map_pirq {
    domid_t domid;
    int type;            /* MAP_PIRQ_TYPE_* */
    int index;
    int pirq;            /* in or out; negative: any free one */
    int bus;
    int devfn;
    int entry_nr;        /* MSI-X entry, or count */
    uint64_t table_base; /* MSI-X table, 0 for MSI */
};
typedef struct physdev_map_pirq physdev_map_pirq_t;
DEFINE_XEN_GUEST_HANDLE(physdev_map_pirq_t);

/* Takes it away; an event port that was bound to it gets no more events. */
#define PHYSDEVOP_unmap_pirq 14
struct physdev_unmap_pirq {
    domid_t domid;
    int pirq;
};

typedef struct physdev_unmap_pirq physdev_unmap_pirq_t;
DEFINE_XEN_GUEST_HANDLE(physdev_unmap_pirq_t);

/* A PCI device came or went; older forms of pci_device_add. */
#define PHYSDEVOP_manage_pci_add    15
#define PHYSDEVOP_manage_pci_remove 16
struct physdev_manage_pci {
    uint8_t bus;
    uint8_t devfn;
};

typedef struct physdev_manage_pci physdev_manage_pci_t;
DEFINE_XEN_GUEST_HANDLE(physdev_manage_pci_t);

/* Writes the MSI registers of a device anew after a sleep. */
#define PHYSDEVOP_restore_msi 19
struct physdev_restore_msi {
    uint8_t bus;
    uint8_t devfn;
};
typedef struct physdev_restore_msi physdev_restore_msi_t;
DEFINE_XEN_GUEST_HANDLE(physdev_restore_msi_t);

#define PHYSDEVOP_manage_pci_add_ext 20
struct physdev_manage_pci_ext {
    uint8_t bus;
    uint8_t devfn;
    uint32_t is_extfn;
    uint32_t is_virtfn;
    struct {
        uint8_t bus;
        uint8_t devfn;
    } physfn;
};

typedef struct physdev_manage_pci_ext physdev_manage_pci_ext_t;
DEFINE_XEN_GUEST_HANDLE(physdev_manage_pci_ext_t);

/* Argument of the older call number 19, which carries cmd inside. */
struct physdev_op {
    uint32_t cmd;
    union {
        physdev_irq_status_query_t irq_status_query;
        physdev_set_iopl_t set_iopl;
        physdev_set_iobitmap_t set_iobitmap;
        physdev_apic_t apic_op;
        physdev_irq_t irq_op;
    } u;
};
typedef struct physdev_op physdev_op_t;
DEFINE_XEN_GUEST_HANDLE(physdev_op_t);

/* Trigger and polarity of an I/O APIC line. -EEXIST if set before. */
#define PHYSDEVOP_setup_gsi 21
struct physdev_setup_gsi {
    int gsi;
    uint8_t triggering; /* 0 edge, 1 level */
    uint8_t polarity;   /* 0 high, 1 low */
};

typedef struct physdev_setup_gsi physdev_setup_gsi_t;
DEFINE_XEN_GUEST_HANDLE(physdev_setup_gsi_t);

/* Reserves a PIRQ number. */
#define PHYSDEVOP_get_free_pirq 23
struct physdev_get_free_pirq {
    int type;      /* MAP_PIRQ_TYPE_* */
    uint32_t pirq; /* out */
};

typedef struct physdev_get_free_pirq physdev_get_free_pirq_t;
DEFINE_XEN_GUEST_HANDLE(physdev_get_free_pirq_t);

/*
 * Tells which buses have their configuration space in memory at an address, and whether firmware reserved
 * it.
 */
#define XEN_PCI_MMCFG_RESERVED 0x1

#define PHYSDEVOP_pci_mmcfg_reserved 24
struct physdev_pci_mmcfg_reserved {
    uint64_t address;
    uint16_t segment;
    uint8_t start_bus;
    uint8_t end_bus;
    uint32_t flags; /* XEN_PCI_MMCFG_RESERVED */
};
typedef struct physdev_pci_mmcfg_reserved physdev_pci_mmcfg_reserved_t;
DEFINE_XEN_GUEST_HANDLE(physdev_pci_mmcfg_reserved_t);

/* Announces a PCI device to the hypervisor, and takes it back. */
#define XEN_PCI_DEV_EXTFN  0x1 /* extended function number */
#define XEN_PCI_DEV_VIRTFN 0x2 /* virtual function; physfn is valid */
#define XEN_PCI_DEV_PXM    0x4 /* optarr[0] is its NUMA proximity */

#define PHYSDEVOP_pci_device_add 25
struct physdev_pci_device_add {
    uint16_t seg;
    uint8_t bus;
    uint8_t devfn;
    uint32_t flags; /* XEN_PCI_DEV_* */
    struct {
        uint8_t bus;
        uint8_t devfn;
    } physfn;
    uint32_t optarr[XEN_FLEX_ARRAY_DIM];
};
typedef struct physdev_pci_device_add physdev_pci_device_add_t;
DEFINE_XEN_GUEST_HANDLE(physdev_pci_device_add_t);

/*
 * Calls on a device (struct physdev_pci_device): removal; registers anew, with segment; MSI-X taken over
 * by the hypervisor for a pass-through, and returned.
 */
#define PHYSDEVOP_pci_device_remove 26
#define PHYSDEVOP_restore_msi_ext   27

#define PHYSDEVOP_prepare_msix 30
#define PHYSDEVOP_release_msix 31
struct physdev_pci_device {
    uint16_t seg;
    uint8_t bus;
    uint8_t devfn;
};
typedef struct physdev_pci_device physdev_pci_device_t;
DEFINE_XEN_GUEST_HANDLE(physdev_pci_device_t);

/* USB debug port: the hypervisor lets go of the controller during a reset. */
#define PHYSDEVOP_DBGP_RESET_PREPARE 1
#define PHYSDEVOP_DBGP_RESET_DONE    2

#define PHYSDEVOP_DBGP_BUS_UNKNOWN 0
#define PHYSDEVOP_DBGP_BUS_PCI     1

#define PHYSDEVOP_dbgp_op 29
struct physdev_dbgp_op {
    uint8_t op;
    uint8_t bus;
    union {
        physdev_pci_device_t pci;
    } u;
};
typedef struct physdev_dbgp_op physdev_dbgp_op_t;
DEFINE_XEN_GUEST_HANDLE(physdev_dbgp_op_t);

/* Older names. */
#define PHYSDEVOP_IRQ_UNMASK_NOTIFY 4

#if __XEN_INTERFACE_VERSION__ < 0x00040600

#define PHYSDEVOP_IRQ_STATUS_QUERY        PHYSDEVOP_irq_status_query
#define PHYSDEVOP_SET_IOPL                PHYSDEVOP_set_iopl
#define PHYSDEVOP_SET_IOBITMAP            PHYSDEVOP_set_iobitmap
#define PHYSDEVOP_APIC_READ               PHYSDEVOP_apic_read
#define PHYSDEVOP_APIC_WRITE              PHYSDEVOP_apic_write
#define PHYSDEVOP_ASSIGN_VECTOR           PHYSDEVOP_alloc_irq_vector
#define PHYSDEVOP_FREE_VECTOR             PHYSDEVOP_free_irq_vector
#define PHYSDEVOP_IRQ_NEEDS_UNMASK_NOTIFY XENIRQSTAT_needs_eoi
#define PHYSDEVOP_IRQ_SHARED              XENIRQSTAT_shared
#endif

#if __XEN_INTERFACE_VERSION__ < 0x00040200
#define PHYSDEVOP_pirq_eoi_gmfn PHYSDEVOP_pirq_eoi_gmfn_v1
#else
#define PHYSDEVOP_pirq_eoi_gmfn PHYSDEVOP_pirq_eoi_gmfn_v2
#endif

#endif /* __XEN_PUBLIC_PHYSDEV_H__ */
