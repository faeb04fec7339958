/* SPDX-License-Identifier: MIT */
/*
 * memory_op(unsigned int cmd, void *arg): a domain's frames and the maps of memory. Calls that name a
 * domain accept DOMID_SELF; another domain needs control over it (-EPERM, -ESRCH). Errors beside those
 * named: -EFAULT, -EINVAL, -ENOSYS (other cmd). Calls on lists return how many extents were done; a
 * caller sees a failure as a short count.
 */
#ifndef __XEN_PUBLIC_MEMORY_H__
#define __XEN_PUBLIC_MEMORY_H__

#include "xen.h"
#include "physdev.h"

/*
 * The three calls of struct xen_memory_reservation, on nr_extents runs of 2^extent_order frames. increase:
 * new frames, not entered in any table, their numbers written to extent_start. decrease: the frames listed
 * are given back; one that is still mapped, pinned or granted stays until that ends. populate: as increase,
 * and each becomes the pfn that stood in extent_start, entered in the machine-to-physical table; then its
 * machine frame replaces the pfn. No frame holds another domain's data. Stops early at the domain's limit
 * (max_pages), at an order above the caller's right (9 for a PV domain without hardware), or when memory is
 * short.
 */
#define XENMEM_increase_reservation 0
#define XENMEM_decrease_reservation 1
#define XENMEM_populate_physmap     6

#if __XEN_INTERFACE_VERSION__ >= 0x00030209

/* mem_flags: frames below an address width (0: any), from a NUMA node. */
#define XENMEMF_address_bits(x)     (x)
#define XENMEMF_get_address_bits(x) ((x) & 0xffu)

#define XENMEMF_node(x)     (((x) + 1) << 8)
#define XENMEMF_get_node(x) ((((x) >> 8) - 1) & 0xffu)

/* mem_flags: only reserved, to be filled on first use. Not for PV domains. */
#define XENMEMF_populate_on_demand (1<<16)

/* mem_flags: that node or nothing. */
#define XENMEMF_exact_node_request (1<<17)
#define XENMEMF_exact_node(n)      (XENMEMF_node(n) | XENMEMF_exact_node_request)

/* mem_flags: the node number is a virtual one. */
#define XENMEMF_vnode (1<<18)
#endif

struct xen_memory_reservation {
    /* frame numbers, meaning by call; null: increase forgets them */
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
    xen_ulong_t nr_extents;
    unsigned int extent_order;
#if __XEN_INTERFACE_VERSION__ >= 0x00030209
    unsigned int mem_flags;                   /* XENMEMF_* */
#else
    unsigned int address_bits;                /* upper bound of the frames' address width */
#endif
    domid_t domid;
};
typedef struct xen_memory_reservation xen_memory_reservation_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_reservation_t);

/*
 * Gives frames in and takes as many out, of other orders or below another address; both lists cover the
 * same memory and the out list holds the pfns that the new frames become. All or nothing for each unit of
 * the larger order.
 */
#define XENMEM_exchange 11
struct xen_memory_exchange {
    struct xen_memory_reservation in;  /* frames given away */
    struct xen_memory_reservation out; /* frames received: pfns in, machine frames out */
    xen_ulong_t nr_exchanged;          /* out: extents of in that were done; start with 0 */
};
typedef struct xen_memory_exchange xen_memory_exchange_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_exchange_t);

/* Returns the number of the machine's last RAM frame. No argument. */
#define XENMEM_maximum_ram_page 2

struct xen_memory_domain {
    domid_t domid;
};

/* Both return a number of frames: what the domain (struct xen_memory_domain) has, or may have. */
#define XENMEM_current_reservation 3
#define XENMEM_maximum_reservation 4

/*
 * Returns the domain's highest pfn, as far as the hypervisor knows it (from arch_shared_info.max_pfn for
 * PV).
 */
#define XENMEM_maximum_gpfn 14

/*
 * Lists the machine frames of the machine-to-physical table in 2 MiB runs, so that control tools can map
 * it.
 */
#define XENMEM_machphys_mfn_list 5
struct xen_machphys_mfn_list {
    unsigned int max_extents; /* in: room in extent_start */
    XEN_GUEST_HANDLE(xen_pfn_t) extent_start;
    unsigned int nr_extents;  /* out: entries written */
};
typedef struct xen_machphys_mfn_list xen_machphys_mfn_list_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mfn_list_t);

/* The same for the 32-bit table. -EINVAL where there is none. */
#define XENMEM_machphys_compat_mfn_list 25

