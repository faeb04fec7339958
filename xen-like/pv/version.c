/* SPDX-License-Identifier: MIT */
/* xen_version: what the hypervisor is and can do, as guests may know it. */
#include <xen/features.h>
#include <xen/version.h>

#include "domain/domain.h"
#include "lib/option.h"
#include "lib/version.h"
#include "mm/guest.h"
#include "pv/hypercall.h"
#include "pv/internal.h"

/* What those may not know who may not control the machine. */
static const char denied[] = "<denied>";

static long give(unsigned long arg, const void *from, size_t size)
{
    return copy_to_guest(arg, from, size) ? -EFAULT : 0;
}

/* Copies a text into a field of the ABI of size bytes, zero-filled. */
static long give_text(unsigned long arg, const char *text, size_t size)
{
    char field[sizeof(xen_commandline_t)];

    memset(field, 0, sizeof(field));
    strlcpy(field, text, size);
    return give(arg, field, size);
}

static long give_compile_info(unsigned long arg)
{
    struct xen_compile_info info = {};

    strlcpy(info.compiler, "gcc " __VERSION__, sizeof(info.compiler));
    strlcpy(info.compile_by, "tenon", sizeof(info.compile_by));
    strlcpy(info.compile_date, "reproducible", sizeof(info.compile_date));
    return give(arg, &info, sizeof(info));
}

static long give_features(unsigned long arg)
{
    struct domain *d = current->domain;
    struct xen_feature_info info;

    if (copy_from_guest(&info, arg, sizeof(info)))
        return -EFAULT;
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    info.submap = 1u << XENFEAT_pae_pgdir_above_4gb | 1u << XENFEAT_mmu_pt_update_preserve_ad |
                  1u << XENFEAT_highmem_assist | 1u << XENFEAT_gnttab_map_avail_bits |
                  1u << XENFEAT_memory_op_vnode_supported;
    if (d->hardware)
        info.submap |= 1u << XENFEAT_dom0;
    return give(arg, &info, sizeof(info));
}

static __attribute__((noinline)) long describe(unsigned int cmd, unsigned long arg)
{
    struct domain *d = current->domain;

    switch (cmd) {
    case XENVER_extraversion:
        return give_text(arg, ABI_EXTRA_VERSION, sizeof(xen_extraversion_t));
    case XENVER_compile_info:
        return give_compile_info(arg);
    case XENVER_capabilities:
        return give_text(arg, "xen-3.0-x86_64 ", sizeof(xen_capabilities_info_t));
    case XENVER_changeset:
        return give_text(arg, "tenon " TENON_VERSION, sizeof(xen_changeset_info_t));
    case XENVER_platform_parameters:
        return give(arg, &(struct xen_platform_parameters){ .virt_start = HV_VIRT_START },
                    sizeof(struct xen_platform_parameters));
    case XENVER_get_features:
        return give_features(arg);
    case XENVER_pagesize:
        return arg ? -EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle:
        return give(arg, d->handle, sizeof(d->handle));
    case XENVER_commandline:
        return give_text(arg, d->privileged ? command_line : denied, sizeof(xen_commandline_t));
    case XENVER_build_id:
        return d->privileged ? -ENODATA : -EPERM;
    default:
        return -ENOSYS;
    }
}

/* The version is asked for again and again, by guests that want to be told of events. */
long do_xen_version(unsigned int cmd, unsigned long arg)
{
    return cmd == XENVER_version ? ABI_VERSION_MAJOR << 16 | ABI_VERSION_MINOR : describe(cmd, arg);
}
