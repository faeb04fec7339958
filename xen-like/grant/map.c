/* SPDX-License-Identifier: MIT */
/*
 * Mapping granted frames, and unmapping them.
 *
 * A mapping for the CPU holds a general reference of the frame, and a writable type reference unless it is
 * read-only; both belong to the page-table entry. A mapping for devices holds the same again. Each is counted
 * in the granter's table as a use of its kind, and noted under a handle in the user's.
 */
#include "grant/private.h"

/* --- handles --- */

static struct grant_track *track_of(const struct grant_table *t, grant_handle_t handle)
{
    handle = index_nospec(handle, t->nr_track_pages * TRACKS_PER_PAGE);
    return &t->track[handle / TRACKS_PER_PAGE][handle % TRACKS_PER_PAGE];
}

/* map_lock */
static bool add_track_page(struct grant_table *t)
{
    struct grant_track *page = t->nr_track_pages < t->max_track_pages ? domain_alloc_pages(t->d, 0) : NULL;
    const u32 first = t->nr_track_pages * TRACKS_PER_PAGE;

    if (!page)
        return false;
    for (unsigned int i = 0; i < TRACKS_PER_PAGE; i++)
        page[i].ref = i + 1 < TRACKS_PER_PAGE ? first + i + 1 : NO_HANDLE;
    t->track[t->nr_track_pages] = page;
    store_release(&t->nr_track_pages, t->nr_track_pages + 1);
    t->free_handle = first;
    return true;
}

static grant_handle_t handle_get(struct grant_table *t)
{
    spin_guard(&t->map_lock);
    if (t->free_handle == NO_HANDLE && !add_track_page(t))
        return NO_HANDLE;
    const grant_handle_t handle = t->free_handle;
    t->free_handle = track_of(t, handle)->ref;
    t->tracks_used++;
    return handle;
}

static void handle_put(struct grant_table *t, grant_handle_t handle)
{
    spin_guard(&t->map_lock);
    track_of(t, handle)->ref = t->free_handle;
    t->free_handle = handle;
    t->tracks_used--;
}

/* --- map --- */

