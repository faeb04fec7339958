/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1: set-up, mapping and unmapping of pages that the domain grants to itself, by
 * address and by page-table entry, copies, flags in the shared entry, and the status codes of wrong requests.
 * Source: grant_table.h.
 */
#include "guest.h"

#define VA 0x0000123456789000UL
#define FRAMES 4
static grant_entry_v1_t *entries;
static char *page;
static domid_t self;
PROBE(p_write, "movl $1, (%rdi)");
PROBE(p_read, "mov (%rdi), %eax");

static void grant(grant_ref_t ref, domid_t dom, const void *va, unsigned flags)
{
    entries[ref].domid = dom;
    entries[ref].frame = va_to_mfn(va);
    __sync_synchronize();
    entries[ref].flags = GTF_permit_access | flags;
}

static void check_setup(void)
{
    xen_pfn_t frames[FRAMES] = { 0 };
    struct gnttab_query_size query = { .dom = DOMID_SELF };
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = FRAMES };
    struct gnttab_get_version version = { .dom = DOMID_SELF };
    static char area[FRAMES][PAGE_SIZE] __attribute__((aligned(4096)));

    check_eq(HC(grant_table_op, GNTTABOP_query_size, &query, 1), 0, "query_size");
    check_eq(query.status, GNTST_okay, "query_size: status");
    check(query.nr_frames >= 1 && query.max_nr_frames >= FRAMES,
          "query_size: at least four frames are possible");
    check_eq(HC(grant_table_op, GNTTABOP_get_version, &version, 1), 0, "get_version");
    check_eq(version.version, 1, "the table starts as version 1");
    set_xen_guest_handle(setup.frame_list, frames);
    check_eq(HC(grant_table_op, GNTTABOP_setup_table, &setup, 1), 0, "setup_table");
    check_eq(setup.status, GNTST_okay, "setup_table: status");
    check(frames[0] && frames[3] && frames[0] != frames[3], "setup_table: distinct frames");
    for (unsigned i = 0; i < FRAMES; i++)
        if (update_va((unsigned long)area[i], PTE(frames[i], L1_FLAGS), UVMF_INVLPG))
            bail_out("cannot map the grant table");
    entries = (grant_entry_v1_t *)area;
    check(entries[8].flags == 0 && entries[8].frame == 0, "the table is mapped, and empty");
    HC(grant_table_op, GNTTABOP_query_size, &query, 1);
    check(query.nr_frames >= FRAMES, "query_size: the table has grown");
    setup.nr_frames = 0x10000;
    HC(grant_table_op, GNTTABOP_setup_table, &setup, 1);
    check_eq(setup.status, GNTST_general_error, "setup_table with too many frames: general error");
    setup = (struct gnttab_setup_table){ .dom = 4242, .nr_frames = 1 };
    set_xen_guest_handle(setup.frame_list, frames);
    HC(grant_table_op, GNTTABOP_setup_table, &setup, 1);
    check_eq(setup.status, GNTST_bad_domain, "setup_table for a domain that does not exist: bad domain");
}

static long map(struct gnttab_map_grant_ref *op, unsigned long where, unsigned flags, domid_t dom,
                grant_ref_t ref)
{
    *op = (struct gnttab_map_grant_ref){ .host_addr = where, .flags = flags, .ref = ref, .dom = dom };
    return HC(grant_table_op, GNTTABOP_map_grant_ref, op, 1);
}

static int unmap(unsigned long where, grant_handle_t handle)
{
    struct gnttab_unmap_grant_ref op = { .host_addr = where, .handle = handle };
    long ret = HC(grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1);

    return ret ? ret : op.status;
}

