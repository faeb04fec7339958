/* SPDX-License-Identifier: MIT */
/*
 * Well-formed requests on grants, event channels, memory, timers, the scheduler and vCPUs, each with a field
 * that is now and then wrong.  The domain is its own partner: it maps what it grants, and binds to the ports
 * that it offers.
 */
#include "fuzz.h"

#define GRANT_FRAMES 4
#define GRANT_ENTRIES (GRANT_FRAMES * PAGE_SIZE / sizeof(grant_entry_v1_t))
#define OWN_TABLE_REF 9
#define MAPS 128
#define MS 1000000UL

static char grant_area[GRANT_FRAMES][PAGE_SIZE] __attribute__((aligned(4096)));
static volatile grant_entry_v1_t *entries;
/* Maps that were made and not ended; shared by all fuzzers, so a row may be taken by another meanwhile. */
static volatile struct map {
    uint64_t address;
    grant_handle_t handle;
    uint32_t used;
} maps[MAPS];

void objects_init(void)
{
    xen_pfn_t frames[GRANT_FRAMES] = { 0 };
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = GRANT_FRAMES };

    set_xen_guest_handle(setup.frame_list, frames);
    if (HC(grant_table_op, GNTTABOP_setup_table, &setup, 1) || setup.status) {
        note("no grant table: status %d", setup.status);
        return;
    }
    for (unsigned i = 0; i < GRANT_FRAMES; i++)
        if (update_va((unsigned long)grant_area[i], PTE(frames[i], L1_FLAGS), UVMF_INVLPG))
            bail_out("cannot map the grant table");
    entries = (volatile grant_entry_v1_t *)grant_area;
}

/*
 * A grant of a frame.  The tables that the fuzzer runs on are for copies alone: where one is mapped, be it
 * read-only, the fuzzer's writes there are emulated, and it changes them.
 */
static grant_ref_t rnd_ref(struct fuzzer *f, bool for_map)
{
    grant_ref_t ref = one_in(f, 30)  ? (grant_ref_t)rnd_arg(f)
                      : one_in(f, 2) ? rnd_below(f, 8)
                                     : rnd_below(f, GRANT_ENTRIES);

    /* An entry that the hypervisor uses must not be rewritten while in use; one that does so hurts itself
     * only. */
    if (entries && ref < GRANT_ENTRIES &&
        (!(entries[ref].flags & (GTF_reading | GTF_writing)) || one_in(f, 20))) {
        entries[ref].domid = one_in(f, 10) ? rnd_domid(f) : 0;
        entries[ref].frame = for_map ? rnd_harmless_mfn(f) : rnd_mfn(f);
        entries[ref].flags = one_in(f, 6) ? rnd(f) : GTF_permit_access | (one_in(f, 3) ? GTF_readonly : 0);
    }
    return ref;
}

static domid_t grant_domid(struct fuzzer *f)
{
    return one_in(f, 10) ? rnd_domid(f) : one_in(f, 2) ? 0 : DOMID_SELF;
}

void act_grant_map(struct fuzzer *f)
{
    struct gnttab_map_grant_ref *op = (struct gnttab_map_grant_ref *)f->scratch;
    unsigned n = one_in(f, 4) ? 1 + rnd_below(f, 8) : 1;

    for (unsigned i = 0; i < n; i++) {
        op[i] = (struct gnttab_map_grant_ref){
            .host_addr = hook_address(f) & ~0xfffUL,
            .flags = GNTMAP_host_map,
            .ref = rnd_ref(f, true),
            .dom = grant_domid(f),
        };
        if (one_in(f, 2))
            op[i].host_addr = (unsigned long)sandbox[rnd_below(f, SANDBOX)].va;
        if (one_in(f, 2))
            op[i].flags |= GNTMAP_readonly;
        if (one_in(f, 8))
            op[i].flags = one_in(f, 2) ? rnd_below(f, 32) : rnd(f);
        if (one_in(f, 4)) {
            op[i].flags |= GNTMAP_contains_pte;
            op[i].host_addr = (rnd_harmless_mfn(f) << PAGE_SHIFT) + rnd_below(f, 512) * 8;
            if (one_in(f, 10))
                op[i].host_addr += rnd_below(f, 8);
        }
        if (one_in(f, 20))
            op[i].host_addr = rnd_bad_pointer(f);
    }
    issue(f, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
          one_in(f, 40) ? rnd_bad_pointer(f) : (unsigned long)op, one_in(f, 60) ? rnd_arg(f) : n, 0, 0);
    for (unsigned i = 0; i < n; i++) {
        unsigned row = rnd_below(f, MAPS);

        if (op[i].status != GNTST_okay)
            continue;
        for (unsigned tries = 0; tries < MAPS && maps[row].used; tries++)
            row = (row + 1) % MAPS;
        maps[row].address = op[i].host_addr;
        maps[row].handle = op[i].handle;
        maps[row].used = 1;
    }
}

