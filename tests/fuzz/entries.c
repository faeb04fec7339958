/* SPDX-License-Identifier: MIT */
/*
 * Ways into the hypervisor other than calls: returns to frames of every kind, privileged and emulated
 * instructions with any operand in kernel and user mode, selectors and descriptors, entry points and debug
 * registers.
 */
#include "fuzz.h"

static char entry_stack[16384] __attribute__((aligned(16)));
uint8_t code_page[PAGE_SIZE] __attribute__((aligned(4096)));
extern int trap_try_armed;

struct code_regs {
    unsigned long rax, rcx, rdx, rbx, rsi, rdi, r8, r9;
};

/* Calls code_page with the registers of a struct code_regs; the others are kept by trap_try. */
long run_code(long regs);
asm(".text\n.globl run_code\nrun_code:\n"
    "push %rbx\npush %rbp\n"
    "mov %rdi, %rbp\n"
    "mov 0(%rbp), %rax\nmov 8(%rbp), %rcx\nmov 16(%rbp), %rdx\nmov 24(%rbp), %rbx\n"
    "mov 32(%rbp), %rsi\nmov 48(%rbp), %r8\nmov 56(%rbp), %r9\nmov 40(%rbp), %rdi\n"
    "call code_page\n"
    "cld\npop %rbp\npop %rbx\nret\n"
    /* A kernel that returns here is caught by the invalid instruction. */
    ".globl iret_landing\niret_landing:\nud2\n");
extern char iret_landing[];

unsigned long entry_stack_top(void)
{
    return (unsigned long)entry_stack + sizeof(entry_stack);
}

void entries_init(void)
{
    user_init();
    vcpu_restore(&fuzzers[0]);
}

