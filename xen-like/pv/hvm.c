/* SPDX-License-Identifier: MIT */
/*
 * hvm_op and xenpmu_op for those who have no use for them: what a paravirtual guest, and one that may not use
 * the performance counters, gets to hear.
 */
#include <xen/hvm/hvm_op.h>

#include "cpu/time.h"
#include "pv/internal.h"

/* Parameters belong to domains that are not paravirtual; there are none. */
static long param_op(unsigned long arg)
{
    struct xen_hvm_param op;

    if (copy_from_guest(&op, arg, sizeof(op)))
        return -EFAULT;
    struct domain *d held_domain = domain_get(op.domid);
    return d ? -EINVAL : -ESRCH;
}

long do_hvm_op(unsigned int cmd, unsigned long arg)
{
    struct xen_hvm_get_time time = { .now = now() };

    switch (cmd) {
    case HVMOP_set_param:
    case HVMOP_get_param:
        return param_op(arg);
    case HVMOP_flush_tlbs:
    case HVMOP_set_evtchn_upcall_vector:
        return -EINVAL;
    case HVMOP_get_time:
        return copy_to_guest(arg, &time, sizeof(time)) ? -EFAULT : 0;
    case HVMOP_guest_request_vm_event:
        return arg ? -EINVAL : 0; /* nobody listens */
    default:
        return -ENOSYS;
    }
}

long do_xenpmu_op(unsigned int cmd, unsigned long arg) { return -EOPNOTSUPP; }
