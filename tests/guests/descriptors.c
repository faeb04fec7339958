/* SPDX-License-Identifier: MIT */
/*
 * Descriptor tables and segments: set_gdt, update_descriptor, the LDT, set_segment_base, stack_switch.  A
 * frame that is a descriptor table is typed like a page table: it cannot be mapped writable, and every
 * descriptor in it has been checked.  Sources: xen.h; Intel SDM volume 3 chapter 3.
 */
#include "guest.h"

#define DATA32 0x00cff2000000ffffUL     /* flat data, DPL 3, accessed clear */
#define CODE32 0x00cffa000000ffffUL
#define CODE64 0x00affa000000ffffUL
#define DPL(d, dpl) (((d) & ~(3UL << 45)) | (unsigned long)(dpl) << 45)
#define TYPE(d, t) (((d) & ~(0x1fUL << 40)) | (unsigned long)(t) << 40)

PROBE(p_ds, "mov %edi, %ds");
PROBE(p_fs, "mov %edi, %fs");
PROBE(p_fs0, "mov %fs:0, %rax");
PROBE(p_gs0, "mov %gs:0, %rax");

static unsigned long *gdt, gdt_mfn;
static uint64_t word[2] = { 0x1111, 0x2222 };

static long set_gdt(unsigned long mfn, unsigned entries)
{
    return HC(set_gdt, &mfn, entries);
}

static long update(unsigned index, uint64_t value)
{
    return HC(update_descriptor, (gdt_mfn << PAGE_SHIFT) + index * 8, value);
}

static void check_gdt(void)
{
    gdt = page_alloc();
    gdt_mfn = va_to_mfn(gdt);
    gdt[1] = DATA32;
    gdt[2] = CODE32;
    check_eq(set_gdt(gdt_mfn, 512), -GE_INVAL, "set_gdt of a page that is mapped writable: -EINVAL");
    if (page_readonly(gdt))
        bail_out("cannot make the GDT read-only");
    check_eq(set_gdt(gdt_mfn, 512), 0, "set_gdt of a read-only page");
    check_eq(page_writable(gdt), -GE_BUSY, "the GDT's page cannot be made writable: -EBUSY");
    check_eq(trap_try(p_ds, 8 | 3), 0, "a selector of the new GDT can be loaded");
    trap_try(p_ds, 0);
    check(traps(p_ds, 24 | 3, TRAP_GP), "an empty entry cannot be loaded: #GP");
    check_eq(trap.frame.error, 24, "#GP for an empty entry: error code is the selector");
    check_eq(trap_try(p_ds, FLAT_RING3_DS32), 0, "the hypervisor's flat selectors stay");
    trap_try(p_ds, 0);
    check_eq(set_gdt(gdt_mfn, FIRST_RESERVED_GDT_ENTRY + 1), -GE_INVAL,
             "set_gdt with too many entries: -EINVAL");
    check_eq(set_gdt(0x200000000UL, 1), -GE_INVAL, "set_gdt of a nonexistent frame: -EINVAL");
    check_eq(set_gdt(root_mfn(), 1), -GE_INVAL, "set_gdt of a page table: -EINVAL");
    check_eq(trap_try(p_ds, 8 | 3), 0, "a refused set_gdt leaves the old GDT");
    trap_try(p_ds, 0);
    check_eq(HC(set_gdt, BAD_PTR_XEN, 512), -GE_FAULT, "set_gdt, bad pointer: -EFAULT");
}

