/* SPDX-License-Identifier: MIT */
/*
 * Grant tables: a domain lets another map or copy single frames of its own. The granting domain writes
 * entries of a table that it shares with the hypervisor; the other names the entry by number.
 *
 * grant_table_op(unsigned int cmd, void *args, unsigned int count) performs count equal operations. It
 * returns 0 when every argument could be read, whatever became of each: the result of each is in its
 * status, GNTST_*. Errors: -EFAULT (array not accessible), -EINVAL (count of 2^31 and up), -ENOSYS (other
 * cmd), -EPERM.
 *
 * To grant: write domid and frame, then a write barrier, then flags. To end it: read flags, fail if
 * GTF_reading or GTF_writing is set, else clear flags by compare-and-exchange. Version 1 of the table is
 * what Tenon offers.
 */
#ifndef __XEN_PUBLIC_GRANT_TABLE_H__
#define __XEN_PUBLIC_GRANT_TABLE_H__

#include "xen.h"

/* Number of an entry. */
typedef uint32_t grant_ref_t;

#if __XEN_INTERFACE_VERSION__ < 0x0003020a

/* An entry of the table, version 1: 512 in a frame. */
#define grant_entry_v1   grant_entry
#define grant_entry_v1_t grant_entry_t
#endif
/* An entry of the table, version 1: 512 in a frame. */
struct grant_entry_v1 {
    uint16_t flags; /* GTF_* */
    domid_t domid;  /* the domain that may use it */
    uint32_t frame; /* machine frame; for a transfer the frame received */
};
typedef struct grant_entry_v1 grant_entry_v1_t;

/* The first entries are for control tools: the rings of a new domain's console and xenstore. */
#define GNTTAB_NR_RESERVED_ENTRIES 8
#define GNTTAB_RESERVED_CONSOLE    0
#define GNTTAB_RESERVED_XENSTORE   1

/* Type of an entry. */
#define GTF_invalid         (0U<<0) /* nothing granted */
#define GTF_permit_access   (1U<<0) /* map and copy */
#define GTF_accept_transfer (2U<<0) /* a frame may be handed over (not for PV by Tenon) */
#define GTF_transitive      (3U<<0) /* version 2: passed on from another grant */
#define GTF_type_mask       (3U<<0)

/*
 * Bits of an access entry. readonly and the cache bits are the granter's; reading and writing are set by
 * the hypervisor while the frame is mapped or copied.
 */
#define _GTF_readonly (2)
#define GTF_readonly  (1U<<_GTF_readonly)
#define _GTF_reading  (3)
#define GTF_reading   (1U<<_GTF_reading)
#define _GTF_writing  (4)
#define GTF_writing   (1U<<_GTF_writing)
#define _GTF_PWT      (5)
#define GTF_PWT       (1U<<_GTF_PWT)
#define _GTF_PCD      (6)
#define GTF_PCD       (1U<<_GTF_PCD)
#define _GTF_PAT      (7)
#define GTF_PAT       (1U<<_GTF_PAT)
#define _GTF_sub_page (8)
#define GTF_sub_page  (1U<<_GTF_sub_page)

/* Bits of a transfer entry: promised, done. */
#define _GTF_transfer_committed (2)
#define GTF_transfer_committed  (1U<<_GTF_transfer_committed)
#define _GTF_transfer_completed (3)
#define GTF_transfer_completed  (1U<<_GTF_transfer_completed)

#if __XEN_INTERFACE_VERSION__ >= 0x0003020a

/* Version 2: wider entries, status words in frames of their own. */
struct grant_entry_header {
    uint16_t flags;
    domid_t domid;
};
typedef struct grant_entry_header grant_entry_header_t;

union grant_entry_v2 {
    grant_entry_header_t hdr;
    struct {
        grant_entry_header_t hdr;
        uint32_t pad0;
        uint64_t frame;
    } full_page;  /* the whole frame */
    struct {
        grant_entry_header_t hdr;
        uint16_t page_off;
        uint16_t length;
        uint64_t frame;
    } sub_page;   /* GTF_sub_page: only for copies */
    struct {
        grant_entry_header_t hdr;
        domid_t trans_domid;
        uint16_t pad0;
        grant_ref_t gref;
    } transitive; /* another domain's entry */
    uint32_t __spacer[4];
};
typedef union grant_entry_v2 grant_entry_v2_t;

typedef uint16_t grant_status_t;

#endif

/* Sub-operations; their arguments follow. */
#define GNTTABOP_map_grant_ref     0
#define GNTTABOP_unmap_grant_ref   1
#define GNTTABOP_setup_table       2
#define GNTTABOP_dump_table        3 /* print to the hypervisor's console: debug aid of control tools */
#define GNTTABOP_transfer          4
#define GNTTABOP_copy              5
#define GNTTABOP_query_size        6
#define GNTTABOP_unmap_and_replace 7
#if __XEN_INTERFACE_VERSION__ >= 0x0003020a
#define GNTTABOP_set_version       8
#define GNTTABOP_get_status_frames 9
#define GNTTABOP_get_version       10
#define GNTTABOP_swap_grant_ref    11
#define GNTTABOP_cache_flush       12
#endif

