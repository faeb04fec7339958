/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's own memory by domain: each domain has an account of what it makes the hypervisor keep (its
 * vCPUs, event channels, grant tables, mappings of grants), with a limit, so that no guest can take the
 * memory that others need. Frames that the domain owns do not stand there; domain_mm.max_pages limits those.
 */
#include "lib/option.h"
#include "mm/internal.h"

/* For each domain but Domain-0. */
static u64 opt_limit = MB(8);
OPTION_SIZE("domain_hv_mem", opt_limit);

static bool charge(struct domain *d, u64 bytes)
{
    u64 limit = d->mm.hv_limit;

    if (atomic_add(&d->mm.hv_bytes, bytes) <= limit || !limit)
        return true;
    atomic_sub(&d->mm.hv_bytes, bytes);
    guest_log(d->id, LOG_WARN, "it would need more than %lu KiB of the hypervisor's memory; "
              "domain_hv_mem= allows more\n", (unsigned long)limit >> 10);
    return false;
}

static void discharge(struct domain *d, u64 bytes)
{
    ASSERT(d->mm.hv_bytes >= bytes);
    atomic_sub(&d->mm.hv_bytes, bytes);
}

void domain_open_account(struct domain *d, const void *p, bool limited)
{
    d->mm.hv_bytes = heap_size(p);
    d->mm.hv_limit = limited ? opt_limit : 0;
}

void domain_close_account(struct domain *d, void *p)
{
    ASSERT(d->mm.hv_bytes == heap_size(p));
    xfree(p);
}

void *domain_alloc_pages(struct domain *d, unsigned int order)
{
    if (!charge(d, PAGE_SIZE << order))
        return NULL;
    void *p = hv_alloc_pages(order);
    if (!p)
        discharge(d, PAGE_SIZE << order);
    return p;
}

void domain_free_pages(struct domain *d, void *p, unsigned int order)
{
    hv_free_pages(p, order);
    discharge(d, PAGE_SIZE << order);
}

void *domain_xzalloc_bytes(struct domain *d, size_t size)
{
    void *p = xzalloc_bytes(size);

    if (!p || charge(d, heap_size(p)))
        return p;
    xfree(p);
    return NULL;
}

void domain_xfree(struct domain *d, void *p)
{
    if (!p)
        return;
    discharge(d, heap_size(p));
    xfree(p);
}
