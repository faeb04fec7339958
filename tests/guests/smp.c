/* SPDX-License-Identifier: MIT */
/*
 * A second vCPU: its life (initialise, up, down, up again), events that it sends and gets, its own timer and
 * vcpu_info, and the flushes that name vCPUs.  With one vCPU only the answers to wrong requests are checked.
 * Source: vcpu.h.
 */
#include "guest.h"

static volatile unsigned alive, command, answer;
static volatile uint64_t second_value;

/* What the second vCPU does: counts, obeys commands, never returns. */
enum { CMD_NONE, CMD_DOWN, CMD_READ, CMD_SEND, CMD_PONG };
static volatile unsigned long read_address;
static unsigned to_first;

#define ROUNDS 500
static unsigned ping_port, pong_port, lost;

/* The second vCPU's half of the ping-pong. */
static void pong(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!port_await(pong_port)) {
            lost++;
            return;
        }
        evtchn_send(ping_port);
    }
}

static void second(void)
{
    alive++;
    for (;;) {
        switch (command) {
        case CMD_DOWN:
            command = CMD_NONE;
            HC(vcpu_op, VCPUOP_down, 1, 0);
            alive++;
            break;
        case CMD_READ:
            second_value = *(volatile uint64_t *)read_address;
            command = CMD_NONE;
            answer++;
            break;
        case CMD_PONG:
            command = CMD_NONE;
            pong();
            answer++;
            break;
        case CMD_SEND:
            command = CMD_NONE;
            evtchn_send(to_first);
            answer++;
            break;
        }
        HC(sched_op, SCHEDOP_yield, 0);
    }
}

static bool obey(unsigned what)
{
    unsigned before = answer;
    uint64_t end = now() + 10 * SECOND;

    command = what;
    while (answer == before && now() < end)
        HC(sched_op, SCHEDOP_yield, 0);
    return answer != before;
}

static bool wait_for(volatile unsigned *counter, unsigned want)
{
    uint64_t end = now() + 10 * SECOND;

    while (*counter < want && now() < end)
        HC(sched_op, SCHEDOP_yield, 0);
    return *counter >= want;
}

static void check_errors(void)
{
    static struct vcpu_guest_context context;

    check_eq(HC(vcpu_op, VCPUOP_is_up, 0, 0), 1, "vCPU 0 is up");
    check_eq(HC(vcpu_op, VCPUOP_is_up, 99, 0), -GE_NOENT, "is_up of a vCPU that does not exist: -ENOENT");
    check_eq(HC(vcpu_op, VCPUOP_is_up, ~0U, 0), -GE_NOENT, "is_up of vCPU ~0: -ENOENT");
    check_eq(HC(vcpu_op, VCPUOP_up, 99, 0), -GE_NOENT, "up of a vCPU that does not exist: -ENOENT");
    check_eq(HC(vcpu_op, VCPUOP_initialise, 0, &context), -GE_EXIST, "vCPU 0 initialised again: -EEXIST");
    check_eq(HC(vcpu_op, 99, 0, 0), -GE_NOSYS, "an unknown command: -ENOSYS");
    check_eq(HC(vcpu_op, VCPUOP_up, 0, 0), 0, "up of a vCPU that is up");
}

