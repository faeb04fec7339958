/* SPDX-License-Identifier: MIT */
/*
 * What a guest does that means harm, by categories: the one that its command line begins with, else all those
 * that it survives.  Beside another guest and Domain-0 tests/system/matrix.t runs each, and looks at those.
 * Three end the domain, for a reason that the hypervisor must name: "stack", "unmap" and, named to a guest, "jump";
 * "loop" has to be destroyed.
 */
#include "guest.h"

#define MSR_RANGE 0x2000
#define EXHAUST_MAX 1000000
#define VA 0x0000123456789000UL
#define REF 8 /* of the grant; those before are the tools' */

/* ---- privileged instructions ---- */
PROBE(p_hlt, "hlt");
PROBE(p_lgdt, "lgdt (%rdi)");
PROBE(p_lidt, "lidt (%rdi)");
PROBE(p_lldt, "mov $8, %eax\nlldt %ax");
PROBE(p_ltr, "mov $8, %eax\nltr %ax");
PROBE(p_invlpg, "invlpg (%rdi)");
PROBE(p_invd, "invd");
PROBE(p_sysret, "sysretq");
PROBE(p_monitor, "monitor");
PROBE(p_vmcall, ".byte 0x0f, 0x01, 0xc1");
PROBE(p_vmrun, ".byte 0x0f, 0x01, 0xd8");
PROBE(p_vmxoff, ".byte 0x0f, 0x01, 0xc4");
PROBE(p_invpcid, "mov $2, %eax\n.byte 0x66, 0x0f, 0x38, 0x82, 0x07");
PROBE(p_rsm, "rsm");
PROBE(p_cr4, "xor %eax, %eax\nmov %rax, %cr4");
PROBE(p_cr3, "mov $0xffffffff000, %rax\nmov %rax, %cr3");
PROBE(p_in, "mov $0x60, %edx\nin %dx, %al");
PROBE(p_wrmsr, "mov %edi, %ecx\nmov $-1, %eax\nmov $-1, %edx\nwrmsr");
PROBE(p_call, "call *%rdi");

static void privileged(void)
{
    static const struct {
        long (*probe)(long);
        unsigned vector;
        const char *name;
    } rows[] = {
        { p_hlt, TRAP_GP, "hlt" },         { p_lgdt, TRAP_GP, "lgdt" },     { p_lidt, TRAP_GP, "lidt" },
        { p_lldt, TRAP_GP, "lldt" },       { p_ltr, TRAP_GP, "ltr" },       { p_invlpg, TRAP_GP, "invlpg" },
        { p_invd, TRAP_GP, "invd" },       { p_sysret, TRAP_GP, "sysret" }, { p_vmcall, TRAP_UD, "vmcall" },
        { p_vmxoff, TRAP_UD, "vmxoff" },   { p_rsm, TRAP_UD, "rsm" },
        { p_cr3, TRAP_GP, "mov to cr3" },
    };
    unsigned long page = (unsigned long)page_alloc();

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        check(traps(rows[i].probe, page, rows[i].vector), "%s traps", rows[i].name);
    trap_try(p_cr4, page);
    trap_try(p_vmrun, page);
    trap_try(p_invpcid, page);
    trap_try(p_monitor, page);
    check(true, "a write of CR4, vmrun, invpcid and monitor trap or do nothing");
    if (!is_dom0())
        check(traps(p_in, page, TRAP_GP), "a guest's in from the keyboard's port traps");
}

/* ---- MSRs ---- */
static void msrs(void)
{
    static const uint32_t first[] = { 0, 0xc0000000, 0xc0010000, 0x40000000 };
    unsigned others = 0, refused = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(first); i++)
        for (uint32_t msr = first[i]; msr < first[i] + MSR_RANGE; msr++) {
            memset(&trap, 0, sizeof(trap));
            if (!trap_try(p_wrmsr, msr))
                continue;
            refused++;
            others += trap.frame.vector != TRAP_GP;
        }
    check_eq(others, 0, "a write of all ones to an MSR is taken or gives #GP");
    check(refused > 4 * MSR_RANGE * 9 / 10, "and #GP nearly always");
}

