/* SPDX-License-Identifier: MIT */
/*
 * Privileged instructions that are emulated for the guest kernel: CPUID (native and by the forced-emulation
 * prefix) with Xen's leaves, control registers, MSRs, port I/O under IOPL, CLI and STI, WBINVD, and those
 * that are refused.  Sources: arch-x86/cpuid.h; Intel SDM volume 2 and 4.
 */
#include "guest.h"

#include <xen/arch-x86/cpuid.h>

PROBE(p_read_cr0, "mov %cr0, %rax");
PROBE(p_read_cr2, "mov %cr2, %rax");
PROBE(p_read_cr3, "mov %cr3, %rax");
PROBE(p_read_cr4, "mov %cr4, %rax");
PROBE(p_read_cr8, "mov %cr8, %rax");
PROBE(p_write_cr0, "mov %rdi, %cr0");
PROBE(p_write_cr2, "mov %rdi, %cr2");
PROBE(p_write_cr3, "mov %rdi, %cr3");
PROBE(p_write_cr4, "mov %rdi, %cr4");
PROBE(p_clts, "clts");
PROBE(p_lmsw, "lmsw %di");
PROBE(p_wbinvd, "wbinvd");
PROBE(p_invd, "invd");
PROBE(p_rdmsr, "mov %edi, %ecx\nrdmsr\nshl $32, %rdx\nor %rdx, %rax");
PROBE(p_wrmsr, "mov %edi, %ecx\nxor %eax, %eax\nxor %edx, %edx\nwrmsr");
PROBE(p_in, "mov %edi, %edx\nxor %eax, %eax\ninb %dx, %al");
PROBE(p_out, "mov %edi, %edx\nxor %eax, %eax\noutb %al, %dx");
PROBE(p_cli, "cli");
PROBE(p_sti, "sti");
PROBE(p_rdtsc, "rdtsc\nshl $32, %rdx\nor %rdx, %rax");
PROBE(p_read_dr7, "mov %dr7, %rax");
PROBE(p_read_dr6, "mov %dr6, %rax");
PROBE(p_write_dr7, "mov %rdi, %dr7");
PROBE(p_write_dr0, "mov %rdi, %dr0");
PROBE(p_read_dr0, "mov %dr0, %rax");
PROBE(p_forced_ud, ".byte 0x0f, 0x0b, 0x78, 0x65, 0x6e\nnop");
PROBE(p_rdpmc, "xor %ecx, %ecx\nrdpmc");
PROBE(p_wrfsbase, "wrfsbase %rdi");
PROBE(p_rdfsbase, "rdfsbase %rax");

static void check_cpuid(void)
{
    struct cpuid_regs r, native;
    unsigned first = 0x40000000, base = 0;

    for (; first < 0x40010000 && !base; first += 0x100) {
        r = cpuid_forced(first, 0);
        if (r.ebx == XEN_CPUID_SIGNATURE_EBX && r.ecx == XEN_CPUID_SIGNATURE_ECX &&
            r.edx == XEN_CPUID_SIGNATURE_EDX)
            base = first;
    }
    check_eq(base, 0x40000000, "Xen's leaves are at 0x40000000");
    check(r.eax >= 0x40000002, "at least three leaves");
    r = cpuid_forced(base + 1, 0);
    check_eq(r.eax, 4 << 16 | 17, "leaf 1: version 4.17");
    r = cpuid_forced(base + 2, 0);
    check(r.eax == 1 && r.ebx == 0x40000000, "leaf 2: one hypercall page, MSR 0x40000000");
    check(r.ecx & XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD, "leaf 2: MMU_PT_UPDATE_PRESERVE_AD");
    r = cpuid_forced(0, 0);
    native = cpuid_native(0, 0);
    check(r.ebx == native.ebx && r.ecx == native.ecx && r.edx == native.edx, "leaf 0: the machine's vendor");
    check(r.eax >= 7, "leaf 0: at least seven leaves");
    r = cpuid_forced(1, 0);
    check(r.ecx & 1u << 31, "leaf 1: the hypervisor bit is set");
    check(!(r.edx & 1u << 3), "leaf 1: no PSE");
    check(!(r.edx & 1u << 13), "leaf 1: no PGE");
    check(r.edx & 1u << 9, "leaf 1: APIC for Domain-0");
    check(!(r.edx & 1u << 17), "leaf 1: no PSE36");
    check(!(r.ecx & 1u << 5), "leaf 1: no VMX");
    check(!(r.ecx & 1u << 17), "leaf 1: no PCID");
    check((r.edx & 1u << 6) && (r.edx & 1u << 5) && (r.edx & 1u << 8), "leaf 1: PAE, MSR and CX8");
    check((r.edx & 1u << 24) && (r.edx & 1u << 25) && (r.edx & 1u << 26), "leaf 1: FXSR, SSE and SSE2");
    r = cpuid_forced(7, 0);
    check(!(r.ebx & 1u << 7) && !(r.ebx & 1u << 20), "leaf 7: no SMEP, no SMAP");
    check(!(r.ecx & 1u << 2), "leaf 7: no UMIP");
    check(!(r.ebx & 1u << 10), "leaf 7: no INVPCID");
    r = cpuid_forced(0x80000001, 0);
    check((r.edx & 1u << 11) && (r.edx & 1u << 20) && (r.edx & 1u << 29),
          "leaf 0x80000001: SYSCALL, NX and LM");
    check(!(r.edx & 1u << 26), "leaf 0x80000001: no 1 GiB pages");
    check(!(r.ecx & 1u << 2), "leaf 0x80000001: no SVM");
    r = cpuid_forced(0x80000008, 0);
    check((r.eax & 0xff) >= 36 && (r.eax >> 8 & 0xff) == 48, "leaf 0x80000008: address widths");
    check(traps(p_forced_ud, 0, TRAP_UD), "the prefix before another instruction: #UD");
}

