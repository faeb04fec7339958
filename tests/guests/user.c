/* SPDX-License-Identifier: MIT */
/*
 * User mode of a 64-bit guest: entry by HYPERVISOR_iret with RPL 3 in CS, the second base pointer, system
 * calls through the syscall callback, exceptions with U set in page-fault codes, gates' DPLs, SYSRET's frame
 * form, and what user code may not do.  Sources: arch-x86/xen-x86_64.h, HYPERVISOR_iret; callback.h.
 */
#include "guest.h"

#define VGCF_SYSCALL VGCF_in_syscall

USER_PROBE(u_syscall, "mov $42, %eax\nmov $1, %ebx\nmov $2, %esi");
USER_PROBE(u_ud2, "ud2");
USER_PROBE(u_int3, "int3");
USER_PROBE(u_int80, "int $0x80");
USER_PROBE(u_int4, "int $4");
USER_PROBE(u_int32, "int $32");
USER_PROBE(u_read, "mov (%rdi), %eax");
USER_PROBE(u_write, "movl $7, (%rdi)");
USER_PROBE(u_jump, "jmp *%rdi");
USER_PROBE(u_div, "xor %eax, %eax\nxor %edx, %edx\ndiv %eax");
USER_PROBE(u_hlt, "hlt");
USER_PROBE(u_cli, "cli");
USER_PROBE(u_cr3, "mov %cr3, %rax");
USER_PROBE(u_wrmsr, "mov $0xc0000100, %ecx\nwrmsr");
USER_PROBE(u_in, "mov $0x80, %edx\nin (%dx), %al");
USER_PROBE(u_stack, "push $0x77\npop %rax");
USER_PROBE(u_flags, "pushf\npop %rax");
USER_PROBE(u_df, "std");
USER_PROBE(u_nt, "pushf\norl $0x4000, (%rsp)\npopf");
USER_PROBE(u_iopl, "pushf\norl $0x3200, (%rsp)\npopf\npushf\npop %rax");
USER_PROBE(u_step, "pushf\norl $0x100, (%rsp)\npopf\nnop");
USER_PROBE(u_hypercall, "mov $17, %eax\nxor %edi, %edi\nxor %esi, %esi");
USER_PROBE(u_gs, "mov %gs:0, %rax");
USER_PROBE(u_cs, "mov %cs, %eax\nmov %ss, %ebx");
USER_PROBE(u_nothing, "");
USER_PROBE(u_wait, "mov $0x12345678, %r15d\n1: pause\ncmpl $0, (%rdi)\nje 1b");
PROBE(p_gs0, "mov %gs:0, %rax");
PROBE(p_fs0, "mov %fs:0, %rax");

static void check_syscall(void)
{
    struct frame frame;

    check_eq(user_run(u_syscall, 0x99), CB_SYSCALL, "syscall in user mode reaches the callback");
    check_eq(user_exit.rax, 42, "syscall: rax arrives");
    check(user_exit.rbx == 1 && user_exit.rsi == 2 && user_exit.rdi == 0x99,
          "syscall: other registers arrive");
    check_eq(user_exit.rip, user_exit.rcx, "syscall: rip in the frame is rcx");
    check_eq(user_exit.rflags & 0xcff, user_exit.r11 & 0xcff, "syscall: rflags in the frame are r11");
    check_eq(user_exit.cs & 0xffff, FLAT_USER_CS64, "syscall: CS in the frame has RPL 3");
    check_eq(user_exit.ss, FLAT_USER_SS64, "syscall: SS in the frame");
    check_eq(user_exit.rsp, USER_STACK_TOP, "syscall: rsp in the frame is the user's");
    check_eq(user_exit.cs >> 32, 0, "syscall: the saved upcall mask is 0");
    check_eq(user_exit_upcall_mask, 1, "syscall: the callback's flag masks events");
    check_eq(user_exit.rflags & FL_IF, FL_IF, "syscall: IF is set in the frame");

    user_frame(&frame, u_syscall, 0);
    frame.rcx = 0x1111;
    frame.r11 = 0x2222;
    check_eq(user_run_frame(&frame, VGCF_SYSCALL), CB_SYSCALL,
             "iret with VGCF_in_syscall returns to user mode");
    user_frame(&frame, u_nothing, 0);
    frame.rax = 0x1234567890abcdefUL;
    frame.r15 = 0xfedcba0987654321UL;
    user_run_frame(&frame, VGCF_SYSCALL);
    check(user_exit.rax == frame.rax && user_exit.r15 == frame.r15,
          "VGCF_in_syscall restores rax and the others");
    check_eq(user_run(u_df, 0), CB_SYSCALL, "syscall with DF set");
    check_eq(user_exit.rflags & FL_DF, FL_DF, "syscall: DF is in the frame");
    check_eq(user_run(u_cs, 0), CB_SYSCALL, "user mode reads its selectors");
    check_eq(user_exit.rax & 0xffff, FLAT_USER_CS64, "user mode has the flat CS");
    check_eq(user_exit.rbx & 0xffff, FLAT_USER_SS64, "user mode has the flat SS");
    check_eq(user_run(u_hypercall, 0), CB_SYSCALL, "a hypercall from user mode is a system call");
    check_eq(user_exit.rax, 17, "a hypercall from user mode does nothing else");
    check_eq(user_run(u_stack, 0), CB_SYSCALL, "user mode uses its stack");
    check_eq(user_exit.rax, 0x77, "the user stack keeps its data");
}

