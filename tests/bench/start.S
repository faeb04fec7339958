/* SPDX-License-Identifier: MIT */
/*
 * A multiboot kernel that prints the time-stamp counter at its first instruction and resets: what the
 * firmware and the loader take, to be subtracted from what it reads when Domain-0 starts.
 */
#define COM1 0x3f8
#define MAGIC 0x1badb002

    .code32
    .text
    .globl _start
    .balign 4
    .long MAGIC, 0, -MAGIC
_start:
    rdtsc
    mov %eax, %esi
    mov %edx, %edi
    mov $stack_top, %esp
    mov $text, %ebx
1:  mov (%ebx), %al
    test %al, %al
    jz 2f
    call put
    inc %ebx
    jmp 1b
2:  mov %edi, %ebp
    call put_word
    mov %esi, %ebp
    call put_word
    mov $10, %al
    call put
    lidt no_table               /* a triple fault ends the machine */
    int3

    /* ebp as eight hexadecimal digits */
put_word:
    mov $8, %ecx
3:  rol $4, %ebp
    mov %ebp, %eax
    and $15, %eax
    mov digits(%eax), %al
    call put
    loop 3b
    ret

    /* al to the serial line, which the firmware may leave as it came out of reset */
put:
    push %eax
    mov $COM1 + 5, %edx
4:  in %dx, %al
    test $0x20, %al
    jz 4b
    pop %eax
    mov $COM1, %edx
    out %al, %dx
    ret

text:       .asciz "loaded 0x"
digits:     .ascii "0123456789abcdef"
    .balign 4
no_table:   .skip 8
    .skip 256
stack_top:
    .section .note.GNU-stack, "", @progbits
