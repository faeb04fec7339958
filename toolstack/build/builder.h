/* SPDX-License-Identifier: MIT */
/*
 * The domain builder: from a configuration, which names the files of a kernel and of a RAM disk, to a paused
 * domain that is ready to run.
 */
#ifndef TOOLSTACK_BUILDER_H
#define TOOLSTACK_BUILDER_H

#include "../lib/config.h"
#include "../lib/port.h"

/* What the rest of the toolstack needs of a built domain. */
struct built_domain {
    domid_t domid;
    xen_pfn_t console_mfn, store_mfn;
    evtchn_port_t console_port, store_port;     /* ports of the guest */
};

/* Build the domain of `config`, paused. 0, or -1 with the line; then the domain does not exist. [waits] */
int build_domain(const struct tn_config *config, struct built_domain *built, struct tn_error *err);

#endif
