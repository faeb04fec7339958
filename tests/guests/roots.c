/* SPDX-License-Identifier: MIT */
/*
 * Changes of a root's own entries reach every vCPU that runs on it, at the flush that the guest asks for at
 * the latest: in kernel and in user mode, on this vCPU and on another that is running, in roots that are
 * loaded and in those that were and will be again. A hypervisor that runs guests on copies of their roots
 * must keep the copies true; a stale entry would lead to a table that is none any more. Source: xen.h,
 * mmu_update, MMUEXT_NEW_BASEPTR.
 */
#include "guest.h"

#define SLOT 5
#define VA ((unsigned long)SLOT << 39)
#define ROOTS 12

USER_PROBE(u_read, "mov (%rdi), %rax");
PROBE(p_read, "mov (%rdi), %rax");

struct tree {
    pte_t *l3, *l2, *l1;
    uint64_t *page;
};

/* Tables below a root's slot, that show one page with this value in it. */
static void tree_make(struct tree *t, uint64_t value)
{
    t->page = page_alloc();
    t->l1 = page_alloc();
    t->l2 = page_alloc();
    t->l3 = page_alloc();
    t->page[0] = value;
    t->l1[0] = PTE(va_to_mfn(t->page), L1_RO);
    t->l2[0] = PTE(va_to_mfn(t->l1), TABLE_FLAGS);
    t->l3[0] = PTE(va_to_mfn(t->l2), TABLE_FLAGS);
    if (page_readonly(t->l1) || page_readonly(t->l2) || page_readonly(t->l3))
        bail_out("a table could not be made read-only");
}

/* True if its tables are ordinary pages again; gives them back. */
static bool tree_free(struct tree *t)
{
    bool ok = !page_writable(t->l3) && !page_writable(t->l2) && !page_writable(t->l1);

    if (ok) {
        page_free(t->l3);
        page_free(t->l2);
        page_free(t->l1);
        page_free(t->page);
    }
    return ok;
}

static pte_t slot_of(const struct tree *t)
{
    return PTE(va_to_mfn(t->l3), TABLE_FLAGS);
}

/* What the page shows, or a marker. */
static uint64_t kernel_read(void)
{
    return trap_try(p_read, VA) ? 0xfff : trap_try_value;
}

static uint64_t loaded_slot(void)
{
    return ((uint64_t)root_mfn() << PAGE_SHIFT) + SLOT * 8;
}

static void check_loaded(void)
{
    struct tree a, b;

    tree_make(&a, 0xaaa);
    tree_make(&b, 0xbbb);
    check(traps(p_read, VA, TRAP_PF), "nothing is mapped by an empty slot");
    check_eq(mmu_set(loaded_slot(), slot_of(&a)), 0, "an entry is put into the loaded root");
    check_eq(kernel_read(), 0xaaa, "what it maps can be read");
    check_eq(mmu_set(loaded_slot(), slot_of(&b)), 0, "it is replaced by another");
    mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0);
    check_eq(kernel_read(), 0xbbb, "after a flush the other's is read");
    check(tree_free(&a), "the first one's tables are ordinary pages again");
    check_eq(mmu_set(loaded_slot(), 0), 0, "the entry is removed");
    mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0);
    check(traps(p_read, VA, TRAP_PF), "nothing is mapped again");
    check(tree_free(&b), "the second one's tables are ordinary pages again");
}

static uint64_t user_read(void)
{
    unsigned vector = user_run(u_read, VA);

    return vector == CB_SYSCALL ? user_exit.rax : 0x1000 + vector;
}

