/* SPDX-License-Identifier: MIT */
/*
 * The three hypercalls of old guests that have a successor: the sub-operation stands in the structure, or the
 * argument in a register, and the work is the successor's.
 */
#include <xen/physdev.h>
#include <xen/sched.h>

#include "pv/internal.h"

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
    if (cmd < PHYSDEVOP_IRQ_UNMASK_NOTIFY || cmd > PHYSDEVOP_alloc_irq_vector)
        return -ENOSYS; /* what has come since is in the successor alone */
    return do_physdev_op(cmd, op + offsetof(struct physdev_op, u));
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
