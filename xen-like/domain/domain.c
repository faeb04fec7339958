/* SPDX-License-Identifier: MIT */
/*
 * Domains: how they come to be, how they are found and referenced, and how they end. The end has four parts.
 * Shutdown: the guest stops, nothing is taken from it. Kill: on the toolstack's order, preemptibly,
 * everything that it holds of itself and of others is given back. Then it is dead, and its id stays taken
 * while others still hold frames of it. The last reference frees the structure, in a softirq, since it may be
 * dropped under any lock.
 */
#include "domain/domain.h"

#include "cpu/machine.h"
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "pv/hypercall.h"

#include <xen/sched.h>

struct domain *hardware_domain;
struct domain *domain_idle, *domain_io, *domain_xen;

/* Guards the buckets, by id, and the list. Nothing is taken under it. */
static struct spinlock table_lock = SPINLOCK_INIT(LOCK_LEAF);
static struct domain *buckets[256];
static struct list all_domains = LIST_INIT(all_domains);
static struct domain *reap_list;

/* --- finding --- */

/* Where the domain of that id is linked, or would be. table_lock held. */
static struct domain **table_slot(domid_t id)
{
    struct domain **slot = &buckets[id % ARRAY_SIZE(buckets)];

    while (*slot && (*slot)->id != id)
        slot = &(*slot)->bucket_next;
    return slot;
}

bool domain_get_ref(struct domain *d)
{
    u32 refs = READ_ONCE(d->refs);

    while (refs && !atomic_cmpxchg(&d->refs, &refs, refs + 1))
        ;
    return refs;
}

struct domain *domain_get_by_id(domid_t id)
{
    spin_guard(&table_lock);
    struct domain *d = *table_slot(id);

    return d && domain_get_ref(d) ? d : NULL;
}

struct domain *domain_get(domid_t id)
{
    struct domain *d = current->domain;

    if (id != DOMID_SELF && id != d->id)
        return domain_get_by_id(id);
    return domain_get_ref(d) ? d : NULL;
}

/* The first from e on, in the list, that can be referenced. table_lock held. */
static struct domain *first_alive(struct list *e, unsigned int from)
{
    for (; e != &all_domains; e = e->next) {
        struct domain *d = list_entry(e, struct domain, all);

        if (d->id >= from && domain_get_ref(d))
            return d;
    }
    return NULL;
}

struct domain *domain_first(unsigned int from)
{
    spin_guard(&table_lock);
    return first_alive(all_domains.next, from);
}

struct domain *domain_next(struct domain *d)
{
    struct domain *last held_domain = d;

    spin_guard(&table_lock);
    return first_alive(d->all.next, 0);
}

struct vcpu *domain_vcpu(const struct domain *d, unsigned int id)
{
    return id < d->max_vcpus ? READ_ONCE(d->vcpu[index_nospec(id, d->max_vcpus)]) : NULL;
}

/* Its id is free: domains are made one at a time. */
static void table_insert(struct domain *d)
{
    struct list *at = all_domains.prev;

    spin_guard(&table_lock);
    *table_slot(d->id) = d;
    while (at != &all_domains && list_entry(at, struct domain, all)->id > d->id)
        at = at->prev;
    list_add(&d->all, at);
}

static bool id_taken(domid_t id)
{
    spin_guard(&table_lock);
    return *table_slot(id) != NULL;
}

/* The next id after the last one given out that is free: ids are not used again soon. 0: none. */
static domid_t free_id(void)
{
    static domid_t last;

    for (unsigned int i = 1; i < DOMID_FIRST_RESERVED; i++) {
        last = last + 1u < DOMID_FIRST_RESERVED ? last + 1 : 1;
        if (!id_taken(last))
            return last;
    }
    return 0;
}

/* --- making --- */

/* A structure that knows who it is, referenced once. */
static struct domain *domain_blank(domid_t id, unsigned int max_vcpus)
{
    struct domain *d = xzalloc(struct domain);

    if (!d)
        return NULL;
    domain_open_account(d, d, id < DOMID_FIRST_RESERVED && id);
    d->vcpu = domain_xzalloc_array(d, struct vcpu *, max_vcpus);
    if (!d->vcpu) {
        xfree(d);
        return NULL;
    }
    d->id = id;
    d->refs = 1;
    d->max_vcpus = max_vcpus;
    d->state = DOMAIN_ALIVE;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    spin_lock_init(&d->lock, LOCK_DOMAIN);
    spin_lock_init(&d->page_lock, LOCK_PAGE_ALLOC);
    list_init(&d->all);
    sched_init_domain(d);
    return d;
}

