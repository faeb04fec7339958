/* SPDX-License-Identifier: MIT */
/*
 * Start-up of memory management: from the boot loader's memory map to the hypervisor's own page tables, the
 * frame table and the M2P, and the frames that the allocator begins with.
 *
 * Two stages, because a large machine's frame table does not fit below 4 GiB, which is all that the boot
 * tables map: first the direct map, with tables from low memory; then, running on it, the arrays, from
 * wherever there is room. Until the allocator works, memory comes from free_range[], highest first.
 */
#include "cpu/features.h"
#include "lib/image.h"
#include "mm/arch.h"
#include "mm/internal.h"
#include "mm/isolation.h"
#include "mm/machine.h"

struct boot_memory boot_memory;
u64 frame_limit;
unsigned long *frame_bitmap;

#define BOOT_MAPPED_END GB(4)   /* what the boot tables map */
#define CHUNK_FRAMES    512     /* the frame table covers RAM by 2 MiB: three of its pages, and one of the M2P */
#define LARGE_2M        MB(2)
#define LARGE_1G        GB(1)

#define MAX_RANGES (2 * MEM_RANGES_MAX + 64)

static struct mem_range ram[MEM_RANGES_MAX], free_range[MAX_RANGES];
static unsigned int nr_ram, nr_free;
static u64 early_limit = BOOT_MAPPED_END;

/* --- ranges --- */

static void add_free(unsigned int at, u64 start, u64 end)
{
    if (nr_free == MAX_RANGES)
        panic("The memory map has more than %u free pieces; there is no room to note them", MAX_RANGES);
    memmove(&free_range[at + 1], &free_range[at], (nr_free - at) * sizeof(free_range[0]));
    free_range[at] = (struct mem_range){ start, end, 1 };
    nr_free++;
}

/* Takes [start, end) out of free_range[]. */
static void cut_free(u64 start, u64 end)
{
    for (unsigned int i = 0; i < nr_free; i++) {
        struct mem_range *r = &free_range[i];
        u64 old_end = r->end;

        if (end <= r->start || start >= r->end)
            continue;
        r->end = max(r->start, min(start, r->end));
        if (end < old_end)
            add_free(i + 1, end, old_end);
    }
}

static void collect_ranges(void)
{
    for (const struct mem_range *m = boot_memory.map; m < boot_memory.map + boot_memory.nr_map; m++) {
        if (m->type != 1)
            continue;
        ram[nr_ram++] = *m;
        buddy_total += (m->end - m->start) >> PAGE_SHIFT;
        frame_limit = m->end >> PAGE_SHIFT;
        add_free(nr_free, m->start, m->end);
    }
    if (!nr_ram)
        panic("The boot loader's memory map has no RAM");
    cut_free(0, PAGE_SIZE);     /* frame number 0 means "none" in lists */
    for (unsigned int i = 0; i < boot_memory.nr_reserved; i++)
        cut_free(boot_memory.reserved[i].start, boot_memory.reserved[i].end);
}

/* size bytes, aligned to size (a power of two), below early_limit; 0: none. */
static u64 early_alloc(u64 size)
{
    for (unsigned int i = nr_free; i-- > 0; ) {
        u64 end = min(free_range[i].end, early_limit), at = end < size ? 0 : ALIGN_DOWN(end - size, size);

        if (at && at >= free_range[i].start) {
            cut_free(at, at + size);
            return at;
        }
    }
    return 0;
}

static u64 *early_table(void)
{
    u64 at = early_alloc(PAGE_SIZE);

    if (!at)
        panic("No memory for the hypervisor's page tables; the machine needs more RAM below 4 GiB");
    clear_page(maddr_to_virt(MADDR(at)));
    return maddr_to_virt(MADDR(at));
}

/* --- the hypervisor's tables --- */

u64 *(*hv_table_alloc)(void) = early_table;

static u64 *heap_table(void) { return hv_alloc_page(); }

static void map_image_part(const char *from, const char *to, u64 flags)
{
    hv_map((unsigned long)from, image_virt_to_phys(from), to - from, flags, false);
}

/*
 * Every slot that is ever used gets its L3 table now, so that the 16 entries in guests' tables never change.
 */
static void make_l3_tables(void)
{
    hv_entry(M2P_RO_START, 3);
    hv_entry(FRAME_TABLE_START, 3);
    hv_entry(CPU_WINDOW_START, 3);
    hv_entry(IMAGE_START, 3);
    for (u64 at = 0; at < frame_limit << PAGE_SHIFT; at += 1UL << L4_SLOT_SHIFT)
        hv_entry(DIRECT_MAP_START + at, 3);
}

static void map_first_stage(void)
{
    /* Not global where guests are isolated: what must not be mapped must not stay in the TLB either. */
    hv_pte_global = cpu.pge && !isolation_on() ? PTE_G : 0;
    hv_l4 = early_table();
    hv_root = virt_to_mfn(hv_l4);
    make_l3_tables();
    map_image_part(image_start, image_text_end, PTE_HV_RX);
    map_image_part(image_text_end, image_rodata_end, PTE_HV_RO);
    map_image_part(image_rodata_end, image_end, PTE_HV_RW);
    for (unsigned int i = 0; i < nr_ram; i++)
        hv_map(DIRECT_MAP_START + ram[i].start, ram[i].start, ram[i].end - ram[i].start, PTE_HV_RW, true);
    load_cr3_flush_global(mfn_to_maddr(hv_root).v);
    early_limit = MAX_RAM;
}

/* --- frame table and M2P --- */

