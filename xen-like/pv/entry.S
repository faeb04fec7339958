/* SPDX-License-Identifier: MIT */
/*
 * Every way from a guest into the hypervisor, and the one way back.
 *
 * A guest enters into the last page of the CPU's stack, struct cpu_info, where its registers are kept:
 *
 *      cpu_info:    room for exceptions that the code here takes     <- rsp from here on: C code has the pages below
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
 * An exception or interrupt that hits the hypervisor itself makes the same frame wherever the stack is.
 * While C code runs on a guest's behalf rbx holds the current vCPU.
 *
 * Two ways are so common that they are dealt with here, without saving the registers: the system call of a guest's
 * user mode into its kernel, and the guest kernel's iret. What is out of the ordinary in them is left to C.
 *
 * On a CPU that may be open to Meltdown the guest runs on a root of its own, on which nothing of the hypervisor is
 * mapped but this page, this file's code, the descriptor tables, and the pages of the current vCPU and its vcpu_info
 * (mm/isolation.h). PROTECT_ENTRY loads the full root, PROTECT_EXIT the other; the two short ways do without.
 */
#include "cpu/desc.h"
#include "cpu/spec.h"
#include "mm/isolation.h"
#include "mm/layout.h"
#include "offsets.h"

#define FLAT_USER_CS64 0xe033
#define FLAT_USER_CS32 0xe023
#define FLAT_USER_SS   0xe02b

#define RFLAGS_IF         0x200
#define RFLAGS_ALWAYS     0x2
#define RFLAGS_NO_HANDLER 0x54100   /* AC, RF, NT, TF: a handler starts without them */
#define RFLAGS_NO_IRET    0x1a7000  /* VIP, VIF, VM, NT, IOPL: not the guest's to set */

/* A guest address of the lower half or above the hypervisor's, plus this, is less than 31 << 43; no other is. */
#define GUEST_ADDRESS_SHIFT 0x780000000000

        .section .entry.text, "ax", @progbits
        .balign 4096
        .globl  entry_text_start
        .hidden entry_text_start
entry_text_start:

/* --- pieces -------------------------------------------------------------------------------------------------- */

/* Three bytes that boot/ replaces by CLAC or STAC where the CPU has SMAP (struct in cpu/features.h). */
.macro SMAP_SLOT close
661:    .byte   0x0f, 0x1f, 0x00
        .pushsection .smap_patch, "a"
        .balign 4
        .long   661b - ., \close
        .popsection
.endm
#define CLAC SMAP_SLOT 1
#define STAC SMAP_SLOT 0

.macro EXTABLE at, fixup
        .pushsection .ex_table, "a"
        .balign 4
        .long   \at - ., \fixup - .
        .popsection
.endm

/* The registers to and from cpu_info, rsp's place. */
.macro STORE_REGS
        mov     %rdi, UREGS_rdi(%rsp)
        mov     %rsi, UREGS_rsi(%rsp)
        mov     %rdx, UREGS_rdx(%rsp)
        mov     %rcx, UREGS_rcx(%rsp)
        mov     %rax, UREGS_rax(%rsp)
        mov     %r8, UREGS_r8(%rsp)
        mov     %r9, UREGS_r9(%rsp)
        mov     %r10, UREGS_r10(%rsp)
        mov     %r11, UREGS_r11(%rsp)
        mov     %rbx, UREGS_rbx(%rsp)
        mov     %rbp, UREGS_rbp(%rsp)
        mov     %r12, UREGS_r12(%rsp)
        mov     %r13, UREGS_r13(%rsp)
        mov     %r14, UREGS_r14(%rsp)
        mov     %r15, UREGS_r15(%rsp)
.endm

/* All but rcx and r11. */
.macro LOAD_MOST_REGS
        mov     UREGS_r15(%rsp), %r15
        mov     UREGS_r14(%rsp), %r14
        mov     UREGS_r13(%rsp), %r13
        mov     UREGS_r12(%rsp), %r12
        mov     UREGS_rbp(%rsp), %rbp
        mov     UREGS_rbx(%rsp), %rbx
        mov     UREGS_r10(%rsp), %r10
        mov     UREGS_r9(%rsp), %r9
        mov     UREGS_r8(%rsp), %r8
        mov     UREGS_rax(%rsp), %rax
        mov     UREGS_rdx(%rsp), %rdx
        mov     UREGS_rsi(%rsp), %rsi
        mov     UREGS_rdi(%rsp), %rdi
.endm

