/* SPDX-License-Identifier: MIT */
/*
 * Every way from a guest into the hypervisor, and the one way back.
 *
 * Whatever the way, the CPU's stack then looks like this, with struct cpu_user_regs at the bottom of struct cpu_info:
 *
 *      cpu_info     cpu, percpu_offset, current, …
 *      gs fs ds es  filled only when the state is saved
 *      ss           ┐
 *      rsp          │ by the processor (interrupt, exception),
 *      rflags       │ or pushed here (SYSCALL, SYSENTER)
 *      cs           │
 *      rip          ┘
 *      vector:error code (32 bits each)
 *      rdi … r15    <- rsp = cpu_info
 *
 * An exception or interrupt that hits the hypervisor itself makes the same frame wherever the stack is.
 * While C code runs on a guest's behalf rbx holds the current vCPU.
 */
#include "mm/layout.h"
#include "offsets.h"

#define FLAT_USER_CS64 0xe033
#define FLAT_USER_CS32 0xe023
#define FLAT_USER_SS   0xe02b

        .text

/* --- pieces -------------------------------------------------------------------------------------------------- */

/* Three bytes that boot/ replaces by CLAC where the CPU has SMAP (struct in cpu/features.h). */
.macro CLAC
661:    .byte   0x0f, 0x1f, 0x00
        .pushsection .smap_patch, "a"
        .balign 4
        .long   661b - ., 1
        .popsection
.endm

.macro SAVE_REGS
        push    %rdi
        push    %rsi
        push    %rdx
        push    %rcx
        push    %rax
        push    %r8
        push    %r9
        push    %r10
        push    %r11
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
.endm

/* Leaves rsp at the error code. */
.macro RESTORE_REGS
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        pop     %r11
        pop     %r10
        pop     %r9
        pop     %r8
        pop     %rax
        pop     %rcx
        pop     %rdx
        pop     %rsi
        pop     %rdi
.endm

.macro FUNC name
        .globl  \name
        .hidden \name
        .type   \name, @function
        .balign 16
\name:
.endm

.macro END name
        .size   \name, . - \name
.endm

/* --- SYSCALL ------------------------------------------------------------------------------------------------- */

/*
 * SYSCALL switches no stack and leaves no register free, so each CPU enters at a stub of its own, which finds its
 * stack in syscall_area[cpu] = { room for the guest's rsp, top of the frame } (pv/cpu.c fills it). Interrupts are off;
 * NMI and #MC have stacks of their own and may come at any of these instructions.
 */
        .balign 64
        .globl  syscall_stubs, syscall32_stubs
        .hidden syscall_stubs, syscall32_stubs
syscall_stubs:
        .set    i, 0
        .rept   MAX_CPUS
        .balign SYSCALL_STUB_SIZE
        mov     %rsp, syscall_area + i * 64(%rip)
        mov     syscall_area + i * 64 + 8(%rip), %rsp
        pushq   $FLAT_USER_SS
        pushq   syscall_area + i * 64(%rip)
        jmp     syscall_entry
        .set    i, i + 1
        .endr
        .balign SYSCALL_STUB_SIZE
syscall32_stubs:
        .set    i, 0
        .rept   MAX_CPUS
        .balign SYSCALL_STUB_SIZE
        mov     %rsp, syscall_area + i * 64(%rip)
        mov     syscall_area + i * 64 + 8(%rip), %rsp
        pushq   $FLAT_USER_SS
        pushq   syscall_area + i * 64(%rip)
        jmp     syscall32_entry
        .set    i, i + 1
        .endr

FUNC syscall_entry
        push    %r11
        pushq   $FLAT_USER_CS64
        push    %rcx
        pushq   $0
        movl    $ENTRY_SYSCALL, 4(%rsp)
        SAVE_REGS
        mov     CPUINFO_current(%rsp), %rbx
        sti
        testb   $1, VCPU_kernel_mode(%rbx)
        jz      user_syscall

        /* A hypercall: number in rax, arguments in rdi rsi rdx r10 r8 r9. */
        cmp     $NR_HYPERCALLS, %rax
        jae     hypercall_unknown
        sbb     %r11, %r11              /* all ones: the comparison holds for speculation too */
        and     %r11, %rax
        lea     hypercall_table(%rip), %r11
        mov     %r10, %rcx
        call    *(%r11, %rax, 8)
        cmp     $-ERESTART, %rax
        je      hypercall_again
