/* SPDX-License-Identifier: MIT */
/*
 * Frames, types and page tables, from the hypervisor's own files, against a plain model.
 *
 * First, random operations of two domains (entries written, tables pinned and unpinned, base pointers loaded, frames
 * given back and taken), each preempted at random and carried through. The model does the same with plain counters,
 * one level of recursion a table level, and no short cut; result, counts, types and contents must be equal.
 *
 * Then operations of several vCPUs that are interleaved wherever they are preempted, some of them never resumed. Here
 * counts are taken anew from the tables' contents after each step, and must be what the frame table says.
 *
 * Usage: mm_pages [operations [seed]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/memory.h>

#include "fake/memory.h"
#include "mm/arch.h"
#include "mm/machine.h"
#include "pv/hypercall.h"
#include "tap.h"

#define FRAMES      160
#define OWN_FRAMES  40      /* of each of the two domains */
#define ACTORS      2       /* domain 0, which is privileged, and domain 1 */

/* Entries that the tests use: few, so that collisions are common, at both ends and around the groups of eight. */
static const unsigned int slot_at[] = { 0, 1, 7, 8, 9, 255, 256, 271, 272, 511 };
#define SLOTS ARRAY_SIZE(slot_at)

static struct domain *dom[ACTORS];

static u64 *entry(u64 mfn, unsigned int slot)
{
    return (u64 *)mfn_to_virt(MFN(mfn)) + slot_at[slot];
}

/* --- the model --- */

struct model_frame {
    int owner;              /* domain, -1: free or the hypervisor's */
    bool owned, pinned, valid;
    enum frame_type type;
    int refs, type_refs, linear;
};

static struct model_frame model[FRAMES];
static u64 content[FRAMES][SLOTS];
static u64 model_root[ACTORS], model_user_root[ACTORS];

static bool model_get(u64 mfn, int owner)
{
    if (mfn >= FRAMES || model[mfn].owner != owner)
        return false;
    model[mfn].refs++;
    return true;
}

static int last_owner[FRAMES];

static void model_put(u64 mfn)
{
    if (--model[mfn].refs)
        return;
    last_owner[mfn] = model[mfn].owner;
    model[mfn].owner = -1;
}

static int model_get_type(u64 mfn, enum frame_type type);
static void model_put_type(u64 mfn);

static bool model_slot_used(enum frame_type type, unsigned int slot)
{
    return type != FRAME_L4 || guest_l4_slot(slot_at[slot]);
}

/* What an L1 entry becomes; the error in *rc. */
static u64 model_l1_get(u64 pte, int d, int pg, int *rc)
{
    u64 mfn = pte_mfn(pte).v;
    bool hardware = d == 0;

    *rc = 0;
    if ((pte & PTE_CACHE) && !hardware) {
        *rc = -EINVAL;
    } else if (mfn >= FRAMES) {
        if (!(hardware && pg == 0 && mfn == 0xfe000))
            *rc = -EPERM;
    } else if (!model_get(mfn, pg)) {
        *rc = -EBUSY;
    } else if ((pte & PTE_RW) && model_get_type(mfn, FRAME_WRITABLE)) {
        model_put(mfn);
        *rc = -EBUSY;
    } else {
        pte &= ~PTE_CACHE;
    }
    if (!(pte & PTE_US))
        pte |= PTE_US | PTE_GUEST_KERNEL;
    else if (!(pte & PTE_GUEST_KERNEL))
        pte |= PTE_G;
    return pte;
}

static void model_l1_put(u64 pte)
{
    u64 mfn = pte_mfn(pte).v;

    if (!(pte & PTE_P) || mfn >= FRAMES)
        return;
    if (pte & PTE_RW)
        model_put_type(mfn);
    model_put(mfn);
}