static void check_bad_contexts(void)
{
    static struct vcpu_guest_context context;

    check_eq(HC(vcpu_op, VCPUOP_up, 1, 0), -GE_INVAL, "up before initialise: -EINVAL");
    check_eq(HC(vcpu_op, VCPUOP_is_up, 1, 0), 0, "the second vCPU is down");
    check_eq(HC(vcpu_op, VCPUOP_initialise, 1, BAD_PTR_XEN), -GE_FAULT, "initialise, bad pointer: -EFAULT");
    vcpu_context(&context, 1, second);
    context.ctrlreg[3] = xen_pfn_to_cr3(0x200000000UL);
    check_eq(HC(vcpu_op, VCPUOP_initialise, 1, &context), -GE_INVAL,
             "initialise with a nonexistent root: -EINVAL");
    vcpu_context(&context, 1, second);
    context.ctrlreg[3] = xen_pfn_to_cr3(0x200000000UL);
    context.flags |= VGCF_I387_VALID;
    HC(fpu_taskswitch, 1);
    check_eq(HC(vcpu_op, VCPUOP_initialise, 1, &context), -GE_INVAL,
             "the same with FPU registers, while TS is set: -EINVAL");
    HC(fpu_taskswitch, 0);
    vcpu_context(&context, 1, second);
    context.event_callback_eip = BAD_PTR_NONCANONICAL;
    check_eq(HC(vcpu_op, VCPUOP_initialise, 1, &context), -GE_INVAL,
             "initialise with a non-canonical callback: -EINVAL");
    vcpu_context(&context, 1, second);
    context.gdt_ents = FIRST_RESERVED_GDT_ENTRY + 1;
    check_eq(HC(vcpu_op, VCPUOP_initialise, 1, &context), -GE_INVAL,
             "initialise with too large a GDT: -EINVAL");
    vcpu_context(&context, 1, second);
    context.flags = 0;
    check_eq(HC(vcpu_op, VCPUOP_initialise, 1, &context), -GE_INVAL,
             "initialise in user mode without a root for it: -EINVAL");
    vcpu_context(&context, 1, second);
    context.user_regs.rip = BAD_PTR_NONCANONICAL;
    check_eq(HC(vcpu_op, VCPUOP_initialise, 1, &context), -GE_INVAL,
             "initialise at a non-canonical address: -EINVAL");
    vcpu_context(&context, 1, second);
    context.fs_base = BAD_PTR_NONCANONICAL;
    check_eq(HC(vcpu_op, VCPUOP_initialise, 1, &context), -GE_INVAL,
             "initialise with a non-canonical FS base: -EINVAL");
    vcpu_context(&context, 1, second);
    context.ldt_ents = 8193;
    check_eq(HC(vcpu_op, VCPUOP_initialise, 1, &context), -GE_INVAL,
             "initialise with too large an LDT: -EINVAL");
}

/* Timers are a vCPU's own business; what lies in memory may be set for others. */
static void check_other(void)
{
    static struct vcpu_runstate_info runstate;
    struct vcpu_register_runstate_memory_area rs = { .addr.v = &runstate };
    struct vcpu_set_singleshot_timer shot = { .timeout_abs_ns = now() + SECOND };
    struct vcpu_set_periodic_timer periodic = { .period_ns = SECOND };

    check_eq(HC(vcpu_op, VCPUOP_set_singleshot_timer, 1, &shot), -GE_INVAL,
             "a single-shot timer for another vCPU: -EINVAL");
    check_eq(HC(vcpu_op, VCPUOP_stop_singleshot_timer, 1, 0), -GE_INVAL, "or stopped: -EINVAL");
    check_eq(HC(vcpu_op, VCPUOP_set_periodic_timer, 1, &periodic), 0, "a periodic one for it");
    check_eq(HC(vcpu_op, VCPUOP_stop_periodic_timer, 1, 0), 0, "is stopped");
    check_eq(HC(vcpu_op, VCPUOP_register_runstate_memory_area, 1, &rs), 0, "a run-state area for it");
    check(runstate.state <= RUNSTATE_offline && runstate.state_entry_time, "is filled");
    check_eq(HC(vcpu_op, VCPUOP_get_physid, 1, &shot), -GE_INVAL, "where it runs, which may change: -EINVAL");
}

static bool take_down(void)
{
    uint64_t end = now() + 10 * SECOND;

    command = CMD_DOWN;
    while (HC(vcpu_op, VCPUOP_is_up, 1, 0) == 1 && now() < end)
        HC(sched_op, SCHEDOP_yield, 0);
    return HC(vcpu_op, VCPUOP_is_up, 1, 0) == 0;
}

