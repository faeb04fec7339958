/* SPDX-License-Identifier: MIT */
/*
 * Output. Every message goes to the ring, the serial port and the screen, under one lock that may be taken in any
 * context. A message's text is made in a buffer that the lock protects, because the stacks for NMI and #DF are small.
 */

#include <xen/sysctl.h>

#include "console/internal.h"
#include "cpu/time.h"
#include "lib/option.h"
#include "mm/alloc.h"
#include "mm/guest.h"
#include "pv/hypercall.h"

#define RING_SIZE_MIN   16384
#define RING_SIZE_MAX   (16u << 20)
#define PREFIX          "(tenon) "

static char first_ring[RING_SIZE_MIN];
static char *ring = first_ring;
static u32 ring_size = RING_SIZE_MIN;       /* a power of two */
static u32 ring_end, ring_cleared;          /* sequence numbers: behind the last character; first not yet cleared */

static struct spinlock lock = SPINLOCK_INIT(LOCK_IRQ_CONSOLE);
static bool forced;                         /* a panic: no lock */
static bool to_serial, to_screen;
static bool line_start = true;
static bool foreign_line;                   /* Domain-0 is in the middle of a line on the devices */
static char text_buffer[1024];

static u64 opt_conring_size;
OPTION_SIZE("conring_size", opt_conring_size);
static char opt_console[32] = "com1,vga";
OPTION_TEXT("console", opt_console);

static bool parse_com1(const struct option *o, const char *value) { return serial_configure(value); }
OPTION_CUSTOM("com1", parse_com1, to_serial);

/* --- levels --- */

/* Levels below always are shown; those from there and below limited are shown at a limited rate. */
static struct thresholds {
    unsigned int always, limited;
} host_levels = { LOG_INFO + 1, LOG_INFO + 1 }, guest_levels = { 0, LOG_WARN + 1 };

/* The number of levels that a name lets through, or -1. */
static int level_by_name(const char *text, size_t n)
{
    static const char *const names[] = {
        "none", [LOG_ERR + 1] = "error", [LOG_WARN + 1] = "warning", [LOG_INFO + 1] = "info",
        [LOG_DEBUG + 1] = "debug", [LOG_DEBUG + 2] = "all",
    };

    for (int i = 0; i < (int)ARRAY_SIZE(names); i++)
        if (strlen(names[i]) == n && !strncmp(text, names[i], n))
            return min(i, LOG_DEBUG + 1);
    return -1;
}

/* LEVEL, or ALWAYS/LIMITED. */
static bool parse_levels(const struct option *o, const char *value)
{
    const char *slash = strchr(value, '/');
    int always = level_by_name(value, slash ? (size_t)(slash - value) : strlen(value));
    int limited = slash ? level_by_name(slash + 1, strlen(slash + 1)) : always;

    if (always < 0 || limited < 0)
        return false;
    *(struct thresholds *)o->target = (struct thresholds){ always, max(always, limited) };
    return true;
}
OPTION_CUSTOM("loglvl", parse_levels, host_levels);
OPTION_CUSTOM("guest_loglvl", parse_levels, guest_levels);

/* --- the ring and the devices --- */

static unsigned long console_lock(void) { return forced ? 0 : spin_lock_irqsave(&lock); }

static void console_unlock(const unsigned long *flags)
{
    if (!forced)
        spin_unlock_irqrestore(&lock, *flags);
}

/* Holds the lock, except in a panic, until the block is left. */
#define console_guard() const unsigned long flags __cleanup(console_unlock) = console_lock()

static void put(char c, bool to_ring)
{
    if (to_ring)
        ring[ring_end++ & (ring_size - 1)] = c;
    if (to_serial) {
        if (c == '\n')
            serial_put('\r');
        serial_put(c);
    }
    if (to_screen)
        screen_put(c);
}

/* Lock held. */
static void put_line_text(const char *text)
{
    for (; *text; text++) {
        if (line_start) {
            if (foreign_line)
                put('\n', false);
            foreign_line = false;
            for (const char *p = PREFIX; *p; p++)
                put(*p, true);
        }
        line_start = *text == '\n';
        put(*text, true);
    }
}

/* whole_line: what follows shall not stand on the same line, whether fmt ends it or not. */
static void __printf(2, 0) print(const char *prefix, const char *fmt, va_list ap, bool whole_line)
{
    console_guard();
    vsnprintf(text_buffer, sizeof(text_buffer), fmt, ap);
    put_line_text(prefix);
    put_line_text(text_buffer);
    if (whole_line && !line_start)
        put_line_text("\n");
}

void console_write_raw(const char *text, size_t size, bool to_ring)
{
    console_guard();
    if (size)
        foreign_line = text[size - 1] != '\n';
    while (size--)
        put(*text++, to_ring);
}

void console_pump(void)
{
    console_guard();
    serial_pump();
}

void console_force(void)
{
    forced = true;
    if (!line_start)
        put('\n', true);
    line_start = true;
    serial_force_polled();
}

