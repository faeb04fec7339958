/* SPDX-License-Identifier: MIT */
/*
 * Makes Domain-0 from its kernel and RAM disk: memory, page tables and start_info as the ABI lays them out
 * (xen/xen.h, struct start_info).
 *
 * The domain's frames come in a few large extents; pfn n is the n-th frame of them. From virt_base upwards,
 * in order of pfn: kernel, RAM disk (unless its pfn is enough for the kernel), P2M (unless the kernel names a
 * place for it), start_info, page tables, boot stack; then padding. What is not mapped there comes after it.
 */
#include "boot/dom0_elf.h"
#include "boot/options.h"
#include "domain/control.h"
#include "mm/mm.h"
#include "mm/pte.h"
#include "pv/hypercall.h"

/* One for each CPU, within what the options allow. */
static unsigned int choose_vcpus(void)
{
    unsigned int count = cpu_count;

    if (dom0_vcpus.min)
        count = min(max(count, dom0_vcpus.min), dom0_vcpus.max);
    if (count > MAX_VCPUS)
        log_warn("Domain-0 gets %u vCPUs, not %u: a PV domain has no more", MAX_VCPUS, count);
    return min(count, (unsigned int)MAX_VCPUS);
}

/* --- memory by pfn --- */

#define MAX_EXTENTS 1024

struct extent {
    u64 pfn, mfn, count;
};

/* A run of pages, and where it is mapped; no pages: it is not there, or not mapped. */
struct part {
    u64 va, pfn, pages;
};

struct builder {
    struct domain *d;
    struct elf_image elf;
    struct boot_module kernel, ramdisk;
    u64 nr_pages, pages_used, tables_used;
    struct extent *extents;         /* ascending by pfn, without gaps */
    unsigned int nr_extents;
    struct part p2m, info, tables, stack, initrd;
    u64 end;                        /* of what is mapped from virt_base on */
};

/*
 * What Domain-0 gets: what was asked for, or all but a reserve for the hypervisor's own use. And how much it may have
 * later on: dom0_mem=max:, never less than at the start.
 */
static void choose_memory(struct builder *b)
{
    const struct dom0_memory *o = &dom0_memory;
    u64 available = free_pages() << PAGE_SHIFT, most = memory_amount_bytes(&o->max, available);
    u64 bytes = o->mem.set ? memory_amount_bytes(&o->mem, available) : available - min(available / 16, MB(128));

    bytes = max(bytes, memory_amount_bytes(&o->min, available));
    bytes = min(bytes, most);
    b->nr_pages = min(bytes, available - min(available, MB(1))) >> PAGE_SHIFT;
    b->d->mm.max_pages = min(max(b->nr_pages, most >> PAGE_SHIFT), (u64)UINT32_MAX);
}

/* There are few extents, and the large ones come first. */
static mfn_t mfn_of(const struct builder *b, u64 pfn)
{
    const struct extent *e = b->extents;

    while (pfn - e->pfn >= e->count)
        e++;
    return MFN(e->mfn + (pfn - e->pfn));
}

/* Writes into the domain's memory at a byte address from its pfn 0. */
static void write_memory(const struct builder *b, u64 at, const void *from, u64 size)
{
    while (size) {
        u64 n = min(size, PAGE_SIZE - at % PAGE_SIZE);

        memcpy((char *)mfn_to_virt(mfn_of(b, at >> PAGE_SHIFT)) + at % PAGE_SIZE, from, n);
        at += n;
        from = (const char *)from + n;
        size -= n;
    }
}

static void allocate_memory(struct builder *b)
{
    u64 done = 0;

    b->extents = xzalloc_array(struct extent, MAX_EXTENTS);
    for (int order = MAX_ORDER; b->extents && order >= 0; order--)
        while (1UL << order <= b->nr_pages - done && b->nr_extents < MAX_EXTENTS) {
            const struct frame *f = alloc_domain_frames(b->d, order, 0);

            if (!f)
                break;
            b->extents[b->nr_extents++] = (struct extent){ done, frame_to_mfn(f).v, 1UL << order };
            done += 1UL << order;
        }
    if (done < b->nr_pages)
        panic("Domain-0: only %lu of %lu pages could be allocated; lower dom0_mem", done, b->nr_pages);
}

/* --- layout --- */

