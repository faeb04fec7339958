/* SPDX-License-Identifier: MIT */
/*
 * The calls of memory_op that tell about memory: limits, maps, the M2P; and those that only domains with translated
 * frame numbers have a use for, which get the answer that Xen gives a PV domain.
 */
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

long memop_ram_page(struct memop *m) { return (long)frame_limit; }

long memop_reservation_info(struct memop *m)
{
    const long rc = memop_target(m, m->u.domid);

    if (rc)
        return rc;
    return m->op == XENMEM_current_reservation ? (long)m->d->mm.tot_pages :
           m->op == XENMEM_maximum_reservation ? (long)m->d->mm.max_pages :
           (long)max(m->d->shared_info->arch.max_pfn, 1UL) - 1; /* what the guest itself said */
}

/* --- the M2P --- */

long memop_m2p_list(struct memop *m)
{
    struct xen_machphys_mfn_list *l = &m->u.m2p_list;
    u64 last = 0;
    unsigned int n;

    /* One frame number for each 2 MiB of the table; where it has no such piece, the one before stands for it. */
    for (n = 0; n < l->max_extents && n < DIV_ROUND_UP(frame_limit * 8, MB(2)); n++) {
        u64 mfn = hv_large_mfn(M2P_RO_START + n * MB(2));

        if (mfn)
            last = mfn;
        if (!put_guest_u64(guest_addr(l->extent_start) + n * 8, last))
            return -EFAULT;
    }
    l->nr_extents = n;
    return 0;
}

/* A guest is told what the table has room for, not how much memory the machine has, as by Xen. */
long memop_m2p_mapping(struct memop *m)
{
    m->u.m2p_mapping = (struct xen_machphys_mapping){
        .v_start = MACH2PHYS_VIRT_START, .v_end = MACH2PHYS_VIRT_END,
        .max_mfn = (current->domain->hardware ? frame_limit : MACH2PHYS_NR_ENTRIES) - 1,
    };
    return 0;
}

/* --- memory maps --- */

long memop_memory_map(struct memop *m)
{
    struct xen_memory_map *to = &m->u.map;
    const struct memory_map *map = load_acquire(&current->domain->mm.map);

    if (!map)
        return -ENOSYS;
    if (copy_from_guest(to, m->arg, sizeof(*to)))
        return -EFAULT;
    to->nr_entries = min(to->nr_entries, map->n);
    return copy_to_guest(guest_addr(to->buffer), map->entry, to->nr_entries * sizeof(map->entry[0])) ? -EFAULT : 0;
}

/*
 * A map is set before its domain runs: *new becomes the domain's, and NULL here. A second one is copied to the
 * first one's place, if that has as much room.
 */
static int install_map(struct domain *d, struct memory_map **new)
{
    spin_guard(&d->page_lock);
    struct memory_map *old = d->mm.map;
    if (d->state != DOMAIN_ALIVE)
        return -EINVAL;
    if (!old) {
        store_release(&d->mm.map, *new);
        *new = NULL;
        return 0;
    }
    if ((*new)->n > old->n)
        return -EBUSY;
    /* Readers may be looking at it. */
    memcpy(old->entry, (*new)->entry, (*new)->n * sizeof(old->entry[0]));
    WRITE_ONCE(old->n, (*new)->n);
    return 0;
}

long memop_set_memory_map(struct memop *m)
{
    const struct xen_foreign_memory_map *fm = &m->u.foreign_map;
    const size_t size = fm->map.nr_entries * sizeof(struct map_entry);

    if (fm->map.nr_entries > MAP_ENTRIES_MAX)
        return -EINVAL;
    long rc = memop_target(m, fm->domid);
    if (rc)
        return rc;
    struct memory_map *new = domain_xzalloc_bytes(m->d, sizeof(*new) + size);
    if (!new)
        return -ENOMEM;
    new->n = fm->map.nr_entries;
    rc = copy_from_guest(new->entry, guest_addr(fm->map.buffer), size) ? -EFAULT : install_map(m->d, &new);
    domain_xfree(m->d, new);
    return rc;
}

