/* SPDX-License-Identifier: MIT */
/*
 * Page tables.  The sandbox is a set of pages, each mapped at an address of the image, that random requests
 * turn into tables of all levels, descriptor pages, granted pages and back.  The tables that the fuzzer
 * itself runs on are changed in two places only: the L1 entries of the sandbox's own addresses, and a few
 * empty L4 slots (hooks), below which sandbox tables appear in the address space.
 */
#include "fuzz.h"

struct sandbox_page sandbox[SANDBOX];
unsigned violations;

#define HOOK_BASE ((unsigned long)HOOK_SLOT << 39)

PROBE(probe_read, "mov (%rdi), %rax");
PROBE(probe_write, "mov %rdi, %rax\nmov probe_value(%rip), %rdx\nmov %rdx, (%rax)");
PROBE(probe_write32, "mov %rdi, %rax\nmov probe_value(%rip), %rdx\nmov %edx, (%rax)");
PROBE(probe_cmpxchg,
      "mov %rdi, %rcx\nmov (%rcx), %rax\nmov probe_value(%rip), %rdx\nlock cmpxchg %rdx, (%rcx)");
unsigned long probe_value;

static volatile pte_t *root; /* our L4, as we see it: the M2P that leads there may be changed by the fuzzer */
unsigned long own_tables[4];

void tables_init(void)
{
    root = mfn_to_va(root_mfn());
    own_tables[0] = root_mfn();
    for (unsigned level = 4; level > 1; level--)
        own_tables[5 - level] = PTE_MFN(pte_read(VIRT_BASE, level));
    for (unsigned i = 0; i < SANDBOX; i++) {
        sandbox[i].va = page_alloc();
        sandbox[i].pfn = va_to_pfn(sandbox[i].va);
        sandbox[i].mfn = va_to_mfn(sandbox[i].va);
    }
}

unsigned long hook_address(struct fuzzer *f)
{
    static const unsigned short index[] = { 0, 1, 2, 255, 256, 511 };
    unsigned long va = HOOK_BASE + ((unsigned long)rnd_below(f, HOOK_SLOTS) << 39);

    va |= (unsigned long)PICK(f, index) << 30 | (unsigned long)PICK(f, index) << 21 |
          (unsigned long)PICK(f, index) << 12;
    return va | (one_in(f, 4) ? rnd_below(f, 4096) : 0);
}

/* A page that was last accepted as a table of this level (0: of any kind), if a few tries find one. */
static struct sandbox_page *page_of_level(struct fuzzer *f, unsigned level)
{
    struct sandbox_page *page = &sandbox[rnd_below(f, SANDBOX)];

    for (unsigned tries = 0; tries < 24 && (page->level != level || page->mfn == NO_MFN); tries++)
        page = &sandbox[rnd_below(f, SANDBOX)];
    return page->mfn == NO_MFN ? &sandbox[0] : page;
}

static unsigned rnd_index(struct fuzzer *f)
{
    static const unsigned short index[] = { 0, 1, 2, 3, 255, 256, 259, 264, 271, 272, 509, 510 };

    /* Not 511: a sandbox table that vCPU 0 runs on has the kernel there. */
    return one_in(f, 3) ? rnd_below(f, 511) : PICK(f, index);
}

/*
 * An entry for a table of this level: often one that could be accepted.  It names none of our own tables,
 * through which the fuzzer would write to itself.
 */
static pte_t rnd_pte(struct fuzzer *f, unsigned level)
{
    static const pte_t odd[] = { PTE_PSE,   PTE_G,         PTE_PCD, PTE_PWT, PTE_NX, PTE_AVAIL,
                                 1UL << 52, 0x7ffUL << 52, PTE_P,   PTE_W,   PTE_U };
    unsigned long mfn = one_in(f, 4) ? rnd_harmless_mfn(f) : page_of_level(f, level ? level - 1 : 0)->mfn;
    pte_t flags = level <= 1 ? (one_in(f, 3) ? L1_RO : L1_FLAGS) : TABLE_FLAGS;

    switch (rnd_below(f, 12)) {
    case 0:
        return 0;
    case 1:
        return rnd(f);
    case 2:
    case 3:
        return PTE(mfn, flags ^ PICK(f, odd));
    case 4:
        return PTE(mfn, rnd(f) & (0xfff | PTE_NX));
    case 5:
        return PTE(mfn, L1_RO);
    default:
        return PTE(mfn, flags);
    }
}

