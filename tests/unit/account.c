/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's memory on the accounts of domains, and what debug builds do with freed memory, from the
 * hypervisor's own files: what is charged, that limits hold and are not passed by a failure, that all comes
 * back; and that a write to freed memory is noticed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake/memory.h"
#include "tap.h"

#define FRAMES 4096

static struct domain *d;

static u64 used(void)
{
    return d->mm.hv_bytes;
}

static void test_charges(void)
{
    void *small = domain_xzalloc_bytes(d, 100), *large, *pages;
    u64 one = used();

    ok(small && one == heap_size(small) && one >= 100, "a small object costs what it takes (%lu bytes)", (unsigned long)one);
    large = domain_xzalloc_bytes(d, 5 * PAGE_SIZE - 7);
    ok(large && used() == one + 5 * PAGE_SIZE, "a large one whole pages, but not of its power of two");
    pages = domain_alloc_pages(d, 2);
    ok(pages && used() == one + 9 * PAGE_SIZE, "pages");
    domain_xfree(d, small);
    domain_free_pages(d, pages, 2);
    domain_xfree(d, large);
    domain_xfree(d, NULL);
    ok(!used(), "all comes back");
}

static void test_limit(void)
{
    u64 free_before = free_pages();
    void *p[8], *q;

    d->mm.hv_limit = 4 * PAGE_SIZE;
    for (unsigned int i = 0; i < 4; i++)
        p[i] = domain_alloc_pages(d, 0);
    ok(p[0] && p[3] && used() == d->mm.hv_limit, "up to the limit");
    q = domain_alloc_pages(d, 0);
    ok(!q && used() == d->mm.hv_limit, "not a page more");
    q = domain_xzalloc_bytes(d, 16);
    ok(!q && used() == d->mm.hv_limit, "not an object more");
    domain_free_pages(d, p[3], 0);
    q = domain_xzalloc_bytes(d, PAGE_SIZE + 1);
    ok(!q && used() == 3 * PAGE_SIZE, "what does not fit costs nothing");
    q = domain_alloc_pages(d, MAX_ORDER);
    ok(!q, "nor does what is far more");
    d->mm.hv_limit = 0;
    q = domain_alloc_pages(d, MAX_ORDER);
    ok(!q && used() == 3 * PAGE_SIZE, "without a limit: what the machine does not have costs nothing");
    for (unsigned int i = 0; i < 3; i++)
        domain_free_pages(d, p[i], 0);
    ok(!used() && free_pages() == free_before, "all comes back");
}

/* A grant table is all on its domain's account; a limit makes it fail whole. */
static void test_grant_table(void)
{
    u64 free_before = free_pages(), after;
    mfn_t mfn;
    int rc;

    rc = grant_init_domain(d, 8, 16);
    after = used();
    ok(!rc && after > PAGE_SIZE, "a grant table costs %lu bytes", (unsigned long)after);
    ok(!grant_get_frame(d, 3, &mfn) && used() == after + 3 * PAGE_SIZE, "and each more frame of it a page");
    d->mm.hv_limit = used();
    ok(grant_get_frame(d, 4, &mfn) != 0, "none beyond the limit");
    grant_free_domain(d);
    ok(!used() && free_pages() >= free_before - 4, "all comes back");
    d->mm.hv_limit = PAGE_SIZE;
    ok(grant_init_domain(d, 8, 16) && !d->grant && !used(), "a table that the limit forbids leaves nothing");
    d->mm.hv_limit = 0;
}

/* In a process of its own, since it ends in a panic. */
static bool ends(void (*fn)(void))
{
    pid_t child;
    int status;

    fflush(stdout);
    child = fork();
    if (!child) {
        fclose(stderr);
        fn();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return status != 0;
}

static void write_to_object(void)
{
    char *other = xzalloc_bytes(64), *p = xzalloc_bytes(64);

    xfree(p);
    *(volatile char *)(p + 63) = 1;
    (void)xzalloc_bytes(64);
    (void)other;
}

static void write_to_page(void)
{
    char *p = hv_alloc_page();

    hv_free_page(p);
    *(volatile char *)(p + 100) = 1;
    for (unsigned int i = 0; i < FRAMES; i++)
        (void)hv_alloc_page();
}

static void write_to_nothing_freed(void)
{
    char *p = xzalloc_bytes(64), *q = hv_alloc_page();

    p[63] = q[100] = 1;
    xfree(p);
    hv_free_page(q);
    for (unsigned int i = 0; i < FRAMES; i++)
        (void)hv_alloc_page();
}

static void discharge_too_much(void)
{
    domain_xfree(d, xzalloc_bytes(100));
}

static void test_poison(void)
{
    char *p = xzalloc_bytes(200), *keep = xzalloc_bytes(200);

    p[100] = 1;
    xfree(p);
    ok((u8)p[100] == 0xdb && (u8)p[199] == 0xdb, "a freed object is filled with a pattern");
    ok(!((char *)xzalloc_bytes(200))[100], "and zero when it is used again");
    xfree(keep);
    ok(ends(write_to_object), "a write to a freed object is noticed");
    ok(ends(write_to_page), "and one to a freed page");
    ok(!ends(write_to_nothing_freed), "and none where there was none");
    ok(ends(discharge_too_much), "and an object given back to an account that it is not on");
}

int main(void)
{
    fake_memory(FRAMES);
    (void)fake_memory_domain(0, 1000);
    d = fake_memory_domain(1, 1000);
    test_charges();
    test_limit();
    test_grant_table();
    test_poison();
    return done_testing();
}