static void check_control(void)
{
    check_eq(trap_try(p_read_cr0, 0), 0, "CR0 can be read");
    check((trap_try_value & 0x80010031) == 0x80010031, "CR0: PG, WP, NE, ET and PE are set");
    check_eq(trap_try_value & 8, 0, "CR0: TS is clear");
    check_eq(trap_try(p_read_cr3, 0), 0, "CR3 can be read");
    check_eq(trap_try_value, root_mfn() << PAGE_SHIFT, "CR3 is the guest's root table");
    check_eq(trap_try(p_read_cr4, 0), 0, "CR4 can be read");
    check((trap_try_value & 0x620) == 0x620, "CR4: PAE, OSFXSR and OSXMMEXCPT are set");
    check_eq(trap_try_value & 0x300000, 0, "CR4: no SMEP, no SMAP");
    check_eq(trap_try_value & 0x2000, 0, "CR4: no VMXE");
    trap_try(p_read_cr4, 0);
    check_eq(trap_try(p_write_cr4, trap_try_value), 0, "CR4 can be written with what was read");
    check(traps(p_read_cr8, 0, TRAP_GP), "CR8 read: #GP");
    check_eq(trap_try(p_write_cr2, 0x1234567), 0, "CR2 can be written");
    check_eq(vcpu_info(0)->arch.cr2, 0x1234567, "which shows in vcpu_info");
    check_eq(trap_try(p_read_cr2, 0), 0, "CR2 can be read");
    check_eq(trap_try_value, 0x1234567, "and is the same");
    check_eq(trap_try(p_write_cr3, root_mfn() << PAGE_SHIFT), 0, "CR3 can be written");
    check(traps(p_write_cr3, (long)(0x200000000UL << PAGE_SHIFT), TRAP_GP),
          "CR3 with a nonexistent frame: #GP");
    trap_try(p_read_cr0, 0);
    check_eq(trap_try(p_write_cr0, trap_try_value | 8), 0, "CR0.TS can be set");
    trap_try(p_read_cr0, 0);
    check_eq(trap_try_value & 8, 8, "and reads back");
    check_eq(trap_try(p_clts, 0), 0, "clts");
    trap_try(p_read_cr0, 0);
    check_eq(trap_try_value & 8, 0, "clears it");
    check(traps(p_write_cr0, trap_try_value & ~(1UL << 16), TRAP_GP), "CR0.WP cleared: #GP");
    check(traps(p_write_cr0, trap_try_value & ~(1UL << 31), TRAP_GP), "CR0.PG cleared: #GP");
    check(traps(p_lmsw, 0x39, TRAP_GP), "lmsw: #GP");
}