static long mmuext_one(struct fuzzer *f, unsigned cmd, unsigned long mfn)
{
    struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

    memcpy(f->scratch, &op, sizeof(op));
    return issue(f, __HYPERVISOR_mmuext_op, (unsigned long)f->scratch, 1, 0, DOMID_SELF, 0);
}

/* Frames given back while they were pinned, perhaps: known to nobody else, they would stay what they are. */
static unsigned long lost[1024];
static unsigned lost_count;

void sandbox_lost(struct fuzzer *f, struct sandbox_page *page)
{
    unsigned long *row = &lost[lost_count++ % ARRAY_SIZE(lost)];

    if (*row)
        mmuext_one(f, MMUEXT_UNPIN_TABLE, *row);
    *row = page->mfn;
    page->mfn = NO_MFN;
    page->level = 0;
}

static void set_level(unsigned long mfn, unsigned level)
{
    for (unsigned i = 0; i < SANDBOX; i++)
        if (sandbox[i].mfn == mfn)
            sandbox[i].level = level;
}

void act_mmu_update(struct fuzzer *f)
{
    struct mmu_update *req = (struct mmu_update *)f->scratch;
    unsigned *done = (unsigned *)(f->scratch + 2 * PAGE_SIZE), n = one_in(f, 3) ? 1 + rnd_below(f, 32) : 1;
    unsigned count = n;

    for (unsigned i = 0; i < n; i++) {
        struct sandbox_page *page = page_of_level(f, rnd_below(f, 5));
        unsigned level = page->level, index = rnd_index(f), type = one_in(f, 6) ? rnd_below(f, 4) : 0;

        req[i].ptr = ((uint64_t)page->mfn << PAGE_SHIFT) + index * 8;
        req[i].val = rnd_pte(f, level);
        if (type == MMU_MACHPHYS_UPDATE)
            req[i].val = one_in(f, 2) ? page->pfn : rnd_arg(f);
        if (one_in(f, 20))
            req[i].ptr =
                (one_in(f, 2) ? rnd_harmless_mfn(f) << PAGE_SHIFT : rnd_bad_pointer(f)) + rnd_below(f, 4096);
        else if (one_in(f, 20)) {
            /* Our own root: the hooks may be accepted, the hypervisor's slots must not be. */
            index = one_in(f, 4) ? HV_FIRST_SLOT + rnd_below(f, 16) : HOOK_SLOT + rnd_below(f, HOOK_SLOTS);
            req[i].ptr = (root_mfn() << PAGE_SHIFT) + index * 8;
            req[i].val = rnd_pte(f, 4);
        }
        req[i].ptr = (req[i].ptr & ~3UL) | type;
    }
    if (one_in(f, 50))
        count = rnd_arg(f);
    if (one_in(f, 60))
        count |= COUNT_PREEMPTED;
    issue(f, __HYPERVISOR_mmu_update, one_in(f, 60) ? rnd_pointer(f) : (unsigned long)req,
          count > 40 ? (count & COUNT_PREEMPTED) | 40 : count,
          one_in(f, 3) ? rnd_pointer(f) : (unsigned long)done,
          one_in(f, 8) ? rnd_domid(f) | (unsigned long)rnd_domid(f) << 16 : DOMID_SELF, 0);
}

