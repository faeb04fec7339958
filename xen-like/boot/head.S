/* SPDX-License-Identifier: MIT */
/*
 * From the boot loader to C. The image carries a multiboot1 and a multiboot2 header; either kind of loader
 * enters at start32 in 32-bit protected mode without paging, with its magic number in EAX and the address of
 * its information in EBX. The image may lie at any multiple of 2 MiB below 4 GiB, so the 32-bit code knows
 * addresses only relative to EBP, the physical address of the image.
 *
 * The tables made here map the first 4 GiB twice, at 0 and at DIRECT_MAP_START, and the image at IMAGE_START.
 * The processors that are started later come through them as well (cpu/trampoline.S).
 */
#include "cpu/desc.h"
#include "mm/layout.h"
#include "offsets.h"

/* Memory operand: what lies at symbol + plus of the image. */
#define PHYS_AT(symbol, plus)   (symbol - IMAGE_START + (plus))(%ebp)
#define PHYS(symbol)            PHYS_AT(symbol, 0)

#define MB1_HEADER_MAGIC    0x1badb002
#define MB1_FLAGS           0x00000003 /* modules at page boundaries; memory information */
#define MB1_LOADER_MAGIC    0x2badb002
#define MB2_HEADER_MAGIC    0xe85250d6
#define MB2_LOADER_MAGIC    0x36d76289

#define PTE_TABLE           0x003      /* present, writable */
#define PTE_LARGE           0x083      /* the same for a 2 MiB page */

/* A tag of the multiboot2 header that a loader may leave unread: type, size, contents in words. */
        .macro TAG type, size_and_words:vararg
        .balign 8
        .short \type, 1
        .long \size_and_words
        .endm

        .section .head, "ax"

image_base:
        .code32

        .long MB1_HEADER_MAGIC, MB1_FLAGS, -(MB1_HEADER_MAGIC + MB1_FLAGS)

        .balign 8
mb2_header:
        .long MB2_HEADER_MAGIC, 0, mb2_header_end - mb2_header
        .long -(MB2_HEADER_MAGIC + (mb2_header_end - mb2_header))
        /*
         * What we can use, none of it required: command line, modules, memory map, framebuffer, EFI system
         * table, ACPI root pointers, EFI memory map.
         */
        TAG     1, 8 + 8 * 4, 1, 3, 6, 8, 12, 14, 15, 17
        /* Modules at page boundaries. */
        TAG     6, 8
        /* A text screen is welcome. */
        TAG     4, 12, 2
        /* May be loaded elsewhere: from 2 MiB, below 4 GiB, aligned to 2 MiB, as low as possible. */
        TAG     10, 24, 0x200000, 0xffe00000, 0x200000, 1
        .balign 8
        .short 0, 0
        .long 8
mb2_header_end:

        .globl start32
start32:
        cli
        cld
        /*
         * A stack for one return address: the second word of the information, which either kind can spare a
         * moment.
         */
        lea     8(%ebx), %esp
        mov     4(%ebx), %edi
        call    1f
1:      pop     %ebp
        mov     %edi, 4(%ebx)
        sub     $(1b - image_base), %ebp
        lea     PHYS(boot_cpu_stack_end), %esp

        lea     PHYS(text_no_loader), %esi
        cmp     $MB1_LOADER_MAGIC, %eax
        je      2f
        cmp     $MB2_LOADER_MAGIC, %eax
        jne     refuse32
2:
        /* CPUID 0x80000001 EDX bit 29: long mode. Every processor since the Pentium has CPUID. */
        push    %eax
        push    %ebx
        lea     PHYS(text_no_long_mode), %esi
        mov     $0x80000000, %eax
        cpuid
        cmp     $0x80000001, %eax
        jb      refuse32
        mov     $0x80000001, %eax
        cpuid
        bt      $29, %edx
        jnc     refuse32
        pop     %ebx
        pop     %esi

        /* 2048 large pages for 4 GiB. All tables are zero as yet. */
        lea     PHYS(boot_l2), %edi
        mov     $PTE_LARGE, %eax
        mov     $2048, %ecx
