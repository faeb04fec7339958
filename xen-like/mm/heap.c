/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own memory: whole pages, and small objects cut from pages of one size class. The
 * bookkeeping of a page stands in its row of the frame table: `type` tells what it is used for, `next` and
 * `prev` link pages of a class that have a free object, `progress` and `linear` count objects in use and name
 * the first free one. A free object's first two bytes name the next.
 */
#include "mm/internal.h"
#include "mm/poison.h"

/* What `type` of a frame of the hypervisor's says; the low bits are the class, or the number of pages. */
#define KIND_PAGES  0x00000000u     /* from hv_alloc_pages() */
#define KIND_SLAB   0x01000000u
#define KIND_LARGE  0x02000000u     /* an object of several pages; on its first page */
#define KIND_MASK   0xff000000u

static const u16 class_size[] = { 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1360, 2048 };
#define CLASSES     ARRAY_SIZE(class_size)
#define LARGEST     2048
#define NO_OBJECT   0xffff

static struct spinlock heap_lock = SPINLOCK_INIT(LOCK_HEAP);
static u32 partial[CLASSES];        /* first page with a free object */
static u32 class_objects[CLASSES], class_pages[CLASSES];    /* in use */

void *hv_alloc_pages(unsigned int order)
{
    struct frame *f = buddy_alloc(order, 0, 0);

    if (!f)
        return NULL;
    frames_prepare(f, order, 0);
    for (u32 i = 0; i < 1u << order; i++) {
        f[i].owner = FRAME_OWNER_HV;
        f[i].type = KIND_PAGES;
    }
    atomic_add(&hv_page_count, 1UL << order);
    return frame_to_virt(f);
}

void hv_free_pages(void *p, unsigned int order)
{
    struct frame *f = mfn_to_frame(virt_to_mfn(p));

    for (u32 i = 0; i < 1u << order; i++)
        BUG_ON(f[i].owner != FRAME_OWNER_HV || f[i].count);
    atomic_sub(&hv_page_count, 1UL << order);
    poison(p, PAGE_SIZE << order);
    buddy_free(f, order, FRAME_DIRTY, BUDDY_POISONED);
}

static u16 *object(const struct frame *page, unsigned int class, unsigned int i)
{
    return (u16 *)((char *)frame_to_virt(page) + i * class_size[class]);
}

/* A page of free objects that stands in no list yet; NULL: no memory. */
static struct frame *new_slab(unsigned int class)
{
    const unsigned int n = PAGE_SIZE / class_size[class];
    void *page = hv_alloc_page();

    if (!page)
        return NULL;
    struct frame *f = mfn_to_frame(virt_to_mfn(page));
    poison(page, PAGE_SIZE);
    for (unsigned int i = 0; i < n; i++)
        *object(f, class, i) = i + 1 < n ? i + 1 : NO_OBJECT;
    f->type = KIND_SLAB | class;
    f->progress = 0;
    f->linear = 0;
    return f;
}

static void *alloc_small(unsigned int class)
{
    spin_lock(&heap_lock);
    if (!partial[class]) {
        spin_unlock(&heap_lock);
        struct frame *new = new_slab(class);
        if (!new)
            return NULL;
        spin_lock(&heap_lock);
        frame_link(&partial[class], new);
        class_pages[class]++;
    }
    struct frame *f = mfn_to_frame(MFN(partial[class]));
    u16 *o = object(f, class, (u16)f->linear);
    f->linear = (s16)*o;
    f->progress++;
    if ((u16)f->linear == NO_OBJECT)
        frame_unlink(&partial[class], f);
    class_objects[class]++;
    spin_unlock(&heap_lock);
    poison_check(o + 1, class_size[class] - sizeof(*o));
    memset(o, 0, class_size[class]);
    return o;
}

static void free_small(struct frame *f, void *p)
{
    const unsigned int class = f->type & ~KIND_MASK, offset = (unsigned long)p & (PAGE_SIZE - 1);

    BUG_ON(class >= CLASSES || offset % class_size[class]);
    poison(p, class_size[class]);
    spin_lock(&heap_lock);
    if ((u16)f->linear == NO_OBJECT)
        frame_link(&partial[class], f);
    *(u16 *)p = (u16)f->linear;
    f->linear = (s16)(offset / class_size[class]);
    class_objects[class]--;
    const bool empty = --f->progress == 0;
    if (empty) {
        frame_unlink(&partial[class], f);
        class_pages[class]--;
    }
    spin_unlock(&heap_lock);
    if (empty) {
        f->type = KIND_PAGES;
        hv_free_page(frame_to_virt(f));
    }
}

/* Whole pages; those of the power of two that are not needed go back at once. */
static void *alloc_large(size_t size)
{
    const u64 pages = DIV_ROUND_UP(size, PAGE_SIZE);
    unsigned int order = 0;

    while (order <= MAX_ORDER && (1UL << order) < pages)
        order++;
    char *p = hv_alloc_pages(order);
    if (!p)
        return NULL;
    for (u64 i = pages; i < 1UL << order; i++)
        hv_free_page(p + i * PAGE_SIZE);
    mfn_to_frame(virt_to_mfn(p))->type = KIND_LARGE | pages;
    return p;
}

void *xzalloc_bytes(size_t size)
{
    if (size > LARGEST)
        return alloc_large(size);
    for (unsigned int class = 0; ; class++)
        if (size <= class_size[class])
            return alloc_small(class);
}

void xfree(void *p)
{
    if (!p)
        return;
    struct frame *f = mfn_to_frame(virt_to_mfn(p));
    const u32 kind = f->type & KIND_MASK, pages = f->type & ~KIND_MASK;
    BUG_ON(f->owner != FRAME_OWNER_HV || (kind != KIND_SLAB && kind != KIND_LARGE));
    if (kind == KIND_SLAB)
        free_small(f, p);
    else
        for (u32 i = 0; i < pages; i++)
            hv_free_page((char *)p + i * PAGE_SIZE);
}

size_t heap_size(const void *p)
{
    const u32 type = mfn_to_frame(virt_to_mfn(p))->type, what = type & ~KIND_MASK;

    return (type & KIND_MASK) == KIND_SLAB ? class_size[what] : what * PAGE_SIZE;
}

void heap_dump(void)
{
    printk("Small objects of the hypervisor, size: in use, pages\n");
    for (unsigned int class = 0; class < CLASSES; class++)
        if (class_pages[class])
            printk("    %4u: %u, %u\n", class_size[class], class_objects[class], class_pages[class]);
}
