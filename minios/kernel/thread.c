/* SPDX-License-Identifier: MIT */
/*
 * Threads, the run queue, and idling. The scheduler runs on the stack of the
 * thread that blocks; when nothing is runnable it arms the one-shot timer for
 * the nearest deadline and gives the CPU back to the hypervisor.
 */
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include <minios/event.h>
#include <minios/hypercall.h>
#include <minios/kernel.h>
#include <minios/mm.h>
#include <minios/thread.h>
#include <minios/time.h>

#include "internal.h"

#define NS_PER_MS 1000000

/* The initial values of MXCSR and the x87 control word: all exceptions masked. */
#define FPU_CONTROL (0x1f80UL | 0x037fUL << 32)

/* Until main's thread starts, the boot code is a thread too, so that locks work. */
static struct thread boot_thread = { .name = "boot" };
struct thread *current = &boot_thread;

static struct {
    struct thread *head, *tail;
} run_queue;

/* Detached threads that ended and whose memory is still to be freed. */
static struct thread *dead;

/* What the hypervisor's timer is set to; WAIT_FOREVER when it is not set, or has fired. */
static int64_t armed = WAIT_FOREVER;

struct thread *thread_current(void)
{
    return current;
}

const char *thread_name(const struct thread *t)
{
    return t->name;
}

void thread_make_runnable(struct thread *t)
{
    t->next = NULL;
    if (run_queue.tail) {
        run_queue.tail->next = t;
    } else {
        run_queue.head = t;
    }
    run_queue.tail = t;
}

static struct thread *run_queue_take(void)
{
    struct thread *t = run_queue.head;

    if (t) {
        run_queue.head = t->next;
        if (!run_queue.head) {
            run_queue.tail = NULL;
        }
    }
    return t;
}

static void timer_fired(evtchn_port_t port, void *data)
{
    (void)port;
    (void)data;
    armed = WAIT_FOREVER;
}

/* Sleep until an event comes, or the deadline. Upcalls are masked on entry and on return. */
static void idle_until(int64_t deadline)
{
    if (deadline != WAIT_FOREVER && deadline != armed) {
        struct vcpu_set_singleshot_timer timer = { .timeout_abs_ns = deadline };

        if (HYPERVISOR_vcpu_op(VCPUOP_set_singleshot_timer, 0, &timer)) {
            return;
        }
        armed = deadline;
    }
    /* Unmasks upcalls and blocks in one step; returns at once if something is pending. */
    HYPERVISOR_sched_op(SCHEDOP_block, NULL);
    upcalls_save();
}

/* Run another thread, or this one again once it is runnable. Upcalls masked. */
void schedule(void)
{
    struct thread *prev = current, *next;
    int64_t now;

    for (;;) {
        int64_t deadline;

        now = clock_monotonic_ns();
        deadline = timers_run(now);
        next = run_queue_take();
        if (next) {
            break;
        }
        idle_until(deadline);
    }
    next->slice_start = now;
    if (next != prev) {
        current = next;
        context_switch(&prev->rsp, next->rsp);
    }
}

void thread_yield(void)
{
    bool saved = upcalls_save();

    thread_make_runnable(current);
    schedule();
    upcalls_restore(saved);
}

void thread_relax(void)
{
    if (clock_monotonic_ns() - current->slice_start > THREAD_SLICE_MS * NS_PER_MS) {
        thread_yield();
    }
}

static void thread_free(struct thread *t)
{
    _reclaim_reent(&t->reent);
    mm_free_guarded(t->stack, t->stack_pages);
    free(t);
}

/* A thread cannot free the stack it stands on, so the next one to start or end does. */
static void free_dead(void)
{
    bool saved = upcalls_save();
    struct thread *list = dead;

    dead = NULL;
    upcalls_restore(saved);
    while (list) {
        struct thread *t = list;

        list = t->next;
        thread_free(t);
    }
}

/* Where thread_entry arrives. Upcalls are still masked from the switch. */
void thread_main(struct thread *t) __attribute__((noreturn));
void thread_main(struct thread *t)
{
    upcalls_restore(false);
    t->fn(t->arg);
    thread_exit();
}

struct thread *thread_create(const char *name, void (*fn)(void *arg), void *arg, size_t stack_size)
{
    struct thread *t = calloc(1, sizeof(*t));
    size_t pages = PFN_UP(stack_size ? stack_size : THREAD_DEFAULT_STACK);
    uint64_t *sp;
    bool saved;

    free_dead();
    if (!t) {
        return NULL;
    }
    t->stack = mm_alloc_guarded(pages);
    if (!t->stack) {
        free(t);
        return NULL;
    }
    t->stack_pages = pages;
    t->name = name;
    t->fn = fn;
    t->arg = arg;
    t->own_libc = true;
    _REENT_INIT_PTR(&t->reent);

    /* What context_switch pops: FPU control, r15 r14 r13 r12 rbx rbp, the return address; then alignment. */
    sp = (uint64_t *)((char *)t->stack + pages * PAGE_SIZE) - 2;
    *--sp = (uintptr_t)thread_entry;
    *--sp = 0;              /* rbp */
    *--sp = 0;              /* rbx */
    *--sp = (uintptr_t)t;   /* r12 */
    *--sp = 0;
    *--sp = 0;
    *--sp = 0;              /* r15 */
    *--sp = FPU_CONTROL;
    t->rsp = (uintptr_t)sp;

    saved = upcalls_save();
    thread_make_runnable(t);
    upcalls_restore(saved);
    return t;
}

void thread_exit(void)
{
    struct thread *t = current;

    free_dead();
    upcalls_save();
    t->done = true;
    if (t->detached) {
        t->next = dead;
        dead = t;
    } else {
        wake_up(&t->joiners);
    }
    schedule();
    __builtin_unreachable();
}

void thread_detach(struct thread *t)
{
    t->detached = true;
    if (t->done) {
        thread_free(t);
    }
}

void thread_join(struct thread *t)
{
    WAIT_UNTIL(&t->joiners, t->done, WAIT_FOREVER);
    thread_free(t);
}

/*
 * newlib's per-thread state. The thread that runs main, and the boot code before it, use libc's global one,
 * because that is the one that exit() flushes.
 */
struct _reent *__getreent(void)
{
    return current->own_libc ? &current->reent : _GLOBAL_REENT;
}

void threads_init(void)
{
    int port = event_bind_virq(VIRQ_TIMER, timer_fired, NULL);

    if (port < 0) {
        kernel_panic("VIRQ_TIMER cannot be bound: %s", strerror(-port));
    }
    /* A guest may start with a periodic timer, which nobody here wants. */
    HYPERVISOR_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
}
