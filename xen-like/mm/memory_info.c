/* SPDX-License-Identifier: MIT */
/*
 * The calls of memory_op that tell about memory: limits, maps, the M2P; and those that only domains with translated
 * frame numbers have a use for, which get the answer that Xen gives a PV domain.
 */
#include "cpu/features.h"
#include "lib/string.h"
#include "mm/memory_op.h"

/* An entry of a memory map as the ABI has it (xen/memory.h): 20 bytes. */
struct map_entry {
    u64 addr, size;
    u32 type;
} __packed;
_Static_assert(sizeof(struct map_entry) == 20, "ABI");

#define MAP_ENTRIES_MAX 1024

struct memory_map {
    unsigned int n;
    struct map_entry entry[];
};

long memop_ram_page(unsigned long arg, unsigned long start, unsigned long cmd)
{
    (void)arg;
    (void)cmd;
    return start ? -EINVAL : (long)frame_limit;
}

long memop_reservation_info(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct domain *d;
    domid_t domid;
    long rc;

    if (start)
        return -EINVAL;
    if (copy_from_guest(&domid, arg, sizeof(domid)))
        return -EFAULT;
    d = memop_domain(domid);
    if (!d)
        return -ESRCH;
    rc = foreign_permitted(d);
    if (!rc) {
        unsigned int op = cmd & MEMOP_CMD_MASK;

        rc = op == XENMEM_current_reservation ? (long)d->mm.tot_pages :
             op == XENMEM_maximum_reservation ? (long)d->mm.max_pages : (long)d->shared_info->arch.max_pfn - 1;
    }
    domain_put(d);
    return rc;
}

/* --- the M2P --- */

long memop_m2p_list(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_machphys_mfn_list l;
    unsigned int n;
    u64 last = 0;

    (void)start;
    (void)cmd;
    if (copy_from_guest(&l, arg, sizeof(l)))
        return -EFAULT;
    /* One frame number for each 2 MiB of the table; where it has no such piece, the one before stands for it. */
    for (n = 0; n < l.max_extents && n < DIV_ROUND_UP(frame_limit * 8, MB(2)); n++) {
        u64 mfn = hv_large_mfn(M2P_RO_START + n * MB(2));

        if (mfn)
            last = mfn;
        if (!put_guest_u64(guest_addr(l.extent_start) + n * 8, last))
            return -EFAULT;
    }
    l.nr_extents = n;
    return copy_to_guest(arg, &l, sizeof(l)) ? -EFAULT : 0;
}