/* The same in a frame on whatever stack; PUSH_REGS starts, POP_REGS ends at the error code. */
.macro PUSH_REGS
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
.macro POP_REGS
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

/* --- protections ---------------------------------------------------------------------------------------------- */

/*
 * A slot is five bytes that cpu/spec.c patches while booting: a no-operation that becomes a jump to `to`, or, with
 * inverse, a jump to `to` that becomes a no-operation.
 */
.macro SLOT feature, to, inverse=0
        .if     \inverse
662:    .byte   0xe9
        .long   \to - . - 4
        .else
662:    .byte   0x0f, 0x1f, 0x44, 0x00, 0x00
        .endif
        .pushsection .spec_patch, "a"
        .balign 4
        .long   662b - ., \to - ., \feature
        .popsection
.endm

/* 32 returns predicted to go to a trap for speculation. rax is lost. */
.macro FILL_RETURN_STACK
        mov     $16, %eax
663:    call    664f
665:    pause
        lfence
        jmp     665b
664:    call    666f
667:    pause
        lfence
        jmp     667b
666:    dec     %eax
        jnz     663b
        add     $32 * 8, %rsp
.endm

/* MSR SPEC_CTRL = the value at this offset of cpu_info. rax, rcx, rdx are lost. */
.macro LOAD_SPEC_CTRL from
        mov     $0x48, %ecx
        mov     \from(%rsp), %eax
        xor     %edx, %edx
        wrmsr
.endm

/*
 * From a guest, registers stored, before any other code than this file's. rax, rcx, rdx are lost, or, with reload,
 * the guest's again.
 */
.macro PROTECT_ENTRY reload=0
        SLOT    SPEC_PATCH_ANY, 770f
771:
        .pushsection .entry.cold, "ax", @progbits
770:    SLOT    SPEC_PATCH_XPTI, 772f, 1
        mov     CPUINFO_guest_vcpu(%rsp), %rcx
        movzbl  VCPU_kernel_mode(%rcx), %ecx
        mov     CPUINFO_full_cr3(%rsp, %rcx, 8), %rcx
        test    %rcx, %rcx
        jz      772f
        mov     %rcx, %cr3
772:    SLOT    SPEC_PATCH_RSB, 773f, 1
        FILL_RETURN_STACK
773:    SLOT    SPEC_PATCH_CTRL, 774f, 1
        LOAD_SPEC_CTRL CPUINFO_hv_ctrl
774:    SLOT    SPEC_PATCH_IBPB, 775f, 1
        mov     $0x49, %ecx             /* MSR PRED_CMD: IBPB */
        mov     $1, %eax
        xor     %edx, %edx
        wrmsr
775:
        .if     \reload
        mov     UREGS_rax(%rsp), %rax
        mov     UREGS_rcx(%rsp), %rcx
        mov     UREGS_rdx(%rsp), %rdx
        .endif
        jmp     771b
        .popsection
.endm

/* On the way to the guest, with rbx = vCPU, when nothing but this file's code follows. rax, rcx, rdx are lost. */
.macro PROTECT_EXIT
        SLOT    SPEC_PATCH_ANY, 780f
781:
        .pushsection .entry.cold, "ax", @progbits
780:    SLOT    SPEC_PATCH_CTRL, 782f, 1
        LOAD_SPEC_CTRL CPUINFO_guest_ctrl
782:    SLOT    SPEC_PATCH_VERW, 783f, 1
        verw    verw_selector(%rip)
783:    SLOT    SPEC_PATCH_XPTI, 784f, 1
        movzbl  VCPU_kernel_mode(%rbx), %ecx
        cmpq    $0, CPUINFO_full_cr3(%rsp, %rcx, 8)
        je      784f
        mov     CPUINFO_guest_cr3(%rsp, %rcx, 8), %rcx
        mov     %rcx, %cr3
784:    jmp     781b
        .popsection
.endm

/* --- SYSCALL ------------------------------------------------------------------------------------------------- */

