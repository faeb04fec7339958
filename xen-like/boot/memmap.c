/* SPDX-License-Identifier: MIT */
/*
 * The memory map: what the firmware says, made sorted and free of overlaps, and the list of what is in use of
 * the RAM when the frame allocator starts.
 */
#include "boot/info.h"

#define LOW_END 0xa0000     /* of the RAM below the BIOS's areas */

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
    if (type == MEM_RAM) {
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

/*
 * How far the memory at an address is of one type, which is the highest of all raw ranges there, for RAM has
 * the lowest; type 0: none.
 */
static struct mem_range piece_at(u64 at)
{
    struct mem_range piece = { at, UINT64_MAX, 0 };

    for (const struct mem_range *r = raw; r < raw + nr_raw; r++) {
        u64 boundary = r->start > at ? r->start : r->end;

        if (boundary > at)
            piece.end = min(piece.end, boundary);
        if (r->start <= at && at < r->end)
            piece.type = max(piece.type, r->type);
    }
    return piece;
}

/* The next range of the map, which may continue the last. */
static void append(struct mem_range r)
{
    struct boot_memory *m = &boot_memory;
    struct mem_range *last = m->nr_map ? &m->map[m->nr_map - 1] : NULL;

    if (last && last->type == r.type && last->end == r.start)
        last->end = r.end;
    else if (m->nr_map < MEM_RANGES_MAX)
        m->map[m->nr_map++] = r;
    else
        boot_info.map_overflow = true;
}

void memory_map_sanitize(void)
{
    u64 ignored = 0;

    boot_memory.nr_map = 0;
    for (u64 at = 0; at < UINT64_MAX;) {
        struct mem_range piece = piece_at(at);

        at = piece.end;
        if (piece.type == MEM_RAM && at > MAX_RAM) {
            piece.end = max(piece.start, (u64)MAX_RAM);
            ignored += at - piece.end;
        }
        if (piece.type && piece.start < piece.end)
            append(piece);
    }
    if (boot_info.map_overflow)
        log_warn("The memory map has more than %u ranges; the rest is not used\n", MEM_RANGES_MAX);
    if (ignored)
        log_warn("%lu MiB of memory above 4 TiB are not used\n", ignored >> 20);
}

/* Kept sorted and merged, as mm/ wants to walk it beside the map. */
void memory_reserve(u64 start, u64 end)
{
    struct mem_range *reserved = boot_memory.reserved;
    unsigned int n = boot_memory.nr_reserved, first = 0, behind;

    start = ALIGN_DOWN(start, PAGE_SIZE);
    end = ALIGN_UP(end, PAGE_SIZE);
    if (start >= end)
        return;
    while (first < n && reserved[first].end < start)
        first++;
    for (behind = first; behind < n && reserved[behind].start <= end; behind++) {
        start = min(start, reserved[behind].start);
        end = max(end, reserved[behind].end);
    }
    if (behind == first && n == MEM_RANGES_MAX)
        panic("more than %u ranges of memory are in use at boot; load fewer modules", MEM_RANGES_MAX);
    /* The new range takes the place of [first, behind). */
    memmove(&reserved[first + 1], &reserved[behind], (n - behind) * sizeof(*reserved));
    reserved[first] = (struct mem_range){ start, end, 0 };
    boot_memory.nr_reserved = n + 1 - (behind - first);
}

/* The one of n ranges that has the address, or NULL. */
static const struct mem_range *range_at(const struct mem_range *r, unsigned int n, u64 at)
{
    for (; n--; r++)
        if (r->start <= at && at < r->end)
            return r;
    return NULL;
}

u64 memory_take_low_page(void)
{
    const struct boot_memory *m = &boot_memory;

    for (u64 page = LOW_END - PAGE_SIZE; page; page -= PAGE_SIZE) {
        const struct mem_range *r = range_at(m->map, m->nr_map, page);

        if (!r || r->type != MEM_RAM || range_at(m->reserved, m->nr_reserved, page))
            continue;
        memory_reserve(page, page + PAGE_SIZE);
        return page;
    }
    return 0;
}

u64 memory_total(void)
{
    u64 total = 0;

    for (const struct mem_range *r = boot_memory.map; r < boot_memory.map + boot_memory.nr_map; r++)
        total += r->type == MEM_RAM ? r->end - r->start : 0;
    return total;
}
