/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: between pages that are the caller's own, named by frame, or granted to it, named by entry. A
 * page of which several parts are copied in a row, as back ends do, is looked up once.
 */
#include "grant/private.h"

/* One side of a copy, as long as it is held. */
struct side {
    struct gnttab_copy_ptr ptr;     /* what it was looked up by */
    bool by_ref, readonly;
    struct domain *d;               /* counted; NULL: nothing is held */
    mfn_t mfn;
    struct grant_use use;
};

static void side_release(struct side *s)
{
    if (!s->d)
        return;
    if (s->readonly)
        frame_put(mfn_to_frame(s->mfn));
    else
        frame_put_and_type(mfn_to_frame(s->mfn));
    if (s->by_ref)
        grant_unpin(s->d->grant, s->ptr.u.ref, &s->use);
    domain_put(s->d);
    s->d = NULL;
}

static bool side_is(const struct side *s, const struct gnttab_copy_ptr *ptr, bool by_ref)
{
    return s->d && s->by_ref == by_ref && s->ptr.domid == ptr->domid &&
           (by_ref ? s->ptr.u.ref == ptr->u.ref : s->ptr.u.gmfn == ptr->u.gmfn);
}

/* Looks the page up and holds it. GNTST_* */
static int side_claim(struct side *s, const struct gnttab_copy_ptr *ptr, bool by_ref, struct domain *d)
{
    int rc;

    s->ptr = *ptr;
    s->by_ref = by_ref;
    s->use = (struct grant_use){
        .user = current->domain->id, .readonly = s->readonly, .host = true, .copy = true,
    };
    if (by_ref) {
        if (!d->grant)
            return GNTST_bad_gntref;
        rc = grant_pin(d->grant, ptr->u.ref, &s->use, &s->mfn);
        if (rc != GNTST_okay)
            return rc;
    } else {
        s->mfn = MFN(ptr->u.gmfn);
        if (!frame_get(s->mfn, d))
            return GNTST_bad_page;
    }
    if (!s->readonly && frame_get_type(mfn_to_frame(s->mfn), FRAME_WRITABLE, false)) {
        frame_put(mfn_to_frame(s->mfn));
        if (by_ref)
            grant_unpin(d->grant, ptr->u.ref, &s->use);
        return GNTST_general_error;
    }
    s->d = d;
    return GNTST_okay;
}

static int side_prepare(struct side *s, const struct gnttab_copy_ptr *ptr, bool by_ref)
{
    struct domain *d;
    int rc;

    if (side_is(s, ptr, by_ref))
        return GNTST_okay;
    side_release(s);
    /* Only the caller's own frames may be named as such. */
    if (ptr->domid != DOMID_SELF && !by_ref)
        return GNTST_permission_denied;
    d = domain_get(ptr->domid);
    if (!d)
        return GNTST_bad_domain;
    rc = side_claim(s, ptr, by_ref, d);
    if (rc != GNTST_okay)
        domain_put(d);
    return rc;
}

static int copy_one(const struct gnttab_copy *op, struct side *source, struct side *dest)
{
    unsigned int from = op->source.offset, to = op->dest.offset, len = op->len;
    int rc = side_prepare(source, &op->source, op->flags & GNTCOPY_source_gref);

    if (rc == GNTST_okay)
        rc = side_prepare(dest, &op->dest, op->flags & GNTCOPY_dest_gref);
    if (rc == GNTST_okay && (from + len > PAGE_SIZE || to + len > PAGE_SIZE))
        rc = GNTST_bad_copy_arg;
    if (rc != GNTST_okay)
        return rc;
    from = index_nospec(from, PAGE_SIZE + 1);
    to = index_nospec(to, PAGE_SIZE + 1);
    len = index_nospec(len, PAGE_SIZE - max(from, to) + 1);
    memcpy((char *)mfn_to_virt(dest->mfn) + to, (char *)mfn_to_virt(source->mfn) + from, len);
    return GNTST_okay;
}

long grant_op_copy(unsigned long uop, unsigned int count)
{
    struct side source = { .readonly = true }, dest = { .readonly = false };
    struct gnttab_copy op;
    unsigned int i;
    long rc = 0;

    for (i = 0; i < count; i++, uop += sizeof(op)) {
        s16 status;

        if (i && hypercall_preempt_check()) {
            rc = count - i;
            break;
        }
        if (copy_from_guest(&op, uop, sizeof(op))) {
            rc = -EFAULT;
            break;
        }
        status = copy_one(&op, &source, &dest);
        if (copy_to_guest(uop + offsetof(struct gnttab_copy, status), &status, sizeof(status))) {
            rc = -EFAULT;
            break;
        }
    }
    side_release(&dest);
    side_release(&source);
    return rc;
}
