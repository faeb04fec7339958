/* SPDX-License-Identifier: MIT */
/*
 * Exceptions of the guest kernel: each is bounced to the gate that set_trap_table named, with the vector, the
 * error code, the rip (of the instruction for faults, after it for traps), and a frame whose CS slot carries
 * RPL 0 and the saved upcall mask.  Gates decide by their flags whether events are masked, and by their DPL
 * whether INT n may use them (DPL 1 for the kernel).  Sources: Intel SDM volume 3 chapter 6; xen.h,
 * trap_info.
 */
#include "guest.h"

static uint32_t read_only_word;
static void *read_only_page;

PROBE(p_ud2, "ud2");
PROBE(p_int3, "int3");
PROBE(p_icebp, ".byte 0xf1");
PROBE(p_int4, "int $4");
PROBE(p_int80, "int $128");
PROBE(p_int32, "int $32");
PROBE(p_int33, "int $33");
PROBE(p_int129, "int $129");
PROBE(p_int200, "int $200");
PROBE(p_div, "xor %eax, %eax\nxor %edx, %edx\np_div_insn: div %eax");
extern char p_div_insn[];
PROBE(p_read, "mov (%rdi), %eax");
PROBE(p_write, "movl $1, (%rdi)");
PROBE(p_jump, "jmp *%rdi");
PROBE(p_step, "pushf\norl $0x100, (%rsp)\npopf\np_step_insn: nop\np_step_after: nop");
extern char p_step_after[];
PROBE(p_ds, "mov %edi, %ds");
PROBE(p_ss, "mov %edi, %ss");
PROBE(p_fs, "mov %edi, %fs");
PROBE(p_hlt, "hlt");
PROBE(p_invlpg, "invlpg (%rdi)");
PROBE(p_lgdt, "lgdt (%rdi)");
PROBE(p_lidt, "lidt (%rdi)");
PROBE(p_ltr, "ltr %di");
PROBE(p_lldt, "lldt %di");
PROBE(p_cli, "cli");
PROBE(p_sti, "sti");
PROBE(p_sysret, "sysretq");
PROBE(p_df_flag, "std\nud2");
PROBE(p_ac_flag, "pushf\norl $0x40000, (%rsp)\npopf\nud2");
PROBE(p_nt_flag, "pushf\norl $0x4000, (%rsp)\npopf\nud2");
PROBE(p_iopl, "pushf\norl $0x3000, (%rsp)\npopf\nud2");
PROBE(p_popf_if, "pushf\norl $0x200, (%rsp)\npopf\npushf\npop %rax");
PROBE(p_stack_noncanonical, "push %rbp\nmov $0x8000000000000000, %rbp\nmov (%rbp), %eax\npop %rbp");
PROBE(p_regs, "mov $0x11, %ecx\nmov $0x22, %r11d\nmov $0x33, %eax\nmov $0x44, %r10d\nmov $0x55, %esi\nud2");