/* Instructions by length; PORT marks those that write to the port in dx, which is then the harmless 0x80. */
#define PORT 0x80
static const struct {
    uint8_t length, bytes[8];
} templates[] = {
    { 1, { 0xfa } },
    { 1, { 0xfb } },
    { 1, { 0xf4 } },
    { 1, { 0xcc } },
    { 1, { 0xf1 } },
    { 1, { 0xce } },
    { 2, { 0xe4, 0x61 } },
    { 2, { 0xe4, 0x80 } },
    { 2, { 0xe5, 0x40 } },
    { 2, { 0xe6, 0x80 } },
    { 2, { 0xe7, 0x80 } },
    { 1, { 0xec } },
    { 1, { 0xed } },
    { 2, { 0x66, 0xed } },
    { 1, { 0x6c } },
    { 1, { 0x6d } },
    { 2, { 0xf3, 0x6c } },
    { 2, { 0xf3, 0x6d } },
    { 3, { 0x66, 0xf3, 0x6d } },
    { PORT | 1, { 0xee } },
    { PORT | 1, { 0xef } },
    { PORT | 1, { 0x6e } },
    { PORT | 1, { 0x6f } },
    { PORT | 2, { 0xf3, 0x6e } },
    { PORT | 2, { 0xf3, 0x6f } },
    { PORT | 3, { 0x66, 0xf3, 0x6f } },
    { 2, { 0x0f, 0x32 } },
    { 2, { 0x0f, 0x30 } },
    { 2, { 0x0f, 0x31 } },
    { 3, { 0x0f, 0x01, 0xf9 } },
    { 2, { 0x0f, 0x33 } },
    { 2, { 0x0f, 0xa2 } },
    { 7, { 0x0f, 0x0b, 0x78, 0x65, 0x6e, 0x0f, 0xa2 } },
    { 5, { 0x0f, 0x0b, 0x78, 0x65, 0x6e } },
    { 3, { 0x0f, 0x20, 0xc0 } },
    { 3, { 0x0f, 0x22, 0xc0 } },
    { 3, { 0x0f, 0x20, 0xd0 } },
    { 3, { 0x0f, 0x22, 0xd0 } },
    { 3, { 0x0f, 0x20, 0xd8 } },
    { 3, { 0x0f, 0x20, 0xe0 } },
    { 3, { 0x0f, 0x22, 0xe0 } },
    { 4, { 0x44, 0x0f, 0x22, 0xc0 } },
    { 3, { 0x0f, 0x20, 0xc8 } },
    { 3, { 0x0f, 0x22, 0xc8 } },
    { 4, { 0x44, 0x0f, 0x20, 0xc0 } },
    { 3, { 0x0f, 0x21, 0xc0 } },
    { 3, { 0x0f, 0x23, 0xc0 } },
    { 3, { 0x0f, 0x21, 0xf0 } },
    { 3, { 0x0f, 0x23, 0xf8 } },
    { 3, { 0x0f, 0x23, 0xe0 } },
    { 3, { 0x0f, 0x21, 0xe8 } },
    { 4, { 0x44, 0x0f, 0x23, 0xc0 } },
    { 2, { 0x0f, 0x06 } },
    { 3, { 0x0f, 0x01, 0xf0 } },
    { 3, { 0x0f, 0x01, 0xe0 } },
    { 2, { 0x0f, 0x09 } },
    { 2, { 0x0f, 0x08 } },
    { 3, { 0x0f, 0x01, 0x38 } },
    { 3, { 0x0f, 0x01, 0x10 } },
    { 3, { 0x0f, 0x01, 0x18 } },
    { 3, { 0x0f, 0x01, 0x00 } },
    { 3, { 0x0f, 0x01, 0x08 } },
    { 3, { 0x0f, 0x00, 0xd0 } },
    { 3, { 0x0f, 0x00, 0xd8 } },
    { 3, { 0x0f, 0x00, 0xc8 } },
    { 3, { 0x0f, 0x00, 0xe0 } },
    { 3, { 0x0f, 0x02, 0xc0 } },
    { 3, { 0x0f, 0x03, 0xc0 } },
    { 3, { 0x0f, 0x01, 0xf8 } },
    { 3, { 0x0f, 0x01, 0xd1 } },
    { 3, { 0x0f, 0x01, 0xd0 } },
    { 3, { 0x0f, 0x01, 0xc8 } },
    { 3, { 0x0f, 0x01, 0xc9 } },
    { 3, { 0x0f, 0x01, 0xc1 } },
    { 3, { 0x0f, 0x01, 0xd9 } },
    { 3, { 0x0f, 0x01, 0xca } },
    { 3, { 0x0f, 0x01, 0xcb } },
    { 2, { 0x0f, 0x34 } },
    { 2, { 0x0f, 0x35 } },
    { 2, { 0x0f, 0x07 } },
    { 2, { 0x0f, 0xaa } },
    { 2, { 0xcd, 0x80 } },
    { 2, { 0xcd, 0x82 } },
    { 2, { 0xcd, 0x20 } },
    { 2, { 0xcd, 0x21 } },
    { 2, { 0xcd, 0x02 } },
    { 2, { 0xcd, 0x08 } },
    { 2, { 0xcd, 0xff } },
    { 2, { 0xcd, 0x0e } },
    { 2, { 0xcd, 0xf9 } },
    { 2, { 0x0f, 0x0b } },
    { 1, { 0xcf } },
    { 1, { 0xcb } },
    { 2, { 0x48, 0xcb } },
    { 2, { 0xff, 0x18 } },
    { 2, { 0xff, 0x28 } },
    { 3, { 0x48, 0xff, 0x28 } },
    { 2, { 0x8e, 0xd8 } },
    { 2, { 0x8e, 0xc0 } },
    { 2, { 0x8e, 0xe0 } },
    { 2, { 0x8e, 0xe8 } },
    { 2, { 0x8e, 0xd0 } },
    { 5, { 0xf3, 0x48, 0x0f, 0xae, 0xd0 } },
    { 5, { 0xf3, 0x48, 0x0f, 0xae, 0xd8 } },
    { 5, { 0x66, 0x0f, 0x38, 0x82, 0x08 } },
    { 3, { 0x0f, 0xae, 0x00 } },
    { 3, { 0x0f, 0xae, 0x08 } },
    { 3, { 0x0f, 0xae, 0x20 } },
    { 3, { 0x0f, 0xae, 0x28 } },
    { 3, { 0x0f, 0xae, 0x10 } },
    { 1, { 0x9b } },
    { 2, { 0xdb, 0xe3 } },
    { 2, { 0x50, 0x9d } },
    { 2, { 0xf7, 0xf1 } },
    { 3, { 0x48, 0x8b, 0x00 } },
    { 3, { 0x48, 0x89, 0x00 } },
    { 2, { 0xff, 0xe0 } },
    { 2, { 0xff, 0xd0 } },
};

