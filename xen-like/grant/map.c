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
    u32 first = t->nr_track_pages * TRACKS_PER_PAGE;

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
    grant_handle_t handle = NO_HANDLE;

    spin_lock(&t->map_lock);
    if (t->free_handle != NO_HANDLE || add_track_page(t)) {
        handle = t->free_handle;
        t->free_handle = track_of(t, handle)->ref;
        t->tracks_used++;
    }
    spin_unlock(&t->map_lock);
    return handle;
}

static void handle_put(struct grant_table *t, grant_handle_t handle)
{
    spin_lock(&t->map_lock);
    track_of(t, handle)->ref = t->free_handle;
    t->free_handle = handle;
    t->tracks_used--;
    spin_unlock(&t->map_lock);
}

/* --- map --- */

static u64 pte_of(mfn_t mfn, u32 flags)
{
    u64 pte = make_pte(mfn, (u64)(flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVAIL);

    if (flags & GNTMAP_application_map)
        pte |= PTE_US;
    if (!(flags & GNTMAP_readonly))
        pte |= PTE_RW;
    return pte;
}

/*
 * Takes what one mapping holds beyond the general reference that grant_pin() took: more says whether another
 * one of those is needed.
 */
static bool mapping_get(mfn_t mfn, struct domain *granter, bool writable, bool more)
{
    if (more && !frame_get(mfn, granter))
        return false;
    if (!writable || !frame_get_type(mfn_to_frame(mfn), FRAME_WRITABLE, false))
        return true;
    if (more)
        frame_put(mfn_to_frame(mfn));
    return false;
}

static void mapping_put(mfn_t mfn, bool writable)
{
    if (writable)
        frame_put_and_type(mfn_to_frame(mfn));
    else
        frame_put(mfn_to_frame(mfn));
}

/* Makes the mappings of a pinned grant; on failure no reference is left, that of grant_pin() included. */
static int make_mappings(const struct gnttab_map_grant_ref *op, mfn_t mfn, struct domain *granter)
{
    struct grant_place at = { op->host_addr, op->flags & GNTMAP_contains_pte };
    bool writable = !(op->flags & GNTMAP_readonly), device = op->flags & GNTMAP_device_map;

    if (device && !mapping_get(mfn, granter, writable, false)) {
        frame_put(mfn_to_frame(mfn));
        return GNTST_general_error;
    }
    if (!(op->flags & GNTMAP_host_map))
        return GNTST_okay;
    if (!mapping_get(mfn, granter, writable, device)) {
        mapping_put(mfn, device && writable);
        return GNTST_general_error;
    }
    if (!grant_pte_set(&at, pte_of(mfn, op->flags)))
        return GNTST_okay;
    mapping_put(mfn, writable);
    if (device)
        mapping_put(mfn, writable);
    return GNTST_general_error;
}

static int map_from(struct gnttab_map_grant_ref *op, struct domain *granter)
{
    struct grant_table *theirs = granter->grant, *ours = current->domain->grant;
    struct grant_use use = {
        .user = current->domain->id, .readonly = op->flags & GNTMAP_readonly,
        .host = op->flags & GNTMAP_host_map, .device = op->flags & GNTMAP_device_map,
    };
    grant_handle_t handle = handle_get(ours);
    struct grant_track *track;
    mfn_t mfn;
    int rc;

    if (handle == NO_HANDLE)
        return GNTST_no_space;
    rc = grant_pin(theirs, op->ref, &use, &mfn);
    if (rc == GNTST_okay) {
        rc = make_mappings(op, mfn, granter);
        if (rc != GNTST_okay)
            grant_unpin(theirs, op->ref, &use);
    }
    if (rc != GNTST_okay) {
        handle_put(ours, handle);
        return rc;
    }
    track = track_of(ours, handle);
    /*
     * The handle keeps the granter: its number cannot come to mean another domain before the handle is free.
     */
    BUG_ON(!domain_get_ref(granter));
    track->granter = granter->id;
    track->ref = op->ref;
    /* Last: a handle with flags is one that unmap accepts. */
    store_release(&track->flags, (u16)op->flags);
    op->dev_bus_addr = mfn_to_maddr(mfn).v;
    op->handle = handle;
    return GNTST_okay;
}

static int map_one(struct gnttab_map_grant_ref *op)
{
    struct domain *granter;
    int rc = GNTST_bad_domain;

    if (!(op->flags & (GNTMAP_device_map | GNTMAP_host_map)))
        return GNTST_bad_gntref;
    granter = domain_get(op->dom);
    if (!granter)
        return GNTST_bad_domain;
    if (op->dom != DOMID_SELF && granter->grant)
        rc = map_from(op, granter);
    domain_put(granter);
    return rc;
}

long grant_op_map(unsigned long uop, unsigned int count)
{
    struct gnttab_map_grant_ref op;

    for (unsigned int i = 0; i < count; i++, uop += sizeof(op)) {
        if (i && hypercall_preempt_check())
            return count - i;
        if (copy_from_guest(&op, uop, sizeof(op)))
            return -EFAULT;
        op.status = map_one(&op);
        if (copy_to_guest(uop, &op, sizeof(op)))
            return -EFAULT;
    }
    return 0;
}

/* --- unmap --- */

/* One operation of either kind, and what is left to do when TLBs have been flushed. */
struct unmap {
    u64 host_addr, dev_addr;
    unsigned long replacement;
    grant_handle_t handle;
    struct domain *granter;         /* counted; NULL: nothing is left to do */
    grant_ref_t ref;
    mfn_t mfn;
    struct grant_use use;           /* what was taken away */
    bool free_handle;
};

#define UNMAP_BATCH 16  /* operations for one flush */

/* The granter's lock is held: it protects the track as well as the entry. */
static int unmap_locked(struct unmap *u, struct grant_track *track, const struct grant_active *a)
{
    u16 flags = track->flags;
    bool writable = !(flags & GNTMAP_readonly);
    struct grant_place at = { u->host_addr, flags & GNTMAP_contains_pte };

    u->mfn = MFN(a->mfn);
    u->use.readonly = !writable;
    if (u->dev_addr && (flags & GNTMAP_device_map) && u->dev_addr != mfn_to_maddr(u->mfn).v)
        return GNTST_general_error;
    if (u->host_addr && (flags & GNTMAP_host_map)) {
        if (grant_pte_clear(&at, u->mfn, writable, u->replacement))
            return GNTST_general_error;
        u->use.host = true;
        flags &= ~GNTMAP_host_map;
    }
    if (u->dev_addr && (flags & GNTMAP_device_map)) {
        u->use.device = true;
        flags &= ~GNTMAP_device_map;
    }
    u->free_handle = !(flags & (GNTMAP_host_map | GNTMAP_device_map));
    track->flags = u->free_handle ? 0 : flags;
    return GNTST_okay;
}

/* First part: takes the mapping away. */
static int unmap_begin(struct unmap *u)
{
    struct grant_table *ours = current->domain->grant, *theirs;
    struct grant_track *track;
    struct grant_active *a;
    int rc = GNTST_bad_handle;

    u->granter = NULL;
    u->free_handle = false;
    u->use = (struct grant_use){ .host = false };
    if (u->handle >= load_acquire(&ours->nr_track_pages) * TRACKS_PER_PAGE)
        return GNTST_bad_handle;
    track = track_of(ours, u->handle);
    if (!load_acquire(&track->flags))
        return GNTST_bad_handle;
    u->ref = READ_ONCE(track->ref);
    /* A handle in use keeps its granter, so this fails only for one that is being freed. */
    u->granter = domain_get(READ_ONCE(track->granter));
    if (!u->granter)
        return GNTST_bad_handle;
    theirs = u->granter->grant;
    spin_lock(&theirs->lock);
    a = u->ref < grant_entries(theirs) ? grant_active_row(theirs, u->ref, false) : NULL;
    /* Another vCPU may have unmapped it meanwhile: only under the lock is the track what it says. */
    if (a && track->flags && track->ref == u->ref && track->granter == u->granter->id)
        rc = unmap_locked(u, track, a);
    spin_unlock(&theirs->lock);
    if (rc != GNTST_okay) {
        domain_put(u->granter);
        u->granter = NULL;
    }
    return rc;
}

/* Second part, when no TLB knows the mapping any more: the references and the use end. */
static void unmap_end(struct unmap *u)
{
    if (!u->granter)
        return;
    if (u->use.host)
        mapping_put(u->mfn, !u->use.readonly);
    if (u->use.device)
        mapping_put(u->mfn, !u->use.readonly);
    if (u->use.host || u->use.device)
        grant_unpin(u->granter->grant, u->ref, &u->use);
    if (u->free_handle) {
        handle_put(current->domain->grant, u->handle);
        domain_put(u->granter);
    }
    domain_put(u->granter);
}

static void unmap_finish(struct unmap *u, unsigned int n)
{
    struct cpumask mask = current->domain->mm.dirty;
    bool any = false;

    for (unsigned int i = 0; i < n; i++)
        any |= u[i].granter && u[i].use.host;
    if (any)
        tlb_flush_mask(&mask);
    for (unsigned int i = 0; i < n; i++)
        unmap_end(&u[i]);
}

/* Both operations differ only in how they are read from the guest; status stands where the reader says. */
typedef bool unmap_reader(struct unmap *u, unsigned long uop);

static long unmap_all(unsigned long uop, unsigned int count, unmap_reader *read, unsigned long size,
                      unsigned long status_offset)
{
    struct unmap batch[UNMAP_BATCH];
    unsigned int n = 0, done = 0;
    long rc = 0;

    while (done < count && !rc) {
        s16 status;

        if (n == UNMAP_BATCH) {
            unmap_finish(batch, n);
            n = 0;
            if (hypercall_preempt_check())
                return count - done;
        }
        if (!read(&batch[n], uop)) {
            rc = -EFAULT;
            break;
        }
        status = unmap_begin(&batch[n]);
        n++;
        if (copy_to_guest(uop + status_offset, &status, sizeof(status)))
            rc = -EFAULT;
        uop += size;
        done++;
    }
    unmap_finish(batch, n);
    return rc;
}

static bool read_unmap(struct unmap *u, unsigned long uop)
{
    struct gnttab_unmap_grant_ref op;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return false;
    u->host_addr = op.host_addr;
    u->dev_addr = op.dev_bus_addr;
    u->handle = op.handle;
    u->replacement = 0;
    return true;
}

static bool read_unmap_and_replace(struct unmap *u, unsigned long uop)
{
    struct gnttab_unmap_and_replace op;

    if (copy_from_guest(&op, uop, sizeof(op)))
        return false;
    u->host_addr = op.host_addr;
    u->dev_addr = 0;
    u->handle = op.handle;
    u->replacement = op.new_addr;
    return true;
}

long grant_op_unmap(unsigned long uop, unsigned int count)
{
    return unmap_all(uop, count, read_unmap, sizeof(struct gnttab_unmap_grant_ref),
                     offsetof(struct gnttab_unmap_grant_ref, status));
}

long grant_op_unmap_and_replace(unsigned long uop, unsigned int count)
{
    return unmap_all(uop, count, read_unmap_and_replace, sizeof(struct gnttab_unmap_and_replace),
                     offsetof(struct gnttab_unmap_and_replace, status));
}

/* --- the end of a domain --- */

/*
 * Drops the uses behind one handle. Page tables have dropped, or will drop, what CPU mappings hold
 * themselves.
 */
static void release_track(struct grant_table *t, grant_handle_t handle)
{
    struct grant_track *track = track_of(t, handle);
    struct grant_use use = { .readonly = track->flags & GNTMAP_readonly, .host = track->flags & GNTMAP_host_map,
                             .device = track->flags & GNTMAP_device_map };
    struct domain *granter;
    mfn_t mfn;

    if (!track->flags)
        return;
    granter = domain_get(track->granter);
    BUG_ON(!granter);
    spin_lock(&granter->grant->lock);
    mfn = MFN(grant_active_row(granter->grant, track->ref, false)->mfn);
    track->flags = 0;
    spin_unlock(&granter->grant->lock);
    grant_unpin(granter->grant, track->ref, &use);
    if (use.device)
        mapping_put(mfn, !use.readonly);
    handle_put(t, handle);
    domain_put(granter);    /* the handle's */
    domain_put(granter);
}

int grant_release_mappings(struct domain *d)
{
    struct grant_table *t = d->grant;

    if (!t)
        return 0;
    for (; t->release_at < t->nr_track_pages * TRACKS_PER_PAGE; t->release_at++) {
        if (!(t->release_at % 64) && t->release_at && hypercall_preempt_check()) {
            release_track(t, t->release_at++);
            return -ERESTART;
        }
        release_track(t, t->release_at);
    }
    return 0;
}
