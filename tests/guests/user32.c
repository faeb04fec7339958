/* SPDX-License-Identifier: MIT */
/*
 * 32-bit programs in the user mode of a 64-bit guest: iret into compatibility mode; int 0x80, SYSENTER and
 * SYSCALL from there; exceptions, page faults and events; segments of GDT and LDT with bases and limits;
 * instructions that the hypervisor emulates.  Sources: arch-x86/xen-x86_64.h, callback.h; Intel SDM volume 3
 * chapters 3 and 5.
 */
#include "guest.h"

/*
 * 32-bit code, with flat data segments loaded, from NAME on; the instructions under test begin at NAME_at,
 * and int 0x80 ends what does not end by itself.
 */
#define USER32(name, ...)                                                                       \
    extern const char name[], name##_at[], name##_end[];                                        \
    asm(".pushsection .user, \"ax\"\n.code32\n.globl " #name ", " #name "_at, " #name "_end\n"  \
        ".balign 16\n" #name ": mov $0xe02b, %ecx\nmov %ecx, %ds\nmov %ecx, %es\n" #name "_at: " \
        __VA_ARGS__ "\n" #name "_end: int $0x80\n.code64\n.popsection\n")

USER32(c_int80, "mov $42, %eax\nmov $-1, %ebx\nmov $2, %esi");
USER32(c_sysenter, "mov $43, %eax\nmov $0x1234, %ebp\nsysenter");
USER32(c_syscall, "mov $44, %eax\nsyscall");
USER32(c_ud2, "ud2");
USER32(c_int3, "int3");
USER32(c_int4, "int $4");
USER32(c_int32, "int $32");
USER32(c_div, "xor %eax, %eax\nxor %edx, %edx\ndiv %eax");
USER32(c_into, "mov $0x7f, %al\nadd $1, %al\ninto");
USER32(c_bound, "bound %edi, (%edi)");
USER32(c_aaa, "mov $9, %eax\nadd $6, %al\naaa");
USER32(c_read, "mov (%edi), %eax");
USER32(c_write, "movl $7, (%edi)");
USER32(c_jump, "jmp *%edi");
USER32(c_stack, "push $0x77\npop %eax");
USER32(c_wrap, "mov $0xfffffffc, %eax\nmov 4(%eax, %edi), %eax");
USER32(c_hlt, "hlt");
USER32(c_cli, "cli");
USER32(c_in, "mov $0x80, %edx\nin (%dx), %al");
USER32(c_in32, "mov $0xcfc, %edx\nin (%dx), %eax\nmov $1, %esi");
USER32(c_out, "mov $0x80, %edx\nmov $0x5a, %al\nout %al, (%dx)\nmov $1, %esi");
USER32(c_cr0, "mov %cr0, %eax");
USER32(c_clts, "clts");
USER32(c_step, "pushf\norl $0x100, (%esp)\npopf\nnop");
USER32(c_flags, "pushf\npop %eax");
USER32(c_nt, "pushf\norl $0x4000, (%esp)\npopf\nsysenter");
USER32(c_step_in, "pushf\norl $0x100, (%esp)\npopf\nsysenter");
USER32(c_std, "std\nsysenter");
USER32(c_cpuid, ".byte 0x0f, 0x0b\n.ascii \"xen\"\ncpuid");
USER32(c_ds, "mov %edi, %ds\nmov %ds, %eax");
USER32(c_gs, "mov %edi, %gs\nmov %gs:0, %eax\nmov %gs, %ebx");
USER32(c_limit, "mov %edi, %ds\nmov (0xfff), %eax\nmov 4(%esi), %eax");
USER32(c_far, "ljmp *(%edi)");
USER32(c_cs, "mov %cs, %eax\nmov %ss, %ebx");
USER32(c_wait, "1: pause\ncmpl $0, (%edi)\nje 1b");
USER32(c_x87, "fninit\nfld1\nfldpi\nfaddp\nfstps (%edi)\nmov (%edi), %eax");
USER_PROBE(q_far, "ljmpl *(%rdi)");
USER_PROBE(q_wide, "mov $0x123456789abcdef, %rax\nint $0x80");

static unsigned run(struct frame *frame, const void *symbol, unsigned long arg)
{
    user_frame(frame, symbol, arg);
    frame->cs = FLAT_RING3_CS32;
    frame->ss = FLAT_RING3_SS32;
    return user_run_frame(frame, 0);
}

static unsigned run32(const void *symbol, unsigned long arg)
{
    static struct frame frame;

    return run(&frame, symbol, arg);
}

/* The frame is that of 32-bit user code that stopped at `at`, with its stack as it was at first. */
static bool frame_is(unsigned long rip)
{
    return (user_exit.cs & 0xffff) == FLAT_RING3_CS32 && user_exit.ss == FLAT_RING3_SS32 &&
           user_exit.rip == rip && user_exit.rsp == USER_STACK_TOP && user_exit.cs >> 32 == 0;
}

static void check_int80(void)
{
    struct frame frame;

    check_eq(run32(c_int80, 0x99), 128, "int 0x80 in 32-bit code reaches its gate");
    check(frame_is(user_address(c_int80_end) + 2), "its frame: selectors, rip after it, rsp, mask");
    check(user_exit.rax == 42 && user_exit.rbx == 0xffffffff && user_exit.rsi == 2 && user_exit.rdi == 0x99,
          "its registers arrive, 32 bits of each");
    check_eq(user_exit_upcall_mask, 1, "its gate masks events");
    check_eq(run32(c_cs, 0), 128, "32-bit code reads its selectors");
    check(user_exit.rax == FLAT_RING3_CS32 && user_exit.rbx == FLAT_RING3_SS32, "they are the flat ones");
    check_eq(run32(c_stack, 0), 128, "push and pop");
    check_eq(user_exit.rax, 0x77, "on a 32-bit stack");
    check_eq(run32(c_aaa, 0), 128, "an instruction that 64-bit code lacks");
    check_eq(user_exit.rax & 0xffff, 0x105, "it works");
    user_frame(&frame, c_flags, 0);
    frame.cs = FLAT_RING3_CS32;
    frame.ss = FLAT_RING3_SS32;
    frame.rflags |= FL_DF | FL_CF | FL_IOPL;
    check_eq(user_run_frame(&frame, 0), 128, "iret to 32-bit code with flags");
    check_eq(user_exit.rax & (FL_DF | FL_CF | FL_IOPL | FL_IF), FL_DF | FL_CF | FL_IF,
             "DF, CF: yes; IOPL: no");
    check_eq(run32(c_x87, USER_DATA), 128, "32-bit code uses the FPU");
    check_eq(user_exit.rax, 0x408487ed, "and gets 1 + pi");
}

static void register_entry(unsigned type, void (*entry)(void), unsigned flags)
{
    struct callback_register reg = { .type = type, .flags = flags, .address = (unsigned long)entry };

    check_eq(HC(callback_op, CALLBACKOP_register, &reg), 0, "callback %u is registered, %s address, flags %u",
             type, entry ? "an" : "no", flags);
}

/*
 * SYSENTER is Intel's; AMD's processors have none in long mode, and the hypervisor sets it up on none of
 * them.
 */
static bool has_sysenter(void)
{
    uint32_t a = 0, b, c = 0, d;

    asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return !memcmp(&b, "Genu", 4);
}

static void check_sysenter(void)
{
    if (!has_sysenter()) {
        check_eq(run32(c_sysenter, 0), TRAP_GP, "sysenter, which this processor has not, traps");
        check_eq(user_exit.cs & 0xffff, FLAT_RING3_CS32, "its frame has the 32-bit selector");
        return;
    }
    check_eq(run32(c_sysenter, 0), CB_SYSENTER, "sysenter reaches its callback");
    check(user_exit.rax == 43 && user_exit.rbp == 0x1234, "sysenter: registers arrive");
    check_eq(user_exit.cs & 3, 3, "sysenter: the frame's CS has RPL 3");
    check_eq(user_exit.ss, FLAT_USER_SS64, "sysenter: the frame's SS");
    check_eq(user_exit.rip, 0, "sysenter: rip is not known");
    check_eq(user_exit.rsp, 0, "sysenter: rsp is not known");
    check_eq(user_exit.rflags & FL_IF, FL_IF, "sysenter: IF is set in the frame");
    check_eq(user_exit_upcall_mask, 1, "sysenter: the callback's flag masks events");
    check_eq(run32(c_nt, 0), CB_SYSENTER, "sysenter with NT set");
    check_eq(trap_entry_rflags & FL_NT, 0, "the kernel runs without it");
    check_eq(run32(c_step_in, 0), CB_SYSENTER, "sysenter with TF set");
    check_eq(trap_entry_rflags & FL_TF, 0, "the kernel runs without it");
    check_eq(run32(c_std, 0), CB_SYSENTER, "sysenter with DF set");
    check_eq(user_exit.rflags & FL_DF, FL_DF, "it is in the frame");
    check_eq(run32(c_int80, 0), 128, "32-bit code runs on");
    check_eq(user_exit.rflags & (FL_DF | FL_TF | FL_NT), 0, "without any of them");
    register_entry(CALLBACKTYPE_sysenter, sysenter_entry, 0);
    check_eq(run32(c_sysenter, 0), CB_SYSENTER, "sysenter again");
    check_eq(user_exit_upcall_mask, 0, "sysenter: without the flag events stay open");
    register_entry(CALLBACKTYPE_sysenter, NULL, 0);
    check_eq(run32(c_sysenter, 0), TRAP_GP, "sysenter without a callback: #GP");
    check_eq(user_exit.error, 0, "that #GP: error code 0");
    check_eq(user_exit_upcall_mask, 1, "that #GP: its gate masks events");
    register_entry(CALLBACKTYPE_sysenter, sysenter_entry, CALLBACKF_mask_events);
}

static void check_syscall(void)
{
    check_eq(run32(c_syscall, 0), CB_SYSCALL32, "syscall in 32-bit code reaches its callback");
    check_eq(user_exit.rax, 44, "syscall: rax arrives");
    check(frame_is(user_address(c_syscall_end)), "syscall: the frame has 32-bit selectors, rip after it");
    check_eq(user_exit.rcx, user_exit.rip, "syscall: rip in the frame is rcx");
    check_eq(user_exit_upcall_mask, 1, "syscall: events are masked");
    register_entry(CALLBACKTYPE_syscall32, syscall32_entry, 0);
    check_eq(run32(c_syscall, 0), CB_SYSCALL32, "syscall again");
    check_eq(user_exit_upcall_mask, 1, "syscall: its own flag does not count");
    register_entry(CALLBACKTYPE_syscall, syscall_entry, 0);
    check_eq(run32(c_syscall, 0), CB_SYSCALL32, "syscall once more");
    check_eq(user_exit_upcall_mask, 0, "syscall: that of 64-bit system calls does");
    register_entry(CALLBACKTYPE_syscall, syscall_entry, CALLBACKF_mask_events);
    register_entry(CALLBACKTYPE_syscall32, NULL, 0);
    check_eq(run32(c_syscall, 0), TRAP_UD, "syscall without a callback: #UD");
    check(frame_is(user_address(c_syscall_end) - 2), "that #UD: the frame's rip is the instruction");
    register_entry(CALLBACKTYPE_syscall32, syscall32_entry, CALLBACKF_mask_events);
}

#define UNCHECKED ~0u

static void check_exceptions(void)
{
    static const struct {
        const char *code, *at;
        unsigned vector, error, behind;
        const char *name;
    } rows[] = {
        { c_ud2, c_ud2_at, TRAP_UD, 0, 0, "ud2" },
        { c_int3, c_int3_at, TRAP_BP, 0, 1, "int3" },
        { c_int4, c_int4_at, TRAP_OF, 0, 2, "int 4" },
        { c_into, c_into_end, TRAP_OF, 0, 0, "into" },
        /* QEMU before 8.0 gives another error code than processors do. */
        { c_int32, c_int32_at, TRAP_GP, UNCHECKED, 0, "int 32, whose gate has DPL 0" },
        { c_div, c_div_at, TRAP_DE, 0, 4, "a division by zero" },
        { c_hlt, c_hlt_at, TRAP_GP, 0, 0, "hlt" },
        { c_cli, c_cli_at, TRAP_GP, 0, 0, "cli" },
        { c_in, c_in_at, TRAP_GP, 0, 5, "in" },
        { c_cr0, c_cr0_at, TRAP_GP, 0, 0, "a read of CR0" },
        { c_clts, c_clts_at, TRAP_GP, 0, 0, "clts" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        check_eq(run32(rows[i].code, 0), rows[i].vector, "32-bit code: %s traps", rows[i].name);
        check(frame_is(user_address(rows[i].at) + rows[i].behind), "%s: the frame", rows[i].name);
        if (rows[i].error != UNCHECKED)
            check_eq(user_exit.error, rows[i].error, "%s: error code", rows[i].name);
    }
    ((volatile int *)USER_DATA)[0] = 0;
    ((volatile int *)USER_DATA)[1] = 5;
    check_eq(run32(c_bound, USER_DATA), TRAP_BR, "bound outside of the range");
    check(frame_is(user_address(c_bound_at)), "bound: the frame");
    check_eq(run32(c_step, 0), TRAP_DB, "a single step in 32-bit code");
}

static void check_faults(void)
{
    check_eq(run32(c_read, 0x7f000000), TRAP_PF, "32-bit read of an unmapped address");
    check_eq(user_exit.error, PFEC_USER, "its error code: U");
    check_eq(user_exit_cr2, 0x7f000000, "its CR2");
    check(frame_is(user_address(c_read_at)), "its frame");
    check_eq(run32(c_write, 0xfffff000), TRAP_PF, "32-bit write at the end of 4 GiB");
    check_eq(user_exit.error, PFEC_USER | PFEC_WRITE, "its error code: U, W");
    check_eq(user_exit_cr2, 0xfffff000, "its CR2 has 32 bits");
    check_eq(run32(c_write, USER_CODE), TRAP_PF, "32-bit write to a read-only page");
    check_eq(user_exit.error, PFEC_PRESENT | PFEC_USER | PFEC_WRITE, "its error code: P, U, W");
    check_eq(run32(c_jump, 0x7f000000), TRAP_PF, "32-bit jump to an unmapped address");
    check(frame_is(0x7f000000), "its frame: rip is the target");
    check_eq(run32(c_write, USER_DATA), 128, "32-bit write to its own page");
    check_eq(*(volatile int *)USER_DATA, 7, "arrives");
    check_eq(run32(c_wrap, USER_DATA), 128, "an address that wraps at 4 GiB");
    check_eq(user_exit.rax, 7, "is the wrapped one");
}

static void check_emulation(void)
{
    struct physdev_set_iopl iopl = { .iopl = 3 };

    check_eq(run32(c_cpuid, 0), 128, "CPUID by forced emulation in 32-bit code");
    check(user_exit.rax && user_exit.rbx >> 32 == 0, "its registers have 32 bits");
    HC(physdev_op, PHYSDEVOP_set_iopl, &iopl);
    check_eq(run32(c_cli, 0), 128, "cli in 32-bit code with IOPL 3");
    check_eq(run32(c_in, 0), 128, "in, with IOPL 3");
    check_eq(run32(c_in32, 0), 128, "in of 32 bits, with IOPL 3");
    check_eq(user_exit.rsi, 1, "the next instruction is run");
    check_eq(run32(c_out, 0), 128, "out, with IOPL 3");
    check_eq(user_exit.rsi, 1, "the next instruction is run");
    iopl.iopl = 0;
    HC(physdev_op, PHYSDEVOP_set_iopl, &iopl);
    check_eq(run32(c_in, 0), TRAP_GP, "in, with IOPL 0 again: #GP");
}

/* A segment with this base and limit (in bytes less one), DPL 3. */
static uint64_t segment(unsigned base, unsigned limit, bool code)
{
    return (limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 | (code ? 0xfbUL : 0xf3UL) << 40 |
           (uint64_t)(limit >> 16) << 48 | 4UL << 52 | (uint64_t)(base >> 24) << 56;
}

enum { GDT_TLS = 12, LDT_CODE = 1, LDT_DATA = 2, LDT_ABSENT = 3 };
#define GDT_SEL(i) ((i) << 3 | 3)
#define LDT_SEL(i) ((i) << 3 | 7)

static void check_segments(void)
{
    uint64_t *gdt = page_alloc(), *ldt = page_alloc();
    unsigned long mfn = va_to_mfn(gdt);
    struct { uint32_t offset; uint16_t selector; } __attribute__((packed)) *far = (void *)(USER_DATA + 64);
    struct frame frame;

    gdt[GDT_TLS] = segment(USER_DATA + 16, 0xfff, false);
    ldt[LDT_CODE] = segment(USER_CODE, 0xffff, true);
    ldt[LDT_DATA] = segment(USER_DATA, 0xfff, false);
    ldt[LDT_ABSENT] = ldt[LDT_DATA] & ~(1UL << 47);
    page_readonly(gdt);
    page_readonly(ldt);
    check_eq(HC(set_gdt, &mfn, 512), 0, "a GDT with a segment for thread-local data");
    check_eq(mmuext_linear(MMUEXT_SET_LDT, (unsigned long)ldt, 8), 0, "an LDT of 8 entries");
    *(volatile uint32_t *)(USER_DATA + 16) = 0x11223344;
    check_eq(run32(c_gs, GDT_SEL(GDT_TLS)), 128, "32-bit code reads through GS");
    check_eq(user_exit.rax, 0x11223344, "at its segment's base");
    check_eq(user_exit.rbx, GDT_SEL(GDT_TLS), "the selector stays");
    check_eq(run32(c_ds, LDT_SEL(LDT_DATA)), 128, "32-bit code loads a selector of the LDT");
    check_eq(run32(c_ds, LDT_SEL(LDT_ABSENT)), TRAP_NP, "one that is not present: #NP");
    check_eq(user_exit.error, LDT_SEL(LDT_ABSENT) & ~3, "its error code is the selector");
    check(frame_is(user_address(c_ds_at)), "its frame");
    check_eq(run32(c_ds, LDT_SEL(8)), TRAP_GP, "one beyond the LDT: #GP");
    check_eq(user_exit.error, LDT_SEL(8) & ~3, "its error code is the selector");
    user_frame(&frame, c_limit, LDT_SEL(LDT_DATA));
    frame.cs = FLAT_RING3_CS32;
    frame.ss = FLAT_RING3_SS32;
    frame.rsi = 0xffc;
    check_hw(user_run_frame(&frame, 0) == TRAP_GP && !user_exit.error,
             "an access beyond a segment's limit: #GP");

    user_frame(&frame, c_int80, 0);
    frame.cs = LDT_SEL(LDT_CODE);
    frame.ss = FLAT_RING3_SS32;
    frame.rip -= USER_CODE;
    check_eq(user_run_frame(&frame, 0), 128, "iret to a code segment of the LDT");
    check_eq(user_exit.cs & 0xffff, LDT_SEL(LDT_CODE), "its selector is in the frame");
    check_eq(user_exit.rip, user_address(c_int80_end) + 2 - USER_CODE, "rip is relative to its base");
    user_frame(&frame, c_div, 0);
    frame.cs = LDT_SEL(LDT_CODE);
    frame.ss = FLAT_RING3_SS32;
    frame.rip -= USER_CODE;
    check_eq(user_run_frame(&frame, 0), TRAP_DE, "an exception there");
    check_eq(user_exit.rip, user_address(c_div_at) + 4 - USER_CODE, "rip is relative to its base");
    *far = (__typeof__(*far)){ user_address(c_int80_at) - USER_CODE, LDT_SEL(LDT_CODE) };
    check_eq(run32(c_far, (unsigned long)far), 128, "a far jump to a code segment of the LDT");
    check_eq(user_exit.cs & 0xffff, LDT_SEL(LDT_CODE), "goes there");

    check_eq(mmuext_linear(MMUEXT_SET_LDT, 0, 0), 0, "the LDT is dropped");
    user_frame(&frame, c_int80, 0);
    frame.cs = LDT_SEL(LDT_CODE);
    check_eq(user_run_frame(&frame, 0), TRAP_GP, "iret to its code segment: #GP");
    check_eq(user_exit.error, LDT_SEL(LDT_CODE) & ~3, "its error code is the selector");
    check_eq(HC(set_gdt, &mfn, 0), 0, "the GDT is dropped");
}

static void check_modes(void)
{
    struct { uint32_t offset; uint16_t selector; } __attribute__((packed)) *far = (void *)(USER_DATA + 64);

    *far = (__typeof__(*far)){ user_address(q_wide), FLAT_USER_CS64 };
    check_eq(run32(c_far, (unsigned long)far), 128, "32-bit code jumps to 64-bit code");
    check_eq(user_exit.rax, 0x123456789abcdefL, "which has 64-bit registers");
    check_eq(user_exit.cs & 0xffff, FLAT_USER_CS64, "and its own selector");
    *far = (__typeof__(*far)){ user_address(c_int80), FLAT_RING3_CS32 };
    check_eq(user_run(q_far, (unsigned long)far), 128, "64-bit code jumps to 32-bit code");
    check_eq(user_exit.cs & 0xffff, FLAT_RING3_CS32, "which has its own selector");
}

static struct frame upcall;
static unsigned upcalls;

static bool on_upcall(struct frame *frame)
{
    upcall = *frame;
    upcalls++;
    return false;
}

static void on_timer(unsigned port)
{
    (void)port;
    *(volatile unsigned *)USER_DATA = 1;
}

static void check_event(void)
{
    struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };

    HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    evtchn_op(EVTCHNOP_bind_virq, &bind);
    events_unmask();
    events_mask();
    event_set_handler(bind.port, on_timer);
    trap_hook[CB_EVENT] = on_upcall;
    *(volatile unsigned *)USER_DATA = 0;
    HC(set_timer_op, now() + 10000000);
    check_eq(run32(c_wait, USER_DATA), 128, "32-bit code is interrupted by an event and goes on");
    trap_hook[CB_EVENT] = NULL;
    check_eq(upcalls, 1, "the upcall came once");
    check_eq(upcall.cs, FLAT_RING3_CS32, "its frame has the 32-bit selector, and mask 0");
    check_eq(upcall.rsp, USER_STACK_TOP, "and the program's rsp");
}

TEST_MAIN("user32")
{
    user_init();
    check_int80();
    check_syscall();
    check_sysenter();
    check_exceptions();
    check_faults();
    check_emulation();
    check_segments();
    check_modes();
    check_event();
}
