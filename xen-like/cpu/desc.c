/* SPDX-License-Identifier: MIT */
/* Builds and loads each CPU's GDT page, TSS, and the IDT that all CPUs share. cpu/desc.h shows the layout. */
#include "cpu/desc.h"

#include "cpu/features.h"
#include "lib/image.h"
#include "mm/alloc.h"
#include "mm/mm.h"
#include "mm/pte.h"

#define GATE_INTERRUPT  0x8e    /* present, DPL 0, 64-bit interrupt gate */
#define GATE_DPL3       0x60
#define TSS_AVAILABLE   0x89
#define LDT_PRESENT     0x82

struct idt_gate idt[256] __aligned(PAGE_SIZE);

/* The page of the boot CPU; the others' are allocated. */
static u64 boot_gdt_page[512] __aligned(PAGE_SIZE);

static DEFINE_PER_CPU(u64 *, gdt_page);

void idt_init(void)
{
    static const u8 ist[256] = { [1] = IST_DB, [2] = IST_NMI, [8] = IST_DF, [18] = IST_MC };

    for (unsigned int v = 0; v < 256; v++) {
        u64 to = entry_vectors[v];

        idt[v] = (struct idt_gate){
            .offset0 = to, .offset1 = to >> 16, .offset2 = to >> 32, .selector = HV_CS, .ist = ist[v],
            .attributes = GATE_INTERRUPT | (v == 3 || v == 4 || v == 0x80 ? GATE_DPL3 : 0),
        };
    }
}

static u64 *descriptor(u64 *page, u16 selector) { return &page[(selector - GDT_OWN_FIRST) / 8]; }

/* A 16-byte descriptor of a system segment. */
static void set_system_descriptor(u64 *page, u16 selector, unsigned long base, u32 limit, u8 type)
{
    u64 *slot = descriptor(page, selector);

    slot[1] = base >> 32;
    slot[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)type << 40 | (u64)(limit >> 16 & 0xf) << 48 |
              (base >> 24 & 0xff) << 56;
}

bool desc_prepare(unsigned int nr, void *stack_end)
{
    static const u64 segments[] = {
        0,
        GDT_CODE64_RING0,
        0x00cf93000000ffff, /* data, ring 0 */
        0x00cfbb000000ffff, /* code of 32 bits, ring 1 */
        0x00cffb000000ffff, /* code of 32 bits, ring 3 */
        0x00cff3000000ffff, /* data, ring 3 */
        0x00affb000000ffff, /* code of 64 bits, ring 3 */
    };
    u64 *page = nr ? hv_alloc_page() : boot_gdt_page;
    struct cpu_info *info = (struct cpu_info *)stack_end - 1;
    struct cpu_tss *t = &info->tss;

    if (!page)
        return false;
    memcpy(page, segments, sizeof(segments));
    /* The bitmap is beyond the limit: no port is open to ring 3. */
    *t = (struct cpu_tss){ .rsp[0] = (u64)&info->guest_regs.es, .iobmp = sizeof(*t) };
    for (unsigned int i = 0; i < IST_COUNT; i++)
        t->ist[i] = (u64)stack_end - STACK_SIZE + (i + 1) * PAGE_SIZE;
    set_system_descriptor(page, TSS_SELECTOR, (unsigned long)t, sizeof(*t) - 1, TSS_AVAILABLE);
    per_cpu(gdt_page, nr) = page;
    return true;
}

/* All of this CPU's registers. The data segments are null, as they have been since it entered 64-bit mode. */
static void load(unsigned long gdt)
{
    const struct table_register gdtr = { GDT_LIMIT, gdt }, idtr = { sizeof(idt) - 1, (unsigned long)idt };

    *descriptor(this_cpu(gdt_page), TSS_SELECTOR) &= ~(2UL << 40);  /* not busy, so that LTR takes it again */
    __asm__ __volatile__("lgdt %0\n\t"
                         "lidt %1\n\t"
                         "pushq %2\n\t"
                         "lea 1f(%%rip), %%rax\n\t"
                         "push %%rax\n\t"
                         "lretq\n"
                         "1:\n\t"
                         "lldt %w3\n\t"
                         "ltr %w4"
                         : : "m"(gdtr), "m"(idtr), "i"(HV_CS), "r"(0), "r"(TSS_SELECTOR) : "rax", "memory");
}

/*
 * Only our own selectors are used so far, so the table may begin where it would if its page were the
 * fifteenth.
 */
void desc_load_boot(void) { load((unsigned long)this_cpu(gdt_page) - GDT_OWN_FIRST); }

void desc_load(void)
{
    const unsigned int nr = this_cpu_nr();
    const void *page = this_cpu(gdt_page);
    const u64 maddr = nr ? virt_to_mfn(page).v << PAGE_SHIFT : image_virt_to_phys(page);

    *cpu_window_pte(nr, GDT_OWN_FIRST >> PAGE_SHIFT) = maddr | (cpu.nx ? PTE_HV_RW : PTE_HV_RW & ~PTE_NX);
    load(CPU_GDT_WINDOW(nr));
}

void desc_load_ldt(unsigned int ents)
{
    if (ents)
        set_system_descriptor(this_cpu(gdt_page), LDT_SELECTOR, CPU_LDT_WINDOW(this_cpu_nr()), ents * 8 - 1,
                              LDT_PRESENT);
    __asm__ __volatile__("lldt %w0" : : "r"(ents ? LDT_SELECTOR : 0) : "memory");
}