/* ---- hypercalls ---- */
static uint64_t random_state = 88172645463325252UL;
static unsigned long rnd(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

/* Those that stop or block the domain by right, or go elsewhere. */
static bool harmful(unsigned nr, unsigned sub)
{
    return nr == __HYPERVISOR_iret ||
           (nr == __HYPERVISOR_sched_op && (sub == SCHEDOP_block || sub == SCHEDOP_shutdown_code)) ||
           (nr == __HYPERVISOR_sched_op_compat && sub != SCHEDOP_yield) ||
           (nr == __HYPERVISOR_vcpu_op && sub == VCPUOP_down);
}

static bool pass_over(struct frame *frame)
{
    (void)frame;
    return true;
}

static unsigned long all_ones(void)
{
    return ~0UL;
}

static unsigned long into_hypervisor(void)
{
    static const unsigned long addresses[] = { BAD_PTR_XEN, 0xffff818000000000, 0xffff840000001000,
                                               HYPERVISOR_VIRT_START };

    return addresses[rnd() % ARRAY_SIZE(addresses)];
}

/* Each number and sub-operation with such arguments: none may be taken for good where it cannot be. */
static void calls(unsigned long (*argument)(void), const char *what, unsigned rounds)
{
    unsigned odd = 0;

    trap_hook[CB_NMI] = pass_over;
    for (unsigned round = 0; round < rounds; round++)
        for (unsigned nr = 0; nr < 64; nr++)
            for (unsigned sub = 0; sub < 48; sub++) {
                long ret;

                if (harmful(nr, sub))
                    continue;
                ret = hypercall_bare(nr, sub, argument(), argument(), argument(), argument());
                odd += ret < -4095 && nr != __HYPERVISOR_get_debugreg;
                if (nr == __HYPERVISOR_set_callbacks || nr == __HYPERVISOR_set_trap_table ||
                    nr == __HYPERVISOR_callback_op || nr == __HYPERVISOR_fpu_taskswitch ||
                    nr == __HYPERVISOR_vm_assist) {
                    trap_init();
                    HC(fpu_taskswitch, 0);
                }
            }
    for (unsigned nr = 0; nr < 64; nr++)
        if (nr != __HYPERVISOR_iret)
            hypercall_bare(nr, argument(), argument(), argument(), argument(), argument());
    trap_init();
    events_mask();
    check_eq(odd, 0, "every hypercall with %s answers", what);
    check_eq(HC(xen_version, XENVER_version, 0), 4 << 16 | 17, "the hypervisor answers after %s", what);
}

static void calls_ones(void)
{
    calls(all_ones, "all ones", 1);
}

static void calls_pointers(void)
{
    calls(into_hypervisor, "pointers into it", 2);
}

static void calls_random(void)
{
    calls(rnd, "random numbers", 8);
}

/* ---- page tables ---- */
static void tables(void)
{
    unsigned long image_l1 = pte_maddr(VIRT_BASE, 1) >> PAGE_SHIFT, taken = 0, own = 0;
    unsigned long last = HC(memory_op, XENMEM_maximum_ram_page, 0);
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
    xen_pfn_t grant_frame = 0;
    char *page = page_alloc();
    uint64_t entry;

    set_xen_guest_handle(setup.frame_list, &grant_frame);
    HC(grant_table_op, GNTTABOP_setup_table, &setup, 1);

    if (map_page(VA, PTE(va_to_mfn(page), L1_FLAGS)))
        bail_out("cannot build tables");
    entry = pte_maddr(VA, 1);
    check_eq(mmu_set(entry, PTE(image_l1, L1_FLAGS)), -GE_BUSY, "a page table mapped writable: -EBUSY");
    check_eq(mmu_set(entry, PTE(root_mfn(), L1_FLAGS)), -GE_BUSY, "the root mapped writable: -EBUSY");
    check(mmu_set(entry, PTE(0xfffffffffUL, L1_FLAGS)) < 0, "a frame that does not exist is refused");
    check_eq(mmu_set(entry, start_info->shared_info | L1_RO), 0, "shared_info may be mapped");
    check_eq(mmu_set(entry, 0), 0, "and unmapped");
    /* Every frame of the machine: what is neither ours nor I/O memory is refused. */
    for (unsigned long mfn = 0x100; mfn <= last; mfn++) {
        bool mine = ((volatile unsigned long *)MACH2PHYS_VIRT_START)[mfn] < start_info->nr_pages &&
                    p2m()[((volatile unsigned long *)MACH2PHYS_VIRT_START)[mfn]] == mfn;

        if (mine)
            own++;
        else if (mfn != start_info->shared_info >> PAGE_SHIFT && mfn != grant_frame &&
                 mmu_set(entry, PTE(mfn, L1_RO)) == 0)
            taken++;
    }
    mmu_set(entry, 0);
    check(own > 1000, "the domain has frames");
    if (is_dom0())
        skip("Domain-0 may map what belongs to no domain", "no frame of another can be mapped");
    else
        check_eq(taken, 0, "no frame of another can be mapped");
    taken = 0;
    for (unsigned slot = 256; slot < 272; slot++)
        taken += mmu_set((root_mfn() << PAGE_SHIFT) + slot * 8, PTE(root_mfn(), L1_RO)) == 0;
    check(is_dom0() || taken == 0, "the hypervisor's slots of the root are refused");
}

/* ---- what is limited ---- */
static void exhaust(void)
{
    unsigned ports[4096], n = 0;
    long ret = 0;

    while (n < EXHAUST_MAX) {
        struct evtchn_alloc_unbound arg = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };

        ret = evtchn_op(EVTCHNOP_alloc_unbound, &arg);
        if (ret)
            break;
        ports[n % ARRAY_SIZE(ports)] = arg.port;
        n++;
    }
    check_eq(ret, -GE_NOSPC, "event channels come to an end: -ENOSPC");
    for (unsigned i = 0; i < n && i < ARRAY_SIZE(ports); i++)
        evtchn_close(ports[i]);
    for (unsigned i = 0; i < 20000; i++) {
        struct vcpu_set_singleshot_timer single = { .timeout_abs_ns = now() + 1000 + rnd() % 1000000 };
        struct vcpu_set_periodic_timer periodic = { .period_ns = 1000000 + rnd() % 1000000 };

        HC(vcpu_op, VCPUOP_set_singleshot_timer, 0, &single);
        HC(set_timer_op, now() + rnd() % 1000000);
        if (i % 64 == 0)
            HC(vcpu_op, VCPUOP_set_periodic_timer, 0, &periodic);
    }
    HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    HC(vcpu_op, VCPUOP_stop_singleshot_timer, 0, 0);
    HC(set_timer_op, 0UL);
    check(true, "timers are set again and again");
}