/*
 * SYSCALL switches no stack and leaves no register free, so each CPU enters at a stub of its own, which knows the CPU's
 * stack. Interrupts are off; NMI and #MC have stacks of their own and may come at any of these instructions.
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

        .globl  syscall_stubs, syscall32_stubs
        .hidden syscall_stubs, syscall32_stubs
        .balign 64
syscall_stubs:
        SYSCALL_STUBS syscall_entry
        .balign SYSCALL_STUB_SIZE
syscall32_stubs:
        SYSCALL_STUBS syscall32_entry

FUNC syscall_entry
        mov     %rcx, UREGS_rip(%rsp)
        mov     %r11, UREGS_eflags(%rsp)
        mov     CPUINFO_guest_vcpu(%rsp), %rcx
        movq    $FLAT_USER_CS64, UREGS_cs(%rsp)
        movq    $FLAT_USER_SS, UREGS_ss(%rsp)
        testb   $1, VCPU_kernel_mode(%rcx)
        jz      user_syscall
        cmp     $HYPERVISOR_iret, %rax
        je      iret_short

        /* A hypercall: number in rax, arguments in rdi rsi rdx r10 r8 r9. */
hypercall:
        mov     UREGS_rip(%rsp), %rcx
        movl    $ENTRY_SYSCALL, UREGS_entry_vector(%rsp)
        STORE_REGS
        PROTECT_ENTRY reload=1
        mov     CPUINFO_current(%rsp), %rbx
        sti
        cmp     $NR_HYPERCALLS, %rax
        jae     hypercall_unknown
        sbb     %r11, %r11              /* all ones: the comparison holds for speculation too */
        and     %r11, %rax
        lea     hypercall_table(%rip), %r11
        mov     (%r11, %rax, 8), %r11
        mov     %r10, %rcx
        call    __x86_indirect_thunk_r11
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
        movl    $0, UREGS_error_code(%rsp)
        subq    $2, UREGS_rip(%rsp)
        jmp     ret_to_guest

/* --- the short ways ------------------------------------------------------------------------------------------- */

/*
 * They run with interrupts off from start to end, on the guest's root. What another CPU wants of this one comes with an
 * interrupt, which is taken as soon as the guest runs; so neither looks for softirqs, and only iret, which may open the
 * guest's event mask, looks for events. A fault on guest memory needs some stack that is mapped: hence SHORT_ROOM.
 */
#define SHORT_ROOM          (CPUINFO_guest_regs & ~15)
#define SHORT(field)        (field - SHORT_ROOM)(%rsp)

/* SYSCALL in user mode; rcx = vCPU. The frame is that of pv/bounce.c. */
user_syscall:
        cmpl    $0, VCPU_slow_ways(%rcx)
        jne     user_syscall_long
        mov     %rax, UREGS_rax(%rsp)
        mov     %rdx, UREGS_rdx(%rsp)
        mov     VCPU_bounce_sp(%rcx), %rax
        test    %rax, %rax
        jz      user_syscall_reload
        cmpq    $0, VCPU_syscall_callback(%rcx)
        je      user_syscall_reload
        mov     CPUINFO_guest_info(%rsp), %r11
        cmpb    $0, VCPUINFO_upcall_mask(%r11)
        jne     user_syscall_reload

        mov     CPUINFO_guest_cr3 + 8(%rsp), %rdx
        mov     %rdx, %cr3
        swapgs
        movb    $1, VCPU_kernel_mode(%rcx)
        add     $SHORT_ROOM, %rsp
        mov     SHORT(UREGS_rip), %rdx
        STAC
1:      mov     %rdx, -56(%rax)         /* rcx */
2:      mov     %rdx, -40(%rax)         /* rip */
        mov     SHORT(UREGS_eflags), %rdx
3:      mov     %rdx, -48(%rax)         /* r11 */
4:      mov     %rdx, -24(%rax)         /* rflags: IF is set, as the mask is 0, and IOPL is 0 */
        mov     SHORT(UREGS_rsp), %rdx
5:      mov     %rdx, -16(%rax)
6:      movq    $FLAT_USER_CS64, -32(%rax)
7:      movq    $FLAT_USER_SS, -8(%rax)
        CLAC
        .irp    at, 1b, 2b, 3b, 4b, 5b, 6b, 7b
        EXTABLE \at, user_syscall_no_stack
        .endr
        movzbl  VCPU_syscall_disables_events(%rcx), %edx
        mov     %dl, VCPUINFO_upcall_mask(%r11)
        sub     $56, %rax
        mov     %rax, SHORT(UREGS_rsp)
        mov     SHORT(UREGS_eflags), %r11
        and     $~RFLAGS_NO_HANDLER, %r11d
        mov     VCPU_syscall_callback(%rcx), %rcx   /* canonical, as all callbacks are */
        mov     SHORT(UREGS_rdx), %rdx
        mov     SHORT(UREGS_rax), %rax
        mov     SHORT(UREGS_rsp), %rsp
        sysretq

user_syscall_reload:
        mov     UREGS_rax(%rsp), %rax