static void check_exceptions(void)
{
    check_eq(user_run(u_ud2, 0), TRAP_UD, "#UD in user mode");
    check_eq(user_exit.rip, user_address(u_ud2), "#UD in user mode: rip");
    check_eq(user_exit.cs & 3, 3, "#UD in user mode: CS has RPL 3");
    check_eq(user_exit.cs >> 32, 0, "#UD in user mode: saved upcall mask");
    check_eq(user_exit.rsp, USER_STACK_TOP, "#UD in user mode: the user's rsp");
    check_eq(user_exit_upcall_mask, 1, "#UD in user mode: the gate masks events");
    check_eq(user_run(u_int3, 0), TRAP_BP, "int3 in user mode through a gate of DPL 3");
    check_eq(user_exit.rip, user_address(u_int3) + 1, "int3 in user mode: rip is after it");
    check_eq(user_run(u_int80, 0), 128, "int 0x80 in user mode through a gate of DPL 3");
    check_eq(user_exit.rip, user_address(u_int80) + 2, "int 0x80 in user mode: rip is after it");
    check_eq(user_exit.cs & 3, 3, "int 0x80 in user mode: CS has RPL 3");
    check_eq(user_run(u_int4, 0), TRAP_OF, "int 4 in user mode through a gate of DPL 3");
    check_eq(user_run(u_int32, 0), TRAP_GP, "int n in user mode through a gate of DPL 0: #GP");
    check_eq(user_run(u_div, 0), TRAP_DE, "#DE in user mode");
    check_eq(user_run(u_step, 0), TRAP_DB, "single step in user mode");
    check_eq(user_run(u_hlt, 0), TRAP_GP, "hlt in user mode: #GP");
    check_eq(user_run(u_cli, 0), TRAP_GP, "cli in user mode: #GP");
    check_eq(user_run(u_cr3, 0), TRAP_GP, "a control register read in user mode: #GP");
    check_eq(user_run(u_wrmsr, 0), TRAP_GP, "wrmsr in user mode: #GP");
    check_eq(user_run(u_in, 0), TRAP_GP, "in in user mode: #GP");
}

static void check_faults(void)
{
    check_eq(user_run(u_read, BAD_PTR_UNMAPPED), TRAP_PF, "user read of an unmapped address");
    check_eq(user_exit.error, PFEC_USER, "user read, not present: error code 4");
    check_eq(user_exit_cr2, BAD_PTR_UNMAPPED, "user page fault: CR2");
    check_eq(user_run(u_write, BAD_PTR_UNMAPPED), TRAP_PF, "user write to an unmapped address");
    check_eq(user_exit.error, PFEC_USER | PFEC_WRITE, "user write, not present: error code 6");
    check_eq(user_run(u_write, USER_CODE), TRAP_PF, "user write to a read-only page");
    check_eq(user_exit.error, PFEC_PRESENT | PFEC_USER | PFEC_WRITE, "user write, read-only: error code 7");
    check_eq(user_run(u_read, VIRT_BASE + 0x100000), TRAP_PF,
             "the kernel's addresses are absent in user mode");
    check_eq(user_run(u_read, BAD_PTR_XEN), TRAP_PF, "the hypervisor's addresses fault in user mode");
    check_eq(user_exit.error & PFEC_USER, PFEC_USER, "a user fault on the hypervisor's addresses has U set");
    check_eq(user_run(u_jump, BAD_PTR_UNMAPPED), TRAP_PF, "user jump to an unmapped address");
    check_eq(user_exit.rip, BAD_PTR_UNMAPPED, "user jump: rip is the target");
    check_eq(user_run(u_read, BAD_PTR_NONCANONICAL), TRAP_GP, "user read of a non-canonical address: #GP");
    check_eq(user_run(u_write, USER_DATA), CB_SYSCALL, "user write to its own page");
    check_eq(*(volatile int *)USER_DATA, 7, "the kernel sees what user mode wrote");
    check_eq(user_run(u_write, (long)machine_to_phys_mapping), TRAP_PF,
             "the M2P is not writable in user mode");
}

