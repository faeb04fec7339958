/* SPDX-License-Identifier: MIT */
/*
 * The fake hypervisor and port layer. Threads are real ones under one lock that the [waits] calls let go of.
 */
#define _GNU_SOURCE
#include "fake.h"

#include "../lib/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/memory.h>

#define MAX_DOMAINS 8
#define MAX_PORTS   32
#define MAX_MAPPINGS 16
#define MAX_MAPPED  64      /* frames in one mapping */

struct fake_domain {
    bool exists, paused;
    uint32_t flags;
    uint64_t max_pages, pages;
    unsigned max_vcpus, ports;
    xen_pfn_t pinned, grants;
    int64_t time_offset;
    struct vcpu_guest_context context;
};

static struct fake_domain domain_table[MAX_DOMAINS] = { { .exists = true, .max_vcpus = 1 } };
static uint16_t frame_owner[FAKE_FRAMES];       /* domid + 1, or 0 */
static uint8_t frame_mapped[FAKE_FRAMES];       /* by Domain-0 */
static struct {
    void *address;
    xen_pfn_t mfns[MAX_MAPPED];
} mapping_table[MAX_MAPPINGS];
static struct {
    bool bound, masked;
    domid_t domid;
    evtchn_port_t remote;
    void (*handler)(void *);
    void *arg;
} port_table[MAX_PORTS];
static int memory_file = -1;
static unsigned yields, fail_countdown, calls, mappings, buffers, upcalls;
bool fake_no_superpages;

/* -- Failing --------------------------------------------------------------------------------------------- */

void fake_fail_at(unsigned n)
{
    fail_countdown = n;
    calls = 0;
}

unsigned fake_calls(void)
{
    return calls;
}

static bool fails_now(void)
{
    calls++;
    return fail_countdown && --fail_countdown == 0;
}

/* -- The machine ----------------------------------------------------------------------------------------- */

static uint64_t scatter(uint64_t n)
{
    return (n * 5167 + 77) % FAKE_FRAMES;       /* 5167 is odd: a permutation of a power of two */
}

void *fake_frame(uint64_t mfn)
{
    static uint8_t *all;

    if (memory_file < 0) {
        memory_file = memfd_create("frames", 0);
        if (ftruncate(memory_file, (off_t)FAKE_FRAMES * PORT_PAGE_SIZE) < 0)
            abort();
    }
    if (!all)
        all = mmap(NULL, (size_t)FAKE_FRAMES * PORT_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
                   memory_file, 0);
    return all + mfn * PORT_PAGE_SIZE;
}

static struct fake_domain *domain_of(domid_t domid)
{
    return domid < MAX_DOMAINS && domain_table[domid].exists ? &domain_table[domid] : NULL;
}

static unsigned frames_in_use(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FAKE_FRAMES; i++)
        count += frame_owner[i] != 0;
    return count;
}

struct fake_usage fake_usage(void)
{
    struct fake_usage usage = { .frames = frames_in_use(), .mappings = mappings, .buffers = buffers };

    for (unsigned i = 1; i < MAX_DOMAINS; i++)
        usage.domains += domain_table[i].exists;
    for (unsigned i = 0; i < MAX_PORTS; i++)
        usage.ports += port_table[i].bound;
    return usage;
}

const void *fake_grants(domid_t domid)
{
    return fake_frame(domain_of(domid)->grants);
}

int64_t fake_time_offset(domid_t domid)
{
    return domain_of(domid)->time_offset;
}

const struct vcpu_guest_context *fake_context(domid_t domid)
{
    return &domain_of(domid)->context;
}

bool fake_paused(domid_t domid)
{
    return domain_of(domid)->paused;
}

static void describe(domid_t domid, struct xen_domctl_getdomaininfo *info)
{
    const struct fake_domain *d = domain_of(domid);

    memset(info, 0, sizeof(*info));
    info->domain = domid;
    info->flags = d->flags | (d->paused ? XEN_DOMINF_paused : 0);
    info->tot_pages = d->pages;
    info->max_pages = d->max_pages;
    info->shared_info_frame = 0x5000 + domid;
    info->nr_online_vcpus = 1;
}

/* -- Hypercalls ------------------------------------------------------------------------------------------ */

static long create_domain(struct xen_domctl *ctl)
{
    for (unsigned i = 1; i < MAX_DOMAINS; i++) {
        if (domain_table[i].exists)
            continue;
        domain_table[i] = (struct fake_domain){
            .exists = true, .paused = true, .max_vcpus = ctl->u.createdomain.max_vcpus,
        };
        ctl->domain = i;
        return 0;
    }
    return -XEN_ENOMEM;
}

