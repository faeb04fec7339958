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
#include "domain/domain.h"
#include "mm/mm.h"
#include "mm/pte.h"
#include "pv/hypercall.h"

/* What Domain-0 gets: what was asked for, or all but a reserve for the hypervisor's own use. */
static u64 choose_memory(void)
{
    const struct dom0_options *o = &dom0_options;
    u64 available = free_pages() << PAGE_SHIFT, reserve = min(available / 16, MB(128)), bytes;

    bytes = o->mem.set ? memory_amount_bytes(&o->mem, available) : available - reserve;
    if (o->mem_min.set)
        bytes = max(bytes, memory_amount_bytes(&o->mem_min, available));
    if (o->mem_max.set)
        bytes = min(bytes, memory_amount_bytes(&o->mem_max, available));
    return min(bytes, available - min(available, MB(1))) >> PAGE_SHIFT;
}

/* How many pages it may have later on: dom0_mem=max:, never less than at the start. */
static u32 choose_maximum(u64 start)
{
    u64 available = free_pages() << PAGE_SHIFT;

    if (!dom0_options.mem_max.set)
        return UINT32_MAX;
    return (u32)max(start, memory_amount_bytes(&dom0_options.mem_max, available) >> PAGE_SHIFT);
}

/* One for each CPU, within what the options allow. */
static unsigned int choose_vcpus(void)
{
    unsigned int count = cpu_count;

    if (dom0_options.max_vcpus_min)
        count = min(max(count, dom0_options.max_vcpus_min), dom0_options.max_vcpus_max);
    if (count > MAX_VCPUS)
        log_warn("Domain-0 gets %u vCPUs, not %u: a PV domain has no more", MAX_VCPUS, count);
    return min(count, (unsigned int)MAX_VCPUS);
}

/* --- memory by pfn --- */

#define MAX_EXTENTS 1024

struct extent {
    u64 pfn, mfn, count;
};

struct builder {
    struct domain *d;
    struct elf_kernel elf;
    struct boot_module kernel, ramdisk;
    u64 nr_pages;
    struct extent *extents;
    unsigned int nr_extents;
    /* The layout, in virtual addresses; each part begins where the one before ends. */
    u64 base, ramdisk_va, p2m_va, info_va, tables_va, stack_va, end;
    u64 nr_tables, tables_used;
    u64 p2m_pages, p2m_pfn, ramdisk_pfn;
    u64 *l4;
};

static mfn_t mfn_of(const struct builder *b, u64 pfn)
{
    unsigned int low = 0, high = b->nr_extents;

    while (high - low > 1) {
        unsigned int middle = (low + high) / 2;

        if (b->extents[middle].pfn <= pfn)
            low = middle;
        else
            high = middle;
    }
    return MFN(b->extents[low].mfn + (pfn - b->extents[low].pfn));
}

static u64 pfn_at(const struct builder *b, u64 va) { return (va - b->base) >> PAGE_SHIFT; }

/* Writes into the domain's memory at byte address from its pfn 0. */
static void write_memory(const struct builder *b, u64 at, const void *from, u64 size)
{
    while (size) {
        u64 part = min(size, PAGE_SIZE - at % PAGE_SIZE);

        memcpy((char *)mfn_to_virt(mfn_of(b, at >> PAGE_SHIFT)) + at % PAGE_SIZE, from, part);
        at += part;
        from = (const char *)from + part;
        size -= part;
    }
}

static void allocate_memory(struct builder *b)
{
    unsigned int order = MAX_ORDER;
    u64 done = 0;

    while (done < b->nr_pages && b->nr_extents < MAX_EXTENTS) {
        struct frame *f;

        while ((1UL << order) > b->nr_pages - done)
            order--;
        f = alloc_domain_frames(b->d, order, ALLOC_DMA_BITS_ANY);
        if (!f) {
            if (!order--)
                break;
            continue;
        }
        b->extents[b->nr_extents++] = (struct extent){ done, frame_to_mfn(f).v, 1UL << order };
        done += 1UL << order;
    }
    if (done < b->nr_pages)
        panic("Domain-0: only %lu of %lu pages could be allocated; lower dom0_mem", (unsigned long)done,
              (unsigned long)b->nr_pages);
}

/* --- layout --- */

/* Tables of a level that cover [start, end): one for each span of 512 entries that the range touches. */
static u64 tables_at_level(u64 start, u64 end, unsigned int level)
{
    unsigned int shift = PAGE_SHIFT + 9 * level;

    return ((end - 1) >> shift) - (start >> shift) + 1;
}

static u64 tables_for(u64 start, u64 end)
{
    return tables_at_level(start, end, 1) + tables_at_level(start, end, 2) + tables_at_level(start, end, 3);
}

