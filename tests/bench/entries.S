/* SPDX-License-Identifier: MIT */
/*
 * The shortest trap, event and system-call handlers: each does the least that lets the interrupted code go
 * on, and returns through HYPERVISOR_iret.  The hypervisor has pushed, from low to high: rcx, r11, [error
 * code,] rip, cs, rflags, rsp, ss.
 */
#include <xen/xen.h>

#define SHARED_UPCALL_PENDING 0         /* offsets in struct shared_info, vCPU 0; calls.c checks them */
#define SHARED_PENDING_SEL 8
#define SHARED_EVTCHN_PENDING 2048

    .text
    /* rcx and r11, which were taken back, are given in the order that the hypercall wants; rax with them. */
    .macro hypercall_iret flags
    pushq $\flags
    push %rcx
    push %r11
    push %rax
    mov $__HYPERVISOR_iret, %eax
    syscall
    ud2
    .endm

    /* A trap: the instruction, two bytes long, is skipped. */
    .globl skip_trap
    .balign 16
skip_trap:
    pop %rcx
    pop %r11
    addq $2, (%rsp)
    hypercall_iret 0

    /* The same for a trap with an error code. */
    .globl skip_fault
    .balign 16
skip_fault:
    pop %rcx
    pop %r11
    add $8, %rsp
    addq $2, (%rsp)
    hypercall_iret 0

    /* An event: the time of arrival is kept, the one port event_port is taken. */
    .globl count_event
    .balign 16
count_event:
    pop %rcx
    pop %r11
    push %rax
    push %rdx
    lfence
    rdtsc
    mov %eax, event_ticks(%rip)
    mov shared_info(%rip), %rdx
    mov event_port(%rip), %eax
    movb $0, SHARED_UPCALL_PENDING(%rdx)
    movq $0, SHARED_PENDING_SEL(%rdx)
    lock btr %rax, SHARED_EVTCHN_PENDING(%rdx)
    incl event_handled(%rip)
    pop %rdx
    pop %rax
    hypercall_iret 0

    /* A system call: goes back at once; number 0x77 ends the run of user code in the framework's entry. */
    .globl return_syscall, return_syscall_fast
    .balign 16
return_syscall:
    cmp $0x77, %eax
    je syscall_entry
    pop %rcx
    pop %r11
    hypercall_iret 0
    .balign 16
return_syscall_fast:
    cmp $0x77, %eax
    je syscall_entry
    pop %rcx
    pop %r11
    hypercall_iret VGCF_in_syscall

    /*
     * User code: 100 readings into the words at USER_DATA, of a system call or a read of the address in
     * rdi, which faults.  Kept alike with ticks() and MEASURE: nothing but the path lies between two
     * readings.
     */
    .macro user_loop body:vararg
    mov %rdi, %rsi
    mov $0x500000, %r12d
    mov $100, %ebx
1:  lfence
    rdtsc
    mov %eax, %r13d
    \body
    lfence
    rdtsc
    sub %r13d, %eax
    mov %eax, (%r12)
    add $4, %r12
    dec %ebx
    jnz 1b
    mov $0x77, %eax
    syscall
    .endm

    .macro null_call
    mov $1, %eax
    syscall
    .endm

    .section .user, "ax"
    .globl user_syscalls, user_faults
    .balign 16
user_syscalls:
    user_loop null_call
    .balign 16
user_faults:
    user_loop mov (%rsi), %eax

    .bss
    .globl event_ticks, event_handled, event_port
    .balign 4
event_ticks:    .skip 4
event_handled:  .skip 4
event_port:     .skip 4

    .section .note.GNU-stack, "", @progbits
