/* SPDX-License-Identifier: MIT */
/*
 * Domains: their creation and destruction by domctl, events and switches between this guest and a tiny
 * domain on the same processor, and the memory that the hypervisor takes for itself and for each domain.
 */
#define __XEN_TOOLS__ 1
#include "measure.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

#define VIEW 0x0000400000000000UL       /* where the child's pages are mapped, one at a time */
#define DATA_VIEW (VIEW + PAGE_SIZE)
#define TSC_NEVER_EMULATE 2
#define E820_RAM 1
#define CHILDREN 8                      /* domains over which the memory of one is averaged */

/* The child's pages: four tables, code, data, stack; its shared_info is mapped behind them, from 0x10000. */
enum { L4, L3, L2, L1, CODE, DATA, STACK, PAGES };
#define CHILD_VA(page) (0x10000UL + (page) * PAGE_SIZE)

/* The data page; peer_code knows the offsets. */
struct child_data {
    volatile uint32_t ticks;            /* when the last event arrived */
    volatile uint32_t events;           /* how many did */
    struct evtchn_send answer;          /* the port on which each is answered */
    volatile uint32_t idle_op;          /* what it does otherwise: SCHEDOP_block or SCHEDOP_yield */
    volatile uint32_t turns;            /* how often it did */
};

/*
 * The child: enables events, then calls sched_op idle_op for ever; an event's handler notes the time, takes
 * the event and answers.  One page, position-independent but for the data page at 0x15000 and shared_info
 * at 0x17000.
 */
extern const char peer_code[], peer_event[], peer_code_end[];
asm(".pushsection .rodata\n.globl peer_code, peer_event, peer_code_end\n"
    "peer_code:\n"
    "    movb $0, 0x17001\n"
    "1:  incl 0x15010\n"
    "    mov $29, %eax\n"
    "    mov 0x1500c, %edi\n"
    "    xor %esi, %esi\n"
    "    syscall\n"
    "    jmp 1b\n"
    "peer_event:\n"
    "    pop %rcx\n"
    "    pop %r11\n"
    "    push %rax\n"
    "    push %rdx\n"
    "    lfence\n"
    "    rdtsc\n"
    "    mov %eax, 0x15000\n"
    "    incl 0x15004\n"
    "    movb $0, 0x17000\n"
    "    movq $0, 0x17008\n"
    "    movq $0, 0x17800\n"
    "    pop %rdx\n"
    "    pop %rax\n"
    "    push %rax\n"
    "    push %rcx\n"
    "    push %r11\n"
    "    push %rdi\n"
    "    push %rsi\n"
    "    mov $32, %eax\n"
    "    mov $4, %edi\n"
    "    mov $0x15008, %esi\n"
    "    syscall\n"
    "    pop %rsi\n"
    "    pop %rdi\n"
    "    pop %r11\n"
    "    pop %rcx\n"
    "    pop %rax\n"
    "    push $0\n"
    "    push %rcx\n"
    "    push %r11\n"
    "    push %rax\n"
    "    mov $23, %eax\n"
    "    syscall\n"
    "peer_code_end:\n.popsection\n");

static xen_pfn_t mfns[PAGES];
static struct xen_domctl op;
static struct vcpu_guest_context context;

static long domctl(unsigned cmd, domid_t dom)
{
    op.cmd = cmd;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = dom;
    return HC(domctl, &op);
}

static bool exists(domid_t dom)
{
    return domctl(XEN_DOMCTL_getdomaininfo, dom) == 0 && op.domain == dom;
}

/* Give the machine away so that the hypervisor can do what it has put off. */
static void wait_ms(unsigned ms)
{
    struct sched_poll poll = { .timeout = now() + ms * 1000000UL };

    HC(sched_op, SCHEDOP_poll, &poll);
}

/* A domain with the limits that xl asks for by default, and no memory yet. */
static long create(domid_t *dom)
{
    long ret;

    memset(&op, 0, sizeof(op));
    op.u.createdomain = (struct xen_domctl_createdomain){
        .max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = 64, .max_maptrack_frames = 1024,
        .grant_opts = XEN_DOMCTL_GRANT_version(1), .handle = { 1 },
    };
    ret = domctl(XEN_DOMCTL_createdomain, 0);
    *dom = op.domain;
    return ret;
}

