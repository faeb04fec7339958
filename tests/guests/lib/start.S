/* SPDX-License-Identifier: MIT */
/*
 * The assembly of the test-guest framework: ELF notes, first instruction, trap and callback entries, the
 * way back through HYPERVISOR_iret, and the two non-local exits: trap_try (a fault in a probe resumes after
 * it) and user_enter (user code runs until it traps or makes a system call).
 *
 * No native iretq or lretq is used: every return goes through the hypercall, so that the guests run under
 * QEMU 7.2 with SMAP on, too.
 */
#include <xen/elfnote.h>
#include <xen/xen.h>

#define VIRT_BASE 0xffffffff80000000

    .macro note type, body:vararg
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 9f - 8f, \type
    .asciz "Xen"
8:  \body
9:  .balign 4
    .popsection
    .endm

    note XEN_ELFNOTE_GUEST_OS, .asciz "tenon-test"
    note XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
    note XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
    note XEN_ELFNOTE_VIRT_BASE, .quad VIRT_BASE
    note XEN_ELFNOTE_PADDR_OFFSET, .quad 0
    note XEN_ELFNOTE_ENTRY, .quad _start
    note XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
    note XEN_ELFNOTE_PAE_MODE, .asciz "yes"
    note XEN_ELFNOTE_FEATURES, .asciz "pae_pgdir_above_4gb"
    note XEN_ELFNOTE_LOADER, .asciz "generic"

    .section .text.start, "ax"
    .globl _start
_start:
    /* Record every register that the hypervisor handed over before touching one. */
    mov %rax, boot_regs + 0x00(%rip)
    mov %rbx, boot_regs + 0x08(%rip)
    mov %rcx, boot_regs + 0x10(%rip)
    mov %rdx, boot_regs + 0x18(%rip)
    mov %rsi, boot_regs + 0x20(%rip)
    mov %rdi, boot_regs + 0x28(%rip)
    mov %rbp, boot_regs + 0x30(%rip)
    mov %rsp, boot_regs + 0x38(%rip)
    mov %r8,  boot_regs + 0x40(%rip)
    mov %r9,  boot_regs + 0x48(%rip)
    mov %r10, boot_regs + 0x50(%rip)
    mov %r11, boot_regs + 0x58(%rip)
    mov %r12, boot_regs + 0x60(%rip)
    mov %r13, boot_regs + 0x68(%rip)
    mov %r14, boot_regs + 0x70(%rip)
    mov %r15, boot_regs + 0x78(%rip)
    pushf
    pop %rax
    mov %rax, boot_regs + 0x80(%rip)
    xor %eax, %eax
    mov %cs, %ax
    mov %rax, boot_regs + 0x88(%rip)
    mov %ss, %ax
    mov %rax, boot_regs + 0x90(%rip)
    mov %ds, %ax
    mov %rax, boot_regs + 0x98(%rip)
    mov %es, %ax
    mov %rax, boot_regs + 0xa0(%rip)
    mov %fs, %ax
    mov %rax, boot_regs + 0xa8(%rip)
    mov %gs, %ax
    mov %rax, boot_regs + 0xb0(%rip)

    cld
    lea boot_stack_top(%rip), %rsp
    xor %ebp, %ebp
    mov %rsi, %rdi
    call guest_start
1:  jmp 1b

    /* Filled by the hypervisor's domain builder; one 32-byte slot a hypercall. */
    .section .hypercall_page, "ax"
    .balign 4096
    .globl hypercall_page
hypercall_page:
    .fill 4096, 1, 0xcc

    .text
    /*
     * The hypervisor pushes, from low to high: rcx, r11, [error code,] rip, cs, rflags, rsp, ss.  The entry
     * takes rcx and r11 back, so that what is on the stack has the order of an ordinary interrupt frame,
     * and completes it to a struct frame (guest.h).
     */
    .macro trap_entry vector, has_error
    .balign 16
trap_entry_\vector:
    pop %rcx
    pop %r11
    .if \has_error == 0
    push $0
    .endif
    push $\vector
    jmp trap_common
    .endm


    .globl trap_entry_table
    .section .rodata
    .balign 8
trap_entry_table:
    .text

    /* Emits an entry and its row in the table together. */
    .macro trap vector, has_error
    trap_entry \vector, \has_error
    .pushsection .rodata
    .quad \vector, trap_entry_\vector
    .popsection
    .endm

    trap 0, 0
    trap 1, 0
    trap 2, 0
    trap 3, 0
    trap 4, 0
    trap 5, 0
    trap 6, 0
    trap 7, 0
    trap 8, 1
    trap 9, 0
    trap 10, 1
    trap 11, 1
    trap 12, 1
    trap 13, 1
    trap 14, 1
    trap 16, 0
    trap 17, 1
    trap 18, 0
    trap 19, 0
    trap 32, 0
    trap 33, 0
    trap 127, 0
    trap 128, 0
    trap 129, 0
    trap 255, 0
    .pushsection .rodata
    .quad -1, 0
    .popsection

    .macro save_registers
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    pushf
    popq trap_entry_rflags(%rip)
    cld
    .endm

    .globl trap_common, frame_return
