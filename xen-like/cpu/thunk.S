/* SPDX-License-Identifier: MIT */
/*
 * What the compiler calls in place of each indirect call or jump. As it stands it is a retpoline: a return
 * whose prediction is a loop that does nothing. cpu/spec.c makes it a plain jump, or one behind LFENCE, where
 * that is enough (bti-thunk=).
 */
#include "cpu/spec.h"

        .text
.irp reg, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
        .globl  __x86_indirect_thunk_\reg
        .balign 16
__x86_indirect_thunk_\reg:
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
.endr