hypercall_done:
        mov     %rax, UREGS_rax(%rsp)
        jmp     ret_to_guest
END syscall_entry

hypercall_unknown:
        movq    $-ENOSYS, UREGS_rax(%rsp)
        jmp     ret_to_guest

        /* hypercall_restart() has set the arguments; rax still holds the number. SYSCALL is two bytes long. */
hypercall_again:
        cmpl    $HYPERCALL_RESTARTS, UREGS_error_code(%rsp)
        jne     hypercall_done          /* just a value: iret gives the guest what its frame says */
        subq    $2, UREGS_rip(%rsp)
        jmp     ret_to_guest

user_syscall:
        mov     %rbx, %rdi
        call    pv_user_syscall
        jmp     ret_to_guest

FUNC syscall32_entry
        push    %r11
        pushq   $FLAT_USER_CS32
        push    %rcx
        pushq   $0
        SAVE_REGS
        mov     CPUINFO_current(%rsp), %rbx
        sti
        mov     %rbx, %rdi
        call    pv_user_syscall32
        jmp     ret_to_guest
END syscall32_entry

/* SYSENTER loads rsp from its MSR (the top of the frame) and saves nothing: rip and rsp are the guest's to know. */
FUNC sysenter_entry
        pushq   $FLAT_USER_SS
        pushq   $0
        pushfq
        pushq   $3
        pushq   $0
        pushq   $0
        CLAC
        SAVE_REGS
        mov     CPUINFO_current(%rsp), %rbx
        sti
        mov     %rbx, %rdi
        call    pv_user_sysenter
        jmp     ret_to_guest
END sysenter_entry

/* --- the way back --------------------------------------------------------------------------------------------- */

/* rsp = frame, rbx = current vCPU. */
FUNC ret_to_guest
        cli
        mov     CPUINFO_percpu_offset(%rsp), %rcx
        lea     percpu_softirq_pending(%rip), %rdx
        cmpq    $0, (%rdx, %rcx)
        jne     ret_softirqs
        mov     VCPU_info(%rbx), %rdx
        cmpb    $0, VCPUINFO_upcall_pending(%rdx)
        jne     ret_event
ret_no_event:
        cmpb    $0, VCPU_nmi_pending(%rbx)
        jne     ret_nmi
ret_restore:
        testl   $ENTRY_SYSCALL, UREGS_entry_vector(%rsp)
        jz      ret_iret
        mov     UREGS_rip(%rsp), %rdx   /* a non-canonical rip would fault in ring 0 with the guest's stack */
        sar     $47, %rdx
        inc     %rdx
        cmp     $1, %rdx
        ja      ret_iret
        RESTORE_REGS
        mov     8(%rsp), %rcx           /* rip */
        mov     24(%rsp), %r11          /* rflags */
        mov     32(%rsp), %rsp
        sysretq
ret_iret:
        RESTORE_REGS
        add     $8, %rsp
guest_iret:
        iretq
        .pushsection .ex_table, "a"
        .balign 4
        .long   guest_iret - ., guest_iret_failed - .
        .popsection

ret_softirqs:
        sti
        call    softirq_run
        jmp     ret_to_guest
ret_event:
        cmpb    $0, VCPUINFO_upcall_mask(%rdx)
        jne     ret_no_event
        sti
        mov     %rbx, %rdi
        call    pv_deliver_event
        jmp     ret_to_guest
ret_nmi:
        cmpb    $0, VCPU_nmi_masked(%rbx)
        jne     ret_restore
        sti
        mov     %rbx, %rdi
        call    pv_deliver_nmi
        jmp     ret_to_guest

        /*
         * The processor refused the guest's cs, ss or rip. The frame is as before iretq, and all registers are the
         * guest's: it gets the fault as if its own instruction there had raised it. hv_exception() left vector and
         * error code where the exception's own frame would have had them, in scratch[0].
         */
guest_iret_failed:
        pushq   CPUINFO_scratch - UREGS_rip(%rsp)
        SAVE_REGS
        jmp     exception_from_guest
END ret_to_guest