/* Tables below the root that cover [start, end): one for each span of 512 entries that the range touches. */
static u64 tables_for(u64 start, u64 end)
{
    u64 count = 0;

    for (unsigned int shift = PAGE_SHIFT + 9; shift < PAGE_SHIFT + 9 * 4; shift += 9)
        count += ((end - 1) >> shift) - (start >> shift) + 1;
    return count;
}

/* The next pages of the domain's memory, where they lie when they are mapped in order from virt_base on. */
static struct part take(struct builder *b, u64 pages)
{
    struct part part = { b->elf.virt_base + (b->pages_used << PAGE_SHIFT), b->pages_used, pages };

    b->pages_used += pages;
    return part;
}

static void plan(struct builder *b)
{
    const struct elf_image *e = &b->elf;
    u64 ramdisk_pages = DIV_ROUND_UP(b->ramdisk.end - b->ramdisk.start, PAGE_SIZE);
    u64 p2m_pages = DIV_ROUND_UP(b->nr_pages * 8, PAGE_SIZE), need = 1, before_tables;

    b->pages_used = DIV_ROUND_UP(e->virt_end - e->virt_base, PAGE_SIZE);
    if (!e->mod_start_pfn)
        b->initrd = take(b, ramdisk_pages);
    if (!e->has_init_p2m)
        b->p2m = take(b, p2m_pages);
    b->info = take(b, 1);
    before_tables = b->pages_used;
    /* The tables map themselves, so their number depends on itself; it settles after a step or two. */
    do {
        b->pages_used = before_tables;
        b->tables = take(b, need);
        b->stack = take(b, 1);
        b->end = ALIGN_UP(b->stack.va + PAGE_SIZE + KB(512), MB(4));
        need = 1 + tables_for(e->virt_base, b->end);
        if (e->has_init_p2m)
            need += tables_for(e->init_p2m, e->init_p2m + p2m_pages * PAGE_SIZE);
    } while (need > b->tables.pages);
    b->pages_used = (b->end - e->virt_base) >> PAGE_SHIFT;

    if (e->has_init_p2m) {
        b->p2m = take(b, p2m_pages);
        b->p2m.va = e->init_p2m;
    }
    if (e->mod_start_pfn)
        b->initrd = take(b, ramdisk_pages);
    if (b->pages_used > b->nr_pages)
        panic("Domain-0: kernel and RAM disk need %lu MiB, and it gets %lu MiB; raise dom0_mem",
              (b->pages_used >> 8) + 1, b->nr_pages >> 8);
}

/* --- page tables --- */

#define DOM0_TABLE_BITS (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define DOM0_PAGE_BITS  (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_GUEST_KERNEL)

static mfn_t new_table(struct builder *b)
{
    BUG_ON(b->tables_used == b->tables.pages);
    return mfn_of(b, b->tables.pfn + b->tables_used++);
}

/* The root is the first table. */
static void map_pages(struct builder *b, mfn_t root, u64 va, u64 pfn, u64 pages)
{
    for (; pages--; va += PAGE_SIZE, pfn++) {
        bool is_table = pfn - b->tables.pfn < b->tables.pages;
        u64 *table = mfn_to_virt(root);

        for (unsigned int level = 4; level > 1; level--) {
            u64 *entry = &table[pt_index(va, level)];

            if (!*entry)
                *entry = make_pte(new_table(b), DOM0_TABLE_BITS);
            table = mfn_to_virt(pte_mfn(*entry));
        }
        table[pt_index(va, 1)] = make_pte(mfn_of(b, pfn), DOM0_PAGE_BITS & ~(is_table ? PTE_RW : 0));
    }
}

static mfn_t build_tables(struct builder *b)
{
    mfn_t root = new_table(b);

    map_pages(b, root, b->elf.virt_base, 0, (b->end - b->elf.virt_base) >> PAGE_SHIFT);
    if (b->elf.has_init_p2m)
        map_pages(b, root, b->p2m.va, b->p2m.pfn, b->p2m.pages);
    return root;
}

/* --- contents --- */

/* Frames of a new domain are zero, so that only what the files have is written. */
static void load_files(const struct builder *b)
{
    const struct elf_image *e = &b->elf;
    const char *image = maddr_to_virt(MADDR(b->kernel.start));

    for (unsigned int i = 0; i < e->nr_segments; i++)
        write_memory(b, e->segments[i].paddr - e->paddr_offset, image + e->segments[i].file_offset,
                     e->segments[i].file_size);
    if (e->has_hypercall_page)
        hypercall_page_fill(mfn_to_virt(mfn_of(b, (e->hypercall_page - e->virt_base) >> PAGE_SHIFT)));
    write_memory(b, b->initrd.pfn << PAGE_SHIFT, maddr_to_virt(MADDR(b->ramdisk.start)),
                 b->ramdisk.end - b->ramdisk.start);
}

