/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op: the dispatcher, and the operations on tables as a whole. An operation that is preempted
 * goes on with the array's rest. (xen/grant_table.h)
 */
#include "grant/private.h"

/* The domain of an operation that needs control over it. Counted. NULL: *status says why. */
static struct domain *controlled_domain(domid_t id, s16 *status)
{
    struct domain *d = domain_get(id);

    if (!d) {
        *status = GNTST_bad_domain;
        return NULL;
    }
    if (d == current->domain || current->domain->privileged)
        return d;
    domain_put(d);
    *status = GNTST_permission_denied;
    return NULL;
}

static s16 setup_table(const struct gnttab_setup_table *op, struct domain *d)
{
    struct grant_table *t = d->grant;
    s16 status = GNTST_okay;

    if (!t || op->nr_frames > t->max_frames)
        return GNTST_general_error;
    spin_lock(&t->lock);
    if (grant_grow(t, op->nr_frames))
        status = GNTST_general_error;
    spin_unlock(&t->lock);
    /* Frames never go away again, so the list can be read without the lock. */
    for (unsigned int i = 0; status != GNTST_general_error && i < op->nr_frames; i++)
        if (!put_guest_u64(guest_addr(op->frame_list) + i * sizeof(u64), virt_to_mfn(t->frame[i]).v))
            status = GNTST_bad_virt_addr;
    return status;
}

static long op_setup_table(unsigned long uop, unsigned int count)
{
    struct gnttab_setup_table op;
    struct domain *d;

    if (count != 1)
        return -EINVAL;
    if (copy_from_guest(&op, uop, sizeof(op)) ||
        !guest_range_ok(guest_addr(op.frame_list), op.nr_frames * sizeof(u64)))
        return -EFAULT;
    d = controlled_domain(op.dom, &op.status);
    if (d) {
        op.status = setup_table(&op, d);
        domain_put(d);
    }
    return copy_to_guest(uop + offsetof(struct gnttab_setup_table, status), &op.status, sizeof(op.status)) ?
           -EFAULT : 0;
}

static long op_query_size(unsigned long uop, unsigned int count)
{
    struct gnttab_query_size op;
    struct domain *d;

    if (count != 1)
        return -EINVAL;
    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    d = controlled_domain(op.dom, &op.status);
    if (d) {
        op.nr_frames = d->grant ? d->grant->nr_frames : 0;
        op.max_nr_frames = grant_max_frames(d);
        op.status = GNTST_okay;
        domain_put(d);
    }
    return copy_to_guest(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

/* Version 1 is what there is. */
static long op_set_version(unsigned long uop, unsigned int count)
{
    struct gnttab_set_version op;
    long rc = 0;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    if (op.version != 1)
        rc = op.version == 2 ? -ENOSYS : -EINVAL;
    op.version = 1;
    return copy_to_guest(uop, &op, sizeof(op)) ? -EFAULT : rc;
}

/* Status frames belong to version 2: a table has none. */
static long op_get_status_frames(unsigned long uop, unsigned int count)
{
    struct gnttab_get_status_frames op;
    struct domain *d;

    if (count != 1)
        return -EINVAL;
    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    d = controlled_domain(op.dom, &op.status);
    if (d) {
        op.status = op.nr_frames ? GNTST_general_error : GNTST_okay;
        domain_put(d);
    }
    return copy_to_guest(uop + offsetof(struct gnttab_get_status_frames, status), &op.status, sizeof(op.status)) ?
           -EFAULT : 0;
}

static long op_get_version(unsigned long uop, unsigned int count)
{
    struct gnttab_get_version op;
    struct domain *d;
    s16 status;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return -EFAULT;
    d = controlled_domain(op.dom, &status);
    if (!d)
        return status == GNTST_bad_domain ? -ESRCH : -EPERM;
    op.version = 1;
    domain_put(d);
    return copy_to_guest(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

static bool busy(struct grant_table *t, grant_ref_t ref)
{
    const struct grant_active *a = grant_active_row(t, ref, false);

    return a && grant_in_use(a);
}

static s16 swap_refs(struct grant_table *t, grant_ref_t a, grant_ref_t b)
{
    struct grant_entry_v1 *ea, *eb, entry;

    if (a >= grant_entries(t) || b >= grant_entries(t))
        return GNTST_bad_gntref;
    if (a == b)
        return GNTST_okay;
    if (busy(t, a) || busy(t, b))
        return GNTST_eagain;
    ea = grant_entry(t, a);
    eb = grant_entry(t, b);
    entry = *ea;
    *ea = *eb;
    *eb = entry;
    return GNTST_okay;
}

static long op_swap(unsigned long uop, unsigned int count)
{
    struct grant_table *t = current->domain->grant;
    struct gnttab_swap_grant_ref op;

    for (unsigned int i = 0; i < count; i++, uop += sizeof(op)) {
        if (i && hypercall_preempt_check())
            return count - i;
        if (copy_from_guest(&op, uop, sizeof(op)))
            return -EFAULT;
        spin_lock(&t->lock);
        op.status = swap_refs(t, op.ref_a, op.ref_b);
        spin_unlock(&t->lock);
        if (copy_to_guest(uop + offsetof(struct gnttab_swap_grant_ref, status), &op.status, sizeof(op.status)))
            return -EFAULT;
    }
    return 0;
}

static long op_cache_flush(unsigned long uop, unsigned int count)
{
    return -EOPNOTSUPP; /* caches of this architecture are coherent */
}

/*
 * Each takes the array's address and length, and returns how many operations are left, or a negative error.
 */
static const struct {
    long (*fn)(unsigned long uop, unsigned int count);
    unsigned int size;
} ops[] = {
    [GNTTABOP_map_grant_ref] = { grant_op_map, sizeof(struct gnttab_map_grant_ref) },
    [GNTTABOP_unmap_grant_ref] = { grant_op_unmap, sizeof(struct gnttab_unmap_grant_ref) },
    [GNTTABOP_unmap_and_replace] = { grant_op_unmap_and_replace, sizeof(struct gnttab_unmap_and_replace) },
    [GNTTABOP_setup_table] = { op_setup_table, sizeof(struct gnttab_setup_table) },
    [GNTTABOP_copy] = { grant_op_copy, sizeof(struct gnttab_copy) },
    [GNTTABOP_query_size] = { op_query_size, sizeof(struct gnttab_query_size) },
    [GNTTABOP_set_version] = { op_set_version, sizeof(struct gnttab_set_version) },
    [GNTTABOP_get_status_frames] = { op_get_status_frames, sizeof(struct gnttab_get_status_frames) },
    [GNTTABOP_get_version] = { op_get_version, sizeof(struct gnttab_get_version) },
    [GNTTABOP_swap_grant_ref] = { op_swap, sizeof(struct gnttab_swap_grant_ref) },
    [GNTTABOP_cache_flush] = { op_cache_flush, sizeof(struct gnttab_cache_flush) },
};

long do_grant_table_op(unsigned int cmd, unsigned long arg, unsigned int count)
{
    unsigned int op;
    long left;

    if ((int)count < 0)
        return -EINVAL;
    if (cmd >= ARRAY_SIZE(ops) || !ops[index_nospec(cmd, ARRAY_SIZE(ops))].fn)
        return -ENOSYS;
    op = index_nospec(cmd, ARRAY_SIZE(ops));
    if (!guest_range_ok(arg, (unsigned long)count * ops[op].size))
        return -EFAULT;
    left = ops[op].fn(arg, count);
    if (left <= 0)
        return left;
    return HYPERCALL_RESTART(cmd, arg + (count - left) * ops[op].size, left);
}
