/* SPDX-License-Identifier: MIT */
/*
 * The frames of domains: allocation, release, pages of the hypervisor that a domain shares, and the return of
 * all memory of a domain that dies.
 *
 * While a domain owns a frame, or shares a page, it holds a reference of itself, and stands in owners[]: so
 * whoever has a reference of a frame finds its owner's structure alive, without a lock.
 */
#include "mm/internal.h"

struct domain **owners;

struct domain *frame_domain(u32 owner)
{
    if (owner >= DOMID_FIRST_RESERVED)
        return NULL;
    return load_acquire(&owners[index_nospec(owner, DOMID_FIRST_RESERVED)]);
}

/* page_lock */
static void unlink_frame(struct domain_mm *mm, const struct frame *f)
{
    frame_unlink(mm->frames == frame_to_mfn(f).v ? &mm->frames : &mm->left, f);
}

/* Takes d's reference of itself before its first frame. False where d is gone, or one that owns nothing. */
static bool become_owner(struct domain *d)
{
    static u32 next_serial = SERIAL_FIRST - 1;

    if (d->mm.tot_pages + d->mm.shared_pages)
        return true;
    if (d->id >= DOMID_FIRST_RESERVED || !domain_get_ref(d))
        return false;
    while (d->mm.serial < SERIAL_FIRST)
        d->mm.serial = atomic_inc(&next_serial);
    store_release(&owners[d->id], d);
    return true;
}

/* page_lock */
static bool set_claim(struct domain *d, u64 claim)
{
    if (!buddy_claim(d->mm.claim, claim))
        return false;
    d->mm.claim = claim;
    return true;
}

bool domain_claim(struct domain *d, u64 frames)
{
    spin_guard(&d->page_lock);
    return (d->state == DOMAIN_ALIVE || !frames) && set_claim(d, frames);
}

/* f becomes d's, with d's own reference. page_lock */
static void own(struct domain *d, struct frame *f, u32 flags)
{
    f->owner = d->id;
    frame_link(&d->mm.frames, f);
    store_release(&f->count, FRAME_OWNED | flags | 1);
}

bool domain_give_frames(struct domain *d, struct frame *f, u32 n, u32 reserved)
{
    struct domain_mm *mm = &d->mm;

    spin_guard(&d->page_lock);
    mm->reserved -= reserved;
    if (d->state != DOMAIN_ALIVE || (u64)mm->tot_pages + mm->reserved + n > mm->max_pages || !become_owner(d))
        return false;
    mm->tot_pages += n;
    if (mm->claim)
        set_claim(d, mm->claim - min(mm->claim, (u64)n));
    while (n-- > 0)
        own(d, &f[n], 0);
    return true;
}

void domain_reserve(struct domain *d, u32 n)
{
    spin_guard(&d->page_lock);
    d->mm.reserved += n;
}

struct frame *alloc_domain_frames(struct domain *d, unsigned int order, unsigned int addr_bits)
{
    struct frame *f = buddy_alloc(order, addr_bits, READ_ONCE(d->mm.claim));

    if (!f)
        return NULL;
    frames_prepare(f, order, READ_ONCE(d->mm.serial));
    if (domain_give_frames(d, f, 1u << order, 0))
        return f;
    /* As they came, since frames that were d's before have not been prepared for anybody else. */
    buddy_free(f, order, FRAME_DIRTY | FRAME_STALE, 0);
    return NULL;
}

bool release_domain_frame(struct domain *d, struct frame *f)
{
    if (!(atomic_and(&f->count, ~FRAME_OWNED) & FRAME_OWNED))
        return false;
    frame_put(f);
    return true;
}