void act_update_va(struct fuzzer *f)
{
    struct sandbox_page *page = &sandbox[rnd_below(f, SANDBOX)];
    unsigned long va = (unsigned long)page->va, flags = rnd_below(f, 6) ? rnd_below(f, 8) : rnd_arg(f);
    pte_t pte = one_in(f, 2) ? rnd_pte(f, 1) : PTE(page->mfn, one_in(f, 2) ? L1_RO : L1_FLAGS);

    if (one_in(f, 3))
        va = hook_address(f);
    if (one_in(f, 12))
        issue(f, __HYPERVISOR_update_va_mapping_otherdomain, va, pte, flags, rnd_domid(f), 0);
    else
        issue(f, __HYPERVISOR_update_va_mapping, va, pte, flags, 0, 0);
}

/* Writes entries straight into a page, where it is mapped writable, or is an L1 table whose writes are
 * emulated. */
void act_fill_table(struct fuzzer *f)
{
    struct sandbox_page *page = &sandbox[rnd_below(f, SANDBOX)];
    unsigned level = 1 + rnd_below(f, 4), n = one_in(f, 4) ? 64 : 1 + rnd_below(f, 6);

    for (unsigned i = 0; i < n; i++) {
        unsigned long va = (unsigned long)page->va + rnd_index(f) * 8;
        static long (*const how[])(long) = { probe_write, probe_write, probe_write, probe_write32,
                                             probe_cmpxchg };

        probe_value = rnd_pte(f, level);
        if (one_in(f, 20))
            va += rnd_below(f, 8);
        if (va + 8 > (unsigned long)page->va + PAGE_SIZE)
            continue;
        if (trap_try(PICK(f, how), va)) {
            f->traps++;
            break;
        }
    }
}

/* The way a kernel does it: make the page read-only, then pin it. */
void act_make_table(struct fuzzer *f)
{
    struct sandbox_page *page = &sandbox[rnd_below(f, SANDBOX)];
    unsigned level = 1 + rnd_below(f, 4);
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L1_TABLE + level - 1, .arg1.mfn = page->mfn };

    if (page->mfn == NO_MFN)
        return;
    issue(f, __HYPERVISOR_update_va_mapping, (unsigned long)page->va, PTE(page->mfn, L1_RO),
          UVMF_INVLPG | UVMF_ALL, 0, 0);
    memcpy(f->scratch, &op, sizeof(op));
    if (issue(f, __HYPERVISOR_mmuext_op, (unsigned long)f->scratch, 1, 0, DOMID_SELF, 0) == 0)
        page->level = level;
    if (one_in(f, 3)) {
        op.cmd = MMUEXT_UNPIN_TABLE;
        memcpy(f->scratch, &op, sizeof(op));
        issue(f, __HYPERVISOR_mmuext_op, (unsigned long)f->scratch, 1, 0, DOMID_SELF, 0);
        if (one_in(f, 2))
            page->level = 0;
    }
}

