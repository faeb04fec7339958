/* SPDX-License-Identifier: MIT */
/* xen_version: what the hypervisor is and can do, as guests may know it. */
#include <xen/features.h>
#include <xen/version.h>

#include "lib/option.h"
#include "lib/version.h"
#include "pv/internal.h"

/* --- the same for all who ask --- */

static const xen_extraversion_t extraversion = ABI_EXTRA_VERSION;
static const struct xen_compile_info compile_info = {
    .compiler = "gcc " __VERSION__, .compile_by = "tenon", .compile_date = "reproducible",
};
static const xen_capabilities_info_t capabilities = "xen-3.0-x86_64 ";
static const xen_changeset_info_t changeset = "tenon " TENON_VERSION;
static const struct xen_platform_parameters platform_parameters = { .virt_start = HV_VIRT_START };

static const struct {
    const void *from;
    size_t size;
} facts[] = {
#define FACT(name) [XENVER_##name] = { &name, sizeof(name) }
    FACT(extraversion), FACT(compile_info), FACT(capabilities), FACT(changeset), FACT(platform_parameters),
};

/* --- what depends on the domain --- */

static long give(unsigned long arg, const void *from, size_t size)
{
    return copy_to_guest(arg, from, size) ? -EFAULT : 0;
}

/* For those who control the machine. */
static long give_commandline(unsigned long arg)
{
    xen_commandline_t field = {};

    strlcpy(field, current->domain->privileged ? command_line : "<denied>", sizeof(field));
    return give(arg, field, sizeof(field));
}

static long give_features(unsigned long arg)
{
    struct xen_feature_info info;

    if (copy_from_guest(&info, arg, sizeof(info)))
        return -EFAULT;
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    info.submap = vm_assist(current->domain, pae_extended_cr3) << XENFEAT_pae_pgdir_above_4gb |
                  1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
                  1u << XENFEAT_gnttab_map_avail_bits | (u32)current->domain->hardware << XENFEAT_dom0 |
                  1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_direct_mapped;
    return give(arg, &info, sizeof(info));
}

static __attribute__((noinline)) long describe(unsigned int cmd, unsigned long arg)
{
    const unsigned int i = index_nospec(cmd, ARRAY_SIZE(facts));

    if (i == cmd && facts[i].from)
        return give(arg, facts[i].from, facts[i].size);
    switch (cmd) {
    case XENVER_get_features:
        return give_features(arg);
    case XENVER_pagesize:
        return arg ? -EINVAL : (long)PAGE_SIZE;
    case XENVER_guest_handle:
        return give(arg, current->domain->handle, sizeof(current->domain->handle));
    case XENVER_commandline:
        return give_commandline(arg);
    case XENVER_build_id:
        return current->domain->privileged ? -ENODATA : -EPERM;
    default:
        return -ENOSYS;
    }
}

/* The version is asked for again and again, by guests that want to be told of events. */
long do_xen_version(unsigned int cmd, unsigned long arg)
{
    return cmd == XENVER_version ? ABI_VERSION_MAJOR << 16 | ABI_VERSION_MINOR : describe(cmd, arg);
}
