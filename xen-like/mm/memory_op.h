/* SPDX-License-Identifier: MIT */
/* What the files that carry out memory_op share. */
#ifndef MM_MEMORY_OP_H
#define MM_MEMORY_OP_H

#include <xen/memory.h>

#include "domain/domain.h"
#include "mm/guest.h"
#include "mm/internal.h"
#include "pv/hypercall.h"

#define MEMOP_EXTENT_SHIFT  6   /* above the sub-operation: the extent to go on at */
#define MEMOP_CMD_MASK      ((1u << MEMOP_EXTENT_SHIFT) - 1)

/* A handler of a sub-operation. arg: address of its structure; start: extent to go on at; cmd: with start in it. */
typedef long memop_fn(unsigned long arg, unsigned long start, unsigned long cmd);

memop_fn memop_exchange;
memop_fn memop_ram_page, memop_reservation_info, memop_m2p_list, memop_m2p_mapping;
memop_fn memop_memory_map, memop_set_memory_map, memop_machine_memory_map;
memop_fn memop_add_to_physmap, memop_add_to_physmap_batch, memop_remove_from_physmap;
memop_fn memop_claim, memop_sharing_info, memop_acquire_resource, memop_vnumainfo;

/* A domain named by its id, DOMID_SELF and one's own included. Counted: domain_put(). NULL: there is none. */
static inline struct domain *memop_domain(domid_t domid)
{
    return domain_get(domid);
}

/* The largest order that the current domain may use. */
static inline unsigned int memop_max_order(void)
{
    return current->domain->privileged ? 18 : current->domain->hardware ? 12 : 9;
}

/* Frees frame mfn of d; false where it is not d's, or not its to free. */
bool memop_release(struct domain *d, u64 mfn);

#endif