trap_common:
    save_registers
    mov %rsp, %rdi
    call trap_dispatch
frame_return:
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    add $16, %rsp               /* vector, error code */
    push $0                     /* flags: restore everything, rcx and r11 too */
    push %rcx
    push %r11
    push %rax
    mov $__HYPERVISOR_iret, %eax
    syscall
    ud2

    /* Callbacks: the same frame, and a vector of our own to tell them apart. */
    .macro callback name, vector
    .globl \name
    .balign 16
\name:
    pop %rcx
    pop %r11
    push $0
    push $\vector
    jmp trap_common
    .endm

    callback event_entry, 256
    callback syscall_entry, 257
    callback syscall32_entry, 258
    callback sysenter_entry, 259
    callback nmi_entry, 260

    /*
     * Failsafe: below the ordinary frame lie rcx, r11, ds, es, fs, gs.  The four selectors are kept in
     * failsafe_selectors, and the rest goes the way of a trap.
     */
    .globl failsafe_entry
    .balign 16
failsafe_entry:
    pop %rcx
    pop %r11
    popq failsafe_selectors + 0(%rip)
    popq failsafe_selectors + 8(%rip)
    popq failsafe_selectors + 16(%rip)
    popq failsafe_selectors + 24(%rip)
    push $0
    push $261
    jmp trap_common

    /*
     * long trap_try(long (*probe)(long), long arg): 0 if the probe returned (its value in trap_try_value), 1
     * if it trapped; trap_dispatch then made the frame return to trap_try_resume.
     */
    .macro save_callee
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    .endm
    .macro restore_callee
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    .endm

    .globl trap_try, trap_try_resume
trap_try:
    save_callee
    sub $8, %rsp
    mov %rsp, trap_try_rsp(%rip)
    movl $1, trap_try_armed(%rip)
    mov %rdi, %rax
    mov %rsi, %rdi
    call *%rax
    movl $0, trap_try_armed(%rip)
    mov %rax, trap_try_value(%rip)
    xor %eax, %eax
1:  add $8, %rsp
    restore_callee
    ret
trap_try_resume:
    cld
    mov trap_try_rsp(%rip), %rsp
    mov $1, %eax
    jmp 1b

    /*
     * long user_enter(struct frame *regs, unsigned long iret_flags): run regs in user mode until user code
     * enters the kernel; trap_dispatch then leaves through user_leave.
     */
    .globl user_enter, user_leave
user_enter:
    save_callee
    sub $8, %rsp
    mov %rsp, user_enter_rsp(%rip)
    movl $1, user_active(%rip)
    mov %rdi, %rsp              /* events must be masked: the frame is consumed as a stack */
    mov %rsi, user_enter_flags(%rip)
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
    add $16, %rsp
    pushq user_enter_flags(%rip)
    push %rcx
    push %r11
    push %rax
    mov $__HYPERVISOR_iret, %eax
    syscall
    ud2
user_leave:
    mov user_enter_rsp(%rip), %rsp
    movl $0, user_active(%rip)
    add $8, %rsp
    restore_callee
    ret

    /* void iret_frame(struct frame *): return to any frame; never comes back here. */
    .globl iret_frame
iret_frame:
    mov %rdi, %rsp
    jmp frame_return

    /* First instruction of a secondary vCPU: its stack is in rsp, its function in rdi. */
    .globl vcpu_entry
vcpu_entry:
    cld
    xor %ebp, %ebp
    call *%rdi
1:  mov $__HYPERVISOR_sched_op, %eax
    mov $0, %edi
    xor %esi, %esi
    syscall
    jmp 1b

    .bss
    .balign 16
    .skip 32768
boot_stack_top:
    .globl boot_regs, failsafe_selectors, trap_try_rsp, trap_try_armed, trap_try_value
    .globl user_enter_rsp, user_active, trap_entry_rflags
boot_regs:          .skip 0xb8
failsafe_selectors: .skip 32
trap_try_rsp:       .skip 8
trap_try_value:     .skip 8
user_enter_rsp:     .skip 8
user_enter_flags:   .skip 8
trap_entry_rflags:  .skip 8     /* flags register as the last trap entry found it */
trap_try_armed:     .skip 4
user_active:        .skip 4

    .section .note.GNU-stack, "", @progbits
