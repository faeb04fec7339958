/* SPDX-License-Identifier: MIT */
/*
 * Debug keys that break the hypervisor on purpose, so that what watches over it can be tested (debug.t). Linked
 * into debug builds alone.
 */
#include "console/console.h"
#include "cpu/asm.h"
#include "cpu/irq.h"
#include "cpu/smp.h"
#include "lib/log.h"
#include "lib/spinlock.h"
#include "mm/alloc.h"
#include "sched/sched.h"
#include "trace/trace.h"

static void hang(void *arg)
{
    irq_disable();
    for (;;)
        cpu_relax();
}

static void hang_last_cpu(void)
{
    struct cpumask last = { { 0 } };

    set_bit(cpu_count - 1, last.bits);
    watchdog_resume();      /* console_key() has paused it */
    smp_call(&last, hang, NULL, false);
    watchdog_pause();
}

static volatile unsigned int recursions;

static void __attribute__((noinline)) recurse(volatile char *below)
{
    volatile char room[256];

    room[0] = *below;
    if (recursions++ < UINT32_MAX)
        recurse(room);
    room[1] = 0;
}

static void overflow_stack(void)
{
    volatile char start = 0;

    recurse(&start);
}

static void break_lock_order(void)
{
    static struct spinlock high = SPINLOCK_INIT(LOCK_EVENT), low = SPINLOCK_INIT(LOCK_DOMAIN);

    spin_lock(&high);
    spin_lock(&low);
}

static void write_after_free(void)
{
    volatile char *p = xzalloc_bytes(100);

    if (!p)
        return;
    xfree((void *)p);
    p[50] = 1;
    xfree(xzalloc_bytes(100));
}

void fault_keys_init(void)
{
    console_register_key('K', hang_last_cpu, "hang the last CPU with interrupts off");
    console_register_key('O', overflow_stack, "overflow the stack");
    console_register_key('L', break_lock_order, "break the lock order");
    console_register_key('W', write_after_free, "write to freed memory");
}