static int model_upper_get(u64 table, u64 pte, enum frame_type type, int d)
{
    u64 mfn = pte_mfn(pte).v;
    int rc;

    if ((pte & (PTE_CACHE | PTE_PSE | PTE_G)) || !model_get(mfn, d))
        return -EINVAL;
    rc = model_get_type(mfn, type - 1);
    if (!rc)
        return 0;
    model_put(mfn);
    if (rc != -EINVAL || (pte & PTE_RW))
        return rc;
    if (mfn == table)
        return 0;
    if (model[mfn].owner != d || model[mfn].type != type || !model[mfn].valid || model[mfn].linear > 0 ||
        model[table].linear < 0)
        return rc;
    model[mfn].refs++;
    model[mfn].type_refs++;
    model[mfn].linear--;
    model[table].linear++;
    return 0;
}

static void model_upper_put(u64 table, u64 pte)
{
    u64 mfn = pte_mfn(pte).v;

    if (!(pte & PTE_P) || mfn == table)
        return;
    if (model[mfn].type == model[table].type) {
        model[mfn].linear++;
        model[table].linear--;
    }
    model_put_type(mfn);
    model_put(mfn);
}

static void model_drop_entries(u64 mfn, unsigned int n)
{
    while (n--) {
        if (model[mfn].type == FRAME_L1)
            model_l1_put(content[mfn][n]);
        else if (model_slot_used(model[mfn].type, n))
            model_upper_put(mfn, content[mfn][n]);
    }
}

static int model_validate(u64 mfn)
{
    struct model_frame *m = &model[mfn];
    int rc = 0, d = m->owner;

    for (unsigned int i = 0; i < SLOTS; i++) {
        u64 *pte = &content[mfn][i], new = *pte;

        if (!(*pte & PTE_P) || !model_slot_used(m->type, i))
            continue;
        if (m->type == FRAME_L1)
            new = model_l1_get(*pte, d, d, &rc);
        else if (!(rc = model_upper_get(mfn, *pte, m->type, d)))
            new |= PTE_US;
        if (rc) {
            model_drop_entries(mfn, i);
            return rc;
        }
        *pte = new;
    }
    if (m->type == FRAME_L4)
        for (unsigned int i = 0; i < SLOTS; i++)
            if (!model_slot_used(FRAME_L4, i))
                content[mfn][i] = 0xabcd000000000UL + slot_at[i];
    return 0;
}

static int model_get_type(u64 mfn, enum frame_type type)
{
    struct model_frame *m = &model[mfn];
    int rc;

    if (m->type_refs) {
        if (m->type != type)
            return -EINVAL;
        m->type_refs++;
        return 0;
    }
    m->type = type;
    m->type_refs = 1;
    m->linear = 0;
    m->valid = false;
    rc = type == FRAME_WRITABLE ? 0 : model_validate(mfn);
    m->valid = !rc;
    if (rc)
        m->type_refs = 0;
    return rc;
}

static void model_put_type(u64 mfn)
{
    struct model_frame *m = &model[mfn];

    if (--m->type_refs)
        return;
    m->valid = false;
    if (m->type != FRAME_WRITABLE)
        model_drop_entries(mfn, SLOTS);
}

static int model_update(u64 mfn, unsigned int slot, u64 new, bool keep_ad, int d, int pg)
{
    const u64 harmless = PTE_NX | PTE_AVAIL | PTE_AVAIL_HIGH | PTE_G | PTE_D | PTE_A | PTE_US;
    struct model_frame *m;
    u64 old;
    int rc = 0;

    if (mfn >= FRAMES || model[mfn].owner != d)
        return -EINVAL;
    m = &model[mfn];
    old = content[mfn][slot];
    if (!m->type_refs || m->type == FRAME_WRITABLE) {
        content[mfn][slot] = new;
        return 0;
    }
    if (keep_ad)
        new |= old & (PTE_A | PTE_D);
    if (m->type == FRAME_L1) {
        if ((new & PTE_P) && !((old ^ new) & ~harmless) && (d == 0 || !(new & PTE_CACHE))) {
            if (!(new & PTE_US))
                new |= PTE_US | PTE_GUEST_KERNEL;
            else if (!(new & PTE_GUEST_KERNEL))
                new |= PTE_G;
            content[mfn][slot] = new;
            return 0;
        }
        if (new & PTE_P)
            new = model_l1_get(new, d, pg, &rc);
        if (!rc) {
            content[mfn][slot] = new;
            model_l1_put(old);
        }
        return rc;
    }
    if (d != pg || !model_slot_used(m->type, slot))
        return -EINVAL;
    if (new & PTE_P) {
        if (new & (PTE_CACHE | PTE_PSE | PTE_G))
            return -EINVAL;
        if (!((old ^ new) & ~harmless)) {
            content[mfn][slot] = new | PTE_US;
            return 0;
        }
        rc = model_upper_get(mfn, new, m->type, d);
        new |= PTE_US;
    }
    if (!rc) {
        content[mfn][slot] = new;
        model_upper_put(mfn, old);
    }
    return rc;
}

