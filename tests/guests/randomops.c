/* SPDX-License-Identifier: MIT */
/*
 * Random event-channel and grant operations of a domain with itself: ports and references in any state, all
 * kinds of calls.  The sequence of results, statuses and pending bits is the oracle's: a hash of each seed
 * was recorded on Xen 4.17.  "# trace" lines hold one letter a result, to find a difference in the logs of
 * two runs.
 */
#include "guest.h"

#define SEEDS 12
#define OPERATIONS 600
#define PORTS 12
#define REFS 8
#define PAGES 6
#define HANDLES 16
#define VA 0x0000123456789000UL

static const uint32_t recorded_events[SEEDS] = {
    0xa8005d6a, 0xd1d3dd72, 0x7d35c7aa, 0x4ce2058b, 0x1e9fad55, 0x3e934bb3, 0xab719cc7, 0x6a699b0a,
    0x3fa17d71, 0xcaff1752, 0x129cb538, 0xbfe2ddac,
};
static const uint32_t recorded_grants[SEEDS] = {
    0x5e80d29f, 0x31aa8846, 0xa922af32, 0xf3429230, 0x9a7e2325, 0xa09243f1, 0xeefdf83c, 0x84e4f257,
    0x688d73ef, 0xd3b819b4, 0xace358b9, 0x8c2e83d6,
};

static uint64_t state;
static char line[OPERATIONS + 1];
static uint32_t hash;

static unsigned random(unsigned below)
{
    state = state * 6364136223846793005UL + 1442695040888963407UL;
    return (state >> 33) % below;
}

static void mix(uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        hash = (hash ^ (value >> (8 * i) & 0xff)) * 16777619;
}

static char letter(long ret)
{
    if (ret >= 0)
        return '.';
    return ret > -27 ? 'A' - ret - 1 : '?';
}

static void start(unsigned seed)
{
    state = seed * 7919 + 1;
    hash = 2166136261u;
}

static void finish(const char *what, unsigned seed, uint32_t recorded)
{
    for (unsigned i = 0; i < OPERATIONS; i += 100) {
        char part[101];

        memcpy(part, line + i, 100);
        part[100] = 0;
        print("# trace %s %u.%u %s\n", what, seed, i, part);
    }
    if (hash != recorded)
        note("hash %s 0x%08x", what, hash);
    check(hash == recorded, "random %s, seed %u: the results are the oracle's", what, seed);
}

/* ---- events ---- */
static unsigned random_port(void)
{
    return random(30) ? random(PORTS) : random(2) ? 4000 : ~0u;
}

static long event_operation(void)
{
    union {
        struct evtchn_alloc_unbound alloc;
        struct evtchn_bind_interdomain bind;
        struct evtchn_bind_virq virq;
        struct evtchn_bind_ipi ipi;
        struct evtchn_bind_vcpu vcpu;
        struct evtchn_status status;
    } u = { 0 };
    unsigned port = random_port();
    long ret;

    switch (random(14)) {
    case 0: case 1:
        if (port_pending(PORTS - 1))
            return 1;
        u.alloc.dom = DOMID_SELF;
        u.alloc.remote_dom = random(8) ? DOMID_SELF : 77;
        ret = evtchn_op(EVTCHNOP_alloc_unbound, &u.alloc);
        if (!ret && u.alloc.port >= PORTS) {
            evtchn_close(u.alloc.port);
            return 2;
        }
        mix(u.alloc.port);
        return ret;
    case 2: case 3:
        u.bind.remote_dom = random(10) ? DOMID_SELF : 0;
        u.bind.remote_port = port;
        ret = evtchn_op(EVTCHNOP_bind_interdomain, &u.bind);
        if (!ret && u.bind.local_port >= PORTS) {
            evtchn_close(u.bind.local_port);
            return 2;
        }
        mix(u.bind.local_port);
        return ret;
    case 4:
        return random(3) ? 0 : evtchn_close(port);
    case 5: case 6: case 7:
        return evtchn_send(port);
    case 8:
        return port_unmask(port);
    case 9:
        if (port < PORTS)
            port_mask(port);
        return 0;
    case 10:
        u.virq.virq = random(2) ? VIRQ_DEBUG : random(30);
        u.virq.vcpu = random(10) ? 0 : 5;
        if (u.virq.virq == VIRQ_TIMER || u.virq.virq == VIRQ_CONSOLE || u.virq.virq > VIRQ_DOM_EXC)
            return 0;
        ret = evtchn_op(EVTCHNOP_bind_virq, &u.virq);
        if (!ret && u.virq.port >= PORTS) {
            evtchn_close(u.virq.port);
            return 2;
        }
        mix(ret ? 0 : u.virq.port);
        return ret;
    case 11:
        u.ipi.vcpu = random(10) ? 0 : 5;
        ret = evtchn_op(EVTCHNOP_bind_ipi, &u.ipi);
        if (!ret && u.ipi.port >= PORTS) {
            evtchn_close(u.ipi.port);
            return 2;
        }
        mix(ret ? 0 : u.ipi.port);
        return ret;
    case 12:
        u.vcpu.port = port;
        u.vcpu.vcpu = random(8) ? 0 : 3;
        return evtchn_op(EVTCHNOP_bind_vcpu, &u.vcpu);
    default:
        if (port < PORTS && random(2))
            port_clear(port);
        ret = evtchn_status_of(port, &u.status);
        if (!ret) {
            mix(u.status.status);
            if (u.status.status == EVTCHNSTAT_interdomain)
                mix(u.status.u.interdomain.port);
        }
        return ret;
    }
}

