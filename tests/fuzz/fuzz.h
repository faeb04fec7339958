/* SPDX-License-Identifier: MIT */
/*
 * What the files of the hypercall fuzzer share.  Each virtual CPU that fuzzes has a struct fuzzer of its own:
 * the state of its random numbers, and memory that the hypervisor may write without hurting the guest.  An
 * action is one step of the run; the table in hypercalls.c lists them all.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "guest.h"

#define SCRATCH_PAGES 4 /* a fuzzer's buffer; the page that follows it is not mapped */
#define LIST_PAGE 3 /* of these one for lists of calls, which no call may write to */
#define SANDBOX 96 /* pages that may become anything */
#define HOOK_SLOT 100 /* first of the L4 slots that show sandbox tables */
#define HOOK_SLOTS 4
#define HV_FIRST_SLOT 256 /* 16 L4 slots of the hypervisor */
#define COUNT_PREEMPTED 0x80000000u /* bit of a count that marks a continued call */
#define MAX_FUZZERS 4

struct fuzzer {
    uint64_t random;
    unsigned vcpu; /* 0 can take traps and resume; the others only make hypercalls */
    uint8_t *scratch;
    unsigned long calls, accepted, traps;
};

struct sandbox_page {
    uint8_t *va;
    unsigned long pfn;
    volatile unsigned long mfn; /* NO_MFN: given back to the hypervisor */
    volatile uint8_t level; /* what it was last accepted as: 1 to 4, 0 for no table */
};
#define NO_MFN (~0UL)
extern struct sandbox_page sandbox[SANDBOX];
extern unsigned long own_tables[4]; /* frames of the tables that map the fuzzer: L4, L3, L2, L1 */

extern unsigned trace; /* 1: name each action, 2: show each hypercall, too */
extern const char *volatile current_action;

/* ---- random.c ---- */
uint64_t rnd(struct fuzzer *f);
unsigned rnd_below(struct fuzzer *f, unsigned limit);
bool one_in(struct fuzzer *f, unsigned n);
/* An argument: small, a boundary, all ones, a pointer to scratch memory, into the hypervisor, or nowhere. */
unsigned long rnd_arg(struct fuzzer *f);
unsigned long rnd_pointer(struct fuzzer *f);
unsigned long rnd_bad_pointer(struct fuzzer *f);
/* A frame number: mostly of the sandbox, else a table of ours, the hypervisor's, or no frame at all. */
unsigned long rnd_mfn(struct fuzzer *f);
unsigned long rnd_harmless_mfn(struct fuzzer *f); /* the same without the tables that the fuzzer runs on */
domid_t rnd_domid(struct fuzzer *f);
uint8_t *rnd_fill(struct fuzzer *f, unsigned page); /* fills a page of scratch; returns it */
#define PICK(f, array) ((array)[rnd_below(f, ARRAY_SIZE(array))])

/* A hypercall, counted. */
long issue(struct fuzzer *f, unsigned nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d,
           unsigned long e);
#define ISSUE(f, name, ...) \
    HC_PICK(__VA_ARGS__, _, ISSUE_4, ISSUE_3, ISSUE_2, ISSUE_1)(f, __HYPERVISOR_##name, __VA_ARGS__)
#define ISSUE_1(f, nr, a) issue(f, nr, HC_ARG(a), 0, 0, 0, 0)
#define ISSUE_2(f, nr, a, b) issue(f, nr, HC_ARG(a), HC_ARG(b), 0, 0, 0)
#define ISSUE_3(f, nr, a, b, c) issue(f, nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), 0, 0)
#define ISSUE_4(f, nr, a, b, c, d) issue(f, nr, HC_ARG(a), HC_ARG(b), HC_ARG(c), HC_ARG(d), 0)

/* ---- tables.c ---- */
void tables_init(void);
void act_mmu_update(struct fuzzer *f);
void act_update_va(struct fuzzer *f);
void act_fill_table(struct fuzzer *f);
void act_make_table(struct fuzzer *f);
void act_mmuext(struct fuzzer *f);
void act_root(struct fuzzer *f);
void act_hook(struct fuzzer *f);
void act_touch(struct fuzzer *f);
void act_forge(struct fuzzer *f);
void sandbox_lost(struct fuzzer *f, struct sandbox_page *page); /* its frame is not ours any more */
unsigned long hook_address(struct fuzzer *f);
/* Undoes all that the sandbox may have become; returns how many pages could not be made ordinary again. */
unsigned tables_restore(struct fuzzer *f);
extern unsigned violations; /* writes that reached a page table unchecked */

/* ---- calls.c ---- */
void act_random_call(struct fuzzer *f);
void act_multicall(struct fuzzer *f);
void act_multicall_iret(struct fuzzer *f);
/* The number of one of the sub-operations that the interface names for a call. */
unsigned rnd_subop(struct fuzzer *f, unsigned call);
/* Puts back the entry points, tables and registers that a random call of this vCPU may have changed. */
void vcpu_restore(struct fuzzer *f);

/* ---- objects.c ---- */
void objects_init(void);
void act_grant_map(struct fuzzer *f);
void act_grant_unmap(struct fuzzer *f);
void act_grant_copy(struct fuzzer *f);
void act_grant_other(struct fuzzer *f);
void act_event(struct fuzzer *f);
void act_memory(struct fuzzer *f);
void act_timer(struct fuzzer *f);
void act_sched(struct fuzzer *f);
void act_vcpu(struct fuzzer *f);
/* Ends grants, and in Domain-0 events; returns how many maps could not be ended. */
unsigned objects_restore(struct fuzzer *f);

/* ---- entries.c ---- */
void entries_init(void);
unsigned long entry_stack_top(void); /* where user mode enters the kernel */
void act_iret(struct fuzzer *f);
void act_user(struct fuzzer *f);
void act_instruction(struct fuzzer *f);
void act_segments(struct fuzzer *f);
void act_descriptors(struct fuzzer *f);
void act_registers(struct fuzzer *f);

/* ---- control.c: for Domain-0 ---- */
void control_init(void);
void act_domctl(struct fuzzer *f);
void act_domain(struct fuzzer *f);
void control_restore(struct fuzzer *f);
uint64_t free_pages_now(void);
uint64_t own_pages_now(void);

/* ---- hypercalls.c ---- */
extern struct fuzzer fuzzers[MAX_FUZZERS];
unsigned long worker_stack_top(unsigned vcpu);
void worker_context(struct vcpu_guest_context *context, unsigned vcpu);

#endif