static int model_pin(u64 mfn, enum frame_type type, int d)
{
    int rc;

    if (!model_get(mfn, d))
        return -EINVAL;
    rc = model_get_type(mfn, type);
    if (!rc && model[mfn].pinned) {
        model_put_type(mfn);
        rc = -EINVAL;
    }
    if (rc)
        model_put(mfn);
    else
        model[mfn].pinned = true;
    return rc;
}

static int model_unpin(u64 mfn, int d)
{
    if (mfn >= FRAMES || model[mfn].owner != d || !model[mfn].pinned)
        return -EINVAL;
    model[mfn].pinned = false;
    model_put_type(mfn);
    model_put(mfn);
    return 0;
}

static int model_clear(u64 mfn, int d)
{
    if (mfn >= FRAMES || model[mfn].owner != d || (model[mfn].type_refs && model[mfn].type != FRAME_WRITABLE))
        return -EINVAL;
    memset(content[mfn], 0, sizeof(content[mfn]));
    return 0;
}

static int model_set_root(u64 *root, u64 mfn, int d)
{
    u64 old = *root;
    int rc;

    if (old == mfn)
        return 0;
    if (mfn || root == &model_root[d]) {
        if (!model_get(mfn, d))
            return -EINVAL;
        rc = model_get_type(mfn, FRAME_L4);
        if (rc) {
            model_put(mfn);
            return rc;
        }
    }
    *root = mfn;
    if (old) {
        model_put_type(old);
        model_put(old);
    }
    return 0;
}

/* --- comparison --- */

static unsigned long step;

static bool differs(u64 mfn, const char *what, long got, long want)
{
    if (got == want)
        return false;
    printf("# step %lu, frame %lu: %s is %#lx, by the model %#lx\n", step, (unsigned long)mfn, what, got, want);
    return true;
}

static bool compare(void)
{
    bool bad = false;

    for (u64 mfn = 1; mfn < FRAMES; mfn++) {
        const struct frame *f = mfn_to_frame(MFN(mfn));
        const struct model_frame *m = &model[mfn];

        if (f->owner == FRAME_OWNER_HV && m->owner < 0)
            continue;
        bad |= differs(mfn, "references", f->count & FRAME_REFS, m->refs);
        if (m->owner < 0)
            continue;
        bad |= differs(mfn, "owner", f->owner, m->owner);
        bad |= differs(mfn, "owned", !!(f->count & FRAME_OWNED), m->owned);
        bad |= differs(mfn, "type references", f->type & TYPE_REFS, m->type_refs);
        bad |= differs(mfn, "pinned", !!(f->type & TYPE_PINNED), m->pinned);
        bad |= differs(mfn, "locked or partial", f->type & (TYPE_LOCKED | TYPE_PARTIAL), 0);
        if (m->type_refs)
            bad |= differs(mfn, "type", f->type >> TYPE_SHIFT, m->type);
        for (unsigned int i = 0; i < SLOTS; i++)
            bad |= differs(mfn, "an entry", *entry(mfn, i), content[mfn][i]);
    }
    return !bad;
}

/* --- counts taken anew from the contents --- */

static int counted[FRAMES], counted_types[FRAMES];

