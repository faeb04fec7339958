/* SPDX-License-Identifier: MIT */
/*
 * Ticket spin locks with a rank.
 *
 * Interrupt handlers take no lock but those of rank LOCK_IRQ_*, and those are always taken by the _irqsave
 * form; so every other lock is taken with interrupts as they are, and what a handler cannot do itself it
 * leaves to a softirq.
 *
 * The lock order is the order of enum lock_rank: whoever holds a lock takes only locks of a higher rank. A
 * debug build asserts this, with two exceptions that the code names: spin_lock_nested() for a second lock of
 * the same rank (two domains' locks, by ascending address), and trylock. It also asserts that locks below
 * LOCK_SCHED are taken with interrupts enabled, so that their holders may wait for other CPUs to answer an
 * interrupt.
 */
#pragma once

#include "lib/types.h"

enum lock_rank {
    LOCK_DOMCTL,        /* one control operation at a time */
    LOCK_DOMAIN_LIST,   /* the list of all domains */
    LOCK_DOMAIN,        /* a domain's life, its vCPUs, its limits */
    LOCK_GRANT_MAP,     /* a domain's table of grants that it has mapped */
    LOCK_GRANT,         /* a domain's grant table */
    LOCK_EVENT,         /* a domain's event channels */
    LOCK_PAGE_ALLOC,    /* a domain's list and count of frames */
    LOCK_VIRQ,          /* a vCPU's VIRQ bindings */
    LOCK_CHANNEL,       /* one event channel */
    LOCK_FIFO,          /* a vCPU's queues of FIFO events */
    LOCK_SCHED,         /* a CPU's run queue */
    LOCK_TIMER,         /* a CPU's timer heap */
    LOCK_VMAP,          /* hypervisor mappings */
    LOCK_HEAP,          /* small-object heap */
    LOCK_BUDDY,         /* frame allocator */
    LOCK_LEAF,          /* locks under which nothing else is taken */
    LOCK_IRQ_LEAF,      /* as LOCK_LEAF, but also taken by interrupt handlers: _irqsave only */
    LOCK_IRQ_CONSOLE,   /* console output: may be taken under any other */
};

struct spinlock {
    u16 head, tail;     /* now serving, next ticket */
    u8 rank;
    u8 pad;
    u16 holder;         /* CPU + 1 in debug builds, 0: free */
};

#define SPINLOCK_INIT(r) { .rank = (r) }

static inline void spin_lock_init(struct spinlock *l, enum lock_rank rank)
{
    *l = (struct spinlock)SPINLOCK_INIT(rank);
}

void spin_lock(struct spinlock *l);
void spin_lock_nested(struct spinlock *l);
bool spin_trylock(struct spinlock *l);
void spin_unlock(struct spinlock *l);
unsigned long __must_check spin_lock_irqsave(struct spinlock *l);
void spin_unlock_irqrestore(struct spinlock *l, unsigned long flags);
/*
 * spin_guard(&lock); irq_guard(&lock); hold it until the block that they stand in is left; the second with
 * interrupts disabled, as spin_lock_irqsave().
 */
#define GUARD_NAME2(line) guard_##line
#define GUARD_NAME(line)  GUARD_NAME2(line)
#define spin_guard(l) struct spinlock *GUARD_NAME(__LINE__) __cleanup(spin_guard_end) = spin_guard_start(l)
#define irq_guard(l)  struct irq_guard GUARD_NAME(__LINE__) __cleanup(irq_guard_end) = irq_guard_start(l)

struct irq_guard {
    struct spinlock *lock;
    unsigned long flags;
};

static inline struct spinlock *spin_guard_start(struct spinlock *l)
{
    spin_lock(l);
    return l;
}

static inline void spin_guard_end(struct spinlock **l) { spin_unlock(*l); }

static inline struct irq_guard irq_guard_start(struct spinlock *l)
{
    return (struct irq_guard){ l, spin_lock_irqsave(l) };
}

static inline void irq_guard_end(struct irq_guard *g) { spin_unlock_irqrestore(g->lock, g->flags); }

/* True if somebody holds l (in debug builds: this CPU). For assertions. */
bool spin_is_locked(const struct spinlock *l);

/* The checks of a debug build end here: a panic takes locks that it finds held. */
void spin_checks_off(void);
/* Debug key: the locks that each CPU holds; only a debug build knows. */
void locks_dump(void);

/*
 * For checks of a debug build, and nothing otherwise. An interrupt handler runs from enter to leave.
 * none_held: a place where no lock may be held. may_wait: this CPU is about to wait for an interrupt handler
 * of another, which may be waiting for a lock with its interrupts off: only locks that are never taken so
 * (below LOCK_SCHED) may be held.
 */
#ifdef DEBUG
void spin_irq_enter(void);
void spin_irq_leave(void);
void spin_check_none_held(void);
void spin_check_may_wait(void);
#else
static inline void spin_irq_enter(void) { }
static inline void spin_irq_leave(void) { }
static inline void spin_check_none_held(void) { }
static inline void spin_check_may_wait(void) { }
#endif

/* Takes two locks of one rank in address order; a may be b. */
void spin_lock_pair(struct spinlock *a, struct spinlock *b);
void spin_unlock_pair(struct spinlock *a, struct spinlock *b);