static void plan(struct builder *b)
{
    u64 ramdisk_size = b->ramdisk.end - b->ramdisk.start;
    u64 at;

    b->base = b->elf.virt_base;
    b->p2m_pages = DIV_ROUND_UP(b->nr_pages * 8, PAGE_SIZE);
    at = b->ramdisk_va = ALIGN_UP(b->elf.end, PAGE_SIZE);
    if (!b->elf.mod_start_pfn)
        at += ALIGN_UP(ramdisk_size, PAGE_SIZE);
    b->p2m_va = at;
    if (!b->elf.init_p2m)
        at += b->p2m_pages * PAGE_SIZE;
    b->info_va = at;
    b->tables_va = at + PAGE_SIZE;
    /* The tables map themselves, so their number depends on itself; it settles after a step or two. */
    for (b->nr_tables = 1;;) {
        u64 need;

        b->stack_va = b->tables_va + b->nr_tables * PAGE_SIZE;
        b->end = ALIGN_UP(b->stack_va + PAGE_SIZE + KB(512), MB(4));
        need = 1 + tables_for(b->base, b->end);
        if (b->elf.init_p2m)
            need += tables_for(b->elf.init_p2m, b->elf.init_p2m + b->p2m_pages * PAGE_SIZE);
        if (need <= b->nr_tables)
            break;
        b->nr_tables = need;
    }

    at = pfn_at(b, b->end);
    b->p2m_pfn = b->elf.init_p2m ? at : pfn_at(b, b->p2m_va);
    if (b->elf.init_p2m)
        at += b->p2m_pages;
    b->ramdisk_pfn = b->elf.mod_start_pfn ? at : pfn_at(b, b->ramdisk_va);
    if (b->elf.mod_start_pfn)
        at += DIV_ROUND_UP(ramdisk_size, PAGE_SIZE);
    if (at > b->nr_pages)
        panic("Domain-0: kernel and RAM disk need %lu MiB, and it gets %lu MiB; raise dom0_mem",
              (unsigned long)(at >> 8) + 1, (unsigned long)(b->nr_pages >> 8));
}

/* --- page tables --- */

#define DOM0_TABLE_BITS (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define DOM0_PAGE_BITS  (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_GUEST_KERNEL)

static u64 *new_table(struct builder *b, mfn_t *mfn)
{
    BUG_ON(b->tables_used == b->nr_tables);
    *mfn = mfn_of(b, pfn_at(b, b->tables_va) + b->tables_used++);
    return mfn_to_virt(*mfn);
}

static void map_page(struct builder *b, u64 va, u64 pfn)
{
    u64 first_table = pfn_at(b, b->tables_va);
    u64 *table = b->l4;
    bool is_table = pfn >= first_table && pfn < first_table + b->nr_tables;

    for (unsigned int level = 4; level > 1; level--) {
        u64 *entry = &table[pt_index(va, level)];

        if (!*entry) {
            mfn_t mfn;

            new_table(b, &mfn);
            *entry = make_pte(mfn, DOM0_TABLE_BITS);
        }
        table = mfn_to_virt(pte_mfn(*entry));
    }
    table[pt_index(va, 1)] = make_pte(mfn_of(b, pfn), DOM0_PAGE_BITS & ~(is_table ? PTE_RW : 0));
}

static mfn_t build_tables(struct builder *b)
{
    mfn_t root;

    b->l4 = new_table(b, &root);
    for (u64 va = b->base; va < b->end; va += PAGE_SIZE)
        map_page(b, va, pfn_at(b, va));
    for (u64 i = 0; b->elf.init_p2m && i < b->p2m_pages; i++)
        map_page(b, b->elf.init_p2m + i * PAGE_SIZE, b->p2m_pfn + i);
    return root;
}

/* --- contents --- */

static void load_kernel(struct builder *b)
{
    const char *image = maddr_to_virt(MADDR(b->kernel.start));

    for (unsigned int i = 0; i < b->elf.nr_segments; i++) {
        const struct elf_segment *s = &b->elf.segment[i];

        /* Frames of a new domain are zero, so that only what the file has is written. */
        write_memory(b, s->address - b->base, image + s->offset, s->file_size);
    }
    if (b->elf.hypercall_page) {
        if (b->elf.hypercall_page % PAGE_SIZE || b->elf.hypercall_page < b->base ||
            b->elf.hypercall_page >= b->end)
            panic("Domain-0: its hypercall page at %016lx is outside of its memory",
                  (unsigned long)b->elf.hypercall_page);
        hypercall_page_fill(mfn_to_virt(mfn_of(b, pfn_at(b, b->elf.hypercall_page))));
    }
    if (b->ramdisk.end > b->ramdisk.start)
        write_memory(b, b->ramdisk_pfn << PAGE_SHIFT, maddr_to_virt(MADDR(b->ramdisk.start)),
                     b->ramdisk.end - b->ramdisk.start);
}

static void write_p2m(struct builder *b)
{
    u64 pfn = 0;

    for (unsigned int i = 0; i < b->nr_extents; i++) {
        for (u64 n = 0; n < b->extents[i].count; n++, pfn++) {
            mfn_t mfn = MFN(b->extents[i].mfn + n);
            u64 *page = mfn_to_virt(mfn_of(b, b->p2m_pfn + pfn / 512));

            page[pfn % 512] = mfn.v;
            m2p_set(mfn, pfn);
        }
    }
    b->d->mm.max_pfn_set = b->nr_pages - 1;
}

