/* SPDX-License-Identifier: MIT */
/*
 * When an entry of a grant table may be used, and by whom. The granter sees GTF_reading and GTF_writing in
 * its entry while it is in use, and must not change it then; whatever it does, the hypervisor goes by what it
 * noted itself when the use began.
 */
#include "grant/private.h"

#define STATUS_TRIES 5  /* then the granter is playing games */

/* The first four bytes of an entry, which change as one. */
union header {
    struct { u16 flags; domid_t domid; };
    u32 word;
};

/*
 * Marks the entry as in use for reading, or also for writing. What it grants counts each time that a mark is
 * added: a granter may have taken it back from under a use that goes on.
 */
static int mark(struct grant_entry_v1 *e, const struct grant_use *use)
{
    u16 mask = GTF_type_mask | (use->copy ? 0 : GTF_sub_page);
    union header old, new;

    old.word = READ_ONCE(*(u32 *)e);
    for (unsigned int i = 0; i < STATUS_TRIES; i++) {
        if ((old.flags & mask) != GTF_permit_access || old.domid != use->user)
            return GNTST_general_error;
        if (!use->readonly && (old.flags & GTF_readonly))
            return GNTST_general_error;
        new = old;
        new.flags |= GTF_reading | (use->readonly ? 0 : GTF_writing);
        if (atomic_cmpxchg((u32 *)e, &old.word, new.word))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

/* Takes the marks away that no use needs any more. */
static void unmark(struct grant_entry_v1 *e, const struct grant_active *a)
{
    u16 keep = a->host_w | a->dev_w ? 0xffff : (u16)~GTF_writing;

    if (!grant_in_use(a))
        keep &= (u16)~GTF_reading;
    if (keep != 0xffff)
        atomic_and(&e->flags, keep);
}

static bool count_full(const struct grant_active *a)
{
    return (a->host_r | a->host_w | a->dev_r | a->dev_w) & ~PINS_MAX;
}

static void count_add(struct grant_active *a, const struct grant_use *use, int by)
{
    if (use->host)
        *(use->readonly ? &a->host_r : &a->host_w) += by;
    if (use->device)
        *(use->readonly ? &a->dev_r : &a->dev_w) += by;
}

static int pin(struct grant_table *t, grant_ref_t ref, const struct grant_use *use, mfn_t *mfn)
{
    struct grant_entry_v1 *e;
    struct grant_active *a;
    bool first;
    int rc;

    if (ref >= grant_entries(t))
        return GNTST_bad_gntref;
    e = grant_entry(t, ref);
    a = grant_active_row(t, ref, true);
    if (!a)
        return GNTST_general_error;
    first = !grant_in_use(a);
    if (!first && (a->user != use->user || count_full(a)))
        return GNTST_general_error;
    if (first || (!use->readonly && !(a->host_w | a->dev_w))) {
        rc = mark(e, use);
        if (rc != GNTST_okay)
            return rc;
    }
    *mfn = first ? MFN(READ_ONCE(e->frame)) : MFN(a->mfn);
    if (!frame_get(*mfn, t->d)) {
        unmark(e, a);
        return first ? GNTST_bad_page : GNTST_general_error;
    }
    if (first) {
        a->mfn = mfn->v;
        a->user = use->user;
        t->pinned++;
    }
    count_add(a, use, 1);
    return GNTST_okay;
}

int grant_pin(struct grant_table *t, grant_ref_t ref, const struct grant_use *use, mfn_t *mfn)
{
    int rc;

    spin_lock(&t->lock);
    rc = pin(t, ref, use, mfn);
    spin_unlock(&t->lock);
    return rc;
}

void grant_unpin(struct grant_table *t, grant_ref_t ref, const struct grant_use *use)
{
    struct grant_active *a;

    spin_lock(&t->lock);
    a = grant_active_row(t, ref, false);
    BUG_ON(!a);
    count_add(a, use, -1);
    unmark(grant_entry(t, ref), a);
    if (!grant_in_use(a))
        t->pinned--;
    spin_unlock(&t->lock);
}