static const unsigned interesting_msrs[] = {
    0x10,       0x1b,       0x8b,       0xc1,       0xfe,       0x174,      0x175,      0x176,
    0x179,      0x17a,      0x186,      0x1a0,      0x1d9,      0x200,      0x277,      0x2ff,
    0x38f,      0x400,      0x480,      0x48,       0x49,       0x10a,      0x122,      0x6e0,
    0x800,      0x830,      0x1b0,      0xda0,      0xd90,      0x3a,       0x79,       0xce,
    0x140,      0x17,       0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100,
    0xc0000101, 0xc0000102, 0xc0000103, 0xc0010010, 0xc0010015, 0xc001001f, 0xc0010055, 0xc0010058,
    0xc0011020, 0xc0011029, 0x40000000, 0x40000200,
};

/* Writes one instruction with random prefixes, then the bytes that end the piece of code. */
static void emit(struct fuzzer *f, uint8_t *to, struct code_regs *regs, const uint8_t *end,
                 unsigned end_length)
{
    static const uint8_t prefixes[] = {
        0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x64, 0x65, 0x40, 0x41, 0x48, 0x4f
    };
    unsigned t = rnd_below(f, ARRAY_SIZE(templates)), length = templates[t].length & ~PORT;
    unsigned long *words = (unsigned long *)regs;

    for (unsigned i = 0; i < sizeof(*regs) / sizeof(*words); i++)
        words[i] = rnd_arg(f);
    if (regs->rcx > 20000)
        regs->rcx = one_in(f, 2) ? PICK(f, interesting_msrs) : rnd_below(f, 20000);
    if (templates[t].length & PORT)
        regs->rdx = 0x80 | (one_in(f, 4) ? rnd(f) << 16 : 0);
    if (!(templates[t].length & PORT) && one_in(f, 6))
        *to++ = PICK(f, prefixes);
    memcpy(to, templates[t].bytes, length);
    if (!(templates[t].length & PORT) && one_in(f, 12)) {
        uint8_t changed = to[length - 1] ^ 1 << rnd_below(f, 8);

        if ((changed & 7) != 4 && (changed >> 3 & 7) != 4) /* not the stack pointer */
            to[length - 1] = changed;
    }
    if (templates[t].bytes[0] == 0xff) /* jumps: only where no code is */
        regs->rax = rnd_bad_pointer(f);
    memcpy(to + length, end, end_length);
}

/* A mutation may have made an OUT or a SYSCALL of something harmless; those have places of their own. */
static bool harmless(const uint8_t *code)
{
    for (unsigned i = 0; i < 3; i++) {
        if (code[i] == 0xee || code[i] == 0xef || code[i] == 0x6e || code[i] == 0x6f || code[i] == 0xe6 ||
            code[i] == 0xe7)
            return false;
        if (code[i] == 0x0f && (code[i + 1] == 0x05 || code[i + 1] == 0x04))
            return false;
        if ((code[i] & 0xfc) == 0xe8 || (code[i] & 0xf0) == 0x70 || (code[i] & 0xfc) == 0xe0) /* jumps */
            return false;
    }
    return true;
}

/* Where the processor has it, it leaves the kernel without its stack pointer, and so without a way to take a
 * trap. */
static bool is_sysenter(const uint8_t *code)
{
    return (code[0] == 0x0f && code[1] == 0x34) || (code[1] == 0x0f && code[2] == 0x34);
}

