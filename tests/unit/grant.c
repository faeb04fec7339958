/* SPDX-License-Identifier: MIT */
/*
 * Grants, from the hypervisor's own files: each operation with its refusals, what mappings hold, the death of either
 * side, and then random maps, unmaps and copies of three domains against a plain count of uses.
 */
#include <stdlib.h>
#include <string.h>

#include "fake/memory.h"
#include "grant/private.h"
#include "tap.h"

#define FRAMES      512
#define VA          0x40000000UL    /* where the user maps: L4, L3, L2 slots 0, 1, 0 */

static struct domain *granter, *user;
static u64 table_l1[3];                 /* of each domain: the L1 that maps VA */

static struct grant_entry_v1 *entry_of(struct domain *d, grant_ref_t ref)
{
    return &d->grant->frame[ref / ENTRIES_PER_FRAME][ref % ENTRIES_PER_FRAME];
}

static void grant(struct domain *d, grant_ref_t ref, u16 flags, const struct domain *to, u64 mfn)
{
    struct grant_entry_v1 *e = entry_of(d, ref);

    e->frame = (u32)mfn;
    e->domid = to->id;
    e->flags = flags;
}

static u64 page_of(struct domain *d)
{
    return frame_to_mfn(alloc_domain_frames(d, 0, 0)).v;
}

static u64 *words(u64 mfn)
{
    return mfn_to_virt(MFN(mfn));
}

static u64 pte_at(unsigned int d, unsigned int page)
{
    return words(table_l1[d])[page];
}

/* A domain with a grant table, and page tables that end in an empty L1 for VA. */
static struct domain *make_domain(domid_t id)
{
    struct domain *d = fake_memory_domain(id, 64);
    u64 l4, l3, l2;

    if (grant_init_domain(d, 4, 4))
        abort();
    l4 = page_of(d), l3 = page_of(d), l2 = page_of(d), table_l1[id] = page_of(d);
    words(l4)[pt_index(VA, 4)] = make_pte(MFN(l3), PTE_P | PTE_RW | PTE_US);
    words(l3)[pt_index(VA, 3)] = make_pte(MFN(l2), PTE_P | PTE_RW | PTE_US);
    words(l2)[pt_index(VA, 2)] = make_pte(MFN(table_l1[id]), PTE_P | PTE_RW | PTE_US);
    fake_run_as(d);
    if (vcpu_set_kernel_root(d->vcpu[0], MFN(l4)))
        abort();
    return d;
}

static struct gnttab_map_grant_ref map(struct domain *from, grant_ref_t ref, unsigned int flags, u64 where)
{
    struct gnttab_map_grant_ref op = { .host_addr = where, .flags = flags, .ref = ref, .dom = from->id,
                                       .handle = 0xdead, .status = 99 };

    if (fake_hypercall_grant(GNTTABOP_map_grant_ref, &op, 1))
        op.status = 98;
    return op;
}

static int unmap(grant_handle_t handle, u64 where, u64 device)
{
    struct gnttab_unmap_grant_ref op = { .host_addr = where, .dev_bus_addr = device, .handle = handle, .status = 99 };

    return fake_hypercall_grant(GNTTABOP_unmap_grant_ref, &op, 1) ? 98 : op.status;
}

static void is(long got, long want, const char *what)
{
    if (!ok(got == want, "%s", what))
        printf("#   got %ld, want %ld\n", got, want);
}

static unsigned int uses(struct domain *d)
{
    return d->grant->pinned;
}

