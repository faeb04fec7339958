/* SPDX-License-Identifier: MIT */
/*
 * The frames of domains: allocation, release, pages of the hypervisor that a domain shares, and the return of all
 * memory of a domain that dies.
 *
 * While a domain owns a frame, or shares a page, it holds a reference of itself, and stands in owners[]: so whoever
 * has a reference of a frame finds its owner's structure alive, without a lock.
 */
#include "domain/domain.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/internal.h"
#include "mm/poison.h"
#include "pv/hypercall.h"

#define OWNERS_PER_PAGE (PAGE_SIZE / sizeof(struct domain *))

/* By domain id; pages are made when first needed and kept. Written under the page_lock of the domain concerned. */
static struct domain **owners[(DOMID_FIRST_RESERVED + OWNERS_PER_PAGE - 1) / OWNERS_PER_PAGE];

struct domain *frame_domain(u32 owner)
{
    struct domain **page;

    if (owner >= DOMID_FIRST_RESERVED) {
        if (domain_xen && owner == domain_xen->id)
            return domain_xen;
        return domain_io && owner == domain_io->id ? domain_io : NULL;
    }
    page = load_acquire(&owners[index_nospec(owner, DOMID_FIRST_RESERVED) / OWNERS_PER_PAGE]);
    return page ? READ_ONCE(page[owner % OWNERS_PER_PAGE]) : NULL;
}

/* Makes the page of owners[] that d's entry stands in. */
static bool owner_page(const struct domain *d)
{
    struct domain **new, **none = NULL;

    if (d->id >= DOMID_FIRST_RESERVED || owners[d->id / OWNERS_PER_PAGE])
        return true;
    new = hv_alloc_page();
    if (!new)
        return false;
    if (!atomic_cmpxchg(&owners[d->id / OWNERS_PER_PAGE], &none, new))
        hv_free_page(new);
    return true;
}

static void owner_set(const struct domain *d, struct domain *to)
{
    if (d->id < DOMID_FIRST_RESERVED)
        WRITE_ONCE(owners[d->id / OWNERS_PER_PAGE][d->id % OWNERS_PER_PAGE], to);
}

/* --- the list of a domain's frames; page_lock --- */

static void link_frame(struct domain_mm *mm, struct frame *f)
{
    u32 nr = frame_to_mfn(f).v;

    f->prev = 0;
    f->next = mm->frames;
    if (f->next)
        mfn_to_frame(MFN(f->next))->prev = nr;
    mm->frames = nr;
}

static void unlink_frame(struct domain_mm *mm, struct frame *f)
{
    if (f->next)
        mfn_to_frame(MFN(f->next))->prev = f->prev;
    if (f->prev)
        mfn_to_frame(MFN(f->prev))->next = f->next;
    else if (mm->frames == frame_to_mfn(f).v)
        mm->frames = f->next;
    else
        mm->left = f->next;
}

/* Takes d's reference of itself before its first frame. False where d is gone or dying. */
static bool become_owner(struct domain *d)
{
    if (d->mm.tot_pages + d->mm.shared_pages)
        return true;
    if (!domain_get_ref(d))
        return false;
    owner_set(d, d);
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
    bool ok;

    spin_lock(&d->page_lock);
    ok = d->state == DOMAIN_ALIVE || !frames;
    ok = ok && set_claim(d, frames);
    spin_unlock(&d->page_lock);
    return ok;
}

bool domain_give_frames(struct domain *d, struct frame *f, u32 n, u32 reserved)
{
    struct domain_mm *mm = &d->mm;
    bool ok;

    spin_lock(&d->page_lock);
    mm->reserved -= reserved;
    ok = d->state == DOMAIN_ALIVE && (u64)mm->tot_pages + mm->reserved + n <= mm->max_pages && become_owner(d);
    if (ok) {
        mm->tot_pages += n;
        set_claim(d, mm->claim - min(mm->claim, (u64)n));
        for (u32 i = n; i-- > 0; ) {
            f[i].owner = d->id;
            link_frame(mm, &f[i]);
            store_release(&f[i].count, FRAME_OWNED | 1);
        }
    }
    spin_unlock(&d->page_lock);
    return ok;
}

void domain_reserve(struct domain *d, u32 n)
{
    spin_lock(&d->page_lock);
    d->mm.reserved += n;
    spin_unlock(&d->page_lock);
}

