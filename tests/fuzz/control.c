/* SPDX-License-Identifier: MIT */
/*
 * Domain-0 only: control requests with any content, and the lives of a few small domains, which make random
 * hypercalls themselves while they run, and are destroyed at any moment, their pages mapped or not.
 */
#define __XEN_TOOLS__ 1
#include "fuzz.h"

#include <xen/domctl.h>
#include <xen/platform.h>
#include <xen/sysctl.h>

#define CHILDREN 3
#define PAGES 24
#define VIEW 0x0000400000000000UL /* where Domain-0 maps their pages */
#define VIEWS 5
enum { L4, L3, L2, L1, CODE, DATA, STACK, FIRST_SPARE };

static struct child {
    volatile domid_t id; /* 0: none */
    unsigned stage;
    xen_pfn_t mfns[PAGES];
} children[CHILDREN];

/*
 * What a child runs at 0x14000 (CODE), with a writable page at 0x15000: numbers by xorshift, then a hypercall
 * with them.  r14 and r15 survive hypercalls.
 */
extern char fuzz_child[], fuzz_child_end[];
asm(".pushsection .rodata\n.globl fuzz_child, fuzz_child_end\nfuzz_child:\n"
    "    rdtsc\n    shl $32, %rdx\n    lea 1(%rax, %rdx), %r15\n"
    "1:  call 9f\n    mov %r15, %r14\n    and $63, %r14\n"
    "    call 9f\n    mov %r15, %rdi\n    test $3, %r15b\n    jz 2f\n    and $31, %edi\n"
    "2:  call 9f\n    mov %r15, %rsi\n    test $12, %r15b\n    jz 3f\n    and $0xff8, %esi\n"
    "    add $0x15000, %esi\n"
    "    mov %r15, (%rsi)\n"
    "3:  call 9f\n    mov %r15, %rdx\n    test $48, %r15b\n    jz 4f\n    and $7, %edx\n"
    "4:  test $64, %r15b\n    jz 5f\n    mov %rsi, %rdi\n"
    "5:  mov $0x7ff0, %r10d\n"
    "    cmp $23, %r14\n    je 1b\n" /* iret */
    "    mov %r14, %rax\n    syscall\n    jmp 1b\n"
    "9:  mov %r15, %rax\n    shl $13, %rax\n    xor %rax, %r15\n"
    "    mov %r15, %rax\n    shr $7, %rax\n    xor %rax, %r15\n"
    "    mov %r15, %rax\n    shl $17, %rax\n    xor %rax, %r15\n    ret\n"
    "fuzz_child_end:\n.popsection\n");

static long domctl(struct fuzzer *f, struct xen_domctl *op, unsigned cmd, domid_t dom)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = dom;
    return issue(f, __HYPERVISOR_domctl, (unsigned long)op, 0, 0, 0, 0);
}

static long domctl_simple(struct fuzzer *f, unsigned cmd, domid_t dom)
{
    struct xen_domctl op = { 0 };

    return domctl(f, &op, cmd, dom);
}

uint64_t free_pages_now(void)
{
    struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo, .interface_version = XEN_SYSCTL_INTERFACE_VERSION };

    return is_dom0() && HC(sysctl, &op) == 0 ? op.u.physinfo.free_pages : 0;
}

uint64_t own_pages_now(void)
{
    struct xen_memory_domain arg = { .domid = DOMID_SELF };
    long pages = HC(memory_op, XENMEM_current_reservation, &arg);

    return pages < 0 ? 0 : pages;
}

