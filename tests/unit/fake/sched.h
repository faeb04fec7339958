/* SPDX-License-Identifier: MIT */
/* A machine with a scheduler and domains of one vCPU each, for tests of sched/. */
#ifndef FAKE_SCHED_H
#define FAKE_SCHED_H

#include "fake/machine.h"

#define VCPUS 24

extern struct domain *doms[VCPUS];          /* ids from 1 on */
extern struct vcpu *vs[VCPUS];              /* vCPU 0 of each */
extern unsigned int virqs;                  /* send_guest_vcpu_virq() calls */
extern unsigned int shutdowns, shutdown_reason; /* domain_shutdown() calls, and the last one's reason */

/* The first n of doms and vs, all down; `scheduler` as sched= has it, or NULL. */
void setup(unsigned int cpus, unsigned int n, const char *scheduler);
void teardown(unsigned int n);
void up(struct vcpu *v);
void run_for(stime_t t);
/* What v has run since it had run `before`, in parts of t. */
double share(struct vcpu *v, stime_t before, stime_t t);
/* v, which runs, blocks as SCHEDOP_block does. */
void block(struct vcpu *v);
/* What is wrong with the first n, or NULL. No CPU is in the middle of something. */
const char *invariant(unsigned int n);

#endif
