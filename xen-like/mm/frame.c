/* SPDX-License-Identifier: MIT */
/*
 * References to frames and their types. Both counts change by compare-and-exchange alone, so no lock is
 * needed to take or drop one; TYPE_LOCKED guards what lies behind a page-table type: the entries, and the
 * state of validation.
 *
 * Life of a type: with no type reference left a frame may take any type. The first reference fixes it and
 * locks the frame, stale TLB entries go (now that nobody can make new ones of the old kind), a table is
 * validated, and the frame is unlocked, VALIDATED. The last reference locks it again, the entries are
 * dropped, and the type is only a memory of what TLBs may think. Work that is interrupted leaves the frame
 * PARTIAL: that state holds one general and one type reference of its own, until somebody takes a type
 * reference (and finishes the work) or frame_undo_partial() is called.
 *
 * Lock order of TYPE_LOCKED: a table before the tables of the next lower level. Nobody waits for the lock of
 * a frame of another type or of the same level.
 */
#include "mm/arch.h"
#include "mm/internal.h"
#include "mm/segdesc.h"

/* Counts refuse well before they overflow: the one of settle_partial(), which must not fail, has the rest. */
#define REFS_MAX        (FRAME_REFS - 0x10000)
#define TYPE_REFS_MAX   (TYPE_REFS - 0x10000)

#define WRITABLE_READY  (FRAME_WRITABLE << TYPE_SHIFT | TYPE_VALIDATED)

_Static_assert(offsetof(struct frame, count) == 0 && offsetof(struct frame, type) == 4,
               "both counts are changed as one 64-bit word");
_Static_assert(sizeof(struct frame) % 8 == 0, "which must be aligned");

static u64 *word_of(struct frame *f) { return (u64 *)f; }
#define TYPE_OF_WORD(w) ((u32)((w) >> 32))
#define WORD_TYPE(t)    ((u64)(t) << 32)

static bool is_table(enum frame_type type) { return type >= FRAME_L1 && type <= FRAME_L4; }

/* --- general references --- */

static bool frame_ref(struct frame *f, const struct domain *d)
{
    u32 count = READ_ONCE(f->count);

    if (READ_ONCE(f->owner) != d->id)
        return false;
    do {
        if (!(count & FRAME_REFS) || (count & FRAME_REFS) >= REFS_MAX)
            return false;
    } while (!atomic_cmpxchg(&f->count, &count, count + 1));
    /* Only now can the owner not change any more. */
    if (likely(READ_ONCE(f->owner) == d->id))
        return true;
    frame_put(f);
    return false;
}

struct frame *frame_get(mfn_t mfn, const struct domain *d)
{
    struct frame *f = frame_lookup(mfn);

    return f && frame_ref(f, d) ? f : NULL;
}

void frame_put(struct frame *f)
{
    u32 count = atomic_dec(&f->count);

    ASSERT((count & FRAME_REFS) != FRAME_REFS);
    if (unlikely(!(count & FRAME_REFS)))
        domain_frame_freed(f);
}

/* --- descriptor tables --- */

/* Makes every descriptor in f harmless; false where one cannot be. Nobody can write to f meanwhile. */
static bool segdesc_ok(const struct frame *f)
{
    u64 *descriptors = frame_to_virt(f);

    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(u64); i++) {
        u64 d = descriptors[i];

        if (!d)
            continue;
        if (!segdesc_check(&d))
            return false;
        descriptors[i] = d;
    }
    return true;
}

/* --- type references --- */

/* What settle() leaves a frame with, beside its type. */
#define VALIDATED   (TYPE_VALIDATED | 1)
#define PARTIAL     (TYPE_PARTIAL | 1)
#define NOT_USED    0u      /* TLBs may know it from this or an earlier time of the type: hence its stamp */

/*
 * Ends the time under lock of a frame that has one type reference; nobody else changes the word meanwhile.
 * The PARTIAL state's own general reference comes and goes with it.
 */
static void settle(struct frame *f, enum frame_type type, bool was_partial, u32 state)
{
    if (state == PARTIAL && !was_partial)
        atomic_inc(&f->count);
    if (state == NOT_USED)
        f->stamp = tlb_stamp();
    store_release(&f->type, (u32)type << TYPE_SHIFT | state);
    if (was_partial && state != PARTIAL)
        frame_put(f);
}