static bool writes_port_80(const uint8_t *code, const struct code_regs *regs)
{
    return (uint16_t)regs->rdx == 0x80 || (code[0] & 0xfe) == 0xe6;
}

void act_instruction(struct fuzzer *f)
{
    static struct code_regs regs;
    static const uint8_t ret[] = { 0xc3 };

    emit(f, code_page, &regs, ret, sizeof(ret));
    if (!harmless(code_page) &&
        !(writes_port_80(code_page, &regs) &&
          (code_page[0] == 0xe6 || code_page[0] == 0xe7 ? code_page[1] == 0x80 : (uint16_t)regs.rdx == 0x80)))
        return;
    if (is_sysenter(code_page))
        return;
    if (trace > 1)
        print("# code %02x %02x %02x %02x rax %lx rcx %lx rdx %lx rdi %lx\n", code_page[0], code_page[1],
              code_page[2], code_page[3], regs.rax, regs.rcx, regs.rdx, regs.rdi);
    f->traps += trap_try(run_code, (long)&regs);
    events_mask();
    vcpu_restore(f);
}

static unsigned long iret_flags_arg;
static long user_probe(long frame)
{
    return user_run_frame((struct frame *)frame, iret_flags_arg);
}

static long iret_probe(long frame)
{
    iret_frame((struct frame *)frame);
}

static unsigned rnd_selector(struct fuzzer *f)
{
    static const uint16_t odd[] = { 0,
                                    1,
                                    3,
                                    4,
                                    7,
                                    8,
                                    0xb,
                                    0xe003,
                                    0xe007,
                                    0xe008,
                                    0xe010,
                                    0xe019,
                                    0xe023,
                                    0xe02b,
                                    0xe030,
                                    0xe033,
                                    0xe038,
                                    0xe040,
                                    0xfff8,
                                    0xffff,
                                    FLAT_KERNEL_CS,
                                    FLAT_KERNEL_SS,
                                    FLAT_USER_CS,
                                    FLAT_USER_SS,
                                    FLAT_RING3_CS32,
                                    FLAT_RING3_DS32 };

    return one_in(f, 5) ? rnd_below(f, 0x10000) : PICK(f, odd);
}

static unsigned long rnd_flags(struct fuzzer *f)
{
    return one_in(f, 2) ? FL_IF | 2 : one_in(f, 4) ? rnd(f) : rnd(f) & 0x3fffff;
}

/* In user mode: code in the user data page, entered by a frame that may be wrong. */
void act_user(struct fuzzer *f)
{
    static struct frame frame;
    static struct code_regs regs;
    static const uint8_t back[] = { 0x0f, 0x05 }; /* syscall */
    uint8_t *code = (uint8_t *)USER_DATA;

    emit(f, code, &regs, back, sizeof(back));
    if (!harmless(code))
        code[0] = 0x90, memcpy(code + 1, back, sizeof(back));
    memset(&frame, 0, sizeof(frame));
    frame.rax = regs.rax;
    frame.rcx = regs.rcx;
    frame.rdx = regs.rdx;
    frame.rbx = regs.rbx;
    frame.rsi = regs.rsi;
    frame.rdi = regs.rdi;
    frame.rip = one_in(f, 10) ? rnd_bad_pointer(f) : USER_DATA;
    frame.cs = one_in(f, 6) ? rnd_selector(f) | 3 : FLAT_USER_CS;
    frame.ss = one_in(f, 6) ? rnd_selector(f) : FLAT_USER_SS;
    frame.rsp = one_in(f, 6) ? rnd_arg(f) : USER_STACK_TOP;
    frame.rflags = rnd_flags(f);
    iret_flags_arg = one_in(f, 3) ? VGCF_in_syscall : one_in(f, 10) ? rnd(f) : 0;
    f->traps += trap_try(user_probe, (long)&frame);
    user_active = 0;
    events_mask();
    vcpu_restore(f);
}

