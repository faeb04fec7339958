/* SPDX-License-Identifier: MIT */
/*
 * A guest's descriptor tables and segment bases.
 *
 * The processor's GDT is always the window of its CPU (mm/layout.h): pages 0 to 13 are the frames that the
 * vCPU's guest registered, or a page of zeroes, and page 14 is ours. The LDT's pages are put into the window
 * when the processor first faults on one. Every frame in a window has the type SEGDESC, which means that each
 * descriptor in it was checked and that no guest can write to it but through update_descriptor.
 */
#include "cpu/msr.h"
#include "domain/domain.h"
#include "lib/image.h"
#include "mm/guest.h"
#include "mm/mm.h"
#include "mm/pte.h"
#include "mm/segdesc.h"
#include "pv/hypercall.h"
#include "pv/internal.h"

#define LDT_PAGE(i) (16 + (i)) /* page of a CPU's window */
#define DESCRIPTORS_PER_PAGE 512

/* What stands in the window where the guest has no frame: descriptors that are not present. */
static const u8 zero_page[PAGE_SIZE] __aligned(PAGE_SIZE);

static u64 window_entry(mfn_t mfn, bool writable)
{
    return mfn.v << PAGE_SHIFT | PTE_P | PTE_A | PTE_D | PTE_NX | (writable ? PTE_RW : 0);
}

/* Puts the vCPU's GDT frames into this CPU's window, and flushes the entries that changed. */
static void map_gdt(struct vcpu *v)
{
    unsigned int cpu_nr = this_cpu_nr();
    u64 none = window_entry(maddr_to_mfn(MADDR(image_virt_to_phys(zero_page))), false);
    u64 *pte = cpu_window_pte(cpu_nr, 0);   /* of one table, as the whole window */

    for (unsigned int i = 0; i < GDT_GUEST_FRAMES; i++, pte++) {
        mfn_t mfn = v->pv.gdt_frames[i];
        /* Writable: the processor sets the accessed bit of a descriptor that it loads. */
        u64 entry = mfn.v ? window_entry(mfn, true) : none;

        if (*pte == entry)
            continue;
        WRITE_ONCE(*pte, entry);
        tlb_flush_page_local(CPU_GDT_WINDOW(cpu_nr) + i * PAGE_SIZE);
    }
}

static void clear_ldt_window(void)
{
    unsigned int cpu_nr = this_cpu_nr();

    for (unsigned int i = 0; i < LDT_WINDOW_SIZE / PAGE_SIZE; i++) {
        u64 *pte = cpu_window_pte(cpu_nr, LDT_PAGE(i));

        if (!*pte)
            continue;
        WRITE_ONCE(*pte, 0);
        tlb_flush_page_local(CPU_LDT_WINDOW(cpu_nr) + i * PAGE_SIZE);
    }
}

void pv_load_descriptor_tables(struct vcpu *v)
{
    map_gdt(v);
    clear_ldt_window();
    desc_load_ldt(v->pv.ldt_ents);
}

/* --- GDT --- */

/* new: GDT_GUEST_FRAMES frames, 0: none; the references pass to v. Those of the old ones are dropped. */
static void replace_gdt(struct vcpu *v, const mfn_t *new, unsigned int entries)
{
    mfn_t old[GDT_GUEST_FRAMES];

    memcpy(old, v->pv.gdt_frames, sizeof(old));
    memcpy(v->pv.gdt_frames, new, sizeof(old));
    v->pv.gdt_ents = entries;
    if (v == current)
        map_gdt(v);
    for (unsigned int i = 0; i < GDT_GUEST_FRAMES; i++) {
        if (old[i].v)
            frame_put_and_type(mfn_to_frame(old[i]));
    }
}

void pv_drop_gdt(struct vcpu *v)
{
    static const mfn_t none[GDT_GUEST_FRAMES];

    replace_gdt(v, none, 0);
}

/* entries is at most 7168. The frames get a reference each; on failure nothing has changed. */
int pv_set_gdt_frames(struct vcpu *v, const u64 *mfns, unsigned int entries)
{
    unsigned int pages = DIV_ROUND_UP(entries, DESCRIPTORS_PER_PAGE);
    mfn_t new[GDT_GUEST_FRAMES] = { { 0 } };

    if (pages > GDT_GUEST_FRAMES)
        return -EINVAL;
    for (unsigned int i = 0; i < pages; i++) {
        new[i] = MFN(mfns[i]);
        if (frame_get_and_type(new[i], v->domain, FRAME_SEGDESC))
            continue;
        while (i--)
            frame_put_and_type(mfn_to_frame(MFN(mfns[i])));
        return -EINVAL;
    }
    replace_gdt(v, new, entries);
    return 0;
}