static long limits(domid_t dom, unsigned long pages)
{
    long ret;

    op.u.max_vcpus.max = 1;
    ret = domctl(XEN_DOMCTL_max_vcpus, dom);
    op.u.max_mem.max_memkb = pages * 4;
    return ret ? ret : domctl(XEN_DOMCTL_max_mem, dom);
}

static long populate(domid_t dom, xen_pfn_t *extents, unsigned long n)
{
    struct xen_memory_reservation arg = { .nr_extents = n, .domid = dom };

    for (unsigned long i = 0; i < n; i++)
        extents[i] = i;
    set_xen_guest_handle(arg.extent_start, extents);
    return HC(memory_op, XENMEM_populate_physmap, &arg);
}

static long destroy(domid_t dom)
{
    return domctl(XEN_DOMCTL_destroydomain, dom);
}

static long map_foreign(unsigned long va, pte_t pte, domid_t dom)
{
    struct mmu_update req = { .ptr = pte_maddr(va, 1), .val = pte };
    long ret = HC(mmu_update, &req, 1, 0, dom);

    return ret ? ret : mmuext_linear(MMUEXT_INVLPG_LOCAL, va, 0);
}

static void fill(domid_t dom, unsigned page, const void *data, size_t size)
{
    void *to = (void *)VIEW;
    unsigned long words = PAGE_SIZE / 8;

    if (map_foreign(VIEW, PTE(mfns[page], L1_FLAGS), dom))
        bail_out("cannot map a page of the child");
    asm volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(0) : "memory");
    memcpy((void *)VIEW, data, size);
    if (map_foreign(VIEW, 0, dom))
        bail_out("cannot unmap a page of the child");
}

/* Tables, code and registers of the child; the tables are pinned. */
static long build(domid_t dom)
{
    pte_t table[16 + PAGES + 1] = { 0 };
    struct mmuext_op pin = { .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfns[L4] };
    unsigned long shared;
    long ret = domctl(XEN_DOMCTL_getdomaininfo, dom);

    shared = op.u.getdomaininfo.shared_info_frame;
    for (unsigned level = L4; level < L1; level++) {
        table[0] = PTE(mfns[level + 1], TABLE_FLAGS);
        fill(dom, level, table, sizeof(table[0]));
    }
    table[0] = 0;
    for (unsigned i = CODE; i < PAGES; i++)
        table[16 + i] = PTE(mfns[i], i == CODE ? L1_RO : L1_FLAGS);
    table[16 + PAGES] = PTE(shared, L1_FLAGS);
    fill(dom, L1, table, sizeof(table));
    fill(dom, CODE, peer_code, peer_code_end - peer_code);
    fill(dom, DATA, "", 0);
    if (!ret)
        ret = HC(mmuext_op, &pin, 1, 0, dom);
    context.flags = VGCF_IN_KERNEL | VGCF_online;
    context.user_regs.rip = CHILD_VA(CODE);
    context.user_regs.rsp = context.kernel_sp = CHILD_VA(STACK) + PAGE_SIZE;
    context.user_regs.rflags = FL_IF;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = context.kernel_ss = FLAT_KERNEL_SS;
    context.event_callback_eip = CHILD_VA(CODE) + (peer_event - peer_code);
    context.ctrlreg[3] = xen_pfn_to_cr3(mfns[L4]);
    op.u.vcpucontext.vcpu = 0;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
    return ret ? ret : domctl(XEN_DOMCTL_setvcpucontext, dom);
}

static bool wait_gone(domid_t dom)
{
    for (unsigned i = 0; i < 100 && exists(dom); i++)
        wait_ms(10);
    return !exists(dom);
}