/* void continue_running(struct vcpu *v): forgets the present stack and goes on with v. */
FUNC continue_running
        mov     %rdi, %rbx
        or      $(STACK_SIZE - 1), %rsp
        sub     $(CPUINFO_sizeof - 1), %rsp
        cmpb    $0, VCPU_idle(%rbx)
        je      ret_to_guest
        xor     %ebp, %ebp
        call    idle_loop
END continue_running

/* --- exceptions and interrupts -------------------------------------------------------------------------------- */

exception_common:
        CLAC
        cld
        SAVE_REGS
        testb   $3, UREGS_cs(%rsp)
        jz      hv_fault
exception_from_guest:
        mov     CPUINFO_current(%rsp), %rbx
        mov     %rsp, %rdi
        mov     UREGS_entry_vector(%rsp), %eax
        lea     guest_trap_table(%rip), %rcx
        call    *(%rcx, %rax, 8)        /* with interrupts off; the handler turns them on */
        jmp     ret_to_guest

hv_fault:
        mov     %rsp, %rdi
        call    hv_exception
        RESTORE_REGS
        add     $8, %rsp
        iretq

/* On a stack of its own: from a guest the CPU's main stack is empty, so the frame moves there and all goes on as ever. */
ist_common:
        CLAC
        cld
        SAVE_REGS
        testb   $3, UREGS_cs(%rsp)
        jz      hv_fault
        mov     %rsp, %rsi
        mov     %rsp, %rdi
        or      $(STACK_SIZE - 1), %rdi
        sub     $(CPUINFO_sizeof - 1), %rdi
        mov     %rdi, %rax
        mov     $(UREGS_hw_end / 8), %ecx
        rep movsq
        mov     %rax, %rsp
        jmp     exception_from_guest

irq_common:
        CLAC
        cld
        SAVE_REGS
        mov     UREGS_entry_vector(%rsp), %edi
        testb   $3, UREGS_cs(%rsp)
        jz      1f
        mov     CPUINFO_current(%rsp), %rbx
        call    irq_dispatch
        jmp     ret_to_guest
1:      call    irq_dispatch
        RESTORE_REGS
        add     $8, %rsp
        iretq

int80_common:
        CLAC
        cld
        SAVE_REGS
        mov     CPUINFO_current(%rsp), %rbx
        mov     %rsp, %rdi
        call    guest_int80
        jmp     ret_to_guest

/* A stub a vector, and its slot in entry_vectors[256] beside it. Vectors that are not used have a 0 there. */
        .pushsection .rodata
        .balign 8
        .globl  entry_vectors
        .hidden entry_vectors
entry_vectors:
        .popsection

.macro STUB vector, has_code, where
        .balign 16
9:      .ifeq   \has_code
        pushq   $0
        .endif
        movl    $\vector, 4(%rsp)
        jmp     \where
        .pushsection .rodata
        .quad   9b
        .popsection
.endm

        STUB    0, 0, exception_common
        STUB    1, 0, ist_common
        STUB    2, 0, ist_common
        STUB    3, 0, exception_common
        STUB    4, 0, exception_common
        STUB    5, 0, exception_common
        STUB    6, 0, exception_common
        STUB    7, 0, exception_common
        STUB    8, 1, ist_common
        STUB    9, 0, exception_common
        STUB    10, 1, exception_common
        STUB    11, 1, exception_common
        STUB    12, 1, exception_common
        STUB    13, 1, exception_common
        STUB    14, 1, exception_common
        STUB    15, 0, exception_common
        STUB    16, 0, exception_common
        STUB    17, 1, exception_common
        STUB    18, 0, ist_common
        STUB    19, 0, exception_common
        STUB    20, 0, exception_common
        STUB    21, 1, exception_common
        .set    i, 22
        .rept   10
        STUB    i, 0, exception_common
        .set    i, i + 1
        .endr
        .rept   128 - 32
        STUB    i, 0, irq_common
        .set    i, i + 1
        .endr
        STUB    128, 0, int80_common
        .set    i, 129
        .rept   256 - 129
        STUB    i, 0, irq_common
        .set    i, i + 1
        .endr

/* --- data ----------------------------------------------------------------------------------------------------- */

        .bss
        .balign 64
        .globl  syscall_area
        .hidden syscall_area
syscall_area:
        .skip   MAX_CPUS * 64

        .section .note.GNU-stack, "", @progbits
