/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder, from the hypervisor's own file: known encodings field by field, every length of truncation,
 * and random bytes, for which it must never claim more bytes than it was given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pv/decode.h"
#include "tap.h"

struct expectation {
    const char *text;
    u8 bytes[15];
    u8 count;
    u16 opcode;
    u8 size;
    u8 reg, rm_or_base, index, scale;
    bool memory, rip_relative;
    s64 displacement;
    u64 immediate;
};

#define NONE 0xff

/* Encodings by the manual (SDM vol. 2, chapters 2 to 5); each is a whole instruction. */
static const struct expectation cases[] = {
    { "mov %rax,%cr3", { 0x0f, 0x22, 0xd8 }, 3, 0x122, 8, 3, 0, NONE, 0, false, false, 0, 0 },
    { "mov %cr8,%r9", { 0x45, 0x0f, 0x20, 0xc1 }, 4, 0x120, 8, 8, 9, NONE, 0, false, false, 0, 0 },
    { "mov %rcx,(%rdi)", { 0x48, 0x89, 0x0f }, 3, 0x89, 8, 1, 7, NONE, 0, true, false, 0, 0 },
    { "mov %ecx,8(%r12)", { 0x41, 0x89, 0x4c, 0x24, 0x08 }, 5, 0x89, 4, 1, 12, NONE, 0, true, false, 8, 0 },
    { "mov %rax,-8(%rbp,%r15,8)", { 0x4a, 0x89, 0x44, 0xfd, 0xf8 }, 5, 0x89, 8, 0, 5, 15, 3, true, false, -8, 0 },
    { "mov %rax,0x100(%rip)", { 0x48, 0x89, 0x05, 0, 1, 0, 0 }, 7, 0x89, 8, 0, NONE, NONE, 0, true, true, 0x100, 0 },
    { "mov %rax,0x12345678 (no base)", { 0x48, 0x89, 0x04, 0x25, 0x78, 0x56, 0x34, 0x12 }, 8, 0x89, 8, 0, NONE, NONE, 0,
      true, false, 0x12345678, 0 },
    { "movq $-1,(%rax)", { 0x48, 0xc7, 0x00, 0xff, 0xff, 0xff, 0xff }, 7, 0xc7, 8, 0, 0, NONE, 0, true, false, 0, ~0UL },
    { "movw $0x1234,(%rax)", { 0x66, 0xc7, 0x00, 0x34, 0x12 }, 5, 0xc7, 2, 0, 0, NONE, 0, true, false, 0, 0x1234 },
    { "lock cmpxchg %rdx,(%rsi)", { 0xf0, 0x48, 0x0f, 0xb1, 0x16 }, 5, 0x1b1, 8, 2, 6, NONE, 0, true, false, 0, 0 },
    { "lock btr $6,(%rdi)", { 0xf0, 0x48, 0x0f, 0xba, 0x37, 0x06 }, 6, 0x1ba, 8, 6, 7, NONE, 0, true, false, 0, 6 },
    { "xchg %rax,(%rbx)", { 0x48, 0x87, 0x03 }, 3, 0x87, 8, 0, 3, NONE, 0, true, false, 0, 0 },
    { "andb $0xfd,(%rcx)", { 0x80, 0x21, 0xfd }, 3, 0x80, 1, 4, 1, NONE, 0, true, false, 0, (u64)-3 },
    { "in $0x60,%al", { 0xe4, 0x60 }, 2, 0xe4, 1, 0, 0, 0, 0, false, false, 0, 0x60 },
    { "outw %ax,(%dx)", { 0x66, 0xef }, 2, 0xef, 2, 0, 0, 0, 0, false, false, 0, 0 },
    { "outl with rex.w is still 4 bytes", { 0x48, 0xef }, 2, 0xef, 4, 0, 0, 0, 0, false, false, 0, 0 },
    { "notl (%rdx)", { 0xf7, 0x12 }, 2, 0xf7, 4, 2, 2, NONE, 0, true, false, 0, 0 },
    { "testl $1,(%rdx) has an immediate", { 0xf7, 0x02, 1, 0, 0, 0 }, 6, 0xf7, 4, 0, 2, NONE, 0, true, false, 0, 1 },
    { "wrmsr", { 0x0f, 0x30 }, 2, 0x130, 4, 0, 0, 0, 0, false, false, 0, 0 },
    { "rep stosq", { 0xf3, 0x48, 0xab }, 3, 0xab, 8, 0, 0, 0, 0, false, false, 0, 0 },
};

static void check_case(const struct expectation *c)
{
    struct insn i;
    bool good = insn_decode(c->bytes, c->count, false, &i);

    good = good && i.length == c->count && i.opcode == c->opcode && i.operand_size == c->size;
    good = good && i.immediate == c->immediate && i.displacement == c->displacement;
    if (i.has_modrm) {
        good = good && i.reg == c->reg && i.is_memory == c->memory && i.rip_relative == c->rip_relative;
        good = good && (c->memory ? i.base : i.rm) == c->rm_or_base && i.index == c->index && i.scale == c->scale;
    }
    ok(good, "%s", c->text);
    for (unsigned int n = 0; n < c->count; n++) {
        /* An exact allocation, so that the sanitizer sees a read beyond it. */
        u8 *part = malloc(n ? n : 1);

        memcpy(part, c->bytes, n);
        if (insn_decode(part, n, false, &i) && i.length > n)
            ok(false, "%s cut to %u bytes", c->text, n);
        free(part);
    }
}

static void random_bytes(void)
{
    unsigned int seed = 1, known = 0, bad = 0;

    for (unsigned int round = 0; round < 1000000; round++) {
        u8 bytes[15];
        struct insn i;
        unsigned int count = (unsigned int)rand_r(&seed) % 16;

        for (unsigned int n = 0; n < sizeof(bytes); n++)
            bytes[n] = (u8)(rand_r(&seed) >> 8);
        if (!insn_decode(bytes, count, false, &i))
            continue;
        known++;
        bad += !i.length || i.length > count || !i.operand_size || i.operand_size > 8;
        bad += i.is_memory && ((i.base != NONE && i.base > 15) || (i.index != NONE && i.index > 15) || i.scale > 3);
    }
    ok(known > 1000 && !bad, "a million random sequences: %u decoded, %u badly", known, bad);
}

int main(void)
{
    struct insn i;

    for (size_t n = 0; n < ARRAY_SIZE(cases); n++)
        check_case(&cases[n]);
    ok(!insn_decode((const u8[]){ 0x0f, 0x0b }, 2, false, &i), "an instruction that no emulator wants is refused");
    ok(!insn_decode((const u8[]){ 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
                                  0xf4 }, 16, false, &i), "more than 15 bytes are no instruction");
    ok(insn_decode((const u8[]){ 0x66, 0xed }, 2, true, &i) && i.length == 2 && i.operand_size == 2 &&
       insn_decode((const u8[]){ 0xed }, 1, true, &i) && i.length == 1 && i.operand_size == 4, "32-bit code: in");
    ok(!insn_decode((const u8[]){ 0x41, 0xed }, 2, true, &i), "32-bit code: there is no REX prefix");
    ok(!insn_decode((const u8[]){ 0x0f, 0x22, 0xd8 }, 3, true, &i), "32-bit code: what has a ModRM byte is refused");
    random_bytes();
    return done_testing();
}