static bool count_entry(u64 table, enum frame_type type, unsigned int i, u64 pte)
{
    u64 mfn = pte_mfn(pte).v;
    enum frame_type target;

    if (!(pte & PTE_P) || mfn >= FRAMES || (type == FRAME_L4 && !guest_l4_slot(i)) || (type > FRAME_L1 && mfn == table))
        return true;
    target = mfn_to_frame(MFN(mfn))->type >> TYPE_SHIFT;
    counted[mfn]++;
    if (type == FRAME_L1) {
        counted_types[mfn] += !!(pte & PTE_RW);
        return !(pte & PTE_RW) || target == FRAME_WRITABLE;
    }
    counted_types[mfn]++;
    return target == type - 1 || (target == type && !(pte & PTE_RW));
}

static bool audit(void)
{
    bool bad = false;

    memset(counted, 0, sizeof(counted));
    memset(counted_types, 0, sizeof(counted_types));
    for (u64 mfn = 1; mfn < FRAMES; mfn++) {
        const struct frame *f = mfn_to_frame(MFN(mfn));
        enum frame_type type = f->type >> TYPE_SHIFT;
        unsigned int n = f->type & TYPE_VALIDATED ? PTES : f->progress & 0x7fff;
        int partial = !!(f->type & TYPE_PARTIAL), pinned = !!(f->type & TYPE_PINNED);

        if (f->owner >= ACTORS || !(f->count & FRAME_REFS))
            continue;
        counted[mfn] += !!(f->count & FRAME_OWNED) + pinned + partial;
        counted_types[mfn] += pinned + partial;
        if (type < FRAME_L1 || type > FRAME_L4 || !(f->type & TYPE_REFS))
            continue;
        for (unsigned int i = 0; i < n; i++)
            if (!count_entry(mfn, type, i, ((u64 *)mfn_to_virt(MFN(mfn)))[i]))
                bad |= differs(mfn, "an entry's target has the wrong type; slot", i, PTES);
    }
    for (unsigned int d = 0; d < ACTORS; d++)
        for (unsigned int v = 0; v < dom[d]->max_vcpus; v++) {
            const struct pv_vcpu *pv = &dom[d]->vcpu[v]->pv;

            counted[pv->kernel_root.v]++, counted_types[pv->kernel_root.v]++;
            counted[pv->user_root.v]++, counted_types[pv->user_root.v]++;
        }
    for (u64 mfn = 1; mfn < FRAMES; mfn++) {
        const struct frame *f = mfn_to_frame(MFN(mfn));

        if (f->owner >= ACTORS || !(f->count & FRAME_REFS))
            continue;
        bad |= differs(mfn, "references, counted", f->count & FRAME_REFS, counted[mfn]);
        bad |= differs(mfn, "type references, counted", f->type & TYPE_REFS, counted_types[mfn]);
        bad |= differs(mfn, "locked", f->type & TYPE_LOCKED, 0);
    }
    return !bad;
}

/* --- operations --- */

static u64 frames_of[ACTORS][OWN_FRAMES];   /* by the pfn of the domain; 0: given back */

static u64 random_frame(unsigned int d)
{
    if (!fake_random(20))
        d = !d;
    /* Frames that were given back while in use are only found so. */
    if (!fake_random(12))
        return fake_random(8) ? fake_random(FRAMES + 8) : 0xfe000;
    return frames_of[d][fake_random(OWN_FRAMES)];
}

static u64 random_entry(unsigned int d)
{
    u64 pte = make_pte(MFN(random_frame(d)), 0);

    if (!fake_random(5))
        return fake_random(3) ? 0 : pte;
    pte |= PTE_P;
    pte |= fake_random(2) ? PTE_RW : 0;
    pte |= fake_random(2) ? PTE_US : 0;
    pte |= fake_random(4) ? 0 : PTE_A | PTE_D;
    pte |= fake_random(8) ? 0 : PTE_NX;
    pte |= fake_random(20) ? 0 : PTE_GUEST_KERNEL | PTE_AVAIL;
    if (!fake_random(30))
        pte |= (u64[]){ PTE_PWT, PTE_PCD, PTE_PSE, PTE_G }[fake_random(4)];
    return pte;
}

