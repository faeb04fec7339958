/* SPDX-License-Identifier: MIT */
/*
 * Grant tables themselves: made with their domain, grown when asked to, freed with the last reference of the
 * domain.
 */
#include "grant/private.h"

#define CHUNKS_PER_FRAME (ENTRIES_PER_FRAME / ACTIVE_PER_CHUNK)

struct grant_active *grant_active_row(struct grant_table *t, grant_ref_t ref, bool make)
{
    ref = index_nospec(ref, grant_entries(t));
    struct grant_active **chunk = &t->active[ref / ACTIVE_PER_CHUNK];
    if (!*chunk && make)
        *chunk = domain_xzalloc_array(t->d, struct grant_active, ACTIVE_PER_CHUNK);
    return *chunk ? &(*chunk)[ref % ACTIVE_PER_CHUNK] : NULL;
}

int grant_grow(struct grant_table *t, unsigned int nr_frames)
{
    if (nr_frames > t->max_frames)
        return -EINVAL;
    while (t->nr_frames < nr_frames) {
        void *page = domain_alloc_pages(t->d, 0);

        if (!page)
            return -ENOMEM;
        if (!frame_share_with(mfn_to_frame(virt_to_mfn(page)), t->d)) {
            domain_free_pages(t->d, page, 0);
            return -ENOMEM;
        }
        t->frame[t->nr_frames] = page;
        store_release(&t->nr_frames, t->nr_frames + 1);
    }
    return 0;
}

int grant_init_domain(struct domain *d, unsigned int max_frames, unsigned int max_maptrack)
{
    struct grant_table *t = domain_xzalloc(d, struct grant_table);

    if (!t)
        return -ENOMEM;
    *t = (struct grant_table){
        .d = d, .lock = SPINLOCK_INIT(LOCK_GRANT), .map_lock = SPINLOCK_INIT(LOCK_GRANT_MAP),
        .max_frames = max(max_frames, 1u), .max_track_pages = max_maptrack, .free_handle = NO_HANDLE,
    };
    d->grant = t;
    t->frame = domain_xzalloc_array(d, struct grant_entry_v1 *, t->max_frames);
    t->active = domain_xzalloc_array(d, struct grant_active *, t->max_frames * CHUNKS_PER_FRAME);
    t->track = domain_xzalloc_array(d, struct grant_track *, max(max_maptrack, 1u));
    /* Without the lock: nobody else knows d yet. */
    if (t->frame && t->active && t->track && !grant_grow(t, 1))
        return 0;
    grant_free_domain(d);
    return -ENOMEM;
}

void grant_free_domain(struct domain *d)
{
    struct grant_table *t = d->grant;

    if (!t)
        return;
    d->grant = NULL;
    for (unsigned int i = 0; i < t->nr_frames; i++) {
        frame_unshare(mfn_to_frame(virt_to_mfn(t->frame[i])));
        domain_free_pages(d, t->frame[i], 0);
    }
    for (unsigned int i = 0; t->active && i < t->max_frames * CHUNKS_PER_FRAME; i++)
        domain_xfree(d, t->active[i]);
    for (unsigned int i = 0; i < t->nr_track_pages; i++)
        domain_free_pages(d, t->track[i], 0);
    domain_xfree(d, t->frame);
    domain_xfree(d, t->active);
    domain_xfree(d, t->track);
    domain_xfree(d, t);
}

unsigned int grant_max_frames(const struct domain *d) { return d->grant->max_frames; }

int grant_get_frame(struct domain *d, unsigned int idx, mfn_t *mfn)
{
    struct grant_table *t = d->grant;

    if (idx >= t->max_frames)
        return -EINVAL;
    spin_guard(&t->lock);
    const int rc = d->state == DOMAIN_ALIVE || idx < t->nr_frames ? grant_grow(t, idx + 1) : -EINVAL;
    if (!rc)
        *mfn = virt_to_mfn(t->frame[index_nospec(idx, t->nr_frames)]);
    return rc;
}