user_syscall_long:
        mov     UREGS_rip(%rsp), %rcx
        mov     UREGS_eflags(%rsp), %r11
        movl    $ENTRY_SYSCALL, UREGS_entry_vector(%rsp)
        STORE_REGS
        PROTECT_ENTRY
        mov     CPUINFO_current(%rsp), %rbx
        sti
        mov     %rbx, %rdi
        call    pv_user_syscall
        jmp     ret_to_guest

        /* The guest's kernel has no stack to push on: the end of it. */
user_syscall_no_stack:
        CLAC
        sub     $SHORT_ROOM, %rsp
        mov     %rax, CPUINFO_scratch(%rsp)
        mov     UREGS_rax(%rsp), %rax
        mov     UREGS_rdx(%rsp), %rdx
        mov     UREGS_rip(%rsp), %rcx
        mov     UREGS_eflags(%rsp), %r11
        movl    $0, UREGS_entry_vector(%rsp)
        STORE_REGS
        PROTECT_ENTRY
        mov     CPUINFO_current(%rsp), %rbx
        sti
        mov     %rbx, %rdi
        mov     CPUINFO_scratch(%rsp), %rsi
        call    pv_no_kernel_stack
        jmp     ret_to_guest

/*
 * iret of the guest's kernel; rcx = vCPU, rax = the hypercall's number. do_iret() does the same, and whatever is not
 * done here. Up to the first UREGS that is written, nothing has changed.
 */
iret_short:
        cmpl    $0, VCPU_slow_ways(%rcx)
        jne     hypercall
        mov     UREGS_rsp(%rsp), %r11
        movabs  $GUEST_ADDRESS_SHIFT, %rax
        add     %r11, %rax
        shr     $43, %rax
        cmp     $31, %eax
        jae     iret_not_guest
        mov     %rdx, UREGS_rdx(%rsp)
        mov     %rbx, UREGS_rbx(%rsp)
        mov     CPUINFO_guest_info(%rsp), %rdx
        add     $SHORT_ROOM, %rsp
        STAC
1:      mov     IRET_rax(%r11), %rbx    /* both ends of the frame: what lies between can be read then */
2:      mov     IRET_ss(%r11), %rbx
3:      mov     IRET_rflags(%r11), %rax
4:      movzwl  IRET_cs(%r11), %ecx
        bt      $9, %eax                /* IF, which becomes the mask */
        setnc   %bl
        jnc     10f
        cmpb    $0, VCPUINFO_upcall_pending(%rdx)
        jne     iret_long
10:     not     %ecx
        test    $3, %cl
        setz    %bh                     /* to user mode */
        jnz     11f
        cmpq    $0, SHORT(CPUINFO_guest_cr3)
        je      iret_long
11:     not     %ecx
        or      $3, %ecx
        mov     %bl, VCPUINFO_upcall_mask(%rdx)
        and     $~RFLAGS_NO_IRET, %eax
        or      $RFLAGS_IF | RFLAGS_ALWAYS, %eax
        mov     %rax, SHORT(UREGS_eflags)
        mov     %rcx, SHORT(UREGS_cs)
5:      movzwl  IRET_ss(%r11), %eax
        or      $3, %eax
        mov     %rax, SHORT(UREGS_ss)
6:      mov     IRET_rip(%r11), %rax
        mov     %rax, SHORT(UREGS_rip)
7:      mov     IRET_flags(%r11), %rcx
        mov     %ecx, SHORT(UREGS_entry_vector)
8:      mov     IRET_rsp(%r11), %rdx
9:      mov     IRET_rax(%r11), %rax
12:     mov     IRET_rcx(%r11), %rcx
13:     mov     IRET_r11(%r11), %r11
        CLAC
        .irp    at, 1b, 2b, 3b, 4b, 5b, 6b, 7b, 8b, 9b, 12b, 13b
        EXTABLE \at, iret_long
        .endr
        mov     %rdx, SHORT(UREGS_rsp)
        test    %bh, %bh
        jz      14f
        mov     SHORT(CPUINFO_guest_vcpu), %rdx
        movb    $0, VCPU_kernel_mode(%rdx)
        mov     SHORT(CPUINFO_guest_cr3), %rdx
        mov     %rdx, %cr3
        swapgs
14:     mov     SHORT(UREGS_rdx), %rdx
        testl   $VGCF_in_syscall, SHORT(UREGS_entry_vector)
        jnz     iret_sysret
        mov     SHORT(UREGS_rbx), %rbx
        add     $UREGS_rip - SHORT_ROOM, %rsp
