/* SPDX-License-Identifier: MIT */
/*
 * The operations on grant tables as a whole, from the hypervisor's own files: size and set-up, versions, status frames,
 * swapping entries, each for oneself, for another with and without the right, with bad addresses, and preempted.
 */
#include <stdlib.h>
#include <string.h>

#include "fake/memory.h"
#include "grant/private.h"
#include "tap.h"

#define EPERM   1
#define ESRCH   3
#define EFAULT  14
#define EINVAL  22
#define ENOSYS  38
#define EOPNOTSUPP 95

static struct domain *dom0, *dom1;

static long op(unsigned int cmd, void *arg)
{
    return fake_hypercall_grant(cmd, arg, 1);
}

/* Every operation that takes one structure refuses another number, and a bad address. */
static void test_arguments(void)
{
    static u64 arg[16] __attribute__((aligned(4096)));
    static const struct { unsigned int cmd; bool one; } rows[] = {
        { GNTTABOP_setup_table, true }, { GNTTABOP_query_size, true }, { GNTTABOP_get_status_frames, true },
        { GNTTABOP_set_version, false }, { GNTTABOP_get_version, false }, { GNTTABOP_swap_grant_ref, false },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].one)
            ok(fake_hypercall_grant(rows[i].cmd, arg, 2) == -EINVAL, "operation %u with two", rows[i].cmd);
        fake_bad_address = (unsigned long)arg;
        ok(op(rows[i].cmd, arg) == -EFAULT, "operation %u with a bad address", rows[i].cmd);
        fake_bad_address = ~0UL;
    }
    ok(fake_hypercall_grant(GNTTABOP_query_size, arg, 0x80000000u) == -EINVAL, "a count above 2^31");
    ok(op(99, arg) == -ENOSYS && op(GNTTABOP_transfer, arg) == -ENOSYS, "operations that are not there");
    ok(op(GNTTABOP_cache_flush, arg) == -EOPNOTSUPP, "cache_flush is not for this architecture");
}

static void test_size(void)
{
    struct gnttab_query_size q = { .dom = DOMID_SELF };
    u64 frames[8];
    struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 3, .frame_list = { .p = (void *)frames } };

    ok(!op(GNTTABOP_query_size, &q) && q.status == GNTST_okay && q.nr_frames == 1 && q.max_nr_frames == 4, "query_size");
    ok(!op(GNTTABOP_setup_table, &s) && s.status == GNTST_okay && dom0->grant->nr_frames == 3 &&
       frames[2] == virt_to_mfn(dom0->grant->frame[2]).v, "setup_table grows the table and names its frames");
    s.nr_frames = 5;
    ok(!op(GNTTABOP_setup_table, &s) && s.status == GNTST_general_error, "not beyond its limit");
    s.nr_frames = 2;
    s.dom = 3;
    ok(!op(GNTTABOP_setup_table, &s) && s.status == GNTST_bad_domain, "of nobody");
    s.dom = 1;
    ok(!op(GNTTABOP_setup_table, &s) && s.status == GNTST_okay && dom1->grant->nr_frames == 2, "another's, by one who may");
    q.dom = 1;
    ok(!op(GNTTABOP_query_size, &q) && q.nr_frames == 2, "its size");
    fake_run_as(dom1);
    s.dom = q.dom = 0;
    ok(!op(GNTTABOP_setup_table, &s) && s.status == GNTST_permission_denied && !op(GNTTABOP_query_size, &q) &&
       q.status == GNTST_permission_denied, "another's, by one who may not");
    fake_run_as(dom0);
}

static void test_versions(void)
{
    struct gnttab_set_version set = { .version = 1 };
    struct gnttab_get_version get = { .dom = DOMID_SELF };
    struct gnttab_get_status_frames f = { .dom = DOMID_SELF };

    ok(!op(GNTTABOP_set_version, &set) && set.version == 1, "version 1 is set");
    set.version = 2;
    ok(op(GNTTABOP_set_version, &set) == -ENOSYS && set.version == 1, "2 is refused, and what is set is told");
    set.version = 3;
    ok(op(GNTTABOP_set_version, &set) == -EINVAL, "3 makes no sense");
    ok(!op(GNTTABOP_get_version, &get) && get.version == 1, "get_version");
    get.dom = 3;
    ok(op(GNTTABOP_get_version, &get) == -ESRCH, "of nobody");
    ok(!op(GNTTABOP_get_status_frames, &f) && f.status == GNTST_okay, "no status frames");
    f.nr_frames = 1;
    ok(!op(GNTTABOP_get_status_frames, &f) && f.status == GNTST_general_error, "not one");
    fake_run_as(dom1);
    get.dom = f.dom = 0;
    ok(op(GNTTABOP_get_version, &get) == -EPERM, "another's, by one who may not");
    ok(!op(GNTTABOP_get_status_frames, &f) && f.status == GNTST_permission_denied, "nor its status frames");
    fake_run_as(dom0);
}

static void test_swap(void)
{
    struct grant_entry_v1 *a = grant_entry(dom0->grant, 10), *b = grant_entry(dom0->grant, 600);
    struct gnttab_swap_grant_ref s[40];
    const unsigned int use = GNTMAP_readonly | GNTMAP_host_map;
    u64 mfn = frame_to_mfn(alloc_domain_frames(dom0, 0, 0)).v;
    mfn_t got;
    bool fine = true;

    *a = (struct grant_entry_v1){ .flags = GTF_permit_access, .domid = 1, .frame = (u32)mfn };
    s[0] = (struct gnttab_swap_grant_ref){ .ref_a = 10, .ref_b = 600 };
    ok(!op(GNTTABOP_swap_grant_ref, s) && s[0].status == GNTST_okay && b->frame == mfn && !a->flags, "two entries swap");
    s[0].ref_b = 10;
    ok(!op(GNTTABOP_swap_grant_ref, s) && s[0].status == GNTST_okay, "one with itself");
    s[0].ref_b = 4 * ENTRIES_PER_FRAME;
    ok(!op(GNTTABOP_swap_grant_ref, s) && s[0].status == GNTST_bad_gntref, "one that is not there");
    fake_run_as(dom1);
    ok(grant_pin(dom0->grant, 600, use, &got) == GNTST_okay && got.v == mfn, "an entry comes into use");
    fake_run_as(dom0);
    s[0].ref_b = 600;
    ok(!op(GNTTABOP_swap_grant_ref, s) && s[0].status == GNTST_eagain && b->frame == mfn, "and stays where it is");
    grant_unpin(dom0->grant, 600, use);
    frame_put(mfn_to_frame(got));
    for (unsigned int i = 0; i < ARRAY_SIZE(s); i++)
        s[i] = (struct gnttab_swap_grant_ref){ .ref_a = 10, .ref_b = 600, .status = 99 };
    fake_preempt_every = 3;
    ok(!fake_hypercall_grant(GNTTABOP_swap_grant_ref, s, ARRAY_SIZE(s)), "forty of them, preempted now and then");
    fake_preempt_every = 0;
    for (unsigned int i = 0; i < ARRAY_SIZE(s); i++)
        fine = fine && s[i].status == GNTST_okay;
    ok(fine && b->frame == mfn, "each is done once");
}

int main(void)
{
    fake_memory(512);
    dom0 = fake_memory_domain(0, 64);
    dom1 = fake_memory_domain(1, 64);
    if (grant_init_domain(dom0, 4, 4) || grant_init_domain(dom1, 4, 4))
        abort();
    test_arguments();
    test_size();
    test_versions();
    test_swap();
    return done_testing();
}
