/* SPDX-License-Identifier: MIT */
/*
 * GNTTABOP_copy: between pages that are the caller's own, named by frame, or granted to it, named by entry. A
 * page of which several parts are copied in a row, as back ends do, is looked up once.
 */
#include "grant/private.h"

/* One side of a copy, as long as it is held. */
struct side {
    unsigned int use;
    struct gnttab_copy_ptr ptr;     /* what it was looked up by */
    bool by_ref;
    struct domain *d;               /* counted; NULL: nothing is held */
    mfn_t mfn;
};

static void side_release(struct side *s)
{
    if (!s->d)
        return;
    frame_put_mapping(mfn_to_frame(s->mfn), !(s->use & GNTMAP_readonly));
    if (s->by_ref)
        grant_unpin(s->d->grant, s->ptr.u.ref, s->use);
    domain_put(s->d);
    s->d = NULL;
}

static bool side_is(const struct side *s, const struct gnttab_copy_ptr *ptr, bool by_ref)
{
    return s->d && s->by_ref == by_ref && s->ptr.domid == ptr->domid &&
           (by_ref ? s->ptr.u.ref == ptr->u.ref : s->ptr.u.gmfn == ptr->u.gmfn);
}

/* Looks the page up and holds it, unless it is held. GNTST_* */
static int side_prepare(struct side *s, const struct gnttab_copy_ptr *ptr, bool by_ref)
{
    if (side_is(s, ptr, by_ref))
        return GNTST_okay;
    side_release(s);
    /* Only the caller's own frames may be named as such. */
    if (ptr->domid != DOMID_SELF && !by_ref)
        return GNTST_permission_denied;
    struct domain *d held_domain = domain_get(ptr->domid);
    if (!d)
        return GNTST_bad_domain;
    s->mfn = MFN(ptr->u.gmfn);
    const int rc = !by_ref ? (frame_get(s->mfn, d) ? GNTST_okay : GNTST_bad_page) :
                   grant_pin(d->grant, ptr->u.ref, s->use, &s->mfn);
    if (rc != GNTST_okay)
        return rc;
    if (!(s->use & GNTMAP_readonly) && frame_get_type(mfn_to_frame(s->mfn), FRAME_WRITABLE, false)) {
        frame_put(mfn_to_frame(s->mfn));
        if (by_ref)
            grant_unpin(d->grant, ptr->u.ref, s->use);
        return GNTST_general_error;
    }
    s->ptr = *ptr;
    s->by_ref = by_ref;
    s->d = d;
    d = NULL;
    return GNTST_okay;
}

static int copy_one(const struct gnttab_copy *op, struct side *source, struct side *dest)
{
    unsigned int from = op->source.offset, to = op->dest.offset, len = op->len;
    int rc = side_prepare(source, &op->source, op->flags & GNTCOPY_source_gref);

    if (rc == GNTST_okay)
        rc = side_prepare(dest, &op->dest, op->flags & GNTCOPY_dest_gref);
    if (rc != GNTST_okay)
        return rc;
    if (from + len > PAGE_SIZE || to + len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    from = index_nospec(from, PAGE_SIZE + 1);
    to = index_nospec(to, PAGE_SIZE + 1);
    len = index_nospec(len, PAGE_SIZE - max(from, to) + 1);
    memcpy((char *)mfn_to_virt(dest->mfn) + to, (char *)mfn_to_virt(source->mfn) + from, len);
    return GNTST_okay;
}

long grant_op_copy(struct grant_call *c)
{
    struct side source = { .use = GNTMAP_host_map | USE_COPY | GNTMAP_readonly };
    struct side dest = { .use = GNTMAP_host_map | USE_COPY };
    struct gnttab_copy op;

    while (grant_next(c, &op)) {
        op.status = copy_one(&op, &source, &dest);
        grant_write_status(c, &op);
    }
    side_release(&dest);
    side_release(&source);
    return c->rc;
}
