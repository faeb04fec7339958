/* SPDX-License-Identifier: MIT */
/*
 * Grant tables, version 1: pages that a domain lets another map or copy.
 */
#pragma once

#include <xen/grant_table.h>

#include "mm/addr.h"

struct domain;
struct grant_table;

/*
 * Makes d's table before anybody else knows d; it is there until the last reference of d is gone. -ENOMEM
 */
int grant_init_domain(struct domain *d, unsigned int max_frames, unsigned int max_maptrack);
/* Drops all mappings that the dying d holds of others; -ERESTART: call again. */
int grant_release_mappings(struct domain *d);
void grant_free_domain(struct domain *d);

/*
 * Frame idx of d's grant table, made if needed (XENMEM_acquire_resource, add_to_physmap, toolstack seeding).
 */
int grant_get_frame(struct domain *d, unsigned int idx, mfn_t *mfn);

/* How many frames d's grant table may grow to. */
unsigned int grant_max_frames(const struct domain *d);

void grant_dump_all(void);      /* debug key */