/* Requests that change Domain-0 itself, or stop the machine, are left out. */
void act_domctl(struct fuzzer *f)
{
    uint32_t *words = (uint32_t *)rnd_fill(f, 0);
    domid_t dom = one_in(f, 3) ? rnd_arg(f) : children[rnd_below(f, CHILDREN)].id;
    unsigned cmd;

    switch (rnd_below(f, 4)) {
    case 0:
        words[0] = one_in(f, 8) ? (unsigned)rnd_arg(f) : rnd_subop(f, __HYPERVISOR_sysctl);
        words[1] = XEN_SYSCTL_INTERFACE_VERSION;
        if (words[0] == XEN_SYSCTL_debug_keys)
            words[0] = XEN_SYSCTL_physinfo;
        if (one_in(f, 2))
            memset(words + 2, 0, 64);
        issue(f, __HYPERVISOR_sysctl, (unsigned long)words, 0, 0, 0, 0);
        break;
    case 1:
        words[0] = one_in(f, 8) ? (unsigned)rnd_arg(f) : rnd_subop(f, __HYPERVISOR_platform_op);
        words[1] = XENPF_INTERFACE_VERSION;
        if (words[0] == XENPF_enter_acpi_sleep || words[0] == XENPF_cpu_offline)
            words[0] = XENPF_get_cpuinfo;
        issue(f, __HYPERVISOR_platform_op, (unsigned long)words, 0, 0, 0, 0);
        break;
    default:
        cmd = rnd_subop(f, __HYPERVISOR_domctl);
        if (dom == 0 || dom >= DOMID_FIRST_RESERVED)
            cmd = one_in(f, 2) ? XEN_DOMCTL_getdomaininfo : XEN_DOMCTL_getvcpuinfo;
        if (cmd == XEN_DOMCTL_createdomain)
            dom = 0x7000 + rnd_below(f, 16); /* destroyed by control_restore() should it be made */
        if (one_in(f, 2))
            memset(words + 4, 0, 128);
        words[4] = one_in(f, 2) ? words[4] : rnd_below(f, 3);
        domctl(f, (struct xen_domctl *)words, cmd, dom);
    }
}

static uint64_t view_ptes[VIEWS]; /* machine addresses of the entries that map VIEW */

void control_init(void)
{
    for (unsigned i = 0; i < VIEWS; i++) {
        if (map_page(VIEW + i * PAGE_SIZE, 0))
            bail_out("cannot build tables");
        view_ptes[i] = pte_maddr(VIEW + i * PAGE_SIZE, 1);
    }
}

static long map_foreign(struct fuzzer *f, unsigned slot, pte_t pte, domid_t dom)
{
    struct mmu_update req = { .ptr = view_ptes[slot], .val = pte };
    long ret = issue(f, __HYPERVISOR_mmu_update, (unsigned long)&req, 1, 0, dom, 0);

    mmuext_linear(MMUEXT_INVLPG_ALL, VIEW + slot * PAGE_SIZE, 0);
    return ret;
}

static void fill(struct fuzzer *f, struct child *c, unsigned page, const void *data, size_t size)
{
    if (map_foreign(f, 0, PTE(c->mfns[page], L1_FLAGS), c->id))
        return;
    memset((void *)VIEW, 0, PAGE_SIZE);
    memcpy((void *)VIEW, data, size);
    map_foreign(f, 0, 0, c->id);
}

static void create(struct fuzzer *f, struct child *c)
{
    struct xen_domctl op = {
        .u.createdomain = { .max_vcpus = 1 + rnd_below(f, 4),
                            .max_evtchn_port = one_in(f, 4) ? rnd_arg(f) : 1023,
                            .max_grant_frames = one_in(f, 4) ? rnd_arg(f) : 4,
                            .max_maptrack_frames = one_in(f, 4) ? rnd_arg(f) : 4,
                            .grant_opts = XEN_DOMCTL_GRANT_version(1) },
    };

    if (one_in(f, 8))
        ((uint32_t *)&op.u.createdomain)[rnd_below(f, sizeof(op.u.createdomain) / 4)] = rnd_arg(f);
    if (domctl(f, &op, XEN_DOMCTL_createdomain, 0) == 0) {
        c->stage = 1;
        c->id = op.domain;
    }
}

