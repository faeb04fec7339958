/* SPDX-License-Identifier: MIT */
/*
 * The memory map: what the firmware says, made sorted and free of overlaps, and the list of what is in use of
 * the RAM when the frame allocator starts.
 */
#include "boot/info.h"

#define TYPE_RAM 1

/* What the firmware says, as it says it. */
static struct mem_range raw[MEM_RANGES_MAX];
static unsigned int nr_raw;

void memory_map_add(u64 start, u64 size, u32 type)
{
    u64 end;

    if (!size)
        return;
    if (nr_raw == MEM_RANGES_MAX) {
        boot_info.map_overflow = true;
        return;
    }
    if (__builtin_add_overflow(start, size, &end))
        end = UINT64_MAX & PAGE_MASK;
    /* Only whole pages are RAM, and any part of a page that is not spoils it. */
    if (type == TYPE_RAM) {
        start = ALIGN_UP(start, PAGE_SIZE);
        end = ALIGN_DOWN(end, PAGE_SIZE);
        if (start >= end)
            return;
    } else {
        start = ALIGN_DOWN(start, PAGE_SIZE);
        end = ALIGN_UP(end, PAGE_SIZE) ?: end;
    }
    raw[nr_raw++] = (struct mem_range){ start, end, type };
}

/* The lowest boundary of any raw range above `above`, or UINT64_MAX. */
static u64 next_boundary(u64 above)
{
    u64 next = UINT64_MAX;

    for (unsigned int i = 0; i < nr_raw; i++) {
        if (raw[i].start > above)
            next = min(next, raw[i].start);
        if (raw[i].end > above)
            next = min(next, raw[i].end);
    }
    return next;
}

/* Type of the memory just above at: the highest of all ranges there, for RAM has the lowest; 0: none. */
static u32 type_at(u64 at)
{
    u32 type = 0;

    for (unsigned int i = 0; i < nr_raw; i++)
        if (raw[i].start <= at && at < raw[i].end)
            type = max(type, raw[i].type);
    return type;
}

void memory_map_sanitize(void)
{
    struct boot_memory *m = &boot_memory;
    u64 at = 0, ignored = 0;

    m->nr_map = 0;
    while (at < UINT64_MAX) {
        u64 end = next_boundary(at);
        u32 type = type_at(at);
        struct mem_range *last = m->nr_map ? &m->map[m->nr_map - 1] : NULL;

        if (type == TYPE_RAM && end > MAX_RAM) {
            ignored += end - max(at, (u64)MAX_RAM);
            end = max(at, (u64)MAX_RAM);
        }
        if (type && end > at) {
            if (last && last->type == type && last->end == at)
                last->end = end;
            else if (m->nr_map < MEM_RANGES_MAX)
                m->map[m->nr_map++] = (struct mem_range){ at, end, type };
            else
                boot_info.map_overflow = true;
        }
        at = next_boundary(at);
    }
    if (boot_info.map_overflow)
        log_warn("The memory map has more than %u ranges; the rest is not used\n", MEM_RANGES_MAX);
    if (ignored)
        log_warn("%lu MiB of memory above 4 TiB are not used\n", ignored >> 20);
}

/* Kept sorted and merged, as mm/ wants to walk it beside the map. */
void memory_reserve(u64 start, u64 end)
{
    struct boot_memory *m = &boot_memory;
    unsigned int i = 0, last;

    start = ALIGN_DOWN(start, PAGE_SIZE);
    end = ALIGN_UP(end, PAGE_SIZE);
    if (start >= end)
        return;
    while (i < m->nr_reserved && m->reserved[i].end < start)
        i++;
    for (last = i; last < m->nr_reserved && m->reserved[last].start <= end; last++) {
        start = min(start, m->reserved[last].start);
        end = max(end, m->reserved[last].end);
    }
    if (last == i && m->nr_reserved == MEM_RANGES_MAX)
        panic("more than %u ranges of memory are in use at boot; load fewer modules", MEM_RANGES_MAX);
    /* The new range takes the place of [i, last). */
    if (last == i)
        for (unsigned int k = m->nr_reserved++; k > i; k--)
            m->reserved[k] = m->reserved[k - 1];
    else
        for (unsigned int k = last; k < m->nr_reserved; k++)
            m->reserved[i + 1 + k - last] = m->reserved[k];
    if (last > i)
        m->nr_reserved -= last - i - 1;
    m->reserved[i] = (struct mem_range){ start, end, 0 };
}

static bool is_reserved(u64 start, u64 end)
{
    for (unsigned int i = 0; i < boot_memory.nr_reserved; i++)
        if (start < boot_memory.reserved[i].end && end > boot_memory.reserved[i].start)
            return true;
    return false;
}

u64 memory_take_low_page(void)
{
    for (unsigned int i = boot_memory.nr_map; i-- > 0;) {
        const struct mem_range *r = &boot_memory.map[i];

        if (r->type != TYPE_RAM || r->start >= 0xa0000)
            continue;
        for (u64 page = min(r->end, 0xa0000UL) - PAGE_SIZE; page >= max(r->start, PAGE_SIZE);
             page -= PAGE_SIZE)
            if (!is_reserved(page, page + PAGE_SIZE)) {
                memory_reserve(page, page + PAGE_SIZE);
                return page;
            }
    }
    return 0;
}

u64 memory_total(void)
{
    u64 total = 0;

    for (unsigned int i = 0; i < boot_memory.nr_map; i++)
        if (boot_memory.map[i].type == TYPE_RAM)
            total += boot_memory.map[i].end - boot_memory.map[i].start;
    return total;
}