/* set_gdt: frame_list holds mfns of entries / 512 frames, rounded up. -EINVAL, -EFAULT. */
long do_set_gdt(unsigned long frame_list, unsigned int entries)
{
    u64 mfns[GDT_GUEST_FRAMES];
    unsigned int pages = DIV_ROUND_UP(entries, DESCRIPTORS_PER_PAGE);

    if (entries > FIRST_RESERVED_GDT_ENTRY)
        return -EINVAL;
    if (copy_from_guest(mfns, frame_list, pages * sizeof(mfns[0])))
        return -EFAULT;
    return pv_set_gdt_frames(current, mfns, entries);
}

/*
 * update_descriptor: writes one checked descriptor at machine address maddr, in a frame of descriptors or of
 * plain data.
 */
long do_update_descriptor(u64 maddr, u64 desc)
{
    struct domain *d = current->domain;
    mfn_t mfn = maddr_to_mfn(MADDR(maddr));
    u64 *slot;

    if (maddr % sizeof(desc) || !segdesc_check(&desc))
        return -EINVAL;
    if (!frame_get_and_type(mfn, d, FRAME_SEGDESC) && !frame_get_and_type(mfn, d, FRAME_WRITABLE))
        return -EINVAL;
    slot = (u64 *)((char *)mfn_to_virt(mfn) + (maddr & ~PAGE_MASK));
    WRITE_ONCE(*slot, desc);
    frame_put_and_type(mfn_to_frame(mfn));
    return 0;
}

/* --- LDT --- */

void pv_drop_ldt(struct vcpu *v)
{
    if (v == current)
        clear_ldt_window();
    for (unsigned int i = 0; i < ARRAY_SIZE(v->pv.ldt_frames); i++) {
        mfn_t mfn = v->pv.ldt_frames[i];

        v->pv.ldt_frames[i] = MFN(0);
        if (mfn.v)
            frame_put_and_type(mfn_to_frame(mfn));
    }
}

int pv_set_ldt(struct vcpu *v, unsigned long base, unsigned int ents)
{
    if (base % PAGE_SIZE || ents > 8192 || (ents && !guest_range_ok(base, ents * 8UL)))
        return -EINVAL;
    if (v->pv.ldt_base == base && v->pv.ldt_ents == ents)
        return 0;
    pv_drop_ldt(v);
    v->pv.ldt_base = base;
    v->pv.ldt_ents = ents;
    if (v == current)
        desc_load_ldt(ents);
    return 0;
}

bool pv_map_ldt_page(struct vcpu *v, unsigned long offset)
{
    unsigned int page = offset >> PAGE_SHIFT;
    mfn_t mfn;

    if (offset >= v->pv.ldt_ents * 8UL || page >= ARRAY_SIZE(v->pv.ldt_frames))
        return false;
    page = index_nospec(page, ARRAY_SIZE(v->pv.ldt_frames));
    mfn = v->pv.ldt_frames[page];
    if (!mfn.v) {
        u64 l1e = guest_l1e(v, v->pv.ldt_base + page * PAGE_SIZE);

        mfn = MFN((l1e & PTE_ADDR) >> PAGE_SHIFT);
        if (!(l1e & PTE_P) || !frame_get_and_type(mfn, v->domain, FRAME_SEGDESC))
            return false;
        v->pv.ldt_frames[page] = mfn;
    }
    WRITE_ONCE(*cpu_window_pte(this_cpu_nr(), LDT_PAGE(page)), window_entry(mfn, true));
    return true;
}

/* --- segment bases --- */

/* set_segment_base: the guest's kernel runs, so the user's GS base is the inactive one. -EINVAL. */
long do_set_segment_base(unsigned int which, unsigned long base)
{
    if (which != SEGBASE_GS_USER_SEL && !canonical(base))
        return -EINVAL;
    switch (which) {
    case SEGBASE_FS:
        wrmsr(MSR_FS_BASE, base);
        return 0;
    case SEGBASE_GS_USER:
        wrmsr(MSR_KERNEL_GS_BASE, base);
        return 0;
    case SEGBASE_GS_KERNEL:
        wrmsr(MSR_GS_BASE, base);
        return 0;
    case SEGBASE_GS_USER_SEL:
        swapgs();
        load_gs((u16)base);
        swapgs();
        return 0;
    default:
        return -EINVAL;
    }
}
