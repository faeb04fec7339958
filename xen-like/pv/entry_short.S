/* SPDX-License-Identifier: MIT */
/*
 * The short ways: the system call of a guest's user mode into its kernel, and the guest kernel's iret,
 * without C code and without saving the registers. What is out of the ordinary in them goes the long way.
 *
 * They run with interrupts off from start to end, on the guest's root. What another CPU wants of this one
 * comes with an interrupt, which is taken as soon as the guest runs; so neither looks for softirqs, and only
 * iret, which may open the guest's event mask, looks for events. A fault on guest memory needs some stack
 * that is mapped: hence SHORT_ROOM. There is no indirect branch and no return, so nothing need be done
 * against their prediction.
 */
#include "pv/entry_macros.h"

#define RFLAGS_NO_HANDLER (RFLAGS_AC | RFLAGS_RF | RFLAGS_NT | RFLAGS_TF)
#define RFLAGS_NOT_GUESTS (RFLAGS_VIP | RFLAGS_VIF | RFLAGS_VM | RFLAGS_NT | RFLAGS_IOPL)

/*
 * A guest address of the lower half or above the hypervisor's, plus this, is less than 31 << 43; no other is.
 */
#define GUEST_ADDRESS_SHIFT 0x780000000000

#define SHORT_ROOM          (CPUINFO_guest_regs & ~15)
#define SHORT(field)        (field - SHORT_ROOM)(%rsp)

/* Instructions that write the frame of a system call, and that read the frame of iret. */
#define PUT MAY_FAULT user_syscall_no_stack,
#define GET MAY_FAULT iret_long,

        .section .entry.text, "ax", @progbits

/* SYSCALL in user mode; rcx = vCPU. The frame is that of pv/bounce.c. */
LABEL user_syscall
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
        PUT     mov %rdx, -56(%rax)     /* rcx */
        PUT     mov %rdx, -40(%rax)     /* rip */
        mov     SHORT(UREGS_rflags), %rdx
        PUT     mov %rdx, -48(%rax)     /* r11 */
        PUT     mov %rdx, -24(%rax)     /* rflags: IF is set, as the mask is 0, and IOPL is 0 */
        mov     SHORT(UREGS_rsp), %rdx
        PUT     mov %rdx, -16(%rax)
        PUT     movq $FLAT_USER_CS64, -32(%rax)
        PUT     movq $FLAT_USER_SS, -8(%rax)
        CLAC
        movzbl  VCPU_syscall_masks_events(%rcx), %edx
        mov     %dl, VCPUINFO_upcall_mask(%r11)
        sub     $56, %rax
        mov     %rax, SHORT(UREGS_rsp)
        mov     SHORT(UREGS_rflags), %r11
        and     $~RFLAGS_NO_HANDLER, %r11d
        mov     VCPU_syscall_callback(%rcx), %rcx   /* canonical, as all callbacks are */
        mov     SHORT(UREGS_rdx), %rdx
        mov     SHORT(UREGS_rax), %rax
        mov     SHORT(UREGS_rsp), %rsp
        sysretq

        /* The guest's kernel has no stack to push on: pv_user_syscall() sees it in kernel mode already. */
user_syscall_no_stack:
        CLAC
        sub     $SHORT_ROOM, %rsp
        mov     UREGS_rdx(%rsp), %rdx
user_syscall_reload:
        mov     UREGS_rax(%rsp), %rax
user_syscall_long:
        mov     UREGS_rip(%rsp), %rcx
        mov     UREGS_rflags(%rsp), %r11
        movl    $ENTRY_SYSCALL, UREGS_entry_vector(%rsp)
        STORE_REGS
        CALL_AND_RETURN pv_user_syscall

/*
 * iret of the guest's kernel; rcx = vCPU, rax = the hypercall's number. do_iret() does the same, and whatever
 * is not done here. Up to the first UREGS that is written, nothing has changed.
 */
LABEL iret_short
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
        GET     mov IRET_rax(%r11), %rbx /* both ends of the frame: what lies between can be read then */
        GET     mov IRET_ss(%r11), %rbx
        GET     mov IRET_rflags(%r11), %rax
        GET     movzwl IRET_cs(%r11), %ecx
        bt      $9, %eax                /* IF, which becomes the mask */
        setnc   %bl
        jnc     1f
        cmpb    $0, VCPUINFO_upcall_pending(%rdx)
        jne     iret_long
1:      not     %ecx
        test    $3, %cl
        setz    %bh                     /* to user mode */
        jnz     2f
        cmpq    $0, SHORT(CPUINFO_guest_cr3)
        je      iret_long
2:      not     %ecx
        or      $3, %ecx
        mov     %bl, VCPUINFO_upcall_mask(%rdx)
        and     $~RFLAGS_NOT_GUESTS, %eax
        or      $RFLAGS_IF | RFLAGS_ALWAYS, %eax
        mov     %rax, SHORT(UREGS_rflags)
        mov     %rcx, SHORT(UREGS_cs)
        GET     movzwl IRET_ss(%r11), %eax
        or      $3, %eax
        mov     %rax, SHORT(UREGS_ss)
        GET     mov IRET_rip(%r11), %rax
        mov     %rax, SHORT(UREGS_rip)
        GET     mov IRET_flags(%r11), %rcx
        mov     %ecx, SHORT(UREGS_entry_vector)
        GET     mov IRET_rsp(%r11), %rdx
        GET     mov IRET_rax(%r11), %rax
        GET     mov IRET_rcx(%r11), %rcx
        GET     mov IRET_r11(%r11), %r11
        CLAC
        mov     %rdx, SHORT(UREGS_rsp)
        test    %bh, %bh
        jz      3f
        mov     SHORT(CPUINFO_guest_vcpu), %rdx
        movb    $0, VCPU_kernel_mode(%rdx)
        mov     SHORT(CPUINFO_guest_cr3), %rdx
        mov     %rdx, %cr3
        swapgs
3:      mov     SHORT(UREGS_rdx), %rdx
        testl   $VGCF_in_syscall, SHORT(UREGS_entry_vector)
        jnz     iret_sysret
        mov     SHORT(UREGS_rbx), %rbx
        add     $UREGS_rip - SHORT_ROOM, %rsp
iret_short_iret:
        MAY_FAULT guest_iret_failed, iretq

        /* As ret_to_guest's: cs and ss are the flat ones, whatever the frame says. */
iret_sysret:
        mov     SHORT(UREGS_rip), %rcx
        mov     %rcx, %rbx
        sar     $47, %rbx
        inc     %rbx
        cmp     $1, %rbx
        mov     SHORT(UREGS_rbx), %rbx
        ja      4f
        mov     SHORT(UREGS_rflags), %r11
        mov     SHORT(UREGS_rsp), %rsp
        sysretq
4:      movq    $FLAT_USER_CS64, SHORT(UREGS_cs)
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
        mov     UREGS_rflags(%rsp), %r11
        jmp     hypercall
