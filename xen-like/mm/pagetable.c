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
#define PROGRESS_CHILD  0x8000u /* the entry after the validated ones may name a table that is PARTIAL for us */
#define PROGRESS_COUNT  0x7fffu

/* Written once for all types of tables, compiled for L1 and for the others. */
#define INLINED static inline __attribute__((always_inline))

/* A change in these bits alone leaves all references as they are. */
#define HARMLESS_BITS   (PTE_NX | PTE_AVAIL | PTE_AVAIL_HIGH | PTE_G | PTE_D | PTE_A | PTE_US)

static bool linear_tables = true;
OPTION_BOOL("pv-linear-pt", linear_tables);

/* --- what an entry may be, and what it holds --- */

#define UPPER_REFUSED_BITS (PTE_PWT | PTE_PCD | PTE_PSE | PTE_G)

static inline u64 refused_bits(enum frame_type type, const struct domain *d)
{
    return pte_nx_refused | (type != FRAME_L1 ? UPPER_REFUSED_BITS : d->hardware ? 0 : PTE_CACHE);
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

static inline u64 adjust(u64 pte, enum frame_type type)
{
    return type == FRAME_L1 ? l1_adjust(pte) : pte | PTE_US;
}

/* Memory that is not RAM. It has no references. */
static int l1_get_mmio(u64 *pte, const struct domain *owner, const struct domain *pg_owner)
{
    mfn_t mfn = pte_mfn(*pte);
    u64 allowed = mmio_allowed(owner, mfn);

    if (!mmio_allowed(pg_owner == domain_io ? current->domain : pg_owner, mfn))
        return mfn.v == PTE_ADDR >> PAGE_SHIFT ? -EINVAL : -EPERM;
    if (!allowed)
        return -EPERM;
    *pte &= allowed | ~PTE_RW;
    return 0;
}

/* Takes what the present entry *pte in a table of owner holds, of a frame of pg_owner. */
static inline int l1_get(u64 *pte, const struct domain *owner, struct domain *pg_owner)
{
    if (unlikely(*pte & refused_bits(FRAME_L1, owner)))
        return -EINVAL;
    struct frame *f = frame_lookup(pte_mfn(*pte));
    if (unlikely(!f))
        return l1_get_mmio(pte, owner, pg_owner);
    if (*pte & PTE_RW ? frame_get_writable(f, pg_owner) : frame_get(pte_mfn(*pte), pg_owner) != NULL) {
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
    if (frame_get_same_type(f, type)) {
        if (linear_count(&table->linear, 1)) {
            if (linear_count(&f->linear, -1))
                return true;
            atomic_dec(&table->linear);
        }
        frame_put_type(f, false);
    }
    frame_put(f);
    return false;
}

/* Takes what the present entry pte of table holds. Tables below L2 are small, and validated in one go. */
static int upper_get(u64 pte, struct frame *table, enum frame_type type, struct domain *d, bool preemptible)
{
    if (pte & refused_bits(type, d))
        return -EINVAL;
    int rc = frame_get_table(pte_mfn(pte), d, type - 1, preemptible && type > FRAME_L2);
    return rc == -EINVAL && linear_get(pte, table, type, d) ? 0 : rc;
}

/* 0, or -ERESTART: the entry holds nothing any more, but the table that it names is left PARTIAL. */
static int upper_put(u64 pte, struct frame *table, enum frame_type type, bool preemptible)
{
    struct frame *f = mfn_to_frame(pte_mfn(pte));

    if (!(pte & PTE_P) || f == table)
        return 0;
    if ((enum frame_type)(READ_ONCE(f->type) >> TYPE_SHIFT) == type) {
        atomic_inc(&f->linear);
        atomic_dec(&table->linear);
    }
    int rc = frame_put_type(f, preemptible);
    frame_put(f);
    return rc;
}

/* Takes what the entry *pte of table, a table of d, holds; *pte is then what shall stand there. */
INLINED int entry_get(u64 *pte, struct frame *table, enum frame_type type, struct domain *d,
                      struct domain *pg_owner, bool preemptible)
{
    if (!(*pte & PTE_P))
        return l1tf_check(d, *pte) ? -EINVAL : 0;
    int rc = type == FRAME_L1 ? l1_get(pte, d, pg_owner) : upper_get(*pte, table, type, d, preemptible);
    *pte = adjust(*pte, type);
    return rc;
}

/* --- whole tables --- */

_Static_assert(HV_L4_FIRST % 8 == 0 && HV_L4_LAST % 8 == 7, "the hypervisor's slots are whole eights");

/* True where the eight entries from i on hold nothing: they are all zero, or the hypervisor's. */
static inline bool eight_hold_nothing(const u64 *table, unsigned int i, enum frame_type type)
{
    return eight_zero(&table[i]) || (type == FRAME_L4 && !guest_l4_slot(i));
}

INLINED int promote(struct frame *f, enum frame_type type, struct domain *d, bool preemptible)
{
    u64 *table = frame_to_virt(f);
    unsigned int i = f->progress & PROGRESS_COUNT;
    bool worked = false;

    while (i < PTES) {
        if (!(i % 8) && eight_hold_nothing(table, i, type)) {
            i += 8;
            continue;
        }
        u64 pte = table[i];
        if (type > FRAME_L1 && pte & PTE_P) {
            if (preemptible && worked && hypercall_preempt_check()) {
                f->progress = i;
                return -ERESTART;
            }
            worked = true;
        }
        int rc = entry_get(&pte, f, type, d, d, preemptible);
        if (unlikely(rc)) {
            f->progress = type > FRAME_L1 ? i | PROGRESS_CHILD : i;
            return rc;
        }
        if (pte != table[i])
            table[i] = pte;
        i++;
    }
    f->progress = PTES;
    if (type == FRAME_L4)
        root_fill_hv_slots(table, d->pv.isolated);
    return 0;
}

static int upper_demote(struct frame *f, enum frame_type type, struct domain *d, bool preemptible)
{
    const u64 *table = frame_to_virt(f);
    unsigned int n = f->progress & PROGRESS_COUNT;
    bool worked = false;
    int rc;

    if (type == FRAME_L4)
        isolation_forget(frame_to_mfn(f));
    /*
     * The table that the entry behind the validated ones names may be PARTIAL. Whoever has taken it over
     * meanwhile, or gives it to another owner, has dealt with it.
     */
    if ((f->progress & PROGRESS_CHILD) && (table[n] & PTE_P) && mfn_to_frame(pte_mfn(table[n])) != f) {
        rc = frame_undo(pte_mfn(table[n]), d, preemptible);
        if (rc)
            return rc;
    }
    for (; n; n--) {
        if (!(n % 8) && eight_hold_nothing(table, n - 8, type)) {
            n -= 7;
            continue;
        }
        u64 pte = table[n - 1];
        if (!(pte & PTE_P))
            continue;
        if (preemptible && worked && hypercall_preempt_check()) {
            f->progress = n;
            return -ERESTART;
        }
        rc = upper_put(pte, f, type, preemptible);
        if (rc) {
            f->progress = (n - 1) | PROGRESS_CHILD;
            return rc;
        }
        worked = true;
    }
    f->progress = 0;
    return 0;
}

static void l1_demote(struct frame *f, const struct domain *d)
{
    const u64 *table = frame_to_virt(f);

    for (unsigned int n = f->progress; n; n--) {
        if (!(n % 8) && eight_zero(&table[n - 8]))
            n -= 7;
        else
            l1_put(table[n - 1], d);
    }
    f->progress = 0;
}

int table_promote(struct frame *f, enum frame_type type, struct domain *d, bool preemptible)
{
    return type == FRAME_L1 ? promote(f, FRAME_L1, d, false) : promote(f, type, d, preemptible);
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

INLINED int entry_update(struct frame *table, enum frame_type type, u64 *slot, u64 new, bool keep_ad,
                         struct domain *d, struct domain *pg_owner)
{
    u64 old = READ_ONCE(*slot);
    bool same_frame = (new & PTE_P) && !((old ^ new) & ~HARMLESS_BITS) && !(new & refused_bits(type, d));

    if (same_frame) {
        new = adjust(new, type);
    } else {
        int rc = entry_get(&new, table, type, d, pg_owner, true);
        if (unlikely(rc))
            return rc;
    }
    old = write_entry(slot, old, new, keep_ad);
    if (type == FRAME_L4)
        isolation_entry_changed(frame_to_mfn(table), (unsigned long)slot % PAGE_SIZE / sizeof(*slot));
    if (same_frame)
        return 0;
    if (type == FRAME_L1)
        l1_put(old, d);
    else if (upper_put(old, table, type, true))
        frame_undo_later(mfn_to_frame(pte_mfn(old)));
    return 0;
}

int l1_update(u64 *slot, u64 new, bool keep_ad, struct domain *d, struct domain *pg_owner)
{
    return entry_update(NULL, FRAME_L1, slot, new, keep_ad, d, pg_owner);
}

int l1_compare_exchange(u64 *slot, u64 *old, u64 new, struct domain *d)
{
    int rc = entry_get(&new, NULL, FRAME_L1, d, d, false);

    if (!rc)
        l1_put(atomic_cmpxchg(slot, old, new) ? *old : new, d);
    return rc;
}

int table_update(struct frame *f, unsigned int i, u64 new, bool keep_ad, struct domain *d, struct domain *pg_owner)
{
    enum frame_type type = READ_ONCE(f->type) >> TYPE_SHIFT;
    u64 *slot = (u64 *)frame_to_virt(f) + i;

    if (type == FRAME_L1)
        return l1_update(slot, new, keep_ad, d, pg_owner);
    if (d != pg_owner || (type == FRAME_L4 && !guest_l4_slot(i)))
        return -EINVAL;
    return entry_update(f, type, slot, new, keep_ad, d, d);
}
