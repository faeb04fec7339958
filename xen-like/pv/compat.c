/* SPDX-License-Identifier: MIT */
/*
 * The three hypercalls of old guests that have a successor: the sub-operation stands in the structure, or the
 * argument in a register, and the work is the successor's.
 */
#include <xen/physdev.h>
#include <xen/sched.h>

#include "domain/domain.h"
#include "mm/guest.h"
#include "pv/hypercall.h"

/* The argument's union follows the command, at its own alignment; results go back into it. */
long do_event_channel_op_compat(unsigned long op)
{
    u32 cmd;

    if (copy_from_guest(&cmd, op, sizeof(cmd)))
        return -EFAULT;
    return cmd <= EVTCHNOP_unmask ? do_event_channel_op(cmd, op + offsetof(struct evtchn_op, u)) : -ENOSYS;
}

long do_physdev_op_compat(unsigned long op)
{
    u32 cmd;

    if (copy_from_guest(&cmd, op, sizeof(cmd)))
        return -EFAULT;
    switch (cmd) {
    case PHYSDEVOP_IRQ_UNMASK_NOTIFY:
    case PHYSDEVOP_irq_status_query:
    case PHYSDEVOP_set_iopl:
    case PHYSDEVOP_set_iobitmap:
    case PHYSDEVOP_apic_read:
    case PHYSDEVOP_apic_write:
    case PHYSDEVOP_alloc_irq_vector:
        return do_physdev_op(cmd, op + offsetof(struct physdev_op, u));
    default:
        return -ENOSYS;
    }
}

long do_sched_op_compat(unsigned int cmd, unsigned long arg)
{
    switch (cmd) {
    case SCHEDOP_yield:
    case SCHEDOP_block:
        return do_sched_op(cmd, 0);
    case SCHEDOP_shutdown:
        domain_shutdown(current->domain, (u8)arg);
        return 0;
    default:
        return -ENOSYS;
    }
}
