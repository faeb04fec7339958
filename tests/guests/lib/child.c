/* SPDX-License-Identifier: MIT */
/*
 * Building and driving the child domain of child.h.
 */
#include "child.h"


domid_t child;
xen_pfn_t child_mfns[PAGES];
struct mailbox *mailbox;

/*
 * The child's code: position-independent, one page.  rbx holds the mailbox, at CHILD_VA(DATA).
 */
extern char child_code[], child_code_end[];
asm(".pushsection .rodata\n.globl child_code, child_code_end\nchild_code:\n"
    "    mov $0x15000, %ebx\n"
    "1:  mov (%rbx), %rax\n"        /* request */
    "    cmp %rax, 8(%rbx)\n"       /* done */
    "    je 2f\n"
    "    mov 16(%rbx), %rax\n"      /* number */
    "    mov 24(%rbx), %rdi\n"
    "    mov 32(%rbx), %rsi\n"
    "    mov 40(%rbx), %rdx\n"
    "    mov 48(%rbx), %r10\n"
    "    mov 56(%rbx), %r8\n"
    "    cmp $-1, %rax\n"
    "    je 3f\n"
    "    cmp $-2, %rax\n"
    "    je 4f\n"
    "    cmp $-3, %rax\n"
    "    je 5f\n"
    "    syscall\n"
    "6:  mov %rax, 64(%rbx)\n"      /* result */
    "    mov (%rbx), %rax\n"
    "    mov %rax, 8(%rbx)\n"
    "    jmp 1b\n"
    "2:  mov $29, %eax\n"           /* nothing to do: SCHEDOP_yield */
    "    xor %edi, %edi\n"
    "    xor %esi, %esi\n"
    "    syscall\n"
    "    jmp 1b\n"
    "3:  call *%rdi\n"
    "    jmp 6b\n"
    "4:  ud2\n"
    "5:  pause\n"
    "    jmp 5b\n"
    "child_code_end:\n.popsection\n");
_Static_assert(CHILD_VA(DATA) == 0x15000, "the child's code knows this address");

long domctl(struct xen_domctl *op, unsigned cmd, domid_t dom)
{
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = dom;
    return HC(domctl, op);
}

long domctl_simple(unsigned cmd, domid_t dom)
{
    struct xen_domctl op = { 0 };

    return domctl(&op, cmd, dom);
}

long destroy_domain(domid_t dom)
{
    long ret;

    while ((ret = domctl_simple(XEN_DOMCTL_destroydomain, dom)) == -GE_AGAIN)
        ;
    return ret;
}

struct xen_domctl_getdomaininfo *info_of(domid_t dom)
{
    static struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    return domctl(&op, XEN_DOMCTL_getdomaininfo, dom) || op.domain != dom ? NULL : &op.u.getdomaininfo;
}

struct xen_domctl create_request(void)
{
    return (struct xen_domctl){
        .u.createdomain = { .max_vcpus = 1, .max_evtchn_port = 1023, .max_grant_frames = 4,
                            .max_maptrack_frames = 4, .grant_opts = XEN_DOMCTL_GRANT_version(1),
                            .handle = { 1, 2, 3 } },
    };
}

long populate(domid_t dom, xen_pfn_t *extents, unsigned long n)
{
    struct xen_memory_reservation arg = { .nr_extents = n, .domid = dom };

    set_xen_guest_handle(arg.extent_start, extents);
    return HC(memory_op, XENMEM_populate_physmap, &arg);
}

long map_foreign(unsigned long va, pte_t pte, domid_t dom)
{
    struct mmu_update req = { .ptr = pte_maddr(va, 1), .val = pte };
    long ret = HC(mmu_update, &req, 1, 0, dom);

    mmuext_linear(MMUEXT_INVLPG_LOCAL, va, 0);
    return ret;
}

void child_fill(unsigned page, const void *data, size_t size)
{
    if (map_foreign(VIEW, PTE(child_mfns[page], L1_FLAGS), child))
        bail_out("cannot map a page of the child");
    memset((void *)VIEW, 0, PAGE_SIZE);
    memcpy((void *)VIEW, data, size);
    if (map_foreign(VIEW, 0, child))
        bail_out("cannot unmap a page of the child");
}

