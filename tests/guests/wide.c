/* SPDX-License-Identifier: MIT */
/*
 * A guest with 32 vCPUs, as many as shared_info has room for: each starts, has its own timer and its own
 * events, takes part in a ring of wake-ups, sees flushes that name it, and goes down and up again.  Source:
 * vcpu.h.
 */
#include "guest.h"

#define VCPUS XEN_LEGACY_MAX_VCPUS
#define ROUNDS 20

static volatile unsigned alive, step, done[VCPUS];
static unsigned ports[VCPUS], timers[VCPUS], lost;
static volatile uint64_t seen[VCPUS];
static volatile unsigned long read_address;

enum { STEP_START, STEP_TIMER, STEP_RING, STEP_READ, STEP_DOWN };

/*
 * Not whether it comes early: the clocks of two CPUs under an emulator differ by more than a test could
 * allow.
 */
static void take_timer(unsigned vcpu)
{
    struct vcpu_set_singleshot_timer shot = { .timeout_abs_ns = now() + SECOND / 100 };

    port_clear(timers[vcpu]);   /* a tick of the periodic timer from before it was stopped */
    if (HC(vcpu_op, VCPUOP_set_singleshot_timer, vcpu, &shot) || !port_await(timers[vcpu]))
        __atomic_fetch_add(&lost, 1, __ATOMIC_SEQ_CST);
}

/* Each wakes the next; vCPU 0 begins, and gets it back from the last. */
static void ring(unsigned vcpu)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (vcpu && !port_await(ports[vcpu]))
            __atomic_fetch_add(&lost, 1, __ATOMIC_SEQ_CST);
        evtchn_send(ports[(vcpu + 1) % VCPUS]);
        if (!vcpu && !port_await(ports[0]))
            __atomic_fetch_add(&lost, 1, __ATOMIC_SEQ_CST);
    }
}

static void take_step(unsigned vcpu, unsigned what)
{
    switch (what) {
    case STEP_TIMER:
        take_timer(vcpu);
        break;
    case STEP_RING:
        ring(vcpu);
        break;
    case STEP_READ:
        seen[vcpu] = *(volatile uint64_t *)read_address;
        break;
    case STEP_DOWN:
        if (vcpu)
            HC(vcpu_op, VCPUOP_down, vcpu, 0);
        break;
    }
}

static void other(void)
{
    unsigned vcpu = vcpu_self();

    __atomic_fetch_add(&alive, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        unsigned what = step;

        if (done[vcpu] != what) {
            done[vcpu] = what;
            take_step(vcpu, what & 0xff);
            __atomic_fetch_add(&alive, 1, __ATOMIC_SEQ_CST);
        }
        HC(sched_op, SCHEDOP_yield, 0);
    }
}

static bool all_did(void)
{
    uint64_t end = now() + 15 * SECOND;

    while (alive < VCPUS - 1 && now() < end)
        HC(sched_op, SCHEDOP_yield, 0);
    return alive == VCPUS - 1;
}

/* All vCPUs take a step, this one too; true when all others have done it. */
static bool all(unsigned what)
{
    static unsigned number;

    alive = 0;
    step = ++number << 8 | what;
    take_step(0, what);
    return all_did();
}

static unsigned count_up(void)
{
    unsigned up = 0;

    for (unsigned i = 0; i < VCPUS; i++)
        up += HC(vcpu_op, VCPUOP_is_up, i, 0) == 1;
    return up;
}

static void check_start(void)
{
    unsigned bad = 0;

    check_eq(vcpu_total(), VCPUS, "the domain has 32 vCPUs");
    check_eq(HC(vcpu_op, VCPUOP_is_up, VCPUS, 0), -GE_NOENT, "and no other: -ENOENT");
    for (unsigned i = 1; i < VCPUS; i++)
        bad += vcpu_start(i, other) != 0;
    check_eq(bad, 0, "each is initialised and brought up");
    check(all_did(), "each runs");
    check_eq(count_up(), VCPUS, "32 are up");
}

static void check_events(void)
{
    unsigned bad = 0;

    for (unsigned i = 0; i < VCPUS; i++) {
        struct evtchn_bind_ipi ipi = { .vcpu = i };
        struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = i };

        bad += evtchn_op(EVTCHNOP_bind_ipi, &ipi) || evtchn_op(EVTCHNOP_bind_virq, &virq);
        ports[i] = ipi.port;
        timers[i] = virq.port;
        port_mask(ports[i]);
        port_mask(timers[i]);
        HC(vcpu_op, VCPUOP_stop_periodic_timer, i, 0);
    }
    check_eq(bad, 0, "each vCPU gets an IPI port and a timer's port");
    check(all(STEP_TIMER), "each waits for its own timer");
    check_eq(lost, 0, "which comes");
    check(all(STEP_RING), "a wake-up goes round all vCPUs 20 times");
    check_eq(lost, 0, "none is lost");
}

static bool all_saw(uint64_t value)
{
    bool ok = all(STEP_READ);

    for (unsigned i = 0; i < VCPUS; i++)
        ok = ok && seen[i] == value;
    return ok;
}

static void check_flush(void)
{
    uint64_t *a = page_alloc(), *b = page_alloc();
    unsigned long va = 0x0000123456789000UL, every = 0xffffffffUL;

    *a = 0xaaaa;
    *b = 0xbbbb;
    if (map_page(va, PTE(va_to_mfn(a), L1_FLAGS)))
        bail_out("cannot map");
    read_address = va;
    check(all_saw(0xaaaa), "all vCPUs read a page");
    update_va(va, PTE(va_to_mfn(b), L1_FLAGS), UVMF_INVLPG | UVMF_ALL);
    check(all_saw(0xbbbb), "after UVMF_INVLPG, all: another one");
    update_va(va, PTE(va_to_mfn(a), L1_FLAGS), UVMF_NONE);
    check_eq(mmuext_linear(MMUEXT_TLB_FLUSH_MULTI, 0, (unsigned long)&every), 0, "TLB_FLUSH_MULTI of all 32");
    check(all_saw(0xaaaa), "they see the first again");
}

static void check_down(void)
{
    uint64_t end = now() + 10 * SECOND;

    step = 0xff00 | STEP_DOWN;
    while (count_up() > 1 && now() < end)
        HC(sched_op, SCHEDOP_yield, 0);
    check_eq(count_up(), 1, "31 go down");
    alive = 0;
    for (unsigned i = 1; i < VCPUS; i++)
        HC(vcpu_op, VCPUOP_up, i, 0);
    check(all_did(), "and come up where they went");
}

TEST_MAIN("wide")
{
    check_start();
    check_events();
    check_flush();
    check_down();
}