void console_flush(void)
{
    console_guard();
    serial_flush();
}

/* --- messages --- */

void printk(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    print("", fmt, ap, false);
    va_end(ap);
}

void log_at(enum log_level level, const char *fmt, ...)
{
    va_list ap;

    if (level >= host_levels.limited)
        return;
    va_start(ap, fmt);
    print("", fmt, ap, true);
    va_end(ap);
}

/* At most BURST messages in PERIOD, over all guests; what was left out is counted and told with the next. */
#define BURST   10
#define PERIOD  SECONDS(5)

static bool rate_allows(unsigned int *left_out)
{
    static struct spinlock rate_lock = SPINLOCK_INIT(LOCK_IRQ_LEAF);
    static stime_t period_start;
    static unsigned int in_period, dropped;

    irq_guard(&rate_lock);
    if (now() - period_start >= PERIOD) {
        period_start = now();
        in_period = 0;
    }
    *left_out = dropped;
    dropped = in_period++ < BURST ? 0 : dropped + 1;
    return !dropped;
}

/* True where a message of that level about a guest is to be shown; tells how many were not. */
static bool guest_message_allowed(enum log_level level)
{
    unsigned int left_out;

    if (level < guest_levels.always)
        return true;
    if (level >= guest_levels.limited || !rate_allows(&left_out))
        return false;
    if (left_out)
        printk("%u messages about guests left out\n", left_out);
    return true;
}

void guest_log(unsigned domid, enum log_level level, const char *fmt, ...)
{
    char prefix[16];
    va_list ap;

    if (!guest_message_allowed(level))
        return;
    snprintf(prefix, sizeof(prefix), "d%u: ", domid);
    va_start(ap, fmt);
    print(prefix, fmt, ap, true);
    va_end(ap);
}

void guest_console_line(unsigned int domid, const char *text)
{
    if (guest_message_allowed(LOG_DEBUG))
        printk("(d%u) %s\n", domid, text);
}

/* --- reading the ring --- */

/* Copies up to n characters from *at on, or from the first there is; moves *at behind them. How many. */
static u32 ring_copy(u32 *at, char *to, u32 n)
{
    console_guard();
    if (ring_end - *at > ring_size)     /* overwritten, or an index that never was */
        *at = ring_end - min(ring_end, ring_size);
    n = min(ring_end - *at, n);
    for (u32 i = 0; i < n; i++)
        to[i] = ring[(*at)++ & (ring_size - 1)];
    return n;
}

int console_ring_read(struct xen_sysctl_readconsole *op)
{
    u32 at = op->incremental ? op->index : READ_ONCE(ring_cleared), done = 0, n;
    char chunk[128];

    while ((n = ring_copy(&at, chunk, min(op->count - done, (u32)sizeof(chunk)))) > 0) {
        if (copy_to_guest(guest_addr(op->buffer) + done, chunk, n))
            return -EFAULT;
        done += n;
    }
    if (op->clear)
        WRITE_ONCE(ring_cleared, at);
    op->count = done;
    op->index = at;
    return 0;
}

/* Debug key: what the ring holds goes to the devices again, and not into the ring once more. */
void console_dump_ring(void)
{
    u32 end = READ_ONCE(ring_end), at = end - min(end, ring_size), n;
    char chunk[128];

    while (at != end && (n = ring_copy(&at, chunk, min(end - at, (u32)sizeof(chunk)))) > 0)
        console_write_raw(chunk, n, false);
}

/* --- start --- */

static bool wanted(const char *device) { return strstr(opt_console, device) != NULL; }

void console_init_early(bool text_screen)
{
    to_serial = wanted("com1") && serial_init();
    to_screen = wanted("vga") && text_screen;
    if (to_screen)
        screen_init();
    console_dump_ring();
}

static bool screen_suspended;
static u32 suspended_at;

void console_suspend_screen(void)
{
    screen_suspended = to_screen;
    suspended_at = ring_end;
    to_screen = false;
}

void console_resume_screen(void)
{
    if (!screen_suspended || !screen_remap())
        return;
    console_guard();
    for (u32 i = suspended_at; i != ring_end; i++)
        screen_put(ring[i & (ring_size - 1)]);
    to_screen = true;
}

static void grow_ring(void)
{
    u32 size = RING_SIZE_MIN;

    while (size < min(opt_conring_size, (u64)RING_SIZE_MAX))
        size *= 2;
    if (size == RING_SIZE_MIN)
        return;
    char *bigger = xzalloc_bytes(size);
    if (!bigger) {
        log_warn("conring_size: no memory for %u KiB; the console ring keeps 16 KiB\n", size >> 10);
        return;
    }
    console_guard();
    for (u32 i = ring_end - min(ring_end, (u32)RING_SIZE_MIN); i != ring_end; i++)
        bigger[i & (size - 1)] = ring[i & (ring_size - 1)];
    ring = bigger;
    ring_size = size;
}

void console_init_late(void)
{
    grow_ring();
    input_init();
    if (to_serial)
        serial_init_irq();
}