void act_grant_unmap(struct fuzzer *f)
{
    struct gnttab_unmap_grant_ref *op = (struct gnttab_unmap_grant_ref *)f->scratch;
    unsigned n = one_in(f, 4) ? 1 + rnd_below(f, 8) : 1;
    unsigned rows[8];

    for (unsigned i = 0; i < n; i++) {
        rows[i] = rnd_below(f, MAPS);
        for (unsigned tries = 0; tries < MAPS && !maps[rows[i]].used; tries++)
            rows[i] = (rows[i] + 1) % MAPS;
        op[i] = (struct gnttab_unmap_grant_ref){ .host_addr = maps[rows[i]].address,
                                                 .handle = maps[rows[i]].handle };
        if (one_in(f, 12))
            op[i].host_addr = one_in(f, 2) ? 0 : rnd_arg(f);
        if (one_in(f, 12))
            op[i].dev_bus_addr = rnd_mfn(f) << PAGE_SHIFT;
        if (one_in(f, 12))
            op[i].handle = rnd_arg(f);
        op[i].status = 77;
    }
    issue(f, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref,
          one_in(f, 40) ? rnd_pointer(f) : (unsigned long)op, one_in(f, 60) ? rnd_arg(f) : n, 0, 0);
    for (unsigned i = 0; i < n; i++)
        if (op[i].status == GNTST_okay && op[i].handle == maps[rows[i]].handle && op[i].host_addr)
            maps[rows[i]].used = 0;
}

void act_grant_copy(struct fuzzer *f)
{
    struct gnttab_copy *op = (struct gnttab_copy *)f->scratch;
    unsigned n = one_in(f, 4) ? 1 + rnd_below(f, 16) : 1;

    for (unsigned i = 0; i < n; i++) {
        memset(&op[i], 0, sizeof(op[i]));
        op[i].flags = rnd_below(f, 4);
        for (unsigned end = 0; end < 2; end++) {
            struct gnttab_copy_ptr *p = end ? &op[i].dest : &op[i].source;
            bool ref = op[i].flags >> end & 1;

            p->domid = ref ? grant_domid(f) : rnd_domid(f);
            p->offset = one_in(f, 2) ? 0 : rnd_below(f, 4200);
            if (ref)
                p->u.ref = rnd_ref(f, false);
            else
                p->u.gmfn = end ? sandbox[rnd_below(f, SANDBOX)].mfn : rnd_mfn(f);
        }
        op[i].len = one_in(f, 8) ? rnd(f) : rnd_below(f, 600);
        if (one_in(f, 40))
            op[i].flags = rnd(f);
    }
    issue(f, __HYPERVISOR_grant_table_op, GNTTABOP_copy, (unsigned long)op, one_in(f, 60) ? rnd_arg(f) : n, 0,
          0);
}

