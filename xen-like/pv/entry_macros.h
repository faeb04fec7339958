/* SPDX-License-Identifier: MIT */
/*
 * What the files of entry code share: how registers are stored and loaded, and what protects entries and
 * exits.
 */
#pragma once

#include "cpu/desc.h"
#include "cpu/regs.h"
#include "cpu/spec.h"
#include "mm/isolation.h"
#include "mm/layout.h"
#include "offsets.h"

/* --- pieces --- */

/* Three bytes of no-operation that become the code at `to` where the CPU has SMAP (cpu/spec.c). */
.macro SMAP_SLOT to
661:    .byte   0x0f, 0x1f, 0x00
        .pushsection .spec_patch, "a"
        .balign 4
        .long   661b - ., \to - ., SPEC_PATCH_SMAP
        .popsection
.endm
#define CLAC SMAP_SLOT code_clac
#define STAC SMAP_SLOT code_stac

/* An instruction that may fault on what is the guest's; all goes on at fixup then (cpu/traps.c). */
.macro MAY_FAULT fixup, instruction:vararg
660:    \instruction
        .pushsection .ex_table, "a"
        .balign 4
        .long   660b - ., \fixup - .
        .popsection
.endm

/*
 * The general registers but rsp, in the order of struct cpu_user_regs from its end and from its start; and
 * all of them but rcx and r11.
 */
#define ALL_REGS  rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
#define REGS_ALL  r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
#define MOST_REGS r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rax, rdx, rsi, rdi

/* The registers to and from cpu_info, rsp's place. */
.macro STORE_REGS
        .irp    reg, ALL_REGS
        mov     %\reg, UREGS_\reg(%rsp)
        .endr
.endm
.macro LOAD_MOST_REGS
        .irp    reg, MOST_REGS
        mov     UREGS_\reg(%rsp), %\reg
        .endr
.endm

/* A label that other files know. */
.macro LABEL name
        .globl  \name
\name:
.endm

/* The end of a way in, registers stored: function(current), with interrupts on, then back to the guest. */
.macro CALL_AND_RETURN function
        PROTECT_ENTRY
        mov     CPUINFO_vcpu(%rsp), %rbx
        sti
        mov     %rbx, %rdi
        call    \function
        jmp     ret_to_guest
.endm

/* --- protections --- */

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

/* rax, rcx, rdx are lost. */
.macro WRITE_MSR number, value
        mov     $\number, %ecx
        mov     \value, %eax
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
        WRITE_MSR MSR_SPEC_CTRL, CPUINFO_hv_ctrl(%rsp)
774:    SLOT    SPEC_PATCH_IBPB, 775f, 1
        WRITE_MSR MSR_PRED_CMD, $1      /* IBPB */
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
        WRITE_MSR MSR_SPEC_CTRL, CPUINFO_guest_ctrl(%rsp)
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