static void rows_life(void)
{
    static const char *const names[] = {
        "createdomain", "domain's limits and vCPU", "populate_physmap of 7 frames",
        "fill and pin the tables, set the vCPU", "destroydomain",
    };
    static uint32_t steps[ARRAY_SIZE(names)][20];
    static uint32_t totals[20];
    long ret = 0;
    domid_t dom;

    for (unsigned i = 0; i < ARRAY_SIZE(totals) && !ret; i++) {
        uint32_t start = ticks(), t = start;

        ret = create(&dom);
        steps[0][i] = ticks() - t;
        if (ret)
            break;
        t = ticks();
        ret = limits(dom, PAGES);
        steps[1][i] = ticks() - t;
        t = ticks();
        ret = ret ? ret : populate(dom, mfns, PAGES) - PAGES;
        steps[2][i] = ticks() - t;
        t = ticks();
        ret = ret ? ret : build(dom);
        steps[3][i] = ticks() - t;
        t = ticks();
        ret = ret ? (destroy(dom), ret) : destroy(dom);
        steps[4][i] = ticks() - t;
        totals[i] = ticks() - start;
        ret = ret ? ret : !wait_gone(dom);
    }
    for (unsigned step = 0; step <= ARRAY_SIZE(names); step++) {
        for (unsigned i = 0; i < ARRAY_SIZE(totals); i++)
            sample(step < ARRAY_SIZE(names) ? steps[step][i] : totals[i], ret == 0, ret);
        row_end(step < ARRAY_SIZE(names) ? names[step] : "a domain of 7 frames, created, built, destroyed");
    }
}

/* A port of ours that is connected with one of the child's. */
static void connect(domid_t dom, struct evtchn_bind_interdomain *bind)
{
    struct evtchn_alloc_unbound unbound = { .dom = dom, .remote_dom = 0 };
    long ret = evtchn_op(EVTCHNOP_alloc_unbound, &unbound);

    *bind = (struct evtchn_bind_interdomain){ .remote_dom = dom, .remote_port = unbound.port };
    ret = ret ? ret : evtchn_op(EVTCHNOP_bind_interdomain, bind);
    if (ret)
        bail_out("cannot connect an event channel with the child: %ld", ret);
}

static void rows_child(domid_t dom)
{
    static struct sched_poll poll = { .nr_ports = 1 };
    static evtchn_port_t port;
    static struct evtchn_send send;
    struct child_data *data = (struct child_data *)DATA_VIEW;
    struct evtchn_bind_interdomain bind;
    unsigned before;

    connect(dom, &bind);
    send.port = port = bind.local_port;
    set_xen_guest_handle(poll.ports, &port);
    port_mask(port);
    if (map_foreign(DATA_VIEW, PTE(mfns[DATA], L1_FLAGS), dom))
        bail_out("cannot map the child's data");
    data->answer.port = bind.remote_port;
    data->idle_op = SCHEDOP_block;
    domctl(XEN_DOMCTL_unpausedomain, dom);
    wait_ms(10);
    for (unsigned i = 0; i < 100; i++) {
        uint32_t start;

        port_clear(port);
        before = data->events;
        start = ticks();
        evtchn_op(EVTCHNOP_send, &send);
        HC(sched_op, SCHEDOP_poll, &poll);
        sample(data->ticks - start, data->events == before + 1 && port_pending(port), data->events - before);
    }
    row_end("event to another domain until its handler");
    MEASURE("event to another domain and its answer", 100, 1, (port_clear(port), before = data->events),
            THEN(THEN(evtchn_op(EVTCHNOP_send, &send), HC(sched_op, SCHEDOP_poll, &poll)),
                 data->events - before));
    data->idle_op = SCHEDOP_yield;
    evtchn_op(EVTCHNOP_send, &send);
    for (unsigned i = 0; i < 10; i++)
        HC(sched_op, SCHEDOP_yield, 0);
    MEASURE("two yields, two switches of domains", 100, 1, before = data->turns,
            THEN(HC(sched_op, SCHEDOP_yield, 0), data->turns - before));
    domctl(XEN_DOMCTL_pausedomain, dom);
    map_foreign(DATA_VIEW, 0, dom);
    evtchn_close(port);
}

