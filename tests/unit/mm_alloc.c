/* SPDX-License-Identifier: MIT */
/*
 * The allocators, from the hypervisor's own files: blocks of all orders and objects of all sizes, taken and given back
 * at random, never overlap, are aligned and zeroed, keep their contents, and leave the memory as it was; limits,
 * address bits, claims.
 */
#include <stdlib.h>
#include <string.h>

#include "fake/memory.h"
#include "tap.h"

#define FRAMES  4096
#define HELD    300

static bool filled_with(const unsigned char *p, size_t size, unsigned char c)
{
    for (size_t i = 0; i < size; i++)
        if (p[i] != c)
            return false;
    return true;
}

static void check_blocks(void)
{
    struct { unsigned char *p; unsigned int order; } held[HELD] = { 0 };
    u64 before = free_pages();
    bool zeroed = true, kept = true, aligned = true;

    for (unsigned int n = 0; n < 30000; n++) {
        unsigned int i = fake_random(HELD);

        if (held[i].p) {
            kept &= filled_with(held[i].p, PAGE_SIZE << held[i].order, (unsigned char)i);
            hv_free_pages(held[i].p, held[i].order);
            held[i].p = NULL;
            continue;
        }
        held[i].order = fake_random(fake_random(4) ? 2 : 7);
        held[i].p = hv_alloc_pages(held[i].order);
        if (!held[i].p)
            continue;
        aligned &= !(virt_to_mfn(held[i].p).v & ((1UL << held[i].order) - 1));
        zeroed &= filled_with(held[i].p, PAGE_SIZE << held[i].order, 0);
        memset(held[i].p, (int)i, PAGE_SIZE << held[i].order);
    }
    for (unsigned int i = 0; i < HELD; i++)
        if (held[i].p)
            hv_free_pages(held[i].p, held[i].order);
    ok(aligned, "blocks are aligned to their size");
    ok(zeroed, "blocks are zeroed");
    ok(kept, "no block overlaps another");
    ok(free_pages() == before, "all are free again");
    held[0].p = hv_alloc_pages(11);
    ok(held[0].p, "and merged: half of the machine is one block");
    hv_free_pages(held[0].p, 11);
    ok(!hv_alloc_pages(12), "more than there is: none");
    ok(!hv_alloc_pages(MAX_ORDER + 1), "a larger order than the largest: none");
}

static void check_objects(void)
{
    struct { unsigned char *p; size_t size; } held[HELD] = { 0 };
    u64 before = free_pages();
    bool zeroed = true, kept = true, aligned = true;

    for (unsigned int n = 0; n < 60000; n++) {
        unsigned int i = fake_random(HELD);

        if (held[i].p) {
            kept &= filled_with(held[i].p, held[i].size, (unsigned char)i);
            xfree(held[i].p);
            held[i].p = NULL;
            continue;
        }
        held[i].size = fake_random(fake_random(20) ? 2100 : 30000);
        held[i].p = xzalloc_bytes(held[i].size);
        if (!held[i].p)
            continue;
        aligned &= !((unsigned long)held[i].p % 16);
        zeroed &= filled_with(held[i].p, held[i].size, 0);
        memset(held[i].p, (int)i, held[i].size);
    }
    for (unsigned int i = 0; i < HELD; i++)
        xfree(held[i].p);
    ok(aligned, "objects are aligned to 16");
    ok(zeroed, "objects are zeroed");
    ok(kept, "no object overlaps another");
    ok(free_pages() == before, "no page stays behind");
    ok(!xzalloc_bytes(FRAMES * PAGE_SIZE), "an object larger than the machine: none");
    ok(free_pages() == before, "which takes nothing");
}

static void check_address_bits(void)
{
    struct domain *d = fake_memory_domain(0, FRAMES);
    struct frame *f;
    unsigned int n = 0;
    bool low = true;

    while ((f = alloc_domain_frames(d, 0, 20)))     /* below 1 MiB: 256 frames, less frame 0 */
        low &= frame_to_mfn(f).v < 256, n++;
    ok(low && n == 255, "all 255 frames below 1 MiB, and no other");
    f = alloc_domain_frames(d, 0, 0);
    ok(f && frame_to_mfn(f).v >= 2048, "without a limit: from the top");
    ok(!alloc_domain_frames(d, 0, 12), "below the first page: none");
    fake_domain_kill(d);
}

