/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls that change single page-table entries: mmu_update, update_va_mapping and its form for frames
 * of other domains. (xen/xen.h is the manual.)
 */
#include "mm/internal.h"

/* --- which domain a call is about --- */

struct domain *foreign_domain_get(unsigned int domid)
{
    if (likely(domid == DOMID_SELF))
        return current->domain;
    if (domid == DOMID_IO)
        return domain_io;
    if (domid == DOMID_XEN)
        return domain_xen;
    /* One's own number is no foreign domain's. */
    return domid == current->domain->id || domid >= DOMID_FIRST_RESERVED ? NULL : domain_get(domid);
}

int foreign_permitted(const struct domain *d)
{
    return d == current->domain || current->domain->privileged ? 0 : -EPERM;
}

/* --- mmu_update --- */

/* The domains of one call: whose tables are changed, and whose frames the new entries name. */
struct parties {
    struct domain *tables, *frames;
};

static int update_table(u64 ptr, u64 val, bool keep_ad, const struct parties *p)
{
    struct frame *f held_frame = frame_get(MFN(ptr >> PAGE_SHIFT), p->tables);
    unsigned int i = ptr % PAGE_SIZE / sizeof(u64);

    if (unlikely(!f))
        return -EINVAL;
    if (likely(frame_lock(f))) {
        int rc = table_update(f, i, val, keep_ad, p->tables, p->frames);
        frame_unlock(f);
        return rc;
    }
    int rc = frame_get_type(f, FRAME_WRITABLE, false);
    if (!rc) {
        /* No table (yet): plain data. */
        WRITE_ONCE(((u64 *)frame_to_virt(f))[i], val);
        frame_put_type(f, false);
    }
    return rc;
}

static int update_m2p(u64 ptr, u64 pfn, const struct parties *p)
{
    if (p->tables != current->domain || foreign_permitted(p->frames))
        return -EPERM;
    struct frame *f held_frame = frame_get(MFN(ptr >> PAGE_SHIFT), p->frames);
    if (!f)
        return -EINVAL;
    m2p_set(MFN(ptr >> PAGE_SHIFT), pfn);
    return 0;
}

static int update_one(unsigned long op, void *parties)
{
    const struct parties *p = parties;
    u64 request[2];     /* ptr, val */

    if (unlikely(!get_guest_2_u64(request, op)))
        return -EFAULT;
    unsigned int cmd = request[0] % sizeof(u64);
    u64 ptr = request[0] - cmd;
    if (cmd == MMU_MACHPHYS_UPDATE)
        return update_m2p(ptr, request[1], p);
    if (cmd != MMU_NORMAL_PT_UPDATE && cmd != MMU_PT_UPDATE_PRESERVE_AD && cmd != MMU_PT_UPDATE_NO_TRANSLATE)
        return -ENOSYS;
    if (foreign_permitted(p->tables) || (p->frames != domain_io && foreign_permitted(p->frames)))
        return -EPERM;
    return update_table(ptr, request[1], cmd == MMU_PT_UPDATE_PRESERVE_AD, p);
}

/* --- batches: what mmu_update and mmuext_op have in common --- */

#define MMU_UPDATE_PREEMPTED 0x80000000u    /* in count: this is our own continuation */

bool batch_begin(struct batch *b)
{
    if (unlikely(mm_finish_undo())) {
        b->result = HYPERCALL_RESTART(b->ops, b->count, b->pdone, b->foreigndom);
        return false;
    }
    if (unlikely(b->count & MMU_UPDATE_PREEMPTED)) {
        /* Our own continuation. Where only undoing was left, the result stands in the last argument. */
        if (b->count == MMU_UPDATE_PREEMPTED && !b->ops) {
            b->result = (int)b->foreigndom;
            return false;
        }
        b->count &= ~MMU_UPDATE_PREEMPTED;
        if (b->pdone && copy_from_guest(&b->done, b->pdone, sizeof(b->done)))
            b->done = 0;
    }
    if (unlikely(!guest_range_ok(b->ops, (unsigned long)b->count * b->size))) {
        b->result = -EFAULT;
        return false;
    }
    return true;
}