iret_short_iret:
        iretq
        EXTABLE iret_short_iret, guest_iret_failed

        /* As ret_to_guest's: cs and ss are the flat ones, whatever the frame says. */
iret_sysret:
        mov     SHORT(UREGS_rip), %rcx
        mov     %rcx, %rbx
        sar     $47, %rbx
        inc     %rbx
        cmp     $1, %rbx
        mov     SHORT(UREGS_rbx), %rbx
        ja      15f
        mov     SHORT(UREGS_eflags), %r11
        mov     SHORT(UREGS_rsp), %rsp
        sysretq
15:     movq    $FLAT_USER_CS64, SHORT(UREGS_cs)
        movq    $FLAT_USER_SS, SHORT(UREGS_ss)
        add     $UREGS_rip - SHORT_ROOM, %rsp
        jmp     iret_short_iret

iret_long:
        CLAC
        sub     $SHORT_ROOM, %rsp
        mov     UREGS_rdx(%rsp), %rdx
        mov     UREGS_rbx(%rsp), %rbx
iret_not_guest:
        mov     $HYPERVISOR_iret, %eax
        mov     UREGS_eflags(%rsp), %r11
        jmp     hypercall

/* --- other calls ---------------------------------------------------------------------------------------------- */

FUNC syscall32_entry
        mov     %rcx, UREGS_rip(%rsp)
        mov     %r11, UREGS_eflags(%rsp)
        movq    $FLAT_USER_CS32, UREGS_cs(%rsp)
        movq    $FLAT_USER_SS, UREGS_ss(%rsp)
        movl    $0, UREGS_entry_vector(%rsp)
        STORE_REGS
        PROTECT_ENTRY
        mov     CPUINFO_current(%rsp), %rbx
        sti
        mov     %rbx, %rdi
        call    pv_user_syscall32
        jmp     ret_to_guest
END syscall32_entry

/* SYSENTER loads rsp from its MSR (the end of the frame) and saves nothing: rip and rsp are the guest's to know. */
FUNC sysenter_entry
        pushq   $FLAT_USER_SS
        pushq   $0
        pushfq
        pushq   $3
        pushq   $0
        pushq   $0
        CLAC
        sub     $UREGS_error_code, %rsp
        STORE_REGS
        PROTECT_ENTRY
        mov     CPUINFO_current(%rsp), %rbx
        sti
        mov     %rbx, %rdi
        call    pv_user_sysenter
        jmp     ret_to_guest
END sysenter_entry

/* --- the way back --------------------------------------------------------------------------------------------- */

/* rsp = cpu_info, rbx = current vCPU. */
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
        mov     UREGS_eflags(%rsp), %r11
        mov     UREGS_rsp(%rsp), %rsp
        sysretq
ret_iret:
        LOAD_MOST_REGS
        mov     UREGS_r11(%rsp), %r11
        mov     UREGS_rcx(%rsp), %rcx
        add     $UREGS_rip, %rsp
guest_iret:
        iretq
        EXTABLE guest_iret, guest_iret_failed

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
         * The processor refused the guest's cs, ss or rip. The frame is as before iretq, and all registers are the
         * guest's: it gets the fault as if its own instruction there had raised it. hv_exception() left vector and
         * error code where the exception's own frame would have had them, in scratch.
         */
guest_iret_failed:
        pushq   CPUINFO_scratch - UREGS_rip(%rsp)
        sub     $UREGS_error_code, %rsp
        STORE_REGS
        jmp     exception_from_guest
END ret_to_guest

/* void continue_running(struct vcpu *v): forgets the present stack and goes on with v. */
FUNC continue_running
        mov     %rdi, %rbx
        or      $(STACK_SIZE - 1), %rsp
        mov     CPUINFO_self - (CPUINFO_sizeof - 1)(%rsp), %rsp
        cmpb    $0, VCPU_idle(%rbx)
        je      ret_to_guest
        xor     %ebp, %ebp
        call    idle_loop
END continue_running

/* --- exceptions and interrupts -------------------------------------------------------------------------------- */

exception_common:
        CLAC
        cld
        testb   $3, FRAME_cs - FRAME_entry_vector + 4(%rsp)
        jz      hv_exception_entry
        sub     $UREGS_error_code, %rsp
        STORE_REGS