/* A table that the fuzzer runs on: mapped by a grant it is read-only, or not mapped. */
static void map_own_table(struct fuzzer *f)
{
    struct gnttab_map_grant_ref *op = (struct gnttab_map_grant_ref *)f->scratch;
    struct gnttab_unmap_grant_ref unmap;
    bool alone = fuzzers[1].scratch == NULL; /* nobody rewrites the entry meanwhile */

    if (!entries || !alone || entries[OWN_TABLE_REF].flags & (GTF_reading | GTF_writing))
        return;
    entries[OWN_TABLE_REF].domid = 0;
    entries[OWN_TABLE_REF].frame = PICK(f, own_tables);
    entries[OWN_TABLE_REF].flags = GTF_permit_access;
    *op = (struct gnttab_map_grant_ref){ .host_addr = (unsigned long)sandbox[rnd_below(f, SANDBOX)].va,
                                         .flags = GNTMAP_host_map | (one_in(f, 2) ? GNTMAP_readonly : 0),
                                         .ref = OWN_TABLE_REF,
                                         .dom = DOMID_SELF };
    if (issue(f, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, (unsigned long)op, 1, 0, 0) ||
        op->status != GNTST_okay)
        return;
    if (!(op->flags & GNTMAP_readonly)) {
        violations++;
        print("# VIOLATION: table %x was mapped writable by a grant\n", entries[OWN_TABLE_REF].frame);
    }
    unmap = (struct gnttab_unmap_grant_ref){ .host_addr = op->host_addr, .handle = op->handle };
    memcpy(f->scratch, &unmap, sizeof(unmap));
    issue(f, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, (unsigned long)f->scratch, 1, 0, 0);
}

/* Moves what is mapped at one place to where a map of the grant was. */
static void replace(struct fuzzer *f)
{
    struct gnttab_unmap_and_replace *op = (struct gnttab_unmap_and_replace *)f->scratch;
    volatile struct map *map = &maps[rnd_below(f, MAPS)];

    for (unsigned tries = 0; tries < MAPS && !map->used; tries++)
        map = &maps[rnd_below(f, MAPS)];
    *op = (struct gnttab_unmap_and_replace){ .host_addr = map->address, .handle = map->handle };
    op->new_addr = hook_address(f) & ~0xfffUL;
    if (one_in(f, 2))
        op->new_addr = (unsigned long)sandbox[rnd_below(f, SANDBOX)].va;
    if (one_in(f, 8))
        op->new_addr = one_in(f, 2) ? 0 : rnd_bad_pointer(f);
    if (issue(f, __HYPERVISOR_grant_table_op, GNTTABOP_unmap_and_replace, (unsigned long)op, 1, 0, 0) == 0 &&
        op->status == GNTST_okay)
        map->used = 0;
}

void act_grant_other(struct fuzzer *f)
{
    struct gnttab_setup_table setup = { .dom = rnd_domid(f),
                                        .nr_frames = one_in(f, 2) ? GRANT_FRAMES : rnd_arg(f) };
    unsigned cmd = one_in(f, 4) ? GNTTABOP_setup_table : rnd_below(f, 14);

    rnd_fill(f, 0);
    if (cmd == GNTTABOP_setup_table) {
        set_xen_guest_handle(setup.frame_list, (void *)rnd_pointer(f));
        memcpy(f->scratch, &setup, sizeof(setup));
    } else if (one_in(f, 2)) {
        *(domid_t *)f->scratch = rnd_domid(f);
    }
    if (cmd == GNTTABOP_map_grant_ref)
        cmd = GNTTABOP_query_size;
    if (cmd == GNTTABOP_unmap_and_replace) {
        replace(f);
        return;
    }
    if (one_in(f, 4)) {
        map_own_table(f);
        return;
    }
    issue(f, __HYPERVISOR_grant_table_op, cmd | (one_in(f, 40) ? 0x1000 : 0), (unsigned long)f->scratch,
          one_in(f, 6) ? rnd_arg(f) : 1, 0, 0);
}

/* Domain-0 needs no port, so all may be closed, and the table may be reset; a guest needs its console's. */
static bool needed_port(unsigned port)
{
    return !is_dom0() && (port == start_info->console.domU.evtchn || port == start_info->store_evtchn);
}

