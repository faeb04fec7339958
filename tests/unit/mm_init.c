/* SPDX-License-Identifier: MIT */
/*
 * Start-up of memory management, from the hypervisor's own files, on memory maps from 16 MiB to 4 TiB with holes: the
 * tables that it makes are walked, and every frame of RAM must be mapped and covered as mm/layout.h says, nothing
 * mapped twice that must not be, and all that was free be free or accounted for.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake/memory.h"

#include "boot/info.h"
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/spec.h"
#include "lib/image.h"
#include "lib/option.h"
#include "mm/machine.h"
#include "tap.h"

struct boot_info boot_info;
struct cpu_features cpu;
struct spec_plan spec_plan;
u64 image_phys = 0x200000;

/* An image of a page of code, one of read-only data, two of data. */
char image_start[4 * PAGE_SIZE] __aligned(4096);
__asm__(".globl image_text_end, image_rodata_end, image_end\n"
        ".set image_text_end, image_start + 0x1000\n"
        ".set image_rodata_end, image_start + 0x2000\n"
        ".set image_end, image_start + 0x4000\n");

int option_word_to_bool(const char *value)
{
    return !strcmp(value, "yes") ? 1 : !strcmp(value, "no") ? 0 : -1;
}

size_t strlcpy(char *to, const char *from, size_t size)
{
    return (size_t)snprintf(to, size, "%s", from);
}

struct scenario {
    const char *name;
    struct mem_range map[8], reserved[4];
    bool page1gb;
    u64 frames;     /* of RAM that is used */
};

#define TIB(n) ((u64)(n) << 40)

static const struct scenario scenarios[] = {
    { "16 MiB", { { 0, 0x9f000, 1 }, { MB(1), MB(16), 1 } }, { { MB(2), MB(3), 1 } }, false, 0x9f + 15 * 256 },
    { "256 MiB with odd ends", { { 0, 0x9fc00, 1 }, { MB(1), MB(256) - 0x1234, 1 }, { MB(256), MB(257), 2 } },
      { { MB(2), MB(4), 1 }, { 0x8000, 0x9000, 1 }, { MB(100) + 5, MB(101) + 5, 1 } }, false, 0x9f + 255 * 256 - 2 },
    { "5 GiB with a hole, large pages", { { 0, 0x9f000, 1 }, { MB(1), GB(3), 1 }, { GB(4), GB(6), 1 } },
      { { MB(2), MB(4), 1 } }, true, 0x9f + 3 * 262144 - 256 + 2 * 262144 },
    { "pieces up to 4 TiB, and beyond", { { 0, 0x9f000, 1 }, { MB(1), MB(64), 1 }, { GB(700) + MB(1), GB(700) + MB(3), 1 },
      { TIB(4) - MB(32), TIB(4) + MB(32), 1 }, { TIB(5), TIB(5) + MB(64), 1 } }, { { MB(2), MB(4), 1 } }, false,
      0x9f + 63 * 256 + 512 + 32 * 256 },
};

static unsigned int problems;

static void problem(const char *what, u64 at)
{
    if (problems++ < 10)
        printf("# %s: %#lx\n", what, (unsigned long)at);
}

/* The address that va is mapped to, and the leaf's flags; false: not mapped. */
static bool lookup(unsigned long va, u64 *at, u64 *flags)
{
    const u64 *table = hv_l4;

    for (unsigned int level = 4; ; level--) {
        u64 pte = table[pt_index(va, level)], size = 1UL << (PAGE_SHIFT + 9 * (level - 1));

        if (!(pte & PTE_P))
            return false;
        if (level == 1 || (pte & PTE_PSE)) {
            *at = (pte & PTE_ADDR) + (va & (size - 1));
            *flags = pte & ~PTE_ADDR;
            return true;
        }
        table = mfn_to_virt(pte_mfn(pte));
    }
}

static bool in(u64 at, const struct mem_range *r, unsigned int n)
{
    for (unsigned int i = 0; i < n; i++)
        if (r[i].type == 1 && at >= r[i].start && at < r[i].end)
            return true;
    return false;
}

/* Memory behind an array's row is the hypervisor's own, and backs no other row. */
static void check_backing(unsigned long va, const char *what, u64 frame)
{
    u64 at, flags;

    if (!lookup(va, &at, &flags) || !(flags & PTE_RW) || !(flags & PTE_NX) || (flags & PTE_US))
        problem(what, frame);
    else if (mfn_to_frame(MFN(at >> PAGE_SHIFT))->owner != FRAME_OWNER_HV)
        problem("memory of the frame table that is not the hypervisor's", at);
}