static void check_map(void)
{
    u64 page = page_of(granter), other = page_of(user);
    struct frame *f = mfn_to_frame(MFN(page));
    struct gnttab_map_grant_ref op;

    grant(granter, 9, GTF_permit_access, user, page);
    fake_run_as(user);
    op = map(granter, 9, GNTMAP_host_map, VA);
    is(op.status, GNTST_okay, "a grant is mapped");
    ok(op.dev_bus_addr == page << PAGE_SHIFT, "and its address told");
    ok(pte_mfn(pte_at(user->id, 0)).v == page && (pte_at(user->id, 0) & PTE_RW), "the entry is there, writable");
    is(f->count & FRAME_REFS, 2, "it holds a reference");
    is(f->type & TYPE_REFS, 1, "and a writable type reference");
    is(entry_of(granter, 9)->flags, GTF_permit_access | GTF_reading | GTF_writing, "the granter sees both marks");
    is(uses(granter), 1, "one entry is in use");
    is(frame_get_type(f, FRAME_L1, false), -EINVAL, "the frame cannot become a table meanwhile");
    is(unmap(op.handle + 1, VA, 0), GNTST_bad_handle, "unmap of another handle");
    is(unmap(op.handle, VA + PAGE_SIZE, 0), GNTST_general_error, "unmap of another place");
    is(unmap(op.handle, VA, 0), GNTST_okay, "unmap");
    is(unmap(op.handle, VA, 0), GNTST_bad_handle, "only once");
    is(pte_at(user->id, 0), 0, "the entry is empty");
    is(f->count & FRAME_REFS, 1, "the reference is dropped");
    is(f->type & TYPE_REFS, 0, "the type as well");
    is(entry_of(granter, 9)->flags, GTF_permit_access, "the marks are gone");
    is(uses(granter), 0, "no entry is in use");

    op = map(granter, 9, GNTMAP_host_map | GNTMAP_readonly, VA);
    ok(op.status == GNTST_okay && !(pte_at(user->id, 0) & PTE_RW), "a read-only mapping of a writable grant");
    is(entry_of(granter, 9)->flags, GTF_permit_access | GTF_reading, "is marked as reading");
    is(unmap(op.handle, VA, 0), GNTST_okay, "and unmapped");
    op = map(granter, 9, GNTMAP_host_map | GNTMAP_device_map, VA);
    is(f->type & TYPE_REFS, 2, "a mapping for CPU and device holds two of each");
    is(unmap(op.handle, VA, 0), GNTST_okay, "the CPU's goes first");
    is(unmap(op.handle, VA, 0), GNTST_okay, "again: nothing to do");
    is(unmap(op.handle, 0, (page + 1) << PAGE_SHIFT), GNTST_general_error, "another device address");
    is(f->type & TYPE_REFS, 1, "the device's is still there");
    is(unmap(op.handle, 0, page << PAGE_SHIFT), GNTST_okay, "then the device's");
    is(f->count & FRAME_REFS, 1, "nothing is held any more");

    op = map(granter, 9, GNTMAP_host_map | GNTMAP_contains_pte, (table_l1[user->id] << PAGE_SHIFT) + 5 * 8);
    ok(op.status == GNTST_okay && pte_mfn(pte_at(user->id, 5)).v == page, "a mapping by the entry's own address");
    is(unmap(op.handle, (table_l1[user->id] << PAGE_SHIFT) + 4 * 8, 0), GNTST_general_error, "not at another entry");
    is(unmap(op.handle, (table_l1[user->id] << PAGE_SHIFT) + 5 * 8, 0), GNTST_okay, "unmapped there");
    op = map(granter, 9, GNTMAP_host_map | GNTMAP_contains_pte, (table_l1[user->id] << PAGE_SHIFT) + 5 * 8 + 4);
    is(op.status, GNTST_general_error, "an entry's address that is not aligned");
    op = map(granter, 9, GNTMAP_host_map | GNTMAP_contains_pte, other << PAGE_SHIFT);
    is(op.status, GNTST_general_error, "a frame that is no L1 table");
    op = map(granter, 9, GNTMAP_host_map, VA + (1UL << 21));
    is(op.status, GNTST_general_error, "an address without an L1 table");
    is(f->count & FRAME_REFS, 1, "failures hold nothing");
    is(uses(granter), 0, "nor do they leave an entry in use");
}

