/* SPDX-License-Identifier: MIT */
/*
 * Time. The time-stamp counter is measured once against a clock of known frequency (the ACPI PM timer, or
 * else the PIT's second channel), and from then on gives system time. The local APIC's timer, in deadline
 * mode or counting down, gives the one interrupt that all software timers come from.
 */
#include "cpu/time.h"

#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/irq.h"
#include "cpu/machine.h"
#include "cpu/msr.h"
#include "cpu/rtc.h"
#include "cpu/softirq.h"
#include "lib/math.h"

#define NS_PER_SEC      1000000000UL
#define PIT_HZ          1193182
#define PM_TIMER_HZ     3579545
#define TIMER_DIVIDE_1  0xb
#define CALIBRATION_MS  30      /* less than the PIT's 16 bits last */

u32 tsc_khz;

/* nanoseconds = (ticks << shift, or >> -shift) * mul >> 32, as in struct vcpu_time_info. */
static struct {
    u64 tsc_base;
    u32 mul;
    s8 shift;
} scale;

static u64 apic_timer_hz;           /* counting-down mode */
static u64 boot_wallclock;          /* nanoseconds since 1970 at system time 0 */
static struct spinlock wallclock_lock = SPINLOCK_INIT(LOCK_LEAF);

/* System time of a counter value that this CPU read lately. */
static stime_t tsc_to_stime(u64 tsc)
{
    /* A counter a little behind the boot CPU's must not look like the far future. */
    u64 ticks = tsc < scale.tsc_base ? 0 : tsc - scale.tsc_base;

    ticks = scale.shift < 0 ? ticks >> -scale.shift : ticks << scale.shift;
    return (u64)((unsigned __int128)ticks * scale.mul >> 32);
}

stime_t now(void) { return scale.mul ? tsc_to_stime(rdtsc_ordered()) : 0; }

void time_fill(struct vcpu_time_info *t)
{
    u64 tsc = rdtsc_ordered();

    t->tsc_timestamp = tsc;
    t->system_time = tsc_to_stime(tsc);
    t->tsc_to_system_mul = scale.mul;
    t->tsc_shift = scale.shift;
    t->flags = 0;
}

/* --- calibration --- */

struct reference {
    const char *name;
    u32 hz, mask;
    u32 (*read)(void);      /* counts up */
};

/* Channel 2, free-running, its output not connected to the speaker. */
static void pit_start(void)
{
    outb(0x61, (inb(0x61) & ~2) | 1);
    outb(0x43, 0xb4);
    outb(0x42, 0);
    outb(0x42, 0);
}

static u32 pit_read(void)
{
    outb(0x43, 0x80);
    u32 low = inb(0x42);
    return -(low | (u32)inb(0x42) << 8);
}

static u32 pm_timer_read(void) { return inl(machine.pm_timer_port); }

struct sample {
    u64 tsc;
    u32 reference, apic;
};

/* The clocks at one moment: of some tries the one that took least. */
static struct sample take_sample(const struct reference *r)
{
    struct sample best = { 0 };
    u64 best_width = UINT64_MAX;

    for (unsigned int i = 0; i < 5; i++) {
        u64 before = rdtsc_ordered();
        u32 reference = r->read(), apic = apic_read(APIC_TIMER_CURRENT);
        u64 after = rdtsc_ordered();

        if (after - before < best_width) {
            best_width = after - before;
            best = (struct sample){ before + (after - before) / 2, reference & r->mask, apic };
        }
    }
    return best;
}

/*
 * A clock that does not move would hold us for ever: so many reads of a port last well over CALIBRATION_MS.
 */
#define CALIBRATION_READS 10000000