/* Where the table is mapped for the guest kernel, and the highest entry in it. */
#define XENMEM_machphys_mapping 12
struct xen_machphys_mapping {
    xen_ulong_t v_start, v_end;
    xen_ulong_t max_mfn;
};
typedef struct xen_machphys_mapping xen_machphys_mapping_t;
DEFINE_XEN_GUEST_HANDLE(xen_machphys_mapping_t);

/*
 * XENMEM_add_to_physmap: makes something appear at a pfn of a domain with translated frame numbers. A PV
 * domain has none and is refused.
 */
#define XENMAPSPACE_shared_info  0 /* the shared page */
#define XENMAPSPACE_grant_table  1 /* frame idx of the grant table */
#define XENMAPSPACE_gmfn         2 /* another of its own frames */
#define XENMAPSPACE_gmfn_range   3 /* size frames from idx on */
#define XENMAPSPACE_gmfn_foreign 4 /* a frame of another domain; batch call only */

#define XENMAPSPACE_dev_mmio 5 /* device memory, ARM only */

#define XENMEM_add_to_physmap        7
#define XENMAPIDX_grant_table_status 0x80000000 /* in idx: the status frames of version 2 */
struct xen_add_to_physmap {
    domid_t domid;      /* the domain to change */
    uint16_t size;      /* pages, for gmfn_range */
    unsigned int space; /* XENMAPSPACE_* */
    xen_ulong_t idx;    /* frame within the space */
    xen_pfn_t gpfn;     /* pfn to fill */
};
typedef struct xen_add_to_physmap xen_add_to_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_t);

/* The same for a list, a result for each entry. */
#define XENMEM_add_to_physmap_batch 23
struct xen_add_to_physmap_batch {
    domid_t domid;
    uint16_t space;
    uint16_t size;
#if __XEN_INTERFACE_VERSION__ < 0x00040700
    domid_t foreign_domid;              /* owner, for gmfn_foreign */
#else
    union xen_add_to_physmap_batch_extra {
        domid_t foreign_domid;          /* owner, for gmfn_foreign */
        uint16_t res0;                  /* zero for the other spaces */
    } u;
#endif
    XEN_GUEST_HANDLE(xen_ulong_t) idxs; /* in */
    XEN_GUEST_HANDLE(xen_pfn_t) gpfns;  /* in */
    XEN_GUEST_HANDLE(int) errs;         /* out: 0 or a negative error each */
};
typedef struct xen_add_to_physmap_batch xen_add_to_physmap_batch_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_batch_t);

#if __XEN_INTERFACE_VERSION__ < 0x00040400
#define XENMEM_add_to_physmap_range XENMEM_add_to_physmap_batch
#define xen_add_to_physmap_range    xen_add_to_physmap_batch
typedef struct xen_add_to_physmap_batch xen_add_to_physmap_range_t;
DEFINE_XEN_GUEST_HANDLE(xen_add_to_physmap_range_t);
#endif

/* Empties a pfn of a domain with translated frame numbers. */
#define XENMEM_remove_from_physmap 15
struct xen_remove_from_physmap {
    domid_t domid;
    xen_pfn_t gpfn;
};
typedef struct xen_remove_from_physmap xen_remove_from_physmap_t;
DEFINE_XEN_GUEST_HANDLE(xen_remove_from_physmap_t);

/*
 * The domain's own map of pseudo-physical memory, in e820 form, as XENMEM_set_memory_map gave it; -ENOSYS
 * if nobody gave one.
 */
#define XENMEM_memory_map 9
struct xen_memory_map {
    unsigned int nr_entries;       /* in: room, out: entries written */
    XEN_GUEST_HANDLE(void) buffer; /* 20-byte entries: u64 start, u64 size, u32 type */
};
typedef struct xen_memory_map xen_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_memory_map_t);

/* The machine's map, for Domain-0 (-EPERM). */
#define XENMEM_machine_memory_map 10

/* Gives a domain its map, at most 128 entries; by control tools. */
#define XENMEM_set_memory_map 13
struct xen_foreign_memory_map {
    domid_t domid;
    struct xen_memory_map map;
};
typedef struct xen_foreign_memory_map xen_foreign_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_foreign_memory_map_t);

/* Populate-on-demand: set and get the target. Domains with translated frame numbers only. */
#define XENMEM_set_pod_target 16
#define XENMEM_get_pod_target 17
struct xen_pod_target {
    uint64_t target_pages; /* in for set; the rest is out */
    uint64_t tot_pages;
    uint64_t pod_cache_pages;
    uint64_t pod_entries;
    domid_t domid;
};
typedef struct xen_pod_target xen_pod_target_t;