static void run_events(unsigned seed)
{
    long ret = 0;

    start(seed);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        ret = event_operation();
        line[i] = letter(ret);
        mix(ret);
        mix(shared_info->evtchn_pending[0] & ((1UL << PORTS) - 1));
        mix(shared_info->evtchn_mask[0] & ((1UL << PORTS) - 1));
    }
    finish("events", seed, recorded_events[seed]);
    for (unsigned port = 1; port < PORTS; port++)
        evtchn_close(port);
    shared_info->evtchn_mask[0] = 0;
    shared_info->evtchn_pending[0] = 0;
    vcpu_info(0)->evtchn_pending_sel = 0;
    vcpu_info(0)->evtchn_upcall_pending = 0;
}

/* ---- grants ---- */
static grant_entry_v1_t *entries;
/*
 * Each seed has references of its own: a mapping that a random call has overwritten keeps its reference in
 * use, and what becomes of a grant that is taken back while it is in use is nobody's promise.
 */
static unsigned first_ref;
static void *pages[PAGES];
static struct { unsigned long where; grant_handle_t handle; } handles[HANDLES];

static unsigned long random_place(void)
{
    return VA + random(5) * PAGE_SIZE;
}

static long map_operation(void)
{
    static const unsigned flags[] = { GNTMAP_host_map, GNTMAP_host_map, GNTMAP_host_map | GNTMAP_readonly, 0,
                                      GNTMAP_host_map | GNTMAP_readonly, GNTMAP_host_map | 1 << 18 };
    struct gnttab_map_grant_ref op = { 0 };
    unsigned slot = random(HANDLES);
    long ret;

    op.host_addr = random_place();
    op.flags = flags[random(ARRAY_SIZE(flags))];
    op.ref = first_ref + random(REFS);
    op.dom = random(20) ? 0 : 77;
    ret = HC(grant_table_op, GNTTABOP_map_grant_ref, &op, 1);
    if (ret)
        return ret;
    if (op.status == GNTST_okay) {
        /* A slot that is in use is given back first, so that no handle is forgotten. */
        if (handles[slot].where) {
            struct gnttab_unmap_grant_ref unmap = { .host_addr = handles[slot].where,
                                                    .handle = handles[slot].handle };

            HC(grant_table_op, GNTTABOP_unmap_grant_ref, &unmap, 1);
            mix(unmap.status);
        }
        handles[slot].where = op.host_addr;
        handles[slot].handle = op.handle;
    }
    return op.status;
}

