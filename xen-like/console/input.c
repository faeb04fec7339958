/* SPDX-License-Identifier: MIT */
/*
 * Input, and the hypercall. What is typed waits in a small ring for Domain-0, which VIRQ_CONSOLE tells of it; or, after
 * Ctrl-a three times in a row, each character is a key that the hypervisor itself answers.
 */
#include "console/internal.h"

#include "cpu/softirq.h"
#include "cpu/traps.h"
#include "domain/domain.h"
#include "lib/option.h"
#include "mm/guest.h"
#include "pv/hypercall.h"
#include "trace/trace.h"

#define INPUT_SIZE      1024    /* a power of two */
#define SWITCH_CHAR     0x01    /* Ctrl-a */
#define SWITCH_COUNT    3

static struct spinlock lock = SPINLOCK_INIT(LOCK_IRQ_LEAF);
static struct input {                   /* text[tail..head) waits */
    u32 head, tail;
    char text[INPUT_SIZE];
} for_domain0, for_hypervisor;
static bool to_hypervisor;
static unsigned int switch_seen;
static bool switched;                   /* to be announced by the softirq */

/* Domains other than Domain-0 may write lines, prefixed and limited in rate; else they get -EPERM. */
static bool guest_writes;
OPTION_BOOL("guest_console", guest_writes);

/* --- keys --- */

static struct key {
    void (*fn)(void);
    const char *help;
} keys[128];

void console_register_key(char key, void (*fn)(void), const char *help)
{
    keys[(u8)key & 127] = (struct key){ fn, help };
}

void console_key(char key)
{
    const struct key *k = &keys[(u8)key & 127];
    static bool busy;

    if (!k->fn) {
        printk("'%c': no such key; 'h' lists them\n", (u8)key < ' ' || (u8)key > '~' ? '?' : key);
        return;
    }
    if (atomic_xchg(&busy, true)) {
        printk("'%c': the key before is still being answered on another CPU\n", key);
        return;
    }
    printk("'%c' pressed: %s\n", key, k->help);
    watchdog_pause();       /* a report may take long on a slow serial line */
    k->fn();
    watchdog_resume();
    store_release(&busy, false);
}

static void key_help(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].fn)
            printk(" key '%c': %s\n", i, keys[i].help);
}

/* --- from the device --- */

/* For whom input is at present. Lock held. */
static void deliver(char c)
{
    struct input *in = to_hypervisor ? &for_hypervisor : &for_domain0;

    if (in->head - in->tail < INPUT_SIZE)
        in->text[in->head++ % INPUT_SIZE] = c;
}

/* Ctrl-a waits until it is clear that no switch comes of it. */
void console_input(char c)
{
    irq_guard(&lock);
    softirq_raise(SOFTIRQ_CONSOLE);
    if (c != SWITCH_CHAR) {
        for (; switch_seen; switch_seen--)
            deliver(SWITCH_CHAR);
        deliver(c);
    } else if (++switch_seen == SWITCH_COUNT) {
        switch_seen = 0;
        to_hypervisor = !to_hypervisor;
        switched = true;
    }
}

/* Up to size characters that wait; how many. */
static unsigned int take(struct input *in, char *to, unsigned int size)
{
    unsigned int n = 0;

    irq_guard(&lock);
    while (n < size && in->tail != in->head)
        to[n++] = in->text[in->tail++ % INPUT_SIZE];
    return n;
}

static void input_softirq(void)
{
    char c;

    nmi_report_unknown();
    if (atomic_xchg(&switched, false))
        printk("*** Console input goes to %s (Ctrl-a three times switches) ***\n",
               READ_ONCE(to_hypervisor) ? "the hypervisor; 'h' for help" : "Domain-0");
    while (take(&for_hypervisor, &c, 1))
        console_key(c);
    if (READ_ONCE(for_domain0.head) != READ_ONCE(for_domain0.tail))
        send_global_virq(VIRQ_CONSOLE);
}

void input_init(void)
{
    console_register_key('h', key_help, "list the keys");
    softirq_register(SOFTIRQ_CONSOLE, input_softirq);
}

/* --- the hypercall --- */

/* What other domains write comes out in whole lines, with control characters replaced. */
static void write_guest_text(struct domain *d, const char *text, unsigned int size)
{
    static struct spinlock lines_lock = SPINLOCK_INIT(LOCK_LEAF);
    char *line = d->console.line;

    spin_guard(&lines_lock);
    while (size--) {
        char c = *text++;

        if (c != '\n' && c != '\r' && c != '\0')
            line[d->console.used++] = (u8)c < ' ' && c != '\t' ? '.' : c;
        if (c == '\n' || d->console.used == sizeof(d->console.line) - 1) {
            line[d->console.used] = '\0';
            guest_console_line(d->id, line);
            d->console.used = 0;
        }
    }
}

static long console_write(unsigned int count, unsigned long from)
{
    struct domain *d = current->domain;
    char chunk[128];

    for (unsigned int done = 0, n; done < count; done += n) {
        n = min(count - done, (unsigned int)sizeof(chunk));
        if (done && hypercall_preempt_check())
            return HYPERCALL_RESTART(CONSOLEIO_write, count - done, from + done);
        if (copy_from_guest(chunk, from + done, n))
            return -EFAULT;
        if (d->hardware)
            console_write_raw(chunk, n, false);
        else
            write_guest_text(d, chunk, n);
    }
    return 0;
}

static long console_read(unsigned int count, unsigned long to)
{
    char chunk[64];
    unsigned int done = 0, n;

    if (count > INT32_MAX)
        return -E2BIG;
    while ((n = take(&for_domain0, chunk, min(count - done, (unsigned int)sizeof(chunk)))) > 0) {
        if (copy_to_guest(to + done, chunk, n))
            return -EFAULT;
        done += n;
    }
    return done;
}

/* To others than Domain-0 even a command that does not exist is forbidden. */
long do_console_io(unsigned int cmd, unsigned int count, unsigned long arg)
{
    const struct domain *d = current->domain;

    if (!d->hardware && !d->privileged && !(cmd == CONSOLEIO_write && guest_writes))
        return -EPERM;
    return cmd == CONSOLEIO_write ? console_write(count, arg) :
           cmd == CONSOLEIO_read ? console_read(count, arg) : -ENOSYS;
}
