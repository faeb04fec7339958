/* SPDX-License-Identifier: MIT */
/*
 * What all control hypercalls do alike: copy the structure in, check its version and the caller's right to
 * it, find the domain and the operation, and copy the structure back. One operation at a time in the whole
 * machine.
 */
#include "domain/control.h"

typedef long control_fn(struct domain *d, union control_op *op);

#define SUBOP_ROW(call, nr, name) [nr] = call##_##name,
#define SUBOP_OF_domctl ~, SUBOP_ROW
static control_fn *const domctls[] = {
#include "pv/subops.h"
};
#undef SUBOP_OF_domctl

#define SUBOP_ROW(call, nr, name) [nr] = call##_##name,
#define SUBOP_OF_sysctl ~, SUBOP_ROW
static control_fn *const sysctls[] = {
#include "pv/subops.h"
};
#undef SUBOP_OF_sysctl

#define SUBOP_ROW(call, nr, name) [nr] = call##_##name,
#define SUBOP_OF_platform_op ~, SUBOP_ROW
static control_fn *const platform_ops[] = {
#include "pv/subops.h"
};

struct control_call {
    u32 version, size, nr_fns;
    control_fn *const *fns;
};

static const struct control_call
    domctl = { XEN_DOMCTL_INTERFACE_VERSION, sizeof(struct xen_domctl), ARRAY_SIZE(domctls), domctls },
    sysctl = { XEN_SYSCTL_INTERFACE_VERSION, sizeof(struct xen_sysctl), ARRAY_SIZE(sysctls), sysctls },
    platform = { XENPF_INTERFACE_VERSION, sizeof(struct xen_platform_op), ARRAY_SIZE(platform_ops),
                 platform_ops };

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
    control_fn *fn = op->cmd < call->nr_fns ? call->fns[index_nospec(op->cmd, call->nr_fns)] : NULL;
    long ret = fn ? fn(d, op) : -ENOSYS;

    if (ret <= 0)
        return ret;
    return copy_to_guest(arg, op, call->size) ? -EFAULT : ret - WRITE_BACK(0);
}

static long control(const struct control_call *call, unsigned long arg)
{
    struct domain *d = NULL;
    union control_op op;
    long ret;

    if (copy_from_guest(&op, arg, call->size))
        return -EFAULT;
    if (op.interface_version != call->version)
        return -EACCES;
    if (call == &domctl) {
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
        ret = run(call, d, &op, arg);
        spin_unlock(&control_lock);
    }
    if (d)
        domain_put(d);
    return ret == -ERESTART ? HYPERCALL_RESTART(arg) : ret;
}

long do_domctl(unsigned long arg) { return control(&domctl, arg); }

long do_sysctl(unsigned long arg) { return control(&sysctl, arg); }

long do_platform_op(unsigned long arg) { return control(&platform, arg); }