/* A mapping, as map returns it and unmap takes it. */
typedef uint32_t grant_handle_t;

/*
 * GNTTABOP_map_grant_ref: maps the frame of an entry at host_addr. With GNTMAP_contains_pte, host_addr is the
 * machine address of a level 1 entry (multiple of 8), else a virtual address whose level 1 table exists. What
 * was mapped there before is replaced. The map lasts until it is unmapped; overwriting the page-table entry
 * does not end it. A read-only entry is mapped only with GNTMAP_readonly (else GNTST_general_error).
 */
struct gnttab_map_grant_ref {
    uint64_t host_addr;    /* in */
    uint32_t flags;        /* in: GNTMAP_* */
    grant_ref_t ref;       /* in: entry of dom's table */
    domid_t dom;
    int16_t status;        /* out: GNTST_* */
    grant_handle_t handle; /* out */
    uint64_t dev_bus_addr; /* out: machine address of the frame */
};
typedef struct gnttab_map_grant_ref gnttab_map_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_map_grant_ref_t);

/*
 * GNTTABOP_unmap_grant_ref: ends a map. A non-zero address must be the one that was mapped; 0 leaves that
 * part in place. The handle is free when nothing is left. Translations are flushed before the granter can
 * see the entry unused.
 */
struct gnttab_unmap_grant_ref {
    uint64_t host_addr;    /* in */
    uint64_t dev_bus_addr; /* in */
    grant_handle_t handle; /* in */
    int16_t status;        /* out */
};
typedef struct gnttab_unmap_grant_ref gnttab_unmap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_grant_ref_t);

/*
 * GNTTABOP_setup_table: grows the table of dom to nr_frames (never shrinks) and lists its machine frames,
 * so that the domain can map them writable. count must be 1. Another domain than the caller needs control
 * over it.
 */
struct gnttab_setup_table {
    domid_t dom;
    uint32_t nr_frames;                     /* in: at least so many */
    int16_t status;                         /* out */
#if __XEN_INTERFACE_VERSION__ < 0x00040300
    XEN_GUEST_HANDLE(ulong) frame_list;     /* out: nr_frames machine frames */
#else
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* out: nr_frames machine frames */
#endif
};
typedef struct gnttab_setup_table gnttab_setup_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_setup_table_t);

struct gnttab_dump_table {
    domid_t dom;
    int16_t status;
};
typedef struct gnttab_dump_table gnttab_dump_table_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_dump_table_t);

/* GNTTABOP_transfer: gives a frame away for good. -ENOSYS from Tenon. */
struct gnttab_transfer {
    xen_pfn_t mfn;   /* in */
    domid_t domid;
    grant_ref_t ref; /* in: an entry of domid that accepts */
    int16_t status;  /* out */
};
typedef struct gnttab_transfer gnttab_transfer_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_transfer_t);

/*
 * GNTTABOP_copy: the hypervisor copies len bytes within one page on each side. Each side is a grant
 * reference of its domain, or, if the flag for it is clear, a frame of the calling domain itself (domid
 * DOMID_SELF). Overlap of both in one frame is the caller's affair.
 */
#define _GNTCOPY_source_gref (0)
#define GNTCOPY_source_gref  (1<<_GNTCOPY_source_gref)
#define _GNTCOPY_dest_gref   (1)
#define GNTCOPY_dest_gref    (1<<_GNTCOPY_dest_gref)

struct gnttab_copy {
    struct gnttab_copy_ptr {
        union {
            grant_ref_t ref; /* with the flag */
            xen_pfn_t gmfn;  /* without it */
        } u;
        domid_t domid;
        uint16_t offset;     /* bytes; offset + len is at most 4096, else GNTST_bad_copy_arg */
    } source, dest;
    uint16_t len;
    uint16_t flags;          /* GNTCOPY_* */
    int16_t status;          /* out */
};
typedef struct gnttab_copy  gnttab_copy_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_copy_t);

/* GNTTABOP_query_size: frames of a table, and its limit. */
struct gnttab_query_size {
    domid_t dom;
    uint32_t nr_frames;     /* out */
    uint32_t max_nr_frames; /* out */
    int16_t status;         /* out */
};
typedef struct gnttab_query_size gnttab_query_size_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_query_size_t);

/*
 * GNTTABOP_unmap_and_replace: ends a map and moves the mapping of new_addr to its place, so that no fault
 * can come in between; new_addr becomes unmapped, unless it is 0.
 */
struct gnttab_unmap_and_replace {
    uint64_t host_addr;
    uint64_t new_addr;
    grant_handle_t handle;
    int16_t status;
};
typedef struct gnttab_unmap_and_replace gnttab_unmap_and_replace_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_unmap_and_replace_t);