/*
 * Into the kernel itself: wherever the frame leads, the next trap ends it.  The stack stays good, because a
 * trap on a bad kernel stack ends the domain, and so does a jump into its own code; both are rare here on
 * purpose.
 */
void act_iret(struct fuzzer *f)
{
    static struct frame frame;

    memset(&frame, 0, sizeof(frame));
    frame.rip = one_in(f, 2) ? (unsigned long)iret_landing : rnd_bad_pointer(f);
    frame.cs = one_in(f, 3) ? rnd_selector(f) : FLAT_KERNEL_CS & ~3UL;
    frame.ss = one_in(f, 3) ? rnd_selector(f) : FLAT_KERNEL_SS;
    frame.rflags = rnd_flags(f);
    frame.rsp = USER_STACK_TOP - 512; /* below 4 GiB, for 32-bit code segments */
    if (one_in(f, 40000))
        frame.rsp = rnd_arg(f);
    f->traps += trap_try(iret_probe, (long)&frame);
    events_mask();
    vcpu_restore(f);
}

static struct {
    uint16_t ds, es, fs, gs;
} selectors;
static long load_selectors(long unused)
{
    (void)unused;
    asm volatile("movw %0, %%fs\nmovw %1, %%gs\nmovw %2, %%ds\nmovw %3, %%es" ::"m"(selectors.fs),
                 "m"(selectors.gs), "m"(selectors.ds), "m"(selectors.es));
    return 0;
}

static long clear_selectors(long unused)
{
    (void)unused;
    asm volatile("mov %0, %%ds\nmov %0, %%es\nmov %0, %%fs\nmov %0, %%gs" ::"r"(0));
    return 0;
}

