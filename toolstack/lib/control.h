/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's control interfaces as plain functions, one a call: domctl, sysctl (interface version
 * 0x15), memory_op, mmuext_op and event channels on behalf of another domain. All return 0 or a count, or a
 * negative error number of <xen/errno.h> (tn_xen_error() has its words). Nothing is remembered between calls.
 */
#ifndef TOOLSTACK_CONTROL_H
#define TOOLSTACK_CONTROL_H

#include "config.h"
#include "port.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

/* Why a domain shut down, from getdomaininfo's flags: SHUTDOWN_* of <xen/sched.h>. */
static inline unsigned ctl_shutdown_reason(const struct xen_domctl_getdomaininfo *info)
{
    return info->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
}

/* -- Domains --------------------------------------------------------------------------------------------- */
int ctl_create(domid_t *domid, unsigned max_vcpus, const uint8_t handle[16]);
int ctl_max_vcpus(domid_t domid, unsigned max_vcpus);
/* The limit for a domain that is to have `kib`: with the room above that xl leaves, for pages beside its RAM. */
int ctl_max_mem(domid_t domid, uint64_t kib);
int ctl_pause(domid_t domid);
int ctl_unpause(domid_t domid);
/* Returns when all that the domain owned is given back, but for frames that others still map. */
int ctl_destroy(domid_t domid);
/* -ESRCH when there is no domain of exactly this id. */
int ctl_info(domid_t domid, struct xen_domctl_getdomaininfo *info);
/* All domains from `first` on, ascending, at most `max`; returns their number. */
int ctl_list(domid_t first, struct xen_domctl_getdomaininfo *infos, unsigned max);
int ctl_vcpu_info(domid_t domid, unsigned vcpu, struct xen_domctl_getvcpuinfo *info);
/* Where it may run, and where it runs rather; NULL leaves one as it is, or does not ask for it. */
int ctl_set_affinity(domid_t domid, unsigned vcpu, const struct tn_cpu_set *hard,
                     const struct tn_cpu_set *soft);
int ctl_get_affinity(domid_t domid, unsigned vcpu, struct tn_cpu_set *hard, struct tn_cpu_set *soft);
/* Share of CPU time; cap in per cent of a CPU, 0: none. To set weight 0 leaves it as it is, so does cap 65535. */
int ctl_shares(domid_t domid, unsigned *weight, unsigned *cap);
int ctl_set_shares(domid_t domid, unsigned weight, unsigned cap);
#define CTL_SAME_WEIGHT 0u
#define CTL_SAME_CAP    0xffffu
int ctl_hypercall_page(domid_t domid, xen_pfn_t mfn);
/* Seconds that the domain's wall clock differs from the machine's. */
int ctl_time_offset(domid_t domid, int64_t seconds);
int ctl_set_context(domid_t domid, unsigned vcpu, const struct vcpu_guest_context *context);

/* -- Memory ---------------------------------------------------------------------------------------------- */
/*
 * Give the domain `count` extents of 2^order pages. `extents` (memory of port_buffer) holds the first pfn of
 * each and receives its first mfn. Returns how many were given, perhaps fewer.
 */
int ctl_populate(domid_t domid, xen_pfn_t *extents, unsigned count, unsigned order);
/* The memory map that the guest asks for: RAM from 0 up to `bytes`. */
int ctl_memory_map(domid_t domid, uint64_t bytes);
int ctl_pin_l4(domid_t domid, xen_pfn_t mfn);

/*
 * Fill the entries of the domain's grant table that are set aside for its console and its store, so that this
 * domain may map those two pages by grant too.
 */
int ctl_seed_grants(domid_t domid, xen_pfn_t console_mfn, xen_pfn_t store_mfn);

/* -- Event channels -------------------------------------------------------------------------------------- */
/* A port of `domid` that this domain may bind to. Returns the port. */
int ctl_alloc_unbound(domid_t domid);

/* -- The machine ----------------------------------------------------------------------------------------- */
int ctl_physinfo(struct xen_sysctl_physinfo *info);
int ctl_sched_id(void);
/* Parameters of the scheduler as a whole; the second sets them, and gives back what is in force then. */
int ctl_sched_params(struct xen_sysctl_credit_schedule *params);
int ctl_set_sched_params(struct xen_sysctl_credit_schedule *params);
/* As if `keys` were typed on the hypervisor's own console. */
int ctl_debug_keys(const char *keys);
/*
 * The hypervisor's console ring from *index on, into `buffer` (memory of port_buffer). Returns the bytes got,
 * and moves *index behind them.
 */
int ctl_readconsole(char *buffer, unsigned size, uint32_t *index);

/* xen_version: `cmd` is XENVER_*; `buffer` (memory of port_buffer) receives what the command gives. */
long ctl_version(unsigned cmd, void *buffer);

/*
 * This domain shuts down, and the machine with it when it is Domain-0: SHUTDOWN_poweroff or SHUTDOWN_reboot.
 */
void ctl_shutdown_self(unsigned reason);

#endif
