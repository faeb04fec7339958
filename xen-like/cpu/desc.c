/* SPDX-License-Identifier: MIT */
/* Builds and loads each CPU's GDT page, TSS, and the IDT that all CPUs share. cpu/desc.h shows the layout. */
#include "cpu/desc.h"

#include "cpu/features.h"
#include "cpu/irq.h"
#include "lib/image.h"
#include "mm/alloc.h"
#include "mm/mm.h"

#define GATE_INTERRUPT  0x8e    /* present, DPL 0, 64-bit interrupt gate */
#define GATE_DPL3       0x60
#define TSS_AVAILABLE   0x89
#define LDT_PRESENT     0x82
#define PTE_DATA        0x63    /* present, writable, accessed, dirty */
#define PTE_NX          (1UL << 63)

struct idt_gate idt[256] __aligned(PAGE_SIZE);

/* The page of the boot CPU; the others' are allocated. */
static u64 boot_gdt_page[512] __aligned(PAGE_SIZE);

static DEFINE_PER_CPU(u64 *, gdt_page);

static void set_gate(unsigned int vector, unsigned int ist, bool user)
{
    u64 to = entry_vectors[vector];

    idt[vector] = (struct idt_gate){
        .offset0 = to, .offset1 = to >> 16, .offset2 = to >> 32, .selector = HV_CS, .ist = ist,
        .attributes = GATE_INTERRUPT | (user ? GATE_DPL3 : 0),
    };
}

void idt_init(void)
{
    for (unsigned int v = 0; v < 256; v++) {
        bool used = v < 32 || v == 0x80 || (v >= VECTOR_FIRST_DYNAMIC && v <= VECTOR_LAST_DYNAMIC) ||
                    v >= VECTOR_CALL;

        if (used && entry_vectors[v])
            set_gate(v, IST_NONE, v == 3 || v == 4 || v == 0x80);
    }
    set_gate(1, IST_DB, false);
    set_gate(2, IST_NMI, false);
    set_gate(8, IST_DF, false);
    set_gate(18, IST_MC, false);
}

/* A 16-byte descriptor of a system segment. */
static void set_system_descriptor(u64 *slot, unsigned long base, u32 limit, u8 type)
{
    slot[1] = base >> 32;
    slot[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | (u64)type << 40 | (u64)(limit >> 16 & 0xf) << 48 |
              (base >> 24 & 0xff) << 56;
}

static u64 *descriptor(u64 *page, u16 selector) { return &page[((selector & ~7u) - GDT_OWN_FIRST) / 8]; }

int desc_prepare(unsigned int nr, void *stack_end)
{
    u64 *page = nr ? hv_alloc_page() : boot_gdt_page;
    struct cpu_info *info = (struct cpu_info *)stack_end - 1;
    struct cpu_tss *t = &info->tss;
    char *stack = (char *)stack_end - STACK_SIZE;

    if (!page)
        return -1;
    *descriptor(page, HV_CS) = GDT_CODE64_RING0;
    *descriptor(page, HV_DS) = GDT_DATA_RING0;
    *descriptor(page, 0xe018) = GDT_CODE32_RING1;
    *descriptor(page, 0xe020) = GDT_CODE32_RING3;
    *descriptor(page, 0xe028) = GDT_DATA_RING3;
    *descriptor(page, 0xe030) = GDT_CODE64_RING3;

    memset(t, 0, sizeof(*t));
    t->rsp[0] = (u64)&info->guest_regs.es;
    for (unsigned int i = 0; i < IST_COUNT; i++)
        t->ist[i] = (u64)stack + (i + 1) * PAGE_SIZE;
    t->iobmp = sizeof(*t);  /* beyond the limit: no port is open to ring 3 */
    set_system_descriptor(descriptor(page, TSS_SELECTOR), (unsigned long)t, sizeof(*t) - 1, TSS_AVAILABLE);
    per_cpu(gdt_page, nr) = page;
    return 0;
}

static void load_gdt(unsigned long base)
{
    struct table_register gdtr = { GDT_LIMIT, base };

    /* CS by a far return; the other segments are flat whatever they hold, and null. */
    __asm__ __volatile__("lgdt %0\n\t"
                         "pushq %1\n\t"
                         "lea 1f(%%rip), %%rax\n\t"
                         "push %%rax\n\t"
                         "lretq\n"
                         "1:\n\t"
                         "xor %%eax, %%eax\n\t"
                         "mov %%eax, %%ds\n\t"
                         "mov %%eax, %%es\n\t"
                         "mov %%eax, %%fs\n\t"
                         "mov %%eax, %%gs\n\t"
                         "mov %%eax, %%ss\n\t"
                         : : "m"(gdtr), "i"(HV_CS) : "rax", "memory");
}

static void load_others(void)
{
    struct table_register idtr = { sizeof(idt) - 1, (unsigned long)idt };

    __asm__ __volatile__("lidt %0\n\tlldt %w1\n\tltr %w2"
                         : : "m"(idtr), "r"(0), "r"(TSS_SELECTOR) : "memory");
}

void desc_load_boot(void)
{
    /*
     * Only our own selectors are used so far, so the table may begin where it would if its page were the
     * fifteenth.
     */
    load_gdt((unsigned long)this_cpu(gdt_page) - GDT_OWN_FIRST);
    load_others();
}

void desc_map_window(unsigned int nr)
{
    const void *page = per_cpu(gdt_page, nr);
    u64 maddr = nr ? virt_to_mfn(page).v << PAGE_SHIFT : image_virt_to_phys(page);

    *cpu_window_pte(nr, GDT_OWN_FIRST >> PAGE_SHIFT) = maddr | PTE_DATA | (cpu.nx ? PTE_NX : 0);
}

void desc_load(void)
{
    u64 *slot = descriptor(this_cpu(gdt_page), TSS_SELECTOR);

    load_gdt(CPU_GDT_WINDOW(this_cpu_nr()));
    slot[0] &= ~(2UL << 40);    /* not busy, so that LTR takes it again */
    load_others();
}

void desc_load_ldt(unsigned int ents)
{
    u64 *slot = descriptor(this_cpu(gdt_page), LDT_SELECTOR);
    u16 selector = 0;

    if (ents) {
        set_system_descriptor(slot, CPU_LDT_WINDOW(this_cpu_nr()), ents * 8 - 1, LDT_PRESENT);
        selector = LDT_SELECTOR;
    }
    __asm__ __volatile__("lldt %w0" : : "r"(selector) : "memory");
}
