/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls that are short by nature: the bare way in and out, events, timers, descriptors, grants.
 */
#include "measure.h"

#define GRANT_VA 0x0000123456789000UL

/* What entries.S takes for granted. */
_Static_assert(offsetof(struct shared_info, vcpu_info[0].evtchn_upcall_pending) == 0, "entries.S");
_Static_assert(offsetof(struct shared_info, vcpu_info[0].evtchn_pending_sel) == 8, "entries.S");
_Static_assert(offsetof(struct shared_info, evtchn_pending) == 2048, "entries.S");

static void rows_entry(void)
{
    static struct multicall_entry calls[8];

    MEASURE("null hypercall", 100, 4 << 16 | 17,, HC(xen_version, XENVER_version, 0));
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
        calls[i].op = __HYPERVISOR_xen_version;
    MEASURE("multicall of 8 nulls", 100, 0,, HC(multicall, calls, 8));
}

static void rows_events(void)
{
    static struct evtchn_bind_ipi ipi;
    static struct evtchn_send send;
    struct callback_register event = { .type = CALLBACKTYPE_event, .address = (unsigned long)count_event };
    unsigned before;

    evtchn_op(EVTCHNOP_bind_ipi, &ipi);
    send.port = event_port = ipi.port;
    HC(callback_op, CALLBACKOP_register, &event);
    events_unmask();
    for (unsigned i = 0; i < 100; i++) {
        uint32_t start = ticks();
        long ret = evtchn_op(EVTCHNOP_send, &send);

        sample(event_ticks - start, ret == 0 && event_handled == i + 1, ret);
    }
    row_end("event to self until its handler");
    MEASURE("event to self, handled and back", 100, 0, before = event_handled,
            THEN(evtchn_op(EVTCHNOP_send, &send), event_handled - before - 1));
    events_mask();
    event.address = (unsigned long)event_entry;
    HC(callback_op, CALLBACKOP_register, &event);
    MEASURE("event send, already pending", 100, 0,, evtchn_op(EVTCHNOP_send, &send));
    evtchn_close(ipi.port);
    vcpu_info(0)->evtchn_upcall_pending = 0;
}

static void rows_time(void)
{
    static struct vcpu_runstate_info runstate;
    uint64_t later = now() + 100 * SECOND;

    MEASURE("set_timer_op", 100, 0,, HC(set_timer_op, later + i * 1000));
    HC(set_timer_op, 0);
    MEASURE("runstate query", 100, 0,, HC(vcpu_op, VCPUOP_get_runstate_info, 0, &runstate));
    MEASURE("yield, nobody else runnable", 100, 0,, HC(sched_op, SCHEDOP_yield, 0));
}

static void rows_descriptors(void)
{
    static char stack[4096] __attribute__((aligned(16)));
    uint64_t *gdt = page_alloc();
    unsigned long mfn = va_to_mfn(gdt), entry = (mfn << PAGE_SHIFT) + 8;

    page_readonly(gdt);
    MEASURE("set_gdt, 1 frame", 100, 0,, HC(set_gdt, &mfn, 512));
    MEASURE("update_descriptor", 100, 0,, HC(update_descriptor, entry, 0x00cff2000000ffffUL));
    HC(set_gdt, 0, 0);
    page_writable(gdt);
    page_free(gdt);
    MEASURE("stack_switch", 100, 0,, HC(stack_switch, FLAT_KERNEL_SS, stack + sizeof(stack)));
    MEASURE("set_segment_base", 100, 0,, HC(set_segment_base, SEGBASE_FS, 0x1000));
    HC(set_segment_base, SEGBASE_FS, 0);
    MEASURE("fpu_taskswitch pair", 100, 0,, THEN(HC(fpu_taskswitch, 1), HC(fpu_taskswitch, 0)));
}

static void rows_grants(void)
{
    static xen_pfn_t frames[1];
    static grant_entry_v1_t area[PAGE_SIZE / sizeof(grant_entry_v1_t)] __attribute__((aligned(4096)));
    static struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
    static struct gnttab_map_grant_ref map;
    static struct gnttab_unmap_grant_ref unmap;
    static struct gnttab_copy copy;
    char *page = page_alloc(), *other = page_alloc();

    set_xen_guest_handle(setup.frame_list, frames);
    HC(grant_table_op, GNTTABOP_setup_table, &setup, 1);
    if (setup.status || update_va((unsigned long)area, PTE(frames[0], L1_FLAGS), UVMF_INVLPG) ||
        map_page(GRANT_VA, 0)) {
        row_failed("grant map + unmap, own page", setup.status);
        return;
    }
    area[8] = (grant_entry_v1_t){ .frame = va_to_mfn(page), .flags = GTF_permit_access };
    area[9] = (grant_entry_v1_t){ .frame = va_to_mfn(other), .flags = GTF_permit_access };
    MEASURE("grant map + unmap, own page", 100, 0,
            (map = (struct gnttab_map_grant_ref){ .host_addr = GRANT_VA, .flags = GNTMAP_host_map, .ref = 8 },
             unmap = (struct gnttab_unmap_grant_ref){ .host_addr = GRANT_VA }),
            THEN(THEN(HC(grant_table_op, GNTTABOP_map_grant_ref, &map, 1),
                      (unmap.handle = map.handle, HC(grant_table_op, GNTTABOP_unmap_grant_ref, &unmap, 1))),
                 map.status + unmap.status));
    copy.source.u.ref = 8;
    copy.dest.u.ref = 9;
    copy.len = PAGE_SIZE;
    copy.flags = GNTCOPY_source_gref | GNTCOPY_dest_gref;
    MEASURE("grant copy of 4096 B, both by reference", 100, 0,,
            THEN(HC(grant_table_op, GNTTABOP_copy, &copy, 1), copy.status));
    copy.source.u.gmfn = va_to_mfn(page);
    copy.source.domid = copy.dest.domid = DOMID_SELF;
    copy.flags = GNTCOPY_dest_gref;
    MEASURE("grant copy of 4096 B, own page to reference", 100, 0,,
            THEN(HC(grant_table_op, GNTTABOP_copy, &copy, 1), copy.status));
}

void bench_calls(void)
{
    rows_entry();
    rows_events();
    rows_time();
    rows_descriptors();
    rows_grants();
}