static void check_life(void)
{
    check_eq(vcpu_start(1, second), 0, "the second vCPU is initialised and started");
    check(wait_for(&alive, 1), "it runs");
    check_eq(HC(vcpu_op, VCPUOP_is_up, 1, 0), 1, "it is up");
    check(take_down(), "it takes itself down");
    check_eq(HC(vcpu_op, VCPUOP_up, 1, 0), 0, "up again");
    check(wait_for(&alive, 2), "it goes on where it was");
}

static void check_events(void)
{
    struct evtchn_bind_ipi ipi = { .vcpu = 0 };
    struct evtchn_alloc_unbound unbound = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };
    struct evtchn_bind_vcpu move = { .vcpu = 1 };
    struct evtchn_status status;

    check_eq(evtchn_op(EVTCHNOP_bind_ipi, &ipi), 0, "an IPI port of vCPU 0");
    to_first = ipi.port;
    event_count[to_first] = 0;
    events_unmask();
    check(obey(CMD_SEND), "the second vCPU sends on it");
    check(wait_count(&event_count[to_first], 1, 10 * SECOND), "vCPU 0 handles it");
    events_mask();

    ipi.vcpu = 1;
    check_eq(evtchn_op(EVTCHNOP_bind_ipi, &ipi), 0, "an IPI port of vCPU 1");
    evtchn_status_of(ipi.port, &status);
    check_eq(status.vcpu, 1, "its status names vCPU 1");
    check_eq(vcpu_info(1)->evtchn_upcall_pending, 0, "vCPU 1 has nothing pending");
    check_eq(evtchn_send(ipi.port), 0, "send on it");
    check_eq(vcpu_info(1)->evtchn_upcall_pending, 1, "vCPU 1 has an upcall pending");
    check_eq(vcpu_info(0)->evtchn_upcall_pending, 0, "vCPU 0 has none");
    port_mask(ipi.port);
    port_clear(ipi.port);
    vcpu_info(1)->evtchn_pending_sel = 0;
    vcpu_info(1)->evtchn_upcall_pending = 0;

    evtchn_op(EVTCHNOP_alloc_unbound, &unbound);
    bind.remote_port = unbound.port;
    evtchn_op(EVTCHNOP_bind_interdomain, &bind);
    vcpu_info(0)->evtchn_pending_sel = 0;
    vcpu_info(0)->evtchn_upcall_pending = 0;
    port_clear(bind.local_port);
    move.port = bind.local_port;
    check_eq(evtchn_op(EVTCHNOP_bind_vcpu, &move), 0, "an interdomain port is moved to vCPU 1");
    check_eq(evtchn_send(unbound.port), 0, "send to it");
    check_eq(vcpu_info(1)->evtchn_upcall_pending, 1, "vCPU 1 has the upcall");
    check_eq(vcpu_info(0)->evtchn_upcall_pending, 0, "vCPU 0 has not");
    port_mask(move.port);
    port_clear(move.port);
    vcpu_info(1)->evtchn_pending_sel = 0;
    vcpu_info(1)->evtchn_upcall_pending = 0;
}

/* Two vCPUs that wake each other: no wake-up may be lost. */
static void check_pingpong(void)
{
    struct evtchn_bind_ipi first = { .vcpu = 0 }, other = { .vcpu = 1 };
    unsigned rounds = 0, before = answer;
    uint64_t end;

    evtchn_op(EVTCHNOP_bind_ipi, &first);
    evtchn_op(EVTCHNOP_bind_ipi, &other);
    ping_port = first.port;
    pong_port = other.port;
    port_mask(ping_port);
    port_mask(pong_port);
    command = CMD_PONG;
    while (rounds < ROUNDS) {
        evtchn_send(pong_port);
        if (!port_await(ping_port))
            break;
        rounds++;
    }
    check_eq(rounds, ROUNDS, "two blocked vCPUs wake each other 500 times");
    for (end = now() + 10 * SECOND; answer == before && now() < end;)
        HC(sched_op, SCHEDOP_yield, 0);
    check(answer != before && lost == 0, "none of their wake-ups is lost");
}