static void check_user(void)
{
    uint64_t slot = ((uint64_t)user_l4_mfn() << PAGE_SHIFT) + SLOT * 8;
    struct tree a, b;

    tree_make(&a, 0xaaa);
    tree_make(&b, 0xbbb);
    check_eq(user_read(), 0x1000 + TRAP_PF, "user mode: nothing is mapped by an empty slot");
    check_eq(mmu_set(slot, slot_of(&a)), 0, "user mode: an entry is put into its root");
    check_eq(user_read(), 0xaaa, "user mode: what it maps can be read");
    check_eq(mmu_set(slot, slot_of(&b)), 0, "user mode: it is replaced by another");
    mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0);
    check_eq(user_read(), 0xbbb, "user mode: after a flush the other's is read");
    check(tree_free(&a), "user mode: the first one's tables are ordinary pages again");
    check_eq(mmu_set(slot, 0), 0, "user mode: the entry is removed");
    mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0);
    check_eq(user_read(), 0x1000 + TRAP_PF, "user mode: nothing is mapped again");
    check(tree_free(&b), "user mode: the second one's tables are ordinary pages again");
}

/* A root like the loaded one, but for the slot. */
static void root_fill(pte_t *root, pte_t slot)
{
    const pte_t *loaded = mfn_to_va(root_mfn());

    for (unsigned i = 0; i < 512; i++)
        root[i] = i < 256 || i >= 272 ? loaded[i] : 0;
    root[SLOT] = slot;
    if (page_readonly(root) || mmuext(MMUEXT_PIN_L4_TABLE, va_to_mfn(root)))
        bail_out("a root could not be pinned");
}

static void root_load(unsigned long mfn)
{
    if (mmuext(MMUEXT_NEW_BASEPTR, mfn))
        bail_out("a root could not be loaded");
}

/* More roots than a hypervisor is likely to remember, visited in turn. */
static void check_many(void)
{
    unsigned long home = root_mfn();
    struct tree trees[ROOTS], other;
    pte_t *roots[ROOTS];
    unsigned wrong = 0, stale = 0, busy = 0, reused = 0;

    for (unsigned i = 0; i < ROOTS; i++) {
        tree_make(&trees[i], i);
        roots[i] = page_alloc();
        root_fill(roots[i], slot_of(&trees[i]));
    }
    for (unsigned turn = 0; turn < 3 * ROOTS; turn++) {
        root_load(va_to_mfn(roots[turn % ROOTS]));
        wrong += kernel_read() != turn % ROOTS;
    }
    check_eq(wrong, 0, "each of many roots shows its own page, again and again");

    /* Entries of roots that are not loaded are moved on by one. */
    root_load(home);
    for (unsigned i = 0; i < ROOTS; i++)
        stale += mmu_set(entry_maddr(roots[i], SLOT), slot_of(&trees[(i + 1) % ROOTS])) != 0;
    for (unsigned i = 0; i < ROOTS; i++) {
        root_load(va_to_mfn(roots[i]));
        stale += kernel_read() != (i + 1) % ROOTS;
    }
    check_eq(stale, 0, "each shows the page of its new entry when it is loaded again");

    /* The same frames as roots anew, with other content. */
    root_load(home);
    tree_make(&other, 0xeee);
    for (unsigned i = 0; i < ROOTS; i++) {
        busy += mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(roots[i])) != 0 || page_writable(roots[i]) != 0;
        root_fill(roots[i], i % 2 ? slot_of(&other) : 0);
    }
    for (unsigned i = ROOTS; i-- > 0; ) {   /* those first that were loaded last */
        root_load(va_to_mfn(roots[i]));
        reused += i % 2 ? kernel_read() != 0xeee : !traps(p_read, VA, TRAP_PF);
    }
    check_eq(busy, 0, "roots are unpinned and written to");
    check_eq(reused, 0, "as roots again they show what was written");

    root_load(home);
    for (unsigned i = 0; i < ROOTS; i++) {
        busy += mmuext(MMUEXT_UNPIN_TABLE, va_to_mfn(roots[i])) != 0 || page_writable(roots[i]) != 0;
        page_free(roots[i]);
        busy += !tree_free(&trees[i]);
    }
    busy += !tree_free(&other);
    check_eq(busy, 0, "all of it becomes ordinary pages");
}

/* ---- another vCPU on the same root ---- */