static void check_frames(void)
{
    unsigned long rip;

    check(traps(p_ud2, 0, TRAP_UD), "ud2 raises #UD");
    check_eq(trap.frame.rip, (long)p_ud2, "#UD: rip is the instruction's");
    check_eq(trap.frame.error, 0, "#UD: no error code");
    check_eq(trap.frame.cs & 0xffff, FLAT_KERNEL_CS & ~3, "#UD: CS is the flat kernel selector with RPL 0");
    check_eq(trap.frame.ss, FLAT_KERNEL_SS, "#UD: SS is the flat selector");
    check_eq(trap.frame.cs >> 32, 1, "#UD with events masked: saved upcall mask is 1");
    check_eq(trap.frame.rflags & FL_IF, 0, "#UD with events masked: IF is clear in the frame");
    check_eq(trap.frame.rflags & FL_IOPL, 0, "#UD: IOPL is 0 in the frame");
    check_eq(trap.upcall_mask, 1, "#UD with events masked: mask stays 1");

    events_unmask();
    rip = traps(p_ud2, 0, TRAP_UD);
    check(rip, "ud2 with events enabled raises #UD");
    check_eq(trap.frame.cs >> 32, 0, "#UD with events enabled: saved upcall mask is 0");
    check_eq(trap.frame.rflags & FL_IF, FL_IF, "#UD with events enabled: IF is set in the frame");
    check_eq(trap.upcall_mask, 1, "#UD: the gate's flag masks events in the handler");
    check_eq(vcpu_info(0)->evtchn_upcall_mask, 0, "iret with IF set enables events again");
    events_mask();

    check(traps(p_regs, 0, TRAP_UD), "#UD with known registers");
    check_eq(trap.frame.rcx, 0x11, "the frame has the interrupted rcx");
    check_eq(trap.frame.r11, 0x22, "the frame has the interrupted r11");
    check(trap.frame.rax == 0x33 && trap.frame.r10 == 0x44 && trap.frame.rsi == 0x55,
          "other registers arrive unchanged");
    check(trap.frame.rsp < (unsigned long)image_end && trap.frame.rsp > VIRT_BASE,
          "rsp in the frame is the interrupted one");
}

static void check_flags(void)
{
    check(traps(p_df_flag, 0, TRAP_UD), "#UD with DF set");
    check_eq(trap.frame.rflags & FL_DF, FL_DF, "DF is in the frame");
    check(traps(p_ac_flag, 0, TRAP_UD), "#UD with AC set");
    check_eq(trap.frame.rflags & FL_AC, FL_AC, "AC is in the frame");
    check(traps(p_nt_flag, 0, TRAP_UD), "#UD with NT set");
    check_eq(trap.frame.rflags & FL_NT, FL_NT, "NT is in the frame");
    check_eq(trap_entry_rflags & FL_NT, 0, "NT is clear in the handler");
    check(traps(p_iopl, 0, TRAP_UD), "popf with IOPL bits set does not fault");
    check_eq(trap.frame.rflags & FL_IOPL, 0, "popf does not change IOPL");
    check_eq(trap_try(p_popf_if, 0), 0, "popf with IF set does not fault");
    check_eq(vcpu_info(0)->evtchn_upcall_mask, 1, "popf does not touch the upcall mask");
    check_eq(trap_entry_rflags & FL_IF, FL_IF, "the real IF is set while a guest runs");
}

static void check_debug(void)
{
    check(traps(p_step, 0, TRAP_DB), "TF raises #DB");
    check_eq(trap.frame.rip, (long)p_step_after, "single step: rip is after the stepped instruction");
    check_eq(trap.frame.rflags & FL_TF, FL_TF, "single step: TF is in the frame");
    check_eq(trap_entry_rflags & FL_TF, 0, "single step: TF is clear in the handler");
    check_eq(HC(get_debugreg, 6, 0) & 0x4000, 0x4000, "single step: DR6.BS is set");
    HC(set_debugreg, 6, 0xffff0ff0);
    check_hw(traps(p_icebp, 0, TRAP_DB) && trap.frame.rip == (unsigned long)p_icebp + 1,
             "int1 raises #DB with rip after it");
}