static void check_map(void)
{
    struct gnttab_map_grant_ref op;

    grant(8, self, page, 0);
    check_eq(map(&op, VA, GNTMAP_host_map, self, 8), 0, "map_grant_ref of an own page");
    check_eq(op.status, GNTST_okay, "map: status");
    check_eq(op.dev_bus_addr, (uint64_t)va_to_mfn(page) << PAGE_SHIFT,
             "map: dev_bus_addr is the frame's address");
    check_eq(entries[8].flags & (GTF_reading | GTF_writing), GTF_reading | GTF_writing,
             "map: in-use flags are set");
    *(volatile unsigned *)VA = 0x5151;
    check_eq(*(volatile unsigned *)page, 0x5151, "map: the page is shared");
    check_eq(unmap(VA, op.handle), GNTST_okay, "unmap");
    check_eq(entries[8].flags & (GTF_reading | GTF_writing), 0, "unmap clears the in-use flags");
    check(traps(p_read, VA, TRAP_PF), "the address is not mapped any more");
    check_eq(unmap(VA, op.handle), GNTST_bad_handle, "unmap again: bad handle");

    check_eq(map(&op, VA, GNTMAP_host_map | GNTMAP_readonly, self, 8), 0, "read-only map");
    check_eq(op.status, GNTST_okay, "read-only map: status");
    check(traps(p_write, VA, TRAP_PF), "a read-only map cannot be written");
    check_eq(trap_try(p_read, VA), 0, "a read-only map can be read");
    check_eq(unmap(VA + PAGE_SIZE, op.handle), GNTST_general_error,
             "unmap at a wrong address: general error");
    check_eq(unmap(VA, op.handle), GNTST_okay, "unmap of the read-only map");
}

static void check_map_pte(void)
{
    struct gnttab_map_grant_ref op;
    uint64_t pte = pte_maddr(VA, 1);

    check_eq(map(&op, pte, GNTMAP_host_map | GNTMAP_contains_pte, self, 8), 0, "map by page-table entry");
    check_eq(op.status, GNTST_okay, "map by page-table entry: status");
    *(volatile unsigned *)VA = 0x5252;
    check_eq(*(volatile unsigned *)page, 0x5252, "map by page-table entry: the page is shared");
    check_eq(unmap(pte, op.handle), GNTST_okay, "unmap by page-table entry");
    map(&op, pte + 4, GNTMAP_host_map | GNTMAP_contains_pte, self, 8);
    check_eq(op.status, GNTST_general_error,
             "a page-table entry's address that is not aligned: general error");
    map(&op, (uint64_t)va_to_mfn(page) << PAGE_SHIFT, GNTMAP_host_map | GNTMAP_contains_pte, self, 8);
    check_eq(op.status, GNTST_general_error, "an address that is in no page table: general error");
}

