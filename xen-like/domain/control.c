/* SPDX-License-Identifier: MIT */
/*
 * What all control hypercalls do alike: copy the structure in, check its version and the caller's right to
 * it, find the domain and the operation, and copy the structure back. One operation at a time in the whole
 * machine.
 */
#include "domain/control.h"

static struct spinlock control_lock = SPINLOCK_INIT(LOCK_DOMCTL);

int cpumask_from_guest(struct cpumask *to, const struct xenctl_bitmap *from)
{
    unsigned int bits = min(from->nr_bits, (uint32_t)MAX_CPUS), bytes = DIV_ROUND_UP(bits, 8);

    *to = (struct cpumask){ { 0 } };
    if (copy_from_guest(to->bits, guest_addr(from->bitmap), bytes))
        return -EFAULT;
    if (bits % 8)
        ((u8 *)to->bits)[bytes - 1] &= (u8)((1u << bits % 8) - 1);
    return 0;
}

int bitmap_to_guest(const struct xenctl_bitmap *to, const unsigned long *bits, unsigned int nr_bits)
{
    unsigned int room = DIV_ROUND_UP((u64)to->nr_bits, 8), bytes = min(room, DIV_ROUND_UP(nr_bits, 8));

    if (copy_to_guest(guest_addr(to->bitmap), bits, bytes))
        return -EFAULT;
    room = min(room - bytes, (unsigned int)PAGE_SIZE);
    return clear_guest(guest_addr(to->bitmap) + bytes, room) ? -EFAULT : 0;
}

/* control_lock held. */
static long run(const struct control_calls *calls, struct domain *d, union control_op *op, unsigned long arg)
{
    const struct control_row *row = &calls->rows[index_nospec(op->cmd, calls->nr_rows)];
    long ret;

    if (op->cmd >= calls->nr_rows || !row->fn)
        return -ENOSYS;
    ret = row->fn(d, op);
    if (row->out == (ret ? OUT_IF_FAILED : OUT_IF_DONE))
        return copy_to_guest(arg, op, calls->size) ? -EFAULT : ret;
    return ret;
}

static long control(const struct control_calls *calls, unsigned long arg)
{
    struct domain *d = NULL;
    union control_op op;
    long ret;

    if (copy_from_guest(&op, arg, calls->size))
        return -EFAULT;
    if (op.interface_version != calls->version)
        return -EACCES;
    if (calls == &domctl_calls) {
        d = domain_get_by_id(op.domctl.domain);
        if (!d && op.cmd != XEN_DOMCTL_createdomain && op.cmd != XEN_DOMCTL_getdomaininfo)
            return -ESRCH;
    }
    if (!current->domain->privileged) {
        ret = -EPERM;
    } else if (!spin_trylock(&control_lock)) {
        /* Nobody spins for this lock: its holder may be waiting for the other's vCPU to stop. */
        ret = -ERESTART;
    } else {
        ret = run(calls, d, &op, arg);
        spin_unlock(&control_lock);
    }
    if (d)
        domain_put(d);
    return ret == -ERESTART ? HYPERCALL_RESTART(arg) : ret;
}

long do_domctl(unsigned long arg)
{
    return control(&domctl_calls, arg);
}

long do_sysctl(unsigned long arg)
{
    return control(&sysctl_calls, arg);
}

long do_platform_op(unsigned long arg)
{
    return control(&platform_calls, arg);
}
