/* SPDX-License-Identifier: MIT */
/*
 * A guest that throws random but plausible hypercalls, page-table updates, frames and instructions at the
 * hypervisor. Its command line is
 *
 *     seed=N calls=N|seconds=N [vcpus=N] [trace=N] [only=ACTION]
 *
 * It ends after that number of hypercalls of its first vCPU, so that runs on one CPU whose clock counts
 * instructions are the same each time, or after that time.  Further vCPUs, where the domain has them, fuzz
 * meanwhile.  The guest keeps itself alive as well as
 * it can; that it dies of what it did is allowed, as long as the hypervisor lives and says why.  At the end
 * everything is undone, and then no page may be stuck in a type, and none may be missing.
 */
#include "fuzz.h"

#define SETTLED (SECOND / 10) /* no page came back for so long: none will */
#define STACK_SIZE 16384
#define STRAYS 1000
#define PAGES_KEPT 128 /* what the hypervisor may have taken for good: buckets of ports, tables, caches */

unsigned trace;
const char *volatile current_action = "";
struct fuzzer fuzzers[MAX_FUZZERS];

static const struct action {
    const char *name;
    void (*run)(struct fuzzer *f);
    unsigned weight;
    bool every_vcpu; /* needs no trap to be taken, so that other vCPUs may do it as well */
} actions[] = {
    { "mmu_update", act_mmu_update, 20, true },
    { "update_va", act_update_va, 12, true },
    { "fill_table", act_fill_table, 10, false },
    { "make_table", act_make_table, 12, true },
    { "mmuext", act_mmuext, 12, true },
    { "root", act_root, 4, false },
    { "hook", act_hook, 4, true },
    { "touch", act_touch, 8, false },
    { "forge", act_forge, 6, false },
    { "random_call", act_random_call, 30, true },
    { "multicall", act_multicall, 6, true },
    { "multicall_iret", act_multicall_iret, 1, false },
    { "grant_map", act_grant_map, 8, true },
    { "grant_unmap", act_grant_unmap, 8, true },
    { "grant_copy", act_grant_copy, 6, true },
    { "grant_other", act_grant_other, 3, true },
    { "event", act_event, 12, true },
    { "memory", act_memory, 6, false },
    { "timer", act_timer, 3, true },
    { "sched", act_sched, 2, true },
    { "vcpu", act_vcpu, 2, false },
    { "iret", act_iret, 5, false },
    { "user", act_user, 8, false },
    { "instruction", act_instruction, 12, false },
    { "segments", act_segments, 4, false },
    { "descriptors", act_descriptors, 4, false },
    { "registers", act_registers, 4, false },
    { "domctl", act_domctl, 4, true },
    { "domain", act_domain, 3, false },
};

