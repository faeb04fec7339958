/* SPDX-License-Identifier: MIT */
/*
 * The state in which a domain's first vCPU starts: registers, start_info, the physical-to-machine list, the
 * bootstrap page tables, the shared page's clocks (start.c has the rest of that page).  Sources: xen.h, "Start-of-day memory layout" and struct
 * start_info.
 */
#include "guest.h"

PROBE(p_poke, "mov (%rdi), %eax\nmov %eax, (%rdi)");
PROBE(p_peek, "mov (%rdi), %eax");

static void check_registers(void)
{
    check_eq(boot_regs.rsi, (long)start_info, "rsi holds start_info");
    check(boot_regs.rsi % PAGE_SIZE == 0, "start_info is page-aligned");
    check(boot_regs.rax == 0 && boot_regs.rbx == 0 && boot_regs.rcx == 0 && boot_regs.rdx == 0 &&
          boot_regs.rdi == 0 && boot_regs.rbp == 0, "rax, rbx, rcx, rdx, rdi and rbp are 0");
    check(boot_regs.r8 == 0 && boot_regs.r9 == 0 && boot_regs.r10 == 0 && boot_regs.r12 == 0 &&
          boot_regs.r13 == 0 && boot_regs.r14 == 0 && boot_regs.r15 == 0, "r8 to r10 and r12 to r15 are 0");
    check_eq(boot_regs.cs, FLAT_RING3_CS64, "CS is the flat 64-bit code selector");
    check_eq(boot_regs.ss, FLAT_RING3_SS64, "SS is the flat stack selector");
    check_eq(boot_regs.rflags & (FL_IF | FL_DF | FL_TF | FL_NT | FL_AC | FL_IOPL), FL_IF,
             "rflags has IF set, and DF, TF, NT, AC, IOPL clear");
    check_eq(boot_regs.rsp % 16, 0, "rsp is 16-byte aligned");
    check_eq(boot_regs.rsp, start_info->pt_base + (start_info->nr_pt_frames + 1) * PAGE_SIZE,
             "rsp is the end of the page after the page tables");
    check_eq(trap_try(p_poke, boot_regs.rsp - 8), 0, "the boot stack is writable");
}

static void check_start_info(void)
{
    const char *magic = start_info->magic;

    check_eq(strncmp(magic, "xen-3.0-x86_64", 14), 0, "magic is xen-3.0-x86_64");
    check_eq(start_info->flags & ~SIF_PM_MASK, is_dom0() ? SIF_PRIVILEGED | SIF_INITDOMAIN : 0,
             "flags: SIF_PRIVILEGED and SIF_INITDOMAIN, for Domain-0 alone");
    check_eq(start_info->nr_pages, 64 << 8, "nr_pages is what dom0_mem or memory= asked for");
    check_eq(start_info->shared_info % PAGE_SIZE, 0, "shared_info is a page's machine address");
    check_eq(start_info->mod_start, 0, "mod_start is 0 without a module");
    check_eq(start_info->mod_len, 0, "mod_len is 0 without a module");
    check_eq(strncmp((char *)start_info->cmd_line, "one two=2 \"three\"", 32), 0,
             "cmd_line is the module's, without the file name, or the configuration's");
    check_eq(!start_info->store_mfn, is_dom0(), "store_mfn is 0 for Domain-0");
    check_eq(!start_info->store_evtchn, is_dom0(), "store_evtchn is 0 for Domain-0");
    check(!is_dom0() || start_info->console.dom0.info_size == 0 ||
          start_info->console.dom0.info_off + start_info->console.dom0.info_size <= PAGE_SIZE,
          "console information lies within the page of start_info");
}

