/* SPDX-License-Identifier: MIT */
/*
 * nmi_op(unsigned int cmd, void *arg): the domain's NMI callback, and the reasons that
 * arch_shared_info.nmi_reason shows. Errors: -EINVAL (address not canonical), -EFAULT, -ENOSYS (other cmd).
 */
#ifndef __XEN_PUBLIC_NMI_H__
#define __XEN_PUBLIC_NMI_H__

#include "xen.h"

/* I/O channel check. */
#define _XEN_NMIREASON_io_error 0
#define XEN_NMIREASON_io_error  (1UL << _XEN_NMIREASON_io_error)

/* PCI system error. */
#define _XEN_NMIREASON_pci_serr 1
#define XEN_NMIREASON_pci_serr  (1UL << _XEN_NMIREASON_pci_serr)
#if __XEN_INTERFACE_VERSION__ < 0x00040300

/* Older name of the same bit. */
#define _XEN_NMIREASON_parity_error 1
#define XEN_NMIREASON_parity_error  (1UL << _XEN_NMIREASON_parity_error)
#endif

/* Neither. */
#define _XEN_NMIREASON_unknown 2
#define XEN_NMIREASON_unknown  (1UL << _XEN_NMIREASON_unknown)

/* Sets the handler; entered on vCPU 0, as a trap with vector 2. */
#define XENNMI_register_callback 0
struct xennmi_callback {
    unsigned long handler_address;
    unsigned long pad; /* zero */
};
typedef struct xennmi_callback xennmi_callback_t;
DEFINE_XEN_GUEST_HANDLE(xennmi_callback_t);

/* Clears it. No argument. */
#define XENNMI_unregister_callback 1

#endif /* __XEN_PUBLIC_NMI_H__ */