void act_event(struct fuzzer *f)
{
    unsigned cmd = rnd_below(f, 14),
             port = one_in(f, 8) ? (unsigned)rnd_arg(f) : rnd_below(f, one_in(f, 2) ? 24 : 4096);
    unsigned vcpu = one_in(f, 8) ? (unsigned)rnd_arg(f) : rnd_below(f, 4);
    union {
        struct evtchn_bind_interdomain bind_interdomain;
        struct evtchn_bind_virq bind_virq;
        struct evtchn_bind_pirq bind_pirq;
        struct evtchn_close close;
        struct evtchn_status status;
        struct evtchn_alloc_unbound alloc_unbound;
        struct evtchn_bind_ipi bind_ipi;
        struct evtchn_bind_vcpu bind_vcpu;
        struct evtchn_reset reset;
        uint64_t words[4];
    } arg = { .words = { rnd(f), rnd(f), rnd(f), rnd(f) } };

    if (cmd == EVTCHNOP_reset && (!is_dom0() || !one_in(f, 40)))
        cmd = EVTCHNOP_alloc_unbound;
    if (needed_port(port))
        port = ~0U;
    switch (cmd) {
    case EVTCHNOP_alloc_unbound:
        arg.alloc_unbound = (struct evtchn_alloc_unbound){ .dom = rnd_domid(f), .remote_dom = rnd_domid(f) };
        break;
    case EVTCHNOP_bind_interdomain:
        arg.bind_interdomain =
            (struct evtchn_bind_interdomain){ .remote_dom = rnd_domid(f), .remote_port = port };
        break;
    case EVTCHNOP_bind_virq:
        arg.bind_virq = (struct evtchn_bind_virq){ .virq = rnd_below(f, 28), .vcpu = vcpu };
        break;
    case EVTCHNOP_bind_pirq:
        arg.bind_pirq = (struct evtchn_bind_pirq){ .pirq = one_in(f, 4) ? rnd_arg(f) : rnd_below(f, 64),
                                                   .flags = rnd_below(f, 4) };
        break;
    case EVTCHNOP_status:
        arg.status = (struct evtchn_status){ .dom = rnd_domid(f), .port = port };
        break;
    case EVTCHNOP_bind_ipi:
        arg.bind_ipi = (struct evtchn_bind_ipi){ .vcpu = vcpu };
        break;
    case EVTCHNOP_bind_vcpu:
        arg.bind_vcpu = (struct evtchn_bind_vcpu){ .port = port, .vcpu = vcpu };
        break;
    case EVTCHNOP_reset:
        arg.reset.dom = DOMID_SELF;
        break;
    default: /* close, send, unmask: a port alone */
        arg.close.port = port;
    }
    memcpy(f->scratch, &arg, sizeof(arg));
    issue(f, __HYPERVISOR_event_channel_op, cmd, (unsigned long)f->scratch, 0, 0, 0);
    if (f->vcpu == 0 && one_in(f, 16))
        events_unmask();
    if (f->vcpu == 0 && one_in(f, 4))
        events_mask();
}

/* A page that went comes back with a new frame. */
static void repopulate(struct fuzzer *f, struct sandbox_page *page)
{
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    xen_pfn_t *list = (xen_pfn_t *)(f->scratch + PAGE_SIZE);

    list[0] = page->pfn;
    set_xen_guest_handle(r.extent_start, list);
    memcpy(f->scratch, &r, sizeof(r));
    if (issue(f, __HYPERVISOR_memory_op, XENMEM_populate_physmap, (unsigned long)f->scratch, 0, 0, 0) != 1)
        return;
    page->mfn = list[0];
    issue(f, __HYPERVISOR_update_va_mapping, (unsigned long)page->va, PTE(page->mfn, L1_FLAGS),
          UVMF_INVLPG | UVMF_ALL, 0, 0);
}