exception_from_guest:
        PROTECT_ENTRY
        mov     CPUINFO_current(%rsp), %rbx
        lea     UREGS_r15(%rsp), %rdi
        mov     UREGS_entry_vector(%rsp), %eax
        lea     guest_trap_table(%rip), %rcx
        mov     (%rcx, %rax, 8), %rax
        call    __x86_indirect_thunk_rax    /* with interrupts off; the handler turns them on */
        jmp     ret_to_guest

hv_exception_entry:
        PUSH_REGS
hv_fault:
        mov     %rsp, %rdi
        SLOT    SPEC_PATCH_ANY, hv_fault_protected
        call    hv_exception
        POP_REGS
        add     $8, %rsp
        iretq

/*
 * An exception or NMI may come anywhere in this file, where the guest's root and its SPEC_CTRL are still, or again,
 * loaded. r12: the root to go back to; r13: what SPEC_CTRL was.
 */
hv_fault_protected:
        mov     %cr3, %r12
        mov     %rsp, %rax
        or      $(STACK_SIZE - 1), %rax
        sub     $(CPUINFO_sizeof - 1), %rax
        mov     %r12, %rcx
        and     $~(ISOLATED_BLOCK_SIZE - 1), %rcx
        cmp     %rcx, CPUINFO_isolated_base(%rax)
        jne     1f
        mov     CPUINFO_full_cr3 + 8(%rax), %rcx    /* either would do: no guest's memory is touched */
        mov     %rcx, %cr3
1:      SLOT    SPEC_PATCH_CTRL, 2f, 1
        mov     CPUINFO_hv_ctrl(%rax), %r14d
        mov     $0x48, %ecx
        rdmsr
        mov     %eax, %r13d
        mov     %r14d, %eax
        wrmsr
2:      call    hv_exception
        SLOT    SPEC_PATCH_CTRL, 3f, 1
        mov     $0x48, %ecx
        mov     %r13d, %eax
        xor     %edx, %edx
        wrmsr
3:      mov     %cr3, %rax
        cmp     %rax, %r12
        je      4f
        mov     %r12, %cr3
4:      POP_REGS
        add     $8, %rsp
        iretq

/* On a stack of its own: from a guest the CPU's main stack is empty, so the frame moves there and all goes on as ever. */
ist_common:
        CLAC
        cld
        PUSH_REGS
        testb   $3, FRAME_cs(%rsp)
        jz      hv_fault
        mov     %rsp, %rsi
        mov     %rsp, %rax
        or      $(STACK_SIZE - 1), %rax
        sub     $(CPUINFO_sizeof - 1), %rax
        lea     UREGS_r15(%rax), %rdi
        mov     $(FRAME_hw_end / 8), %ecx
        rep movsq
        mov     %rax, %rsp
        jmp     exception_from_guest

irq_common:
        CLAC
        cld
        testb   $3, FRAME_cs - FRAME_entry_vector + 4(%rsp)
        jz      1f
        sub     $UREGS_error_code, %rsp
        STORE_REGS
        PROTECT_ENTRY
        mov     UREGS_entry_vector(%rsp), %edi
        mov     CPUINFO_current(%rsp), %rbx
        call    irq_dispatch
        jmp     ret_to_guest
1:      PUSH_REGS
        mov     FRAME_entry_vector(%rsp), %edi
        call    irq_dispatch
        POP_REGS
        add     $8, %rsp
        iretq

int80_common:
        CLAC
        cld
        sub     $UREGS_error_code, %rsp
        STORE_REGS
        PROTECT_ENTRY
        mov     CPUINFO_current(%rsp), %rbx
        lea     UREGS_r15(%rsp), %rdi
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

/* What VERW needs to be more than a test: a writable segment. */
        .balign 2
verw_selector:
        .short  HV_DS

/* --- indirect branches ---------------------------------------------------------------------------------------- */

/*
 * What the compiler calls in place of each indirect call or jump. As it stands it is a retpoline: a return whose
 * prediction is a loop that does nothing. cpu/spec.c makes it a plain jump, or one behind LFENCE, where that is
 * enough (bti-thunk=).
 */
        .text
.irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
FUNC __x86_indirect_thunk_\reg
        SLOT    SPEC_PATCH_JMP, 2f
        SLOT    SPEC_PATCH_LFENCE, 1f
        call    4f
3:      pause
        lfence
        jmp     3b
4:      mov     %\reg, (%rsp)
        ret
1:      lfence
2:      jmp     *%\reg
        .balign 8, 0xcc
END __x86_indirect_thunk_\reg
.endr

        .section .note.GNU-stack, "", @progbits