void child_fill_tables(void)
{
    static pte_t table[512];

    for (unsigned level = L4; level < L1; level++) {
        memset(table, 0, sizeof(table));
        table[0] = PTE(child_mfns[level + 1], TABLE_FLAGS);
        child_fill(level, table, sizeof(table));
    }
    memset(table, 0, sizeof(table));
    for (unsigned i = CODE; i < PAGES; i++)
        table[16 + i] = PTE(child_mfns[i], i == CODE ? L1_RO : L1_FLAGS);
    table[16 + PAGES] = PTE(info_of(child)->shared_info_frame, L1_FLAGS);
    child_fill(L1, table, sizeof(table));
    child_fill(CODE, child_code, child_code_end - child_code);
}

long child_map_mailbox(void)
{
    if (map_page(VIEW + PAGE_SIZE, 0))
        bail_out("cannot build tables");
    mailbox = (struct mailbox *)(VIEW + PAGE_SIZE);
    return map_foreign(VIEW + PAGE_SIZE, PTE(child_mfns[DATA], L1_FLAGS), child);
}

void child_context(struct vcpu_guest_context *context)
{
    memset(context, 0, sizeof(*context));
    context->flags = VGCF_IN_KERNEL | VGCF_online;
    context->user_regs.rip = CHILD_VA(CODE);
    context->user_regs.rsp = CHILD_VA(STACK) + PAGE_SIZE;
    context->user_regs.rflags = FL_IF;
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = context->user_regs.rsp;
    context->ctrlreg[3] = xen_pfn_to_cr3(child_mfns[L4]);
}

static void must(long ret, const char *what)
{
    if (ret)
        bail_out("starting a child: %s returned %ld", what, ret);
}

void child_build(void)
{
    static struct vcpu_guest_context context;
    struct xen_domctl op = create_request();
    struct mmuext_op pin = { .cmd = MMUEXT_PIN_L4_TABLE };

    must(domctl(&op, XEN_DOMCTL_createdomain, 0), "createdomain");
    child = op.domain;
    op = (struct xen_domctl){ .u.max_mem.max_memkb = PAGES * 4 };
    must(domctl(&op, XEN_DOMCTL_max_mem, child), "max_mem");
    for (unsigned i = 0; i < PAGES; i++)
        child_mfns[i] = i;
    must(populate(child, child_mfns, PAGES) - PAGES, "populate_physmap");
    if (map_page(VIEW, 0))
        bail_out("cannot build tables");
    child_fill_tables();
    pin.arg1.mfn = child_mfns[L4];
    must(HC(mmuext_op, &pin, 1, 0, child), "pinning its root");
    must(child_map_mailbox(), "mapping its mailbox");
    memset(mailbox, 0, PAGE_SIZE);
    op = (struct xen_domctl){ .u.max_vcpus.max = 1 };
    must(domctl(&op, XEN_DOMCTL_max_vcpus, child), "max_vcpus");
    child_context(&context);
    op = (struct xen_domctl){ 0 };
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &context);
    must(domctl(&op, XEN_DOMCTL_setvcpucontext, child), "setvcpucontext");
}

void child_start(void)
{
    child_build();
    must(domctl_simple(XEN_DOMCTL_unpausedomain, child), "unpausedomain");
}

bool child_destroy(void)
{
    uint64_t end = now() + 10 * SECOND;

    map_foreign(VIEW + PAGE_SIZE, 0, child);
    destroy_domain(child);
    while (info_of(child) && now() < end)
        HC(sched_op, SCHEDOP_yield, 0);
    return !info_of(child);
}

long child_ask(unsigned long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d)
{
    uint64_t end = now() + 5 * SECOND;

    mailbox->nr = nr;
    mailbox->args[0] = a;
    mailbox->args[1] = b;
    mailbox->args[2] = c;
    mailbox->args[3] = d;
    mailbox->request++;
    while (mailbox->done != mailbox->request && now() < end)
        HC(sched_op, SCHEDOP_yield, 0);
    return mailbox->done == mailbox->request ? (long)mailbox->result : CHILD_SILENT;
}

bool child_wait_flag(unsigned flag)
{
    uint64_t end = now() + 10 * SECOND;

    while (now() < end) {
        struct xen_domctl_getdomaininfo *info = info_of(child);

        if (!info || info->flags & flag)
            return true;
        HC(sched_op, SCHEDOP_yield, 0);
    }
    return false;
}
