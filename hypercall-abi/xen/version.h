/* SPDX-License-Identifier: MIT */
/*
 * xen_version(unsigned int cmd, void *arg): facts about the hypervisor. Returns 0 or the fact itself;
 * -EFAULT, -ENOSYS (other cmd). Texts that a domain may not read are given as "<denied>". XENVER_version
 * reads no argument: it is the cheapest call there is, and used to let pending events in.
 */
#ifndef __XEN_PUBLIC_VERSION_H__
#define __XEN_PUBLIC_VERSION_H__

#include "xen.h"

/* Returns major << 16 | minor. No argument. */
#define XENVER_version 0

/* What follows the version, zero-terminated. */
#define XENVER_extraversion 1
typedef char xen_extraversion_t[16];
#define XEN_EXTRAVERSION_LEN (sizeof(xen_extraversion_t))

/* How it was built. */
#define XENVER_compile_info 2
struct xen_compile_info {
    char compiler[64];
    char compile_by[16];
    char compile_domain[32];
    char compile_date[32];
};
typedef struct xen_compile_info xen_compile_info_t;

/* Kinds of guests, as words: "xen-3.0-x86_64". */
#define XENVER_capabilities 3
typedef char xen_capabilities_info_t[1024];
#define XEN_CAPABILITIES_INFO_LEN (sizeof(xen_capabilities_info_t))

/* Revision of the source. */
#define XENVER_changeset 4
typedef char xen_changeset_info_t[64];
#define XEN_CHANGESET_INFO_LEN (sizeof(xen_changeset_info_t))

/* Where the hypervisor's address range begins for this domain. */
#define XENVER_platform_parameters 5
struct xen_platform_parameters {
    xen_ulong_t virt_start;
};
typedef struct xen_platform_parameters xen_platform_parameters_t;

/*
 * One 32-bit part of the feature bits of features.h; parts from XENFEAT_NR_SUBMAPS on are -EINVAL.
 */
#define XENVER_get_features 6
struct xen_feature_info {
    unsigned int submap_idx; /* in */
    uint32_t submap;         /* out: bit n is feature submap_idx * 32 + n */
};
typedef struct xen_feature_info xen_feature_info_t;

#include "features.h"

/* Returns 4096. Argument null (else -EINVAL). */
#define XENVER_pagesize 7

/* The domain's UUID (xen_domain_handle_t). */
#define XENVER_guest_handle 8

/* The hypervisor's command line; only control domains see it. */
#define XENVER_commandline 9
typedef char xen_commandline_t[1024];

/*
 * The linker's build id. With a null argument returns its length, else the length copied; -ENODATA if
 * there is none, -ENOBUFS if len is too small.
 */
#define XENVER_build_id 10
struct xen_build_id {
    uint32_t len; /* in: room in buf */
    unsigned char buf[XEN_FLEX_ARRAY_DIM];
};
typedef struct xen_build_id xen_build_id_t;

#endif /* __XEN_PUBLIC_VERSION_H__ */