static void check_frame(const struct scenario *s, u64 frame)
{
    u64 at, flags, ro, address = frame << PAGE_SHIFT;
    const struct frame *f = mfn_to_frame(MFN(frame));

    if (!mfn_valid(MFN(frame)))
        problem("RAM that is not valid", frame);
    if (!lookup(DIRECT_MAP_START + address, &at, &flags) || at != address || !(flags & PTE_RW) || !(flags & PTE_NX) ||
        (flags & PTE_US))
        problem("RAM that is not mapped one to one", frame);
    if (in(address, s->reserved, 4) && f->owner != FRAME_OWNER_HV)
        problem("reserved memory that is not the hypervisor's", frame);
    check_backing(FRAME_TABLE_START + frame * sizeof(*f), "no row of the frame table", frame);
    check_backing(FRAME_TABLE_START + (frame + 1) * sizeof(*f) - 1, "no end of the row", frame);
    check_backing(M2P_RW_START + frame * 8, "no entry of the M2P", frame);
    lookup(M2P_RW_START + frame * 8, &at, &flags);
    if (!lookup(M2P_RO_START + frame * 8, &ro, &flags) || ro != at || (flags & PTE_RW) || !(flags & PTE_US) ||
        !(flags & PTE_NX))
        problem("no read-only entry of the M2P for guests", frame);
}

static void check_image(void)
{
    static const u64 want[] = { PTE_HV_RX, PTE_HV_RO, PTE_HV_RW, PTE_HV_RW };
    u64 at, flags;

    for (unsigned int i = 0; i < 4; i++)
        if (!lookup((unsigned long)image_start + i * PAGE_SIZE, &at, &flags) || at != image_phys + i * PAGE_SIZE ||
            (flags & (PTE_RW | PTE_NX)) != (want[i] & (PTE_RW | PTE_NX)))
            problem("a page of the image", i);
}

static void check_rest(void)
{
    u64 hv = 0, at, flags;
    u64 *page = hv_alloc_page();
    char *device = ioremap(MADDR(0xfee00010), 0x20, false);

    for (u64 frame = 1; frame < frame_limit; frame++)
        if (mfn_valid(MFN(frame)))
            hv += mfn_to_frame(MFN(frame))->owner == FRAME_OWNER_HV;
        else if (!frame_lookup(MFN(frame)))
            frame |= 511;
    if (hv + 1 != hv_pages())   /* frame 0 */
        problem("the count of the hypervisor's pages", hv);
    if (free_pages() + hv_pages() != total_pages())
        problem("free and used are not all", free_pages());
    if (!page || page[511])
        problem("no page", 0);
    if (!lookup((unsigned long)device, &at, &flags) || at != 0xfee00010 || !(flags & PTE_PCD))
        problem("a device mapping", at);
    if (mm_init_cpu_window(3) || !cpu_window_pte(3, 31))
        problem("a CPU's window", 3);
    *cpu_window_pte(3, 31) = make_pte(MFN(5), PTE_P);
    if (!lookup(CPU_WINDOW(3) + 31 * PAGE_SIZE, &at, &flags) || at != 5 * PAGE_SIZE)
        problem("a page of a CPU's window", at);
    if (lookup(CPU_WINDOW(4), &at, &flags))
        problem("another CPU's window", at);
}

static int run(const struct scenario *s)
{
    u64 last = 0, ram = 0, before;

    for (unsigned int i = 0; i < 8 && s->map[i].end; i++) {
        const struct mem_range *r = &s->map[i];

        memory_map_add(r->start, r->end - r->start, r->type);
        last = max(last, min(r->end, (u64)MAX_RAM));
    }
    memory_map_sanitize();
    for (unsigned int i = 0; i < 4 && s->reserved[i].end; i++)
        memory_reserve(s->reserved[i].start, s->reserved[i].end);
    cpu.page1gb = s->page1gb;
    cpu.nx = true;
    cpu.phys_bits = 46;
    fake_memory(last >> PAGE_SHIFT);
    mm_init();

    for (unsigned int i = 0; i < boot_memory.nr_map; i++) {
        const struct mem_range *r = &boot_memory.map[i];
        u64 first = ALIGN_UP(r->start, PAGE_SIZE) >> PAGE_SHIFT, end = min(r->end, (u64)MAX_RAM) >> PAGE_SHIFT;

        for (u64 frame = first; r->type == 1 && frame < end; frame++, ram++)
            check_frame(s, frame);
    }
    if (ram != s->frames || total_pages() != ram)
        problem("the amount of RAM", ram);
    check_image();
    check_rest();
    before = free_pages();
    mm_free_boot_range(s->reserved[0].start, s->reserved[0].end);
    if (free_pages() != before + (s->reserved[0].end - s->reserved[0].start) / PAGE_SIZE)
        problem("a boot module's memory is not free", free_pages() - before);
    return problems != 0;
}

int main(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(scenarios); i++) {
        int status = 1;

        fflush(stdout);
        if (!fork()) {
            status = run(&scenarios[i]);
            fflush(stdout);
            _exit(status);
        }
        wait(&status);
        ok(status == 0, "%s", scenarios[i].name);
    }
    return done_testing();
}