static void check_software(void)
{
    check(traps(p_int3, 0, TRAP_BP), "int3 raises #BP");
    check_eq(trap.frame.rip, (long)p_int3 + 1, "int3: rip is after it");
    check_eq(trap.frame.error, 0, "int3: no error code");
    check(traps(p_int4, 0, TRAP_OF), "int 4 raises #OF through a gate of DPL 3");
    check_eq(trap.frame.rip, (long)p_int4 + 2, "int 4: rip is after it");
    check(traps(p_int80, 0, 128), "int 0x80 reaches the gate of vector 128");
    check_eq(trap.frame.rip, (long)p_int80 + 2, "int 0x80: rip is after it");
    check_eq(trap.frame.error, 0, "int 0x80: no error code");
    check(traps(p_int200, 0, TRAP_GP), "int n without a gate raises #GP");
    check_eq(trap.frame.rip, (long)p_int200, "int n without a gate: rip is the instruction's");
    check(traps(p_int32, 0, TRAP_GP), "int n with a gate of DPL 0 raises #GP");
    check_eq(trap.frame.rip, (long)p_int32, "int n with a gate of DPL 0: rip is the instruction's");
    /* QEMU before 8.0 gives error code 16n+2 instead of 8n+2 when a real gate refuses INT n: Xen takes the
     * vector from it, and bounces another one. */
    check_hw(traps(p_int33, 0, 33), "int n with a gate of DPL 1 works for the kernel");
    check_hw(traps(p_int129, 0, 129), "int n with a gate of DPL 3 works for the kernel");
}

static void check_faults(void)
{
    check(traps(p_div, 0, TRAP_DE), "division by zero raises #DE");
    check_eq(trap.frame.rip, (long)p_div_insn, "#DE: rip is the instruction's");

    check(traps(p_read, BAD_PTR_UNMAPPED, TRAP_PF), "read of an unmapped address raises #PF");
    check_eq(trap.frame.error, 0, "#PF read, not present: error code 0 (kernel mode has U clear)");
    check_eq(trap.cr2, BAD_PTR_UNMAPPED, "#PF: CR2 is in vcpu_info");
    check_eq(trap.frame.rip, (long)p_read, "#PF: rip is the instruction's");
    check(traps(p_write, BAD_PTR_UNMAPPED + 8, TRAP_PF), "write to an unmapped address raises #PF");
    check_eq(trap.frame.error, PFEC_WRITE, "#PF write, not present: error code 2");
    check_eq(trap.cr2, BAD_PTR_UNMAPPED + 8, "#PF write: CR2 has the low bits");
    check(traps(p_write, (long)read_only_page + 16, TRAP_PF), "write to a read-only page raises #PF");
    check_eq(trap.frame.error, PFEC_PRESENT | PFEC_WRITE, "#PF write, read-only: error code 3");
    check(traps(p_jump, BAD_PTR_UNMAPPED, TRAP_PF), "jump to an unmapped address raises #PF");
    check_eq(trap.frame.error & ~PFEC_FETCH, 0, "#PF fetch, not present: P, W and U are clear");
    check_eq(trap.frame.rip, BAD_PTR_UNMAPPED, "#PF fetch: rip is the target");
    check(traps(p_read, (long)BAD_PTR_XEN, TRAP_PF), "read of the hypervisor's range raises #PF");
    check_eq(trap.cr2, BAD_PTR_XEN, "#PF in the hypervisor's range: CR2 is the address");
    check_eq(trap.frame.error & PFEC_USER, 0, "#PF in the hypervisor's range: U is clear");
    check(traps(p_write, (long)machine_to_phys_mapping, TRAP_PF), "write to the M2P raises #PF");
    check_eq(trap.frame.error & (PFEC_PRESENT | PFEC_WRITE | PFEC_USER), PFEC_PRESENT | PFEC_WRITE,
             "#PF, write to the M2P: error code 3");
    check(traps(p_jump, BAD_PTR_XEN, TRAP_PF), "jump into the hypervisor's range raises #PF");

    check(traps(p_read, BAD_PTR_NONCANONICAL, TRAP_GP), "read of a non-canonical address raises #GP");
    check_eq(trap.frame.error, 0, "#GP, non-canonical: error code 0");
    check(traps(p_jump, BAD_PTR_NONCANONICAL, TRAP_GP), "jump to a non-canonical address raises #GP");
    check_hw(traps(p_stack_noncanonical, 0, TRAP_SS), "read through a non-canonical rbp raises #SS");
}

