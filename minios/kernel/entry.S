/* SPDX-License-Identifier: MIT */
/*
 * Everything that must be assembly: the ELF notes that tell a domain builder how
 * to load this kernel, the first instruction, the entry points that the
 * hypervisor calls, and the switch between threads.
 *
 * All returns from traps and upcalls go through the iret hypercall: a native iretq
 * or lretq would read its frame as a supervisor access on some machines and fault
 * under SMAP, and only the hypercall restores the upcall mask in the same step.
 */
#include "asm-offsets.h"

    .macro NOTE_STRING type, text
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 9f - 8f, \type
    .asciz "Xen"
8:  .asciz "\text"
9:  .balign 4
    .popsection
    .endm

    .macro NOTE_VALUE type, value
    .pushsection .note.Xen, "a", @note
    .balign 4
    .long 4, 8, \type
    .asciz "Xen"
    .quad \value
    .popsection
    .endm

    NOTE_STRING NOTE_XEN_VERSION, "xen-3.0"
    NOTE_STRING NOTE_GUEST_OS, "tenon-minios"
    NOTE_STRING NOTE_GUEST_VERSION, "1"
    NOTE_STRING NOTE_LOADER, "generic"
    NOTE_STRING NOTE_FEATURES, "pae_pgdir_above_4gb"
    NOTE_VALUE NOTE_ENTRY, _start
    NOTE_VALUE NOTE_VIRT_BASE, 0
    NOTE_VALUE NOTE_PADDR_OFFSET, 0
    NOTE_VALUE NOTE_HYPERCALL_PAGE, hypercall_page

    .text

    .macro FUNCTION name
    .balign 16
    .globl \name
    .type \name, @function
\name:
    .endm
    .macro END name
    .size \name, . - \name
    .endm

/* From the domain builder: %rsi is start_info's address, upcalls are masked, the stack is one page. */
FUNCTION _start
    cld
    lea boot_stack_top(%rip), %rsp
    xor %ebp, %ebp
    mov %rsi, %rdi
    call kernel_start
    ud2
END _start

/* The hypervisor's code; the domain builder fills the page. */
    .balign 4096
FUNCTION hypercall_page
    .skip 4096, 0xf4
END hypercall_page

/*
 * Trap and upcall entry. The hypervisor leaves, from the top of the stack:
 *     rcx  r11  [error code]  rip  cs  rflags  rsp  ss
 * which becomes a struct trap_frame (internal.h). When the handler returns, the frame's registers are loaded
 * again and its tail, with the error slot cleared, is the frame that the iret hypercall wants:
 *     flags  rip  cs  rflags  rsp  ss
 */
    .macro SAVE_FRAME has_error
    cld
    pop %rcx
    pop %r11
    .ifeq \has_error
    push $0
    .endif
    push %rcx
    push %r11
    push %rax
    push %rdi
    push %rsi
    push %rdx
    push %r8
    push %r9
    push %r10
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    .endm

    .macro CALL_HANDLER handler
    mov %rsp, %rdi
    mov %rsp, %rbx
    and $-16, %rsp
    call \handler
    mov %rbx, %rsp
    .endm

FUNCTION frame_return
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r10
    pop %r9
    pop %r8
    pop %rdx
    pop %rsi
    pop %rdi
    pop %rax
    pop %r11
    pop %rcx
    movq $0, (%rsp)
    jmp hypercall_page + HC_IRET
END frame_return

    .macro TRAP name, vector, has_error
FUNCTION trap_\name
    SAVE_FRAME \has_error
    mov $\vector, %esi
    CALL_HANDLER trap_handler
    jmp frame_return
END trap_\name
    .pushsection .rodata.trap_entries, "a", @progbits
    .quad \vector, trap_\name
    .popsection
    .endm

    .section .rodata.trap_entries, "a", @progbits
    .balign 16
    .globl trap_entries
trap_entries:
    .text

    TRAP divide_error, 0, 0
    TRAP debug, 1, 0
    TRAP breakpoint, 3, 0
    TRAP overflow, 4, 0
    TRAP bounds, 5, 0
    TRAP invalid_opcode, 6, 0
    TRAP no_fpu, 7, 0
    TRAP invalid_tss, 10, 1
    TRAP no_segment, 11, 1
    TRAP stack_segment, 12, 1
    TRAP protection, 13, 1
    TRAP page_fault, 14, 1
    TRAP fpu, 16, 0
    TRAP alignment, 17, 1
    TRAP machine_check, 18, 0
    TRAP simd, 19, 0

    .section .rodata.trap_entries, "a", @progbits
    .globl trap_entries_end
trap_entries_end:
    .text

FUNCTION event_callback
    SAVE_FRAME 0
    CALL_HANDLER event_upcall
    jmp frame_return
END event_callback

/* The hypervisor could not load our segment registers: rcx r11 ds es fs gs, then the frame. */
FUNCTION failsafe_callback
    mov %rsp, %rdi
    and $-16, %rsp
    call failsafe_handler
    ud2
END failsafe_callback

/*
 * void context_switch(uint64_t *save_rsp, uint64_t load_rsp)
 * Callee-saved registers, and the control halves of SSE and x87, which the ABI preserves across calls too.
 */
FUNCTION context_switch
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
END context_switch

/* First return address of a new thread: %r12 is its struct. %rbp is 0, which ends every backtrace. */
FUNCTION thread_entry
    mov %r12, %rdi
    call thread_main
    ud2
END thread_entry

/*
 * bool probe_read(const void *from, uint64_t *to): read 8 bytes, false if they cannot be read. The page-fault
 * handler knows the one instruction that may fault.
 */
FUNCTION probe_read
    .globl probe_read_access, probe_read_failed
probe_read_access:
    mov (%rdi), %rax
    mov %rax, (%rsi)
    mov $1, %eax
    ret
probe_read_failed:
    xor %eax, %eax
    ret
END probe_read

    .bss
    .balign 16
boot_stack:
    .skip 16384
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
