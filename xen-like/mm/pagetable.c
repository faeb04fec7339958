/* SPDX-License-Identifier: MIT */
/*
 * Which page-table entries a guest may have, and what each entry holds: for a present one, a general
 * reference of the frame that it names, and a type reference: WRITABLE where an L1 entry is writable, the
 * next lower table type in L2 to L4. Whole tables are promoted and demoted, single entries updated; all of it
 * with the table's TYPE_LOCKED held.
 *
 * Tables are sparse. Walks go over eight entries at once where all are zero; entries that are not present
 * hold nothing.
 *
 * Linear page tables: a table of L2 to L4 may name itself, or another of its own level, read-only, in place
 * of a lower one. The first kind holds nothing. The second is counted in both tables, and no table may be on
 * both sides of it, so that there is no chain and no circle of references.
 */
#include "lib/option.h"
#include "mm/internal.h"
#include "mm/isolation.h"
#include "mm/machine.h"

/* struct frame.progress */
#define PROGRESS_CHILD  0x8000u /* the entry after the validated ones may name a table that is PARTIAL on our account */
#define PROGRESS_COUNT  0x7fffu

/* A change in these bits alone leaves all references as they are. */
#define HARMLESS_BITS   (PTE_NX | PTE_AVAIL | PTE_AVAIL_HIGH | PTE_G | PTE_D | PTE_A | PTE_US)

static bool linear_tables = true;
OPTION_BOOL("pv-linear-pt", linear_tables);

/* --- L1 entries --- */

static inline u64 l1_refused_bits(const struct domain *d)
{
    return d->hardware ? pte_nx_refused : PTE_CACHE | pte_nx_refused;
}

/*
 * A kernel page of the guest is marked, and open to ring 3, where the guest's kernel runs; a user page is
 * global.
 */
u64 l1_adjust(u64 pte)
{
    if (!(pte & PTE_US))
        return pte | PTE_US | PTE_GUEST_KERNEL;
    return pte & PTE_GUEST_KERNEL ? pte : pte | PTE_G;
}

/* Memory that is not RAM. It has no references. */
static int l1_get_mmio(u64 *pte, const struct domain *owner, const struct domain *pg_owner)
{
    mfn_t mfn = pte_mfn(*pte);
    bool readonly;

    if (pg_owner == domain_io)
        pg_owner = current->domain;
    if (!mmio_permitted(pg_owner, mfn, &readonly))
        return mfn.v == PTE_ADDR >> PAGE_SHIFT ? -EINVAL : -EPERM;
    if (!mmio_permitted(owner, mfn, &readonly))
        return -EPERM;
    if (readonly)
        *pte &= ~PTE_RW;
    return 0;
}

/* Takes what the present entry *pte in a table of owner holds, of a frame of pg_owner. */
static inline int l1_get(u64 *pte, const struct domain *owner, struct domain *pg_owner)
{
    mfn_t mfn = pte_mfn(*pte);
    struct frame *f;

    if (unlikely(*pte & l1_refused_bits(owner)))
        return -EINVAL;
    f = frame_lookup(mfn);
    if (unlikely(!f))
        return l1_get_mmio(pte, owner, pg_owner);
    if (*pte & PTE_RW ? frame_get_writable(f, pg_owner) : frame_get(mfn, pg_owner)) {
        /* RAM has one cache attribute, write-back: there are no aliases with different ones. */
        *pte &= ~PTE_CACHE;
        return 0;
    }
    return f->owner == FRAME_OWNER_IO ? l1_get_mmio(pte, owner, pg_owner) : -EBUSY;
}

/*
 * A change of the frame's type flushes only the CPUs of its owner, and Domain-0's. So when a guest overwrites
 * its writable mapping of another's page, which it has by a grant, its own CPUs must forget it before the
 * reference goes.
 */
void l1_put(u64 pte, const struct domain *d)
{
    struct frame *f = pte & PTE_P ? frame_lookup(pte_mfn(pte)) : NULL;

    if (!f || f->owner == FRAME_OWNER_IO)
        return;
    if (unlikely((pte & PTE_RW) && frame_owner(f) != d->id && !d->hardware))
        tlb_flush_domain_since(d, tlb_stamp());
    frame_put_mapping(f, pte & PTE_RW);
}

static int l1_promote(struct frame *f, struct domain *d)
{
    u64 *table = frame_to_virt(f);
    unsigned int i = 0;

    while (i < PTES) {
        u64 pte;
        int rc;

        if (!(i % 8) && eight_zero(&table[i])) {
            i += 8;
            continue;
        }
        pte = table[i];
        if (pte & PTE_P) {
            rc = l1_get(&pte, d, d);
            pte = l1_adjust(pte);
            if (!rc && pte != table[i])
                table[i] = pte;
        } else {
            rc = l1tf_check(d, pte) ? -EINVAL : 0;
        }
        if (unlikely(rc)) {
            f->progress = i;
            return rc;
        }
        i++;
    }
    f->progress = PTES;
    return 0;
}