static void decrease(struct fuzzer *f)
{
    struct xen_memory_reservation r = { .nr_extents = 1 + rnd_below(f, 4), .domid = rnd_domid(f) };
    xen_pfn_t *list = (xen_pfn_t *)(f->scratch + PAGE_SIZE);
    struct sandbox_page *pages[4];
    long done;

    if (one_in(f, 8))
        r.extent_order =
            rnd_below(f, 3); /* sandbox pages need not be neighbours: refused, or only their own */
    if (r.extent_order)
        r.nr_extents = 1;
    for (unsigned i = 0; i < r.nr_extents; i++) {
        pages[i] = &sandbox[8 + rnd_below(f, SANDBOX - 8)]; /* page 0 always stands in for one that is gone */
        list[i] = r.extent_order ? rnd_arg(f) & ~0xffUL : pages[i]->mfn;
    }
    if (r.extent_order)
        list[0] = one_in(f, 2) ? ~0UL - rnd_below(f, 4) : 0x7fffffff00UL;
    set_xen_guest_handle(r.extent_start, list);
    memcpy(f->scratch, &r, sizeof(r));
    done = issue(f, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, (unsigned long)f->scratch, 0, 0, 0);
    for (long i = 0; i < done && i < 4; i++)
        sandbox_lost(f, pages[i]);
    for (unsigned i = 0; i < SANDBOX; i++)
        if (sandbox[i].mfn == NO_MFN && !one_in(f, 4))
            repopulate(f, &sandbox[i]);
}

static void exchange(struct fuzzer *f)
{
    struct xen_memory_exchange x = { .in.domid = rnd_domid(f), .out.domid = DOMID_SELF };
    xen_pfn_t *in = (xen_pfn_t *)(f->scratch + PAGE_SIZE), *out = in + 64;
    struct sandbox_page *pages[4];
    struct xen_memory_exchange *result = (struct xen_memory_exchange *)f->scratch;
    bool proper = !one_in(f, 4);

    x.in.nr_extents = x.out.nr_extents = one_in(f, 2) ? 1 : 4;
    if (x.in.nr_extents == 4 && one_in(f, 2)) {
        x.out.nr_extents = 1;
        x.out.extent_order = 2;
    }
    for (unsigned i = 0; i < x.in.nr_extents; i++) {
        pages[i] = &sandbox[8 + rnd_below(f, SANDBOX - 8)];
        in[i] = pages[i]->mfn;
        out[i] = pages[i]->pfn;
    }
    set_xen_guest_handle(x.in.extent_start, in);
    set_xen_guest_handle(x.out.extent_start, out);
    if (!proper)
        ((unsigned long *)&x)[rnd_below(f, sizeof(x) / 8)] = rnd_arg(f);
    if (one_in(f, 8))
        x.out.mem_flags = XENMEMF_address_bits(rnd_below(f, 64));
    memcpy(f->scratch, &x, sizeof(x));
    issue(f, __HYPERVISOR_memory_op, XENMEM_exchange, (unsigned long)f->scratch, 0, 0, 0);
    /* A frame that can be exchanged is in no use; where we do not know what became of it, it is gone
     * unnoticed. */
    for (unsigned i = 0; proper && i < x.in.nr_extents && i < result->nr_exchanged; i++)
        pages[i]->mfn = x.out.nr_extents == 1 ? out[0] + i : out[i];
}

