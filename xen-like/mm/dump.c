/* SPDX-License-Identifier: MIT */
/* Debug key: memory, free and in use. */
#include "lib/image.h"
#include "mm/internal.h"

static unsigned long kib(u64 pages) { return (unsigned long)pages << (PAGE_SHIFT - 10); }

/* Zone n is the frames with numbers below 2^n and not below 2^(n-1). */
static void dump_zone(unsigned int zone, const u32 *count)
{
    u64 pages = 0;

    for (unsigned int order = 0; order <= MAX_ORDER; order++)
        pages += (u64)count[order] << order;
    if (!pages)
        return;
    printk("    below %#lx: %lu KiB, blocks by order:", 1UL << (zone + PAGE_SHIFT), kib(pages));
    for (unsigned int order = 0; order <= MAX_ORDER; order++)
        printk(" %u", count[order]);
    printk("\n");
}

static void dump_heap(void)
{
    unsigned int size;
    u32 objects, pages;

    printk("Small objects of the hypervisor, size: in use, pages\n");
    for (unsigned int class = 0; heap_class(class, &size, &objects, &pages); class++)
        if (pages)
            printk("    %4u: %u, %u\n", size, objects, pages);
}

void mm_dump(void)
{
    u32 count[MAX_ORDER + 1];
    u64 owned = 0;

    printk("RAM %lu KiB: free %lu KiB (%lu to be scrubbed, %lu claimed)\n", kib(total_pages()), kib(free_pages()),
           kib(scrub_pages()), kib(claimed_pages()));
    for (unsigned int zone = 0; buddy_blocks(zone, count); zone++)
        dump_zone(zone, count);
    for_each_domain(d) {
        printk("    domain %u: %lu KiB, and %lu KiB of the hypervisor's\n", d->id, kib(d->mm.tot_pages),
               (unsigned long)READ_ONCE(d->mm.hv_bytes) >> 10);
        owned += d->mm.tot_pages;
    }
    printk("Hypervisor %lu KiB (RAM less free less domains' frames), of which counted %lu KiB, image %lu KiB\n",
           kib(total_pages() - free_pages() - owned), kib(hv_pages()),
           (unsigned long)(image_end - image_start) >> 10);
    dump_heap();
}