static void check_selectors(void)
{
    check(traps(p_ds, 0x7fff, TRAP_GP), "loading DS with a selector beyond the LDT raises #GP");
    check_eq(trap.frame.error, 0x7ffc, "#GP for DS: error code is the selector");
    check(traps(p_fs, 0x100, TRAP_GP), "loading FS with an empty GDT entry raises #GP");
    check_eq(trap.frame.error, 0x100, "#GP for FS: error code is the selector");
    check(traps(p_ss, 3, TRAP_GP), "loading SS with a null selector raises #GP");
    check_eq(trap.frame.error, 0, "#GP for SS: error code 0");
    check(traps(p_ss, FLAT_RING3_CS64, TRAP_GP), "loading SS with a code selector raises #GP");
    check_eq(trap_try(p_ds, FLAT_RING3_DS32), 0, "DS takes the flat data selector");
    check_eq(trap_try(p_ds, 0), 0, "DS takes a null selector");
}

static void check_privileged(void)
{
    static const struct {
        long (*probe)(long);
        long arg;
        const char *name;
    } probes[] = {
        { p_hlt, 0, "hlt" }, { p_invlpg, 0, "invlpg" }, { p_lgdt, (long)&read_only_word, "lgdt" },
        { p_lidt, (long)&read_only_word, "lidt" }, { p_ltr, 0, "ltr" }, { p_lldt, 0, "lldt" },
        { p_cli, 0, "cli at IOPL 0" }, { p_sti, 0, "sti at IOPL 0" }, { p_sysret, 0, "sysretq" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(probes); i++) {
        bool ok = traps(probes[i].probe, probes[i].arg, TRAP_GP);

        check(ok && trap.frame.rip == (unsigned long)probes[i].probe && trap.frame.error == 0,
              "%s raises #GP(0) at the instruction", probes[i].name);
    }
}

static void check_table(void)
{
    static struct trap_info table[40];
    struct trap_info bad[2] = { { 6, 4, FLAT_KERNEL_CS, BAD_PTR_NONCANONICAL }, { 0 } };
    unsigned n = trap_table_default(table, ARRAY_SIZE(table));

    check_eq(HC(set_trap_table, BAD_PTR_XEN), -GE_FAULT, "set_trap_table with a bad pointer: -EFAULT");
    check_eq(HC(set_trap_table, bad), -GE_INVAL, "set_trap_table with a non-canonical address: -EINVAL");
    check(traps(p_ud2, 0, TRAP_UD), "a refused entry leaves the gate as it was");

    for (unsigned i = 0; i < n; i++)
        if (table[i].vector == TRAP_UD)
            table[i].flags &= ~4;
    check_eq(HC(set_trap_table, table), 0, "set_trap_table with a gate that leaves events alone");
    events_unmask();
    check(traps(p_ud2, 0, TRAP_UD), "#UD through that gate");
    check_eq(trap.upcall_mask, 0, "a gate without the flag leaves events enabled");
    events_mask();

    for (unsigned i = 0; i < n; i++)
        if (table[i].vector == TRAP_UD)
            table[i] = (struct trap_info){ TRAP_UD, 4, 0xe008, trap_entry_of(TRAP_UD) };
    check_eq(HC(set_trap_table, table), 0, "set_trap_table with a gate whose CS has RPL 0");
    check(traps(p_ud2, 0, TRAP_UD), "the selector is made usable");

    /* A second table adds to the first: entries that it does not name stay. */
    bad[0] = (struct trap_info){ 200, 4 | 3, FLAT_KERNEL_CS, trap_entry_of(128) };
    check_eq(HC(set_trap_table, bad), 0, "set_trap_table with one more vector");
    check(traps(p_ud2, 0, TRAP_UD), "gates that a table does not name stay");
    trap_init();
}

TEST_MAIN("traps")
{
    read_only_page = page_alloc();
    if (page_readonly(read_only_page))
        bail_out("cannot make a page read-only");
    check_frames();
    check_flags();
    check_debug();
    check_software();
    check_faults();
    check_selectors();
    check_privileged();
    check_table();
}