static void check_limits(void)
{
    struct domain *d = fake_memory_domain(1, 8), *other = fake_memory_domain(2, FRAMES);
    struct frame *f = alloc_domain_frames(d, 3, 0);
    u64 room = free_pages();

    ok(f && d->mm.tot_pages == 8, "an extent of eight up to the maximum");
    ok(!alloc_domain_frames(d, 0, 0) && d->mm.tot_pages == 8, "and not one more");
    ok(frame_get(frame_to_mfn(f), d) && release_domain_frame(d, f), "one of them goes");
    ok(d->mm.tot_pages == 8 && !release_domain_frame(d, f), "while it is in use it counts, and goes only once");
    memset(frame_to_virt(f), 0x5a, PAGE_SIZE);
    frame_put(f);
    ok(d->mm.tot_pages == 7 && frame_owner(f) != d->id, "then it is free");
    ok(alloc_domain_frames(d, 0, 0) == f && filled_with(frame_to_virt(f), PAGE_SIZE, 0x5a),
       "its last owner may have it back as it was");
    ok(frame_get(frame_to_mfn(f), d) && release_domain_frame(d, f), "it goes again");
    frame_put(f);
    ok(alloc_domain_frames(other, 0, 0) == f && filled_with(frame_to_virt(f), PAGE_SIZE, 0),
       "another owner finds zeroes");

    ok(alloc_domain_frames(d, 0, 0), "the maximum again");
    room = free_pages();
    ok(domain_claim(other, room - 2), "a claim of all but two frames");
    ok(!domain_claim(d, room), "no other claim of more than the rest");
    d->mm.max_pages = FRAMES;
    ok(alloc_domain_frames(d, 0, 0) && !alloc_domain_frames(d, 1, 0), "others cannot take what is claimed");
    ok(alloc_domain_frames(other, 4, 0) && other->mm.claim == room - 18, "the claimant can, and uses the claim up");
    ok(domain_claim(other, 0) && claimed_pages() == 0, "a claim ends");
    d->state = DOMAIN_DYING;
    ok(!alloc_domain_frames(d, 0, 0), "a dying domain gets nothing");
    d->state = DOMAIN_ALIVE;
    fake_domain_kill(d);
    fake_domain_kill(other);
}

static void check_death(void)
{
    struct domain *d = fake_memory_domain(1, 200), *next = fake_memory_domain(2, FRAMES);
    bool clean = true, zeroed = true;
    u64 dirty;
    struct frame *f;

    while ((f = alloc_domain_frames(d, 0, 0)))
        memset(frame_to_virt(f), 0x5a, PAGE_SIZE);
    dirty = scrub_pages();
    fake_domain_kill(d);
    clean = scrub_pages() == dirty;
    ok(clean, "a domain's frames are scrubbed when it dies");
    d = fake_memory_domain(1, FRAMES);      /* the same number again */
    for (unsigned int i = 0; i < 300; i++) {
        f = alloc_domain_frames(i % 2 ? d : next, 0, 0);
        zeroed &= f && filled_with(frame_to_virt(f), PAGE_SIZE, 0);
    }
    ok(zeroed, "and others, of the same number too, find zeroes");
    fake_domain_kill(d);
    fake_domain_kill(next);
}

static void check_shared(void)
{
    struct domain *d = fake_memory_domain(1, 8);
    void *page = hv_alloc_page(), *other = hv_alloc_page();
    struct frame *f = mfn_to_frame(virt_to_mfn(page)), *r = mfn_to_frame(virt_to_mfn(other));
    unsigned int refs = d->refs;

    ok(!frame_get(virt_to_mfn(page), d), "a page of the hypervisor is nobody's to map");
    ok(frame_share_with(f, d) && frame_share_with(r, d), "two pages are shared");
    ok(d->refs == refs + 1, "which keeps their domain");
    ok(frame_get_and_type(virt_to_mfn(page), d, FRAME_WRITABLE), "one can be mapped writable");
    ok(frame_get_type(r, FRAME_L1, false), "neither can become a table");
    ok(!d->mm.tot_pages && d->mm.shared_pages == 2, "they do not count as the domain's own");
    frame_put_and_type(f);
    frame_unshare(f);
    frame_unshare(r);
    ok(f->owner == FRAME_OWNER_HV && d->refs == refs && !d->mm.shared_pages, "then they are the hypervisor's again");
    hv_free_page(page);
    hv_free_page(other);
    fake_domain_kill(d);
}

int main(void)
{
    u64 before;

    fake_memory(FRAMES);
    fake_seed(5);
    check_blocks();
    check_objects();
    fake_domain_kill(({ struct domain *d = fake_memory_domain(0, 1); alloc_domain_frames(d, 0, 0); d; }));
    before = free_pages();
    check_address_bits();
    check_limits();
    check_death();
    check_shared();
    ok(free_pages() == before, "nothing is left");
    return done_testing();
}
