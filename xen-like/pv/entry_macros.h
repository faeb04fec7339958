/* SPDX-License-Identifier: MIT */
/*
 * What the files of entry code share: how registers are stored and loaded, and what protects entries and
 * exits.
 */
#ifndef PV_ENTRY_MACROS_H
#define PV_ENTRY_MACROS_H

#include "cpu/desc.h"
#include "cpu/spec.h"
#include "mm/isolation.h"
#include "mm/layout.h"
#include "offsets.h"

#define FLAT_USER_CS64 0xe033
#define FLAT_USER_CS32 0xe023
#define FLAT_USER_SS   0xe02b

/*
 * --- pieces
 * --------------------------------------------------------------------------------------------------
 */

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

/* A label that another file jumps to. */
.macro LABEL name
        .globl  \name
        .hidden \name
\name:
.endm

.macro END name
        .size   \name, . - \name
.endm

/*
 * --- protections
 * ----------------------------------------------------------------------------------------------
 */

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
 * From a guest, registers stored, before any other code than this file's. rax, rcx, rdx are lost, or, with
 * reload, the guest's again.
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

/*
 * On the way to the guest, with rbx = vCPU, when nothing but this file's code follows. rax, rcx, rdx are
 * lost.
 */
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

#endif
