/* SPDX-License-Identifier: MIT */
/*
 * Every way from a guest into the hypervisor, and the one way back.
 *
 * A guest enters into the last page of the CPU's stack, struct cpu_info, where its registers are kept:
 *
 *      cpu_info:    room for exceptions that the code here takes     <- rsp; C code has the pages below
 *      r15 … rdi    stored here
 *      vector:error code (32 bits each)
 *      rip          ┐
 *      cs           │ by the processor (interrupt, exception),
 *      rflags       │ or stored here (SYSCALL, SYSENTER)
 *      rsp          │
 *      ss           ┘
 *      es ds fs gs  filled only when the state is saved
 *      current, roots, TSS, …
 *
 * An exception or interrupt that hits the hypervisor itself makes the same frame wherever the stack is. While
 * C code runs on a guest's behalf rbx holds the current vCPU.
 *
 * Two ways are so common that they have code of their own, pv/entry_short.S, which does not save the
 * registers: the system call of a guest's user mode into its kernel, and the guest kernel's iret.
 *
 * On a CPU that may be open to Meltdown the guest runs on a root of its own, on which nothing of the
 * hypervisor is mapped but this page, the entry code, the descriptor tables, and the pages of the current
 * vCPU and its vcpu_info (mm/isolation.h). PROTECT_ENTRY loads the full root, PROTECT_EXIT the other; the
 * short ways do without.
 */
#include "pv/entry_macros.h"

        .section .entry.text, "ax", @progbits

/* --- SYSCALL --- */

/*
 * SYSCALL switches no stack and leaves no register free, so each CPU enters at a stub of its own, which knows
 * the CPU's stack. Interrupts are off; NMI and #MC have stacks of their own and may come at any of these
 * instructions.
 */
#define CPU_STACKS          image_start + (CPU_STACK_START - IMAGE_START)
#define INFO_OF(cpu)        CPU_STACKS + ((cpu) << CPU_STACK_SHIFT) + STACK_SIZE - CPUINFO_sizeof

.macro SYSCALL_STUBS to
        .set    i, 0
        .rept   MAX_CPUS
        .balign SYSCALL_STUB_SIZE
        mov     %rsp, INFO_OF(i) + UREGS_rsp(%rip)
        lea     INFO_OF(i)(%rip), %rsp
        jmp     \to
        .set    i, i + 1
        .endr
.endm

        .balign 64
LABEL syscall_stubs
        SYSCALL_STUBS syscall_entry
        .balign SYSCALL_STUB_SIZE
LABEL syscall32_stubs
        SYSCALL_STUBS syscall32_entry

        .balign 16
LABEL syscall_entry
        mov     %rcx, UREGS_rip(%rsp)
        mov     %r11, UREGS_rflags(%rsp)
        mov     CPUINFO_guest_vcpu(%rsp), %rcx
        movq    $FLAT_USER_CS64, UREGS_cs(%rsp)
        movq    $FLAT_USER_SS, UREGS_ss(%rsp)
        testb   $1, VCPU_kernel_mode(%rcx)
        jz      user_syscall
        cmp     $HYPERVISOR_iret, %rax
        je      iret_short

        /* A hypercall: number in rax, arguments in rdi rsi rdx r10 r8 r9. */
LABEL hypercall
        mov     UREGS_rip(%rsp), %rcx
        movl    $ENTRY_SYSCALL, UREGS_entry_vector(%rsp)
        STORE_REGS
        PROTECT_ENTRY reload=1
        mov     CPUINFO_vcpu(%rsp), %rbx
        sti
        mov     $NR_HYPERCALLS, %r11d
        cmp     %r11, %rax              /* a higher number gets the last row, under speculation too */
        cmovae  %r11, %rax
        lea     hypercall_table(%rip), %r11
        mov     (%r11, %rax, 8), %r11
        mov     %r10, %rcx
        call    __x86_indirect_thunk_r11
        cmp     $-ERESTART, %rax
        je      hypercall_again
hypercall_done:
        mov     %rax, UREGS_rax(%rsp)
        jmp     ret_to_guest

        /*
         * hypercall_restart() has set the arguments; rax still holds the number. SYSCALL is two bytes long.
         */
hypercall_again:
        cmpl    $HYPERCALL_RESTARTS, UREGS_error_code(%rsp)
        jne     hypercall_done          /* just a value: iret gives the guest what its frame says */
        movl    $0, UREGS_error_code(%rsp)
        subq    $2, UREGS_rip(%rsp)
        jmp     ret_to_guest