static int make_shared_info(struct domain *d)
{
    struct shared_info *si = domain_alloc_pages(d, 0);

    if (!si)
        return -ENOMEM;
    for (unsigned int i = 0; i < ARRAY_SIZE(si->vcpu_info); i++)
        si->vcpu_info[i].evtchn_upcall_mask = 1;
    if (!frame_share_with(mfn_to_frame(virt_to_mfn(si)), d)) {
        domain_free_pages(d, si, 0);
        return -ENOMEM;
    }
    d->shared_info = si;
    return 0;
}

/*
 * Gives back what a domain holds when nothing refers to it any more. Parts that were never made are skipped.
 */
static void domain_free(struct domain *d)
{
    for (unsigned int i = 0; i < d->max_vcpus; i++) {
        if (d->vcpu[i]) {
            pv_destroy_vcpu(d->vcpu[i]);
            domain_free_pages(d, d->vcpu[i], 0);
        }
    }
    grant_free_domain(d);
    event_free_domain(d);
    if (d->shared_info) {
        frame_unshare(mfn_to_frame(virt_to_mfn(d->shared_info)));
        domain_free_pages(d, d->shared_info, 0);
    }
    domain_xfree(d, d->vcpu);
    domain_xfree(d, d->cpuid);
    domain_close_account(d, d);
}

/* What a domain is given beside its structure. */
static int furnish(struct domain *d, const struct xen_domctl_createdomain *config)
{
    s32 frames = config->max_grant_frames, maptrack = config->max_maptrack_frames;

    return make_shared_info(d) ?: event_init_domain(d, config->max_evtchn_port) ?:
           grant_init_domain(d, frames < 0 ? GRANT_FRAMES_MAX : (unsigned int)frames,
                             maptrack < 0 ? MAPTRACK_FRAMES_MAX : (unsigned int)maptrack);
}

int domain_create(domid_t id, const struct xen_domctl_createdomain *config, struct domain **new)
{
    const bool first = id == 0;

    if (config->max_vcpus > MAX_VCPUS)
        return -EINVAL;
    if (id < DOMID_FIRST_RESERVED && id_taken(id))
        return -EEXIST;
    if (id >= DOMID_FIRST_RESERVED)
        id = free_id();
    struct domain *d = id || first ? domain_blank(id, config->max_vcpus) : NULL;
    if (!d)
        return -ENOMEM;
    d->privileged = d->hardware = first;
    d->create_flags = config->flags;
    memcpy(d->handle, config->handle, sizeof(d->handle));
    d->pause_count = d->controller_pauses = 1;
    pv_init_domain(d);
    int err = furnish(d, config);
    if (err) {
        /* Nobody has seen it; what it shares holds references of it. */
        d->state = DOMAIN_DYING;
        if (d->shared_info)
            frame_unshare(mfn_to_frame(virt_to_mfn(d->shared_info)));
        domain_put(d);
        return err;
    }
    table_insert(d);
    if (first)
        hardware_domain = d;
    domain_update_wallclock(d);
    *new = d;
    return 0;
}

_Static_assert(sizeof(struct vcpu) <= PAGE_SIZE, "a vCPU has a page of its own");

static void vcpu_init(struct vcpu *v, struct domain *d, unsigned int id, unsigned int cpu,
                      struct vcpu_info *info)
{
    v->domain = d;
    v->id = id;
    v->idle = d == domain_idle;
    v->info = info;
    v->info_mfn = INVALID_MFN;
    event_init_vcpu(v);
    sched_init_vcpu(v, cpu);
}

int vcpu_create(struct domain *d, unsigned int id, unsigned int cpu)
{
    if (id >= d->max_vcpus)
        return -EINVAL;
    if (d->vcpu[id])
        return -EEXIST;
    /* Alone in its page: entry.S needs it mapped when nothing else is. */
    struct vcpu *v = domain_alloc_pages(d, 0);
    if (!v)
        return -ENOMEM;
    vcpu_init(v, d, id, cpu, &d->shared_info->vcpu_info[id]);
    int err = pv_init_vcpu(v);
    if (err)
        domain_free_pages(d, v, 0);
    else
        store_release(&d->vcpu[id], v);
    return err;
}

struct vcpu *idle_vcpu_create(unsigned int cpu)
{
    static struct vcpu_info no_info;    /* no event ever comes for it */
    struct vcpu *v = xzalloc(struct vcpu);

    if (v) {
        vcpu_init(v, domain_idle, cpu, cpu, &no_info);
        domain_idle->vcpu[cpu] = v;
    }
    return v;
}

/* --- the last reference --- */