void act_memory(struct fuzzer *f)
{
    unsigned cmd = rnd_below(f, 30);
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = rnd_domid(f) };
    xen_pfn_t *list = (xen_pfn_t *)(f->scratch + PAGE_SIZE);

    if (f->vcpu)
        return; /* the bookkeeping of lost and found pages is vCPU 0's */
    switch (rnd_below(f, 4)) {
    case 0:
        decrease(f);
        return;
    case 1:
        exchange(f);
        return;
    case 2:
        for (unsigned i = 0; i < SANDBOX; i++)
            if (sandbox[i].mfn == NO_MFN && one_in(f, 2))
                repopulate(f, &sandbox[i]);
        return;
    }
    rnd_fill(f, 0);
    switch (cmd) {
    case XENMEM_decrease_reservation:
    case XENMEM_exchange:
        return;
    case XENMEM_increase_reservation:
    case XENMEM_populate_physmap:
        /* Beyond what the domain may have, or nonsense; what is given all the same is given back. */
        r.nr_extents = one_in(f, 4) ? rnd_arg(f) : 1;
        r.extent_order = one_in(f, 2) ? 9 + rnd_below(f, 20) : rnd_arg(f);
        if (r.extent_order < 9)
            r.extent_order = 30;
        r.mem_flags = one_in(f, 4) ? rnd(f) : 0;
        list[0] = 0x10000000;
        set_xen_guest_handle(r.extent_start, one_in(f, 4) ? (void *)rnd_bad_pointer(f) : list);
        memcpy(f->scratch, &r, sizeof(r));
        break;
    default:
        if (one_in(f, 2))
            *(domid_t *)f->scratch = rnd_domid(f);
    }
    issue(f, __HYPERVISOR_memory_op, cmd | (one_in(f, 20) ? (unsigned long)rnd_below(f, 64) << 6 : 0),
          (unsigned long)f->scratch, 0, 0, 0);
}

void act_timer(struct fuzzer *f)
{
    struct vcpu_set_periodic_timer periodic = { .period_ns =
                                                    one_in(f, 2) ? MS * (1 + rnd_below(f, 20)) : rnd_arg(f) };
    struct vcpu_set_singleshot_timer single = { .timeout_abs_ns =
                                                    one_in(f, 2) ? now() + rnd_below(f, 2 * MS) : rnd_arg(f),
                                                .flags = rnd_below(f, 3) };
    unsigned vcpu = one_in(f, 4) ? rnd_below(f, 5) : f->vcpu;

    switch (rnd_below(f, 5)) {
    case 0:
        memcpy(f->scratch, &periodic, sizeof(periodic));
        issue(f, __HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, vcpu, (unsigned long)f->scratch, 0, 0);
        break;
    case 1:
        issue(f, __HYPERVISOR_vcpu_op, VCPUOP_stop_periodic_timer, vcpu, 0, 0, 0);
        break;
    case 2:
        memcpy(f->scratch, &single, sizeof(single));
        issue(f, __HYPERVISOR_vcpu_op, VCPUOP_set_singleshot_timer, vcpu, (unsigned long)f->scratch, 0, 0);
        break;
    case 3:
        issue(f, __HYPERVISOR_vcpu_op, VCPUOP_stop_singleshot_timer, vcpu, 0, 0, 0);
        break;
    default:
        issue(f, __HYPERVISOR_set_timer_op, single.timeout_abs_ns, 0, 0, 0, 0);
    }
}

/* Waits are short: a poll ends after two milliseconds, and block is left to other tests. */
void act_sched(struct fuzzer *f)
{
    struct sched_poll poll = { .nr_ports = one_in(f, 3) ? rnd_below(f, 130) : rnd_below(f, 3) };
    struct sched_pin_override pin = { .pcpu = one_in(f, 2) ? -1 : (int)rnd_arg(f) };
    struct sched_remote_shutdown remote = { .domain_id = 1 + rnd_below(f, 0x8000),
                                            .reason = rnd_below(f, 8) };
    struct sched_watchdog dog = { .id = rnd_below(f, 4), .timeout = 1000000 };
    evtchn_port_t *ports = (evtchn_port_t *)(f->scratch + PAGE_SIZE);

    switch (rnd_below(f, 6)) {
    case 0:
        for (unsigned i = 0; i < 130; i++)
            ports[i] = one_in(f, 60) ? rnd_arg(f) : rnd_below(f, 4096);
        poll.timeout = 1 + now() + rnd_below(f, 2 * MS) - (one_in(f, 2) ? MS : 0);
        set_xen_guest_handle(poll.ports, one_in(f, 20) ? (void *)rnd_pointer(f) : ports);
        memcpy(f->scratch, &poll, sizeof(poll));
        issue(f, __HYPERVISOR_sched_op, SCHEDOP_poll, (unsigned long)f->scratch, 0, 0, 0);
        break;
    case 1:
        memcpy(f->scratch, &pin, sizeof(pin));
        issue(f, __HYPERVISOR_sched_op, SCHEDOP_pin_override, (unsigned long)f->scratch, 0, 0, 0);
        break;
    case 2:
        memcpy(f->scratch, &remote, sizeof(remote));
        issue(f, __HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, (unsigned long)f->scratch, 0, 0, 0);
        break;
    case 3:
        if (dog.id && one_in(f, 2))
            dog.timeout = 0;
        memcpy(f->scratch, &dog, sizeof(dog));
        issue(f, __HYPERVISOR_sched_op, SCHEDOP_watchdog, (unsigned long)f->scratch, 0, 0, 0);
        break;
    default:
        issue(f, __HYPERVISOR_sched_op, SCHEDOP_yield, rnd_arg(f), 0, 0, 0);
    }
}