static void check_refusals(void)
{
    u64 page = page_of(granter);
    struct gnttab_map_grant_ref op;

    fake_run_as(user);
    is(map(granter, 9, 0, VA).status, GNTST_bad_gntref, "no kind of mapping is asked for");
    op = map(granter, 4 * 512, GNTMAP_host_map, VA);
    is(op.status, GNTST_bad_gntref, "an entry beyond the table");
    grant(granter, 10, GTF_permit_access | GTF_readonly, user, page);
    is(map(granter, 10, GNTMAP_host_map, VA).status, GNTST_general_error, "a read-only grant, to write");
    grant(granter, 11, GTF_permit_access, granter, page);
    is(map(granter, 11, GNTMAP_host_map, VA).status, GNTST_general_error, "a grant to another domain");
    grant(granter, 12, GTF_invalid, user, page);
    is(map(granter, 12, GNTMAP_host_map, VA).status, GNTST_general_error, "no grant at all");
    grant(granter, 13, GTF_permit_access, user, page_of(user));
    is(map(granter, 13, GNTMAP_host_map, VA).status, GNTST_bad_page, "a frame that is not the granter's");
    is(entry_of(granter, 13)->flags, GTF_permit_access, "leaves no marks");
    grant(granter, 14, GTF_permit_access, user, FRAMES + 77);
    is(map(granter, 14, GNTMAP_host_map, VA).status, GNTST_bad_page, "a frame that does not exist");
    grant(granter, 15, GTF_permit_access, user, table_l1[granter->id]);
    is(map(granter, 15, GNTMAP_host_map, VA).status, GNTST_general_error, "a page table, to write");
    op = map(granter, 15, GNTMAP_host_map | GNTMAP_readonly, VA);
    is(op.status, GNTST_okay, "a page table, to read");
    is(unmap(op.handle, VA, 0), GNTST_okay, "and unmapped");
    ok(!uses(granter), "nothing is in use");
    is(do_grant_table_op(99, 0, 1), -ENOSYS, "no such operation");
    is(do_grant_table_op(GNTTABOP_map_grant_ref, 0, 0x80000000u), -EINVAL, "a negative count");
}

static void check_overwritten(void)
{
    u64 page = page_of(granter);
    struct frame *f = mfn_to_frame(MFN(page));
    struct gnttab_map_grant_ref op;

    grant(granter, 20, GTF_permit_access, user, page);
    fake_run_as(user);
    op = map(granter, 20, GNTMAP_host_map, VA);
    is(do_update_va_mapping(VA, 0, UVMF_INVLPG), 0, "the user overwrites the entry of a mapping");
    is(f->count & FRAME_REFS, 1, "which drops what it held");
    is(unmap(op.handle, VA, 0), GNTST_general_error, "so it cannot be unmapped any more");
    is(f->type & TYPE_REFS, 0, "and nothing is dropped twice");
    is(uses(granter), 1, "the entry stays in use until the user is gone");
}

static void check_replace(void)
{
    u64 page = page_of(granter), mine = page_of(user);
    struct gnttab_unmap_and_replace r = { .host_addr = VA, .new_addr = VA + 3 * PAGE_SIZE };
    struct gnttab_map_grant_ref op;

    grant(granter, 21, GTF_permit_access, user, page);
    fake_run_as(user);
    op = map(granter, 21, GNTMAP_host_map, VA);
    is(do_update_va_mapping(VA + 3 * PAGE_SIZE, make_pte(MFN(mine), PTE_P | PTE_RW), 0), 0, "a page beside it");
    r.handle = op.handle;
    is(fake_hypercall_grant(GNTTABOP_unmap_and_replace, &r, 1), 0, "unmap_and_replace");
    is(r.status, GNTST_okay, "its status");
    ok(pte_mfn(pte_at(user->id, 0)).v == mine && !pte_at(user->id, 3), "the page has moved to the mapping's place");
    is(mfn_to_frame(MFN(mine))->type & TYPE_REFS, 1, "with its references");
    is(mfn_to_frame(MFN(page))->count & FRAME_REFS, 1, "the grant's are dropped");
    is(do_update_va_mapping(VA, 0, 0), 0, "the page is unmapped");
}

static int copy(u64 from, bool from_ref, const struct domain *from_d, u64 to, bool to_ref, const struct domain *to_d,
                unsigned int from_offset, unsigned int to_offset, unsigned int len)
{
    struct gnttab_copy op = {
        .source = { .domid = from_d ? from_d->id : DOMID_SELF, .offset = (u16)from_offset },
        .dest = { .domid = to_d ? to_d->id : DOMID_SELF, .offset = (u16)to_offset },
        .len = (u16)len,
        .flags = (from_ref ? GNTCOPY_source_gref : 0) | (to_ref ? GNTCOPY_dest_gref : 0),
    };

    if (from_ref)
        op.source.u.ref = (grant_ref_t)from;
    else
        op.source.u.gmfn = from;
    if (to_ref)
        op.dest.u.ref = (grant_ref_t)to;
    else
        op.dest.u.gmfn = to;
    return fake_hypercall_grant(GNTTABOP_copy, &op, 1) ? 98 : op.status;
}

