/* SPDX-License-Identifier: MIT */
/*
 * Cooperative threads on one vCPU, and what they block on. A thread runs until
 * it blocks or yields; only event handlers interrupt it. Wake-ups may come from
 * handlers; everything else here is for threads.
 */
#ifndef MINIOS_THREAD_H
#define MINIOS_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct thread;

/* No time limit, where a timeout in milliseconds or nanoseconds is asked for. */
#define WAIT_FOREVER INT64_MAX

/* A list of threads that wait for one condition. */
struct wait_queue {
    struct wait_entry *head;
    struct wait_entry *tail;
};

#define WAIT_QUEUE_INIT(wq) { .head = NULL, .tail = NULL }

void wait_queue_init(struct wait_queue *wq);

/*
 * Start a thread that runs fn(arg). `stack_size` in bytes, 0 for the default (64 KB); stacks have guard
 * pages. NULL if memory is short. The thread's structure lives until thread_join, or, if it was detached,
 * until it ends.
 */
#define THREAD_DEFAULT_STACK (64 * 1024UL)
struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg, size_t stack_size);
void thread_detach(struct thread *t);

/* Wait until t ends, then free it. */
void thread_join(struct thread *t);

/* End the calling thread. Returning from its function is the same. */
void thread_exit(void) __attribute__((noreturn));

struct thread *thread_current(void);
const char *thread_name(const struct thread *t);

/* Let every other runnable thread run once. */
void thread_yield(void);

/*
 * For loops of unknown length: yields if this thread has run for more than THREAD_SLICE_MS without a break,
 * else costs a clock reading.
 */
#define THREAD_SLICE_MS 2
void thread_relax(void);

void thread_sleep_ms(int64_t ms);
void thread_sleep_ns(int64_t ns);

/*
 * Block on wq until wake_up or until timeout_ms passes; true if woken, false on timeout. The caller must
 * re-check its condition (see WAIT_UNTIL) and must have checked it with upcalls masked if a handler changes
 * it.
 */
bool wait_on(struct wait_queue *wq, int64_t timeout_ms);

/* The same against an absolute clock_monotonic_ns() time (WAIT_FOREVER: none). Upcalls may be masked. */
bool wait_on_until(struct wait_queue *wq, int64_t deadline_ns);

/* Make all, or the first, of the waiters runnable. From threads and handlers. */
void wake_up(struct wait_queue *wq);
void wake_up_one(struct wait_queue *wq);

/* Implementation of WAIT_UNTIL. */
int64_t wait_deadline(int64_t timeout_ms);
bool wait_begin(void);
void wait_end(bool saved);

/*
 * Block until `cond` holds or timeout_ms passes; gives the last value of cond. cond is evaluated with
 * upcalls masked, so that a wake-up from a handler between test and block is not lost: keep it short, no
 * blocking in it.
 */
#define WAIT_UNTIL(wq, cond, timeout_ms)                                \
    ({                                                                  \
        int64_t wait_deadline_ = wait_deadline(timeout_ms);             \
        bool wait_saved_ = wait_begin();                                \
        bool wait_ok_;                                                  \
        while (!(wait_ok_ = !!(cond))) {                                \
            if (!wait_on_until((wq), wait_deadline_)) {                 \
                wait_ok_ = !!(cond);                                    \
                break;                                                  \
            }                                                           \
        }                                                               \
        wait_end(wait_saved_);                                          \
        wait_ok_;                                                       \
    })

/* Recursive mutex. */
struct mutex {
    struct thread *owner;
    unsigned int depth;
    struct wait_queue waiters;
};

#define MUTEX_INIT(m) { .owner = NULL, .depth = 0, .waiters = WAIT_QUEUE_INIT((m).waiters) }

void mutex_init(struct mutex *m);
void mutex_lock(struct mutex *m);
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);

/* Counting semaphore; sem_post may be called from handlers. */
struct semaphore {
    unsigned int count;
    struct wait_queue waiters;
};

#define SEMAPHORE_INIT(s, n) { .count = (n), .waiters = WAIT_QUEUE_INIT((s).waiters) }

void sem_init(struct semaphore *s, unsigned int count);
/* True if the semaphore was taken, false on timeout. */
bool sem_wait(struct semaphore *s, int64_t timeout_ms);
void sem_post(struct semaphore *s);

#endif