#if defined(__XEN__) || defined(__XEN_TOOLS__)

#ifndef uint64_aligned_t
#define uint64_aligned_t uint64_t
#endif

/* Memory sharing: pages saved, pages shared. Return the number. */
#define XENMEM_get_sharing_freed_pages  18
#define XENMEM_get_sharing_shared_pages 19

/* Paging, access control and sharing of memory of domains with translated frame numbers. */
#define XENMEM_paging_op          20
#define XENMEM_paging_op_nominate 0
#define XENMEM_paging_op_evict    1
#define XENMEM_paging_op_prep     2

struct xen_mem_paging_op {
    uint8_t op;
    domid_t domain;
    XEN_GUEST_HANDLE_64(const_uint8) buffer;
    uint64_aligned_t gfn;
};
typedef struct xen_mem_paging_op xen_mem_paging_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_paging_op_t);

/* Access rights of a range, as a monitor sets them. */
#define XENMEM_access_op            21
#define XENMEM_access_op_set_access 0
#define XENMEM_access_op_get_access 1

#define XENMEM_access_op_set_access_multi 4

/*
 * Access rights: letters for read, write, execute; rx2rw becomes rw at the first write, n2rwx becomes rwx
 * at any use.
 */
typedef enum {
    XENMEM_access_n,
    XENMEM_access_r,
    XENMEM_access_w,
    XENMEM_access_rw,
    XENMEM_access_x,
    XENMEM_access_rx,
    XENMEM_access_wx,
    XENMEM_access_rwx,
    XENMEM_access_rx2rw,
    XENMEM_access_n2rwx,
    XENMEM_access_default
} xenmem_access_t;

struct xen_mem_access_op {
    uint8_t op;
    uint8_t access;
    domid_t domid;
    uint32_t nr;          /* frames from pfn on */
    uint64_aligned_t pfn; /* ~0: the default for new frames */
    XEN_GUEST_HANDLE(const_uint64) pfn_list;
    XEN_GUEST_HANDLE(const_uint8) access_list;
};
typedef struct xen_mem_access_op xen_mem_access_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_access_op_t);

/* Sharing of equal frames between domains, and forks of whole domains. */
#define XENMEM_sharing_op               22
#define XENMEM_sharing_op_nominate_gfn  0
#define XENMEM_sharing_op_nominate_gref 1
#define XENMEM_sharing_op_share         2
#define XENMEM_sharing_op_debug_gfn     3
#define XENMEM_sharing_op_debug_mfn     4
#define XENMEM_sharing_op_debug_gref    5
#define XENMEM_sharing_op_add_physmap   6
#define XENMEM_sharing_op_audit         7
#define XENMEM_sharing_op_range_share   8
#define XENMEM_sharing_op_fork          9
#define XENMEM_sharing_op_fork_reset    10

/* A handle was stale: the source's, the client's. */
#define XENMEM_SHARING_OP_S_HANDLE_INVALID (-10)
#define XENMEM_SHARING_OP_C_HANDLE_INVALID (-9)

/* A frame field may hold a grant reference, marked by bit 62. */
#define XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG (xen_mk_ullong(1) << 62)

#define XENMEM_SHARING_OP_FIELD_MAKE_GREF(field, val) \
    (field) = (XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG | val)
#define XENMEM_SHARING_OP_FIELD_IS_GREF(field) \
    ((field) & XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG)
#define XENMEM_SHARING_OP_FIELD_GET_GREF(field) \
    ((field) & (~XENMEM_SHARING_OP_FIELD_IS_GREF_FLAG))

#define XENMEM_FORK_WITH_IOMMU_ALLOWED (1u << 0)
#define XENMEM_FORK_BLOCK_INTERRUPTS   (1u << 1)
#define XENMEM_FORK_RESET_STATE        (1u << 2)
#define XENMEM_FORK_RESET_MEMORY       (1u << 3)
struct xen_mem_sharing_op {
    uint8_t op;
    domid_t domain;
    union {
        struct mem_sharing_op_nominate {
            union {
                uint64_aligned_t gfn;
                uint32_t grant_ref;
            } u;
            uint64_aligned_t handle;
        } nominate;
        struct mem_sharing_op_share {
            uint64_aligned_t source_gfn;
            uint64_aligned_t source_handle;
            uint64_aligned_t client_gfn;
            uint64_aligned_t client_handle;
            domid_t client_domain;
        } share;
        struct mem_sharing_op_range {
            uint64_aligned_t first_gfn;
            uint64_aligned_t last_gfn;
            uint64_aligned_t opaque;
            domid_t client_domain;
            uint16_t _pad[3];
        } range;
        struct mem_sharing_op_debug {
            union {
                uint64_aligned_t gfn;
                uint64_aligned_t mfn;
                uint32_t gref;
            } u;
        } debug;
        struct mem_sharing_op_fork {
            domid_t parent_domain;
            uint16_t flags;
            uint32_t pad;
        } fork;
    } u;
};
typedef struct xen_mem_sharing_op xen_mem_sharing_op_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_sharing_op_t);