static void give_memory(struct fuzzer *f, struct child *c)
{
    struct xen_domctl op = { .u.max_mem.max_memkb = one_in(f, 6) ? rnd_arg(f) : PAGES * 4 };
    struct xen_memory_reservation r = { .nr_extents = PAGES, .domid = c->id };

    domctl(f, &op, XEN_DOMCTL_max_mem, c->id);
    op = (struct xen_domctl){ .u.max_vcpus.max = one_in(f, 6) ? (unsigned)rnd_arg(f) : 1 };
    for (unsigned i = 1; i <= 4; i++) { /* only the number that it was made for is accepted */
        domctl(f, &op, XEN_DOMCTL_max_vcpus, c->id);
        op.u.max_vcpus.max = i;
    }
    for (unsigned i = 0; i < PAGES; i++)
        c->mfns[i] = i;
    set_xen_guest_handle(r.extent_start, c->mfns);
    c->stage = issue(f, __HYPERVISOR_memory_op, XENMEM_populate_physmap, (unsigned long)&r, 0, 0, 0) == PAGES
                   ? 2
                   : 9;
}

static void build(struct fuzzer *f, struct child *c)
{
    static pte_t table[512];
    static struct vcpu_guest_context context;
    struct xen_domctl op = { 0 };
    struct mmuext_op pin = { .cmd = one_in(f, 8) ? rnd_below(f, 22) : MMUEXT_PIN_L4_TABLE,
                             .arg1.mfn = c->mfns[L4] };

    for (unsigned level = L4; level < L1; level++) {
        memset(table, 0, sizeof(table));
        table[0] = PTE(c->mfns[level + 1], TABLE_FLAGS);
        fill(f, c, level, table, sizeof(table));
    }
    memset(table, 0, sizeof(table));
    for (unsigned i = CODE; i < PAGES; i++)
        table[16 + i] = PTE(c->mfns[i], i == CODE ? L1_RO : L1_FLAGS);
    if (one_in(f, 4))
        table[rnd_below(f, 512)] = PTE(one_in(f, 2) ? c->mfns[rnd_below(f, PAGES)] : rnd_mfn(f), L1_FLAGS);
    fill(f, c, L1, table, sizeof(table));
    fill(f, c, CODE, fuzz_child, fuzz_child_end - fuzz_child);
    issue(f, __HYPERVISOR_mmuext_op, (unsigned long)&pin, 1, 0, c->id, 0);
    memset(&context, 0, sizeof(context));
    context.flags = VGCF_IN_KERNEL | VGCF_online;
    context.user_regs.rip = (16 + CODE) * PAGE_SIZE;
    context.user_regs.rsp = (17 + STACK) * PAGE_SIZE;
    context.user_regs.rflags = FL_IF;
    context.user_regs.cs = FLAT_KERNEL_CS;
    context.user_regs.ss = FLAT_KERNEL_SS;
    context.kernel_ss = FLAT_KERNEL_SS;
    context.kernel_sp = context.user_regs.rsp;
    context.ctrlreg[3] = xen_pfn_to_cr3(c->mfns[L4]);
    if (one_in(f, 4))
        ((uint64_t *)&context)[rnd_below(f, sizeof(context) / 8)] = rnd_arg(f);
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
    domctl(f, &op, XEN_DOMCTL_setvcpucontext, c->id);
    c->stage = 3;
}

