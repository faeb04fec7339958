/* SPDX-License-Identifier: MIT */
/*
 * The order of things, from the first C code on the boot CPU to the moment when the scheduler takes over.
 * Each step says what it needs of the ones before.
 */
#include "boot/info.h"
#include "boot/options.h"
#include "console/console.h"
#include "cpu/apic.h"
#include "cpu/features.h"
#include "cpu/irq.h"
#include "cpu/smp.h"
#include "cpu/spec.h"
#include "cpu/time.h"
#include "domain/domain.h"
#include "lib/image.h"
#include "lib/version.h"
#include "trace/trace.h"

extern char boot_cpu_stack_end[];

u64 image_phys;         /* set by head.S */

/* What must not be handed out by the frame allocator. */
static void reserve_boot_memory(void)
{
    memory_reserve(0, PAGE_SIZE);   /* interrupt vectors and BIOS data */
    memory_reserve(image_phys, image_phys + (image_end - image_start));
    memory_reserve(boot_info.loader_info.start, boot_info.loader_info.end);
    for (unsigned int i = 0; i < boot_info.nr_modules; i++)
        memory_reserve(boot_info.module[i].start, boot_info.module[i].end);
    trampoline_page = memory_take_low_page();
}

/* Faults are reported from here on; text goes to the console's ring, and once there is a console, there. */
static void early_start(u32 magic, u32 info_address)
{
    percpu_init_boot_cpu();
    desc_prepare(0, boot_cpu_stack_end);
    idt_init();
    desc_load_boot();
    features_detect();
    features_apply();

    boot_info_parse(magic, info_address);
    printk("Tenon %s (ABI %d.%d%s), loaded at %#lx by %s\n", TENON_VERSION, ABI_VERSION_MAJOR,
           ABI_VERSION_MINOR, ABI_EXTRA_VERSION, image_phys, boot_info.loader_name);
    cmdline_parse(boot_info.cmdline);
    console_init_early(boot_info.text_screen);
    log_info("Command line: %s\n", boot_info.cmdline);
    spec_init();
}

static void show_memory_map(void)
{
    static const char *const names[] = { "", "RAM", "reserved", "ACPI data", "ACPI NVS", "unusable" };

    for (const struct mem_range *r = boot_memory.map; r < boot_memory.map + boot_memory.nr_map; r++)
        log_debug("Memory %016lx-%016lx %s\n", r->start, r->end - 1,
                  r->type < ARRAY_SIZE(names) ? names[r->type] : "other");
}

static void check_modules(void)
{
    if (!boot_info.nr_modules)
        panic("no Domain-0 kernel: the boot loader must give it as the first module (GRUB: module2 /boot/dom0)");
    for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
        const struct boot_module *m = &boot_info.module[i];

        log_debug("Module %u: %#lx-%#lx %s\n", i, m->start, m->end, m->cmdline);
        if (m->start >= m->end)
            panic("module %u is empty (%#lx to %#lx): check the file that the boot loader reads", i, m->start,
                  m->end);
    }
    unsigned int given = boot_info.nr_modules + boot_info.nr_modules_ignored;
    if (given > 2)
        log_warn("%u modules given; only the first (kernel) and the second (RAM disk) are used\n", given);
}

/*
 * Frees [start, end) but for what lies in a page of the loader's information, where EFI's tables are kept for
 * Domain-0.
 */
static void free_boot_range(u64 start, u64 end)
{
    const struct mem_range *info = &boot_info.loader_info;

    if (!boot_info.efi_system_table) {
        mm_free_boot_range(start, end);
        return;
    }
    mm_free_boot_range(start, min(end, ALIGN_DOWN(info->start, PAGE_SIZE)));
    mm_free_boot_range(max(start, ALIGN_UP(info->end, PAGE_SIZE)), end);
}

/* The memory of what was needed to start. */
static void free_boot_memory(void)
{
    for (unsigned int i = 0; i < boot_info.nr_modules; i++)
        free_boot_range(boot_info.module[i].start, boot_info.module[i].end);
    free_boot_range(boot_info.loader_info.start, boot_info.loader_info.end);
}

void start_hypervisor(u32 magic, u32 info_address)
{
    early_start(magic, info_address);

    memory_map_sanitize();
    show_memory_map();
    check_modules();
    reserve_boot_memory();
    acpi_init();            /* before mm_init(): it reads through the boot tables */

    console_suspend_screen();
    mm_init();
    console_resume_screen();
    if (mm_init_cpu_window(0))
        panic("no memory for the tables of CPU 0");
    percpu_map_boot_stack();
    desc_prepare(0, (void *)(CPU_STACK(0) + STACK_SIZE));

    apic_init();
    irq_init();
    apic_init_cpu();        /* calibration uses its timer */
    time_init();

    sched_init(opt_scheduler[0] ? opt_scheduler : NULL);
    domain_subsystem_init();
    pv_init();
    smp_init_boot_cpu();    /* interrupts are on from here */
    console_init_late();
    smp_boot();
    debug_keys_init();
    watchdog_init();

    log_info("%s: family %u, model %u, stepping %u%s%s\n", cpu.brand[0] ? cpu.brand : cpu.vendor, cpu.family,
             cpu.model, cpu.stepping, cpu.smep ? ", SMEP" : "", cpu.smap ? ", SMAP" : "");
    printk("%u CPU%s, %lu MiB of memory, %lu MiB free\n", cpu_count, cpu_count == 1 ? "" : "s",
           memory_total() >> 20, free_pages() >> (20 - PAGE_SHIFT));

    watchdog_pause();       /* much memory takes long to clear */
    dom0_build(&boot_info.module[0], boot_info.nr_modules > 1 ? &boot_info.module[1] : NULL);
    watchdog_resume();
    free_boot_memory();
    continue_running(current);
}