static void check_refusals(void)
{
    struct gnttab_map_grant_ref op;

    map(&op, VA, GNTMAP_host_map, self, 9);
    check_eq(op.status, GNTST_general_error, "map of a reference that grants nothing");
    map(&op, VA, GNTMAP_host_map, self, 0x7fffffff);
    check_eq(op.status, GNTST_bad_gntref, "map of a reference beyond the table: bad reference");
    map(&op, VA, GNTMAP_host_map, 4242, 8);
    check_eq(op.status, GNTST_bad_domain, "map from a domain that does not exist: bad domain");
    map(&op, VA, 0, self, 8);
    check_eq(op.status, GNTST_bad_gntref, "map for neither host nor device");
    grant(10, 77, page, 0);
    map(&op, VA, GNTMAP_host_map, self, 10);
    check_eq(op.status, GNTST_general_error, "map of a page granted to another domain");
    grant(11, self, page, GTF_readonly);
    map(&op, VA, GNTMAP_host_map, self, 11);
    check_eq(op.status, GNTST_general_error, "writable map of a read-only grant");
    map(&op, VA, GNTMAP_host_map | GNTMAP_readonly, self, 11);
    check_eq(op.status, GNTST_okay, "read-only map of a read-only grant");
    check_eq(entries[11].flags & (GTF_reading | GTF_writing), GTF_reading, "it sets the reading flag alone");
    check_eq(unmap(VA, op.handle), GNTST_okay, "unmap of it");
    check_eq(entries[11].flags & (GTF_reading | GTF_writing), 0, "it clears the flag");
    entries[12].domid = self;
    entries[12].frame = 0xffffffff;
    entries[12].flags = GTF_permit_access;
    map(&op, VA, GNTMAP_host_map, self, 12);
    check_eq(op.status, GNTST_bad_page, "map of a grant of a nonexistent frame: bad page");
    entries[13].domid = self;
    entries[13].frame = PTE_MFN(((pte_t *)start_info->pt_base)[256]);
    entries[13].flags = GTF_permit_access;
    map(&op, VA, GNTMAP_host_map, self, 13);
    check_eq(op.status, GNTST_bad_page, "map of a grant of the hypervisor's frame: bad page");
    entries[14].domid = self;
    entries[14].frame = root_mfn();
    entries[14].flags = GTF_permit_access;
    map(&op, VA, GNTMAP_host_map, self, 14);
    check_eq(op.status, GNTST_general_error, "writable map of a grant of a page table");
    map(&op, BAD_PTR_XEN, GNTMAP_host_map, self, 8);
    check_eq(op.status, GNTST_general_error, "map at an address of the hypervisor");
    map(&op, 0x700000000000UL, GNTMAP_host_map, self, 8);
    check_eq(op.status, GNTST_general_error, "map at an address without an L1 table");
    check_eq(unmap(VA, 0x12345), GNTST_bad_handle, "unmap of a handle that was never given: bad handle");
    check_eq(unmap(VA, ~0u), GNTST_bad_handle, "unmap of handle ~0: bad handle");
    check_eq(HC(grant_table_op, GNTTABOP_map_grant_ref, BAD_PTR_XEN, 1), -GE_FAULT,
             "map, bad pointer: -EFAULT");
    check_eq(HC(grant_table_op, GNTTABOP_map_grant_ref, &op, 0), 0, "no operations");
    check_eq(HC(grant_table_op, 99, &op, 1), -GE_NOSYS, "an unknown command: -ENOSYS");
    check_eq(HC(grant_table_op, GNTTABOP_map_grant_ref, &op, ~0u), -GE_INVAL, "too many operations: -EINVAL");
}

static int copy(struct gnttab_copy *op)
{
    long ret = HC(grant_table_op, GNTTABOP_copy, op, 1);

    return ret ? ret : op->status;
}

static void check_copy(void)
{
    char *other = page_alloc();
    struct gnttab_copy op = {
        .source = { .u.gmfn = va_to_mfn(page), .domid = DOMID_SELF, .offset = 16 },
        .dest = { .u.gmfn = va_to_mfn(other), .domid = DOMID_SELF, .offset = 32 }, .len = 64,
    }, good = op;

    for (unsigned i = 0; i < PAGE_SIZE; i++)
        page[i] = i * 7;
    check_eq(copy(&op), GNTST_okay, "copy between own frames");
    check_eq(memcmp(page + 16, other + 32, 64), 0, "copy: the bytes are there");
    check(other[31] == 0 && other[96] == 0, "copy: and no others");
    op.source.u.ref = 8;
    op.source.domid = self;
    op.source.offset = 100;
    op.flags = GNTCOPY_source_gref;
    check_eq(copy(&op), GNTST_okay, "copy from a grant");
    check_eq(memcmp(page + 100, other + 32, 64), 0, "copy from a grant: the bytes are there");
    grant(16, self, other, 0);
    op = good;
    op.dest.u.ref = 16;
    op.dest.domid = self;
    op.flags = GNTCOPY_dest_gref;
    check_eq(copy(&op), GNTST_okay, "copy into a grant");
    grant(16, self, other, GTF_readonly);
    check_eq(copy(&op), GNTST_general_error, "copy into a read-only grant");
    op = good;
    op.len = PAGE_SIZE;
    check_eq(copy(&op), GNTST_bad_copy_arg, "copy across the end of a page: bad argument");
    op = good;
    op.source.offset = 0xffff;
    check_eq(copy(&op), GNTST_bad_copy_arg, "copy from beyond a page: bad argument");
    op = good;
    op.dest.u.gmfn = root_mfn();
    check(copy(&op) < 0, "copy onto a page table is refused");
    op = good;
    op.source.u.gmfn = 0x200000000UL;
    check(copy(&op) < 0, "copy from a nonexistent frame is refused");
    op = good;
    op.source.u.gmfn = PTE_MFN(((pte_t *)start_info->pt_base)[256]);
    check(copy(&op) < 0, "copy from the hypervisor's frame is refused");
    op = good;
    op.source.domid = 4242;
    op.flags = GNTCOPY_source_gref;
    check_eq(copy(&op), GNTST_bad_domain, "copy from a domain that does not exist: bad domain");
    op.source.domid = self;
    op.source.u.ref = 9;
    check_eq(copy(&op), GNTST_general_error, "copy from a reference that grants nothing");
    op = good;
    op.source.domid = self;
    check_eq(copy(&op), GNTST_permission_denied,
             "copy by frame number with a domain id that is not DOMID_SELF");
}