static void check_flags(void)
{
    struct frame frame;

    check_eq(user_run(u_flags, 0), CB_SYSCALL, "user mode reads its flags");
    check_eq(user_exit.rax & FL_IF, FL_IF, "IF is set in user mode");
    check_eq(user_exit.rax & FL_IOPL, 0, "IOPL is 0 in user mode");
    check_eq(user_run(u_iopl, 0), CB_SYSCALL, "popf with IOPL in user mode");
    check_eq(user_exit.rax & FL_IOPL, 0, "popf in user mode does not change IOPL");
    check_eq(user_run(u_nt, 0), CB_SYSCALL, "NT set in user mode before a system call");
    user_frame(&frame, u_flags, 0);
    frame.rflags |= FL_IOPL;
    user_run_frame(&frame, 0);
    check_eq(user_exit.rax & FL_IOPL, 0, "iret does not give IOPL to user mode");
    user_frame(&frame, u_flags, 0);
    frame.rflags = 2;
    check_eq(user_run_frame(&frame, 0), CB_SYSCALL, "iret to user mode with IF clear");
    check_eq(user_exit.rax & FL_IF, FL_IF, "the real IF is set even so");
    check_eq(user_exit.cs >> 32, 1, "but events are masked: the saved upcall mask is 1");
    user_frame(&frame, u_flags, 0);
    frame.rflags |= FL_DF | FL_CF;
    user_run_frame(&frame, 0);
    check_eq(user_exit.rax & (FL_DF | FL_CF), FL_DF | FL_CF, "iret restores DF and CF");
}

static void check_registers(void)
{
    struct frame f = { 0 }, *frame = &f;
    bool ok;

    user_frame(frame, u_ud2, 1);
    frame->rax = 0xa0; frame->rbx = 0xb0; frame->rcx = 0xc0; frame->rdx = 0xd0; frame->rsi = 0xe0;
    frame->rdi = 0xf0; frame->rbp = 0x100; frame->r8 = 8; frame->r9 = 9; frame->r10 = 10; frame->r11 = 11;
    frame->r12 = 12; frame->r13 = 13; frame->r14 = 14; frame->r15 = 15;
    f = *frame;
    user_run_frame(&(struct frame){ f.r15, f.r14, f.r13, f.r12, f.rbp, f.rbx, f.r11, f.r10, f.r9, f.r8, f.rax,
                                   f.rcx,
                                    f.rdx, f.rsi, f.rdi, 0, 0, f.rip, f.cs, f.rflags, f.rsp, f.ss }, 0);
    ok = memcmp(&user_exit, &f, offsetof(struct frame, vector)) == 0;
    check(ok, "iret without flags restores all fifteen registers");
    check_eq(user_exit.rcx, 0xc0, "iret without flags restores rcx");
    check_eq(user_exit.r11, 11, "iret without flags restores r11");
}

static void check_base_pointers(void)
{
    void *l4 = table_alloc();

    check_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, va_to_mfn(l4)), 0, "another user base pointer");
    check_eq(user_run(u_syscall, 0), TRAP_PF, "user code faults under an empty root table");
    check_eq(user_exit.error & (PFEC_PRESENT | PFEC_USER), PFEC_USER, "that fault: U set, P clear");
    check_eq(user_exit.rip, user_address(u_syscall), "that fault: rip is the first instruction");
    check_eq(mmuext(MMUEXT_NEW_USER_BASEPTR, user_l4_mfn()), 0, "the old user base pointer");
    check_eq(user_run(u_syscall, 0), CB_SYSCALL, "user code runs again");
    check_eq(page_writable(l4), 0, "the root table that was replaced is free again");
    page_free(l4);
}

