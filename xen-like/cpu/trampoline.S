/* SPDX-License-Identifier: MIT */
/*
 * Where a processor starts that the boot CPU has woken: in real mode, at the page below 1 MiB that this code
 * was copied to. It goes through the boot tables (boot/head.S), whose identity mapping covers that page, to
 * 64-bit mode and the image; there it changes to the final tables and its own stack.
 */
#include "cpu/desc.h"
#include "offsets.h"

#define AT(label)   (label - trampoline_start)

        .section .rodata, "a"
        .globl  trampoline_start, trampoline_end, trampoline_data

        .balign 16
        .code16
trampoline_start:
        cli
        cld
        mov     %cs, %ax
        mov     %ax, %ds
        movzwl  %ax, %ebx
        shl     $4, %ebx                /* where we are */
        lea     AT(gdt)(%ebx), %eax
        mov     %eax, AT(gdtr) + 2
        lgdtl   AT(gdtr)
        mov     $0x11, %eax             /* PE, ET */
        mov     %eax, %cr0
        lea     AT(start32)(%ebx), %eax
        mov     %eax, AT(far32)
        ljmpl   *AT(far32)

        .code32
start32:
        mov     $16, %eax
        mov     %eax, %ds
        mov     %eax, %ss
        mov     $0x20, %eax             /* PAE */
        mov     %eax, %cr4
        mov     AT(trampoline_data)(%ebx), %eax
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx
        mov     AT(trampoline_data) + 4(%ebx), %eax
        xor     %edx, %edx
        wrmsr
        mov     $0x80010033, %eax       /* PG, WP, NE, ET, MP, PE */
        mov     %eax, %cr0
        lea     AT(start64)(%ebx), %eax
        mov     %eax, AT(far64)(%ebx)
        ljmp    *AT(far64)(%ebx)

        .code64
start64:
        movabs  $secondary_start, %rax
        jmp     *%rax

        .balign 8
gdt:    .quad   0, 0x00cf9b000000ffff, 0x00cf93000000ffff, GDT_CODE64_RING0
gdtr:   .short  31
        .long   0
far32:  .long   0
        .short  8
far64:  .long   0
        .short  24
        .balign 4
trampoline_data:                        /* struct trampoline_data of cpu/smp.c */
        .long   0                       /* physical address of the boot tables' L4 */
        .long   0                       /* EFER */
trampoline_end:

        .text
secondary_start:
        mov     hv_root(%rip), %rax
        shl     $12, %rax
        mov     %rax, %cr3
        mov     secondary_stack(%rip), %rsp
        xor     %eax, %eax
        .irp    segment, ds, es, ss, fs, gs
        mov     %eax, %\segment
        .endr
        sub     $CPUINFO_sizeof, %rsp
        xor     %ebp, %ebp
        call    smp_secondary_main
        ud2