/* Any operation but a change of our own root, which act_root() makes. */
void act_mmuext(struct fuzzer *f)
{
    struct mmuext_op *op = (struct mmuext_op *)f->scratch;
    unsigned n = one_in(f, 4) ? 1 + rnd_below(f, 12) : 1;

    for (unsigned i = 0; i < n; i++) {
        op[i].cmd = one_in(f, 40) ? (unsigned)rnd_arg(f) : rnd_below(f, 22);
        if (op[i].cmd == MMUEXT_NEW_BASEPTR)
            op[i].cmd = MMUEXT_UNPIN_TABLE;
        op[i].arg1.mfn = one_in(f, 30) ? start_info->shared_info >> PAGE_SHIFT : rnd_mfn(f);
        op[i].arg2.src_mfn = rnd_mfn(f);
        if (op[i].arg1.mfn == root_mfn() || op[i].arg1.mfn == user_l4_mfn())
            op[i].cmd = one_in(f, 2) ? MMUEXT_PIN_L3_TABLE : MMUEXT_NEW_USER_BASEPTR;
        switch (op[i].cmd) {
        case MMUEXT_INVLPG_LOCAL:
        case MMUEXT_INVLPG_ALL:
        case MMUEXT_INVLPG_MULTI:
            op[i].arg1.linear_addr = one_in(f, 2) ? rnd_arg(f) : hook_address(f);
            break;
        case MMUEXT_SET_LDT:
            op[i].arg1.linear_addr =
                one_in(f, 3) ? rnd_arg(f) : (unsigned long)sandbox[rnd_below(f, SANDBOX)].va;
            op[i].arg2.nr_ents = one_in(f, 2) ? rnd_below(f, 512) : rnd_arg(f);
            break;
        case MMUEXT_CLEAR_PAGE:
        case MMUEXT_COPY_PAGE:
            op[i].arg1.mfn = sandbox[rnd_below(f, SANDBOX)].mfn;
            break;
        case MMUEXT_TLB_FLUSH_MULTI:
            set_xen_guest_handle(op[i].arg2.vcpumask, (void *)rnd_pointer(f));
            break;
        }
        if (op[i].cmd == MMUEXT_INVLPG_MULTI)
            set_xen_guest_handle(op[i].arg2.vcpumask, (void *)rnd_pointer(f));
    }
    issue(f, __HYPERVISOR_mmuext_op, (unsigned long)op, one_in(f, 40) ? n | COUNT_PREEMPTED : n,
          one_in(f, 3) ? rnd_pointer(f) : 0, one_in(f, 10) ? rnd_domid(f) : DOMID_SELF, 0);
    mmuext_one(f, MMUEXT_NEW_USER_BASEPTR, user_l4_mfn());
}

/* Runs for a while on a sandbox table that has the kernel's entries, and perhaps wrong ones beside them. */
void act_root(struct fuzzer *f)
{
    struct sandbox_page *page = &sandbox[rnd_below(f, SANDBOX)];
    long ret;

    if (page->mfn == NO_MFN || one_in(f, 8)) {
        mmuext_one(f, MMUEXT_NEW_USER_BASEPTR, one_in(f, 2) ? rnd_mfn(f) : user_l4_mfn());
        mmuext_one(f, MMUEXT_NEW_USER_BASEPTR, user_l4_mfn());
        return;
    }
    if (issue(f, __HYPERVISOR_update_va_mapping, (unsigned long)page->va, PTE(page->mfn, L1_FLAGS),
              UVMF_INVLPG, 0, 0) == 0) {
        for (unsigned i = 0; i < 512; i++) {
            probe_value = i == 511 || (i >= HOOK_SLOT && i < HOOK_SLOT + HOOK_SLOTS) ? root[i] : 0;
            if (trap_try(probe_write, (unsigned long)page->va + i * 8))
                return;
        }
        if (one_in(f, 4)) {
            probe_value = one_in(f, 2) ? PTE(page->mfn, L1_RO) : rnd_pte(f, 4);
            trap_try(probe_write, (unsigned long)page->va + rnd_below(f, 511) * 8);
        }
    }
    issue(f, __HYPERVISOR_update_va_mapping, (unsigned long)page->va, PTE(page->mfn, L1_RO),
          UVMF_INVLPG | UVMF_ALL, 0, 0);
    if (((volatile pte_t *)page->va)[511] != root[511])
        return;
    ret = mmuext_one(f, MMUEXT_NEW_BASEPTR, page->mfn);
    if (ret)
        return;
    page->level = 4;
    for (unsigned i = rnd_below(f, 4); i > 0; i--)
        one_in(f, 2) ? act_mmu_update(f) : act_touch(f);
    if (one_in(f, 4))
        mmuext_one(f, one_in(f, 2) ? MMUEXT_PIN_L4_TABLE : MMUEXT_UNPIN_TABLE, page->mfn);
    if (mmuext_one(f, MMUEXT_NEW_BASEPTR, root_mfn()))
        bail_out("the kernel's root is not accepted any more");
}