static void check_selector_base(void)
{
    check_eq(HC(set_segment_base, SEGBASE_GS_USER, USER_DATA), 0, "set_segment_base of the user's GS");
    *(volatile uint64_t *)USER_DATA = 0x1122334455667788UL;
    check_eq(user_run(u_gs, 0), CB_SYSCALL, "user mode reads through GS");
    check_eq(user_exit.rax, 0x1122334455667788UL, "the user's GS base is in force");
}

static uint64_t kernel_word = 0x4b4b;

static void check_kernel_bases(void)
{
    check_eq(HC(set_segment_base, SEGBASE_GS_KERNEL, &kernel_word), 0, "set_segment_base of the kernel's GS");
    user_run(u_gs, 0);
    check_eq(user_exit.rax, 0x1122334455667788UL, "the user's GS base is not the kernel's");
    check_eq(trap_try(p_gs0, 0), 0, "the kernel reads through GS");
    check_eq(trap_try_value, 0x4b4b, "its own base is in force after a system call");
    user_run(u_ud2, 0);
    trap_try(p_gs0, 0);
    check_eq(trap_try_value, 0x4b4b, "and after an exception in user mode");
    HC(set_segment_base, SEGBASE_FS, &kernel_word);
    user_run(u_nothing, 0);
    check_eq(trap_try(p_fs0, 0), 0, "the kernel reads through FS");
    check_eq(trap_try_value, 0x4b4b, "the FS base is the same in both modes");
}

static unsigned timer_port;
static struct frame *seen;

static void on_timer(unsigned port)
{
    (void)port;
    *(volatile unsigned *)USER_DATA = 1;
}

static bool on_upcall(struct frame *frame)
{
    static struct frame copy;

    copy = *frame;
    seen = &copy;
    return false;
}

static void check_interrupt(void)
{
    struct evtchn_bind_virq bind = { .virq = VIRQ_TIMER };

    HC(vcpu_op, VCPUOP_stop_periodic_timer, 0, 0);
    evtchn_op(EVTCHNOP_bind_virq, &bind);
    timer_port = bind.port;
    events_unmask();
    events_mask();
    event_set_handler(timer_port, on_timer);
    trap_hook[CB_EVENT] = on_upcall;
    *(volatile unsigned *)USER_DATA = 0;
    HC(set_timer_op, now() + 10000000);
    check_eq(user_run(u_wait, USER_DATA), CB_SYSCALL, "user mode is interrupted by an event and goes on");
    check_eq(user_exit.r15, 0x12345678, "its registers survive the upcall");
    check(seen != NULL, "the upcall came");
    if (seen) {
        check_eq(seen->cs & 3, 3, "the upcall's CS has RPL 3");
        check_eq(seen->cs >> 32, 0, "the upcall's saved mask is 0");
        check_eq(seen->rsp, USER_STACK_TOP, "the upcall's rsp is the user's");
        check_eq(seen->rdi, USER_DATA, "the upcall has the user's registers");
    }
    trap_hook[CB_EVENT] = NULL;
}

static void check_event_at_iret(void)
{
    struct evtchn_alloc_unbound unbound = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };

    evtchn_op(EVTCHNOP_alloc_unbound, &unbound);
    bind.remote_port = unbound.port;
    events_mask();
    check_eq(evtchn_op(EVTCHNOP_bind_interdomain, &bind), 0, "an event is pending while events are masked");
    event_count[bind.local_port] = 0;
    seen = NULL;
    trap_hook[CB_EVENT] = on_upcall;
    check_eq(user_run(u_nothing, 0), CB_SYSCALL, "iret to user mode with IF set");
    trap_hook[CB_EVENT] = NULL;
    check_eq(event_count[bind.local_port], 1, "delivers it");
    check(seen && seen->rip == user_address(u_nothing), "before the first user instruction");
}

TEST_MAIN("user")
{
    user_init();
    check_syscall();
    check_exceptions();
    check_faults();
    check_flags();
    check_registers();
    check_base_pointers();
    check_selector_base();
    check_kernel_bases();
    check_interrupt();
    check_event_at_iret();
}