static void check_copy(void)
{
    u64 theirs = page_of(granter), mine = page_of(user);

    memset(words(theirs), 'a', PAGE_SIZE);
    grant(granter, 30, GTF_permit_access, user, theirs);
    grant(granter, 31, GTF_permit_access | GTF_readonly, user, theirs);
    fake_run_as(user);
    is(copy(31, true, granter, mine, false, NULL, 8, 16, 100), GNTST_okay, "copy from a read-only grant");
    ok(!memcmp((char *)words(mine) + 16, (char *)words(theirs) + 8, 100) && words(mine)[1] == 0 &&
       !((char *)words(mine))[116], "these bytes and no others");
    is(copy(mine, false, NULL, 30, true, granter, 0, 0, 4096), GNTST_okay, "a whole page to a grant");
    ok(!memcmp(words(mine), words(theirs), PAGE_SIZE), "is there");
    is(copy(mine, false, NULL, 31, true, granter, 0, 0, 8), GNTST_general_error, "to a read-only grant: no");
    is(copy(31, true, granter, mine, false, NULL, 4090, 0, 8), GNTST_bad_copy_arg, "beyond the source page: no");
    is(copy(31, true, granter, mine, false, NULL, 0, 4095, 2), GNTST_bad_copy_arg, "beyond the target page: no");
    is(copy(theirs, false, granter, mine, false, NULL, 0, 0, 8), GNTST_permission_denied,
       "by the frame of another domain: no");
    is(copy(31, true, granter, theirs, false, NULL, 0, 0, 8), GNTST_bad_page, "to a frame that is not one's own: no");
    is(copy(31, true, granter, table_l1[user->id], false, NULL, 0, 0, 8), GNTST_general_error,
       "into one's own page table: no");
    is(copy(40000, true, granter, mine, false, NULL, 0, 0, 8), GNTST_bad_gntref, "from an entry beyond the table: no");
    is(entry_of(granter, 31)->flags, GTF_permit_access | GTF_readonly, "no marks stay");
    is(mfn_to_frame(MFN(theirs))->count & FRAME_REFS, 1, "no reference of theirs");
    is(mfn_to_frame(MFN(mine))->count & FRAME_REFS, 1, "none of one's own");
}

static void check_tables(void)
{
    u64 frames[8];
    struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 3 };
    struct gnttab_swap_grant_ref w = { .ref_a = 50, .ref_b = 1200 };
    struct gnttab_set_version v = { .version = 2 };
    mfn_t mfn;

    fake_run_as(granter);
    set_xen_guest_handle(s.frame_list, frames);
    is(fake_hypercall_grant(GNTTABOP_setup_table, &s, 1), 0, "setup_table");
    ok(s.status == GNTST_okay && frames[0] == virt_to_mfn(granter->grant->frame[0]).v && frames[2] != frames[1],
       "names the frames");
    s.nr_frames = 5;
    fake_hypercall_grant(GNTTABOP_setup_table, &s, 1);
    is(s.status, GNTST_general_error, "not more than the limit");
    is(grant_get_frame(granter, 3, &mfn), 0, "a tool gets the last");
    is(grant_get_frame(granter, 4, &mfn), -EINVAL, "and no more");
    grant(granter, 50, GTF_permit_access, user, 77);
    fake_hypercall_grant(GNTTABOP_swap_grant_ref, &w, 1);
    ok(w.status == GNTST_okay && entry_of(granter, 1200)->frame == 77 && !entry_of(granter, 50)->frame, "swap");
    is(fake_hypercall_grant(GNTTABOP_set_version, &v, 1), -ENOSYS, "version 2 is not there");
    is(v.version, 1, "and version 1 stays");
    fake_run_as(user);
    s.dom = granter->id;
    s.nr_frames = 1;
    fake_hypercall_grant(GNTTABOP_setup_table, &s, 1);
    is(s.status, GNTST_permission_denied, "another domain's table is not to be had");
}

static void check_death(u64 free_before)
{
    u64 page = page_of(granter);
    struct frame *f = mfn_to_frame(MFN(page));
    struct gnttab_map_grant_ref op;

    grant(granter, 60, GTF_permit_access, user, page);
    fake_run_as(user);
    op = map(granter, 60, GNTMAP_host_map | GNTMAP_device_map, VA);
    fake_domain_kill(granter);
    ok(fake_domains[1] == granter && (f->count & FRAME_REFS) == 2, "a dead granter stays while it is mapped");
    fake_run_as(user);
    is(unmap(op.handle, VA, page << PAGE_SHIFT), GNTST_okay, "unmap of a dead domain's page");
    ok(fake_domains[1] == granter, "one mapping is left from before");
    fake_domain_kill(user);
    ok(!fake_domains[1] && !fake_domains[2], "with the user's death all is gone");
    is(free_pages(), free_before, "and free");
}