long memop_machine_memory_map(struct memop *m)
{
    struct xen_memory_map *to = &m->u.map;

    if (!current->domain->privileged)
        return -EPERM;
    if (copy_from_guest(to, m->arg, sizeof(*to)) ||
        !guest_range_ok(guest_addr(to->buffer), to->nr_entries * sizeof(struct map_entry)))
        return -EFAULT;
    for (unsigned int i = 0; i < boot_memory.nr_map; i++) {
        const struct mem_range *r = &boot_memory.map[i];
        struct map_entry e = { .addr = r->start, .size = r->end - r->start, .type = r->type };

        if (i >= to->nr_entries)
            return -EINVAL;
        if (copy_to_guest_at(guest_addr(to->buffer), i, &e))
            return -EFAULT;
    }
    to->nr_entries = boot_memory.nr_map;
    return 0;
}

/* --- what a PV domain is refused --- */

/* A PV domain's pfns are its own affair, whoever asks. */
static long refuse_physmap(struct memop *m, domid_t domid)
{
    m->d = domain_get(domid);
    return m->d ? -EACCES : -ESRCH;
}

long memop_add_to_physmap(struct memop *m)
{
    return m->u.add.space == XENMAPSPACE_gmfn_foreign ? -ENOSYS : refuse_physmap(m, m->u.add.domid);
}

long memop_add_to_physmap_batch(struct memop *m) { return refuse_physmap(m, m->u.add_batch.domid); }

long memop_remove_from_physmap(struct memop *m) { return refuse_physmap(m, m->u.remove.domid); }

/* No domain has a virtual NUMA topology. */
long memop_vnumainfo(struct memop *m)
{
    return m->u.vnuma.pad ? -EINVAL : memop_target(m, m->u.vnuma.domid) ?: -EOPNOTSUPP;
}

/* --- the rest --- */

long memop_claim(struct memop *m)
{
    const struct xen_memory_reservation *r = &m->u.reservation;
    struct domain *d held_domain = r->domid == DOMID_SELF ? NULL : domain_get(r->domid);

    if (guest_addr(r->extent_start) || r->extent_order || r->mem_flags || !d)
        return -EINVAL;
    if (!current->domain->privileged)
        return -EPERM;
    if (!r->nr_extents)
        return domain_claim(d, 0) ? 0 : -EINVAL;
    if (d->mm.claim || r->nr_extents <= d->mm.tot_pages || r->nr_extents > d->mm.max_pages)
        return -EINVAL;
    return domain_claim(d, r->nr_extents - d->mm.tot_pages) ? 0 : -ENOMEM;
}

/* Frames shared between domains: there are none. */
long memop_sharing_info(struct memop *m) { return 0; }

/* --- resources: frames of the hypervisor that a tool may map --- */

#define RESOURCE_FRAMES_MAX (UINT32_MAX >> MEMOP_EXTENT_SHIFT)

static long copy_resource(const struct memop *m, const struct xen_mem_acquire_resource *r)
{
    for (unsigned long i = m->start; i < r->nr_frames; i++) {
        mfn_t mfn;

        if (i != m->start && hypercall_preempt_check())
            return memop_restart(m, i);
        const int rc = grant_get_frame(m->d, r->frame + i, &mfn);
        if (rc)
            return rc;
        if (!put_guest_u64(guest_addr(r->frame_list) + i * 8, mfn.v))
            return -EFAULT;
    }
    return 0;
}

long memop_acquire_resource(struct memop *m)
{
    struct xen_mem_acquire_resource *r = &m->u.resource;

    if (r->pad || r->frame >> 32 || (r->frame + r->nr_frames) >> 32)
        return -EINVAL;
    if (r->domid == DOMID_SELF || r->domid == current->domain->id)
        return -EPERM;
    const long rc = memop_target(m, r->domid);
    if (rc)
        return rc;
    const unsigned int size = grant_max_frames(m->d);
    if (r->type != XENMEM_resource_grant_table || r->id != XENMEM_resource_grant_table_id_shared || !size)
        return -EINVAL;
    if (!guest_addr(r->frame_list) && !r->nr_frames && !m->start) {
        r->nr_frames = size;
        return copy_to_guest(m->arg, r, sizeof(*r)) ? -EFAULT : 0;
    }
    if (!guest_addr(r->frame_list) || r->nr_frames > RESOURCE_FRAMES_MAX || m->start >= r->nr_frames ||
        r->frame + r->nr_frames > size)
        return -EINVAL;
    return copy_resource(m, r);
}