static void check_layout(void)
{
    unsigned long image = (unsigned long)image_end, p2m_end, tables_end, end;
    unsigned long info = (unsigned long)start_info;

    check(start_info->mfn_list >= image && start_info->mfn_list % PAGE_SIZE == 0,
          "mfn_list follows the image, page-aligned");
    p2m_end = start_info->mfn_list + start_info->nr_pages * 8;
    check(info >= p2m_end, "start_info follows the list");
    check_eq(start_info->pt_base, info + (is_dom0() ? 1 : 3) * PAGE_SIZE,
             "the page tables follow start_info, and a guest's pages for store and console");
    tables_end = start_info->pt_base + start_info->nr_pt_frames * PAGE_SIZE;
    check_eq(start_info->nr_p2m_frames, 0, "nr_p2m_frames is 0 when the list is in the initial mapping");

    for (end = tables_end; pte_read(end, 1) & PTE_P; end += PAGE_SIZE)
        if (table_index(end, 1) == 511 && !(pte_read(end + PAGE_SIZE, 2) & PTE_P)) {
            end += PAGE_SIZE;
            break;
        }
    check_eq(end % (4UL << 20), 0, "the initial mapping ends on a 4 MiB boundary");
    check(end - tables_end - PAGE_SIZE >= 512 << 10, "at least 512 KiB follow the last bootstrap element");
    check(pte_read(VIRT_BASE, 1) & PTE_P, "the initial mapping begins at VIRT_BASE");
    check_eq(trap_try(p_poke, VIRT_BASE), 0, "pseudo-physical page 0 is mapped and writable");
    check_eq(pte_read(0x1000, 4), 0, "L4 slot 0 is empty");
    check_eq(PTE_MFN(pte_read(VIRT_BASE + 0x5000, 1)), p2m()[5], "the mapping follows the list");
}

static void check_tables(void)
{
    unsigned tables = 0, read_only = 0, user = 0, entries = 0;
    const unsigned long *m2p = machine_to_phys_mapping;
    unsigned wrong = 0;
    volatile pte_t *l4 = (pte_t *)start_info->pt_base;

    for (unsigned i = 0; i < start_info->nr_pt_frames; i++) {
        pte_t pte = pte_read(start_info->pt_base + i * PAGE_SIZE, 1);

        tables++;
        read_only += !(pte & PTE_W);
    }
    check_eq(read_only, tables, "the bootstrap tables are mapped read-only");
    check_eq(va_to_mfn((void *)start_info->pt_base), root_mfn(), "pt_base is the root table");
    check(l4[511] & PTE_P, "L4 slot 511 maps the image");
    check_eq(l4[510], 0, "L4 slot 510 is empty");
    check(l4[256] & PTE_P, "L4 slot 256, the M2P's, is present");
    for (unsigned i = 0; i < 256; i++)
        entries += l4[i] != 0;
    check_eq(entries, 0, "the low half of the root table is empty");
    for (unsigned level = 1; level <= 4; level++)
        user += !!(pte_read(VIRT_BASE + 0x200000, level) & PTE_U);
    check_eq(user, 4, "entries of all levels have U set");
    check(!(pte_read(VIRT_BASE + 0x200000, 1) & PTE_G), "kernel mappings have no G");

    for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
        wrong += m2p[p2m()[pfn]] != pfn;
    check_eq(wrong, 0, "M2P and the list agree for every page");
    check_eq(trap_try(p_peek, (long)&m2p[p2m()[0]]), 0, "the M2P is readable");
    check(traps(p_poke, (long)&m2p[p2m()[0]], TRAP_PF), "the M2P is not writable");
}

static void check_shared(void)
{
    check(vcpu_info(0)->time.version % 2 == 0 && vcpu_info(0)->time.version > 0, "the time record is filled");
    check(shared_info->wc_sec > 1600000000, "wall clock is filled");
    check(hypercall_page[0] != (char)0xcc, "the hypercall page is filled");
    check_eq(HC(xen_version, XENVER_version, 0), 4 << 16 | 17, "a hypercall through the page answers");
    check_eq(hypercall_bare(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0), 4 << 16 | 17,
             "a bare SYSCALL answers the same");
}

TEST_MAIN("entry")
{
    check_registers();
    check_start_info();
    check_layout();
    check_tables();
    check_shared();
}