void domain_put(struct domain *d)
{
    if (atomic_dec(&d->refs) != 0)
        return;
    struct domain *head = READ_ONCE(reap_list);
    do
        d->reap_next = head;
    while (!atomic_cmpxchg(&reap_list, &head, d));
    softirq_raise(SOFTIRQ_REAP);
}

static void reap(void)
{
    struct domain *d = atomic_xchg(&reap_list, NULL), *next;

    for (; d; d = next) {
        next = d->reap_next;
        spin_lock(&table_lock);
        struct domain **slot = table_slot(d->id);
        if (*slot == d)
            *slot = d->bucket_next;
        list_del(&d->all);
        spin_unlock(&table_lock);
        domain_free(d);
    }
}

void domain_subsystem_init(void)
{
    domain_idle = domain_blank(DOMID_IDLE, MAX_CPUS);
    domain_io = domain_blank(DOMID_IO, 1);
    domain_xen = domain_blank(DOMID_XEN, 1);
    if (!domain_idle || !domain_io || !domain_xen)
        panic("no memory for the hypervisor's own domains");
    softirq_register(SOFTIRQ_REAP, reap);
}

/* --- shutdown --- */

void domain_shutdown(struct domain *d, u8 reason)
{
    if (is_idle(current))
        guest_log(d->id, LOG_INFO, "shutdown, reason %u\n", reason);
    else
        guest_log(d->id, LOG_INFO, "shutdown, reason %u, by d%uv%u at %lx\n", reason, current->domain->id,
                  current->id, guest_regs()->rip);
    spin_lock(&d->lock);
    if (d->shutdown_code == SHUTDOWN_CODE_NONE)
        d->shutdown_code = reason;
    reason = (u8)d->shutdown_code;
    if (d->hardware) {
        spin_unlock(&d->lock);
        machine_shutdown(reason);
    }
    const bool before = d->shut_down;
    if (!before)
        domain_pause_nosync(d);
    d->shut_down = true;
    const unsigned int port = reason == SHUTDOWN_suspend ? d->suspend_port : 0;
    spin_unlock(&d->lock);

    if (!before && port)
        evtchn_send(d, port);
    else if (!before)
        send_global_virq(VIRQ_DOM_EXC);
}

void domain_crash(struct domain *d) { domain_shutdown(d, SHUTDOWN_crash); }

/* --- kill --- */

/* Roots, descriptor tables and the registered vcpu_info of one vCPU after the other. */
static int kill_vcpus(struct domain *d)
{
    struct vcpu *v;

    while ((v = domain_vcpu_from(d, d->relinquish_vcpu)) != NULL) {
        sched_kill_vcpu(v);
        int err = pv_relinquish_vcpu(v);
        if (err)
            return err;
        vcpu_drop_info(v);
        d->relinquish_vcpu = v->id + 1;
    }
    return 0;
}

/* In this order: who others could still reach it through goes first, its memory last. */
static int (*const kill_steps[])(struct domain *d) = {
    sched_kill_domain,
    event_destroy_domain,
    grant_release_mappings,
    kill_vcpus,
    mm_relinquish_domain,
};

/* How long the caller of domain_kill() is kept before it may do something else. */
#define KILL_SLICE MILLISECS(5)

/*
 * The steps that are left, for as long as d->kill_until allows. That time is over when a timer is due, which
 * hypercall_preempt_check() sees; it has no function to run, for it is stopped before this CPU runs any.
 */
static int kill_for_a_while(struct domain *d)
{
    struct timer over;
    int err = 0;

    if (!d->kill_until)
        d->kill_until = now() + KILL_SLICE;
    timer_init(&over, NULL, NULL, this_cpu_nr());
    timer_set(&over, d->kill_until);
    while (d->relinquish_step < ARRAY_SIZE(kill_steps) && (err = kill_steps[d->relinquish_step](d)) == 0)
        d->relinquish_step++;
    timer_stop(&over);
    if (err != -ERESTART || now() < d->kill_until)
        return err;
    d->kill_until = 0;
    return -EAGAIN;
}

int domain_kill(struct domain *d)
{
    if (d->state == DOMAIN_DEAD)
        return 0;
    if (d->state == DOMAIN_ALIVE) {
        domain_pause(d);
        spin_guard(&d->lock);
        spin_guard(&d->page_lock);
        d->state = DOMAIN_DYING;
    }
    int err = kill_for_a_while(d);
    if (err)
        return err;
    d->state = DOMAIN_DEAD;
    domain_put(d);
    send_global_virq(VIRQ_DOM_EXC);
    return 0;
}