/* Frames are meant for a level by their number, 0 for data: what most operations go by, so that trees come about. */
static unsigned int meant(u64 mfn)
{
    return mfn % 5;
}

static u64 random_frame_for(unsigned int d, unsigned int level)
{
    u64 mfn = 0;

    for (unsigned int i = 0; i < 30 && (!mfn || meant(mfn) != level); i++)
        mfn = frames_of[d][fake_random(OWN_FRAMES)];
    return mfn;
}

/* An entry that fits what the table mfn is meant for. */
static u64 sensible_entry(u64 mfn, unsigned int d)
{
    unsigned int level = meant(mfn);
    u64 target = random_frame_for(d, level > 1 ? level - 1 : fake_random(3) ? 0 : fake_random(5));

    if (!fake_random(6))
        return 0;
    if (level > 1 && !fake_random(12))
        return make_pte(MFN(fake_random(2) ? mfn : random_frame_for(d, level)), PTE_P | PTE_US);
    return make_pte(MFN(target), PTE_P | (fake_random(2) ? PTE_US : 0) | (meant(target) && level <= 1 ? 0 : PTE_RW));
}

/* A hypercall in the form of mmu_update's arguments, and what it works on. */
struct call {
    long (*fn)(unsigned long, unsigned int, unsigned long, unsigned int);
    union {
        struct mmu_update update;
        struct mmuext_op ext;
    } op;
    unsigned int count, foreigndom;
};

struct operation {
    struct call call;
    unsigned int kind, actor, tables, frames, slot;
    u64 mfn, value;
    enum frame_type type;
    bool keep_ad;
};

enum { OP_UPDATE, OP_PIN, OP_UNPIN, OP_ROOT, OP_USER_ROOT, OP_CLEAR, OP_EXCHANGE, OPS };
static const unsigned int weight[OPS] = { 56, 12, 12, 4, 3, 6, 7 };

static unsigned int choose_kind(void)
{
    unsigned int r = fake_random(100), kind = 0;

    while (r >= weight[kind])
        r -= weight[kind++];
    return kind;
}

static void choose(struct operation *o)
{
    memset(o, 0, sizeof(*o));
    o->kind = choose_kind();
    o->actor = fake_random(ACTORS);
    /* Domain 0 may work on domain 1's tables, and map its frames. */
    o->tables = o->actor == 0 && !fake_random(4) ? 1 : o->actor;
    o->frames = o->actor == 0 && !fake_random(4) ? 1 : o->actor;
    o->slot = fake_random(SLOTS);
    o->mfn = random_frame(o->tables);
    o->value = random_entry(o->frames);
    o->type = FRAME_L1 + fake_random(4);
    o->keep_ad = !fake_random(4);
    if (fake_random(4) && o->mfn < FRAMES) {
        o->value = sensible_entry(o->mfn, o->frames);
        if (meant(o->mfn))
            o->type = FRAME_L1 + meant(o->mfn) - 1;
        if (o->kind == OP_ROOT || o->kind == OP_USER_ROOT)
            o->mfn = random_frame_for(o->actor, 4);
    }
    o->call.count = 1;
    if (o->kind == OP_UPDATE) {
        o->call.fn = do_mmu_update;
        o->call.foreigndom = (o->frames == o->actor ? DOMID_SELF : o->frames) |
                             (o->tables == o->actor ? 0 : (o->tables + 1) << 16);
        o->call.op.update.ptr = (o->mfn << PAGE_SHIFT) + slot_at[o->slot] * 8;
        o->call.op.update.ptr |= o->keep_ad ? MMU_PT_UPDATE_PRESERVE_AD : MMU_NORMAL_PT_UPDATE;
        o->call.op.update.val = o->value;
    } else {
        o->call.fn = do_mmuext_op;
        if (o->kind == OP_ROOT || o->kind == OP_USER_ROOT)
            o->tables = o->actor;
        if (o->kind == OP_USER_ROOT && !fake_random(3))
            o->mfn = 0;
        o->call.foreigndom = o->tables == o->actor ? DOMID_SELF : o->tables;
        o->call.op.ext.cmd = o->kind == OP_PIN ? MMUEXT_PIN_L1_TABLE + (o->type - FRAME_L1) :
                             o->kind == OP_UNPIN ? MMUEXT_UNPIN_TABLE :
                             o->kind == OP_ROOT ? MMUEXT_NEW_BASEPTR :
                             o->kind == OP_CLEAR ? MMUEXT_CLEAR_PAGE : MMUEXT_NEW_USER_BASEPTR;
        o->call.op.ext.arg1.mfn = o->mfn;
    }
}

