/* SPDX-License-Identifier: MIT */
/*
 * memory_op: reservations released and populated, exchange, the numbers that a domain may ask for, maps, and
 * the answers to wrong requests.  Source: memory.h.
 */
#include "guest.h"

#define VA 0x0000123456789000UL
static unsigned long spare_pfn;         /* a page beyond the initial mapping, so that nothing maps it */

static long reservation(unsigned cmd, xen_pfn_t *extents, unsigned long n, unsigned order, domid_t dom)
{
    struct xen_memory_reservation arg = { .nr_extents = n, .extent_order = order, .domid = dom };

    set_xen_guest_handle(arg.extent_start, extents);
    return HC(memory_op, cmd, &arg);
}

static long pages_now(unsigned cmd)
{
    domid_t dom = DOMID_SELF;

    return HC(memory_op, cmd, &dom);
}

static void check_numbers(void)
{
    domid_t dom = 4242;
    long pages = start_info->nr_pages;
    struct xen_machphys_mapping mapping;
    xen_pfn_t extents[4] = { 0 };
    struct xen_machphys_mfn_list list = { .max_extents = 4 };

    check_eq(pages_now(XENMEM_current_reservation), pages, "current_reservation is nr_pages");
    check(pages_now(XENMEM_maximum_reservation) >= pages, "maximum_reservation is no less");
    check(HC(memory_op, XENMEM_maximum_ram_page, 0) >= pages, "maximum_ram_page is plausible");
    check_eq(HC(memory_op, XENMEM_current_reservation, &dom), -GE_SRCH,
             "current_reservation of a domain that does not exist: -ESRCH");
    check_eq(HC(memory_op, XENMEM_current_reservation, BAD_PTR_XEN), -GE_FAULT,
             "current_reservation, bad pointer: -EFAULT");
    check_eq(HC(memory_op, XENMEM_machphys_mapping, &mapping), 0, "machphys_mapping");
    check_eq(mapping.v_start, MACH2PHYS_VIRT_START, "machphys_mapping: start");
    check_eq(mapping.v_end, MACH2PHYS_VIRT_END, "machphys_mapping: end");
    if (is_dom0())
        check_eq(mapping.max_mfn + 1, HC(memory_op, XENMEM_maximum_ram_page, 0),
                 "machphys_mapping: max_mfn is the last of the memory");
    else
        check_eq(mapping.max_mfn + 1, MACH2PHYS_NR_ENTRIES,
                 "machphys_mapping: max_mfn is the last that the table has room for");
    check_eq(HC(memory_op, XENMEM_machphys_mapping, BAD_PTR_XEN), -GE_FAULT,
             "machphys_mapping, bad pointer: -EFAULT");
    set_xen_guest_handle(list.extent_start, extents);
    check_eq(HC(memory_op, XENMEM_machphys_mfn_list, &list), 0, "machphys_mfn_list");
    check(list.nr_extents >= 1 && extents[0], "machphys_mfn_list: at least one extent");
    check_eq(HC(memory_op, 999, 0), -GE_NOSYS, "an unknown command: -ENOSYS");
}

struct e820 {
    uint64_t base, size;
    uint32_t type;
} __attribute__((packed));

static void check_maps(void)
{
    static struct e820 entries[64];
    struct xen_memory_map map = { .nr_entries = ARRAY_SIZE(entries) };
    uint64_t ram = 0;

    set_xen_guest_handle(map.buffer, entries);
    if (!is_dom0()) {
        check_eq(HC(memory_op, XENMEM_machine_memory_map, &map), -GE_PERM, "machine_memory_map: -EPERM");
        return;
    }
    check_eq(HC(memory_op, XENMEM_machine_memory_map, &map), 0, "machine_memory_map");
    check(map.nr_entries >= 2 && map.nr_entries <= ARRAY_SIZE(entries), "machine_memory_map: some entries");
    for (unsigned i = 0; i < map.nr_entries; i++)
        if (entries[i].type == 1)
            ram += entries[i].size;
    check(ram > 500UL << 20 && ram <= 512UL << 20, "machine_memory_map: the machine's RAM");
    check_eq(HC(memory_op, XENMEM_machine_memory_map, BAD_PTR_XEN), -GE_FAULT,
             "machine_memory_map, bad pointer: -EFAULT");
    map.nr_entries = ARRAY_SIZE(entries);
    check_eq(HC(memory_op, XENMEM_memory_map, &map), -GE_NOSYS,
             "memory_map of a domain that has none: -ENOSYS");
}

