/* SPDX-License-Identifier: MIT */
/*
 * What threads block on: wait queues with time limits, and the mutex and
 * semaphore made of them. A waiter's entry lies on its own stack; whoever makes
 * the thread runnable takes the entry off all lists first.
 */
#include <minios/event.h>
#include <minios/kernel.h>
#include <minios/thread.h>
#include <minios/time.h>

#include "internal.h"

struct wait_entry {
    struct thread *thread;
    struct wait_queue *queue;               /* NULL: sleeping only */
    struct wait_entry *prev, *next;         /* in the queue */
    struct wait_entry *earlier, *later;     /* among all that have a deadline */
    int64_t deadline;
    bool woken;
};

/* Sorted by deadline. */
static struct wait_entry *first_timer;

static void queue_add(struct wait_entry *e)
{
    struct wait_queue *wq = e->queue;

    e->prev = wq->tail;
    if (wq->tail) {
        wq->tail->next = e;
    } else {
        wq->head = e;
    }
    wq->tail = e;
}

static void queue_remove(struct wait_entry *e)
{
    struct wait_queue *wq = e->queue;

    if (e->prev) {
        e->prev->next = e->next;
    } else {
        wq->head = e->next;
    }
    if (e->next) {
        e->next->prev = e->prev;
    } else {
        wq->tail = e->prev;
    }
}

static void timer_add(struct wait_entry *e)
{
    struct wait_entry **link = &first_timer, *before = NULL;

    while (*link && (*link)->deadline <= e->deadline) {
        before = *link;
        link = &before->later;
    }
    e->earlier = before;
    e->later = *link;
    if (e->later) {
        e->later->earlier = e;
    }
    *link = e;
}

static void timer_remove(struct wait_entry *e)
{
    if (e->earlier) {
        e->earlier->later = e->later;
    } else {
        first_timer = e->later;
    }
    if (e->later) {
        e->later->earlier = e->earlier;
    }
}

/* Off all lists and into the run queue. Upcalls masked. */
static void release(struct wait_entry *e, bool woken)
{
    if (e->queue) {
        queue_remove(e);
    }
    if (e->deadline != WAIT_FOREVER) {
        timer_remove(e);
    }
    e->woken = woken;
    thread_make_runnable(e->thread);
}

int64_t timers_run(int64_t now)
{
    while (first_timer && first_timer->deadline <= now) {
        release(first_timer, false);
    }
    return first_timer ? first_timer->deadline : WAIT_FOREVER;
}

static bool block(struct wait_queue *wq, int64_t deadline)
{
    bool saved = upcalls_save();
    struct wait_entry e = { .thread = current, .queue = wq, .deadline = deadline };

    if (wq) {
        queue_add(&e);
    }
    if (deadline != WAIT_FOREVER) {
        timer_add(&e);
    }
    schedule();
    upcalls_restore(saved);
    return e.woken;
}

void wait_queue_init(struct wait_queue *wq)
{
    wq->head = NULL;
    wq->tail = NULL;
}

bool wait_on_until(struct wait_queue *wq, int64_t deadline_ns)
{
    return block(wq, deadline_ns);
}

int64_t wait_deadline(int64_t timeout_ms)
{
    if (timeout_ms >= WAIT_FOREVER / 2000000) {
        return WAIT_FOREVER;
    }
    return clock_monotonic_ns() + (timeout_ms > 0 ? timeout_ms * 1000000 : 0);
}

bool wait_on(struct wait_queue *wq, int64_t timeout_ms)
{
    return block(wq, wait_deadline(timeout_ms));
}

bool wait_begin(void)
{
    return upcalls_save();
}

void wait_end(bool saved)
{
    upcalls_restore(saved);
}

void wake_up_one(struct wait_queue *wq)
{
    bool saved = upcalls_save();

    if (wq->head) {
        release(wq->head, true);
    }
    upcalls_restore(saved);
}

void wake_up(struct wait_queue *wq)
{
    bool saved = upcalls_save();

    while (wq->head) {
        release(wq->head, true);
    }
    upcalls_restore(saved);
}

void thread_sleep_ns(int64_t ns)
{
    int64_t now = clock_monotonic_ns();

    if (ns <= 0) {
        thread_yield();
        return;
    }
    block(NULL, ns < WAIT_FOREVER - now ? now + ns : WAIT_FOREVER);
}

void thread_sleep_ms(int64_t ms)
{
    block(NULL, wait_deadline(ms));
}

void mutex_init(struct mutex *m)
{
    m->owner = NULL;
    m->depth = 0;
    wait_queue_init(&m->waiters);
}

/* Threads are cooperative and handlers take no mutex, so these need no atomics. */
bool mutex_trylock(struct mutex *m)
{
    if (m->owner && m->owner != current) {
        return false;
    }
    m->owner = current;
    m->depth++;
    return true;
}

void mutex_lock(struct mutex *m)
{
    while (!mutex_trylock(m)) {
        wait_on(&m->waiters, WAIT_FOREVER);
    }
}

void mutex_unlock(struct mutex *m)
{
    if (m->owner != current) {
        kernel_panic("mutex %p unlocked by %s, who does not hold it", (void *)m, current->name);
    }
    if (--m->depth == 0) {
        m->owner = NULL;
        wake_up_one(&m->waiters);
    }
}

void sem_init(struct semaphore *s, unsigned int count)
{
    s->count = count;
    wait_queue_init(&s->waiters);
}

bool sem_wait(struct semaphore *s, int64_t timeout_ms)
{
    int64_t deadline = wait_deadline(timeout_ms);
    bool saved = upcalls_save();
    bool taken;

    while (!(taken = s->count > 0)) {
        if (!wait_on_until(&s->waiters, deadline)) {
            taken = s->count > 0;
            break;
        }
    }
    if (taken) {
        s->count--;
    }
    upcalls_restore(saved);
    return taken;
}

void sem_post(struct semaphore *s)
{
    bool saved = upcalls_save();

    s->count++;
    wake_up_one(&s->waiters);
    upcalls_restore(saved);
}