static void check_msrs(void)
{
    static const struct {
        unsigned msr;
        const char *name;
    } absent[] = {
        { 0x12345678, "an unknown MSR" }, { 0xc0000103 + 0x100, "0xc0000203" }, { 0xffffffff, "MSR ~0" },
    };

    check_eq(trap_try(p_rdmsr, 0xc0000080), 0, "EFER can be read");
    check_eq(trap_try_value & 0xd01, 0xd01, "EFER: SCE, LME, LMA and NXE are set");
    check_eq(trap_try(p_rdmsr, 0x1b), 0, "the APIC base can be read");
    check_eq(trap_try(p_rdmsr, 0xc0000100), 0, "FS_BASE can be read");
    check_eq(HC(set_segment_base, SEGBASE_FS, 0x12340000), 0, "FS base set by hypercall");
    trap_try(p_rdmsr, 0xc0000100);
    check_eq(trap_try_value, 0x12340000, "FS_BASE reads it");
    check_eq(trap_try(p_wrmsr, 0xc0000100), 0, "FS_BASE can be written");
    trap_try(p_rdmsr, 0xc0000100);
    check_eq(trap_try_value, 0, "and reads back");
    check_eq(trap_try(p_rdmsr, 0xc0000101), 0, "GS_BASE can be read");
    check_eq(trap_try(p_rdmsr, 0xc0000102), 0, "KERNEL_GS_BASE can be read");
    check_eq(trap_try(p_rdmsr, 0x277), 0, "PAT can be read");
    check_eq(trap_try_value, 0x050100070406, "PAT is Xen's");
    for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
        check(traps(p_rdmsr, absent[i].msr, TRAP_GP), "%s read: #GP", absent[i].name);
        check_eq(trap.frame.error, 0, "%s read: error code 0", absent[i].name);
    }
    check(traps(p_wrmsr, 0xffffffff, TRAP_GP), "MSR ~0 written: #GP");
}

static void check_ports(void)
{
    struct physdev_set_iopl iopl = { .iopl = 1 };

    check(traps(p_in, 0x80, TRAP_GP), "in at IOPL 0: #GP");
    check(traps(p_out, 0x80, TRAP_GP), "out at IOPL 0: #GP");
    HC(physdev_op, PHYSDEVOP_set_iopl, &iopl);
    check_eq(trap_try(p_in, 0x71), 0, "in at IOPL 1");
    check_eq(trap_try(p_out, 0x80), 0, "out at IOPL 1");
    check_eq(trap_try(p_in, 0x21), 0, "in from the interrupt controller's port");
    check_eq(trap_try_value, 0xff, "reads all ones");
    check_eq(trap_try(p_in, 0x40), 0, "in from the timer's port");
    check_eq(trap_try(p_in, 0x3f8), 0, "in from the port of the hypervisor's console");
    check_eq(trap_try_value, 0xff, "reads all ones, too");
    iopl.iopl = 0;
    HC(physdev_op, PHYSDEVOP_set_iopl, &iopl);
    check(traps(p_in, 0x80, TRAP_GP), "in after IOPL 0: #GP again");
}

static void check_flags(void)
{
    struct physdev_set_iopl iopl = { .iopl = 1 };

    check_eq(HC(physdev_op, PHYSDEVOP_set_iopl, &iopl), 0, "IOPL 1");
    check_eq(trap_try(p_cli, 0), 0, "cli at IOPL 1 is ignored");
    check_eq(trap_try(p_sti, 0), 0, "sti at IOPL 1 is ignored");
    check_eq(vcpu_info(0)->evtchn_upcall_mask, 1, "events stay masked");
    iopl.iopl = 0;
    check_eq(HC(physdev_op, PHYSDEVOP_set_iopl, &iopl), 0, "IOPL 0");
    check(traps(p_cli, 0, TRAP_GP), "cli at IOPL 0: #GP");
    check(traps(p_sti, 0, TRAP_GP), "sti at IOPL 0: #GP");
    check_eq(trap_try(p_wbinvd, 0), 0, "wbinvd for Domain-0");
    check(traps(p_invd, 0, TRAP_GP), "invd: #GP");
    check_eq(trap_try(p_rdtsc, 0), 0, "rdtsc");
    check(trap_try_value > 0, "rdtsc counts");
    check(traps(p_rdpmc, 0, TRAP_GP), "rdpmc: #GP");
}

