/* SPDX-License-Identifier: MIT */
/* Per-CPU memory: the copies of the per-CPU section, and the stacks. */
#include "cpu/percpu.h"

#include "lib/image.h"
#include "mm/alloc.h"
#include "mm/isolation.h"
#include "mm/mm.h"

extern char percpu_template_start[], percpu_template_end[], percpu_boot_cpu[];
extern char boot_cpu_stack[];

unsigned long percpu_offsets[MAX_CPUS];
struct cpumask cpu_online;
unsigned int cpu_count;

static size_t percpu_size(void) { return percpu_template_end - percpu_template_start; }

static struct cpu_info *info_of_stack(char *stack) { return (struct cpu_info *)(stack + STACK_SIZE) - 1; }

static void fill_info(struct cpu_info *info, unsigned int cpu, char *copy)
{
    memcpy(copy, percpu_template_start, percpu_size());
    percpu_offsets[cpu] = copy - percpu_template_start;
    memset(info, 0, sizeof(*info));
    info->cpu = cpu;
    info->percpu_offset = percpu_offsets[cpu];
    info->self = info_of_stack((char *)CPU_STACK(cpu));
}

void percpu_init_boot_cpu(void) { fill_info(info_of_stack(boot_cpu_stack), 0, percpu_boot_cpu); }

void percpu_map_boot_stack(void)
{
    if (!mm_map_cpu_stack(0, MADDR(image_virt_to_phys(boot_cpu_stack)),
                          MADDR(image_virt_to_phys(boot_cpu_stack + STACK_BOTTOM))) ||
        !isolation_init_cpu(0))
        panic("no memory for the tables of CPU 0's stack");
}

bool percpu_prepare(unsigned int cpu)
{
    char *stack = hv_alloc_pages(STACK_ORDER), *high = stack + STACK_LOW_PAGES * PAGE_SIZE;
    char *copy = xzalloc_bytes(percpu_size() + 64);

    if (!stack || !copy || !mm_map_cpu_stack(cpu, mfn_to_maddr(virt_to_mfn(stack)),
                                             mfn_to_maddr(virt_to_mfn(high)))) {
        if (stack)
            hv_free_pages(stack, STACK_ORDER);
        xfree(copy);
        return false;
    }
    /* Whole cache lines, as in the image. */
    fill_info(info_of_stack(high - STACK_BOTTOM), cpu, (char *)ALIGN_UP((unsigned long)copy, 64UL));
    return isolation_init_cpu(cpu);
}
