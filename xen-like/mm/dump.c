/* SPDX-License-Identifier: MIT */
/* Debug key: memory, free and in use. */
#include "lib/image.h"
#include "mm/internal.h"

static unsigned long kib(u64 pages) { return (unsigned long)pages << (PAGE_SHIFT - 10); }

static void dump_zone(unsigned int zone)
{
    u32 count[MAX_ORDER + 1];
    u64 pages = 0;

    for (unsigned int order = 0; order <= MAX_ORDER; order++) {
        count[order] = buddy_blocks(zone, order);
        pages += (u64)count[order] << order;
    }
    if (!pages)
        return;
    printk("    below %#lx: %lu KiB, blocks by order:", 1UL << (zone + PAGE_SHIFT), kib(pages));
    for (unsigned int order = 0; order <= MAX_ORDER; order++)
        printk(" %u", count[order]);
    printk("\n");
}

void mm_dump(void)
{
    u64 owned = 0;

    printk("RAM %lu KiB: free %lu KiB (%lu to be scrubbed, %lu claimed)\n", kib(total_pages()), kib(free_pages()),
           kib(scrub_pages()), kib(claimed_pages()));
    for (unsigned int zone = 0; zone < BUDDY_ZONES; zone++)
        dump_zone(zone);
    for_each_domain(d) {
        printk("    domain %u: %lu KiB, and %lu KiB of the hypervisor's\n", d->id, kib(d->mm.tot_pages),
               (unsigned long)READ_ONCE(d->mm.hv_bytes) >> 10);
        owned += d->mm.tot_pages;
    }
    printk("Hypervisor %lu KiB (RAM less free less domains' frames), of which counted %lu KiB, image %lu KiB\n",
           kib(total_pages() - free_pages() - owned), kib(hv_pages()),
           (unsigned long)(image_end - image_start) >> 10);
    heap_dump();
}