/* By the record of a port that is offered to ourselves. */
static domid_t own_domid(void)
{
    struct evtchn_alloc_unbound offer = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_status status;

    if (evtchn_op(EVTCHNOP_alloc_unbound, &offer) || evtchn_status_of(offer.port, &status))
        bail_out("no port");
    evtchn_close(offer.port);
    return status.u.unbound.dom;
}

static void grants(void)
{
    xen_pfn_t frames[64];
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 1 };
    grant_entry_v1_t *table = (grant_entry_v1_t *)VA;
    char *page = page_alloc(), *at = page_alloc();
    unsigned n = 0;

    set_xen_guest_handle(setup.frame_list, frames);
    if (HC(grant_table_op, GNTTABOP_setup_table, &setup, 1) || setup.status)
        bail_out("no grant table: %d", setup.status);
    if (map_page(VA, PTE(frames[0], L1_FLAGS)))
        bail_out("cannot map the grant table");
    setup = (struct gnttab_setup_table){ .dom = DOMID_SELF, .nr_frames = 0xffffff };
    set_xen_guest_handle(setup.frame_list, frames);
    HC(grant_table_op, GNTTABOP_setup_table, &setup, 1);
    check(setup.status < 0, "a grant table of sixteen million frames is refused");
    table[REF].frame = va_to_mfn(page);
    table[REF].domid = own_domid();
    table[REF].flags = GTF_permit_access;
    for (; n < EXHAUST_MAX; n++) {
        struct gnttab_map_grant_ref map = {
            .host_addr = (unsigned long)at, .flags = GNTMAP_host_map, .ref = REF, .dom = own_domid()
        };

        if (HC(grant_table_op, GNTTABOP_map_grant_ref, &map, 1) || map.status)
            break;
    }
    note("%u maps", n);
    check(n > 0 && n < EXHAUST_MAX, "maps of one's own grants come to an end");
}

/* ---- what ends the domain ---- */
static bool named;      /* one category, by the command line */

static void jump(void)
{
    static const unsigned long places[] = { 0, BAD_PTR_XEN, BAD_PTR_UNMAPPED, HYPERVISOR_VIRT_END - 8 };

    for (unsigned i = 0; i < ARRAY_SIZE(places); i++)
        check(trap_try(p_call, places[i]), "a call of a bad address traps (%u)", i);
    check(traps(p_call, BAD_PTR_NONCANONICAL, TRAP_GP), "a call of a non-canonical address: #GP");
    if (is_dom0() || !named)
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(trap_hook); i++)
        trap_hook[i] = NULL;
    HC(set_trap_table, 0); /* nobody handles the next one */
    ((void (*)(void))BAD_PTR_UNMAPPED)();
}

static void loop(void)
{
    events_mask();
    print("# looping\n");
    for (;;)
        asm volatile("");
}

static void stack(void)
{
    print("# overflowing\n");
    asm volatile("mov %0, %%rsp\n1: push %%rax\njmp 1b" ::"r"((unsigned long)page_alloc() + 64));
}

static void unmap(void)
{
    print("# unmapping\n");
    for (unsigned long va = VIRT_BASE + 0x100000; va < (unsigned long)image_end; va += PAGE_SIZE)
        update_va(va, 0, UVMF_INVLPG);
}

static const struct {
    const char *name;
    void (*run)(void);
    bool survived;
} categories[] = {
    { "privileged", privileged, true },     { "msrs", msrs, true },
    { "calls-ones", calls_ones, true },     { "calls-pointers", calls_pointers, true },
    { "calls-random", calls_random, false }, { "tables", tables, true },
    { "exhaust", exhaust, true },           { "grants", grants, true },
    { "jump", jump, true },                 { "loop", loop, false },
    { "stack", stack, false },              { "unmap", unmap, false },
};

TEST_MAIN("wreck")
{
    const char *wanted = (const char *)start_info->cmd_line;

    for (unsigned i = 0; i < ARRAY_SIZE(categories); i++)
        if (!strncmp(wanted, categories[i].name, strlen(categories[i].name))) {
            named = true;
            categories[i].run();
        }
    for (unsigned i = 0; !named && i < ARRAY_SIZE(categories); i++)
        if (categories[i].survived)
            categories[i].run();
}