/*
 * Reserves memory for a domain before it is populated (struct xen_memory_reservation: nr_extents frames,
 * order 0, no list). 0 drops the claim. -ENOMEM if it cannot be met. By control tools.
 */
#define XENMEM_claim_pages 24

/* Ranges that firmware reserves for devices. -ENOBUFS with the needed count when the buffer is too small. */
#define XENMEM_reserved_device_memory_map 27
struct xen_reserved_device_memory {
    xen_pfn_t start_pfn;
    xen_ulong_t nr_pages;
};
typedef struct xen_reserved_device_memory xen_reserved_device_memory_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_t);

#define XENMEM_RDM_ALL 1 /* all ranges, not those of one device */
struct xen_reserved_device_memory_map {
    uint32_t flags;
    unsigned int nr_entries;
    XEN_GUEST_HANDLE(xen_reserved_device_memory_t) buffer;
    union {
        physdev_pci_device_t pci;
    } dev;
};
typedef struct xen_reserved_device_memory_map xen_reserved_device_memory_map_t;
DEFINE_XEN_GUEST_HANDLE(xen_reserved_device_memory_map_t);

#endif

/*
 * Lets a control domain map pages that belong to another domain's bookkeeping, such as its grant table: a
 * caller with machine frame numbers gets them in frame_list. With frame_list null, nr_frames receives the
 * size of the resource. -EOPNOTSUPP for a type that is not there.
 */
#define XENMEM_acquire_resource                     28
#define XENMEM_resource_ioreq_server                0
#define XENMEM_resource_grant_table                 1
#define XENMEM_resource_vmtrace_buf                 2
#define XENMEM_resource_grant_table_id_shared       0
#define XENMEM_resource_grant_table_id_status       1
#define XENMEM_resource_ioreq_server_frame_bufioreq 0
#define XENMEM_resource_ioreq_server_frame_ioreq(n) (1 + (n))
struct xen_mem_acquire_resource {
    domid_t domid;                          /* whose resource */
    uint16_t type;                          /* XENMEM_resource_* */
    uint32_t id;                            /* which one of the type */
    uint32_t nr_frames;                     /* in: how many, out with a null list: how many there are */
    uint32_t pad;                           /* zero */
    uint64_t frame;                         /* first frame */
    XEN_GUEST_HANDLE(xen_pfn_t) frame_list; /* out: frame numbers */
};
typedef struct xen_mem_acquire_resource xen_mem_acquire_resource_t;
DEFINE_XEN_GUEST_HANDLE(xen_mem_acquire_resource_t);

/*
 * The virtual NUMA layout that control tools gave the domain; -EOPNOTSUPP if none. Counts are in: room,
 * out: used; -ENOBUFS when too small.
 */
#define XENMEM_get_vnumainfo 26

struct xen_vmemrange {
    uint64_t start, end;
    unsigned int flags; /* zero */
    unsigned int nid;   /* virtual node */
};
typedef struct xen_vmemrange xen_vmemrange_t;
DEFINE_XEN_GUEST_HANDLE(xen_vmemrange_t);

struct xen_vnuma_topology_info {
    domid_t domid;
    uint16_t pad;
    unsigned int nr_vnodes;
    unsigned int nr_vcpus;
    unsigned int nr_vmemranges;
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vdistance;     /* nr_vnodes squared distances */
    union {
        XEN_GUEST_HANDLE(uint) h;
        uint64_t pad;
    } vcpu_to_vnode; /* nr_vcpus node numbers */
    union {
        XEN_GUEST_HANDLE(xen_vmemrange_t) h;
        uint64_t pad;
    } vmemrange;
};
typedef struct xen_vnuma_topology_info xen_vnuma_topology_info_t;
DEFINE_XEN_GUEST_HANDLE(xen_vnuma_topology_info_t);

#endif /* __XEN_PUBLIC_MEMORY_H__ */
