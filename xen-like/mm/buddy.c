/* SPDX-License-Identifier: MIT */
/*
 * The buddy allocator of frames. A free block of 2^n frames starts at a multiple of 2^n and stands in the
 * list of its order and zone. A zone is the frames whose numbers have the same highest bit, so that "below
 * 2^n" is a choice of zones, and no block lies in two. Memory is taken from the highest zone allowed: what
 * lies low stays for those who need it.
 *
 * A free frame remembers whether it is dirty and since when TLBs may know it; both are dealt with when it is
 * taken. It also remembers, in `type`, the serial number of the domain that it was plain memory of: that one
 * may have it back as it is.
 */
#include "mm/internal.h"
#include "mm/poison.h"

#define ORDERS (MAX_ORDER + 1)

static struct spinlock buddy_lock = SPINLOCK_INIT(LOCK_BUDDY);
static u32 free_list[BUDDY_ZONES][ORDERS];  /* buddy_lock */
static u32 orders_free[BUDDY_ZONES];        /* bit n: free_list[][n] is not empty */
static u32 zones_free;                      /* bit n: orders_free[n] is not 0 */

u64 buddy_total, hv_page_count, buddy_free_count, buddy_dirty, buddy_claimed;   /* the last three: buddy_lock */

static struct frame *frame_nr(u32 nr) { return mfn_to_frame(MFN(nr)); }

static unsigned int zone_of(u32 nr) { return nr ? 32 - __builtin_clz(nr) : 0; }

static void block_insert(u32 nr, unsigned int order)
{
    const unsigned int zone = zone_of(nr);
    struct frame *f = frame_nr(nr);

    f->count |= FRAME_FREE_HEAD;
    f->owner = order;
    frame_link(&free_list[zone][order], f);
    orders_free[zone] |= 1u << order;
    zones_free |= 1u << zone;
}

static void block_remove(u32 nr, unsigned int order)
{
    const unsigned int zone = zone_of(nr);
    struct frame *f = frame_nr(nr);

    f->count &= ~FRAME_FREE_HEAD;
    frame_unlink(&free_list[zone][order], f);
    if (free_list[zone][order])
        return;
    orders_free[zone] &= ~(1u << order);
    if (!orders_free[zone])
        zones_free &= ~(1u << zone);
}

/* True where the block at nr is free as a whole, of exactly this order. */
static bool block_is_free(u32 nr, unsigned int order)
{
    const struct frame *f = nr ? frame_lookup(MFN(nr)) : NULL;

    return f && (f->count & FRAME_FREE_HEAD) && f->owner == order;
}

/* A block whose frames are marked free joins the lists, merged with its free neighbours. */
static void block_add(u32 nr, unsigned int order)
{
    for (; order < MAX_ORDER; order++) {
        const u32 buddy = nr ^ (1u << order);

        if (!block_is_free(buddy, order) || zone_of(buddy) != zone_of(nr))
            break;
        block_remove(buddy, order);
        nr &= ~(1u << order);
    }
    block_insert(nr, order);
}

void buddy_init_range(u64 first, u64 last)
{
    for (u64 i = first; i < last; i++)
        frame_nr(i)->count = FRAME_FREE | FRAME_DIRTY;
    buddy_free_count += last - first;
    buddy_dirty += last - first;
    while (first < last) {
        /* The largest block that fits at first and below last. */
        const unsigned int order =
            min(__builtin_ctzl(first | 1UL << MAX_ORDER), 63 - __builtin_clzl(last - first));

        block_add(first, order);
        first += 1UL << order;
    }
}

/* The block to take 2^order frames below 2^bits frames from, and its order; 0: there is none. */
static u32 choose(unsigned int order, unsigned int bits, unsigned int *found)
{
    u32 zones = zones_free & (bits >= BUDDY_ZONES ? ~0u : (2u << bits) - 1);

    while (zones) {
        const unsigned int zone = 31 - __builtin_clz(zones);
        const u32 orders = orders_free[zone] >> order;

        if (orders) {
            *found = order + __builtin_ctz(orders);
            return free_list[zone][*found];
        }
        zones &= ~(1u << zone);
    }
    return 0;
}

struct frame *buddy_alloc(unsigned int order, unsigned int addr_bits, u64 own_claim)
{
    const unsigned int bits = !addr_bits ? BUDDY_ZONES : addr_bits > PAGE_SHIFT ? addr_bits - PAGE_SHIFT : 0;
    unsigned int found;

    if (order > MAX_ORDER)
        return NULL;
    spin_guard(&buddy_lock);
    if (buddy_free_count + own_claim < buddy_claimed + (1UL << order))
        return NULL;
    const u32 nr = choose(order, bits, &found);
    if (!nr)
        return NULL;
    block_remove(nr, found);
    /* The upper half goes back until what is left is as asked for. */
    while (found > order) {
        found--;
        block_insert(nr + (1u << found), found);
    }
    buddy_free_count -= 1UL << order;
    for (struct frame *f = frame_nr(nr); f < frame_nr(nr + (1u << order)); f++) {
        f->count &= ~FRAME_FREE;
        if (f->count & FRAME_DIRTY)
            buddy_dirty--;
    }
    return frame_nr(nr);
}

void buddy_free(struct frame *f, unsigned int order, u32 flags, u32 tag)
{
    spin_guard(&buddy_lock);
    for (u32 i = 0; i < 1u << order; i++) {
        ASSERT(!(f[i].count & FRAME_FREE));
        f[i].count = FRAME_FREE | flags;
        f[i].type = tag;
    }
    buddy_free_count += 1UL << order;
    if (flags & FRAME_DIRTY)
        buddy_dirty += 1UL << order;
    block_add(frame_to_mfn(f).v, order);
}

static void prepare_one(struct frame *f, u32 serial)
{
    if (serial && f->type == serial) {
        /* Back to its last owner: as if it had never gone. The stamp tells when its mappings went. */
        f->type = (u32)FRAME_WRITABLE << TYPE_SHIFT | TYPE_VALIDATED;
        f->count = 0;
        return;
    }
    if (f->count & FRAME_STALE)
        tlb_flush_guests_since(f->stamp);
    if (f->type == BUDDY_POISONED)
        poison_check(frame_to_virt(f), PAGE_SIZE);
    if (f->count & FRAME_DIRTY)
        clear_page(frame_to_virt(f));
    f->count = 0;
    f->type = 0;
}

void frames_prepare(struct frame *f, unsigned int order, u32 serial)
{
    for (u32 i = 0; i < 1u << order; i++)
        prepare_one(&f[i], serial);
}

bool buddy_claim(u64 from, u64 to)
{
    spin_guard(&buddy_lock);
    if (to > from && buddy_free_count < buddy_claimed + (to - from))
        return false;
    buddy_claimed += to - from;
    return true;
}

u32 buddy_blocks(unsigned int zone, unsigned int order)
{
    u32 n = 0;

    spin_guard(&buddy_lock);
    for (u32 nr = free_list[zone][order]; nr && n < 9999; nr = frame_nr(nr)->next)
        n++;
    return n;
}
