/* SPDX-License-Identifier: MIT */
/*
 * The window onto a domain's memory. It begins at a multiple of its size, so that what is written in order is
 * mapped once.
 */
#include "guest_memory.h"

#include <inttypes.h>
#include <string.h>

void guest_unmap(struct guest_memory *memory)
{
    if (memory->window)
        port_unmap_foreign(memory->window, memory->window_pages);
    memory->window = NULL;
}

void *guest_page(struct guest_memory *memory, uint64_t pfn, struct tn_error *err)
{
    xen_pfn_t mfns[GUEST_WINDOW];
    uint64_t first = pfn - pfn % GUEST_WINDOW, left = memory->frames.nr_pages - first;

    if (memory->window && first == memory->window_pfn)
        return memory->window + (pfn - first) * PORT_PAGE_SIZE;
    guest_unmap(memory);
    port_yield();
    memory->window_pfn = first;
    memory->window_pages = left < GUEST_WINDOW ? left : GUEST_WINDOW;
    for (uint64_t i = 0; i < memory->window_pages; i++)
        mfns[i] = frame_of(&memory->frames, first + i);
    memory->window = port_map_foreign(memory->domid, mfns, memory->window_pages);
    if (memory->window)
        return memory->window + (pfn - first) * PORT_PAGE_SIZE;
    tn_fail(err, "domain %s: cannot map its page 0x%" PRIx64 " to write it: not enough memory or page tables"
                 " in Domain-0: boot with a larger dom0_mem=", memory->domain, pfn);
    return NULL;
}

/* `bytes` NULL: zeroes. */
static int put(struct guest_memory *memory, uint64_t address, const uint8_t *bytes, uint64_t count,
               struct tn_error *err)
{
    while (count) {
        uint64_t offset = address % PORT_PAGE_SIZE;
        uint64_t now = count < PORT_PAGE_SIZE - offset ? count : PORT_PAGE_SIZE - offset;
        uint8_t *page = guest_page(memory, address / PORT_PAGE_SIZE, err);

        if (!page)
            return -1;
        if (bytes) {
            memcpy(page + offset, bytes, now);
            bytes += now;
        } else {
            memset(page + offset, 0, now);
        }
        address += now;
        count -= now;
    }
    return 0;
}

int guest_write(struct guest_memory *memory, uint64_t address, const void *bytes, size_t count,
                struct tn_error *err)
{
    return put(memory, address, bytes, count, err);
}

int guest_zero(struct guest_memory *memory, uint64_t address, uint64_t count, struct tn_error *err)
{
    return put(memory, address, NULL, count, err);
}