static void l1_demote(struct frame *f, const struct domain *d)
{
    const u64 *table = frame_to_virt(f);
    unsigned int i = f->progress;

    while (i) {
        if (!(i % 8) && eight_zero(&table[i - 8])) {
            i -= 8;
            continue;
        }
        l1_put(table[--i], d);
    }
    f->progress = 0;
}

/* --- entries of L2 to L4 --- */

#define UPPER_REFUSED_BITS (PTE_PWT | PTE_PCD | PTE_PSE | PTE_G)

/* Adds by to *count where *count is 0 or has the sign of by. */
static bool linear_count(s16 *count, s16 by)
{
    s16 old = READ_ONCE(*count);

    do {
        if ((by > 0 && (old < 0 || old == INT16_MAX)) || (by < 0 && (old > 0 || old == INT16_MIN)))
            return false;
    } while (!atomic_cmpxchg(count, &old, (s16)(old + by)));
    return true;
}

/* An entry of table that names a table of the same level. */
static bool linear_get(u64 pte, struct frame *table, enum frame_type type, struct domain *d)
{
    struct frame *f = mfn_to_frame(pte_mfn(pte));

    if (!linear_tables || (pte & PTE_RW))
        return false;
    if (f == table)
        return true;
    if (!frame_get(pte_mfn(pte), d))
        return false;
    /* The type reference first: only then is `linear` of the other table what it seems. */
    if (!frame_get_same_type(f, type))
        goto put;
    if (!linear_count(&table->linear, 1))
        goto put_type;
    if (!linear_count(&f->linear, -1)) {
        atomic_dec(&table->linear);
        goto put_type;
    }
    return true;

put_type:
    frame_put_type(f, false);
put:
    frame_put(f);
    return false;
}

/* Takes what the present entry pte of table holds. Tables below L2 are small, and validated in one go. */
static int upper_get(u64 pte, struct frame *table, enum frame_type type, struct domain *d, bool preemptible)
{
    mfn_t mfn = pte_mfn(pte);
    int rc;

    if ((pte & UPPER_REFUSED_BITS) || (pte & pte_nx_refused) || !frame_get(mfn, d))
        return -EINVAL;
    rc = frame_get_type(mfn_to_frame(mfn), type - 1, preemptible && type > FRAME_L2);
    if (likely(!rc))
        return 0;
    frame_put(mfn_to_frame(mfn));
    if (rc == -EINVAL && linear_get(pte, table, type, d))
        return 0;
    return rc;
}

/* 0, or -ERESTART: the entry holds nothing any more, but the table that it names is left PARTIAL. */
static int upper_put(u64 pte, struct frame *table, enum frame_type type, bool preemptible)
{
    struct frame *f = mfn_to_frame(pte_mfn(pte));
    int rc;

    if (!(pte & PTE_P) || f == table)
        return 0;
    if ((enum frame_type)(READ_ONCE(f->type) >> TYPE_SHIFT) == type) {
        atomic_inc(&f->linear);
        atomic_dec(&table->linear);
    }
    rc = frame_put_type(f, preemptible);
    frame_put(f);
    return rc;
}

static int upper_promote(struct frame *f, enum frame_type type, struct domain *d, bool preemptible)
{
    u64 *table = frame_to_virt(f);
    unsigned int i = f->progress & PROGRESS_COUNT;
    bool worked = false;

    while (i < PTES) {
        u64 pte;
        int rc = 0;

        if (!(i % 8) && eight_zero(&table[i])) {
            i += 8;
            continue;
        }
        pte = table[i];
        if (type == FRAME_L4 && !guest_l4_slot(i)) {
            i++;
            continue;
        }
        if (pte & PTE_P) {
            if (preemptible && worked && hypercall_preempt_check()) {
                f->progress = i;
                return -ERESTART;
            }
            rc = upper_get(pte, f, type, d, preemptible);
            worked = true;
        } else if (l1tf_check(d, pte)) {
            rc = -EINVAL;
        }
        if (rc) {
            f->progress = i | PROGRESS_CHILD;
            return rc;
        }
        if ((pte & (PTE_P | PTE_US)) == PTE_P)
            table[i] = pte | PTE_US;
        i++;
    }
    f->progress = PTES;
    if (type == FRAME_L4)
        root_fill_hv_slots(table, d->pv.isolated);
    return 0;
}

/* Deals with the table that the entry behind the validated ones may have left PARTIAL. */
static int child_demote(struct frame *f, u64 pte, struct domain *d, bool preemptible)
{
    mfn_t mfn = pte_mfn(pte);
    int rc = 0;

    /* Whoever has taken the child over meanwhile, or gives it to another owner, has dealt with it. */
    if ((pte & PTE_P) && mfn_to_frame(mfn) != f && frame_get(mfn, d)) {
        rc = frame_undo_partial(mfn_to_frame(mfn), preemptible);
        frame_put(mfn_to_frame(mfn));
    }
    return rc;
}