static void check_batch(void)
{
    struct gnttab_map_grant_ref ops[3] = {
        { .host_addr = VA, .flags = GNTMAP_host_map, .dom = self, .ref = 8 },
        { .host_addr = VA + PAGE_SIZE, .flags = GNTMAP_host_map, .dom = self, .ref = 9 },
        { .host_addr = VA + PAGE_SIZE, .flags = GNTMAP_host_map, .dom = self, .ref = 8 },
    };

    check_eq(HC(grant_table_op, GNTTABOP_map_grant_ref, ops, 3), 0,
             "a batch of three maps, the second wrong");
    check(ops[0].status == GNTST_okay && ops[1].status < 0 && ops[2].status == GNTST_okay,
          "each has its own status, and the third is done");
    check_eq(unmap(VA, ops[0].handle), GNTST_okay, "the first is unmapped");
    check_eq(entries[8].flags & (GTF_reading | GTF_writing), GTF_reading | GTF_writing,
             "the in-use flags stay while one mapping is left");
    check_eq(unmap(VA + PAGE_SIZE, ops[2].handle), GNTST_okay, "the other is unmapped");
    check_eq(entries[8].flags & (GTF_reading | GTF_writing), 0, "the in-use flags are clear after the last");
}

static void check_replace(void)
{
    struct gnttab_map_grant_ref op;
    char *other = page_alloc();
    struct gnttab_unmap_and_replace replace;
    unsigned long va2 = VA + PAGE_SIZE;

    map(&op, VA, GNTMAP_host_map, self, 8);
    check_eq(update_va(va2, PTE(va_to_mfn(other), L1_FLAGS), UVMF_INVLPG), 0,
             "a replacement is mapped elsewhere");
    replace = (struct gnttab_unmap_and_replace){ .host_addr = VA, .new_addr = va2, .handle = op.handle };
    check_eq(HC(grant_table_op, GNTTABOP_unmap_and_replace, &replace, 1), 0, "unmap_and_replace");
    check_eq(replace.status, GNTST_okay, "unmap_and_replace: status");
    check_eq(PTE_MFN(pte_read(VA, 1)), va_to_mfn(other), "the replacement is at the first address");
    check_eq(pte_read(va2, 1) & PTE_P, 0, "and gone from the second");
    update_va(VA, 0, UVMF_INVLPG);
}

/* Last, because the grant stays in use: the hypervisor cannot account for what the guest cleared. */
static void check_cleared(void)
{
    struct gnttab_map_grant_ref op;

    grant(20, self, page, 0);
    map(&op, VA, GNTMAP_host_map, self, 20);
    check_eq(op.status, GNTST_okay, "one more map");
    check_eq(update_va(VA, 0, UVMF_INVLPG), 0, "the guest may clear the entry itself");
    check_eq(unmap(VA, op.handle), GNTST_general_error, "unmap of an entry that was cleared: general error");
}

TEST_MAIN("grants")
{
    page = page_alloc();
    self = domain_self();
    if (map_page(VA, 0))
        bail_out("cannot build tables");
    check_setup();
    check_map();
    check_map_pte();
    check_refusals();
    check_copy();
    check_batch();
    check_replace();
    check_cleared();
}