/* f has been locked for its first reference of type; before was its type word before that. */
static int establish(struct frame *f, enum frame_type type, u32 before, bool preemptible)
{
    enum frame_type old = before >> TYPE_SHIFT;
    struct domain *d = frame_domain(f->owner);
    bool partial = before & TYPE_PARTIAL;
    int rc = 0;

    if (!partial && old != type && old != FRAME_NONE && d)
        tlb_flush_domain_since(d, f->stamp);
    if (is_table(type)) {
        if (!partial) {
            f->progress = 0;
            f->linear = 0;
        }
        rc = d ? table_promote(f, type, d, preemptible) : -EINVAL;
    } else if (type == FRAME_SEGDESC && !segdesc_ok(f)) {
        rc = -EINVAL;
    }
    u32 state = rc == -ERESTART ? PARTIAL : rc ? NOT_USED : VALIDATED;
    if (state == NOT_USED && is_table(type) && f->progress) {
        /* What was validated is undone, now or at the end of the hypercall. */
        if (preemptible && type != FRAME_L1) {
            state = PARTIAL;
            frame_undo_later(f);
        } else {
            table_demote(f, type, d, false);
        }
    }
    settle(f, type, partial, state);
    return rc;
}

/* Lets whoever has f locked go on; its type word after that. */
static u32 wait_for(const struct frame *f)
{
    spin_pause();
    return READ_ONCE(f->type);
}

int frame_get_type(struct frame *f, enum frame_type type, bool preemptible)
{
    u32 word = READ_ONCE(f->type), new;

    for (;;) {
        enum frame_type old = word >> TYPE_SHIFT;

        if (!(word & TYPE_REFS)) {
            /* Nothing to validate, nothing stale: the common case of a page that a guest maps. */
            if (type == FRAME_WRITABLE && (old == FRAME_WRITABLE || old == FRAME_NONE))
                new = WRITABLE_READY | 1;
            else
                new = (u32)type << TYPE_SHIFT | TYPE_LOCKED | 1;
        } else if (old != type || (word & TYPE_REFS) >= TYPE_REFS_MAX) {
            return -EINVAL;
        } else if (word & TYPE_VALIDATED) {
            new = word + 1;
        } else if (word & TYPE_PARTIAL) {
            new = (word & ~TYPE_PARTIAL) | TYPE_LOCKED;
        } else {
            word = wait_for(f);
            continue;
        }
        if (atomic_cmpxchg(&f->type, &word, new))
            break;
    }
    return new & TYPE_VALIDATED ? 0 : establish(f, type, word, preemptible);
}

bool frame_get_same_type(struct frame *f, enum frame_type type)
{
    u32 word = READ_ONCE(f->type);

    do {
        if ((enum frame_type)(word >> TYPE_SHIFT) != type || !(word & TYPE_VALIDATED) || !(word & TYPE_REFS) ||
            (word & TYPE_REFS) >= TYPE_REFS_MAX)
            return false;
    } while (!atomic_cmpxchg(&f->type, &word, word + 1));
    return true;
}

/* The last reference of a table is going: f is locked and not validated any more. */
static int dissolve(struct frame *f, enum frame_type type, bool was_partial, bool preemptible)
{
    int rc = table_demote(f, type, frame_domain(f->owner), preemptible);

    settle(f, type, was_partial, rc ? PARTIAL : NOT_USED);
    return rc;
}

int frame_put_type(struct frame *f, bool preemptible)
{
    u32 word = READ_ONCE(f->type), new;

    for (;;) {
        enum frame_type type = word >> TYPE_SHIFT;

        ASSERT((word & TYPE_REFS) && (word & TYPE_VALIDATED));
        if ((word & TYPE_REFS) > 1) {
            new = word - 1;
        } else if (!is_table(type)) {
            f->stamp = tlb_stamp();
            new = type == FRAME_WRITABLE ? WRITABLE_READY : word & TYPE_MASK;
        } else if (word & TYPE_LOCKED) {
            word = wait_for(f);
            continue;
        } else {
            new = (word & ~TYPE_VALIDATED) | TYPE_LOCKED;
        }
        if (atomic_cmpxchg(&f->type, &word, new))
            break;
    }
    bool last = (new & (TYPE_LOCKED | TYPE_VALIDATED)) == TYPE_LOCKED;
    return last ? dissolve(f, word >> TYPE_SHIFT, false, preemptible) : 0;
}