static int upper_demote(struct frame *f, enum frame_type type, struct domain *d, bool preemptible)
{
    u64 *table = frame_to_virt(f);
    unsigned int n = f->progress & PROGRESS_COUNT;
    bool worked = false;
    int rc;

    if (type == FRAME_L4)
        isolation_forget(frame_to_mfn(f));
    if (f->progress & PROGRESS_CHILD) {
        rc = child_demote(f, table[n], d, preemptible);
        if (rc)
            return rc;
        f->progress = n;
    }
    while (n) {
        if (!(n % 8) && eight_zero(&table[n - 8])) {
            n -= 8;
            continue;
        }
        if (type == FRAME_L4 && !guest_l4_slot(n - 1)) {
            n--;
            continue;
        }
        if (preemptible && worked && hypercall_preempt_check()) {
            f->progress = n;
            return -ERESTART;
        }
        n--;
        rc = upper_put(table[n], f, type, preemptible);
        if (rc) {
            f->progress = n | PROGRESS_CHILD;
            return rc;
        }
        worked = true;
    }
    f->progress = 0;
    return 0;
}

/* --- whole tables --- */

int table_promote(struct frame *f, enum frame_type type, struct domain *d, bool preemptible)
{
    return type == FRAME_L1 ? l1_promote(f, d) : upper_promote(f, type, d, preemptible);
}

int table_demote(struct frame *f, enum frame_type type, struct domain *d, bool preemptible)
{
    if (type != FRAME_L1)
        return upper_demote(f, type, d, preemptible);
    l1_demote(f, d);
    return 0;
}

/* --- single entries --- */

/*
 * Writes an entry; with keep_ad the accessed and dirty bits that the processor has set stay. Returns the old
 * one.
 */
static inline u64 write_entry(u64 *slot, u64 old, u64 new, bool keep_ad)
{
    if (likely(!keep_ad)) {
        WRITE_ONCE(*slot, new);
        return old;
    }
    while (!atomic_cmpxchg(slot, &old, new | (old & (PTE_A | PTE_D))))
        ;
    return old;
}

int l1_update(u64 *slot, u64 new, bool keep_ad, struct domain *d, struct domain *pg_owner)
{
    u64 old = READ_ONCE(*slot);

    if (new & PTE_P) {
        int rc;

        if (!((old ^ new) & ~HARMLESS_BITS) && !(new & l1_refused_bits(d))) {
            write_entry(slot, old, l1_adjust(new), keep_ad);
            return 0;
        }
        rc = l1_get(&new, d, pg_owner);
        if (unlikely(rc))
            return rc;
        new = l1_adjust(new);
    } else if (l1tf_check(d, new)) {
        return -EINVAL;
    }
    l1_put(write_entry(slot, old, new, keep_ad), d);
    return 0;
}

bool l1_compare_exchange(u64 *slot, u64 *old, u64 new, struct domain *d, int *rc)
{
    *rc = 0;
    if (new & PTE_P) {
        *rc = l1_get(&new, d, d);
        if (*rc)
            return false;
        new = l1_adjust(new);
    } else if (l1tf_check(d, new)) {
        *rc = -EINVAL;
        return false;
    }
    if (!atomic_cmpxchg(slot, old, new)) {
        l1_put(new, d);
        return false;
    }
    l1_put(*old, d);
    return true;
}

static int upper_update(struct frame *f, enum frame_type type, unsigned int i, u64 new, bool keep_ad, struct domain *d)
{
    u64 *slot = (u64 *)frame_to_virt(f) + i, old = READ_ONCE(*slot);

    if (type == FRAME_L4 && !guest_l4_slot(i))
        return -EINVAL;
    if (new & PTE_P) {
        int rc = 0;

        if ((new & UPPER_REFUSED_BITS) || (new & pte_nx_refused))
            return -EINVAL;
        if (!((old ^ new) & ~HARMLESS_BITS)) {
            write_entry(slot, old, new | PTE_US, keep_ad);
            if (type == FRAME_L4)
                isolation_entry_changed(frame_to_mfn(f), i);
            return 0;
        }
        rc = upper_get(new, f, type, d, true);
        if (rc)
            return rc;
        new |= PTE_US;
    } else if (l1tf_check(d, new)) {
        return -EINVAL;
    }
    old = write_entry(slot, old, new, keep_ad);
    if (type == FRAME_L4)
        isolation_entry_changed(frame_to_mfn(f), i);
    if (upper_put(old, f, type, true))
        frame_undo_later(mfn_to_frame(pte_mfn(old)));
    return 0;
}

int table_update(struct frame *f, unsigned int i, u64 new, bool keep_ad, struct domain *d, struct domain *pg_owner)
{
    enum frame_type type = READ_ONCE(f->type) >> TYPE_SHIFT;

    if (type == FRAME_L1)
        return l1_update((u64 *)frame_to_virt(f) + i, new, keep_ad, d, pg_owner);
    return d == pg_owner ? upper_update(f, type, i, new, keep_ad, d) : -EINVAL;
}