static void check_release(void)
{
    xen_pfn_t mfn = p2m()[spare_pfn], old = mfn, pfn = spare_pfn;
    long before = pages_now(XENMEM_current_reservation);

    check_eq(reservation(XENMEM_decrease_reservation, &mfn, 1, 0, DOMID_SELF), 1,
             "decrease_reservation by a page");
    check_eq(pages_now(XENMEM_current_reservation), before - 1, "the reservation is smaller by one");
    check_eq(mmu_set(pte_maddr(VA, 1), PTE(old, L1_FLAGS)), -GE_BUSY,
             "a released frame cannot be mapped: -EBUSY");
    check_eq(reservation(XENMEM_decrease_reservation, &mfn, 1, 0, DOMID_SELF), 0,
             "releasing it again does nothing");
    check_eq(reservation(XENMEM_populate_physmap, &pfn, 1, 0, DOMID_SELF), 1, "populate_physmap of a page");
    check_eq(pages_now(XENMEM_current_reservation), before, "the reservation is as before");
    check_eq(machine_to_phys_mapping[pfn], spare_pfn, "populate_physmap sets the M2P");
    check_eq(mmu_set(pte_maddr(VA, 1), PTE(pfn, L1_FLAGS)), 0, "the new frame can be mapped");
    check_eq(mmu_set(pte_maddr(VA, 1), 0), 0, "it is unmapped");
    p2m()[spare_pfn] = pfn;

    mfn = 0;
    check_eq(reservation(XENMEM_increase_reservation, &mfn, 1, 0, DOMID_SELF), 1,
             "increase_reservation by a page");
    check(mfn, "increase_reservation tells the frame");
    check_eq(pages_now(XENMEM_current_reservation), before + 1, "the reservation is larger by one");
    check_eq(reservation(XENMEM_decrease_reservation, &mfn, 1, 0, DOMID_SELF), 1, "and released");
}

static void check_mapped_release(void)
{
    char *page = page_alloc();
    xen_pfn_t mfn = va_to_mfn(page), pfn = va_to_pfn(page);
    long before = pages_now(XENMEM_current_reservation);

    page[0] = 1;
    check_eq(reservation(XENMEM_decrease_reservation, &mfn, 1, 0, DOMID_SELF), 1,
             "decrease_reservation of a page that is still mapped");
    check_eq(page[0], 1, "its mapping still works: the frame lives as long as it");
    check_eq(update_va((unsigned long)page, 0, UVMF_INVLPG), 0, "the mapping is cleared");
    check_eq(pages_now(XENMEM_current_reservation), before - 1, "the reservation is smaller by one");
    check_eq(reservation(XENMEM_populate_physmap, &pfn, 1, 0, DOMID_SELF), 1,
             "another frame takes its place");
    p2m()[va_to_pfn(page)] = pfn;
    check_eq(update_va((unsigned long)page, PTE(pfn, L1_FLAGS), UVMF_INVLPG), 0, "and is mapped");
    page_free(page);
}

static void check_orders(void)
{
    xen_pfn_t extents[2] = { 0, 0 };
    xen_pfn_t table = root_mfn();

    check_eq(reservation(XENMEM_increase_reservation, extents, 1, 4, DOMID_SELF), 1, "an extent of order 4");
    check_eq(extents[0] % 16, 0, "is aligned to its size");
    check_eq(reservation(XENMEM_decrease_reservation, extents, 1, 4, DOMID_SELF), 1, "and released whole");
    check_eq(reservation(XENMEM_increase_reservation, extents, 1, 40, DOMID_SELF), 0, "order 40: nothing");
    check_eq(reservation(XENMEM_populate_physmap, extents, 1, 255, DOMID_SELF), 0, "order 255: nothing");
    check_eq(reservation(XENMEM_decrease_reservation, extents, 1, 64, DOMID_SELF), 0,
             "decrease, order 64: nothing");
    check_eq(reservation(XENMEM_increase_reservation, extents, 0, 0, DOMID_SELF), 0, "no extents: 0");
    check_eq(reservation(XENMEM_increase_reservation, extents, ~0UL, 0, DOMID_SELF), 0,
             "more extents than a count can hold: nothing");
    check_eq(reservation(XENMEM_increase_reservation, extents, 1, 0, 4242), 0,
             "a domain that does not exist: 0");
    check_eq(reservation(XENMEM_increase_reservation, (xen_pfn_t *)BAD_PTR_XEN, 1, 0, DOMID_SELF), 0,
             "increase with a bad list: nothing is done");
    check_eq(reservation(XENMEM_decrease_reservation, (xen_pfn_t *)BAD_PTR_XEN, 1, 0, DOMID_SELF), 0,
             "decrease with a bad list: nothing is done");
    check_eq(reservation(XENMEM_populate_physmap, (xen_pfn_t *)BAD_PTR_UNMAPPED, 1, 0, DOMID_SELF), 0,
             "populate with a bad list: nothing is done");
    check_eq(HC(memory_op, XENMEM_increase_reservation, BAD_PTR_XEN), 0,
             "increase_reservation, bad pointer: nothing is done");
    extents[0] = 0x200000000UL;
    check_eq(reservation(XENMEM_decrease_reservation, extents, 1, 0, DOMID_SELF), 0,
             "decrease of a nonexistent frame");
    extents[0] = PTE_MFN(((pte_t *)start_info->pt_base)[256]);
    check_eq(reservation(XENMEM_decrease_reservation, extents, 1, 0, DOMID_SELF), 0,
             "decrease of a frame of the hypervisor");
    check_eq(reservation(XENMEM_decrease_reservation, &table, 1, 0, DOMID_SELF), 1,
             "decrease of the root table: it leaves the reservation");
    check_eq(pte_read(VIRT_BASE, 1) & PTE_P, PTE_P, "and stays a page table while it is in use");
}