static bool calibrate(const struct reference *r)
{
    const u32 wanted = (u64)r->hz * CALIBRATION_MS / 1000;
    u32 ticks = 0;

    apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_1);
    apic_write(APIC_LVT_TIMER, APIC_LVT_MASKED | VECTOR_APIC_TIMER);
    apic_write(APIC_TIMER_INITIAL, UINT32_MAX);
    const struct sample start = take_sample(r);
    for (unsigned int i = 0; ticks < wanted; i++) {
        if (i > CALIBRATION_READS)
            return false;
        ticks = (r->read() - start.reference) & r->mask;
    }
    const struct sample end = take_sample(r);
    apic_write(APIC_TIMER_INITIAL, 0);
    ticks = (end.reference - start.reference) & r->mask;
    if (ticks < wanted)
        return false;
    tsc_khz = mul_div(end.tsc - start.tsc, r->hz, ticks) / 1000;
    apic_timer_hz = (u64)(start.apic - end.apic) * r->hz / ticks;
    return tsc_khz != 0;
}

/* mul in [2^31, 2^32) with the shift that goes with it. */
static void set_scale(void)
{
    u64 hz = (u64)tsc_khz * 1000;

    for (; hz > 2 * NS_PER_SEC; hz >>= 1)
        scale.shift--;
    for (; hz <= NS_PER_SEC; hz <<= 1)
        scale.shift++;
    scale.mul = (u32)((NS_PER_SEC << 32) / hz);
}

void time_init(void)
{
    const struct reference pit = { "PIT", PIT_HZ, 0xffff, pit_read };
    const struct reference pm_timer = { "ACPI PM timer", PM_TIMER_HZ,
                                        machine.pm_timer_32bit ? UINT32_MAX : 0xffffff, pm_timer_read };
    const struct reference *r = &pm_timer;

    pit_start();
    if (!machine.pm_timer_port || !calibrate(r)) {
        r = &pit;
        if (!calibrate(r))
            panic("the time-stamp counter cannot be measured: neither ACPI PM timer nor PIT runs");
    }
    scale.tsc_base = rdtsc_ordered();
    set_scale();
    boot_wallclock = rtc_read() * NS_PER_SEC - now();
    log_info("Time: TSC %u.%03u MHz (by %s), timer %s\n", tsc_khz / 1000, tsc_khz % 1000, r->name,
             cpu.tsc_deadline ? "TSC deadline" : "local APIC counter");
}

void time_init_cpu(void)
{
    if (cpu.tsc_deadline) {
        apic_write(APIC_LVT_TIMER, APIC_LVT_DEADLINE | VECTOR_APIC_TIMER);
        __asm__ __volatile__("mfence" ::: "memory");    /* the mode must be set before the MSR is written */
        wrmsr(MSR_TSC_DEADLINE, 0);
    } else {
        apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_1);
        apic_write(APIC_LVT_TIMER, VECTOR_APIC_TIMER);
    }
}

void apic_timer_set(stime_t deadline)
{
    const bool never = deadline == STIME_NEVER;
    const stime_t left = never ? 1 : deadline - now();

    if (left <= 0)
        softirq_raise(SOFTIRQ_TIMER);
    else if (cpu.tsc_deadline)
        wrmsr(MSR_TSC_DEADLINE, never ? 0 : scale.tsc_base + mul_div(deadline, tsc_khz, 1000000) + 1);
    else    /* What is beyond the counter's reach comes in steps: the softirq finds nothing due. */
        apic_write(APIC_TIMER_INITIAL,
                   never ? 0 : min(mul_div(left, apic_timer_hz, NS_PER_SEC), UINT32_MAX - 1UL) + 1);
}

void udelay(unsigned int us)
{
    u64 start = rdtsc(), ticks = (u64)us * (tsc_khz ?: 4000000) / 1000;

    while (rdtsc() - start < ticks)
        cpu_relax();
}

/* --- wall clock --- */

void wallclock_at_boot(u64 *sec, u32 *nsec)
{
    spin_guard(&wallclock_lock);
    *sec = boot_wallclock / NS_PER_SEC;
    *nsec = boot_wallclock % NS_PER_SEC;
}

void wallclock_set(u64 secs, u32 nsecs, stime_t system_time)
{
    spin_guard(&wallclock_lock);
    boot_wallclock = secs * NS_PER_SEC + nsecs - system_time;
}