static volatile unsigned running, stop;
static volatile uint64_t seen, reads;

/* A fault means "nothing there"; the instruction is gone over, and the value is the marker. */
static bool second_fault(struct frame *frame)
{
    extern const char second_load[], second_next[];

    if (frame->rip != (unsigned long)second_load)
        return false;
    frame->rip = (unsigned long)second_next;
    return true;
}

/* Reads without ever asking the hypervisor for anything. */
static void second(void)
{
    running = 1;
    while (!stop) {
        uint64_t value = 0xfff;

        asm volatile(".globl second_load, second_next\n"
                     "second_load: mov (%1), %0\n"
                     "second_next:" : "+r"(value) : "r"(VA) : "memory");
        seen = value;
        reads++;
    }
    running = 0;
    for (;;)
        HC(vcpu_op, VCPUOP_down, 1, 0);
}

/* The flush, then what the other vCPU sees from a read on that began after it. */
static uint64_t seen_after(unsigned cmd)
{
    uint64_t mask = 2, end = now() + 5 * SECOND, from;

    if (mmuext_linear(cmd, cmd == MMUEXT_INVLPG_MULTI ? VA : 0, (unsigned long)&mask))
        return 0x2000;
    from = reads;
    while (reads < from + 2 && now() < end)
        HC(sched_op, SCHEDOP_yield, 0);
    return reads < from + 2 ? 0x2001 : seen;
}

static void check_other(void)
{
    struct tree a, b;
    uint64_t end = now() + 5 * SECOND;
    unsigned wrong = 0;

    if (vcpu_total() < 2) {
        skip("one vCPU", "another vCPU sees changes of the root");
        return;
    }
    tree_make(&a, 0xaaa);
    tree_make(&b, 0xbbb);
    trap_hook[TRAP_PF] = second_fault;
    check_eq(vcpu_start(1, second), 0, "another vCPU starts on the same root");
    while (!running && now() < end)
        HC(sched_op, SCHEDOP_yield, 0);
    check_eq(seen_after(MMUEXT_TLB_FLUSH_MULTI), 0xfff, "other vCPU: nothing is mapped by an empty slot");
    mmu_set(loaded_slot(), slot_of(&a));
    check_eq(seen_after(MMUEXT_TLB_FLUSH_MULTI), 0xaaa, "other vCPU: a new entry of its root is there");
    mmu_set(loaded_slot(), slot_of(&b));
    check_eq(seen_after(MMUEXT_TLB_FLUSH_MULTI), 0xbbb, "other vCPU: another one in its place is there");
    check(tree_free(&a), "other vCPU: the old one's tables are ordinary pages");
    mmu_set(loaded_slot(), 0);
    check_eq(seen_after(MMUEXT_INVLPG_MULTI), 0xfff, "other vCPU: a removed entry is gone");
    check(tree_free(&b), "other vCPU: its tables are ordinary pages, too");

    tree_make(&a, 0xaaa);
    tree_make(&b, 0xbbb);
    for (unsigned i = 0; i < 200; i++) {
        mmu_set(loaded_slot(), slot_of(i % 2 ? &b : &a));
        wrong += seen_after(MMUEXT_TLB_FLUSH_MULTI) != (i % 2 ? 0xbbb : 0xaaa);
    }
    check_eq(wrong, 0, "other vCPU: 200 changes are seen, each in its time");
    mmu_set(loaded_slot(), 0);
    check_eq(seen_after(MMUEXT_TLB_FLUSH_ALL), 0xfff, "other vCPU: the slot is empty in the end");
    stop = 1;
    while (running && now() < end + 20 * SECOND)
        HC(sched_op, SCHEDOP_yield, 0);
    trap_hook[TRAP_PF] = NULL;
    check(tree_free(&a) && tree_free(&b), "all tables are ordinary pages");
}

TEST_MAIN("roots")
{
    check_loaded();
    user_init();
    check_user();
    check_many();
    check_other();
}
