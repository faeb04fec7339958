/* SPDX-License-Identifier: MIT */
/*
 * The domain builder: from a configuration and the bytes of a kernel and a RAM disk to a paused domain that
 * is ready to run.
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

/*
 * Build the domain of `config`, paused. `kernel` is an ELF64 image (unpacked), `ramdisk` may be NULL with
 * size 0. Returns 0, or -1 with the line; after a failure the domain does not exist.
 */
int build_domain(const struct tn_config *config, const void *kernel, size_t kernel_size, const void *ramdisk,
                 size_t ramdisk_size, struct built_domain *built, struct tn_error *err);

#endif
