/* SPDX-License-Identifier: MIT */
/*
 * A kernel writes to its page tables with ordinary instructions, through their read-only mappings: each store
 * is emulated under the rules of mmu_update, and one that breaks them faults.  Domain-0's always are, another
 * domain's while it has the assist for them.  Sources: xen.h, VMASST_TYPE_writable_pagetables; Intel SDM
 * volume 2.
 */
#include "child.h"

#define VA 0x0000123456789000UL
static char *page, *other;
static volatile pte_t *entry;           /* the L1 entry of VA, as the kernel's read-only mapping shows it */

static uint64_t operand __attribute__((used)), found __attribute__((used)), expected __attribute__((used));
PROBE(p_mov, "mov operand(%rip), %rax\nmov %rax, (%rdi)");
PROBE(p_xchg, "mov operand(%rip), %rax\nxchg %rax, (%rdi)");
PROBE(p_cmpxchg, "mov expected(%rip), %rax\nmov operand(%rip), %rcx\nlock cmpxchg %rcx, (%rdi)\nsetz %cl\n"
      "mov %rax, found(%rip)\nmovzbl %cl, %eax");
PROBE(p_or, "mov operand(%rip), %rax\nlock or %rax, (%rdi)");
PROBE(p_and, "mov operand(%rip), %rax\nlock and %rax, (%rdi)");
PROBE(p_btr_w, "lock btrq $1, (%rdi)\nsetc %al\nmovzbl %al, %eax");
PROBE(p_mov_imm, "movq $0, (%rdi)");
PROBE(p_mov_byte, "movb $0x25, (%rdi)");        /* P, U, A */
PROBE(p_mov_low, "mov operand(%rip), %eax\nmov %eax, (%rdi)");
PROBE(p_add, "mov operand(%rip), %rax\nadd %rax, (%rdi)");

static void flush(void)
{
    mmuext_linear(MMUEXT_INVLPG_LOCAL, VA, 0);
}

static void check_stores(void)
{
    operand = PTE(va_to_mfn(page), L1_FLAGS);
    check_eq(trap_try(p_mov, (long)entry), 0, "mov of an entry");
    check_eq(PTE_MFN(*entry), va_to_mfn(page), "the entry is set");
    flush();
    *(volatile unsigned *)VA = 0x61;
    check_eq(*(volatile unsigned *)page, 0x61, "it maps the page");
    operand = PTE(va_to_mfn(other), L1_FLAGS);
    check_eq(trap_try(p_xchg, (long)entry), 0, "xchg of an entry");
    check_eq(PTE_MFN(trap_try_value), va_to_mfn(page), "xchg gives the old one");
    check_eq(PTE_MFN(*entry), va_to_mfn(other), "xchg sets the new one");
    expected = *entry;
    operand = PTE(va_to_mfn(page), L1_FLAGS);
    check(trap_try(p_cmpxchg, (long)entry) == 0 && trap_try_value == 1, "cmpxchg that compares equal");
    check_eq(PTE_MFN(*entry), va_to_mfn(page), "cmpxchg sets the new one");
    expected = 0x1234;
    operand = PTE(va_to_mfn(other), L1_FLAGS);
    check(trap_try(p_cmpxchg, (long)entry) == 0 && trap_try_value == 0, "cmpxchg that compares unequal");
    check_eq(found, *entry, "cmpxchg gives what it found");
    check_eq(PTE_MFN(*entry), va_to_mfn(page), "cmpxchg leaves the entry");
    check(trap_try(p_btr_w, (long)entry) == 0 && trap_try_value == 1, "lock btr of the writable bit");
    check_eq(*entry & PTE_W, 0, "the bit is clear");
    operand = PTE_W;
    check_eq(trap_try(p_or, (long)entry), 0, "lock or of the writable bit");
    check_eq(*entry & PTE_W, PTE_W, "the bit is set");
    operand = ~(uint64_t)PTE_A;
    check_eq(trap_try(p_and, (long)entry), 0, "lock and of the accessed bit");
    check_eq(*entry & PTE_A, 0, "the bit is clear, too");
    operand = 0x200;
    check_eq(trap_try(p_add, (long)entry), 0, "add to an entry");
    check_eq(*entry & PTE_AVAIL, 0x200, "the software bit is set");
    check_eq(trap_try(p_mov_imm, (long)entry), 0, "mov of 0");
    check_eq(*entry, 0, "the entry is empty");
    flush();
}

