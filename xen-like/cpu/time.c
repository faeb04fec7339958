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
#include "cpu/softirq.h"
#include "lib/math.h"

#define NS_PER_SEC      1000000000UL
#define PIT_HZ          1193182
#define PM_TIMER_HZ     3579545
#define CALIBRATION_MS  30      /* less than the PIT's 16 bits last */

u32 tsc_khz;

/* nanoseconds = (ticks << shift, or >> -shift) * mul >> 32, as in struct vcpu_time_info. */
static struct { u64 tsc_base; u32 mul; s8 shift; } scale;

static u64 apic_timer_hz;           /* counting-down mode */
static u64 boot_wallclock;          /* nanoseconds since 1970 at system time 0 */
static struct spinlock wallclock_lock = SPINLOCK_INIT(LOCK_LEAF);

/* System time of a counter value that this CPU read lately. */
static stime_t tsc_to_stime(u64 tsc)
{
    /* A counter a little behind the boot CPU's must not look like the far future. */
    if (unlikely(tsc < scale.tsc_base))
        return 0;
    tsc -= scale.tsc_base;
    tsc = scale.shift < 0 ? tsc >> -scale.shift : tsc << scale.shift;
    return (u64)((unsigned __int128)tsc * scale.mul >> 32);
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

struct sample { u64 tsc; u32 reference, apic; };

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
            best = (struct sample){ before + (after - before) / 2, reference, apic };
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

/* --- the CMOS clock (MC146818): binary or BCD, 12 or 24 hours, the century where the FADT names it --- */

enum { SECOND, MINUTE, HOUR, DAY, MONTH, YEAR, CENTURY, NR_FIELDS };

#define REG_A           0x0a
#define REG_B           0x0b
#define A_UPDATING      0x80
#define B_24_HOURS      0x02
#define B_BINARY        0x04
#define HOUR_PM         0x80

static u8 cmos_read(u8 reg)
{
    outb(0x70, reg);
    return inb(0x71);
}

static void read_fields(u8 f[NR_FIELDS])
{
    static const u8 regs[] = { 0x00, 0x02, 0x04, 0x07, 0x08, 0x09 };

    for (unsigned int i = 0; i < 10000000 && (cmos_read(REG_A) & A_UPDATING); i++)
        cpu_relax();
    for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++)
        f[i] = cmos_read(regs[i]);
    f[CENTURY] = machine.rtc_century ? cmos_read(machine.rtc_century) : 0;
}

/*
 * Days since 1970-01-01 of a date of the Gregorian calendar, counting years from March so that leap days come
 * last.
 */
static u64 days_since_1970(unsigned int year, unsigned int month, unsigned int day)
{
    unsigned int y = month > 2 ? year : year - 1;
    unsigned int m = month > 2 ? month - 3 : month + 9;

    return 365UL * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

/* Seconds since 1970 (UTC), as the clock tells it; 0 where there is none. Takes up to a second. */
static u64 rtc_read(void)
{
    u8 f[NR_FIELDS], again[NR_FIELDS];

    if (machine.no_cmos_rtc)
        return 0;
    /* Twice the same: no update came in between. */
    read_fields(again);
    for (unsigned int i = 0; i < 5; i++) {
        memcpy(f, again, sizeof(f));
        read_fields(again);
        if (!memcmp(f, again, sizeof(f)))
            break;
    }
    const u8 mode = cmos_read(REG_B), pm = mode & B_24_HOURS ? 0 : f[HOUR] & HOUR_PM;

    f[HOUR] ^= pm;
    if (!(mode & B_BINARY))
        for (unsigned int i = 0; i < NR_FIELDS; i++)
            f[i] = (f[i] >> 4) * 10 + (f[i] & 0xf);
    if (!(mode & B_24_HOURS))
        f[HOUR] = f[HOUR] % 12 + (pm ? 12 : 0);
    if (f[CENTURY] < 19 || f[CENTURY] > 29)
        f[CENTURY] = f[YEAR] < 70 ? 20 : 19;
    const unsigned int year = f[CENTURY] * 100 + f[YEAR];

    if (f[MONTH] < 1 || f[MONTH] > 12 || f[DAY] < 1 || f[DAY] > 31 || year < 1970) {
        log_warn("The CMOS clock holds no date; the wall clock starts at 1970\n");
        return 0;
    }
    return days_since_1970(year, f[MONTH], f[DAY]) * 86400 + f[HOUR] * 3600 + f[MINUTE] * 60 + f[SECOND];
}

/* --- the timer --- */

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
    /* mul in [2^31, 2^32) with the shift that goes with it. */
    u64 hz = (u64)tsc_khz * 1000;

    for (; hz > 2 * NS_PER_SEC; hz >>= 1)
        scale.shift--;
    for (; hz <= NS_PER_SEC; hz <<= 1)
        scale.shift++;
    scale.mul = (u32)((NS_PER_SEC << 32) / hz);
    boot_wallclock = rtc_read() * NS_PER_SEC - now();
    log_info("Time: TSC %u.%03u MHz (by %s), timer %s\n", tsc_khz / 1000, tsc_khz % 1000, r->name,
             cpu.tsc_deadline ? "TSC deadline" : "local APIC counter");
}

void time_init_cpu(void)
{
    apic_write(APIC_LVT_TIMER, (cpu.tsc_deadline ? APIC_LVT_DEADLINE : 0) | VECTOR_APIC_TIMER);
    __asm__ __volatile__("mfence" ::: "memory");    /* the mode must be set before the MSR is written */
    apic_timer_set(STIME_NEVER);
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
