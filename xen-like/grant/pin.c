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
 * added: a granter may have taken it back from under a use that goes on. False: it does not grant that.
 */
static bool mark(struct grant_entry_v1 *e, domid_t user, unsigned int use)
{
    const bool writable = !(use & GNTMAP_readonly);
    const u16 mask = GTF_type_mask | (use & USE_COPY ? 0 : GTF_sub_page) | (writable ? GTF_readonly : 0);
    union header old = { .word = READ_ONCE(*(u32 *)e) };

    for (unsigned int i = 0; i < STATUS_TRIES; i++) {
        union header new = old;

        if ((old.flags & mask) != GTF_permit_access || old.domid != user)
            return false;
        new.flags |= GTF_reading | (writable ? GTF_writing : 0);
        if (atomic_cmpxchg((u32 *)e, &old.word, new.word))
            return true;
    }
    return false;
}

/* Takes the marks away that no use needs any more. */
static void unmark(struct grant_entry_v1 *e, const struct grant_active *a)
{
    const u16 unused = (a->host_w | a->dev_w ? 0 : GTF_writing) | (a->uses ? 0 : GTF_reading);

    if (unused)
        atomic_and(&e->flags, (u16)~unused);
}

static void count_add(struct grant_active *a, unsigned int use, int by)
{
    if (use & GNTMAP_host_map)
        *(use & GNTMAP_readonly ? &a->host_r : &a->host_w) += by;
    if (use & GNTMAP_device_map)
        *(use & GNTMAP_readonly ? &a->dev_r : &a->dev_w) += by;
}

int grant_pin(struct grant_table *t, grant_ref_t ref, unsigned int use, mfn_t *mfn)
{
    const domid_t user = current->domain->id;

    spin_guard(&t->lock);
    if (ref >= grant_entries(t))
        return GNTST_bad_gntref;
    struct grant_entry_v1 *e = grant_entry(t, ref);
    struct grant_active *a = grant_active_row(t, ref, true);
    if (!a)
        return GNTST_general_error;
    const bool first = !a->uses;
    if (!first && (a->user != user || (a->uses & USES_FULL)))
        return GNTST_general_error;
    if ((first || (!(use & GNTMAP_readonly) && !(a->host_w | a->dev_w))) && !mark(e, user, use))
        return GNTST_general_error;
    *mfn = first ? MFN(READ_ONCE(e->frame)) : a->mfn;
    if (!frame_get(*mfn, t->d)) {
        unmark(e, a);
        return first ? GNTST_bad_page : GNTST_general_error;
    }
    if (first) {
        a->mfn = *mfn;
        a->user = user;
        t->pinned++;
    }
    count_add(a, use, 1);
    return GNTST_okay;
}

void grant_unpin(struct grant_table *t, grant_ref_t ref, unsigned int use)
{
    spin_guard(&t->lock);
    struct grant_active *a = grant_active_row(t, ref, false);
    BUG_ON(!a);
    count_add(a, use, -1);
    unmark(grant_entry(t, ref), a);
    if (!a->uses)
        t->pinned--;
}
