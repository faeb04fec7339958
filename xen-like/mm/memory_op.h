/* SPDX-License-Identifier: MIT */
/* What the files that carry out memory_op share. */
#pragma once

#include <xen/memory.h>

#include "mm/internal.h"

#define MEMOP_EXTENT_SHIFT  6   /* above the sub-operation: the extent to go on at */
#define MEMOP_CMD_MASK      ((1u << MEMOP_EXTENT_SHIFT) - 1)

/*
 * One call: its sub-operation, the extent to go on at, the caller's structure at arg, and the domain that it is
 * about, once memop_target() has found it.
 */
struct memop {
    unsigned int op;
    unsigned long start, arg;
    struct domain *d;           /* counted until the end of the call */
    union {
        domid_t domid;
        struct xen_memory_reservation reservation;
        struct xen_memory_exchange exchange;
        struct xen_machphys_mfn_list m2p_list;
        struct xen_machphys_mapping m2p_mapping;
        struct xen_memory_map map;
        struct xen_foreign_memory_map foreign_map;
        struct xen_add_to_physmap add;
        struct xen_add_to_physmap_batch add_batch;
        struct xen_remove_from_physmap remove;
        struct xen_mem_acquire_resource resource;
        struct xen_vnuma_topology_info vnuma;
    } u;
};

typedef long memop_fn(struct memop *m);

memop_fn memop_exchange;
memop_fn memop_ram_page, memop_reservation_info, memop_m2p_list, memop_m2p_mapping;
memop_fn memop_memory_map, memop_set_memory_map, memop_machine_memory_map;
memop_fn memop_add_to_physmap, memop_add_to_physmap_batch, memop_remove_from_physmap;
memop_fn memop_claim, memop_sharing_info, memop_acquire_resource, memop_vnumainfo;

/* The call goes on later, at that extent. */
static inline long memop_restart(const struct memop *m, unsigned long extent)
{
    return HYPERCALL_RESTART(m->op | extent << MEMOP_EXTENT_SHIFT, m->arg);
}

/* m->d: the domain of that id, or the caller's own for DOMID_SELF. -ESRCH: there is none; -EPERM. */
static inline long memop_target(struct memop *m, domid_t domid)
{
    m->d = domain_get(domid);
    return m->d ? foreign_permitted(m->d) : -ESRCH;
}

/* The largest order that the current domain may use. */
static inline unsigned int memop_max_order(void)
{
    return current->domain->privileged ? 18 : current->domain->hardware ? 12 : 9;
}