static void check_flush(void)
{
    char *a = page_alloc(), *b = page_alloc();
    unsigned long va = 0x0000123456789000UL, vcpus = 2;

    *(volatile uint64_t *)a = 0xaaaa;
    *(volatile uint64_t *)b = 0xbbbb;
    if (map_page(va, PTE(va_to_mfn(a), L1_FLAGS)))
        bail_out("cannot map");
    read_address = va;
    check(obey(CMD_READ) && second_value == 0xaaaa, "the second vCPU reads a page");
    update_va(va, PTE(va_to_mfn(b), L1_FLAGS), UVMF_INVLPG | UVMF_ALL);
    check(obey(CMD_READ) && second_value == 0xbbbb, "UVMF_INVLPG, all: it sees another page");
    update_va(va, PTE(va_to_mfn(a), L1_FLAGS), UVMF_TLB_FLUSH | UVMF_ALL);
    check(obey(CMD_READ) && second_value == 0xaaaa, "UVMF_TLB_FLUSH, all: it sees the first again");
    update_va(va, PTE(va_to_mfn(b), L1_FLAGS), UVMF_NONE);
    check_eq(mmuext_linear(MMUEXT_INVLPG_MULTI, va, (unsigned long)&vcpus), 0, "INVLPG_MULTI of vCPU 1");
    check(obey(CMD_READ) && second_value == 0xbbbb, "it sees the change");
    update_va(va, PTE(va_to_mfn(a), L1_FLAGS), UVMF_NONE);
    check_eq(mmuext_linear(MMUEXT_TLB_FLUSH_ALL, 0, 0), 0, "TLB_FLUSH_ALL");
    check(obey(CMD_READ) && second_value == 0xaaaa, "it sees that change");
}

/* A vCPU that is down may still be on its way out of its CPU for a moment. */
static bool wait_offline(void)
{
    struct vcpu_runstate_info runstate = { .state = RUNSTATE_running };
    uint64_t end = now() + 10 * SECOND;

    while (runstate.state != RUNSTATE_offline && now() < end)
        HC(vcpu_op, VCPUOP_get_runstate_info, 1, &runstate);
    return runstate.state == RUNSTATE_offline;
}

static void check_info(void)
{
    static char area[PAGE_SIZE] __attribute__((aligned(4096)));
    struct vcpu_register_vcpu_info reg = { .mfn = va_to_mfn(area), .offset = 64 };
    struct vcpu_info *info = (struct vcpu_info *)(area + 64);
    struct vcpu_runstate_info runstate;

    check_eq(HC(vcpu_op, VCPUOP_get_runstate_info, 1, &runstate), 0, "runstate of the other vCPU");
    check(runstate.state == RUNSTATE_running || runstate.state == RUNSTATE_runnable,
          "it is running or runnable");
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 1, &reg), -GE_INVAL,
             "vcpu_info of another vCPU that is up: -EINVAL");
    check(take_down(), "the second vCPU takes itself down");
    check(wait_offline(), "its runstate becomes offline");
    reg.offset = PAGE_SIZE - 8;
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 1, &reg), -GE_NXIO,
             "vcpu_info across the end of a page: -ENXIO");
    reg.offset = 68;
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 1, &reg), -GE_NXIO,
             "vcpu_info at an unaligned offset: -ENXIO");
    reg.offset = 64;
    reg.mfn = 0x200000000UL;
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 1, &reg), -GE_INVAL,
             "vcpu_info in a nonexistent frame: -EINVAL");
    reg.mfn = va_to_mfn(area);
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 1, &reg), 0, "vcpu_info of the second vCPU is moved");
    check_eq(info->evtchn_upcall_mask, 1, "its mask is taken along");
    check(info->time.version > 0, "its time record is there");
    check_eq(HC(vcpu_op, VCPUOP_register_vcpu_info, 1, &reg), -GE_INVAL, "vcpu_info moved again: -EINVAL");
}

TEST_MAIN("smp")
{
    check_errors();
    if (vcpu_total() < 2) {
        skip("one vCPU", "a second vCPU");
        return;
    }
    check_bad_contexts();
    check_life();
    check_other();
    check_events();
    check_pingpong();
    check_flush();
    check_info();
}
