/* SPDX-License-Identifier: MIT */
/*
 * What all control hypercalls do alike: copy the structure in, check its version and the caller's right to
 * it, find the domain and the operation, and copy the structure back. One operation at a time in the whole
 * machine.
 */
#include "domain/control.h"

enum { CONTROL_domctl, CONTROL_sysctl, CONTROL_platform_op, NR_OPS = 128 };

typedef long control_fn(struct domain *d, union control_op *op);

static const struct control_call {
    u32 version, size;
    control_fn *fns[NR_OPS];    /* by number */
} calls[] = {
    [CONTROL_domctl] = { XEN_DOMCTL_INTERFACE_VERSION, sizeof(struct xen_domctl) },
    [CONTROL_sysctl] = { XEN_SYSCTL_INTERFACE_VERSION, sizeof(struct xen_sysctl) },
    [CONTROL_platform_op] = { XENPF_INTERFACE_VERSION, sizeof(struct xen_platform_op) },
#define SUBOP_ROW(call, nr, name) [CONTROL_##call].fns[nr] = call##_##name,
#include "pv/subops.h"
};

/* The domctls that no domain may do to itself. */
static const bool others_only[NR_OPS] = {
    [XEN_DOMCTL_destroydomain] = true, [XEN_DOMCTL_pausedomain] = true, [XEN_DOMCTL_resumedomain] = true,
    [XEN_DOMCTL_max_vcpus] = true, [XEN_DOMCTL_setvcpucontext] = true, [XEN_DOMCTL_getvcpucontext] = true,
    [XEN_DOMCTL_settscinfo] = true, [XEN_DOMCTL_gettscinfo] = true, [XEN_DOMCTL_set_cpu_policy] = true,
};

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
static long run(const struct control_call *call, struct domain *d, union control_op *op, unsigned long arg)
{
    const unsigned long cmd = index_nospec(op->cmd, NR_OPS);
    control_fn *const fn = op->cmd < NR_OPS ? call->fns[cmd] : NULL;

    if (!fn)
        return -ENOSYS;
    if (d == current->domain && others_only[cmd])
        return -EINVAL;
    long ret = fn(d, op);
    if (ret <= 0)
        return ret;
    return copy_to_guest(arg, op, call->size) ? -EFAULT : ret - WRITE_BACK(0);
}

static long control(const struct control_call *call, unsigned long arg)
{
    struct domain *d held_domain = NULL;
    union control_op op;

    if (copy_from_guest(&op, arg, call->size))
        return -EFAULT;
    if (op.interface_version != call->version)
        return -EACCES;
    if (call == &calls[CONTROL_domctl]) {
        d = domain_get_by_id(op.domctl.domain);
        if (!d && op.cmd != XEN_DOMCTL_createdomain && op.cmd != XEN_DOMCTL_getdomaininfo)
            return -ESRCH;
    }
    if (!current->domain->privileged)
        return -EPERM;
    /* Nobody spins for this lock: its holder may be waiting for the other's vCPU to stop. */
    if (!spin_trylock(&control_lock))
        return HYPERCALL_RESTART(arg);
    long ret = run(call, d, &op, arg);
    spin_unlock(&control_lock);
    return ret == -ERESTART ? HYPERCALL_RESTART(arg) : ret;
}

long do_domctl(unsigned long arg) { return control(&calls[CONTROL_domctl], arg); }

long do_sysctl(unsigned long arg) { return control(&calls[CONTROL_sysctl], arg); }

long do_platform_op(unsigned long arg) { return control(&calls[CONTROL_platform_op], arg); }