struct frame *alloc_domain_frames(struct domain *d, unsigned int order, unsigned int addr_bits)
{
    struct frame *f;

    if (order > MAX_ORDER || !owner_page(d))
        return NULL;
    f = buddy_alloc(order, addr_bits, READ_ONCE(d->mm.claim));
    if (!f)
        return NULL;
    frames_prepare(f, order);
    if (domain_give_frames(d, f, 1u << order, 0))
        return f;
    buddy_free(f, order, 0);
    return NULL;
}

bool release_domain_frame(struct domain *d, struct frame *f)
{
    (void)d;
    if (!(atomic_and(&f->count, ~FRAME_OWNED) & FRAME_OWNED))
        return false;
    frame_put(f);
    return true;
}

void domain_frame_freed(struct frame *f)
{
    struct domain *d = frame_domain(f->owner);
    bool shared = f->count & FRAME_SHARED, last;
    mfn_t mfn = frame_to_mfn(f);

    BUG_ON(!d);
    spin_lock(&d->page_lock);
    unlink_frame(&d->mm, f);
    if (shared)
        d->mm.shared_pages--;
    else
        d->mm.tot_pages--;
    last = !(d->mm.tot_pages + d->mm.shared_pages);
    if (last)
        owner_set(d, NULL);
    m2p_set(mfn, INVALID_M2P_ENTRY);
    f->stamp = tlb_stamp();
    if (shared) {
        f->owner = FRAME_OWNER_HV;
        f->type = 0;
        store_release(&f->count, 0);
    }
    spin_unlock(&d->page_lock);
    if (!shared) {
        /* Guests' TLBs may still know it, so that nobody checks that the pattern stays. */
        poison(mfn_to_virt(mfn), PAGE_SIZE);
        buddy_free(f, 0, FRAME_DIRTY | FRAME_STALE);
    }
    if (last)
        domain_put(d);
}

/* --- pages of the hypervisor --- */

bool frame_share_with(struct frame *f, struct domain *d, bool readonly)
{
    bool ok;

    if (!owner_page(d))
        return false;
    spin_lock(&d->page_lock);
    ok = become_owner(d);
    if (ok) {
        d->mm.shared_pages++;
        f->type = (readonly ? FRAME_NONE : FRAME_WRITABLE) << TYPE_SHIFT | TYPE_VALIDATED | 1;
        f->owner = d->id;
        link_frame(&d->mm, f);
        store_release(&f->count, FRAME_OWNED | FRAME_SHARED | 1);
    }
    spin_unlock(&d->page_lock);
    return ok;
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

/* Undoes what the domain itself holds of one of its frames. 0 or -ERESTART. The caller holds a reference of f. */
static int relinquish_frame(struct domain *d, struct frame *f)
{
    int rc;

    if (atomic_and(&f->type, ~TYPE_PINNED) & TYPE_PINNED) {
        rc = frame_put_type_preemptible(f);
        frame_put(f);
        if (rc)
            return rc;
    }
    rc = frame_undo_partial(f, true);
    if (rc)
        return rc;
    release_domain_frame(d, f);
    return 0;
}

int mm_relinquish_domain(struct domain *d)
{
    struct memory_map *map;
    int rc = 0;

    domain_claim(d, 0);
    while (!rc) {
        struct frame *f;
        u32 nr;

        spin_lock(&d->page_lock);
        nr = d->mm.frames;
        if (!nr) {
            map = d->mm.map;
            d->mm.map = NULL;
            spin_unlock(&d->page_lock);
            domain_xfree(d, map);
            return 0;
        }
        f = mfn_to_frame(MFN(nr));
        if (!frame_get(MFN(nr), d)) {
            /* Its last reference is being dropped: off the list in a moment. */
            spin_unlock(&d->page_lock);
            continue;
        }
        spin_unlock(&d->page_lock);

        rc = relinquish_frame(d, f);
        if (!rc) {
            spin_lock(&d->page_lock);
            unlink_frame(&d->mm, f);
            f->prev = 0;
            f->next = d->mm.left;
            if (f->next)
                mfn_to_frame(MFN(f->next))->prev = nr;
            d->mm.left = nr;
            spin_unlock(&d->page_lock);
        }
        frame_put(f);
        if (!rc && hypercall_preempt_check() && d->mm.frames)
            rc = -ERESTART;
    }
    return rc;
}