void domain_frame_freed(struct frame *f)
{
    struct domain *d = frame_domain(f->owner);
    const bool shared = f->count & FRAME_SHARED, plain = f->type >> TYPE_SHIFT <= FRAME_WRITABLE;

    BUG_ON(!d);
    spin_lock(&d->page_lock);
    unlink_frame(&d->mm, f);
    m2p_set(frame_to_mfn(f), INVALID_M2P_ENTRY);
    f->stamp = tlb_stamp();
    const bool bury = d->mm.dying && !shared;
    if (shared) {
        d->mm.shared_pages--;
        f->owner = FRAME_OWNER_HV;
        f->type = 0;
        store_release(&f->count, 0);
    } else {
        d->mm.tot_pages--;
    }
    if (bury) {
        f->owner = FRAME_OWNER_NONE;
        f->count = 0;
        f->next = d->mm.grave;
        d->mm.grave = frame_to_mfn(f).v;
        d->mm.nr_grave++;
    }
    const bool last = !(d->mm.tot_pages + d->mm.shared_pages);
    if (last)
        store_release(&owners[d->id], NULL);
    spin_unlock(&d->page_lock);
    if (!shared && !bury)
        buddy_free(f, 0, FRAME_DIRTY | FRAME_STALE, plain ? d->mm.serial : 0);
    if (last)
        domain_put(d);
}

/* --- pages of the hypervisor --- */

bool frame_share_with(struct frame *f, struct domain *d)
{
    spin_guard(&d->page_lock);
    if (!become_owner(d))
        return false;
    d->mm.shared_pages++;
    f->type = (u32)FRAME_WRITABLE << TYPE_SHIFT | TYPE_VALIDATED | 1;
    own(d, f, FRAME_SHARED);
    return true;
}

void frame_unshare(struct frame *f)
{
    struct domain *d = frame_domain(f->owner);

    if (f->owner == FRAME_OWNER_HV)
        return;
    release_domain_frame(d, f);
    /* A page that somebody still maps keeps its domain alive, so the last owner's end comes after that. */
    BUG_ON(f->owner != FRAME_OWNER_HV);
}

/* --- the end --- */

/*
 * Undoes what the domain itself holds of one of its frames, which then is on the list of those that are left.
 * 0 or -ERESTART. The caller holds a reference of f.
 */
static int relinquish_frame(struct domain *d, struct frame *f)
{
    if (atomic_and(&f->type, ~TYPE_PINNED) & TYPE_PINNED) {
        const int rc = frame_put_type(f, true);
        frame_put(f);
        if (rc)
            return rc;
    }
    const int rc = frame_undo_partial(f, true);
    if (rc)
        return rc;
    release_domain_frame(d, f);
    spin_guard(&d->page_lock);
    unlink_frame(&d->mm, f);
    frame_link(&d->mm.left, f);
    return 0;
}

#define GRAVE_SIZE 64   /* frames that are scrubbed together */

/*
 * Frees what is in the grave, clean: the next owner need not wait for it. First no TLB may know the frames
 * any more, so that nothing is written to them afterwards. With end, later frames are freed one by one.
 */
static void empty_grave(struct domain *d, bool end)
{
    spin_lock(&d->page_lock);
    u32 nr = d->mm.grave;
    d->mm.grave = 0;
    d->mm.nr_grave = 0;
    d->mm.dying = !end;
    spin_unlock(&d->page_lock);
    if (nr)
        tlb_flush_guests_since(tlb_stamp());
    while (nr) {
        struct frame *f = mfn_to_frame(MFN(nr));

        nr = f->next;
        clear_page(frame_to_virt(f));
        buddy_free(f, 0, 0, 0);
    }
}

/* The first frame on the list, with a reference taken; NULL: the list is empty. */
static struct frame *first_frame(struct domain *d)
{
    for (;;) {
        spin_guard(&d->page_lock);
        const mfn_t first = MFN(d->mm.frames);
        if (!first.v)
            return NULL;
        /* False where its last reference is just being dropped: it is off the list in a moment. */
        if (frame_get(first, d))
            return mfn_to_frame(first);
    }
}

int mm_relinquish_domain(struct domain *d)
{
    struct frame *f;

    domain_claim(d, 0);
    d->mm.dying = true;
    while ((f = first_frame(d)) != NULL) {
        const int rc = relinquish_frame(d, f);

        frame_put(f);
        if (d->mm.nr_grave >= GRAVE_SIZE)
            empty_grave(d, false);
        if (rc || hypercall_preempt_check())
            return -ERESTART;
    }
    empty_grave(d, true);
    spin_lock(&d->page_lock);
    struct memory_map *map = d->mm.map;
    d->mm.map = NULL;
    spin_unlock(&d->page_lock);
    domain_xfree(d, map);
    return 0;
}
