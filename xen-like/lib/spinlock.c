/* SPDX-License-Identifier: MIT */
/*
 * Ticket locks. A debug build also keeps, for each CPU, the ranks of the locks that it holds, asserts the
 * lock order and that locks of IRQ rank are held with interrupts off, and reports a lock that is never
 * released.
 */
#include "lib/spinlock.h"

#include "cpu/irq.h"
#include "cpu/percpu.h"
#include "cpu/time.h"

#ifdef DEBUG

#define HELD_MAX        16
#define STUCK_SECONDS   20

struct held_locks {
    unsigned int count;
    unsigned int in_irq;        /* interrupt handlers under way */
    struct spinlock *lock[HELD_MAX];
};
static DEFINE_PER_CPU(struct held_locks, held_locks);

/* Set where the rules no longer hold, because the machine is about to stop. */
static bool checks_off;

void spin_checks_off(void) { checks_off = true; }

static void check_order(const struct spinlock *l, bool same_rank_allowed)
{
    const struct held_locks *h = &this_cpu(held_locks);

    if (checks_off)
        return;
    ASSERT(l->rank >= LOCK_IRQ_LEAF ? !irqs_enabled() : !h->in_irq);
    ASSERT(l->rank >= LOCK_SCHED || irqs_enabled() || !cpu_count);
    for (unsigned int i = 0; i < h->count; i++) {
        const struct spinlock *held = h->lock[i];

        if (held->rank > l->rank || (held->rank == l->rank && (!same_rank_allowed || held == l)))
            panic("lock order: lock %p of rank %u wanted while %p of rank %u is held", (const void *)l, l->rank,
                  (const void *)held, held->rank);
    }
}

static void note_taken(struct spinlock *l)
{
    struct held_locks *h = &this_cpu(held_locks);

    l->holder = this_cpu_nr() + 1;
    if (checks_off)
        return;
    ASSERT(h->count < HELD_MAX);
    h->lock[h->count++] = l;
}

static void note_released(struct spinlock *l)
{
    struct held_locks *h = &this_cpu(held_locks);

    ASSERT(checks_off || l->holder == this_cpu_nr() + 1);
    l->holder = 0;
    for (unsigned int i = h->count; i-- > 0;)
        if (h->lock[i] == l) {
            h->lock[i] = h->lock[--h->count];
            return;
        }
}

static void change_in_irq(int by)
{
    ASSERT(!irqs_enabled());
    this_cpu(held_locks).in_irq += by;
}

void spin_irq_enter(void) { change_in_irq(1); }
void spin_irq_leave(void) { change_in_irq(-1); }

void spin_check_none_held(void)
{
    const struct held_locks *h = &this_cpu(held_locks);

    if (!checks_off && h->count)
        panic("lock %p of rank %u is held where none may be", (const void *)h->lock[0], h->lock[0]->rank);
}

void spin_check_may_wait(void)
{
    const struct held_locks *h = &this_cpu(held_locks);

    if (checks_off)
        return;
    ASSERT(irqs_enabled() && !h->in_irq);
    for (unsigned int i = 0; i < h->count; i++)
        ASSERT(h->lock[i]->rank < LOCK_SCHED);
}

void locks_dump(void)
{
    static const char *const names[] = {
        "domctl", "domain list", "domain", "grant mappings", "grants", "event", "page list", "VIRQ", "channel",
        "FIFO queues", "run queue", "timer", "mappings", "heap", "frame allocator", "leaf", "interrupt leaf", "console",
    };

    _Static_assert(ARRAY_SIZE(names) == LOCK_IRQ_CONSOLE + 1, "a name a rank");
    for_each_online_cpu(cpu) {
        const struct held_locks *h = &per_cpu(held_locks, cpu);
        unsigned int n = READ_ONCE(h->count);

        printk("CPU %u: %u locks held%s\n", cpu, n, h->in_irq ? ", in an interrupt handler" : "");
        for (unsigned int i = 0; i < min(n, (unsigned int)HELD_MAX); i++) {
            const struct spinlock *l = READ_ONCE(h->lock[i]);

            printk("    %s (%p), %u wait\n", names[l->rank], (const void *)l, (u16)(l->tail - l->head - 1));
        }
    }
}

/* One round of waiting; *start is when the first was, 0 in that one. */
static void check_stuck(const struct spinlock *l, u64 *start)
{
    u64 tsc = __builtin_ia32_rdtsc();

    *start = *start ?: tsc;
    if (!checks_off && tsc_khz && tsc - *start >= (u64)tsc_khz * 1000 * STUCK_SECONDS)
        panic("lock %p of rank %u is stuck: CPU %d has held it for %u seconds", (const void *)l, l->rank,
              (int)l->holder - 1, STUCK_SECONDS);
}

#else

void spin_checks_off(void) { }
void locks_dump(void) { printk("Only a debug build (make DEBUG=1) notes who holds which lock\n"); }
static inline void check_order(const struct spinlock *l, bool same) { }
static inline void note_taken(struct spinlock *l) { }
static inline void note_released(struct spinlock *l) { }
static inline void check_stuck(const struct spinlock *l, u64 *start) { }

#endif

static void take(struct spinlock *l, bool same_rank_allowed)
{
    u64 start = 0;

    check_order(l, same_rank_allowed);
    u16 ticket = __atomic_fetch_add(&l->tail, 1, __ATOMIC_SEQ_CST);
    while (load_acquire(&l->head) != ticket) {
        __builtin_ia32_pause();
        check_stuck(l, &start);
    }
    note_taken(l);
}

void spin_lock(struct spinlock *l) { take(l, false); }
void spin_lock_nested(struct spinlock *l) { take(l, true); }

bool spin_trylock(struct spinlock *l)
{
    u16 head = load_acquire(&l->head), tail = head;

    if (!atomic_cmpxchg(&l->tail, &tail, (u16)(head + 1)))
        return false;
    note_taken(l);
    return true;
}

void spin_unlock(struct spinlock *l)
{
    note_released(l);
    store_release(&l->head, (u16)(l->head + 1));
}

unsigned long spin_lock_irqsave(struct spinlock *l)
{
    unsigned long flags = irq_save();

    take(l, false);
    return flags;
}

void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags)
{
    spin_unlock(l);
    if (flags & 0x200)
        irq_enable();
}

bool spin_is_locked(const struct spinlock *l)
{
#ifdef DEBUG
    return l->holder == this_cpu_nr() + 1;
#else
    return READ_ONCE(l->head) != READ_ONCE(l->tail);
#endif
}

void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
    spin_lock(min(a, b));
    if (a != b)
        spin_lock_nested(max(a, b));
}

void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
    spin_unlock(max(a, b));
    if (a != b)
        spin_unlock(min(a, b));
}