static long unmap_operation(void)
{
    unsigned slot = random(HANDLES);
    struct gnttab_unmap_grant_ref op = { .host_addr = random(10) ? handles[slot].where : random_place(),
                                         .handle = handles[slot].handle };
    long ret;

    if (!handles[slot].where)
        return 1;
    ret = HC(grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1);
    if (!ret && op.status == GNTST_okay)
        handles[slot].where = 0;
    return ret ? ret : op.status;
}

static long copy_operation(void)
{
    struct gnttab_copy op = { .len = random(5000) };
    long ret;

    op.flags = random(4);
    op.source.offset = random(4100);
    op.dest.offset = random(4100);
    if (op.flags & GNTCOPY_source_gref)
        op.source.u.ref = first_ref + random(REFS);
    else
        op.source.u.gmfn = va_to_mfn(pages[random(PAGES)]);
    if (op.flags & GNTCOPY_dest_gref)
        op.dest.u.ref = first_ref + random(REFS);
    else
        op.dest.u.gmfn = va_to_mfn(pages[random(PAGES)]);
    op.source.domid = op.flags & GNTCOPY_source_gref ? 0 : DOMID_SELF;
    op.dest.domid = op.flags & GNTCOPY_dest_gref ? 0 : DOMID_SELF;
    ret = HC(grant_table_op, GNTTABOP_copy, &op, 1);
    return ret ? ret : op.status;
}

static long grant_operation(void)
{
    static const uint16_t flags[] = { GTF_permit_access, GTF_permit_access, GTF_permit_access | GTF_readonly,
                                     0,
                                      GTF_accept_transfer };
    unsigned ref = first_ref + random(REFS);

    switch (random(8)) {
    case 0:
        if (entries[ref].flags & (GTF_reading | GTF_writing))
            return 3;
        entries[ref].domid = random(10) ? 0 : 77;
        entries[ref].frame = random(20) ? va_to_mfn(pages[random(PAGES)]) : 0xfffffff0;
        entries[ref].flags = flags[random(ARRAY_SIZE(flags))];
        return 0;
    case 1: case 2: case 3:
        return map_operation();
    case 4: case 5:
        return unmap_operation();
    case 6:
        return copy_operation();
    default:
        return random(3) ? page_readonly(pages[random(PAGES)]) : page_writable(pages[random(PAGES)]);
    }
}

static void run_grants(unsigned seed)
{
    start(seed);
    first_ref = 8 + seed * REFS;
    for (unsigned i = 0; i < OPERATIONS; i++) {
        long ret = grant_operation();

        line[i] = letter(ret);
        mix(ret);
        for (unsigned ref = first_ref; ref < first_ref + REFS; ref++)
            mix(entries[ref].flags);
    }
    finish("grants", seed, recorded_grants[seed]);
    for (unsigned i = 0; i < HANDLES; i++) {
        struct gnttab_unmap_grant_ref op = { .host_addr = handles[i].where, .handle = handles[i].handle };

        if (handles[i].where)
            HC(grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1);
        handles[i].where = 0;
    }
    for (unsigned ref = first_ref; ref < first_ref + REFS; ref++)
        entries[ref].flags = 0;
    for (unsigned i = 0; i < PAGES; i++)
        page_writable(pages[i]);
    for (unsigned i = 0; i < 5; i++)
        update_va(VA + i * PAGE_SIZE, 0, UVMF_INVLPG);
}

static void set_up_grants(void)
{
    static char area[PAGE_SIZE] __attribute__((aligned(4096)));
    xen_pfn_t frame = 0;
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };

    set_xen_guest_handle(setup.frame_list, &frame);
    if (HC(grant_table_op, GNTTABOP_setup_table, &setup, 1) || setup.status ||
        update_va((unsigned long)area, PTE(frame, L1_FLAGS), UVMF_INVLPG))
        bail_out("cannot set up the grant table");
    entries = (grant_entry_v1_t *)area;
    for (unsigned i = 0; i < PAGES; i++)
        pages[i] = page_alloc();
    if (map_page(VA, 0))
        bail_out("cannot build tables");
}

TEST_MAIN("randomops")
{
    events_mask();
    for (unsigned seed = 0; seed < SEEDS; seed++)
        run_events(seed);
    set_up_grants();
    for (unsigned seed = 0; seed < SEEDS; seed++)
        run_grants(seed);
}