/* --- other calls --- */

LABEL syscall32_entry
        mov     %rcx, UREGS_rip(%rsp)
        mov     %r11, UREGS_rflags(%rsp)
        movq    $FLAT_USER_CS32, UREGS_cs(%rsp)
        movq    $FLAT_USER_SS, UREGS_ss(%rsp)
        movl    $0, UREGS_entry_vector(%rsp)
        STORE_REGS
        CALL_AND_RETURN pv_user_syscall32

/*
 * SYSENTER loads rsp from its MSR (the end of the frame) and saves nothing: rip and rsp are the guest's to
 * know.
 */
LABEL sysenter_entry
        pushq   $FLAT_USER_SS
        pushq   $0
        pushfq
        pushq   $3
        pushq   $0
        pushq   $0
        pushq   $RFLAGS_ALWAYS          /* DF, NT, AC, TF are still the guest's */
        popfq
        sub     $UREGS_error_code, %rsp
        STORE_REGS
        CALL_AND_RETURN pv_user_sysenter

/* --- the way back --- */

/* rsp = cpu_info, rbx = current vCPU. */
        .balign 16
LABEL ret_to_guest
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
        PROTECT_EXIT
        testl   $ENTRY_SYSCALL, UREGS_entry_vector(%rsp)
        jz      ret_iret
        mov     UREGS_rip(%rsp), %rcx   /* a non-canonical rip would fault in ring 0 with the guest's stack */
        mov     %rcx, %rdx
        sar     $47, %rdx
        inc     %rdx
        cmp     $1, %rdx
        ja      ret_iret
        LOAD_MOST_REGS
        mov     UREGS_rflags(%rsp), %r11
        mov     UREGS_rsp(%rsp), %rsp
        sysretq
ret_iret:
        LOAD_MOST_REGS
        mov     UREGS_r11(%rsp), %r11
        mov     UREGS_rcx(%rsp), %rcx
        add     $UREGS_rip, %rsp
        MAY_FAULT guest_iret_failed, iretq

ret_softirqs:
        sti
        call    softirq_run
        jmp     ret_to_guest
ret_event:
        cmpb    $0, VCPUINFO_upcall_mask(%rdx)
        jne     ret_no_event
        mov     %rbx, %rdi
        call    pv_deliver_event        /* with interrupts off: nothing is due that was not a moment ago */
        test    %al, %al
        jz      ret_to_guest
        jmp     ret_no_event
ret_nmi:
        cmpb    $0, VCPU_nmi_masked(%rbx)
        jne     ret_restore
        sti
        mov     %rbx, %rdi
        call    pv_deliver_nmi
        jmp     ret_to_guest

        /*
         * The processor refused the guest's cs, ss or rip. The frame is as before iretq, and all registers
         * are the guest's: it gets the fault as if its own instruction there had raised it. hv_exception()
         * left vector and error code where the exception's own frame would have had them, in scratch.
         */
LABEL guest_iret_failed
        pushq   CPUINFO_scratch - UREGS_rip(%rsp)
        jmp     exception_common

/* void continue_running(struct vcpu *v): forgets the present stack and goes on with v. */
LABEL continue_running
        mov     %rdi, %rbx
        or      $(STACK_SIZE - 1), %rsp
        mov     CPUINFO_self - (CPUINFO_sizeof - 1)(%rsp), %rsp
        cmpb    $0, VCPU_idle(%rbx)
        je      ret_to_guest
        xor     %ebp, %ebp
        call    idle_loop

/* --- exceptions and interrupts --- */

/*
 * Behind a gate, with the frame made up to the vector, on whatever stack: the other registers follow it
 * there. Where the hypervisor itself was hit, on to `hv`.
 */
.macro GATE hv
        CLAC
        cld
        .irp    reg, ALL_REGS
        push    %\reg
        .endr
        testb   $3, FRAME_cs(%rsp)
        jz      \hv
.endm

exception_common:
        GATE    hv_fault
        sub     $UREGS_r15, %rsp
exception_from_guest:
        PROTECT_ENTRY
        mov     CPUINFO_vcpu(%rsp), %rbx
        lea     UREGS_r15(%rsp), %rdi
        mov     UREGS_entry_vector(%rsp), %eax
        lea     guest_trap_table(%rip), %rcx
        mov     (%rcx, %rax, 8), %rax
        call    __x86_indirect_thunk_rax    /* with interrupts off; the handler turns them on */
        jmp     ret_to_guest

