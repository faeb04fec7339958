/* SPDX-License-Identifier: MIT */
/*
 * A small physical memory for host tests of mm/ and grant/: a frame table and a direct map that are plain mappings,
 * domains that are found by their numbers, and hypercalls that are carried through however often they are preempted.
 */
#ifndef FAKE_MEMORY_H
#define FAKE_MEMORY_H

#include "fake/machine.h"
#include "mm/internal.h"

#define FAKE_DOMAINS 4

extern struct domain *fake_domains[FAKE_DOMAINS];
/* hypercall_preempt_check() says yes once in so many times; 0: never. */
extern unsigned int fake_preempt_every;
extern unsigned int fake_crashes;

/* A machine with RAM in frames [1, frames), all free but for those that the test's own set-up takes. */
void fake_memory(unsigned int frames);
/* Domain id (below FAKE_DOMAINS) with two vCPUs; domain 0 is current and privileged, and stands for Domain-0. */
struct domain *fake_memory_domain(domid_t id, u32 max_pages);
/*
 * Takes it apart as domain_kill() does, and drops the test's reference. The structure is freed with the last one. The
 * current vCPU is an idle one then.
 */
void fake_domain_kill(struct domain *d);
/* Makes v, or d's first vCPU, the current one, as a context switch does. */
void fake_run_vcpu(struct vcpu *v);
void fake_run_as(struct domain *d);

/* The arguments for the next run of a preempted hypercall. */
extern unsigned long fake_args[6];
extern bool fake_restarted;
/* Runs a hypercall of four arguments to its end. */
long fake_hypercall4(long (*fn)(unsigned long, unsigned int, unsigned long, unsigned int), unsigned long a,
                     unsigned int b, unsigned long c, unsigned int d);
long fake_hypercall_memory(unsigned int cmd, void *arg);
long fake_hypercall_grant(unsigned int cmd, void *arg, unsigned int count);

/* A pseudo-random number below n, the same sequence for the same seed. */
void fake_seed(u64 seed);
unsigned int fake_random(unsigned int n);

#endif