static void check_limit(void)
{
    static xen_pfn_t extents[8192];
    long room = pages_now(XENMEM_maximum_reservation) - pages_now(XENMEM_current_reservation);
    long got;

    if (room > 8000)
        room = 8000;
    got = reservation(XENMEM_increase_reservation, extents, room + 10, 0, DOMID_SELF);
    check_eq(got, room, "increase_reservation stops at the maximum");
    check_eq(pages_now(XENMEM_current_reservation), pages_now(XENMEM_maximum_reservation),
             "which is reached");
    check_eq(reservation(XENMEM_decrease_reservation, extents, got, 0, DOMID_SELF), got, "all are released");
}

static void check_exchange(void)
{
    xen_pfn_t in[4], out[1];
    struct xen_memory_exchange arg = {
        .in = { .nr_extents = 4, .extent_order = 0, .domid = DOMID_SELF },
        .out = { .nr_extents = 1, .extent_order = 2, .domid = DOMID_SELF },
    };
    long before = pages_now(XENMEM_current_reservation);

    for (unsigned i = 0; i < 4; i++)
        in[i] = p2m()[spare_pfn + 4 + i];
    out[0] = spare_pfn + 4;
    set_xen_guest_handle(arg.in.extent_start, in);
    set_xen_guest_handle(arg.out.extent_start, out);
    check_eq(HC(memory_op, XENMEM_exchange, &arg), 0, "exchange of four pages for one extent of order 2");
    check_eq(arg.nr_exchanged, 4, "exchange: all four are counted");
    check_eq(out[0] % 4, 0, "exchange: the new extent is aligned");
    check_eq(machine_to_phys_mapping[out[0] + 3], spare_pfn + 7, "exchange: the M2P is set");
    check_eq(pages_now(XENMEM_current_reservation), before, "exchange: the reservation is as before");
    for (unsigned i = 0; i < 4; i++)
        p2m()[spare_pfn + 4 + i] = out[0] + i;
    arg.nr_exchanged = 0;
    arg.out.nr_extents = 2;
    check_eq(HC(memory_op, XENMEM_exchange, &arg), -GE_INVAL, "exchange of unequal amounts: -EINVAL");
    arg.out.nr_extents = 1;
    arg.out.domid = 4242;
    check_eq(HC(memory_op, XENMEM_exchange, &arg), -GE_INVAL, "exchange between two domains: -EINVAL");
    arg.out.domid = DOMID_SELF;
    in[0] = 0x200000000UL;
    arg.nr_exchanged = 0;
    check_eq(HC(memory_op, XENMEM_exchange, &arg), -GE_INVAL, "exchange of a nonexistent frame: -EINVAL");
    check_eq(arg.nr_exchanged, 0, "exchange: nothing is counted");
    check_eq(HC(memory_op, XENMEM_exchange, BAD_PTR_XEN), -GE_FAULT, "exchange, bad pointer: -EFAULT");
}

TEST_MAIN("memory")
{
    spare_pfn = start_info->nr_pages - 64;
    if (map_page(VA, 0))
        bail_out("cannot build tables");
    check_numbers();
    check_maps();
    check_release();
    check_mapped_release();
    check_limit();
    check_exchange();
    check_orders();
}
