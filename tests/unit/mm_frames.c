/* SPDX-License-Identifier: MIT */
/*
 * Frames by hand, from the hypervisor's own files: counts that are full, when a change of type or owner flushes
 * the TLB, pages of descriptors. mm_pages.c has the random operations.
 */
#include "fake/memory.h"
#include "mm/arch.h"
#include "mm/machine.h"
#include "pv/hypercall.h"
#include "tap.h"

#define FRAMES 160

static void check_saturation(void)
{
    struct domain *d = fake_memory_domain(0, 10);
    struct frame *f = alloc_domain_frames(d, 0, 0);
    mfn_t mfn = frame_to_mfn(f);

    f->count = FRAME_OWNED | (FRAME_REFS - 0x10000);
    ok(!frame_get(mfn, d), "a saturated count refuses another reference");
    ok(!frame_get_writable(f, d), "and a writable one");
    f->count = FRAME_OWNED | 1;
    f->type = (u32)FRAME_WRITABLE << TYPE_SHIFT | TYPE_VALIDATED | (TYPE_REFS - 0x10000);
    ok(!frame_get_writable(f, d), "a saturated type count refuses another one");
    ok(frame_get_type(f, FRAME_WRITABLE, false) == -EINVAL, "by itself, too");
    f->type = 0;
    fake_domain_kill(d);
}

static void check_stale(void)
{
    struct domain *d = fake_memory_domain(0, 10), *other = fake_memory_domain(1, 10);
    struct vcpu *v = d->vcpu[0];
    struct frame *root = alloc_domain_frames(d, 0, 0), *f = alloc_domain_frames(d, 0, 0);
    unsigned long before;

    v->pv.kernel_mode = true;
    ok(!vcpu_set_kernel_root(v, frame_to_mfn(root)), "an empty L4 is a root");
    ok(frame_get_and_type(frame_to_mfn(f), d, FRAME_WRITABLE), "a frame is mapped writable");
    frame_put_and_type(f);
    before = fake_tlb_flushes;
    ok(!frame_get_type(f, FRAME_L1, false) && fake_tlb_flushes > before, "its turning into a table flushes the TLB");
    frame_put_type(f, false);
    tlb_flush_local(TLB_ALL);
    before = fake_tlb_flushes;
    ok(!frame_get_type(f, FRAME_WRITABLE, false) && fake_tlb_flushes == before,
       "its turning back does not, where the TLB was flushed since");
    frame_put_type(f, false);
    before = fake_tlb_flushes;
    ok(frame_get(frame_to_mfn(f), d) && release_domain_frame(d, f), "the frame is given back");
    frame_put(f);
    ok(alloc_domain_frames(d, 0, 0) == f && fake_tlb_flushes == before, "and taken again by the same domain");
    ok(!frame_get_type(f, FRAME_L1, false) && fake_tlb_flushes > before,
       "which does not hide that a TLB may know it as writable");
    frame_put_type(f, false);
    ok(frame_get(frame_to_mfn(f), d) && release_domain_frame(d, f), "a frame that was a table goes");
    frame_put(f);
    before = fake_tlb_flushes;
    ok(alloc_domain_frames(d, 0, 0) == f && fake_tlb_flushes > before, "and is flushed before any next use");
    before = fake_tlb_flushes;
    ok(frame_get(frame_to_mfn(f), d) && release_domain_frame(d, f), "another goes");
    frame_put(f);
    ok(alloc_domain_frames(other, 0, 0) == f && fake_tlb_flushes > before, "and is flushed before another domain's use");
    fake_domain_kill(other);
    fake_domain_kill(d);
    fake_run_as(fake_memory_domain(0, 0));
}

static void check_segdesc(void)
{
    struct domain *d = fake_domains[0];
    struct frame *f;
    u64 *desc;

    d->mm.max_pages = 4;
    f = alloc_domain_frames(d, 0, 0);
    desc = frame_to_virt(f);
    desc[3] = 0x00209b0000000000UL;     /* a 64-bit code segment for ring 0 */
    ok(!frame_get_type(f, FRAME_SEGDESC, false), "a page of descriptors");
    ok(desc[3] == 0x0020fb0000000000UL, "whose privilege becomes 3");
    ok(!frame_get_and_type(frame_to_mfn(f), d, FRAME_WRITABLE), "it cannot be writable");
    ok(frame_get_type(f, FRAME_L1, false) == -EINVAL, "nor a table");
    frame_put_type(f, false);
    desc[511] = 0x0000ec0000000000UL;   /* a call gate */
    ok(frame_get_type(f, FRAME_SEGDESC, false) == -EINVAL, "a page with a gate is refused");
    ok(frame_type_of(f) == FRAME_NONE, "and has no type then");
    fake_domain_kill(d);
}

int main(void)
{
    struct domain *d;

    fake_memory(FRAMES);
    /* The page of owners[] is the hypervisor's and stays. */
    d = fake_memory_domain(0, 1);
    alloc_domain_frames(d, 0, 0);
    fake_domain_kill(d);

    check_saturation();
    check_stale();
    check_segdesc();
    return done_testing();
}