static long do_domctl(struct xen_domctl *ctl)
{
    struct fake_domain *d = domain_of(ctl->domain);

    if (ctl->interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -XEN_EACCES;
    if (ctl->cmd == XEN_DOMCTL_createdomain)
        return create_domain(ctl);
    if (!d)
        return -XEN_ESRCH;
    switch (ctl->cmd) {
    case XEN_DOMCTL_max_vcpus:
        return ctl->u.max_vcpus.max == d->max_vcpus ? 0 : -XEN_EINVAL;
    case XEN_DOMCTL_max_mem:
        d->max_pages = ctl->u.max_mem.max_memkb / 4;
        return 0;
    case XEN_DOMCTL_pausedomain:
        d->paused = true;
        return 0;
    case XEN_DOMCTL_unpausedomain:
        d->paused = false;
        return 0;
    case XEN_DOMCTL_destroydomain:
        for (unsigned i = 0; i < FAKE_FRAMES; i++)
            if (frame_owner[i] == ctl->domain + 1)
                frame_owner[i] = 0;
        d->exists = false;
        return 0;
    case XEN_DOMCTL_getdomaininfo:
        describe(ctl->domain, &ctl->u.getdomaininfo);
        return 0;
    case XEN_DOMCTL_setvcpucontext:
        d->context = *ctl->u.vcpucontext.ctxt.p;
        return d->context.ctrlreg[3] == d->pinned << 12 ? 0 : -XEN_EINVAL;
    case XEN_DOMCTL_settimeoffset:
        d->time_offset = ctl->u.settimeoffset.time_offset_seconds;
        return 0;
    case XEN_DOMCTL_setvcpuaffinity:
        return !(ctl->u.vcpuaffinity.flags & XEN_VCPUAFFINITY_HARD) ||
               ctl->u.vcpuaffinity.cpumap_hard.bitmap.p[0] & 3 ? 0 : -XEN_EINVAL;
    case XEN_DOMCTL_scheduler_op:
        return ctl->u.scheduler_op.u.credit.weight == FAKE_BAD_WEIGHT ? -XEN_EINVAL : 0;
    case XEN_DOMCTL_hypercall_init:
        memset(fake_frame(ctl->u.hypercall_init.gmfn), 0xcc, PORT_PAGE_SIZE);
        return frame_owner[ctl->u.hypercall_init.gmfn] == ctl->domain + 1 ? 0 : -XEN_EACCES;
    }
    return -XEN_ENOSYS;
}

static long do_sysctl(struct xen_sysctl *ctl)
{
    if (ctl->cmd != XEN_SYSCTL_physinfo)
        return -XEN_ENOSYS;
    ctl->u.physinfo.total_pages = FAKE_FRAMES;
    ctl->u.physinfo.free_pages = FAKE_FRAMES - frames_in_use();
    return 0;
}

/*
 * Superpages come from the upper half of the machine as they are, single frames from everywhere, scattered.
 */
static bool take_extent(domid_t domid, unsigned order, xen_pfn_t *extent)
{
    if (order) {
        for (unsigned base = FAKE_FRAMES / 2; base + 512 <= FAKE_FRAMES; base += 512) {
            unsigned free = 0;

            while (free < 512 && !frame_owner[base + free])
                free++;
            if (free < 512)
                continue;
            for (unsigned i = 0; i < 512; i++)
                frame_owner[base + i] = domid + 1;
            *extent = base;
            return true;
        }
        return false;
    }
    for (unsigned n = 0; n < FAKE_FRAMES; n++) {
        if (frame_owner[scatter(n)])
            continue;
        frame_owner[scatter(n)] = domid + 1;
        *extent = scatter(n);
        return true;
    }
    return false;
}

static long populate(const struct xen_memory_reservation *r)
{
    struct fake_domain *d = domain_of(r->domid);
    unsigned i;

    if (!d)
        return -XEN_ESRCH;
    if (r->extent_order && fake_no_superpages)
        return 0;
    for (i = 0; i < r->nr_extents; i++) {
        if (d->pages + (1u << r->extent_order) > d->max_pages ||
            !take_extent(r->domid, r->extent_order, &r->extent_start.p[i]))
            break;
        d->pages += 1u << r->extent_order;
        for (unsigned page = 0; page < 1u << r->extent_order; page++)
            memset(fake_frame(r->extent_start.p[i] + page), 0x5a, PORT_PAGE_SIZE);      /* not scrubbed */
    }
    return i;
}

/* Pinning walks the tables as a hypervisor does: tables are the domain's, and nobody else has them mapped. */
static long pin(domid_t domid, uint64_t mfn, int level)
{
    const uint64_t *entries = fake_frame(mfn);

    if (frame_owner[mfn] != domid + 1 || frame_mapped[mfn])
        return -XEN_EINVAL;
    for (unsigned i = 0; i < 512; i++) {
        uint64_t child = entries[i] >> 12;

        if (!(entries[i] & 1))
            continue;
        if (child >= FAKE_FRAMES || frame_owner[child] != domid + 1)
            return -XEN_EINVAL;
        if (level > 1 && pin(domid, child, level - 1) < 0)
            return -XEN_EINVAL;
    }
    return 0;
}

static long do_mmuext(struct mmuext_op *op, domid_t domid)
{
    struct fake_domain *d = domain_of(domid);
    long rc = d && op->cmd == MMUEXT_PIN_L4_TABLE ? pin(domid, op->arg1.mfn, 4) : -XEN_EINVAL;

    if (rc == 0)
        d->pinned = op->arg1.mfn;
    return rc;
}

/* The frame of the grant table is the domain's but not of its memory. */
static long do_grants(struct gnttab_setup_table *setup)
{
    struct fake_domain *d = domain_of(setup->dom);

    if (!d)
        return -XEN_ESRCH;
    for (unsigned n = 0; !d->grants && n < FAKE_FRAMES; n++) {
        if (frame_owner[scatter(n)])
            continue;
        d->grants = scatter(n);
        frame_owner[d->grants] = setup->dom + 1;
        memset(fake_frame(d->grants), 0, PORT_PAGE_SIZE);
    }
    setup->frame_list.p[0] = d->grants;
    setup->status = GNTST_okay;
    return 0;
}

static long do_memory(uint64_t cmd, void *arg)
{
    const struct xen_foreign_memory_map *map = arg;

    if (cmd == XENMEM_populate_physmap)
        return populate(arg);
    if (cmd == XENMEM_set_memory_map)
        return domain_of(map->domid) && map->map.nr_entries == 1 ? 0 : -XEN_EINVAL;
    return -XEN_ENOSYS;
}

long port_hypercall(unsigned op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
    struct evtchn_alloc_unbound *alloc = (void *)(uintptr_t)a2;

    if (op == __HYPERVISOR_domctl && ((struct xen_domctl *)a1)->cmd == XEN_DOMCTL_destroydomain)
        return do_domctl((void *)a1);           /* ending a domain does not fail */
    if (fails_now())
        return -XEN_ENOMEM;
    switch (op) {
    case __HYPERVISOR_domctl:
        return do_domctl((void *)a1);
    case __HYPERVISOR_sysctl:
        return do_sysctl((void *)a1);
    case __HYPERVISOR_memory_op:
        return do_memory(a1, (void *)a2);
    case __HYPERVISOR_grant_table_op:
        return a1 == GNTTABOP_setup_table ? do_grants((void *)a2) : -XEN_ENOSYS;
    case __HYPERVISOR_mmuext_op:
        return do_mmuext((void *)a1, a4);
    case __HYPERVISOR_event_channel_op:
        alloc->port = ++domain_of(alloc->dom)->ports;
        return 0;
    }
    return -XEN_ENOSYS;
}

void *port_buffer(size_t bytes)
{
    void *buffer = NULL;

    if (fails_now() || posix_memalign(&buffer, PORT_PAGE_SIZE, bytes))
        return NULL;
    memset(buffer, 0, bytes);
    buffers++;
    return buffer;
}

void port_buffer_free(void *buffer, size_t bytes)
{
    (void)bytes;
    buffers--;
    free(buffer);
}

void *port_map_foreign(domid_t domid, const xen_pfn_t *mfns, size_t count)
{
    unsigned slot = 0;
    uint8_t *at;

    if (fails_now() || count > MAX_MAPPED)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (mfns[i] >= FAKE_FRAMES || frame_owner[mfns[i]] != domid + 1)
            return NULL;
    while (mapping_table[slot].address)
        slot++;
    fake_frame(0);
    at = mmap(NULL, count * PORT_PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mapping_table[slot].address = at;
    for (size_t i = 0; i < count; i++) {
        mmap(at + i * PORT_PAGE_SIZE, PORT_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
             memory_file, (off_t)mfns[i] * PORT_PAGE_SIZE);
        mapping_table[slot].mfns[i] = mfns[i];
        frame_mapped[mfns[i]]++;
    }
    mappings += count;
    return at;
}

void port_unmap_foreign(void *address, size_t count)
{
    unsigned slot = 0;

    while (mapping_table[slot].address != address)
        slot++;
    for (size_t i = 0; i < count; i++)
        frame_mapped[mapping_table[slot].mfns[i]]--;
    mapping_table[slot].address = NULL;
    munmap(address, count * PORT_PAGE_SIZE);
    mappings -= count;
}

/* -- Events ---------------------------------------------------------------------------------------------- */

static int bind_port(domid_t domid, evtchn_port_t remote, void (*handler)(void *), void *arg)
{
    if (fails_now())
        return -XEN_ENOSPC;
    for (int i = 1; i < MAX_PORTS; i++) {
        if (port_table[i].bound)
            continue;
        port_table[i].bound = true;
        port_table[i].masked = false;
        port_table[i].domid = domid;
        port_table[i].remote = remote;
        port_table[i].handler = handler;
        port_table[i].arg = arg;
        return i;
    }
    return -XEN_ENOSPC;
}

int port_bind_interdomain(domid_t domid, evtchn_port_t remote_port, void (*handler)(void *), void *arg)
{
    return domain_of(domid) ? bind_port(domid, remote_port, handler, arg) : -XEN_ESRCH;
}

int port_bind_virq(unsigned virq, void (*handler)(void *), void *arg)
{
    return bind_port(DOMID_SELF, virq, handler, arg);
}

void port_unbind(int port)
{
    port_table[port].bound = false;
}

void port_notify(int port)
{
    (void)port;
}

void port_mask(int port)
{
    port_table[port].masked = true;
}

void port_unmask(int port)
{
    port_table[port].masked = false;
}

void fake_notify_from(domid_t domid, evtchn_port_t port)
{
    for (int i = 1; i < MAX_PORTS; i++)
        if (port_table[i].bound && port_table[i].domid == domid && port_table[i].remote == port) {
            upcalls += !port_table[i].masked;
            if (!port_table[i].masked)
                port_table[i].handler(port_table[i].arg);
        }
}

unsigned fake_upcalls(void)
{
    return upcalls;
}

void fake_shutdown(domid_t domid, unsigned reason)
{
    domain_of(domid)->flags |= XEN_DOMINF_shutdown | reason << XEN_DOMINF_shutdownshift;
    fake_notify_from(DOMID_SELF, VIRQ_DOM_EXC);
}

/* -- Threads --------------------------------------------------------------------------------------------- */

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;       /* whose turn it is to run */
static pthread_cond_t something = PTHREAD_COND_INITIALIZER;
static bool main_has_turn, locked;

struct start {
    void (*function)(void *);
    void *arg;
};

static void *run(void *arg)
{
    struct start start = *(struct start *)arg;

    free(arg);
    pthread_mutex_lock(&turn);
    start.function(start.arg);
    pthread_mutex_unlock(&turn);
    return NULL;
}

int port_thread(const char *name, void (*function)(void *), void *arg)
{
    struct start *start = malloc(sizeof(*start));
    pthread_t thread;

    (void)name;
    if (!main_has_turn) {
        pthread_mutex_lock(&turn);
        main_has_turn = true;
    }
    *start = (struct start){ function, arg };
    return pthread_create(&thread, NULL, run, start) ? -1 : pthread_detach(thread);
}

void port_wake(struct port_event *event)
{
    event->set = true;
    pthread_cond_broadcast(&something);
}

bool port_wait(struct port_event *event, uint64_t timeout_ns)
{
    struct timespec until;
    bool woken;

    clock_gettime(CLOCK_REALTIME, &until);
    if (timeout_ns > 3600000000000u)
        timeout_ns = 3600000000000u;
    timeout_ns += until.tv_nsec;
    until.tv_sec += timeout_ns / 1000000000;
    until.tv_nsec = timeout_ns % 1000000000;
    while (!event->set && pthread_cond_timedwait(&something, &turn, &until) == 0)
        ;
    woken = event->set;
    event->set = false;
    return woken;
}

void port_yield(void)
{
    yields++;
}

unsigned fake_yields(void)
{
    return yields;
}

void port_sleep(uint64_t ns)
{
    struct port_event never = { 0 };

    port_wait(&never, ns < 1000000 ? ns : 1000000);     /* a millisecond is long enough here */
}

void port_lock(void)
{
    while (locked)
        pthread_cond_wait(&something, &turn);
    locked = true;
}

void port_unlock(void)
{
    locked = false;
    pthread_cond_broadcast(&something);
}

uint64_t port_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

uint64_t port_wallclock(void)
{
    return time(NULL);
}

int port_key(uint64_t timeout_ns)
{
    (void)timeout_ns;
    return -1;
}

void port_print(const void *bytes, size_t count)
{
    (void)bytes;
    (void)count;
}