static void check_update(void)
{
    static const struct {
        uint64_t value;
        long want;
        const char *name;
    } rows[] = {
        { DATA32, 0, "a data segment of DPL 3" },
        { CODE32, 0, "a 32-bit code segment of DPL 3" },
        { CODE64, 0, "a 64-bit code segment of DPL 3" },
        { 0, 0, "an empty descriptor" },
        { DATA32 & ~(1UL << 47), 0, "a segment that is not present" },
        { DPL(DATA32, 0), 0, "a data segment of DPL 0 (raised)" },
        { DPL(DATA32, 1), 0, "a data segment of DPL 1" },
        { TYPE(DATA32, 0x0e), -GE_INVAL, "an interrupt gate" },
        { TYPE(DATA32, 0x09), -GE_INVAL, "a task-state segment" },
        { TYPE(DATA32, 0x02), -GE_INVAL, "an LDT" },
    };

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        check_eq(update(5, rows[i].value), rows[i].want, "update_descriptor with %s", rows[i].name);
    check_eq(update(5, DATA32), 0, "update_descriptor of the GDT in use");
    check_eq(trap_try(p_ds, 40 | 3), 0, "the new descriptor can be loaded");
    trap_try(p_ds, 0);
    check_eq(update(5, DATA32 & ~(1UL << 47)), 0, "it is made not present");
    check(traps(p_ds, 40 | 3, TRAP_NP), "loading it raises #NP");
    check_eq(trap.frame.error, 40, "#NP: error code is the selector");
    check_eq(update(5, DPL(DATA32, 0)), 0, "it is set with DPL 0");
    check_eq(gdt[5] >> 45 & 3, 3, "and raised to DPL 3");
    check_eq(HC(update_descriptor, (gdt_mfn << PAGE_SHIFT) + 4, DATA32), -GE_INVAL,
             "update_descriptor at an unaligned address: -EINVAL");
    check_eq(HC(update_descriptor, 0x200000000UL << PAGE_SHIFT, DATA32), -GE_INVAL,
             "update_descriptor in a nonexistent frame: -EINVAL");
    check_eq(HC(update_descriptor, root_mfn() << PAGE_SHIFT, DATA32), -GE_INVAL,
             "update_descriptor in a page table: -EINVAL");
    check_eq(HC(update_descriptor, va_to_mfn((void *)((unsigned long)word & ~4095UL)) << PAGE_SHIFT |
                ((unsigned long)word & 4088), word[0]), 0,
                "update_descriptor in an ordinary page writes to it");
}

static void check_bad_page(void)
{
    uint64_t *bad = page_alloc();

    bad[3] = TYPE(DATA32, 0x0e);
    page_readonly(bad);
    check_eq(set_gdt(va_to_mfn(bad), 512), -GE_INVAL,
             "set_gdt of a page with an interrupt gate in it: -EINVAL");
    page_writable(bad);
    check_eq(set_gdt(0, 0), 0, "set_gdt with no entries");
    check_eq(page_writable(gdt), 0, "the old GDT's page can be made writable");
    page_readonly(gdt);
    check_eq(set_gdt(gdt_mfn, 512), 0, "the GDT is set again");
}

static void check_ldt(void)
{
    uint64_t *ldt = page_alloc();

    ldt[1] = DATA32;
    ldt[2] = TYPE(DATA32, 0x0e);
    check_eq(mmuext_linear(MMUEXT_SET_LDT, (unsigned long)ldt, 512), 0, "an LDT is set");
    check(traps(p_ds, 8 | 4 | 3, TRAP_GP) || trap.frame.vector == TRAP_PF,
          "a writable page with an interrupt gate is no LDT: the load faults");
    ldt[2] = 0;
    page_readonly(ldt);
    check_eq(mmuext_linear(MMUEXT_SET_LDT, (unsigned long)ldt, 512), 0, "the LDT is set again");
    check_eq(trap_try(p_ds, 8 | 4 | 3), 0, "a selector of the LDT can be loaded");
    trap_try(p_ds, 0);
    check_eq(page_writable(ldt), -GE_BUSY, "the LDT's page cannot be made writable: -EBUSY");
    check_eq(update_va((unsigned long)ldt, 0, UVMF_INVLPG), 0, "but it can be unmapped");
    check_eq(update_va((unsigned long)ldt, PTE(va_to_mfn(ldt), L1_FLAGS), UVMF_INVLPG), -GE_BUSY,
             "and is the LDT's still: mapping it writable gives -EBUSY");
    check_eq(page_readonly(ldt), 0, "it can be mapped read-only");
    check_eq(mmuext_linear(MMUEXT_SET_LDT, 0, 0), 0, "the LDT is dropped");
    check(traps(p_ds, 8 | 4 | 3, TRAP_GP), "its selectors are gone: #GP");
    check_eq(trap.frame.error, 8 | 4, "#GP: error code is the selector with TI");
    check_eq(page_writable(ldt), 0, "its page can be made writable");
    check_eq(mmuext_linear(MMUEXT_SET_LDT, (unsigned long)ldt + 8, 1), -GE_INVAL,
             "an LDT that is not page-aligned: -EINVAL");
    check_eq(mmuext_linear(MMUEXT_SET_LDT, (unsigned long)ldt, 8193), -GE_INVAL,
             "an LDT of 8193 entries: -EINVAL");
    page_free(ldt);
}