void act_segments(struct fuzzer *f)
{
    issue(f, __HYPERVISOR_set_segment_base, rnd_below(f, 5), rnd_arg(f), 0, 0, 0);
    selectors.ds = one_in(f, 2) ? 0 : rnd_selector(f);
    selectors.es = one_in(f, 2) ? 0 : rnd_selector(f);
    selectors.fs = rnd_selector(f);
    selectors.gs = rnd_selector(f);
    f->traps += trap_try(load_selectors, 0);
    issue(f, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
    trap_try(clear_selectors, 0);
}

static uint64_t rnd_descriptor(struct fuzzer *f)
{
    static const uint64_t good[] = { 0x00cffb000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff,
                                     0x0000ec000000e033, 0x00cf9b000000ffff, 0x0000890000000067,
                                     0x0000e9000000ffff, 0x00cfff000000ffff };

    return one_in(f, 4)   ? rnd(f)
           : one_in(f, 5) ? 0
                          : PICK(f, good) ^ (one_in(f, 2) ? 1UL << rnd_below(f, 64) : 0);
}

void act_descriptors(struct fuzzer *f)
{
    struct sandbox_page *page = &sandbox[rnd_below(f, SANDBOX)];
    struct mmuext_op *op = (struct mmuext_op *)f->scratch;
    unsigned long *frames = (unsigned long *)(f->scratch + PAGE_SIZE);
    unsigned count = one_in(f, 4) ? 1 + rnd_below(f, 14) : 1;
    bool ldt = one_in(f, 2);
    extern unsigned long probe_value;
    extern long probe_write(long);

    if (page->mfn == NO_MFN)
        return;
    if (issue(f, __HYPERVISOR_update_va_mapping, (unsigned long)page->va, PTE(page->mfn, L1_FLAGS),
              UVMF_INVLPG, 0, 0) == 0)
        for (unsigned i = 0; i < 16; i++) {
            probe_value = one_in(f, 6) ? rnd_descriptor(f) : 0x00cff3000000ffff;
            if (trap_try(probe_write, (unsigned long)page->va + i * 8))
                return;
        }
    issue(f, __HYPERVISOR_update_va_mapping, (unsigned long)page->va, PTE(page->mfn, L1_RO),
          UVMF_INVLPG | UVMF_ALL, 0, 0);
    if (ldt) {
        memset(op, 0, sizeof(*op));
        op->cmd = MMUEXT_SET_LDT;
        op->arg1.linear_addr = (unsigned long)page->va;
        op->arg2.nr_ents = one_in(f, 4) ? rnd_arg(f) : 16;
        issue(f, __HYPERVISOR_mmuext_op, (unsigned long)op, 1, 0, DOMID_SELF, 0);
    } else {
        for (unsigned i = 0; i < count; i++)
            frames[i] = one_in(f, 10) ? rnd_mfn(f) : page->mfn;
        issue(f, __HYPERVISOR_set_gdt, (unsigned long)frames, one_in(f, 8) ? rnd_arg(f) : count * 512, 0, 0,
              0);
    }
    for (unsigned i = rnd_below(f, 4); i > 0; i--)
        issue(f, __HYPERVISOR_update_descriptor,
              one_in(f, 6) ? rnd_arg(f) : (page->mfn << PAGE_SHIFT) + rnd_below(f, 20) * 8, rnd_descriptor(f),
              0, 0, 0);
    memset(&selectors, 0, sizeof(selectors));
    selectors.fs = rnd_below(f, 20) * 8 + 3 + (ldt ? 4 : 0);
    selectors.gs = rnd_below(f, 20) * 8 + 3 + (ldt ? 4 : 0);
    f->traps += trap_try(load_selectors, 0);
    if (one_in(f, 3)) /* the page goes away below the selectors */
        issue(f, __HYPERVISOR_update_va_mapping, (unsigned long)page->va, 0, UVMF_INVLPG, 0, 0);
    if (one_in(f, 2))
        issue(f, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
    if (one_in(f, 4) && !ldt)
        vcpu_restore(f); /* the selectors have no descriptors any more at the next switch */
    if (one_in(f, 2))
        issue(f, __HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0, 0, 0);
    trap_try(clear_selectors, 0);
    memset(op, 0, sizeof(*op));
    op->cmd = MMUEXT_SET_LDT;
    issue(f, __HYPERVISOR_mmuext_op, (unsigned long)op, 1, 0, DOMID_SELF, 0);
    vcpu_restore(f);
}

/* Entry points and debug registers, wrong ones too; they are put back before anything traps. */
void act_registers(struct fuzzer *f)
{
    struct trap_info *table = (struct trap_info *)f->scratch;
    struct callback_register *callback = (struct callback_register *)f->scratch;

    switch (rnd_below(f, 6)) {
    case 0:
        for (unsigned i = 0; i < 30; i++)
            table[i] = (struct trap_info){ rnd(f), rnd(f), one_in(f, 2) ? FLAT_KERNEL_CS : rnd_selector(f),
                                           rnd_arg(f) };
        table[30].address = 0;
        issue(f, __HYPERVISOR_set_trap_table, (unsigned long)table, 0, 0, 0, 0);
        break;
    case 1:
        *callback = (struct callback_register){ .type = rnd_below(f, 10),
                                                .flags = rnd_below(f, 4),
                                                .address = rnd_arg(f) };
        issue(f, __HYPERVISOR_callback_op, rnd_below(f, 4), (unsigned long)callback, 0, 0, 0);
        break;
    case 2:
    case 3:
        issue(f, __HYPERVISOR_set_debugreg, rnd_below(f, 9), rnd_arg(f), 0, 0, 0);
        issue(f, __HYPERVISOR_set_debugreg, 7, one_in(f, 2) ? rnd(f) & 0xffff : rnd_arg(f), 0, 0, 0);
        issue(f, __HYPERVISOR_get_debugreg, rnd_below(f, 9), 0, 0, 0, 0);
        break;
    case 4:
        issue(f, __HYPERVISOR_set_callbacks, rnd_arg(f), rnd_arg(f), rnd_arg(f), 0, 0);
        break;
    default:
        issue(f, __HYPERVISOR_stack_switch, rnd_selector(f), rnd_arg(f), 0, 0, 0);
    }
    vcpu_restore(f);
}
