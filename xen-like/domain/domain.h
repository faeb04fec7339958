/* SPDX-License-Identifier: MIT */
/*
 * Domains and their vCPUs: the two structures that all subsystems hang their own part on, and their life.
 *
 * A domain is found by domain_get(), which counts a reference; it lives on, dead, until the last is dropped.
 * Who holds no reference may use `current->domain` and a domain whose control operation is under way.
 */
#pragma once

#include <xen/domctl.h>

#include "event/event.h"
#include "grant/grant.h"
#include "mm/alloc.h"
#include "pv/pv.h"
#include "sched/sched.h"

#define MAX_VCPUS 32    /* a domain's, as shared_info has room for */

/* The most that a domain may have, and what it gets where its creator leaves it open. */
#define GRANT_FRAMES_MAX    64
#define MAPTRACK_FRAMES_MAX 1024

#define SHUTDOWN_CODE_NONE (~0u)

enum domain_state {
    DOMAIN_ALIVE,
    DOMAIN_DYING,       /* being taken apart; no new references to its memory */
    DOMAIN_DEAD,        /* all is given back but what others still hold */
};

struct vcpu {
    struct domain *domain;
    unsigned int id;
    bool idle, initialised;         /* initialised: has a context by VCPUOP_initialise or setvcpucontext */
    bool initialising;              /* another vCPU is giving it one */
    struct vcpu_info *info;         /* shared with the guest: in shared_info, or where it registered it */
    mfn_t info_mfn;                 /* frame of a registered one (reference and type held), or INVALID_MFN */
    u32 time_version;               /* of info->time, kept here so that the guest cannot confuse it */
    unsigned long time_guest;       /* guest address of a copy of info->time, 0: none */
    struct vcpu_sched sched;
    struct vcpu_event event;
    struct pv_vcpu pv;
    mfn_t undo_mfn;                 /* a page table that its hypercall has left half undone (mm), 0: none */
};

struct domain {
    domid_t id;
    u32 refs;
    struct list all;                /* list of all domains, by id */
    struct domain *bucket_next;     /* the next whose id falls into the same bucket */
    struct domain *reap_next;       /* list of those whose last reference is gone */
    struct spinlock lock;
    enum domain_state state;
    bool privileged, hardware;      /* may control other domains; gets the machine's devices */
    bool shut_down;                 /* lock; one of pause_count, until XEN_DOMCTL_resumedomain */
    u32 shutdown_code;              /* SHUTDOWN_*, or SHUTDOWN_CODE_NONE */
    u32 suspend_port;               /* its port that hears of SHUTDOWN_suspend (XEN_DOMCTL_subscribe) */
    int pause_count, controller_pauses; /* the latter are some of the former (lock) */
    u8 handle[16];
    u32 create_flags;
    unsigned int max_vcpus;         /* size of vcpu[] */
    struct vcpu **vcpu;             /* NULL where not made */
    struct shared_info *shared_info;
    s64 time_offset;                /* of its wall clock, seconds */
    u32 wc_version, tsc_incarnation;
    struct spinlock page_lock;      /* LOCK_PAGE_ALLOC: mm */
    struct domain_mm mm;
    struct domain_event event;
    struct {
        u8 used;
        char line[127];
    } console;                      /* the line that it is writing (a lock for all, in console/input.c) */
    struct domain_sched sched;
    struct grant_table *grant;
    struct pv_domain pv;
    unsigned int relinquish_step, relinquish_vcpu; /* where domain_kill() is */
    stime_t kill_until;             /* when its caller shall be asked to come again; 0: not begun */
    struct cpuid_policy *cpuid;     /* what its toolstack chose, NULL: cpuid_pv */
    bool started;                   /* its controller has let it run */
    char crash_reason[80];          /* why guest_crash() ended it; "" if it did not */
};

extern struct domain *hardware_domain;  /* Domain-0; set by domain_create() */
/* The pseudo domains DOMID_IDLE, DOMID_IO, DOMID_XEN. */
extern struct domain *domain_idle, *domain_io, *domain_xen;