long memop_m2p_mapping(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_machphys_mapping m = {
        .v_start = MACH2PHYS_VIRT_START, .v_end = MACH2PHYS_VIRT_END, .max_mfn = frame_limit - 1,
    };

    (void)start;
    (void)cmd;
    return copy_to_guest(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

/* --- memory maps --- */

long memop_memory_map(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct domain *d = current->domain;
    struct xen_memory_map m;
    const struct memory_map *map = load_acquire(&d->mm.map);

    (void)start;
    (void)cmd;
    if (!map)
        return -ENOSYS;
    if (copy_from_guest(&m, arg, sizeof(m)))
        return -EFAULT;
    m.nr_entries = min(m.nr_entries, map->n);
    if (copy_to_guest(guest_addr(m.buffer), map->entry, m.nr_entries * sizeof(map->entry[0])) ||
        copy_to_guest(arg, &m, sizeof(m)))
        return -EFAULT;
    return 0;
}

/* A map is set before its domain runs. A second one takes the first one's place only if it has as much room. */
static int install_map(struct domain *d, struct memory_map *new)
{
    struct memory_map *old;
    int rc = 0;

    spin_lock(&d->page_lock);
    old = d->mm.map;
    if (d->state != DOMAIN_ALIVE)
        rc = -EINVAL;
    else if (!old)
        store_release(&d->mm.map, new);
    else if (new->n > old->n)
        rc = -EBUSY;
    else {
        /* Readers may be looking at the old one: it is changed in place. */
        memcpy(old->entry, new->entry, new->n * sizeof(new->entry[0]));
        WRITE_ONCE(old->n, new->n);
    }
    spin_unlock(&d->page_lock);
    if (!rc && old)
        domain_xfree(d, new);
    return rc;
}

long memop_set_memory_map(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_foreign_memory_map fm;
    struct memory_map *new = NULL;
    struct domain *d;
    size_t size;
    long rc;

    (void)start;
    (void)cmd;
    if (copy_from_guest(&fm, arg, sizeof(fm)))
        return -EFAULT;
    if (fm.map.nr_entries > MAP_ENTRIES_MAX)
        return -EINVAL;
    d = memop_domain(fm.domid);
    if (!d)
        return -ESRCH;
    rc = foreign_permitted(d);
    if (rc)
        goto out;
    size = fm.map.nr_entries * sizeof(struct map_entry);
    new = domain_xzalloc_bytes(d, sizeof(*new) + size);
    rc = -ENOMEM;
    if (!new)
        goto out;
    new->n = fm.map.nr_entries;
    rc = -EFAULT;
    if (!copy_from_guest(new->entry, guest_addr(fm.map.buffer), size))
        rc = install_map(d, new);
    if (rc)
        domain_xfree(d, new);
out:
    domain_put(d);
    return rc;
}

long memop_machine_memory_map(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_memory_map m;

    (void)start;
    (void)cmd;
    if (!current->domain->privileged)
        return -EPERM;
    if (copy_from_guest(&m, arg, sizeof(m)))
        return -EFAULT;
    if (!guest_range_ok(guest_addr(m.buffer), m.nr_entries * sizeof(struct map_entry)))
        return -EFAULT;
    for (unsigned int i = 0; i < boot_memory.nr_map; i++) {
        const struct mem_range *r = &boot_memory.map[i];
        struct map_entry e = { .addr = r->start, .size = r->end - r->start, .type = r->type };

        if (i >= m.nr_entries)
            return -EINVAL;
        if (copy_to_guest_at(guest_addr(m.buffer), i, &e))
            return -EFAULT;
    }
    m.nr_entries = boot_memory.nr_map;
    return copy_to_guest(arg, &m, sizeof(m)) ? -EFAULT : 0;
}

/* --- for translated domains only --- */

long memop_add_to_physmap(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_add_to_physmap x;
    struct domain *d;
    long rc;

    (void)start;
    (void)cmd;
    if (copy_from_guest(&x, arg, sizeof(x)))
        return -EFAULT;
    if (x.space == XENMAPSPACE_gmfn_foreign)
        return -ENOSYS;
    d = memop_domain(x.domid);
    if (!d)
        return -ESRCH;
    rc = foreign_permitted(d);
    domain_put(d);
    return rc ? rc : -EACCES;
}

long memop_add_to_physmap_batch(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_add_to_physmap_batch x;
    struct domain *d;
    long rc;

    (void)cmd;
    if (start > UINT16_MAX)
        return -XEN_EDOM;
    if (copy_from_guest(&x, arg, sizeof(x)))
        return -EFAULT;
    if (x.size < start)
        return -XEN_EILSEQ;
    if (x.size == start)
        return 0;
    d = memop_domain(x.domid);
    if (!d)
        return -ESRCH;
    rc = foreign_permitted(d);
    domain_put(d);
    return rc ? rc : -EACCES;
}

long memop_remove_from_physmap(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_remove_from_physmap x;
    struct domain *d;
    long rc;

    (void)cmd;
    if (start)
        return -EINVAL;
    if (copy_from_guest(&x, arg, sizeof(x)))
        return -EFAULT;
    d = memop_domain(x.domid);
    if (!d)
        return -ESRCH;
    rc = foreign_permitted(d);
    /* Nothing to remove: a PV domain's pfns are its own affair. But the frame must be there. */
    if (!rc && frame_get(MFN(x.gpfn), d))
        frame_put(mfn_to_frame(MFN(x.gpfn)));
    else if (!rc)
        rc = -ENOENT;
    domain_put(d);
    return rc;
}

/* --- the rest --- */

long memop_claim(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_memory_reservation r;
    struct domain *d;
    long rc;

    (void)cmd;
    if (start)
        return -EINVAL;
    if (copy_from_guest(&r, arg, sizeof(r)))
        return -EFAULT;
    if (guest_addr(r.extent_start) || r.extent_order || r.mem_flags)
        return -EINVAL;
    d = r.domid == DOMID_SELF ? NULL : domain_get(r.domid);
    if (!d)
        return -EINVAL;
    if (!current->domain->privileged)
        rc = -EPERM;
    else if (!r.nr_extents)
        rc = domain_claim(d, 0) ? 0 : -EINVAL;
    else if (d->mm.claim || r.nr_extents <= d->mm.tot_pages || r.nr_extents > d->mm.max_pages)
        rc = -EINVAL;
    else
        rc = domain_claim(d, r.nr_extents - d->mm.tot_pages) ? 0 : -ENOMEM;
    domain_put(d);
    return rc;
}

long memop_sharing_info(unsigned long arg, unsigned long start, unsigned long cmd)
{
    (void)arg;
    (void)start;
    (void)cmd;
    return 0;   /* frames shared between domains: there are none */
}

long memop_vnumainfo(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_vnuma_topology_info t;
    struct domain *d;
    long rc;

    (void)start;
    (void)cmd;
    if (copy_from_guest(&t, arg, sizeof(t)))
        return -EFAULT;
    if (t.pad)
        return -EINVAL;
    d = memop_domain(t.domid);
    if (!d)
        return -ESRCH;
    rc = foreign_permitted(d);
    domain_put(d);
    return rc ? rc : -EOPNOTSUPP;   /* no domain has a virtual NUMA topology */
}

/* --- resources: frames of the hypervisor that a tool may map --- */

#define RESOURCE_FRAMES_MAX (UINT32_MAX >> MEMOP_EXTENT_SHIFT)

static unsigned int resource_size(struct domain *d, unsigned int type, unsigned int id)
{
    return type == XENMEM_resource_grant_table && id == XENMEM_resource_grant_table_id_shared ?
           grant_max_frames(d) : 0;
}

static long copy_resource(struct domain *d, const struct xen_mem_acquire_resource *r, unsigned long arg,
                          unsigned long start, unsigned long cmd)
{
    for (unsigned long i = start; i < r->nr_frames; i++) {
        mfn_t mfn;
        int rc;

        if (i != start && hypercall_preempt_check())
            return HYPERCALL_RESTART((cmd & MEMOP_CMD_MASK) | i << MEMOP_EXTENT_SHIFT, arg);
        rc = grant_get_frame(d, r->frame + i, &mfn);
        if (rc)
            return rc;
        if (!put_guest_u64(guest_addr(r->frame_list) + i * 8, mfn.v))
            return -EFAULT;
    }
    return 0;
}

long memop_acquire_resource(unsigned long arg, unsigned long start, unsigned long cmd)
{
    struct xen_mem_acquire_resource r;
    struct domain *d;
    unsigned int size;
    long rc;

    if (copy_from_guest(&r, arg, sizeof(r)))
        return -EFAULT;
    if (r.pad || r.frame >> 32 || (r.frame + r.nr_frames) >> 32)
        return -EINVAL;
    if (r.domid == DOMID_SELF || r.domid == current->domain->id)
        return -EPERM;
    d = domain_get(r.domid);
    if (!d)
        return -ESRCH;
    rc = foreign_permitted(d);
    if (rc)
        goto out;
    size = resource_size(d, r.type, r.id);
    rc = -EINVAL;
    if (!size)
        goto out;
    if (!guest_addr(r.frame_list)) {
        if (r.nr_frames || start)
            goto out;
        r.nr_frames = size;
        rc = copy_to_guest(arg, &r, sizeof(r)) ? -EFAULT : 0;
    } else if (r.nr_frames <= RESOURCE_FRAMES_MAX && start < r.nr_frames && r.frame + r.nr_frames <= size) {
        rc = copy_resource(d, &r, arg, start, cmd);
    }
out:
    domain_put(d);
    return rc;
}
