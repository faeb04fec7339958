/* SPDX-License-Identifier: MIT */
/*
 * The standard tree: what every guest finds in the store under /local/domain/ID and /vm/UUID, with the
 * permissions that it needs there, laid out as libxl does. All return 0 or a negative error of the store.
 */
#ifndef TOOLSTACK_GUEST_TREE_H
#define TOOLSTACK_GUEST_TREE_H

#include "../build/builder.h"
#include "../store/store.h"
#include "config.h"

/* Room for any path of the standard tree. */
#define GUEST_TREE_PATH 128

/* Domain-0's own, and what says that tools are there. */
int guest_tree_make_domain0(struct store_conn *conn, uint64_t memory_kb);

/* A guest's, of its configuration and what was built from it. [waits] */
int guest_tree_make(struct store_conn *conn, const struct tn_config *config, const struct built_domain *built);
int guest_tree_rename(struct store_conn *conn, domid_t domid, const struct tn_config *config);
void guest_tree_remove(struct store_conn *conn, domid_t domid, const struct tn_config *config);

/* cpu/N/availability for all vCPUs that the domain may have: the first `online` are, the others are not. */
int guest_tree_set_vcpus(struct store_conn *conn, domid_t domid, unsigned online, unsigned max);

#endif
