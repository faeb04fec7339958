/* SPDX-License-Identifier: MIT */
/*
 * A machine for host tests: CPUs that the test steps by hand, a clock that it sets, locks that insist on
 * their order, and guest memory that is plain memory. What is declared in the hypervisor's own headers keeps
 * its meaning.
 */
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include "domain/domain.h"

extern stime_t fake_now;
extern stime_t fake_deadline[FAKE_CPUS];    /* what apic_timer_set() was last told there */
extern unsigned int fake_kicks[FAKE_CPUS];  /* smp_kick() calls */
extern unsigned long fake_bad_address;      /* guest copies that touch this page fail */
extern unsigned int fake_locks_held;
extern bool fake_preempt;                   /* hypercall_preempt_check() */
extern unsigned int fake_restarts;          /* hypercall_restart() calls */

void fake_machine(unsigned int cpus);       /* resets everything */
void fake_run_softirqs(unsigned int cpu);   /* as a CPU on its way back to a guest */
/*
 * Steps to the earliest deadline not after `until`, and lets the timers that expire run; false: none, the
 * time is until.
 */
bool fake_step(stime_t until);
/* A domain with n vCPUs and a shared_info, none of it known to domain/. */
struct domain *fake_domain(domid_t id, unsigned int vcpus);
void fake_free_domain(struct domain *d);

#endif