static void check_narrow(void)
{
    operand = PTE(va_to_mfn(page), L1_FLAGS);
    trap_try(p_mov, (long)entry);
    operand = (uint32_t)PTE(va_to_mfn(other), L1_FLAGS);
    check_eq(trap_try(p_mov_low, (long)entry), 0, "a store of the lower four bytes");
    check_eq(PTE_MFN(*entry), va_to_mfn(other), "sets them");
    check_eq(trap_try(p_mov_byte, (long)entry), 0, "a store of one byte");
    check_eq(*entry & 0xff, PTE_P | PTE_U | PTE_A, "sets it");
    trap_try(p_mov_imm, (long)entry);
}

static void check_refusals(void)
{
    operand = PTE(root_mfn(), L1_FLAGS);
    check(traps(p_mov, (long)entry, TRAP_PF), "a store that would map a table writable faults");
    check_eq(trap.frame.error, PFEC_PRESENT | PFEC_WRITE, "with error code 3");
    check_eq(trap.cr2, (long)entry, "at the entry's address");
    check_eq(*entry, 0, "and changes nothing");
    operand = PTE(0x200000000UL, L1_FLAGS);
    check(traps(p_mov, (long)entry, TRAP_PF), "a store of a nonexistent frame faults");
    expected = 0;
    operand = PTE(root_mfn(), L1_FLAGS);
    check(traps(p_cmpxchg, (long)entry, TRAP_PF), "a cmpxchg that would map a table writable faults");
    check_eq(*entry, 0, "and changes nothing, too");
    operand = 0;
    check(traps(p_mov, (long)mfn_to_va(pte_maddr(VA, 2) >> PAGE_SHIFT), TRAP_PF),
          "a store to an L2 table faults");
    check(traps(p_mov, (long)machine_to_phys_mapping, TRAP_PF), "a store to the M2P faults");
}

/* The child's L1 table, read-only where its first spare page was; the entry of its second is written to. */
static long child_writes(pte_t value)
{
    return child_ask(CHILD_CALL, CHILD_ARG, CHILD_VA(SPARE_A) + table_index(CHILD_VA(SPARE_B), 1) * 8, value,
                     0);
}

static void check_child(void)
{
    static const unsigned char mov_rdx_to_rsi[] = { 0x48, 0x89, 0x16, 0xc3 };

    child_start();
    memcpy(OUR_ARG, mov_rdx_to_rsi, sizeof(mov_rdx_to_rsi));
    check_eq(child_ask(__HYPERVISOR_update_va_mapping, CHILD_VA(SPARE_A), PTE(child_mfns[L1], L1_RO),
                       UVMF_INVLPG, 0), 0, "a domain maps its L1 table read-only");
    check_eq(child_ask(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0, 0), 0,
             "it takes the assist");
    check(child_writes(PTE(child_mfns[SPARE_B], L1_RO)) != CHILD_SILENT,
          "its write to the table is carried out");
    check_eq(child_ask(__HYPERVISOR_vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables, 0, 0), 0,
             "it gives the assist back");
    check(child_writes(0) == CHILD_SILENT && child_wait_flag(XEN_DOMINF_shutdown),
          "its next write is a page fault");
    check(child_destroy(), "which was its end");
}

static void assist(unsigned cmd)
{
    check_eq(HC(vm_assist, cmd, VMASST_TYPE_writable_pagetables), 0, "the assist is turned %s",
             cmd == VMASST_CMD_enable ? "on" : "off");
}

/* Without the assist, as a guest. */
static void check_plain(void)
{
    operand = PTE(va_to_mfn(page), L1_FLAGS);
    check(traps(p_mov, (long)entry, TRAP_PF), "a guest's store to a table faults");
    check_eq(*entry, 0, "and changes nothing");
}

TEST_MAIN("ptwrite")
{
    uint64_t maddr;

    page = page_alloc();
    other = page_alloc();
    if (map_page(VA, 0))
        bail_out("cannot build tables");
    maddr = pte_maddr(VA, 1);
    entry = (volatile pte_t *)((char *)mfn_to_va(maddr >> PAGE_SHIFT) + maddr % PAGE_SIZE);
    if (!is_dom0()) {
        check_plain();
        assist(VMASST_CMD_enable);
    }
    check_stores();
    check_narrow();
    check_refusals();
    if (is_dom0()) {
        check_child();
        return;
    }
    assist(VMASST_CMD_disable);
    check_plain();
}