static int model_do(const struct operation *o)
{
    switch (o->kind) {
    case OP_UPDATE: return model_update(o->mfn, o->slot, o->value, o->keep_ad, o->tables, o->frames);
    case OP_PIN: return model_pin(o->mfn, o->type, o->tables);
    case OP_UNPIN: return model_unpin(o->mfn, o->tables);
    case OP_CLEAR: return model_clear(o->mfn, o->tables);
    case OP_ROOT: return model_set_root(&model_root[o->actor], o->mfn, o->actor);
    default: return model_set_root(&model_user_root[o->actor], o->mfn, o->actor);
    }
}

/* A frame that comes is zeroed, but may be as it was where the same domain had it last. */
static bool adopt_content(unsigned int d, u64 mfn)
{
    bool same = last_owner[mfn] == (int)d, zero = true, kept = true;

    for (unsigned int i = 0; i < SLOTS; i++) {
        zero &= !*entry(mfn, i);
        kept &= *entry(mfn, i) == content[mfn][i];
        content[mfn][i] = *entry(mfn, i);
    }
    return zero || (same && kept);
}

/* A frame goes back, or one is taken in the place of one that went. False: not as the model has it. */
static bool give_or_take(unsigned int d)
{
    u64 *mfn = &frames_of[d][fake_random(OWN_FRAMES)], list;
    struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };
    struct model_frame *m;

    set_xen_guest_handle(r.extent_start, &list);
    if (!*mfn) {
        /* Frames given back that are still in use count, and may fill the domain's limit or the machine. */
        bool full = dom[d]->mm.tot_pages == dom[d]->mm.max_pages || !free_pages();

        list = 7;
        if (fake_hypercall_memory(XENMEM_populate_physmap, &r) != !full)
            return false;
        if (full)
            return true;
        *mfn = list;
        m = &model[list];
        if (m->owner >= 0 || m->refs)
            return false;
        *m = (struct model_frame){ .owner = d, .owned = true, .refs = 1 };
        return adopt_content(d, list) && m2p_get(MFN(list)) == 7;
    }
    list = *mfn;
    m = &model[list];
    if (m->refs > 1 && fake_random(20))
        return true;
    if (fake_hypercall_memory(XENMEM_decrease_reservation, &r) != (m->owned && m->owner == (int)d))
        return false;
    if (m->owned && m->owner == (int)d) {
        m->owned = false;
        model_put(list);
    }
    *mfn = 0;
    return true;
}

static void setup(void)
{
    memset(model, 0, sizeof(model));
    memset(content, 0, sizeof(content));
    memset(model_root, 0, sizeof(model_root));
    memset(model_user_root, 0, sizeof(model_user_root));
    for (u64 mfn = 0; mfn < FRAMES; mfn++)
        model[mfn].owner = last_owner[mfn] = -1;
    for (unsigned int d = 0; d < ACTORS; d++) {
        dom[d] = fake_memory_domain(d, OWN_FRAMES + 20);
        for (unsigned int i = 0; i < OWN_FRAMES; i++) {
            struct frame *f = alloc_domain_frames(dom[d], 0, 0);
            u64 mfn = f ? frame_to_mfn(f).v : 0;

            frames_of[d][i] = mfn;
            model[mfn] = (struct model_frame){ .owner = d, .owned = true, .refs = 1 };
        }
    }
}

