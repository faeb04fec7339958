/* SPDX-License-Identifier: MIT */
/*
 * What the scheduling core does for a guest that asks, from the hypervisor's own files: the plain operations of
 * sched_op with bad addresses, shutdown reasons, the copy of the run states in guest memory, what control tools
 * read, pauses that wait.
 */
#include <stdlib.h>
#include <string.h>

#include "fake/sched.h"
#include <xen/sched.h>
#include <xen/vcpu.h>

#include "pv/hypercall.h"
#include "sched/scheduler.h"
#include "tap.h"

#define EFAULT 14

static void test_plain(void)
{
    struct sched_shutdown s = { .reason = SHUTDOWN_crash };

    setup(1, 2, NULL);
    up(vs[0]);
    up(vs[1]);
    fake_run_softirqs(0);
    ok(vs[0]->sched.running && do_sched_op(SCHEDOP_yield, 0) == 0, "yield");
    fake_run_softirqs(0);
    ok(vs[1]->sched.running, "lets the other run");
    ok(do_sched_op(SCHEDOP_block, 0) == 0, "block");
    fake_run_softirqs(0);
    ok(vs[0]->sched.running && (vs[1]->sched.blocked & VCPU_BLOCKED), "gives the CPU back until an event comes");
    vs[0]->info->evtchn_upcall_pending = 1;
    ok(do_sched_op(SCHEDOP_block, 0) == 0 && !vs[0]->sched.blocked && !vs[0]->info->evtchn_upcall_mask,
       "with an event pending it does not wait, but takes events");

    shutdowns = 0;
    ok(do_sched_op(SCHEDOP_shutdown_code, (unsigned long)&s) == 0 && doms[0]->shutdown_code == SHUTDOWN_crash &&
       !shutdowns, "shutdown_code is noted alone");
    s.reason = SHUTDOWN_reboot;
    ok(do_sched_op(SCHEDOP_shutdown_code, (unsigned long)&s) == 0 && doms[0]->shutdown_code == SHUTDOWN_crash,
       "the first counts");
    ok(do_sched_op(SCHEDOP_shutdown, (unsigned long)&s) == 0 && shutdowns == 1 && shutdown_reason == SHUTDOWN_reboot,
       "shutdown");
    fake_bad_address = (unsigned long)&s;
    for (int op = SCHEDOP_shutdown; op <= SCHEDOP_pin_override; op++)
        ok(do_sched_op(op, (unsigned long)&s) == -EFAULT || (op == SCHEDOP_pin_override && !doms[0]->hardware),
           "operation %d with a bad address", op);
    fake_bad_address = ~0UL;
    ok(shutdowns == 1, "changes nothing");
    teardown(2);
}

/* A guest's copy: in a page of its own, so that it can be bad. */
static void test_runstates(void)
{
    static struct vcpu_runstate_info copy[256] __attribute__((aligned(4096)));
    struct vcpu_runstate_info *area = &copy[64];

    setup(1, 2, NULL);
    vs[0]->sched.runstate_guest = (unsigned long)area;
    up(vs[0]);
    run_for(MILLISECS(5));
    vcpu_publish_runstate(vs[0]);
    ok(area->state == RUNSTATE_running && area->state_entry_time == vs[0]->sched.runstate.state_entry_time,
       "the copy says what is");
    doms[0]->pv.vm_assist = 1u << VMASST_TYPE_runstate_update_flag;
    vs[0]->pv.kernel_mode = false;
    memset(copy, 0xff, sizeof(copy));
    vcpu_publish_runstate(vs[0]);
    ok(area->state == RUNSTATE_running && !(area->state_entry_time & XEN_RUNSTATE_UPDATE) && !vs[0]->pv.kernel_mode,
       "with the update flag, which is off in the end; from user mode, too");
    memset(copy, 0xff, sizeof(copy));
    fake_bad_address = (unsigned long)area;
    vcpu_publish_runstate(vs[0]);
    doms[0]->pv.vm_assist = 0;
    vcpu_publish_runstate(vs[0]);
    fake_bad_address = ~0UL;
    ok(area->state == -1, "a bad address is the guest's own loss");
    vs[0]->pv.kernel_mode = true;
    teardown(2);
}

static void test_tools(void)
{
    struct vcpu_runstate_info r;
    u32 slice, rate;
    stime_t idle;

    setup(2, 2, NULL);
    idle = cpu_idle_time(0);
    run_for(MILLISECS(10));
    ok(cpu_idle_time(0) == idle + MILLISECS(10), "a CPU that idles says for how long");
    up(vs[0]);
    run_for(MILLISECS(10));
    r = vcpu_runstate(vs[0]);
    ok(r.state == RUNSTATE_running && vcpu_cpu_time(vs[0]) == MILLISECS(10), "a vCPU's time, while it runs");
    r = vcpu_runstate(vs[1]);
    ok(r.state == RUNSTATE_offline && r.time[RUNSTATE_offline] == (u64)MILLISECS(20), "and while it does not");
    sched_parameters(&slice, &rate);
    ok(slice && rate && sched_id(), "the scheduler's parameters");
    vcpu_pause(vs[1]);
    vcpu_pause(vs[1]);
    vcpu_unpause(vs[1]);
    ok(vs[1]->sched.pause_count == 1, "a pause of a vCPU that does not run returns at once");
    vcpu_unpause(vs[1]);
    domain_pause(doms[1]);
    ok(doms[1]->pause_count == 1, "and one of its domain");
    domain_unpause(doms[1]);
    fake_kicks[0] = fake_kicks[1] = 0;
    fake_cpu = vs[0]->sched.cpu ^ 1;
    vcpu_kick(vs[0]);
    ok(fake_kicks[vs[0]->sched.cpu] == 1, "a kick of one that runs elsewhere makes that CPU look");
    fake_cpu = 0;
    teardown(2);
}

int main(void)
{
    test_plain();
    test_runstates();
    test_tools();
    return done_testing();
}