static u64 pte_of(mfn_t mfn, u32 flags)
{
    const u64 available = (u64)(flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVAIL;

    return make_pte(mfn, available | (flags & GNTMAP_application_map ? PTE_US : 0) |
                         (flags & GNTMAP_readonly ? 0 : PTE_RW));
}

/* Makes the mappings of a pinned grant; on failure no reference is left, that of grant_pin() included. */
static int make_mappings(const struct gnttab_map_grant_ref *op, mfn_t mfn, struct domain *granter)
{
    const struct grant_place at = { op->host_addr, op->flags & GNTMAP_contains_pte };
    const bool writable = !(op->flags & GNTMAP_readonly), both = (op->flags & USE_KINDS) == USE_KINDS;
    struct frame *f = mfn_to_frame(mfn);

    /* The reference of grant_pin() is that of the first mapping. */
    if (writable && frame_get_type(f, FRAME_WRITABLE, false)) {
        frame_put(f);
        return GNTST_general_error;
    }
    if (both && !(writable ? frame_get_and_type(mfn, granter, FRAME_WRITABLE) : frame_get(mfn, granter))) {
        frame_put_mapping(f, writable);
        return GNTST_general_error;
    }
    if (!(op->flags & GNTMAP_host_map) || !grant_pte_set(&at, pte_of(mfn, op->flags)))
        return GNTST_okay;
    frame_put_mapping(f, writable);
    if (both)
        frame_put_mapping(f, writable);
    return GNTST_general_error;
}

static int map_one(struct gnttab_map_grant_ref *op)
{
    const unsigned int use = op->flags & USE_FLAGS;
    struct grant_table *ours = current->domain->grant;

    if (!(use & USE_KINDS))
        return GNTST_bad_gntref;
    struct domain *granter held_domain = domain_get(op->dom);
    if (!granter || op->dom == DOMID_SELF)
        return GNTST_bad_domain;
    const grant_handle_t handle = handle_get(ours);
    if (handle == NO_HANDLE)
        return GNTST_no_space;
    mfn_t mfn;
    int rc = grant_pin(granter->grant, op->ref, use, &mfn);
    if (rc == GNTST_okay) {
        rc = make_mappings(op, mfn, granter);
        if (rc != GNTST_okay)
            grant_unpin(granter->grant, op->ref, use);
    }
    if (rc != GNTST_okay) {
        handle_put(ours, handle);
        return rc;
    }
    struct grant_track *track = track_of(ours, handle);
    track->granter = granter->id;
    track->ref = op->ref;
    /* The handle keeps the granter: the number comes to mean no other domain before the handle is free. */
    granter = NULL;
    /* Last: a handle with flags is one that unmap accepts. */
    store_release(&track->flags, (u16)op->flags);
    op->dev_bus_addr = mfn_to_maddr(mfn).v;
    op->handle = handle;
    return GNTST_okay;
}

long grant_op_map_grant_ref(struct grant_call *c)
{
    struct gnttab_map_grant_ref op;

    while (grant_next(c, &op)) {
        op.status = map_one(&op);
        grant_write(c, 0, &op, sizeof(op));
    }
    return c->rc;
}

/* --- unmap --- */

/* What is left to do of an operation when TLBs have been flushed. */
struct unmap {
    struct domain *granter;         /* counted */
    grant_handle_t handle;
    grant_ref_t ref;
    mfn_t mfn;
    unsigned int use;               /* what was taken away */
    bool free_handle;
};

/* Operations that share a flush. */
struct unmap_batch {
    unsigned int n;
    bool flush;
    struct unmap unmaps[16];
};

/* The two operations that unmap differ only in what their second address means. */
#define SAME_PLACE(field) \
    (offsetof(struct gnttab_unmap_and_replace, field) == offsetof(struct gnttab_unmap_grant_ref, field))
_Static_assert(SAME_PLACE(handle) && SAME_PLACE(status) &&
               sizeof(struct gnttab_unmap_and_replace) == sizeof(struct gnttab_unmap_grant_ref), "read as one");

/* The granter's lock is held: it protects the track as well as the entry. */
static int unmap_locked(struct unmap *u, const struct gnttab_unmap_grant_ref *op, bool replace,
                        struct grant_track *track)
{
    const u16 flags = track->flags;
    const struct grant_place at = { op->host_addr, flags & GNTMAP_contains_pte };
    const u64 device = replace ? 0 : op->dev_bus_addr, replacement = replace ? op->dev_bus_addr : 0;
    const u16 kinds = flags & ((op->host_addr ? GNTMAP_host_map : 0) | (device ? GNTMAP_device_map : 0));

    if ((kinds & GNTMAP_device_map) && device != mfn_to_maddr(u->mfn).v)
        return GNTST_general_error;
    if ((kinds & GNTMAP_host_map) && grant_pte_clear(&at, u->mfn, !(flags & GNTMAP_readonly), replacement))
        return GNTST_general_error;
    u->use = kinds | (flags & GNTMAP_readonly);
    u->free_handle = !(flags & ~kinds & USE_KINDS);
    track->flags = u->free_handle ? 0 : flags & ~kinds;
    return GNTST_okay;
}

/* First part: takes the mapping away. */
static int unmap_begin(struct unmap *u, const struct gnttab_unmap_grant_ref *op, bool replace)
{
    const struct grant_table *ours = current->domain->grant;

    if (op->handle >= load_acquire(&ours->nr_track_pages) * TRACKS_PER_PAGE)
        return GNTST_bad_handle;
    struct grant_track *track = track_of(ours, op->handle);
    if (!load_acquire(&track->flags))
        return GNTST_bad_handle;
    u->handle = op->handle;
    u->ref = READ_ONCE(track->ref);
    /* A handle in use keeps its granter, so this fails only for one that is being freed. */
    struct domain *granter held_domain = domain_get(READ_ONCE(track->granter));
    if (!granter)
        return GNTST_bad_handle;
    spin_guard(&granter->grant->lock);
    const struct grant_active *a =
        u->ref < grant_entries(granter->grant) ? grant_active_row(granter->grant, u->ref, false) : NULL;
    /* Another vCPU may have unmapped it meanwhile: only under the lock is the track what it says. */
    if (!a || !track->flags || track->ref != u->ref || track->granter != granter->id)
        return GNTST_bad_handle;
    u->mfn = a->mfn;
    const int rc = unmap_locked(u, op, replace, track);
    if (rc == GNTST_okay) {
        u->granter = granter;
        granter = NULL;
    }
    return rc;
}

/* Second part, when no TLB knows the mapping any more: the references and the use end. */
static void unmap_end(const struct unmap *u)
{
    if (u->use & GNTMAP_host_map)
        frame_put_mapping(mfn_to_frame(u->mfn), !(u->use & GNTMAP_readonly));
    if (u->use & GNTMAP_device_map)
        frame_put_mapping(mfn_to_frame(u->mfn), !(u->use & GNTMAP_readonly));
    if (u->use & USE_KINDS)
        grant_unpin(u->granter->grant, u->ref, u->use);
    if (u->free_handle) {
        handle_put(current->domain->grant, u->handle);
        domain_put(u->granter);
    }
    domain_put(u->granter);
}

static void unmap_finish(struct unmap_batch *b)
{
    struct cpumask mask = current->domain->mm.dirty;

    if (b->flush)
        tlb_flush_mask(&mask, TLB_ALL);
    for (const struct unmap *u = b->unmaps; u < b->unmaps + b->n; u++)
        unmap_end(u);
    b->n = 0;
    b->flush = false;
}

static long unmap_all(struct grant_call *c, bool replace)
{
    struct unmap_batch batch;
    struct gnttab_unmap_grant_ref op;

    batch.n = 0;
    batch.flush = false;
    while (grant_next(c, &op)) {
        struct unmap *u = &batch.unmaps[batch.n];

        op.status = unmap_begin(u, &op, replace);
        if (op.status == GNTST_okay) {
            batch.flush |= u->use & GNTMAP_host_map;
            if (++batch.n == ARRAY_SIZE(batch.unmaps))
                unmap_finish(&batch);
        }
        grant_write_status(c, &op);
    }
    unmap_finish(&batch);
    return c->rc;
}

long grant_op_unmap_grant_ref(struct grant_call *c) { return unmap_all(c, false); }
long grant_op_unmap_and_replace(struct grant_call *c) { return unmap_all(c, true); }

/* --- the end of a domain --- */

/*
 * Drops the uses behind one handle. Page tables have dropped, or will drop, what CPU mappings hold
 * themselves.
 */
static void release_track(struct grant_table *t, grant_handle_t handle)
{
    struct grant_track *track = track_of(t, handle);
    const unsigned int use = track->flags & USE_FLAGS;

    if (!track->flags)
        return;
    struct domain *granter held_domain = domain_get(track->granter);
    BUG_ON(!granter);
    spin_lock(&granter->grant->lock);
    const mfn_t mfn = grant_active_row(granter->grant, track->ref, false)->mfn;
    track->flags = 0;
    spin_unlock(&granter->grant->lock);
    grant_unpin(granter->grant, track->ref, use);
    if (use & GNTMAP_device_map)
        frame_put_mapping(mfn_to_frame(mfn), !(use & GNTMAP_readonly));
    handle_put(t, handle);
    domain_put(granter);    /* the handle's */
}

int grant_release_mappings(struct domain *d)
{
    struct grant_table *t = d->grant;

    while (t->release_at < t->nr_track_pages * TRACKS_PER_PAGE) {
        release_track(t, t->release_at++);
        if (!(t->release_at % 64) && hypercall_preempt_check())
            return -ERESTART;
    }
    return 0;
}