#define is_idle(v) ((v)->idle)

void domain_subsystem_init(void);   /* boot: pseudo domains */
/*
 * A domain with shared_info, no vCPU and no memory, paused by its controller; of config, what PV domains
 * have. One call at a time. -ENOMEM, -EEXIST (id is taken), -EINVAL (config). id may be DOMID_INVALID: the
 * next free one; 0 is Domain-0, which alone is privileged and gets the hardware.
 */
int domain_create(domid_t id, const struct xen_domctl_createdomain *config, struct domain **new);
/* Domain's lock held, or d not yet reachable. -ENOMEM, -EEXIST, -EINVAL. */
int vcpu_create(struct domain *d, unsigned int id, unsigned int cpu);
struct vcpu *idle_vcpu_create(unsigned int cpu);    /* boot; NULL: no memory */

/*
 * References; any context, any lock held. The last domain_put() leaves the domain to a softirq, which frees
 * it. The pseudo domains cannot be had by their ids.
 */
struct domain *domain_get(domid_t id);      /* NULL: there is none. DOMID_SELF: current's. Counted. */
struct domain *domain_get_by_id(domid_t id); /* the same, but DOMID_SELF is no id */
bool domain_get_ref(struct domain *d);      /* one more; false where the last is gone */
void domain_put(struct domain *d);
static inline void domain_put_held(struct domain **d)
{
    if (*d)
        domain_put(*d);
}
/* struct domain *d held_domain = domain_get(id): put, unless NULL, when the block is left. */
#define held_domain __cleanup(domain_put_held)
/*
 * Walks all domains by ascending id: the first with an id of at least `from`, counted. NULL: no more.
 * domain_next() drops the reference of the one it is given.
 */
struct domain *domain_first(unsigned int from);
struct domain *domain_next(struct domain *d);
#define for_each_domain(d) for (struct domain *d = domain_first(0); d; d = domain_next(d))
struct vcpu *domain_vcpu(const struct domain *d, unsigned int id); /* NULL: none; id is a guest's number */

/*
 * Taking apart, one call at a time, of a domain that the caller holds a reference of. Until it is done:
 * -ERESTART where other work of this CPU comes first; -EAGAIN after some milliseconds, for the caller to
 * repeat the call when it has seen to others.
 */
int domain_kill(struct domain *d);
void domain_shutdown(struct domain *d, u8 reason);
void domain_crash(struct domain *d);        /* SHUTDOWN_crash; current's vCPU stops at its next exit */

/* --- vCPUs and what they share with their guest --- */
void vcpu_drop_info(struct vcpu *v);        /* back to shared_info, and the frame's references dropped */
void vcpu_send_nmi(struct vcpu *v);
/*
 * Refreshes v->info->time for the CPU that it runs on, and its runstate copy; on context switch and after
 * time changes.
 */
void vcpu_update_time(struct vcpu *v);
void domain_update_wallclock(struct domain *d);

/* Of the machine, and so of all domains. */
void domain_set_wallclock(u64 secs, u32 nsecs, stime_t system_time);
/* A guest's vCPU context, to be freed; NULL with *err -ENOMEM or -EFAULT. */
struct vcpu_guest_context *context_from_guest(unsigned long from, long *err);
u32 cpu_acpi_id(unsigned int cpu);          /* the number that ACPI's tables have for a CPU */

/* d's first vCPU with an id of at least from; NULL: there is none. */
static inline struct vcpu *domain_vcpu_from(const struct domain *d, unsigned int from)
{
    while (from < d->max_vcpus && !d->vcpu[from])
        from++;
    return from < d->max_vcpus ? d->vcpu[from] : NULL;
}

#define for_each_vcpu(d, v) \
    for (struct vcpu *v = domain_vcpu_from(d, 0); v; v = domain_vcpu_from(d, v->id + 1))

/* What control tools learn of a domain (XEN_DOMCTL_getdomaininfo). */
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* Debug keys: all domains and vCPUs; the registers of the hardware domain's vCPUs. */
void domain_dump_all(void);
void domain_dump_hardware(void);