static void poke(struct fuzzer *f, struct child *c)
{
    struct mmu_update req = { .ptr = (c->mfns[rnd_below(f, 8)] << PAGE_SHIFT) + rnd_below(f, 40) * 8,
                              .val = PTE(c->mfns[rnd_below(f, PAGES)],
                                         one_in(f, 2) ? L1_FLAGS : rnd_below(f, 4096)) };
    struct mmuext_op ext = { .cmd = rnd_below(f, 5), .arg1.mfn = c->mfns[rnd_below(f, PAGES)] };
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = c->id };
    struct xen_domctl op = { 0 };
    xen_pfn_t frame = c->mfns[FIRST_SPARE + rnd_below(f, PAGES - FIRST_SPARE)];

    switch (rnd_below(f, 8)) {
    case 0:
        issue(f, __HYPERVISOR_mmu_update, (unsigned long)&req, 1, 0, c->id | (c->id + 1UL) << 16, 0);
        break;
    case 1:
        issue(f, __HYPERVISOR_mmuext_op, (unsigned long)&ext, 1, 0, c->id, 0);
        break;
    case 2:
        map_foreign(f, 1 + rnd_below(f, 4),
                    PTE(c->mfns[rnd_below(f, PAGES)], one_in(f, 2) ? L1_RO : L1_FLAGS), c->id);
        break;
    case 3:
        map_foreign(f, 1 + rnd_below(f, 4), 0, c->id);
        break;
    case 4:
        set_xen_guest_handle(r.extent_start, &frame);
        issue(f, __HYPERVISOR_memory_op, XENMEM_decrease_reservation, (unsigned long)&r, 0, 0, 0);
        break;
    case 5:
        domctl_simple(f, one_in(f, 2) ? XEN_DOMCTL_pausedomain : XEN_DOMCTL_unpausedomain, c->id);
        break;
    case 6: {
        static struct vcpu_guest_context context;

        set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
        domctl(f, &op, XEN_DOMCTL_getvcpucontext, c->id);
        break;
    }
    default:
        domctl_simple(f, XEN_DOMCTL_unpausedomain, c->id);
        for (unsigned i = rnd_below(f, 3); i > 0; i--)
            issue(f, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
        if (!one_in(f, 16)) /* else it keeps the CPU from us */
            domctl_simple(f, XEN_DOMCTL_pausedomain, c->id);
    }
}

static void destroy(struct fuzzer *f, struct child *c)
{
    if (one_in(f, 2))
        for (unsigned i = 1; i <= 4; i++)
            map_foreign(f, i, 0, c->id);
    while (domctl_simple(f, XEN_DOMCTL_destroydomain, c->id) == -GE_AGAIN)
        ;
    c->id = 0;
    for (unsigned i = 1; i <= 4; i++)
        map_foreign(f, i, 0, DOMID_SELF);
}

void act_domain(struct fuzzer *f)
{
    struct child *c = &children[rnd_below(f, CHILDREN)];

    if (f->vcpu || !is_dom0())
        return;
    if (!c->id)
        create(f, c);
    else if (one_in(f, 40))
        destroy(f, c);
    else if (c->stage == 1)
        give_memory(f, c);
    else if (c->stage == 2)
        build(f, c);
    else if (c->stage == 3)
        poke(f, c);
    else
        destroy(f, c);
}

static unsigned others(struct fuzzer *f, domid_t *ids, unsigned room)
{
    unsigned n = 0;

    for (unsigned next = 1; n < room; n++) {
        struct xen_domctl op = { 0 };

        if (domctl(f, &op, XEN_DOMCTL_getdomaininfo, next) || op.domain < next)
            break;
        ids[n] = op.domain;
        next = op.domain + 1;
    }
    return n;
}

/* Destroys every domain but this one, and waits until they are gone. */
void control_restore(struct fuzzer *f)
{
    domid_t ids[64];
    uint64_t end = now() + 5000000000UL;
    unsigned n;

    if (!is_dom0())
        return;
    for (unsigned i = 0; i < VIEWS; i++)
        map_foreign(f, i, 0, DOMID_SELF);
    for (unsigned i = 0; i < CHILDREN; i++)
        children[i].id = 0;
    while ((n = others(f, ids, ARRAY_SIZE(ids))) != 0 && now() < end) {
        for (unsigned i = 0; i < n; i++)
            domctl_simple(f, XEN_DOMCTL_destroydomain, ids[i]);
        HC(sched_op, SCHEDOP_yield, 0);
    }
    if (n)
        print("# domain %u is still there\n", ids[0]);
}