static char stacks[MAX_FUZZERS][STACK_SIZE] __attribute__((aligned(16)));
/* Each buffer is followed by a page that gets unmapped. */
static uint8_t scratch[MAX_FUZZERS][SCRATCH_PAGES + 1][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned long scratch_mfn[MAX_FUZZERS][SCRATCH_PAGES];
static volatile pte_t *image_l1; /* the table that maps them */
static volatile bool stop;
static volatile unsigned stopped;
static const char *only;
static unsigned vcpus;
static bool running;
static unsigned strays; /* traps outside trap_try since vCPU 0 last ended an action */
static uint64_t before, run_end, next_report;
static unsigned long run_calls;
static void run(void);
extern int trap_try_armed;
extern void vcpu_entry(void);

static unsigned long option(const char *name, unsigned long otherwise)
{
    const char *text = (const char *)start_info->cmd_line;
    size_t length = strlen(name);

    for (; *text; text++) {
        unsigned long value = 0;

        if ((text != (const char *)start_info->cmd_line && text[-1] != ' ') || strncmp(text, name, length) ||
            text[length] != '=')
            continue;
        for (text += length + 1; *text >= '0' && *text <= '9'; text++)
            value = value * 10 + *text - '0';
        return value;
    }
    return otherwise;
}

static const char *option_text(const char *name)
{
    const char *text = (const char *)start_info->cmd_line;
    size_t length = strlen(name);

    for (; *text; text++)
        if (!strncmp(text, name, length) && text[length] == '=')
            return text + length + 1;
    return NULL;
}

static unsigned choose(struct fuzzer *f)
{
    unsigned total = 0, at;

    for (unsigned i = 0; only && i < ARRAY_SIZE(actions); i++)
        if (!strncmp(only, actions[i].name, strlen(actions[i].name)))
            return i;
    for (unsigned i = 0; i < ARRAY_SIZE(actions); i++)
        total += f->vcpu == 0 || actions[i].every_vcpu ? actions[i].weight : 0;
    at = rnd_below(f, total);
    for (unsigned i = 0;; i++) {
        unsigned weight = f->vcpu == 0 || actions[i].every_vcpu ? actions[i].weight : 0;

        if (at < weight)
            return i;
        at -= weight;
    }
}

/* Which vCPU runs here, by the stack that it runs on. */
static int worker_of(unsigned long address)
{
    unsigned long offset = address - (unsigned long)stacks;

    return offset < sizeof(stacks) ? (int)(offset / STACK_SIZE) : -1;
}

/* A request that was found in scratch memory may map something else over it, which ends the run soon. */
static void keep_scratch(struct fuzzer *f)
{
    for (unsigned i = 0; i < SCRATCH_PAGES; i++) {
        unsigned long va = (unsigned long)f->scratch + i * PAGE_SIZE;
        pte_t want = PTE(scratch_mfn[f->vcpu][i], L1_FLAGS), is = image_l1[table_index(va, 1)];

        if (PTE_MFN(is) != PTE_MFN(want) || (is & want) != want)
            update_va(va, want, UVMF_INVLPG | UVMF_ALL);
    }
}

static void worker(void)
{
    unsigned vcpu = worker_of((unsigned long)__builtin_frame_address(0));
    struct fuzzer *f = &fuzzers[vcpu];

    while (!stop) {
        actions[choose(f)].run(f);
        keep_scratch(f);
    }
    __atomic_fetch_or(&stopped, 1 << vcpu, __ATOMIC_SEQ_CST);
    for (;;)
        HC(vcpu_op, VCPUOP_down, vcpu, 0);
}

unsigned long worker_stack_top(unsigned vcpu)
{
    return (unsigned long)stacks[vcpu] + STACK_SIZE;
}

void worker_context(struct vcpu_guest_context *context, unsigned vcpu)
{
    vcpu_context(context, 0, worker);
    context->user_regs.rsp = context->kernel_sp = worker_stack_top(vcpu);
}

/*
 * A trap outside trap_try: the vCPU gives up the action that it was in, and starts anew on an empty stack.
 * What may come at any time is passed over.
 */
static bool stray_trap(struct frame *frame)
{
    int vcpu = worker_of((unsigned long)frame);

    if (vcpu <= 0 && (trap_try_armed || user_active || !running))
        return false;
    if (frame->vector == TRAP_DB)
        HC(set_debugreg, 7, 0);
    frame->rflags &= FL_IF;
    if ((frame->cs & 3) != 3 && (frame->vector == TRAP_DB || frame->vector == TRAP_NMI ||
                                 frame->vector == CB_NMI || frame->vector == CB_FAILSAFE))
        return true;
    if (vcpu < 0)
        vcpu = 0;
    fuzzers[vcpu].traps++;
    if (vcpu == 0 && ++strays > STRAYS) {
        running = false;
        bail_out("trap %lu, error code %lx, at %lx again and again: the fuzzer spoilt itself by %s",
                 frame->vector, frame->error, frame->rip, current_action);
    }
    frame->rip = (unsigned long)vcpu_entry;
    frame->rdi = vcpu ? (unsigned long)worker : (unsigned long)run;
    frame->cs = FLAT_KERNEL_CS & ~3UL;
    frame->ss = FLAT_KERNEL_SS;
    frame->rsp = worker_stack_top(vcpu);
    return true;
}

static void start(unsigned long seed)
{
    image_l1 = mfn_to_va(own_tables[3]);
    for (unsigned i = 0; i < MAX_FUZZERS && i < vcpus; i++) {
        static struct vcpu_guest_context context;

        if (update_va((unsigned long)scratch[i][SCRATCH_PAGES], 0, UVMF_INVLPG))
            bail_out("cannot unmap a page");
        for (unsigned j = 0; j < SCRATCH_PAGES; j++)
            scratch_mfn[i][j] = va_to_mfn(scratch[i][j]);
        fuzzers[i] = (struct fuzzer){ .random = seed * 1000003 + i, .vcpu = i, .scratch = scratch[i][0] };
        if (i == 0)
            continue;
        worker_context(&context, i);
        if (HC(vcpu_op, VCPUOP_initialise, i, &context) || HC(vcpu_op, VCPUOP_up, i, 0))
            bail_out("cannot start vCPU %u", i);
    }
}

static void stop_workers(void)
{
    uint64_t end = now() + 5 * SECOND;
    unsigned want = 0;

    stop = true;
    for (unsigned i = 1; i < vcpus; i++)
        want |= 1 << i;
    while ((stopped & want) != want && now() < end)
        for (unsigned i = 1; i < vcpus; i++) {
            HC(vcpu_op, VCPUOP_up, i, 0);
            HC(sched_op, SCHEDOP_yield, 0);
        }
    for (unsigned i = 1; i < MAX_FUZZERS; i++)
        HC(vcpu_op, VCPUOP_down, i, 0);
    if ((stopped & want) != want)
        note("a vCPU did not stop: %x of %x", stopped, want);
}

/* Domains are taken apart in the background: what they had comes back little by little. */
static uint64_t pages_left(void)
{
    uint64_t most = free_pages_now() + own_pages_now(), end = now() + SETTLED;

    while (now() < end) {
        uint64_t pages = free_pages_now() + own_pages_now();

        if (pages > most) {
            most = pages;
            end = now() + SETTLED;
        }
        HC(sched_op, SCHEDOP_yield, 0);
    }
    return most;
}

static void accounts(void)
{
    unsigned long calls = 0, accepted = 0, traps = 0;
    unsigned maps, stuck;
    uint64_t after;

    vcpu_restore(&fuzzers[0]);
    maps = objects_restore(&fuzzers[0]);
    control_restore(&fuzzers[0]);
    stuck = tables_restore(&fuzzers[0]);
    after = pages_left();
    for (unsigned i = 0; i < vcpus; i++) {
        calls += fuzzers[i].calls;
        accepted += fuzzers[i].accepted;
        traps += fuzzers[i].traps;
    }
    note("%lu hypercalls, %lu accepted, %lu traps, %u maps left", calls, accepted, traps, maps);
    check_eq(violations, 0, "no table was written unchecked");
    check_eq(stuck, 0, "every page of the sandbox is an ordinary page again");
    note("pages free or ours: %lu before, %lu after", before, after);
    if (is_dom0())
        check(after + PAGES_KEPT + maps >= before, "no pages are missing");
    check_eq(HC(xen_version, XENVER_version, 0), 4 << 16 | 17, "the hypervisor answers");
}

static void finish(void) __attribute__((noreturn));

/* vCPU 0's part; entered once more after each trap that no action expected. */
static void run(void)
{
    struct fuzzer *f = &fuzzers[0];

    running = true;
    while (f->calls < run_calls && now() < run_end) {
        const struct action *a = &actions[choose(f)];

        if (trace)
            print("# %s\n", a->name);
        current_action = a->name;
        a->run(f);
        keep_scratch(f);
        strays = 0;
        if (now() > next_report) {
            next_report = now() + 5 * SECOND;
            print("# %lu calls\n", f->calls + fuzzers[1].calls);
        }
    }
    running = false;
    finish();
}

static void finish(void)
{
    stop_workers();
    accounts();
    report_end();
}

TEST_MAIN("hypercalls")
{
    unsigned long seed = option("seed", 1), seconds = option("seconds", 0);

    run_calls = option("calls", seconds ? ~0UL : 100000);
    vcpus = option("vcpus", vcpu_total());
    trace = option("trace", 0);
    only = option_text("only");
    if (vcpus > MAX_FUZZERS)
        vcpus = MAX_FUZZERS;
    note("seed %lu, %lu calls, %lu seconds, %u vCPUs", seed, run_calls, seconds, vcpus);
    tables_init();
    entries_init();
    objects_init();
    control_init();
    for (unsigned i = 0; i < ARRAY_SIZE(trap_hook); i++)
        if (i != CB_EVENT)
            trap_hook[i] = stray_trap;
    before = pages_left();
    start(seed);
    next_report = now() + 5 * SECOND;
    run_end = seconds ? now() + seconds * SECOND : ~0UL;
    run();
}
