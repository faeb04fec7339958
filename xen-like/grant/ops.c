/* SPDX-License-Identifier: MIT */
/*
 * grant_table_op: the dispatcher, and the operations on tables as a whole. An operation that is preempted
 * goes on with the array's rest. (xen/grant_table.h)
 */
#include "grant/private.h"

/* The domain of an operation that needs control over it, to be put unless NULL. GNTST_* */
static s16 controlled_domain(domid_t id, struct domain **d)
{
    *d = domain_get(id);
    if (!*d)
        return GNTST_bad_domain;
    return *d == current->domain || current->domain->privileged ? GNTST_okay : GNTST_permission_denied;
}

static s16 setup_table(const struct gnttab_setup_table *op, struct domain *d)
{
    struct grant_table *t = d->grant;
    s16 status = GNTST_okay;

    spin_lock(&t->lock);
    const int rc = grant_grow(t, op->nr_frames);
    spin_unlock(&t->lock);
    if (rc)
        return GNTST_general_error;
    /* Frames never go away again, so the list can be read without the lock. */
    for (unsigned int i = 0; i < op->nr_frames; i++)
        if (!put_guest_u64(guest_addr(op->frame_list) + i * sizeof(u64), virt_to_mfn(t->frame[i]).v))
            status = GNTST_bad_virt_addr;
    return status;
}

static long grant_op_setup_table(struct grant_call *c)
{
    struct gnttab_setup_table op;
    struct domain *d held_domain = NULL;

    if (c->left != 1)
        return -EINVAL;
    if (!grant_next(c, &op) || !guest_range_ok(guest_addr(op.frame_list), op.nr_frames * sizeof(u64)))
        return -EFAULT;
    op.status = controlled_domain(op.dom, &d);
    if (op.status == GNTST_okay)
        op.status = setup_table(&op, d);
    grant_write_status(c, &op);
    return c->rc;
}

static long grant_op_query_size(struct grant_call *c)
{
    struct gnttab_query_size op;
    struct domain *d held_domain = NULL;

    if (c->left != 1)
        return -EINVAL;
    if (!grant_next(c, &op))
        return -EFAULT;
    op.status = controlled_domain(op.dom, &d);
    if (op.status == GNTST_okay) {
        op.nr_frames = d->grant->nr_frames;
        op.max_nr_frames = grant_max_frames(d);
    }
    grant_write(c, 0, &op, sizeof(op));
    return c->rc;
}

/* Status frames belong to version 2: a table has none. */
static long grant_op_get_status_frames(struct grant_call *c)
{
    struct gnttab_get_status_frames op;
    struct domain *d held_domain = NULL;

    if (c->left != 1)
        return -EINVAL;
    if (!grant_next(c, &op))
        return -EFAULT;
    op.status = controlled_domain(op.dom, &d);
    if (op.status == GNTST_okay && op.nr_frames)
        op.status = GNTST_general_error;
    grant_write_status(c, &op);
    return c->rc;
}

/* Version 1 is what there is. One structure, whatever the count. */
static long grant_op_set_version(struct grant_call *c)
{
    struct gnttab_set_version op;

    c->left = 1;
    if (!grant_next(c, &op))
        return -EFAULT;
    const long rc = op.version == 1 ? 0 : op.version == 2 ? -ENOSYS : -EINVAL;
    op.version = 1;
    grant_write(c, 0, &op, sizeof(op));
    return c->rc ? c->rc : rc;
}

/* One structure, whatever the count. */
static long grant_op_get_version(struct grant_call *c)
{
    struct gnttab_get_version op;
    struct domain *d held_domain = NULL;

    c->left = 1;
    if (!grant_next(c, &op))
        return -EFAULT;
    const s16 status = controlled_domain(op.dom, &d);
    if (status != GNTST_okay)
        return status == GNTST_bad_domain ? -ESRCH : -EPERM;
    op.version = 1;
    grant_write(c, 0, &op, sizeof(op));
    return c->rc;
}

static bool busy(struct grant_table *t, grant_ref_t ref)
{
    const struct grant_active *a = grant_active_row(t, ref, false);

    return a && a->uses;
}

static s16 swap_refs(struct grant_table *t, grant_ref_t a, grant_ref_t b)
{
    spin_guard(&t->lock);
    if (a >= grant_entries(t) || b >= grant_entries(t))
        return GNTST_bad_gntref;
    if (a == b)
        return GNTST_okay;
    if (busy(t, a) || busy(t, b))
        return GNTST_eagain;
    const struct grant_entry_v1 entry = *grant_entry(t, a);
    *grant_entry(t, a) = *grant_entry(t, b);
    *grant_entry(t, b) = entry;
    return GNTST_okay;
}

static long grant_op_swap_grant_ref(struct grant_call *c)
{
    struct gnttab_swap_grant_ref op;

    while (grant_next(c, &op)) {
        op.status = swap_refs(current->domain->grant, op.ref_a, op.ref_b);
        grant_write_status(c, &op);
    }
    return c->rc;
}

/* Caches of this architecture are coherent. */
static long grant_op_cache_flush(struct grant_call *c) { return -EOPNOTSUPP; }

static const struct {
    grant_op *fn;
    unsigned int size;
} ops[] = {
#define SUBOP_OF_grant_table_op ~, SUBOP_ROW
#define SUBOP_ROW(call, nr, name) [nr] = { grant_op_##name, sizeof(struct gnttab_##name) },
#include "pv/subops.h"
    [GNTTABOP_cache_flush] = { grant_op_cache_flush, sizeof(struct gnttab_cache_flush) },
};

long do_grant_table_op(unsigned int cmd, unsigned long arg, unsigned int count)
{
    const unsigned int op = index_nospec(cmd, ARRAY_SIZE(ops));
    struct grant_call c = { .at = arg, .next = arg, .size = ops[op].size, .left = count };

    if ((int)count < 0)
        return -EINVAL;
    if (cmd >= ARRAY_SIZE(ops) || !ops[op].fn)
        return -ENOSYS;
    if (!guest_range_ok(arg, (unsigned long)count * c.size))
        return -EFAULT;
    const long rc = ops[op].fn(&c);
    return rc || !c.left ? rc : HYPERCALL_RESTART(cmd, c.next, c.left);
}