#if __XEN_INTERFACE_VERSION__ >= 0x0003020a

/*
 * GNTTABOP_set_version: asks for version 1 or 2 and receives what is in use. A domain without active
 * grants only (-EBUSY). -ENOSYS or version 1 means that 2 is not there.
 */
struct gnttab_set_version {
    uint32_t version;
};
typedef struct gnttab_set_version gnttab_set_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_set_version_t);

/* GNTTABOP_get_status_frames: the status frames of version 2; GNTST_general_error with version 1. */
struct gnttab_get_status_frames {
    uint32_t nr_frames;
    domid_t dom;
    int16_t status;
    XEN_GUEST_HANDLE(uint64_t) frame_list;
};
typedef struct gnttab_get_status_frames gnttab_get_status_frames_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_status_frames_t);

/* GNTTABOP_get_version: version that a domain uses. */
struct gnttab_get_version {
    domid_t dom;
    uint16_t pad;
    uint32_t version;
};
typedef struct gnttab_get_version gnttab_get_version_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_get_version_t);

/*
 * GNTTABOP_swap_grant_ref: exchanges the contents of two unused entries of the caller's table;
 * GNTST_eagain if one is in use.
 */
struct gnttab_swap_grant_ref {
    grant_ref_t ref_a;
    grant_ref_t ref_b;
    int16_t status;
};
typedef struct gnttab_swap_grant_ref gnttab_swap_grant_ref_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_swap_grant_ref_t);

/* GNTTABOP_cache_flush: cleans or invalidates caches for a part of a granted page; -EOPNOTSUPP on x86. */
#define GNTTAB_CACHE_CLEAN       (1u<<0)
#define GNTTAB_CACHE_INVAL       (1u<<1)
#define GNTTAB_CACHE_SOURCE_GREF (1u<<31)
struct gnttab_cache_flush {
    union {
        uint64_t dev_bus_addr;
        grant_ref_t ref;
    } a;
    uint16_t offset;
    uint16_t length;
    uint32_t op;
};
typedef struct gnttab_cache_flush gnttab_cache_flush_t;
DEFINE_XEN_GUEST_HANDLE(gnttab_cache_flush_t);

#endif

/* Flags of a map: for devices, for the CPU. */
#define _GNTMAP_device_map (0)
#define GNTMAP_device_map  (1<<_GNTMAP_device_map)

#define _GNTMAP_host_map (1)
#define GNTMAP_host_map  (1<<_GNTMAP_host_map)

/* No write access. */
#define _GNTMAP_readonly (2)
#define GNTMAP_readonly  (1<<_GNTMAP_readonly)

/* For user mode as well; a 64-bit PV kernel needs no difference. */
#define _GNTMAP_application_map (3)
#define GNTMAP_application_map  (1<<_GNTMAP_application_map)

/* host_addr names a page-table entry. */
#define _GNTMAP_contains_pte (4)
#define GNTMAP_contains_pte  (1<<_GNTMAP_contains_pte)

/* Bits 16 and up go to the software bits of the page-table entry, see XENFEAT_gnttab_map_avail_bits. */
#define _GNTMAP_guest_avail0    (16)
#define GNTMAP_guest_avail_mask ((uint32_t)~0 << _GNTMAP_guest_avail0)

/* Result of one operation. */
#define GNTST_okay              (0)   /* done */
#define GNTST_general_error     (-1)  /* entry not granted to the caller, or not for writing; others */
#define GNTST_bad_domain        (-2)  /* no such domain */
#define GNTST_bad_gntref        (-3)  /* no such entry */
#define GNTST_bad_handle        (-4)  /* no such mapping */
#define GNTST_bad_virt_addr     (-5)  /* host_addr cannot be mapped */
#define GNTST_bad_dev_addr      (-6)  /* dev_bus_addr is another */
#define GNTST_no_device_space   (-7)  /* no room in the IOMMU */
#define GNTST_permission_denied (-8)  /* no control over the domain */
#define GNTST_bad_page          (-9)  /* the frame is not the granter's, or its type forbids it */
#define GNTST_bad_copy_arg      (-10) /* copy crosses a page */
#define GNTST_address_too_big   (-11) /* frame beyond what the caller can address */
#define GNTST_eagain            (-12) /* the frame is away for a moment */
#define GNTST_no_space          (-13) /* no free handle, no memory */

/* A text for each result, indexed by its negative: initialiser of an array of strings. */
#define GNTTABOP_error_msgs              \
    {                                    \
        "done",                          \
        "general error",                 \
        "no such domain",                \
        "no such grant",                 \
        "no such mapping",               \
        "bad virtual address",           \
        "bad device address",            \
        "no room in the IOMMU",          \
        "permission denied",             \
        "bad frame",                     \
        "copy crosses a page",           \
        "frame address too big",         \
        "busy, try again",               \
        "out of handles or memory",      \
    }

#endif /* __XEN_PUBLIC_GRANT_TABLE_H__ */