static void check_debug_registers(void)
{
    static uint64_t word __attribute__((aligned(8)));

    check_eq(trap_try(p_read_dr7, 0), 0, "DR7 can be read");
    check_eq(trap_try_value & 0xff, 0, "DR7: no breakpoint is enabled");
    check_eq(HC(set_debugreg, 0, &word), 0, "set_debugreg 0");
    check_eq(HC(get_debugreg, 0, 0), (long)&word, "get_debugreg 0");
    check_eq(trap_try(p_read_dr0, 0), 0, "DR0 can be read");
    check_eq(trap_try_value, (long)&word, "DR0 is what was set");
    check_eq(HC(set_debugreg, 0, BAD_PTR_XEN), -GE_PERM, "a breakpoint on the hypervisor: -EPERM");
    check(traps(p_write_dr0, BAD_PTR_XEN, TRAP_GP), "DR0 with an address of the hypervisor: #GP");
    check_eq(HC(set_debugreg, 4, 0), 0, "set_debugreg 4 is the same as 6");
    check_eq(HC(set_debugreg, 9, 0), -GE_NODEV, "set_debugreg 9: -ENODEV");
    check_eq(HC(get_debugreg, 9, 0), -GE_NODEV, "get_debugreg 9: -ENODEV");
    check_eq(HC(set_debugreg, 7, 0x20002), -GE_PERM, "DR7 with an I/O breakpoint: -EPERM");
    /* Break on a write of eight bytes at DR0. */
    check_eq(trap_try(p_write_dr7, 0x90000 | 2 | 0x400), 0, "DR7 can be written");
    HC(set_debugreg, 7, 0);
    check_eq(HC(set_debugreg, 6, 0), 0, "set_debugreg 6");
    check_eq(HC(get_debugreg, 6, 0), 0xffff0ff0, "DR6 has its fixed bits");
    check_eq(trap_try(p_read_dr6, 0), 0, "DR6 can be read");
    check_eq(trap_try_value, 0xffff0ff0, "and is the same");
}

PROBE(p_store, "movq $1, (%rdi)\np_store_after: nop");
extern char p_store_after[];

static void check_breakpoint(void)
{
    static uint64_t word __attribute__((aligned(8)));

    HC(set_debugreg, 0, &word);
    check_eq(HC(set_debugreg, 7, 0x90000 | 2 | 0x400), 0, "a data breakpoint is enabled");
    check(traps(p_store, (long)&word, TRAP_DB), "a write to it raises #DB");
    check_eq(trap.frame.rip, (long)p_store_after, "with rip after the write");
    check_eq(HC(get_debugreg, 6, 0) & 0xf, 1, "DR6 names breakpoint 0");
    HC(set_debugreg, 7, 0);
    HC(set_debugreg, 6, 0);
    check_eq(trap_try(p_store, (long)&word), 0, "no #DB when it is disabled");
}

static void check_fsgsbase(void)
{
    if (!(cpuid_forced(7, 0).ebx & 1)) {
        skip("no FSGSBASE", "rdfsbase before CR4.FSGSBASE is set: #UD");
        skip("no FSGSBASE", "CR4.FSGSBASE can be set");
        skip("no FSGSBASE", "rdfsbase reads what the hypercall set");
        skip("no FSGSBASE", "wrfsbase writes what the MSR reads");
        return;
    }
    check(traps(p_rdfsbase, 0, TRAP_UD), "rdfsbase before CR4.FSGSBASE is set: #UD");
    trap_try(p_read_cr4, 0);
    check_eq(trap_try(p_write_cr4, trap_try_value | 1UL << 16), 0, "CR4.FSGSBASE can be set");
    HC(set_segment_base, SEGBASE_FS, 0x777000);
    check(!trap_try(p_rdfsbase, 0) && trap_try_value == 0x777000, "rdfsbase reads what the hypercall set");
    check(!trap_try(p_wrfsbase, 0x888000) && !trap_try(p_rdmsr, 0xc0000100) && trap_try_value == 0x888000,
          "wrfsbase writes what the MSR reads");
}

TEST_MAIN("emulate")
{
    check_cpuid();
    check_control();
    check_msrs();
    check_ports();
    check_flags();
    check_debug_registers();
    check_breakpoint();
    check_fsgsbase();
}