static void rows_running(void)
{
    domid_t dom;
    long ret = create(&dom);

    ret = ret ? ret : limits(dom, PAGES);
    ret = ret ? ret : populate(dom, mfns, PAGES) - PAGES;
    op.u.tsc_info = (struct xen_domctl_tsc_info){ .tsc_mode = TSC_NEVER_EMULATE };
    ret = ret ? ret : domctl(XEN_DOMCTL_settscinfo, dom);
    ret = ret ? ret : build(dom);
    if (ret) {
        row_failed("event to another domain until its handler", ret);
        return;
    }
    rows_child(dom);
    destroy(dom);
    wait_gone(dom);
}

void bench_domains(void)
{
    if (map_page(VIEW, 0) || map_page(DATA_VIEW, 0))
        bail_out("cannot build tables");
    rows_life();
    rows_running();
}

/* Free memory and all that domains own, in pages. */
static void usage(uint64_t *free, uint64_t *owned)
{
    static struct xen_domctl_getdomaininfo list[2 * CHILDREN];
    struct xen_sysctl ctl = { .cmd = XEN_SYSCTL_physinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

    if (HC(sysctl, &ctl))
        bail_out("physinfo failed");
    *free = ctl.u.physinfo.free_pages;
    memset(&ctl, 0, sizeof(ctl));
    ctl.cmd = XEN_SYSCTL_getdomaininfolist;
    ctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    ctl.u.getdomaininfolist.max_domains = ARRAY_SIZE(list);
    set_xen_guest_handle(ctl.u.getdomaininfolist.buffer, list);
    if (HC(sysctl, &ctl))
        bail_out("getdomaininfolist failed");
    *owned = 0;
    for (unsigned i = 0; i < ctl.u.getdomaininfolist.num_domains; i++)
        *owned += list[i].tot_pages;
}

static uint64_t machine_ram(void)
{
    static struct { uint64_t addr, size; uint32_t type; } __attribute__((packed)) map[64];
    struct xen_memory_map arg = { .nr_entries = ARRAY_SIZE(map) };
    uint64_t bytes = 0;

    set_xen_guest_handle(arg.buffer, map);
    if (HC(memory_op, XENMEM_machine_memory_map, &arg))
        bail_out("machine_memory_map failed");
    for (unsigned i = 0; i < arg.nr_entries; i++)
        if (map[i].type == E820_RAM)
            bytes += map[i].size;
    return bytes;
}

void report_memory(void)
{
    uint64_t free, owned, free_then, owned_then, ram = machine_ram();
    domid_t doms[CHILDREN];
    long ret = 0;

    usage(&free, &owned);
    print("memory RAM|%lu\nmemory free|%lu\n", ram, free * PAGE_SIZE);
    print("memory of domains|%lu\n", owned * PAGE_SIZE);
    print("memory the hypervisor's own|%ld\n", ram - (free + owned) * PAGE_SIZE);
    if (map_page(VIEW, 0))
        bail_out("cannot build tables");
    usage(&free, &owned);
    for (unsigned i = 0; i < CHILDREN && !ret; i++) {
        ret = create(&doms[i]);
        ret = ret ? ret : limits(doms[i], PAGES);
        ret = ret ? ret : populate(doms[i], mfns, PAGES) - PAGES;
        ret = ret ? ret : build(doms[i]);
    }
    if (ret)
        bail_out("cannot create the domains to measure: %ld", ret);
    usage(&free_then, &owned_then);
    print("memory an idle domain's beyond its frames|%ld\n",
          ((long)(free - free_then) - (long)(owned_then - owned)) * (long)PAGE_SIZE / CHILDREN);
    for (unsigned i = 0; i < CHILDREN; i++)
        ret |= destroy(doms[i]) || !wait_gone(doms[i]);
    if (ret)
        bail_out("cannot destroy the domains");
    wait_ms(200);
    usage(&free_then, &owned_then);
    print("memory lost by %u domains made and destroyed|%ld\n", CHILDREN,
          (long)(free - free_then) * (long)PAGE_SIZE);
}
