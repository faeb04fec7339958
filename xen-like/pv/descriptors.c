/* SPDX-License-Identifier: MIT */
/*
 * A guest's descriptor tables and segment bases.
 *
 * The processor's GDT is always the window of its CPU (mm/layout.h): pages 0 to 13 are the frames that the
 * vCPU's guest registered, or a page of zeroes, and page 14 is ours. The LDT's pages are put into the window
 * when the processor first faults on one. Every frame in a window has the type SEGDESC, which means that each
 * descriptor in it was checked and that no guest can write to it but through update_descriptor.
 */
#include "cpu/asm.h"
#include "lib/image.h"
#include "mm/pte.h"
#include "mm/segdesc.h"
#include "pv/internal.h"

#define LDT_PAGE 16     /* of a CPU's window */
#define DESCRIPTORS_PER_PAGE 512

/* What stands in the window where the guest has no frame: descriptors that are not present. */
static const u8 zero_page[PAGE_SIZE] __aligned(PAGE_SIZE);

static u64 window_entry(mfn_t mfn, bool writable)
{
    return mfn.v << PAGE_SHIFT | PTE_P | PTE_A | PTE_D | PTE_NX | (writable ? PTE_RW : 0);
}

/* Makes a page of this CPU's window so, whose table begins at ptes, and flushes where that is a change. */
static inline void set_window_page(u64 *ptes, unsigned int page, u64 entry)
{
    if (ptes[page] == entry)
        return;
    WRITE_ONCE(ptes[page], entry);
    tlb_flush_page_local(CPU_WINDOW(this_cpu_nr()) + page * PAGE_SIZE);
}

static void map_gdt(struct vcpu *v)
{
    const u64 none = window_entry(maddr_to_mfn(MADDR(image_virt_to_phys(zero_page))), false);
    u64 *ptes = cpu_window_pte(this_cpu_nr(), 0);

    /* Writable: the processor sets the accessed bit of a descriptor that it loads. */
    for (unsigned int i = 0; i < GDT_GUEST_FRAMES; i++)
        set_window_page(ptes, i, v->pv.gdt_frames[i].v ? window_entry(v->pv.gdt_frames[i], true) : none);
}

static void clear_ldt_window(void)
{
    u64 *ptes = cpu_window_pte(this_cpu_nr(), 0);

    for (unsigned int i = 0; i < LDT_WINDOW_SIZE / PAGE_SIZE; i++)
        set_window_page(ptes, LDT_PAGE + i, 0);
}

void pv_load_descriptor_tables(struct vcpu *v)
{
    map_gdt(v);
    clear_ldt_window();
    desc_load_ldt(v->pv.ldt_ents);
}

/* Drops the references of frames of descriptors, of which there are n, 0 where there is none. */
static void drop_frames(const mfn_t *frames, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++)
        if (frames[i].v)
            frame_put_and_type(mfn_to_frame(frames[i]));
}

/* --- GDT --- */

/*
 * entries is at most 7168, which the callers check. The frames that they take get a reference each, and those
 * of the old ones are dropped. On failure nothing has changed.
 */
int pv_set_gdt_frames(struct vcpu *v, const u64 *mfns, unsigned int entries)
{
    mfn_t new[GDT_GUEST_FRAMES] = {}, old[GDT_GUEST_FRAMES];

    for (unsigned int i = 0; i < DIV_ROUND_UP(entries, DESCRIPTORS_PER_PAGE); i++) {
        if (!frame_get_and_type(MFN(mfns[i]), v->domain, FRAME_SEGDESC)) {
            drop_frames(new, i);
            return -EINVAL;
        }
        new[i] = MFN(mfns[i]);
    }
    memcpy(old, v->pv.gdt_frames, sizeof(old));
    memcpy(v->pv.gdt_frames, new, sizeof(new));
    v->pv.gdt_ents = entries;
    if (v == current)
        map_gdt(v);
    drop_frames(old, GDT_GUEST_FRAMES);
    return 0;
}

/* set_gdt: frame_list holds mfns of entries / 512 frames, rounded up. -EINVAL, -EFAULT. */
long do_set_gdt(unsigned long frame_list, unsigned int entries)
{
    u64 mfns[GDT_GUEST_FRAMES];

    if (entries > FIRST_RESERVED_GDT_ENTRY)
        return -EINVAL;
    if (copy_from_guest(mfns, frame_list, DIV_ROUND_UP(entries, DESCRIPTORS_PER_PAGE) * sizeof(mfns[0])))
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
    const mfn_t mfn = maddr_to_mfn(MADDR(maddr));

    if (maddr % sizeof(desc) || !segdesc_check(&desc) ||
        (!frame_get_and_type(mfn, d, FRAME_SEGDESC) && !frame_get_and_type(mfn, d, FRAME_WRITABLE)))
        return -EINVAL;
    u64 *slot = (u64 *)((char *)mfn_to_virt(mfn) + (maddr & ~PAGE_MASK));
    WRITE_ONCE(*slot, desc);
    frame_put_and_type(mfn_to_frame(mfn));
    return 0;
}

/* --- LDT --- */

void pv_drop_ldt(struct vcpu *v)
{
    mfn_t old[ARRAY_SIZE(v->pv.ldt_frames)];

    if (v == current)
        clear_ldt_window();
    memcpy(old, v->pv.ldt_frames, sizeof(old));
    memset(v->pv.ldt_frames, 0, sizeof(old));
    drop_frames(old, ARRAY_SIZE(old));
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
    if (offset >= v->pv.ldt_ents * 8UL || offset >= LDT_WINDOW_SIZE)
        return false;
    const unsigned int page = index_nospec(offset >> PAGE_SHIFT, ARRAY_SIZE(v->pv.ldt_frames));
    mfn_t *mfn = &v->pv.ldt_frames[page];
    if (!mfn->v) {
        const u64 l1e = guest_l1e(v, v->pv.ldt_base + page * PAGE_SIZE);
        const mfn_t found = MFN((l1e & PTE_ADDR) >> PAGE_SHIFT);

        if (!(l1e & PTE_P) || !frame_get_and_type(found, v->domain, FRAME_SEGDESC))
            return false;
        *mfn = found;
    }
    WRITE_ONCE(*cpu_window_pte(this_cpu_nr(), LDT_PAGE + page), window_entry(*mfn, true));
    return true;
}

/* --- segment bases --- */

/* set_segment_base: the guest's kernel runs, so the user's GS base is the inactive one. -EINVAL. */
long do_set_segment_base(unsigned int which, unsigned long base)
{
    static const u32 msrs[] = {
        [SEGBASE_FS] = MSR_FS_BASE, [SEGBASE_GS_USER] = MSR_KERNEL_GS_BASE, [SEGBASE_GS_KERNEL] = MSR_GS_BASE,
    };

    if (which == SEGBASE_GS_USER_SEL) {
        swapgs();
        load_gs((u16)base);
        swapgs();
        return 0;
    }
    if (which >= ARRAY_SIZE(msrs) || !canonical(base))
        return -EINVAL;
    wrmsr(msrs[index_nospec(which, ARRAY_SIZE(msrs))], base);
    return 0;
}