/* --- random --- */

#define RANDOM_REFS     40
#define RANDOM_PAGES    100     /* places for mappings: one entry of the user's L1 each */

struct place {
    bool used, readonly, device, host;
    grant_handle_t handle;
    grant_ref_t ref;
};

static bool count_matches(const struct place *place)
{
    bool good = true;

    for (grant_ref_t ref = 0; ref < RANDOM_REFS; ref++) {
        unsigned int r = 0, w = 0;
        u16 flags = entry_of(granter, ref)->flags;

        for (unsigned int i = 0; i < RANDOM_PAGES; i++)
            if (place[i].used && place[i].ref == ref)
                *(place[i].readonly ? &r : &w) += place[i].device + place[i].host;
        good &= !!(flags & GTF_writing) == !!w && !!(flags & GTF_reading) == !!(r + w);
        if (entry_of(granter, ref)->frame) {
            const struct frame *f = mfn_to_frame(MFN(entry_of(granter, ref)->frame));

            good &= (f->count & FRAME_REFS) == 1 + r + w && (f->type & TYPE_REFS) == w;
        }
    }
    return good;
}

static bool random_step(struct place *place)
{
    unsigned int i = fake_random(RANDOM_PAGES), flags = 1 + fake_random(7);
    struct place *p = &place[i];
    u64 va = VA + (8 + i) * PAGE_SIZE;

    if (!p->used) {
        grant_ref_t ref = fake_random(RANDOM_REFS);
        struct gnttab_map_grant_ref op = map(granter, ref, flags, va);
        bool readonly = flags & GNTMAP_readonly, allowed = flags & 3;

        allowed &= readonly || ref % 3;     /* every third is read-only */
        if ((op.status == GNTST_okay) != allowed)
            return false;
        if (allowed)
            *p = (struct place){ true, readonly, flags & GNTMAP_device_map, flags & GNTMAP_host_map, op.handle, ref };
        return true;
    }
    if (unmap(p->handle, p->host && fake_random(2) ? va : 0,
              p->device ? (u64)entry_of(granter, p->ref)->frame << PAGE_SHIFT : 0) != GNTST_okay)
        return false;
    /* Whether the CPU's part went shows in the table. */
    p->host = pte_at(user->id, 8 + i);
    p->device = false;
    p->used = p->host;
    return true;
}

static void check_random(u64 seed, u64 free_before)
{
    static struct place place[RANDOM_PAGES];
    unsigned int n;
    bool good = true;

    memset(place, 0, sizeof(place));
    fake_seed(seed);
    granter = make_domain(1);
    user = make_domain(2);
    for (grant_ref_t ref = 0; ref < RANDOM_REFS; ref++)
        grant(granter, ref, GTF_permit_access | (ref % 3 ? 0 : GTF_readonly), user, page_of(granter));
    fake_run_as(user);
    fake_preempt_every = 3;
    for (n = 0; n < 50000 && good; n++) {
        good = random_step(place);
        if (n % 50 == 0)
            good = good && count_matches(place);
    }
    ok(good, "seed %lu: %u random operations, references and marks as counted", (unsigned long)seed, n);
    if (seed % 2) {
        fake_domain_kill(user);
        ok(!uses(granter), "the user dies: nothing is in use");
        fake_domain_kill(granter);
    } else {
        fake_domain_kill(granter);
        fake_domain_kill(user);
    }
    is(free_pages(), free_before, "both die, all is free");
    fake_preempt_every = 0;
}

int main(void)
{
    u64 free_before;

    fake_memory(FRAMES);
    fake_domain_kill(({ struct domain *d = fake_memory_domain(0, 1); alloc_domain_frames(d, 0, 0); d; }));
    free_before = free_pages();
    granter = make_domain(1);
    user = make_domain(2);
    check_map();
    check_refusals();
    check_replace();
    check_copy();
    check_tables();
    check_overwritten();
    check_death(free_before);
    for (u64 seed = 1; seed <= 4; seed++)
        check_random(seed, free_before);
    return done_testing();
}