void act_hook(struct fuzzer *f)
{
    struct mmu_update *req = (struct mmu_update *)f->scratch;

    req->ptr = (root_mfn() << PAGE_SHIFT) + (HOOK_SLOT + rnd_below(f, HOOK_SLOTS)) * 8;
    req->val = one_in(f, 4) ? 0 : rnd_pte(f, 4);
    issue(f, __HYPERVISOR_mmu_update, (unsigned long)req, 1, 0, DOMID_SELF, 0);
}

void act_touch(struct fuzzer *f)
{
    unsigned long va = hook_address(f) & ~7UL;

    probe_value = rnd_pte(f, 1 + rnd_below(f, 4));
    f->traps += trap_try(one_in(f, 2) ? probe_read : probe_write, va);
}

/* What must never succeed: a pinned table gets, by a plain write, an entry that maps our root writable. */
void act_forge(struct fuzzer *f)
{
    struct sandbox_page *page = &sandbox[rnd_below(f, SANDBOX)];
    unsigned level = 1 + rnd_below(f, 4), index = rnd_below(f, 512);
    unsigned long va = (unsigned long)page->va + index * 8;

    if (page->mfn == NO_MFN)
        return;
    issue(f, __HYPERVISOR_update_va_mapping, (unsigned long)page->va, PTE(page->mfn, L1_RO),
          UVMF_INVLPG | UVMF_ALL, 0, 0);
    if (mmuext_one(f, MMUEXT_PIN_L1_TABLE + level - 1, page->mfn))
        return;
    page->level = level;
    if (one_in(f, 2))
        issue(f, __HYPERVISOR_update_va_mapping, (unsigned long)page->va, PTE(page->mfn, L1_FLAGS),
              UVMF_INVLPG | UVMF_ALL, 0, 0);
    probe_value = PTE(root_mfn(), L1_FLAGS);
    f->traps += trap_try(probe_write, va);
    if (!trap_try(probe_read, va) && (unsigned long)trap_try_value == probe_value &&
        fuzzers[1].scratch == NULL) {
        violations++;
        print("# VIOLATION: entry %u of a pinned L%u table was written unchecked\n", index, level);
    }
    if (one_in(f, 2))
        mmuext_one(f, MMUEXT_UNPIN_TABLE, page->mfn);
}

unsigned tables_restore(struct fuzzer *f)
{
    unsigned stuck = 0;

    mmuext_one(f, MMUEXT_NEW_BASEPTR, root_mfn());
    mmuext_one(f, MMUEXT_NEW_USER_BASEPTR, user_l4_mfn());
    for (unsigned i = 0; i < HOOK_SLOTS; i++)
        mmu_set((root_mfn() << PAGE_SHIFT) + (HOOK_SLOT + i) * 8, 0);
    for (unsigned i = 0; i < SANDBOX; i++)
        if (sandbox[i].mfn != NO_MFN)
            while (mmuext_one(f, MMUEXT_UNPIN_TABLE, sandbox[i].mfn) == 0)
                set_level(sandbox[i].mfn, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(lost); i++)
        if (lost[i])
            mmuext_one(f, MMUEXT_UNPIN_TABLE, lost[i]);
    for (unsigned i = 0; i < SANDBOX; i++)
        update_va((unsigned long)sandbox[i].va, 0, UVMF_INVLPG | UVMF_ALL);
    for (unsigned i = 0; i < SANDBOX; i++) {
        if (sandbox[i].mfn == NO_MFN)
            continue;
        if (update_va((unsigned long)sandbox[i].va, PTE(sandbox[i].mfn, L1_FLAGS), UVMF_INVLPG | UVMF_ALL)) {
            /* Where it cannot be mapped at all it went away unnoticed. */
            if (update_va((unsigned long)sandbox[i].va, PTE(sandbox[i].mfn, L1_RO), UVMF_INVLPG | UVMF_ALL))
                continue;
            if (stuck++ < 4)
                note("page %lx, last a table of level %u, is stuck", sandbox[i].mfn, sandbox[i].level);
            continue;
        }
        memset(sandbox[i].va, 0, PAGE_SIZE);
    }
    return stuck;
}