/* Other vCPUs come and go; their contexts resume as fuzzers, often with one field that is wrong. */
void act_vcpu(struct fuzzer *f)
{
    static struct vcpu_guest_context context;
    struct vcpu_register_vcpu_info info = { .mfn = rnd_mfn(f),
                                            .offset = one_in(f, 3) ? rnd_arg(f) : 8 * rnd_below(f, 500) };
    unsigned vcpu = 1 + rnd_below(f, 4);

    if (f->vcpu)
        return;
    switch (rnd_below(f, 6)) {
    case 0:
        worker_context(&context, vcpu < MAX_FUZZERS ? vcpu : 1);
        if (one_in(f, 2)) {
            uint64_t *word = (uint64_t *)&context + rnd_below(f, sizeof(context) / 8);

            *word = rnd_arg(f);
        }
        issue(f, __HYPERVISOR_vcpu_op, VCPUOP_initialise, one_in(f, 20) ? rnd_arg(f) : vcpu,
              (unsigned long)&context, 0, 0);
        break;
    case 1:
        issue(f, __HYPERVISOR_vcpu_op, VCPUOP_down, vcpu, 0, 0, 0);
        break;
    case 2:
    case 3:
        issue(f, __HYPERVISOR_vcpu_op, VCPUOP_up, vcpu, 0, 0, 0);
        break;
    case 4:
        memcpy(f->scratch, &info, sizeof(info));
        issue(f, __HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, vcpu, (unsigned long)f->scratch, 0, 0);
        break;
    default:
        issue(f, __HYPERVISOR_vcpu_op, one_in(f, 2) ? VCPUOP_send_nmi : VCPUOP_is_up, one_in(f, 3) ? 0 : vcpu,
              0, 0, 0);
    }
}

unsigned objects_restore(struct fuzzer *f)
{
    struct evtchn_reset reset = { .dom = DOMID_SELF };
    unsigned left = 0;

    HC(set_timer_op, 0UL);
    for (unsigned i = 0; i < MAX_FUZZERS; i++)
        HC(vcpu_op, VCPUOP_stop_periodic_timer, i, 0);
    for (unsigned i = 1; i <= 2; i++) {
        struct sched_watchdog dog = { .id = i, .timeout = 0 };

        HC(sched_op, SCHEDOP_watchdog, &dog);
    }
    events_mask();
    if (is_dom0())
        HC(event_channel_op, EVTCHNOP_reset, &reset);
    for (unsigned i = 0; i < MAPS; i++) {
        struct gnttab_unmap_grant_ref op = { .host_addr = maps[i].address, .handle = maps[i].handle };

        if (!maps[i].used)
            continue;
        HC(grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1);
        left += op.status != GNTST_okay && op.status != GNTST_bad_handle;
        maps[i].used = 0;
    }
    for (unsigned i = 0; i < SANDBOX; i++)
        for (unsigned tries = 0; tries < 3 && sandbox[i].mfn == NO_MFN; tries++)
            repopulate(f, &sandbox[i]);
    return left;
}
