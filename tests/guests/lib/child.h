/* SPDX-License-Identifier: MIT */
/*
 * An unprivileged domain that Domain-0 makes and drives: it runs one page of code which makes the hypercalls
 * that Domain-0 writes into a shared page.  So a test sees the answers that an ordinary domain gets, too.
 */
#ifndef CHILD_H
#define CHILD_H

#define __XEN_TOOLS__ 1
#include "guest.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

/* The child's pages: four tables, code, shared data, stack, and two for tests. */
enum { L4, L3, L2, L1, CODE, DATA, STACK, SPARE_A, SPARE_B, PAGES };
#define CHILD_VA(page) (0x10000UL + (page) * PAGE_SIZE)     /* where the child sees them, from CODE on */
#define CHILD_SHARED CHILD_VA(PAGES)                        /* its shared_info */
/* A page for Domain-0 to look at pages of the child; the next is the mailbox. */
#define VIEW 0x0000400000000000UL

/* Requests beside hypercall numbers. */
enum { CHILD_CALL = -1, CHILD_CRASH = -2, CHILD_SPIN = -3 };
#define CHILD_SILENT (-9999L)       /* child_ask(): no answer in time */

struct mailbox {
    volatile uint64_t request, done, nr, args[5], result;
};

extern domid_t child;
extern xen_pfn_t child_mfns[PAGES];
extern struct mailbox *mailbox;
/* Memory for arguments that both see: behind the mailbox, up to the end of the page. */
#define CHILD_ARG (CHILD_VA(DATA) + 1024)
#define OUR_ARG ((void *)((char *)mailbox + 1024))
#define ARG_SIZE 3072

/* One domctl; fills in the command, the version and the domain. */
long domctl(struct xen_domctl *op, unsigned cmd, domid_t dom);
long domctl_simple(unsigned cmd, domid_t dom);
long destroy_domain(domid_t dom);       /* destroydomain, repeated while it answers -EAGAIN */
struct xen_domctl_getdomaininfo *info_of(domid_t dom);      /* null: there is no such domain */
struct xen_domctl create_request(void);                     /* a configuration that is right */
long populate(domid_t dom, xen_pfn_t *extents, unsigned long n);
long map_foreign(unsigned long va, pte_t pte, domid_t dom);

/* The steps of building, for a test that checks each: child and child_mfns are set. */
void child_fill(unsigned page, const void *data, size_t size);
void child_fill_tables(void);
void child_context(struct vcpu_guest_context *context);
long child_map_mailbox(void);

/* All of it: creates and builds a child; creates, builds and starts one. They bail out if they cannot. */
void child_build(void);
void child_start(void);
/* Destroys it, and waits until it is gone; false if it stays. */
bool child_destroy(void);
/* Let the child make a hypercall; its result, or CHILD_SILENT. */
long child_ask(unsigned long nr, unsigned long a, unsigned long b, unsigned long c, unsigned long d);
bool child_wait_flag(unsigned flag);    /* until XEN_DOMINF_* or the domain is gone; false: not in time */

#endif