5:      mov     %eax, (%edi)
        add     $0x200000, %eax
        add     $8, %edi
        loop    5b
        /* Their four tables. */
        lea     PHYS(boot_l3), %edi
        lea     PHYS_AT(boot_l2, PTE_TABLE), %eax
        mov     $4, %ecx
6:      mov     %eax, (%edi)
        add     $4096, %eax
        add     $8, %edi
        loop    6b
        /* The image: one large page, which the link script keeps it within. */
        lea     PTE_LARGE(%ebp), %eax
        mov     %eax, PHYS(boot_l2_image)
        lea     PHYS_AT(boot_l2_image, PTE_TABLE), %eax
        mov     %eax, PHYS(boot_l3_image)
        lea     PHYS_AT(boot_l3_image, PTE_TABLE), %eax
        mov     %eax, PHYS_AT(boot_l4, 8 * L4_SLOT(IMAGE_START))
        lea     PHYS_AT(boot_l3, PTE_TABLE), %eax
        mov     %eax, PHYS(boot_l4)
        mov     %eax, PHYS_AT(boot_l4, 8 * L4_SLOT(DIRECT_MAP_START))

        mov     %cr4, %ecx
        or      $0x20, %ecx             /* PAE */
        mov     %ecx, %cr4
        lea     PHYS(boot_l4), %eax
        mov     %eax, %cr3
        mov     $0xc0000080, %ecx       /* EFER: LME */
        rdmsr
        bts     $8, %eax
        wrmsr
        mov     $0x80010033, %eax       /* PG, WP, NE, ET, MP, PE: caches on, no emulation */
        mov     %eax, %cr0

        /* Through the identity mapping into 64-bit code. */
        lea     PHYS(start_gdt), %eax
        mov     %eax, PHYS_AT(start_gdtr, 2)
        lgdt    PHYS(start_gdtr)
        lea     PHYS(start64_low), %eax
        push    $8
        push    %eax
        lret

        /* ESI: a text. To the first serial port and the text screen, for lack of anything better. */
refuse32:
        mov     $0xb8000, %edi
7:      lodsb
        test    %al, %al
        jz      9f
        mov     $0x3f8, %dx
        out     %al, %dx
        mov     $0x0f, %ah
        stosw
        mov     $0x3fd, %dx
        mov     $100000, %ecx           /* polls, in case there is no port */
8:      in      %dx, %al
        test    $0x20, %al
        loopz   8b
        jmp     7b
9:      hlt
        jmp     9b

        .code64
start64_low:
        movabs  $start64, %rax
        jmp     *%rax
start64:
        xor     %eax, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %eax, %fs
        mov     %eax, %gs
        lea     boot_cpu_stack_end - CPUINFO_sizeof(%rip), %rsp
        and     $-16, %rsp
        mov     %ebp, image_phys(%rip)  /* the upper half is zero */
        mov     %esi, %edi
        mov     %ebx, %esi
        xor     %ebp, %ebp              /* ends backtraces */
        call    start_hypervisor
        ud2


        .section .rodata, "a"
text_no_loader:
        .asciz "Tenon: not loaded by a multiboot1 or multiboot2 loader; use GRUB's multiboot2 command.\r\n"
text_no_long_mode:
        .asciz "Tenon: this processor has no 64-bit mode; use an x86-64 machine.\r\n"

        .data
        .balign 8
start_gdt:
        .quad 0, GDT_CODE64_RING0
start_gdtr:
        .short 15
        .long 0

        .section .bss.page_aligned, "aw", @nobits
        .balign STACK_SIZE
        .globl boot_cpu_stack, boot_cpu_stack_end, boot_l4
boot_cpu_stack:
        .skip STACK_SIZE
boot_cpu_stack_end:
boot_l4:
        .skip 4096
boot_l3:
        .skip 4096
boot_l2:
        .skip 4 * 4096
boot_l3_image:
        .skip 4096
boot_l2_image:
        .skip 4096

        .section .note.GNU-stack, "", @progbits
