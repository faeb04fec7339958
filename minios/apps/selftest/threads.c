/* SPDX-License-Identifier: MIT */
/* Threads, sleeping, wait queues, locks, and the FPU across switches. */
#include <stdio.h>
#include <stdlib.h>

#include <minios/mm.h>
#include <minios/thread.h>
#include <minios/time.h>

#include "../../kernel/internal.h"
#include "check.h"

static unsigned int counter;

static void count_up(void *arg)
{
    for (int i = 0; i < 10; i++) {
        counter++;
        thread_yield();
    }
    (void)arg;
}

static void test_create(void)
{
    struct thread *threads[20];
    size_t before = 0;
    bool created = true;

    for (int round = 0; round < 20; round++) {
        /* The first round fills the heap's and the page tables' caches. */
        if (round == 1) {
            before = mm_free_pages();
        }
        for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
            threads[i] = thread_create("count", count_up, NULL, 0);
            created = created && threads[i];
        }
        for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
            thread_join(threads[i]);
        }
    }
    check(created && counter == 20 * 20 * 10, "400 threads ran to their ends: %u", counter);
    check(mm_free_pages() == before, "and left nothing behind: %zu pages, %zu before", mm_free_pages(),
          before);
}

static void test_detached(void)
{
    size_t before = 0;

    counter = 0;
    for (int i = 0; i < 50; i++) {
        if (i == 10) {
            before = mm_free_pages();
        }
        thread_detach(thread_create("detached", count_up, NULL, 0));
        while (counter < (unsigned int)(i + 1) * 10) {
            thread_yield();
        }
        thread_yield();
    }
    check(before < mm_free_pages() + 20, "detached threads are freed too: %zu pages, %zu before",
          mm_free_pages(), before);
}

static void test_sleep(void)
{
    int64_t start = clock_monotonic_ns(), took;

    thread_sleep_ms(50);
    took = clock_monotonic_ns() - start;
    check(took >= 50000000 && took < 5000000000, "sleeping 50 ms took %lld us", (long long)took / 1000);
    start = clock_monotonic_ns();
    for (int i = 0; i < 20; i++) {
        thread_sleep_ms(1);
    }
    took = clock_monotonic_ns() - start;
    check(took >= 20000000 && took < 5000000000, "20 times 1 ms took %lld us", (long long)took / 1000);
}

static struct wait_queue queue = WAIT_QUEUE_INIT(queue);
static volatile int stage;

static void waker(void *arg)
{
    thread_sleep_ms(10);
    stage = 1;
    wake_up(&queue);
    (void)arg;
}

static void test_wait(void)
{
    struct thread *t = thread_create("waker", waker, NULL, 0);
    int64_t start;

    check(WAIT_UNTIL(&queue, stage == 1, 1000), "a waiter is woken");
    thread_join(t);
    start = clock_monotonic_ns();
    check(!WAIT_UNTIL(&queue, stage == 2, 20), "a wait for what never comes ends");
    check(clock_monotonic_ns() - start >= 20000000, "at its time limit");
    check(!wait_on(&queue, 0), "a wait of no time at all ends too");
}

static struct semaphore items = SEMAPHORE_INIT(items, 0);
static unsigned int taken;

static void consumer(void *arg)
{
    (void)arg;
    while (sem_wait(&items, 200)) {
        taken++;
    }
}

static void test_semaphore(void)
{
    struct thread *a = thread_create("consumer-a", consumer, NULL, 0);
    struct thread *b = thread_create("consumer-b", consumer, NULL, 0);

    for (int i = 0; i < 100; i++) {
        sem_post(&items);
        if (i % 10 == 0) {
            thread_yield();
        }
    }
    thread_join(a);
    thread_join(b);
    check(taken == 100, "two consumers took %u of 100 items", taken);
}

static struct mutex lock = MUTEX_INIT(lock);
static unsigned int inside, worst;

static void enter(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++) {
        mutex_lock(&lock);
        mutex_lock(&lock);
        inside++;
        worst = inside > worst ? inside : worst;
        thread_yield();
        inside--;
        mutex_unlock(&lock);
        mutex_unlock(&lock);
    }
}

static void test_mutex(void)
{
    struct thread *threads[4];

    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        threads[i] = thread_create("enter", enter, NULL, 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
        thread_join(threads[i]);
    }
    check(worst == 1, "a recursive mutex lets in one thread at a time: at most %u", worst);
}

static double sums[3];

/* Rounding up, down or to nearest must stay each thread's own. */
static void add_thirds(void *arg)
{
    size_t i = (uintptr_t)arg;
    uint32_t mxcsr = 0x1f80 | (i << 13);
    double volatile sum = 0;

    __asm__ volatile("ldmxcsr %0" : : "m" (mxcsr));
    for (int n = 0; n < 1000; n++) {
        sum = sum + 1.0 / 3.0 * (n % 7);
        if (n % 50 == 0) {
            thread_yield();
        }
    }
    sums[i] = sum;
}

static void test_fpu(void)
{
    struct thread *threads[3];
    double together[3];

    for (size_t i = 0; i < 3; i++) {
        threads[i] = thread_create("add", add_thirds, (void *)i, 0);
    }
    for (size_t i = 0; i < 3; i++) {
        thread_join(threads[i]);
        together[i] = sums[i];
    }
    for (size_t i = 0; i < 3; i++) {
        thread_join(thread_create("add", add_thirds, (void *)i, 0));
    }
    check(together[0] == sums[0] && together[1] == sums[1] && together[2] == sums[2] && sums[1] < sums[2],
          "rounding modes survive thread switches: %.12f %.12f %.12f", together[0], together[1], together[2]);
}

void test_threads(void)
{
    test_create();
    test_detached();
    test_sleep();
    test_wait();
    test_semaphore();
    test_mutex();
    test_fpu();
}