static void write_start_info(struct builder *b)
{
    struct start_info *si = mfn_to_virt(mfn_of(b, pfn_at(b, b->info_va)));

    snprintf(si->magic, sizeof(si->magic), "xen-3.0-x86_64");
    si->nr_pages = b->nr_pages;
    si->shared_info = virt_to_mfn(b->d->shared_info).v << PAGE_SHIFT;
    si->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    si->pt_base = b->tables_va;
    si->nr_pt_frames = b->nr_tables;
    si->mfn_list = b->elf.init_p2m ? b->elf.init_p2m : b->p2m_va;
    if (b->elf.init_p2m) {
        si->first_p2m_pfn = b->p2m_pfn;
        si->nr_p2m_frames = b->p2m_pages;
    }
    if (b->ramdisk.end > b->ramdisk.start) {
        si->mod_start = b->elf.mod_start_pfn ? b->ramdisk_pfn : b->ramdisk_va;
        si->mod_len = b->ramdisk.end - b->ramdisk.start;
        if (b->elf.mod_start_pfn)
            si->flags |= SIF_MOD_START_PFN;
    }
    if (b->kernel.cmdline)
        strlcpy((char *)si->cmd_line, b->kernel.cmdline, sizeof(si->cmd_line));
}

/* --- vCPUs --- */

static void create_vcpus(struct builder *b)
{
    for (unsigned int i = 0; i < b->d->max_vcpus; i++) {
        int ret = vcpu_create(b->d, i, i % cpu_count);

        if (ret)
            panic("Domain-0: vCPU %u: error %d", i, ret);
    }
}

static void start_vcpu0(struct builder *b, mfn_t root)
{
    struct vcpu_guest_context *ctx = xzalloc(struct vcpu_guest_context);
    struct vcpu *v = b->d->vcpu[0];
    int ret;

    if (!ctx)
        panic("Domain-0: no memory for its first context");
    ctx->flags = VGCF_in_kernel | VGCF_online;
    ctx->user_regs.rip = b->elf.entry;
    ctx->user_regs.rsp = b->stack_va + PAGE_SIZE;
    ctx->user_regs.rsi = b->info_va;
    ctx->user_regs.rflags = 1 << 9; /* IF */
    ctx->user_regs.cs = FLAT_USER_CS64;
    ctx->user_regs.ds = ctx->user_regs.es = ctx->user_regs.ss = FLAT_USER_SS;
    ctx->user_regs.fs = ctx->user_regs.gs = 0;
    ctx->kernel_ss = FLAT_USER_SS;
    ctx->kernel_sp = b->stack_va + PAGE_SIZE;
    ctx->ctrlreg[3] = xen_pfn_to_cr3(root.v);
    ret = mm_pin_root(b->d, root);
    if (!ret)
        ret = pv_set_context(v, ctx);
    if (ret)
        panic("Domain-0: its first page tables or context are refused: error %d", ret);
    xfree(ctx);
}

void dom0_build(const struct boot_module *kernel, const struct boot_module *ramdisk)
{
    struct builder b = { .kernel = *kernel };
    struct domain_config config = { .max_vcpus = choose_vcpus(),
                                    .max_evtchn_port = EVTCHN_PORTS - 1, .max_grant_frames = 64,
                                    .max_maptrack_frames = 1024, .privileged = true, .hardware = true };
    const char *wrong = elf_kernel_parse(maddr_to_virt(MADDR(kernel->start)), kernel->end - kernel->start,
                                         &b.elf);
    mfn_t root;
    int err = 0;

    if (wrong)
        panic("Domain-0: the first module (the kernel) %s", wrong);
    if (ramdisk)
        b.ramdisk = *ramdisk;
    err = domain_create(0, &config, &b.d);
    b.extents = xzalloc_array(struct extent, MAX_EXTENTS);
    if (err || !b.extents)
        panic("Domain-0 cannot be created: error %d", err);
    create_vcpus(&b);
    b.nr_pages = choose_memory();
    b.d->mm.max_pages = choose_maximum(b.nr_pages);
    plan(&b);
    allocate_memory(&b);
    load_kernel(&b);
    root = build_tables(&b);
    write_p2m(&b);
    write_start_info(&b);
    start_vcpu0(&b, root);
    log_info("Domain-0: %s, %lu MiB, %u vCPUs, kernel at %016lx, entry %016lx", b.elf.guest_os,
             (unsigned long)(b.nr_pages >> 8), b.d->max_vcpus, (unsigned long)b.elf.start,
             (unsigned long)b.elf.entry);
    xfree(b.extents);
    b.d->vcpu[0]->sched.blocked &= ~VCPU_DOWN;
    domain_unpause_by_controller(b.d);
}