static void make_bitmap(void)
{
    u64 size = PAGE_SIZE;

    while (size * 8 * CHUNK_FRAMES < frame_limit)
        size <<= 1;
    u64 at = early_alloc(size);
    if (!at)
        panic("No memory for the map of RAM; the machine needs more RAM");
    frame_bitmap = memset(maddr_to_virt(MADDR(at)), 0, size);
    for (unsigned int i = 0; i < nr_ram; i++)
        for (u64 chunk = ram[i].start / LARGE_2M; chunk * LARGE_2M < ram[i].end; chunk++)
            set_bit(chunk, frame_bitmap);
}

/*
 * Memory for [va, va + size) of an array that has a second, read-only view for guests at ro, if ro is not 0.
 */
static void back_array(unsigned long va, unsigned long ro, u64 size, u64 fill)
{
    while (size) {
        u64 step = size >= LARGE_2M && !(va & (LARGE_2M - 1)) ? LARGE_2M : PAGE_SIZE, at;

        at = early_alloc(step);
        if (!at && step > PAGE_SIZE)
            at = early_alloc(step = PAGE_SIZE);
        if (!at)
            panic("No memory for the frame table; the machine needs more RAM");
        for (u64 *p = maddr_to_virt(MADDR(at)), *end = p + step / 8; p < end; p++)
            *p = fill;
        hv_map(va, at, step, PTE_HV_RW, true);
        if (ro) {
            hv_map(ro, at, step, PTE_HV_RO | PTE_US, true);
            ro += step;
        }
        va += step;
        size -= step;
    }
}

/* Gives owner those of the frames [at, last) that lie in none of n ranges, which are sorted; says how many. */
static u64 own_gaps(u64 at, u64 last, const struct mem_range *r, unsigned int n, u32 owner)
{
    u64 owned = 0;

    for (; at < last; r++, n--) {
        u64 gap_end = n ? min(r->start >> PAGE_SHIFT, last) : last;

        for (; at < gap_end; at++, owned++)
            mfn_to_frame(MFN(at))->owner = owner;
        if (n)
            at = max(at, r->end >> PAGE_SHIFT);
    }
    return owned;
}

/* The frame table, for runs of 2 MiB chunks with RAM in them; what lies between pieces of RAM is a hole. */
static void make_frame_table(void)
{
    u64 chunks = DIV_ROUND_UP(frame_limit, CHUNK_FRAMES), from, to;

    for (from = find_next_bit(frame_bitmap, chunks, 0); from < chunks;
         from = find_next_bit(frame_bitmap, chunks, to)) {
        to = find_next_zero_bit(frame_bitmap, chunks, from);
        back_array(FRAME_TABLE_START + from * CHUNK_FRAMES * sizeof(struct frame), 0,
                   (to - from) * CHUNK_FRAMES * sizeof(struct frame), 0);
        own_gaps(from * CHUNK_FRAMES, to * CHUNK_FRAMES, ram, nr_ram, FRAME_OWNER_IO);
    }
}

/*
 * The M2P comes in pieces of 2 MiB, one for each GiB with RAM in it: so tools can map it
 * (XENMEM_machphys_mfn_list).
 */
static void back_m2p(void)
{
    u64 next = 0;

    for (unsigned int i = 0; i < nr_ram; i++)
        for (u64 gib = max(next, ram[i].start / LARGE_1G); gib * LARGE_1G < ram[i].end; next = ++gib)
            back_array(M2P_RW_START + gib * LARGE_2M, M2P_RO_START + gib * LARGE_2M, LARGE_2M, INVALID_M2P_ENTRY);
}

/* RAM that is not free any more is the hypervisor's. */
static void own_used(void)
{
    for (unsigned int i = 0; i < nr_ram; i++)
        hv_page_count += own_gaps(ram[i].start >> PAGE_SHIFT, ram[i].end >> PAGE_SHIFT, free_range, nr_free,
                                  FRAME_OWNER_HV);
}

void mm_init(void)
{
    mm_machine_init();
    collect_ranges();
    map_first_stage();
    make_bitmap();
    make_frame_table();
    back_m2p();
    own_used();
    hv_table_alloc = heap_table;
    for (unsigned int i = 0; i < nr_free; i++)
        buddy_init_range(free_range[i].start >> PAGE_SHIFT, free_range[i].end >> PAGE_SHIFT);
    owners = xzalloc_array(struct domain *, DOMID_FIRST_RESERVED);
    if (!owners)
        panic("no memory for the table of domains");
    log_info("Memory: %lu MiB, %lu MiB free, hypervisor %lu KiB\n", (unsigned long)(buddy_total >> 8),
             (unsigned long)(free_pages() >> 8), (unsigned long)(hv_page_count << 2));
}

void mm_free_boot_range(u64 start, u64 end)
{
    u64 at = ALIGN_DOWN(start, PAGE_SIZE) >> PAGE_SHIFT, last = ALIGN_UP(end, PAGE_SIZE) >> PAGE_SHIFT;

    for (; at < last; at++) {
        struct frame *f = mfn_to_frame(MFN(at));

        /* Ranges may share a page, whose second turn finds it free. */
        if (!mfn_valid(MFN(at)) || (f->count & FRAME_FREE) || f->owner != FRAME_OWNER_HV)
            continue;
        hv_page_count--;
        buddy_free(f, 0, FRAME_DIRTY, 0);
    }
}

void root_fill_hv_slots(u64 *l4, bool isolated)
{
    unsigned int m2p = pt_index(M2P_RO_START, 4);

    for (unsigned int slot = HV_L4_FIRST; slot <= HV_L4_LAST; slot++)
        l4[slot] = isolated && slot != m2p ? 0 : hv_l4[slot];
}
