/* SPDX-License-Identifier: MIT */
/* Debug key: the grants of all domains that are in use. */
#include "grant/private.h"

static void dump_entry(struct grant_table *t, grant_ref_t ref)
{
    spin_lock(&t->lock);
    const struct grant_active *row = ref < grant_entries(t) ? grant_active_row(t, ref, false) : NULL;
    const struct grant_active a = row ? *row : (struct grant_active){ .user = 0 };
    const u16 flags = row ? READ_ONCE(grant_entry(t, ref)->flags) : 0;
    spin_unlock(&t->lock);
    if (a.uses)
        printk("    entry %5u: flags %#06x, frame %#lx, used by domain %u: "
               "CPU %u read %u write, device %u read %u write\n", ref, flags, (unsigned long)a.mfn.v, a.user,
               a.host_r, a.host_w, a.dev_r, a.dev_w);
}

void grant_dump_all(void)
{
    for_each_domain(d) {
        struct grant_table *t = d->grant;

        printk("Domain %u: %u of %u frames, %u entries in use; holds %u mappings of others (%u of %u pages)\n", d->id,
               t->nr_frames, t->max_frames, t->pinned, t->tracks_used, t->nr_track_pages, t->max_track_pages);
        for (grant_ref_t ref = 0; t->pinned && ref < grant_entries(t); ref++)
            dump_entry(t, ref);
    }
}