long batch_run(struct batch *b, int (*one)(unsigned long op, void *arg), void *arg)
{
    unsigned int n = 0;
    int rc = 0;

    while (n < b->count && likely(!rc)) {
        rc = n && hypercall_preempt_check() ? -ERESTART : one(b->ops, arg);
        if (unlikely(rc))
            break;
        n++;
        b->ops += b->size;
        rc = mm_finish_undo();
    }
    b->count -= n;
    /* A pointer that cannot be written is left alone, as on Xen. */
    if (b->pdone && copy_to_guest(b->pdone, &(u32){ b->done + n }, sizeof(u32)))
        b->pdone = 0;
    if (rc == -ERESTART && b->count)
        return HYPERCALL_RESTART(b->ops, b->count | MMU_UPDATE_PREEMPTED, b->pdone, b->foreigndom);
    if (rc == -ERESTART)
        rc = 0;
    if (mm_finish_undo())
        return HYPERCALL_RESTART(0, MMU_UPDATE_PREEMPTED, 0, (u32)rc);
    return rc;
}

/* --- mmu_update --- */

long do_mmu_update(unsigned long ureqs, unsigned int count, unsigned long pdone, unsigned int foreigndom)
{
    struct batch b = { .ops = ureqs, .size = sizeof(struct mmu_update), .count = count, .pdone = pdone,
                       .foreigndom = foreigndom };
    struct domain *d = current->domain;
    unsigned int tables = foreigndom >> 16;     /* id of the domain whose tables they are, plus one; 0: own */

    if (unlikely(!batch_begin(&b)))
        return b.result;
    if (tables > DOMID_FIRST_RESERVED)
        return -ESRCH;
    struct domain *of_tables held_foreign = tables && tables - 1 != d->id ? domain_get(tables - 1) : d;
    struct domain *of_frames held_foreign = of_tables ? foreign_domain_get(foreigndom & 0xffff) : NULL;
    if (!of_frames)
        return -ESRCH;
    return batch_run(&b, update_one, &(struct parties){ of_tables, of_frames });
}

_Static_assert(sizeof(struct mmu_update) == 16 && offsetof(struct mmu_update, val) == 8, "read as two words");

/* --- update_va_mapping --- */

static int update_va(unsigned long va, u64 val, struct domain *pg_owner)
{
    struct vcpu *v = current;
    u64 *slot = guest_l1_slot(v, va);
    struct frame *f held_frame = likely(slot) ? frame_get(virt_to_mfn(slot), v->domain) : NULL;

    if (unlikely(!f) || unlikely(!frame_lock_l1(f)))
        return -EINVAL;
    int rc = l1_update(slot, val, false, v->domain, pg_owner);
    frame_unlock(f);
    return rc;
}

/* Carries out the flush that flags asks for. -EINVAL, -EFAULT */
static int flush_as_asked(unsigned long va, unsigned long flags)
{
    unsigned long what = flags & UVMF_FLUSHTYPE_MASK, where = flags & ~UVMF_FLUSHTYPE_MASK;
    struct domain *d = current->domain;
    struct cpumask mask = { { 0 } };
    int rc = 0;

    if (what == UVMF_NONE)
        return 0;
    if (what == UVMF_TLB_FLUSH)
        va = TLB_ALL;
    else if (what != UVMF_INVLPG)
        return -EINVAL;
    if (where == UVMF_LOCAL) {
        tlb_flush_local(va);
        return 0;
    }
    if (where == UVMF_ALL)
        mask = d->mm.dirty;
    else
        rc = guest_vcpumask(d, where, &mask);
    tlb_flush_mask(&mask, va);
    return rc;
}

static long update_va_mapping(unsigned long va, u64 val, unsigned long flags, struct domain *pg_owner)
{
    int rc = pg_owner == domain_io ? 0 : foreign_permitted(pg_owner);

    if (!rc)
        rc = update_va(va, val, pg_owner);
    return rc ? rc : flush_as_asked(va, flags);
}

long do_update_va_mapping(unsigned long va, u64 val, unsigned long flags)
{
    return update_va_mapping(va, val, flags, current->domain);
}

long do_update_va_mapping_otherdomain(unsigned long va, u64 val, unsigned long flags, unsigned int domid)
{
    struct domain *d held_foreign = foreign_domain_get(domid);

    return d ? update_va_mapping(va, val, flags, d) : -ESRCH;
}