/*
 * On a stack of its own: from a guest the CPU's main stack is empty, so the frame moves there and all goes on
 * as ever.
 */
ist_common:
        GATE    hv_fault
        mov     %rsp, %rsi
        or      $(STACK_SIZE - 1), %rsp
        sub     $(CPUINFO_sizeof - 1), %rsp
        lea     UREGS_r15(%rsp), %rdi
        mov     $(FRAME_hw_end / 8), %ecx
        rep movsq
        jmp     exception_from_guest

irq_common:
        GATE    irq_in_hypervisor
        sub     $UREGS_r15, %rsp
        PROTECT_ENTRY
        mov     UREGS_entry_vector(%rsp), %edi
        mov     CPUINFO_vcpu(%rsp), %rbx
        call    irq_dispatch
        jmp     ret_to_guest

hv_fault:
        mov     %rsp, %rdi
        SLOT    SPEC_PATCH_ANY, hv_fault_protected
        call    hv_exception
        jmp     hv_resume
irq_in_hypervisor:
        mov     FRAME_entry_vector(%rsp), %edi
        call    irq_dispatch
hv_resume:
        .irp    reg, REGS_ALL
        pop     %\reg
        .endr
        add     $8, %rsp
        iretq

/*
 * An exception or NMI may come anywhere in this file, where the guest's root and its SPEC_CTRL are still, or
 * again, loaded. r12: the root to go back to; r13: what SPEC_CTRL was; r14: this CPU's cpu_info.
 */
hv_fault_protected:
        mov     %cr3, %r12
        mov     %rsp, %r14
        or      $(STACK_SIZE - 1), %r14
        sub     $(CPUINFO_sizeof - 1), %r14
        mov     %r12, %rcx
        and     $~(ISOLATED_BLOCK_SIZE - 1), %rcx
        cmp     %rcx, CPUINFO_isolated_base(%r14)
        jne     1f
        mov     CPUINFO_full_cr3 + 8(%r14), %rcx    /* either would do: no guest's memory is touched */
        mov     %rcx, %cr3
1:      SLOT    SPEC_PATCH_CTRL, 2f, 1
        mov     $MSR_SPEC_CTRL, %ecx
        rdmsr
        mov     %eax, %r13d
        WRITE_MSR MSR_SPEC_CTRL, CPUINFO_hv_ctrl(%r14)
2:      call    hv_exception
        SLOT    SPEC_PATCH_CTRL, 3f, 1
        WRITE_MSR MSR_SPEC_CTRL, %r13d
3:      mov     %cr3, %rax
        cmp     %rax, %r12
        je      hv_resume
        mov     %r12, %cr3
        jmp     hv_resume

/*
 * A stub a vector, and its slot in entry_vectors[256] beside it. The processor pushes an error code for some
 * exceptions, the stub for all others; #DB, NMI, #DF and #MC have stacks of their own. int $0x80 is what a
 * guest's programs use.
 */
#define WITH_OWN_STACK (1 << TRAP_DEBUG | 1 << TRAP_NMI | 1 << TRAP_DOUBLE_FAULT | 1 << TRAP_MACHINE)

.macro STUB vector
        .balign 16
9:      .if     \vector >= 32 || !(TRAPS_WITH_CODE >> (\vector & 31) & 1)
        pushq   $0
        .endif
        movl    $\vector, 4(%rsp)
        .if     \vector >= 32 && \vector != TRAP_INT80
        jmp     irq_common
        .elseif WITH_OWN_STACK >> (\vector & 31) & 1
        jmp     ist_common
        .else
        jmp     exception_common
        .endif
        .pushsection .rodata
        .quad   9b
        .popsection
.endm

        .pushsection .rodata
        .balign 8
LABEL entry_vectors
        .popsection
        .set    i, 0
        .rept   256
        STUB    i
        .set    i, i + 1
        .endr

/* What VERW needs to be more than a test: a writable segment. */
        .balign 2
verw_selector:
        .short  HV_DS

/* What SMAP_SLOT becomes. */
LABEL code_stac
        .byte   0x0f, 0x01, 0xcb
LABEL code_clac
        .byte   0x0f, 0x01, 0xca