/* Both domains die. True where all memory is free again. */
static bool teardown(u64 free_before)
{
    for (unsigned int d = ACTORS; d-- > 0; )
        fake_domain_kill(dom[d]);
    return free_pages() == free_before;
}

static void run_model(unsigned long operations, u64 seed, unsigned int preempt_every)
{
    u64 free_before = free_pages();
    unsigned long accepted = 0;
    bool good = true;

    fake_seed(seed);
    setup();
    fake_preempt_every = preempt_every;
    for (step = 0; step < operations && good; step++) {
        struct operation o;
        long rc;

        choose(&o);
        fake_run_as(dom[o.actor]);
        if (o.kind == OP_EXCHANGE) {
            good = give_or_take(o.actor);
        } else {
            int want = model_do(&o);

            rc = fake_hypercall4(o.call.fn, (unsigned long)&o.call.op, 1, 0, o.call.foreigndom);
            accepted += !rc;
            good = !differs(o.mfn, "the result", rc, want);
        }
        if (good && step % 16 == 0)
            good = compare();
    }
    good = good && compare() && audit();
    ok(good, "seed %lu: %lu operations agree with the model, %lu of them accepted, preempted 1 in %u",
       (unsigned long)seed, step, accepted, preempt_every);
    fake_preempt_every = preempt_every ? 3 : 0;
    if (good)
        ok(teardown(free_before), "seed %lu: both domains die and leave nothing", (unsigned long)seed);
    else
        exit(done_testing());
}

/* --- interleaved --- */

#define LANES (ACTORS * 2)  /* vCPUs */

struct lane {
    struct operation o;
    unsigned long args[4];
    bool busy;
};

static void lane_run(struct lane *l, unsigned int n)
{
    long rc;

    fake_run_vcpu(dom[n / 2]->vcpu[n % 2]);
    fake_restarted = false;
    rc = l->o.call.fn(l->args[0], (unsigned int)l->args[1], l->args[2], (unsigned int)l->args[3]);
    l->busy = fake_restarted && rc == -ERESTART;
    if (l->busy)
        memcpy(l->args, fake_args, sizeof(l->args));
}

static void run_interleaved(unsigned long operations, u64 seed)
{
    static struct lane lane[LANES];
    u64 free_before = free_pages();
    unsigned long resumed = 0;
    bool good = true;

    fake_seed(seed);
    setup();
    memset(lane, 0, sizeof(lane));
    for (step = 0; step < operations && good; step++) {
        unsigned int n = fake_random(LANES);
        struct lane *l = &lane[n];

        fake_preempt_every = 2;
        if (l->busy && fake_random(50)) {
            resumed++;
        } else {
            do
                choose(&l->o);
            while (l->o.kind == OP_EXCHANGE || l->o.actor != n / 2);
            l->args[0] = (unsigned long)&l->o.call.op;
            l->args[1] = 1;
            l->args[2] = 0;
            l->args[3] = l->o.call.foreigndom;
        }
        lane_run(l, n);
        if (step % 8 == 0)
            good = audit();
    }
    ok(good && audit(), "seed %lu: %lu steps of %u vCPUs, %lu of them resumptions: counts are what the tables say",
       (unsigned long)seed, step, LANES, resumed);
    if (good)
        ok(teardown(free_before), "seed %lu: both domains die in the midst of it and leave nothing",
           (unsigned long)seed);
    else
        exit(done_testing());
}

int main(int argc, char **argv)
{
    unsigned long operations = argc > 1 ? strtoul(argv[1], NULL, 0) : 60000;
    u64 seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    struct domain *d;

    fake_memory(FRAMES);
    /* The page of owners[] is the hypervisor's and stays. */
    d = fake_memory_domain(0, 1);
    alloc_domain_frames(d, 0, 0);
    fake_domain_kill(d);

    run_model(operations, seed, 0);
    run_model(operations, seed + 1, 10);
    run_model(operations, seed + 2, 2);
    run_interleaved(operations, seed + 3);
    run_interleaved(operations, seed + 4);
    return done_testing();
}