int frame_undo_partial(struct frame *f, bool preemptible)
{
    u32 word = READ_ONCE(f->type);

    do {
        if (!(word & TYPE_PARTIAL))
            return 0;
    } while (!atomic_cmpxchg(&f->type, &word, (word & ~TYPE_PARTIAL) | TYPE_LOCKED));
    return dissolve(f, word >> TYPE_SHIFT, true, preemptible);
}

int frame_undo(mfn_t mfn, const struct domain *d, bool preemptible)
{
    struct frame *f held_frame = frame_get(mfn, d);

    return f ? frame_undo_partial(f, preemptible) : 0;
}

/* --- both at once --- */

bool frame_get_writable(struct frame *f, const struct domain *d)
{
    u64 word = READ_ONCE(*word_of(f)), new;

    if (READ_ONCE(f->owner) != d->id)
        return false;
    do {
        u32 type = TYPE_OF_WORD(word), refs = word & FRAME_REFS;

        if (!refs || refs >= REFS_MAX)
            return false;
        if (type && ((type & ~TYPE_REFS) != WRITABLE_READY || (type & TYPE_REFS) >= TYPE_REFS_MAX))
            return !frame_get_table(frame_to_mfn(f), d, FRAME_WRITABLE, false);
        new = (word + 1) | (type ? 0 : WORD_TYPE(WRITABLE_READY));
        new += WORD_TYPE(1);
    } while (!atomic_cmpxchg(word_of(f), &word, new));
    if (likely(READ_ONCE(f->owner) == d->id))
        return true;
    frame_put_mapping(f, true);
    return false;
}

void frame_put_mapping(struct frame *f, bool writable)
{
    u64 word = READ_ONCE(*word_of(f));

    if (!writable) {
        frame_put(f);
        return;
    }
    do {
        u32 type = TYPE_OF_WORD(word);

        ASSERT((type & ~TYPE_REFS) == WRITABLE_READY && (type & TYPE_REFS));
        if ((word & FRAME_REFS) <= 1) {
            frame_put_type(f, false);
            frame_put(f);
            return;
        }
        if ((type & TYPE_REFS) == 1)
            f->stamp = tlb_stamp();
    } while (!atomic_cmpxchg(word_of(f), &word, word - WORD_TYPE(1) - 1));
}

/* The long way: one reference after the other. */
static inline int get_both(struct frame *f, const struct domain *d, enum frame_type type, bool preemptible)
{
    if (!frame_ref(f, d))
        return -EINVAL;
    int rc = frame_get_type(f, type, preemptible);
    if (rc)
        frame_put(f);
    return rc;
}

int frame_get_table(mfn_t mfn, const struct domain *d, enum frame_type type, bool preemptible)
{
    struct frame *f = frame_lookup(mfn);

    return f ? get_both(f, d, type, preemptible) : -EINVAL;
}

struct frame *frame_get_and_type(mfn_t mfn, const struct domain *d, enum frame_type type)
{
    struct frame *f = frame_lookup(mfn);

    if (f && type == FRAME_WRITABLE)
        return frame_get_writable(f, d) ? f : NULL;
    return f && !get_both(f, d, type, false) ? f : NULL;
}

void frame_put_and_type(struct frame *f)
{
    frame_put_type(f, false);
    frame_put(f);
}

/* --- the lock --- */

/* For tables of this type; FRAME_NONE: of any level. */
static inline bool lock_table(struct frame *f, enum frame_type type)
{
    u32 word = READ_ONCE(f->type);

    for (;;) {
        enum frame_type is = word >> TYPE_SHIFT;

        if (!(word & TYPE_VALIDATED) || !(word & TYPE_REFS) || (type ? is != type : !is_table(is)))
            return false;
        if (word & TYPE_LOCKED)
            word = wait_for(f);
        else if (atomic_cmpxchg(&f->type, &word, word | TYPE_LOCKED))
            return true;
    }
}

bool frame_lock(struct frame *f) { return lock_table(f, FRAME_NONE); }

bool frame_lock_l1(struct frame *f) { return lock_table(f, FRAME_L1); }

void frame_unlock(struct frame *f) { atomic_and(&f->type, ~TYPE_LOCKED); }

/* --- work put off --- */

int finish_undo(void)
{
    mfn_t mfn = current->undo_mfn;
    /*
     * A table of another domain, where the toolstack works on one. It may be gone by now, and somebody
     * else's.
     */
    struct domain *d held_domain = domain_get(frame_owner(mfn_to_frame(mfn)));
    int rc = d ? frame_undo(mfn, d, true) : 0;

    if (!rc)
        current->undo_mfn = MFN(0);
    return rc;
}