static void check_bases(void)
{
    unsigned long base = (unsigned long)word;

    check_eq(HC(set_segment_base, SEGBASE_FS, base), 0, "set_segment_base FS");
    check_eq(trap_try(p_fs0, 0), 0, "FS reads");
    check_eq(trap_try_value, word[0], "at its base");
    check_eq(HC(set_segment_base, SEGBASE_GS_KERNEL, base + 8), 0, "set_segment_base kernel GS");
    check_eq(trap_try(p_gs0, 0), 0, "GS reads");
    check_eq(trap_try_value, word[1], "at its base");
    check_eq(HC(set_segment_base, SEGBASE_GS_USER, base), 0, "set_segment_base user GS");
    trap_try(p_gs0, 0);
    check_eq(trap_try_value, word[1], "the user's GS base is not the kernel's");
    check_eq(HC(set_segment_base, SEGBASE_FS, BAD_PTR_NONCANONICAL), -GE_INVAL,
             "a non-canonical FS base: -EINVAL");
    check_eq(HC(set_segment_base, SEGBASE_GS_KERNEL, BAD_PTR_NONCANONICAL), -GE_INVAL,
             "a non-canonical GS base: -EINVAL");
    trap_try(p_fs0, 0);
    check_eq(trap_try_value, word[0], "a refused base leaves the old one");
    check_eq(HC(set_segment_base, 99, 0), -GE_INVAL, "an unknown segment: -EINVAL");
    check_eq(HC(set_segment_base, SEGBASE_GS_USER_SEL, 8 | 3), 0, "the user's GS selector");
    check_eq(HC(set_segment_base, SEGBASE_GS_USER_SEL, 0x7ff8), 0,
             "a bad selector for the user's GS is replaced");
    check_eq(HC(set_segment_base, SEGBASE_GS_USER_SEL, 0), 0, "a null selector for the user's GS");
    check_eq(trap_try(p_fs, 8 | 3), 0, "FS takes a selector of the GDT");
    trap_try(p_fs, 0);
    HC(set_segment_base, SEGBASE_FS, base);
    HC(sched_op, SCHEDOP_yield, 0);
    trap_try(p_fs0, 0);
    check_eq(trap_try_value, word[0], "the FS base survives a yield");
}

static void check_stack_switch(void)
{
    check_eq(HC(stack_switch, FLAT_KERNEL_SS, VIRT_BASE + 0x1000), 0, "stack_switch");
    check_eq(HC(stack_switch, FLAT_KERNEL_SS & ~3UL, VIRT_BASE + 0x1000), 0, "stack_switch with RPL 0");
    check_eq(HC(stack_switch, FLAT_KERNEL_SS, BAD_PTR_NONCANONICAL), 0,
             "stack_switch to any address is taken");
}

TEST_MAIN("descriptors")
{
    check_gdt();
    check_update();
    check_bad_page();
    check_ldt();
    check_bases();
    check_stack_switch();
}