static void write_p2m(const struct builder *b)
{
    for (u64 pfn = 0; pfn < b->nr_pages; pfn++) {
        mfn_t mfn = mfn_of(b, pfn);
        u64 *page = mfn_to_virt(mfn_of(b, b->p2m.pfn + pfn / 512));

        page[pfn % 512] = mfn.v;
        m2p_set(mfn, pfn);
    }
}

static void write_start_info(const struct builder *b)
{
    struct start_info *si = mfn_to_virt(mfn_of(b, b->info.pfn));

    snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
    si->nr_pages = b->nr_pages;
    si->shared_info = virt_to_mfn(b->d->shared_info).v << PAGE_SHIFT;
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = b->tables.va;
    si->nr_pt_frames = b->tables.pages;
    si->mfn_list = b->p2m.va;
    if (b->elf.has_init_p2m) {
        si->first_p2m_pfn = b->p2m.pfn;
        si->nr_p2m_frames = b->p2m.pages;
    }
    if (b->initrd.pages) {
        si->mod_start = b->elf.mod_start_pfn ? b->initrd.pfn : b->initrd.va;
        si->mod_len = b->ramdisk.end - b->ramdisk.start;
        si->flags |= b->elf.mod_start_pfn ? SIF_MOD_START_PFN : 0;
    }
    if (b->kernel.cmdline)
        strlcpy((char *)si->cmd_line, b->kernel.cmdline, sizeof(si->cmd_line));
}

/* --- vCPUs --- */

static void start_vcpu0(const struct builder *b, mfn_t root)
{
    u64 sp = b->stack.va + PAGE_SIZE;
    const struct vcpu_guest_context ctx = {
        .flags = VGCF_in_kernel | VGCF_online,
        .user_regs = { .rip = b->elf.entry, .rsp = sp, .rsi = b->info.va, .rflags = 1 << 9 /* IF */,
                       .cs = FLAT_USER_CS64, .ss = FLAT_USER_SS },
        .kernel_ss = FLAT_USER_SS, .kernel_sp = sp, .vm_assist = 1 << VMASST_TYPE_pae_extended_cr3,
        .ctrlreg = { [3] = xen_pfn_to_cr3(root.v) },
    };
    int err = mm_pin_root(b->d, root) ?: pv_set_context(b->d->vcpu[0], &ctx);

    if (err)
        panic("Domain-0: its first page tables or context are refused: error %d", err);
}

void dom0_build(const struct boot_module *kernel, const struct boot_module *ramdisk)
{
    struct builder b = { .kernel = *kernel };
    const struct xen_domctl_createdomain config = { .max_vcpus = choose_vcpus(),
                                                    .max_evtchn_port = EVTCHN_PORTS - 1,
                                                    .max_grant_frames = -1, .max_maptrack_frames = -1 };
    struct tn_error wrong = { "" };
    int err;

    if (dom0_elf_read(&b.elf, maddr_to_virt(MADDR(kernel->start)), kernel->end - kernel->start, &wrong) < 0)
        panic("%s", wrong.text);
    if (ramdisk)
        b.ramdisk = *ramdisk;
    err = domain_create(0, &config, &b.d);
    if (err)
        panic("Domain-0 cannot be created: error %d", err);
    for (unsigned int i = 0; i < config.max_vcpus; i++) {
        err = vcpu_create(b.d, i, i % cpu_count);
        if (err)
            panic("Domain-0: vCPU %u: error %d", i, err);
    }
    choose_memory(&b);
    plan(&b);
    allocate_memory(&b);
    load_files(&b);
    mfn_t root = build_tables(&b);
    write_p2m(&b);
    write_start_info(&b);
    start_vcpu0(&b, root);
    log_info("Domain-0: %s, %lu MiB, %u vCPUs, kernel at %016lx, entry %016lx", b.elf.notes.guest_os,
             b.nr_pages >> 8, b.d->max_vcpus, b.elf.virt_start, b.elf.entry);
    xfree(b.extents);
    b.d->vcpu[0]->sched.blocked &= ~VCPU_DOWN;
    (void)domctl_unpausedomain(b.d, NULL);
}
